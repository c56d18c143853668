"""Two workers whose gradients are always tied: the tie rule decides that nothing moves."""

from __future__ import annotations

from typing import Any

import numpy as np

from problems.quadratic import Quadratic
from toolkit.arrays import Array

__all__ = ["TiedPair"]


class TiedPair(Quadratic):
    r"""Two convex functions, each with a gradient of two equal magnitudes at every point.

    .. math:: f_1(x) = \tfrac12 (x_1 + x_2)^2, \quad f_2(x) = \tfrac12 (x_2 - x_1)^2, \qquad
              f(x) = \tfrac12 (x_1^2 + x_2^2), \quad x_0 = (1, 1)

    Notes
    -----
    With Top-1 and ties to the lowest index both workers send their first coordinate, at every point and for ever, and
    the mean of these messages is (x₁, 0): x_t = ((1 − γ)^t x₁, x₂) exactly, f stays above x₂²/2, and f is perfectly
    conditioned. Ties to the highest index freeze the other coordinate. Rounding does not help: the magnitudes agree in
    floating point as well. What repairs it: a memory, or ties broken at random. Source: derived here.

    Examples
    --------
    >>> TiedPair().law(stepsize=0.5, steps=2)
    array([[1.  , 1.  ],
           [0.5 , 1.  ],
           [0.25, 1.  ]])
    """

    def __init__(self) -> None:
        rows = np.array([[1.0, 1.0], [-1.0, 1.0]])
        super().__init__(rows[:, :, None] * rows[:, None, :], start=np.ones(2))

    def describe(self) -> dict[str, Any]:
        return {}

    def law(self, stepsize: float, steps: int) -> Array:
        """Return the iterates of compressed descent with Top-1 and no memory, shape ``(steps + 1, 2)``."""
        return np.stack([(1 - stepsize) ** np.arange(steps + 1), np.ones(steps + 1)], axis=-1)
