"""Three workers whom Top-1 leads away from the minimum."""

from __future__ import annotations

from typing import Any

import numpy as np

from problems.quadratic import Quadratic
from toolkit.arrays import Array

__all__ = ["ThreeWorkers"]


class ThreeWorkers(Quadratic):
    r"""Strongly convex quadratics on which compressed descent with Top-1 and no memory diverges.

    .. math:: f_i(x) = \langle a_i, x\rangle^2 + \tfrac14\|x\|^2, \quad
              a_1 = (-3, 2, 2),\ a_2 = (2, -3, 2),\ a_3 = (2, 2, -3), \quad x_0 = (1, 1, 1).

    Notes
    -----
    Every f_i is strongly convex (eigenvalues ½, ½, 34½; of the mean 7/6, 103/6, 103/6), yet the iterates are exactly
    (1 + 11γ/6)^t x_0. What repairs it: EF14 and EF21. Source: Beznosikov et al., JMLR 2023, Example 1 (derived;
    attribution recalled).

    Examples
    --------
    >>> problem = ThreeWorkers()
    >>> 2 * problem.gradient(np.ones((1, 1, 3)))[0, 0]
    array([-11.,   9.,   9.])
    >>> problem.law(stepsize=0.1875, steps=2)[:, 0]
    array([1.        , 1.34375   , 1.80566406])
    """

    def __init__(self) -> None:
        a = 2.0 - 5.0 * np.eye(3)
        super().__init__(2 * a[:, :, None] * a[:, None, :] + 0.5 * np.eye(3), start=np.ones(3))

    def describe(self) -> dict[str, Any]:
        return {}

    @staticmethod
    def growth(stepsize: Any) -> Any:
        """Return the factor 1 + 11γ/6 by which a step of the plain method stretches (1, 1, 1)."""
        return 1 + 11 * stepsize / 6

    def law(self, stepsize: float, steps: int) -> Array:
        """Return the iterates of the plain method from (1, 1, 1), shape ``(steps + 1, 3)``."""
        return self.growth(stepsize) ** np.arange(steps + 1)[:, None] * self.start
