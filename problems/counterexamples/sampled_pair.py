"""Two squares, one sampled per step: smooth, strongly convex, and signSGD conserves x₁ + x₂."""

from __future__ import annotations

import numpy as np

from problems.counterexamples.one_sign import OneSign
from toolkit.arrays import Array
from toolkit.errors import WrongUse

__all__ = ["SampledPair"]


class SampledPair(OneSign):
    r"""The sum of two squares of which a step sees one.

    .. math:: f(x) = \langle a_1, x\rangle^2 + \langle a_2, x\rangle^2, \qquad
              a_{1,2} = \pm(1, -1) + \epsilon(1, 1), \quad x_0 = (1, 1)

    Parameters
    ----------
    epsilon : float
        ε in (0, 1).

    Raises
    ------
    WrongUse
        If ε is not in (0, 1).

    Notes
    -----
    The sign of either sample is ±(1, −1), so that with u = x₁ − x₂ the gap is f(x_t) = 2u_t² + 8ε² ≥ f(x_0) = 8ε²,
    whatever the step sizes. A sample is 4⟨a_r, x⟩a_r, the gradient without bias. What repairs it: EF-signSGD converges
    to zero. Source: Karimireddy et al., ICML 2019, CE3 (instance recalled, law derived).

    Examples
    --------
    >>> problem = SampledPair(0.5)
    >>> float(problem.value(np.ones((1, 1, 2)))[0, 0]), round(problem.barrier(), 12)
    (2.0, 2.0)
    """

    def __init__(self, epsilon: float = 0.5) -> None:
        if not 0 < epsilon < 1:
            raise WrongUse(f"SampledPair(epsilon={epsilon})", "ε is not in (0, 1)", "give a number between 0 and 1")
        self.epsilon = float(epsilon)
        away = np.array([1.0, -1.0])
        super().__init__([away + epsilon, -away + epsilon], scale=2.0, start=np.ones(2))

    def law(self, u: Array) -> Array:
        """Return f at the points of the line x₁ + x₂ = 2 with x₁ − x₂ = u."""
        return 2 * u**2 + 8 * self.epsilon**2
