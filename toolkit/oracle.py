"""What a method may ask of a problem, counted."""

from __future__ import annotations

from typing import Any

import numpy as np

from toolkit.arrays import Array, namespace
from toolkit.draws import Draw
from toolkit.errors import WrongUse

__all__ = ["Oracle"]


class Oracle:
    """A problem as a method sees it; what a *sample* is belongs to the experiment, not to the method.

    Parameters
    ----------
    problem : Problem
        Gives `value`, `gradient` and perhaps `stochastic_gradient` and `prox`.
    batch : 'full' or int or Schedule
        With 'full' a sample is the exact gradient.

    Attributes
    ----------
    calls : int
        Gradient evaluations so far, per worker; the same point of the same sample counts once.
    """

    def __init__(self, problem: Any, batch: Any) -> None:
        self.problem = problem
        self.calls = 0
        self._batch = batch
        self._step = 0
        self._samples: list[tuple[Array, int, Array]] = []
        self._at_minimiser: Array | None = None
        self._exact: list[list[Any]] = []  # [point, gradient, counted], the two latest

    def begin(self, step: int, draw: Draw) -> None:
        """Start a step: its samples come from `draw`."""
        self._step, self._draw = step, draw
        self._samples = []

    def sample(self, x: Array, index: int = 0) -> Array:
        """Return a gradient sample at `x` for every worker; the same index within a step is the same sample."""
        batch = self._batch(self._step) if callable(self._batch) else self._batch
        if batch == "full":
            return self.exact(x)
        for point, drawn, gradient in self._samples:
            if point is x and drawn == index:
                return gradient
        draw = self._draw.of("sample", index).per_worker
        gradient = self._checked("stochastic_gradient", self.problem.stochastic_gradient(x, draw, batch), x)
        self._samples.append((x, index, gradient))
        self.calls += 1
        return gradient

    def exact(self, x: Array) -> Array:
        """Return the exact gradient of every worker at `x`."""
        entry = self._exact_entry(x)
        if not entry[2]:
            self.calls += 1
            entry[2] = True
        return entry[1]

    def uncounted(self, x: Array) -> Array:
        """Return the exact gradients for the record: the instrument's own look, not a call of the method."""
        return self._exact_entry(x)[1]

    def at_minimiser(self, x: Array) -> Array:
        """Return the exact gradient of every worker at the problem's minimiser, which no real worker knows; uncounted.

        Returns
        -------
        array, shape (1, worker, coordinate)
            In the number type of `x`.

        Raises
        ------
        WrongUse
            If the problem's minimiser is not known.
        """
        if self._at_minimiser is None:
            x_star = getattr(self.problem, "x_star", None)
            if x_star is None:
                asked = f"the gradients at the minimiser of {type(self.problem).__name__}"
                raise WrongUse(asked, "the problem has no x_star", "choose a problem whose minimiser is known")
            point = namespace(x).asarray(x_star, dtype=x.dtype)[None, None]
            self._at_minimiser = self._checked("gradient", self.problem.gradient(point), point)
        return self._at_minimiser

    def _exact_entry(self, x: Array) -> list[Any]:
        for entry in self._exact:
            if entry[0] is x:
                return entry
        self._exact = [*self._exact[-1:], [x, self._checked("gradient", self.problem.gradient(x), x), False]]
        return self._exact[-1]

    def _checked(self, name: str, gradient: Array, x: Array) -> Array:
        wanted = (x.shape[0], self.problem.workers, x.shape[2])
        if np.shape(gradient) != wanted:
            kind = type(self.problem).__name__
            wrong = f"it returned shape {np.shape(gradient)}, not (run, worker, coordinate) = {wanted}"
            raise WrongUse(f"{kind}.{name}(x) with x of shape {x.shape}", wrong, "return one row per run and worker")
        return gradient

    def prox(self, x: Array, stepsize: Any) -> Array:
        """Return the proximal point of the problem's non-smooth part, `x` itself where it has none."""
        prox = getattr(self.problem, "prox", None)
        return x if prox is None else prox(x, stepsize)

    def per_worker(self, x: Array) -> Array:
        """Return `x` with one row per worker."""
        n = self.problem.workers
        if x.shape[1] not in (1, n):
            raise WrongUse(
                f"per_worker(x) with worker axis {x.shape[1]}", f"the problem has {n} workers", f"pass 1 or {n} rows"
            )
        return np.ascontiguousarray(np.broadcast_to(x, (x.shape[0], n, x.shape[2])))
