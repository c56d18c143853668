"""The numbers of perturbed SGD in Jin et al., JACM 2021: Eq. 8, and what Theorem 16 makes of it."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, log, sqrt

__all__ = ["Eq8"]


@dataclass(frozen=True)
class Eq8:
    r"""Eq. 8 (code): every number follows from ℓ, ρ, ε, the noise, d and ι.

    .. math:: N = 1 + \min\Bigl\{\tfrac{\sigma^2}{\varepsilon^2} + \tfrac{\tilde\ell^2}{\ell\sqrt{\rho\varepsilon}},\
              \tfrac{\sigma^2 d}{\varepsilon^2}\Bigr\}, \qquad
              \eta = \tfrac{1}{\iota^9 \ell N}, \quad r = \iota\varepsilon\sqrt N, \quad
              \mathcal T = \Bigl\lceil\tfrac{\iota}{\eta\sqrt{\rho\varepsilon}}\Bigr\rceil, \quad
              \mathcal F = \iota^{-5}\sqrt{\varepsilon^3/\rho}, \quad
              \mathcal S = \tfrac{2}{\iota^2}\sqrt{\varepsilon/\rho},

    the first entry of the minimum only where the stochastic gradient is ℓ̃-Lipschitz.

    Parameters
    ----------
    L, rho, epsilon, iota : float
        ℓ, ρ, ε and ι.
    sigma_sq : float
        σ², of the norm-sub-Gaussian noise.
    dimension : int
        d.
    L_tilde : float, optional
        ℓ̃; by default the stochastic gradient is not Lipschitz.

    Examples
    --------
    >>> numbers = Eq8(L=1.0, rho=1.0, epsilon=0.5, iota=2.0, sigma_sq=0.25, dimension=100)
    >>> numbers.samples, round(1 / numbers.stepsize), numbers.patience
    (101.0, 51712, 146264)
    >>> Eq8(1.0, 1.0, 0.5, 2.0, 0.25, 100, L_tilde=1.0).samples.__round__(4)
    3.4142
    """

    L: float
    rho: float
    epsilon: float
    iota: float
    sigma_sq: float
    dimension: int
    L_tilde: float | None = None

    @property
    def samples(self) -> float:
        """N, the factor by which noise slows descent down."""
        relative = self.sigma_sq / self.epsilon**2
        slower = relative * self.dimension
        if self.L_tilde is None:
            return 1 + slower
        return 1 + min(relative + self.L_tilde**2 / (self.L * sqrt(self.rho * self.epsilon)), slower)

    @property
    def stepsize(self) -> float:
        """η."""
        return 1 / (self.iota**9 * self.L * self.samples)

    @property
    def radius(self) -> float:
        """r: the injected noise is N(0, (r²/d)I) in every step."""
        return self.iota * self.epsilon * sqrt(self.samples)

    @property
    def patience(self) -> int:
        """𝒯, the steps an escape is given."""
        return ceil(self.iota / (self.stepsize * sqrt(self.rho * self.epsilon)))

    @property
    def fall(self) -> float:
        """𝓕."""
        return sqrt(self.epsilon**3 / self.rho) / self.iota**5

    @property
    def distance(self) -> float:
        """𝒮."""
        return 2 * sqrt(self.epsilon / self.rho) / self.iota**2

    def iterations(self, gap: float) -> int:
        """Return T of Theorem 16 for f(x_0) − f* ≤ gap: of so many iterates half are ε-second-order stationary.

        T is about 100ι¹⁵ℓN·gap/ε², and a start that is no such point has a gap of at least ε²/(2ℓ).
        """
        return ceil(100 * gap * max(self.patience / self.fall, 1 / (self.stepsize * self.epsilon**2)))

    def least_iota(self, gap: float, delta: float, mu_0: float) -> float:
        """Return μ_0(1 + ln Q), which ι has to reach for a probability of at least 1 − δ; μ_0 is not specified.

        .. math:: Q = \\frac{dN\\ell}{\\sqrt{\\rho\\varepsilon}\\,\\delta}\\max\\{1, \\ell\\Delta_f/\\varepsilon^2\\}

        Examples
        --------
        >>> round(Eq8(1.0, 1.0, 1.0, 2.0, 0.0, 10).least_iota(gap=1.0, delta=0.1, mu_0=1.0), 2)
        5.61
        """
        spread = self.dimension * self.samples * max(1.0, self.L * gap / self.epsilon**2) * self.L
        return mu_0 * (1 + log(spread / (sqrt(self.rho * self.epsilon) * delta)))
