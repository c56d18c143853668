"""Gradient descent on the octopus function with numbers that cannot underflow."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from toolkit.arrays import Array

__all__ = ["Descent"]


class Descent:
    """A run of gradient descent that keeps the logarithms of the coordinates that have not passed 2τ.

    Where every coordinate moves by a factor, that is while the first that has not passed is within τ, many steps are
    made at once; the steps on the seam from τ to 2τ, about ten for each coordinate, are made one by one.

    Parameters
    ----------
    octopus : Octopus
        The function.
    stepsize : float
        η, below 1/(2L).
    start : array, shape (d,)
        None of it 0, all within τ.

    Attributes
    ----------
    step : int
        Steps made so far.
    passages : list of int
        The steps after which a coordinate had passed 2τ.
    """

    def __init__(self, octopus: Any, stepsize: float, start: Array) -> None:
        self._octopus, self._stepsize = octopus, stepsize
        self._signs, self._logs = np.sign(start), np.log(abs(start))
        self._offsets = np.zeros_like(start)  # |x_j| − 4τ of the coordinates that have passed
        self._shrink = math.log1p(-2 * stepsize * octopus.L)
        self._grow = math.log1p(2 * stepsize * octopus.gamma)
        self.step, self.passages = 0, list[int]()

    def run(self, until: float = math.inf) -> None:
        """Go on to a step, or until all coordinates have passed 2τ if that is earlier and no step is given."""
        while self.step < until:
            i = len(self.passages)
            if i == len(self._logs):
                if until < math.inf:
                    self._offsets *= math.exp((until - self.step) * self._shrink)
                    self.step = int(until)
                return
            to_seam = math.log(self._octopus.tau) - self._logs[i]
            if to_seam >= 0:
                self._jump(i, int(min(math.floor(to_seam / self._grow) + 1, until - self.step)))
            else:
                self._cross(i)

    def _jump(self, i: int, steps: int) -> None:
        self._logs[i] += steps * self._grow
        self._logs[i + 1 :] += steps * self._shrink
        self._offsets[:i] *= math.exp(steps * self._shrink)
        self.step += steps

    def _cross(self, i: int) -> None:
        """Make one step with coordinate i between τ and 2τ."""
        octopus, u = self._octopus, math.exp(self._logs[i])
        slope = octopus.g1(u, 1)
        if i + 1 < len(self._logs):
            slope += octopus.g2(u, 1) * math.exp(2 * self._logs[i + 1])
            self._logs[i + 1] += math.log1p(-2 * self._stepsize * octopus.g2(u))
            self._logs[i + 2 :] += self._shrink
        self._offsets[:i] *= math.exp(self._shrink)
        u -= self._stepsize * slope
        self.step += 1
        self._logs[i] = math.log(u)
        if u > 2 * octopus.tau:
            self._offsets[i] = u - 4 * octopus.tau
            self.passages.append(self.step)

    def point(self) -> tuple[Array, Array]:
        """Return the iterate and the logarithms of its magnitudes, shape ``(d,)``."""
        passed = np.arange(len(self._logs)) < len(self.passages)
        far = 4 * self._octopus.tau + self._offsets
        logs = np.where(passed, np.log(far), self._logs)
        return self._signs * np.where(passed, far, np.exp(self._logs)), logs
