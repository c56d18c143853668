"""A symbolic run with numbers in it: what its vectors and scalars are on a problem, with a compressor."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from proofs_check.worst_case.expressions import Expression, Vector
from proofs_check.worst_case.model import Model
from toolkit.arrays import Array
from toolkit.errors import WrongUse

__all__ = ["Replay", "replay"]


@dataclass(frozen=True)
class Replay:
    """Numbers for the symbols of a model.

    Parameters
    ----------
    vectors : array, shape (basis vector, coordinate)
    scalars : array, shape (scalar,)
    """

    vectors: Array
    scalars: Array

    def vector(self, symbol: Vector) -> Array:
        """Return a vector's coordinates."""
        found = np.zeros(self.vectors.shape[1])
        for i, value in symbol.coefficients.items():
            found = found + float(value) * self.vectors[i]
        return found

    def number(self, expression: Expression) -> float:
        """Return an expression's value."""
        products = (float(w) * float(self.vector(u) @ self.vector(v)) for w, u, v in expression.products)
        scalars = (float(value) * self.scalars[j] for j, value in (expression.scalars or {}).items())
        return sum(products) + sum(scalars) + float(expression.constant)


def replay(
    model: Model, problem: Any, send: Callable[[Array], Array], start: Mapping[str, Array], origin: Array
) -> Replay:
    """Put numbers into a model, in the order in which its vectors came about.

    Parameters
    ----------
    model : Model
    problem : Problem
        Gives gradients and values.
    send : callable
        What arrives of a message, from a vector of shape (d,).
    start : mapping of str to array, shape (d,)
        The vectors that nothing gives: the start, less the origin, and the fields of any state.
    origin : array, shape (d,)
        Where the model's origin lies: at the minimiser, or at the start.

    Returns
    -------
    Replay

    Raises
    ------
    WrongUse
        If a vector of the start is missing.
    """
    known = Replay(np.full((len(model.vectors), len(origin)), np.nan), np.full(len(model.scalars), np.nan))
    made = {next(iter(symbol.coefficients)) for kind, symbol, _ in model.events if kind == "message"}
    made |= {i for kind, _, point in model.events if kind == "point" for i in point.g.coefficients}
    for i, name in enumerate(model.vectors):
        if i not in made:
            if name not in start:
                remedy = "give the vectors that nothing else gives"
                raise WrongUse(f"replay(start={list(start)})", f"the vector {name!r} is missing", remedy)
            known.vectors[i] = start[name]
    workers = [function for function in model.functions if function.name != "phi"]

    def evaluate(i: int, x: Array) -> tuple[Array, float]:
        point = (x + origin)[None, None]
        return problem.gradient(point)[0, i], float(problem.value(point)[0, i])

    reference: dict[int, float] = {}
    for kind, symbol, what in model.events:
        if kind == "message":
            given = known.vector(what.given)
            noise = given if what.kind.noisy else 0.0
            known.vectors[next(iter(symbol.coefficients))] = send(given) - noise
            continue
        i = workers.index(symbol)
        if i not in reference:  # values count from the origin, or where there is no minimiser from the first point
            zero = known.vector(what.x) if symbol.anchor is None and what.x.coefficients else np.zeros(len(origin))
            reference[i] = problem.f_inf if symbol.anchor == "infimum" else evaluate(i, zero)[1]
        gradient, value = evaluate(i, known.vector(what.x))
        if len(what.g.coefficients) == 1:
            ((k, factor),) = what.g.coefficients.items()
            known.vectors[k] = gradient / float(factor)
        if what.f.scalars:
            ((j, factor),) = what.f.scalars.items()
            known.scalars[j] = (value - reference[i]) / float(factor)
    return known
