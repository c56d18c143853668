"""The numbers of perturbed gradient descent in Jin et al., JACM 2021: Eq. 6, and what its statements make of it."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, sqrt

__all__ = ["Eq6"]


@dataclass(frozen=True)
class Eq6:
    r"""Eq. 6 (code): every number follows from ℓ, ρ, ε and ι.

    .. math:: \eta = \tfrac1\ell, \quad r = \tfrac{\varepsilon}{400\iota^3}, \quad
              \mathcal T = \tfrac{\ell\iota}{\sqrt{\rho\varepsilon}}, \quad
              \mathcal F = \tfrac{1}{50\iota^3}\sqrt{\varepsilon^3/\rho}, \quad
              \mathcal S = \tfrac{1}{4\iota}\sqrt{\varepsilon/\rho}, \quad
              \omega = 2^{2-\iota}\ell\mathcal S .

    Examples
    --------
    >>> numbers = Eq6(L=1.0, rho=1.0, epsilon=1.0, iota=20.0)
    >>> numbers.patience, round(numbers.failure(10), 3), round(Eq6(1.0, 1.0, 1.0, 24.0).failure(10), 3)
    (20.0, 0.309, 0.028)
    >>> numbers.iterations(1.0)
    64000000
    """

    L: float
    rho: float
    epsilon: float
    iota: float

    @property
    def stepsize(self) -> float:
        """η."""
        return 1 / self.L

    @property
    def radius(self) -> float:
        """r, of the ball of ξ; the iterate is moved by ηξ."""
        return self.epsilon / (400 * self.iota**3)

    @property
    def patience(self) -> float:
        """𝒯, the steps between perturbations."""
        return self.L * self.iota / sqrt(self.rho * self.epsilon)

    @property
    def fall(self) -> float:
        """𝓕."""
        return sqrt(self.epsilon**3 / self.rho) / (50 * self.iota**3)

    @property
    def distance(self) -> float:
        """𝒮."""
        return sqrt(self.epsilon / self.rho) / (4 * self.iota)

    @property
    def width(self) -> float:
        """ω, of the band of starts that may be stuck, in units in which the ball has the radius r."""
        return 2 ** (2 - self.iota) * self.L * self.distance

    def failure(self, d: int) -> float:
        """Return the probability that Lemma 20 leaves to a perturbation that does not help."""
        return self.L * sqrt(d) / sqrt(self.rho * self.epsilon) * self.iota**2 * 2 ** (8 - self.iota)

    def iterations(self, gap: float) -> int:
        """Return T of Theorem 18 for f(x_0) − f* ≤ gap.

        A start that is no ε-second-order stationary point has a gap of at least ε²/(2ℓ) or (2/3)√(ε³/ρ), so T is at
        least 200ι⁴; and for its probability to be above 0, Tℓ√(d/(ρε)) ι² 2^(8−ι) ≤ 1, ι must be about 50 (derived). So
        from there the theorem says nothing about fewer than 10⁹ steps: it is not run, its lemmas are.
        """
        return ceil(8 * gap * max(self.patience / self.fall, 1 / (self.stepsize * self.epsilon**2)))
