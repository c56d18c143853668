"""A problem given to several workers, whose functions differ by a slope each."""

from __future__ import annotations

import dataclasses
from functools import cached_property
from typing import Any

import numpy as np

from problems._wrapped import Wrapped
from toolkit.arrays import Array
from toolkit.constants import ProblemConstants, exact
from toolkit.errors import WrongUse

__all__ = ["Spread"]


class Spread(Wrapped):
    r"""One function, spread over n workers.

    .. math:: f_i(x) = f(x) + \langle b_i, x \rangle, \qquad \sum_i b_i = 0, \qquad
              \tfrac1n \sum_i \|\nabla f_i(x) - \nabla f(x)\|^2 = \tfrac1n \sum_i \|b_i\|^2 = \zeta^2

    at every x. The mean of the f_i is f, so critical points and curvature are those of f. The b_i are normal, centred
    and scaled.

    Parameters
    ----------
    problem : Problem
        A problem of one worker.
    workers : int
        n.
    zeta_sq : float
        ζ²; with 0, the default, all workers have f.
    seed : int
        Of NumPy's generator that draws the b_i.

    Raises
    ------
    WrongUse
        If the problem has several workers, `workers` is below 1, or ζ² is negative or is to be of one worker.

    Examples
    --------
    >>> from problems import StrictSaddle
    >>> problem = Spread(StrictSaddle([-1.0, 1.0]), workers=4, zeta_sq=9.0)
    >>> gradients = problem.gradient(np.zeros((1, 1, 2)))[0]
    >>> gradients.shape, gradients.mean(axis=0).round(12) + 0.0, round(float((gradients**2).sum() / 4), 12)
    ((4, 2), array([0., 0.]), 9.0)
    """

    def __init__(self, problem: Any, workers: int, zeta_sq: float = 0.0, seed: int = 0) -> None:
        super().__init__(problem)
        asked = f"Spread({type(problem).__name__}, workers={workers!r}, zeta_sq={zeta_sq!r})"
        if problem.workers != 1:
            raise WrongUse(asked, f"the problem has {problem.workers} workers already", "give a problem of one worker")
        if workers < 1 or not 0 <= zeta_sq < np.inf or (workers == 1 and zeta_sq > 0):
            raise WrongUse(asked, "a number is out of its range", "give workers ≥ 1, and ζ² ≥ 0 if they are several")
        self.workers, self.zeta_sq, self.seed = int(workers), float(zeta_sq), seed
        self.slopes = np.zeros((self.workers, self.dimension))
        if zeta_sq > 0:
            self.slopes = np.random.default_rng(seed).standard_normal(self.slopes.shape)
            self.slopes -= self.slopes.mean(axis=0)
            self.slopes *= np.sqrt(zeta_sq / (self.slopes**2).sum(axis=1).mean())
        self.slopes.flags.writeable = False

    def value(self, x: Array) -> Array:
        return self.problem.value(x) + (self.slopes * x).sum(axis=-1)

    def gradient(self, x: Array) -> Array:
        return self.problem.gradient(x) + self.slopes

    def stochastic_gradient(self, x: Array, draw: Any, batch: int) -> Array:
        """Return what the problem inside samples for every worker; the draw has n of them."""
        own = np.ascontiguousarray(np.broadcast_to(x, (len(x), self.workers, self.dimension)))
        return self.problem.stochastic_gradient(own, draw, batch) + self.slopes

    @cached_property
    def constants(self) -> ProblemConstants:
        inside = self.problem.constants
        L_i = None if inside.L is None else dataclasses.replace(inside.L, value=np.full(self.workers, float(inside.L)))
        zeta_sq = exact(self.zeta_sq, "mean of ‖b_i‖², at every x")
        return dataclasses.replace(inside, L_i=L_i, L_tilde=inside.L, zeta_sq=zeta_sq, heterogeneity=zeta_sq)

    def describe(self) -> dict[str, Any]:
        given = {"problem": self.problem, "workers": self.workers}
        return given | {"zeta_sq": self.zeta_sq, "seed": self.seed}
