"""Two impulses, one early and one late: a constant threshold sends the wrong one."""

from __future__ import annotations

from typing import Any

import numpy as np

from problems._base import Problem
from problems._input import whole
from toolkit.arrays import Array

__all__ = ["LateImpulse"]


class LateImpulse(Problem):
    r"""Gradient samples that are zero but for impulses of 1 in the first step and one of 3/2 in the last.

    .. math:: g_1 = (1, \dots, 1, 0), \qquad g_t = 0 \;(1 < t < T), \qquad g_T = (0, \dots, 0, \tfrac32)

    Parameters
    ----------
    T : int
        Number of steps, at least 2.
    early : int
        How many coordinates have an early impulse; d = early + 1.

    Raises
    ------
    WrongUse
        If T is no integer of 2 or more, or `early` none of 1 or more.

    Notes
    -----
    With one send per early impulse, error feedback that sends these at once loses 9/4 in total. A constant threshold
    that sends as little, 1 < λ ≤ 3/2, keeps them in memory to the end and loses early·T: thresholds are optimal for
    vectors that are given (S-a3), not for those that error feedback makes. What repairs it: a threshold that knows
    when. The samples are those of the linear function with the given ones as gradients, met in order; a run has T
    steps, and f plays no part. Source: S-a4 (derived).

    Examples
    --------
    >>> LateImpulse(3).gradients
    array([[1. , 0. ],
           [0. , 0. ],
           [0. , 1.5]])
    """

    workers = 1
    default_batch = 1

    def __init__(self, T: int = 11, early: int = 1) -> None:
        self.T, self.early = whole("LateImpulse", "T", T, least=2), whole("LateImpulse", "early", early)
        self.dimension = self.early + 1
        self.gradients = np.zeros((self.T, self.dimension))
        self.gradients[0, : self.early], self.gradients[-1, self.early] = 1.0, 1.5

    def describe(self) -> dict[str, Any]:
        return {"T": self.T, "early": self.early}

    def value(self, x: Array) -> Array:
        return (x * self.gradients.mean(axis=0)).sum(axis=-1)

    def gradient(self, x: Array) -> Array:
        return self.gradients.mean(axis=0) + 0 * x

    def stochastic_gradient(self, x: Array, draw: Any, batch: int) -> Array:
        """Return the sample of the step, of step 1 also before the first; whatever the batch."""
        step = min(max(draw.address[1], 1), self.T)
        return self.gradients[step - 1] + 0 * x

    def law(self) -> float:
        """Return the total error early·T of error feedback with a constant threshold in (1, 3/2]."""
        return float(self.early * self.T)

    def optimum(self) -> float:
        """Return the total error 9/4 of sending the early impulses at once."""
        return 2.25
