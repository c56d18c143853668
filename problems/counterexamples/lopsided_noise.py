"""Noise without mean that Top-1 gives a mean: the floor of EF21 with stochastic gradients and an ideal estimate."""

from __future__ import annotations

from typing import Any

import numpy as np

from problems._input import whole
from problems.quadratic import Quadratic
from toolkit.arrays import Array
from toolkit.errors import WrongUse

__all__ = ["LopsidedNoise"]

POINTS = np.array([[2.0, 0.0], [0.0, 1.0], [-2.0, -1.0]])


class LopsidedNoise(Quadratic):
    r"""A round bowl with noise on three points, whose largest coordinates do not cancel.

    .. math:: f(x) = \tfrac L2 \|x\|^2 \text{ on } \mathbb R^2, \qquad
              \xi \text{ uniform on } s \cdot \{(2, 0), (0, 1), (-2, -1)\}, \quad s = \sqrt{3\sigma^2/10}

    so that E ξ = 0, E‖ξ‖² = σ², and E Top₁(ξ) = s(0, ⅓).

    Parameters
    ----------
    L : float
        Curvature.
    sigma_sq : float
        σ², of one sample; the noise of a batch of B has these three points with σ²/B, so that the law below is exact.
    workers : int
        How many workers hold this f, with independent noise.
    start : array, shape (2,)
        Where runs begin.

    Raises
    ------
    WrongUse
        If there is no curvature, no noise or no worker.

    Notes
    -----
    EF21 compresses gradient differences; even with an ideal shift, the exact gradient, the server gets
    ∇f(x) + Top₁(ξ), whose bias no number of workers and no step size removes:
    E‖∇f(x_t)‖² ≥ min(σ²/(30B), ‖∇f(x_0)‖²) from (0, x₂) with x₂ < 0. What repairs it: EF14, whose virtual iterate is
    SGD's, and momentum before the compressor (EF21-SGDM), whose floor vanishes with its parameter. An ideal shift is
    not the best one: with its own estimates, which remember, EF21 has a floor too, but one that for small γ is about
    σ²/(200B) here (measured). Source: Fatkhullin et al., NeurIPS 2023, Theorem 1 (attribution recalled; law derived).

    Examples
    --------
    >>> problem = LopsidedNoise()
    >>> problem.mean_law(stepsize=0.5, steps=60)[-1].round(4)
    array([ 0.    , -0.1826])
    >>> problem.law(stepsize=0.5, steps=60)[-1].round(3)
    np.float64(0.322)
    """

    def __init__(self, L: float = 1.0, sigma_sq: float = 1.0, workers: int = 1, start: Any = (0.0, -0.125)) -> None:
        if not (L > 0 and sigma_sq > 0):
            asked = f"LopsidedNoise(L={L}, sigma_sq={sigma_sq})"
            raise WrongUse(asked, "there is no curvature or no noise", "give positive numbers")
        workers = whole("LopsidedNoise", "workers", workers)
        super().__init__(np.full((workers, 2), float(L)), sigma_sq=sigma_sq, start=np.array(start, dtype=float))
        self.L, self._x_0 = float(L), np.array(start, dtype=float)

    def describe(self) -> dict[str, Any]:
        return {"L": self.L, "sigma_sq": self.sigma_sq, "workers": self.workers, "start": self.start}

    def spread(self, batch: int = 1) -> float:
        """Return s of a batch."""
        return float(np.sqrt(3 * self.sigma_sq / (10 * batch)))

    def stochastic_gradient(self, x: Array, draw: Any, batch: int) -> Array:
        """Return the gradient plus one of the three points, scaled to the variance of a batch."""
        chosen = np.floor(draw.uniform(1)[..., 0] * 3).astype(int)
        return self.gradient(x) + self.spread(batch) * POINTS[chosen]

    def mean_law(self, stepsize: float, steps: int, batch: int = 1) -> Array:
        """Return E x_t of the ideal-shift method with Top-1, shape ``(steps + 1, 2)``."""
        remaining = (1 - stepsize * self.L) ** np.arange(steps + 1)[:, None]
        bias = np.array([0.0, self.spread(batch) / 3])
        return remaining * self._x_0 - (1 - remaining) / self.L * bias

    def law(self, stepsize: float, steps: int, batch: int = 1) -> Array:
        """Return E‖∇f(x_t)‖² of the ideal-shift method with Top-1, shape ``(steps + 1,)``."""
        per_message = (3 - 1 / 9) * self.spread(batch) ** 2 / self.workers  # tr Cov Top₁(ξ), of a mean over workers
        a_sq = (1 - stepsize * self.L) ** 2
        variance = stepsize**2 * per_message * np.cumsum(np.append(0.0, a_sq ** np.arange(steps)))
        return self.L**2 * (np.sum(self.mean_law(stepsize, steps, batch) ** 2, axis=-1) + variance)

    def floor(self, batch: int = 1) -> float:
        """Return the lower bound min(σ²/(30B), ‖∇f(x_0)‖²)."""
        return min(self.sigma_sq / (30 * batch), float(np.sum((self.L * self._x_0) ** 2)))
