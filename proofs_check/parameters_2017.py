"""The numbers of perturbed gradient descent in its first form, Jin et al., ICML 2017."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, log, sqrt

from toolkit.algorithms.perturbed_gd_2017 import PerturbedGD2017

__all__ = ["Parameters2017"]


@dataclass(frozen=True)
class Parameters2017:
    r"""The parameter block (code): every number follows from ℓ, ρ, ε, c, δ, Δ_f and d.

    .. math:: \chi = 3\max\Bigl\{\ln\tfrac{d\ell\Delta_f}{c\varepsilon^2\delta},\ 4\Bigr\}, \quad
              \eta = \tfrac c\ell, \quad r = \tfrac{\sqrt c}{\chi^2}\tfrac\varepsilon\ell, \quad
              g_{\rm thr} = \tfrac{\sqrt c}{\chi^2}\varepsilon, \quad
              f_{\rm thr} = \tfrac{c}{\chi^3}\sqrt{\varepsilon^3/\rho}, \quad
              t_{\rm thr} = \tfrac{\chi}{c^2}\tfrac{\ell}{\sqrt{\rho\varepsilon}}

    Parameters
    ----------
    L, rho, epsilon : float
        ℓ, ρ and ε ≤ ℓ²/ρ.
    c : float
        At most c_max of the theorem, which is not specified.
    delta, gap : float
        δ and Δ_f ≥ f(x_0) − f*.
    dimension : int
        d.

    Examples
    --------
    >>> numbers = Parameters2017(L=1.0, rho=1.0, epsilon=0.25, c=1.0, delta=0.1, gap=0.1, dimension=3)
    >>> numbers.chi, numbers.stepsize, numbers.patience, round(1 / numbers.fall)
    (12.0, 1.0, 24, 13824)
    >>> numbers.iterations()
    99557
    """

    L: float
    rho: float
    epsilon: float
    c: float
    delta: float
    gap: float
    dimension: int

    @property
    def chi(self) -> float:
        """χ."""
        return 3 * max(log(self.dimension * self.L * self.gap / (self.c * self.epsilon**2 * self.delta)), 4.0)

    @property
    def stepsize(self) -> float:
        """η."""
        return self.c / self.L

    @property
    def radius(self) -> float:
        """r, of the ball of ξ, by which the iterate itself is moved."""
        return self.threshold / self.L

    @property
    def threshold(self) -> float:
        """g_thr."""
        return sqrt(self.c) * self.epsilon / self.chi**2

    @property
    def fall(self) -> float:
        """f_thr."""
        return self.c * sqrt(self.epsilon**3 / self.rho) / self.chi**3

    @property
    def patience(self) -> int:
        """t_thr, rounded up to whole steps."""
        return ceil(self.chi * self.L / (self.c**2 * sqrt(self.rho * self.epsilon)))

    def method(self) -> PerturbedGD2017:
        """Return the method with these numbers; its step size is `stepsize`."""
        return PerturbedGD2017(radius=self.radius, threshold=self.threshold, patience=self.patience, fall=self.fall)

    def iterations(self) -> int:
        r"""Return a number of steps within which a run returns, if no perturbation but the last fails to help.

        .. math:: \Delta_f \Bigl(\tfrac{t_{\rm thr}}{f_{\rm thr}} + \tfrac{2}{\eta\,g_{\rm thr}^2}\Bigr) + t_{\rm thr}
                  \approx \tfrac{\chi^4\ell\Delta_f}{\varepsilon^2}\Bigl(\tfrac1{c^3} + \tfrac2{c^2}\Bigr),

        as every stretch of t_thr steps that helped took f_thr from f and every other step :math:`\eta g_{\rm thr}^2/2`
        (derived, for η ≤ 1/ℓ; the theorem's own O(·), recalled, has the same :math:`\chi^4\ell\Delta_f/\varepsilon^2`).
        """
        per_step = 2 / (self.stepsize * self.threshold**2)
        return ceil(self.gap * (self.patience / self.fall + per_step)) + self.patience
