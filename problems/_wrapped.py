"""A problem made from another one: what it takes over unless it says otherwise."""

from __future__ import annotations

from typing import Any

from problems._base import Problem
from toolkit.arrays import Array
from toolkit.constants import ProblemConstants

__all__ = ["Wrapped"]


class Wrapped(Problem):
    """The same problem; a subclass changes some of it. ``prox`` is not taken over.

    Parameters
    ----------
    problem : Problem
        The problem inside, also an attribute.
    """

    def __init__(self, problem: Any) -> None:
        self.problem = problem
        self.workers, self.dimension = problem.workers, problem.dimension
        self.default_batch = problem.default_batch
        self.radius, self.start = problem.radius, problem.start

    @property
    def f_star(self) -> float | None:  # type: ignore[override]
        return self.problem.f_star

    @property
    def x_star(self) -> Array | None:
        return getattr(self.problem, "x_star", None)

    @property
    def saddles(self) -> Array | None:  # type: ignore[override]
        return self.problem.saddles

    @property
    def saddle_eigenvalues(self) -> Array | None:  # type: ignore[override]
        return self.problem.saddle_eigenvalues

    @property
    def minimisers(self) -> Array | None:  # type: ignore[override]
        return self.problem.minimisers

    @property
    def constants(self) -> ProblemConstants:
        return self.problem.constants

    def value(self, x: Array) -> Array:
        return self.problem.value(x)

    def gradient(self, x: Array) -> Array:
        return self.problem.gradient(x)

    def stochastic_gradient(self, x: Array, draw: Any, batch: int) -> Array:
        return self.problem.stochastic_gradient(x, draw, batch)

    def hessian_product(self, x: Array, v: Array) -> Array:
        return self.problem.hessian_product(x, v)

    def smallest_eigenvalue(self, x: Array) -> Array | None:
        return self.problem.smallest_eigenvalue(x)

    def gap(self, x: Array) -> Array | None:
        return self.problem.gap(x)

    def observe(self, x: Array) -> dict[str, Array]:
        return self.problem.observe(x)
