"""The sign of a full subgradient that never leaves one line."""

from __future__ import annotations

import numpy as np

from problems._base import Problem
from toolkit.arrays import Array
from toolkit.constants import ProblemConstants
from toolkit.errors import WrongUse

__all__ = ["ConservedSum"]


class ConservedSum(Problem):
    r"""A convex function whose subgradients all have the sign ±(1, −1), so that signSGD conserves x₁ + x₂.

    .. math:: f(x) = \epsilon\,|x_1 + x_2| + |x_1 - x_2|, \qquad
              g = \epsilon s_+ (1, 1) + s_- (1, -1), \quad s_\pm = \mathrm{sign}(x_1 \pm x_2) \in \{-1, 1\} .

    Parameters
    ----------
    epsilon : float
        ε in (0, 1): how steep f is along the conserved direction.

    Raises
    ------
    WrongUse
        If ε is not in (0, 1).

    Notes
    -----
    From (1, 1) and for every sequence of step sizes f(x_t) ≥ f(x_0) = 2ε, although f* = 0; with a constant γ the gap
    alternates between 2ε and 2ε + 2γ. Nothing is random and the subgradient is exact; f is not smooth, as the rates of
    signSGD ask. On the kinks the sign is +1: with 0 the run would leave the line. What repairs it: a memory, whose rate
    S-d4 needs no smoothness. Source: Karimireddy et al., ICML 2019, CE2 (instance recalled, law derived).

    Examples
    --------
    >>> ConservedSum(0.25).law(stepsize=0.125, steps=3)
    array([0.5 , 0.75, 0.5 , 0.75])
    """

    workers = 1
    dimension = 2
    f_star = 0.0
    x_star = np.zeros(2)
    start = np.ones(2)

    def __init__(self, epsilon: float = 0.5) -> None:
        if not 0 < epsilon < 1:
            raise WrongUse(f"ConservedSum(epsilon={epsilon})", "ε is not in (0, 1)", "give a number between 0 and 1")
        self.epsilon = float(epsilon)

    def value(self, x: Array) -> Array:
        return self.epsilon * np.abs(x[..., 0] + x[..., 1]) + np.abs(x[..., 0] - x[..., 1])

    def gradient(self, x: Array) -> Array:
        plus = self.epsilon * np.where(x[..., 0] + x[..., 1] >= 0, 1.0, -1.0)
        minus = np.where(x[..., 0] - x[..., 1] >= 0, 1.0, -1.0)
        return np.stack([plus + minus, plus - minus], axis=-1)

    @property
    def constants(self) -> ProblemConstants:
        return ProblemConstants(convex=True)

    @property
    def gradient_norm_sq(self) -> float:
        """‖g‖² = 2(1 + ε²), the same at every point."""
        return 2 * (1 + self.epsilon**2)

    def law(self, stepsize: float, steps: int) -> Array:
        """Return f(x_t) of signSGD from (1, 1) with a constant step size, at t = 0, …, steps."""
        return 2 * self.epsilon + 2 * stepsize * (np.arange(steps + 1) % 2)
