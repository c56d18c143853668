"""Exact instances of worst cases over quadratic functions: the numeric one, run again in fractions."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any, cast

import numpy as np

from proofs_check.worst_case.expressions import Vector
from proofs_check.worst_case.model import Function, Model
from proofs_check.worst_case.program import Program, entries
from proofs_check.worst_case.quadratics import Quadratic
from proofs_check.worst_case.rational import dyadic
from proofs_check.worst_case.replaying import Replay
from proofs_check.worst_case.solving import Solution
from proofs_check.worst_case.verify import LENGTH
from proofs_check.worst_case.worst_functions import QuadraticThrough, coordinates, record
from toolkit.arrays import Array

__all__ = ["exact_runs"]

BITS = (16, 20, 24, 28, 32, 40)
LONG = 40  # bits of the factor by which an instance is scaled


def exact_runs(model: Model, exactly: Program, found: Solution) -> Iterator[list[Fraction]]:
    """Yield instances (G, column by column, and F) near a numeric one, finer and finer.

    The starts, the Hessians and the errors of the messages are rounded, and the rest follows: x, gradients and values
    by the method's own steps. Then everything is scaled to what is assumed of the start. What else is assumed, as of
    projections, it need not satisfy. Where a function is not quadratic, there is no instance.

    Parameters
    ----------
    model : Model
        Without messages of which only moments are known.
    exactly : Program
        Its exact program.
    found : Solution
        Its numeric one.
    """
    if all(_follows(function) for function in model.functions):
        near = coordinates(model, found)
        for bits in BITS:
            instance = _scaled(exactly, _run(model, near, bits))
            if max(len(str(value)) for value in instance) > LENGTH:
                return
            yield instance


def _follows(function: Function) -> bool:
    """Tell whether all but the first of a function's gradients and values are symbols of their own."""
    later = [symbols for point in function.known()[1:] for symbols in (point.g.coefficients, point.f.scalars or {})]
    return isinstance(function.kind, Quadratic) and all(list(symbols.values()) == [1] for symbols in later)


def _run(model: Model, near: Replay, bits: int) -> list[Fraction]:
    """Return an instance of one precision."""

    def rounded(values: Array) -> Array:
        return np.array(dyadic(values.ravel(), bits), dtype=object).reshape(values.shape)

    def vector(symbol: Vector) -> Array:
        return sum((value * vectors[i] for i, value in symbol.coefficients.items()), nothing)

    nothing = np.full(near.vectors.shape[1], Fraction(0))
    followers = [point for function in model.functions for point in function.known()[1:]]
    made = {i for point in followers for i in point.g.coefficients}
    made |= {i for message in model.messages for i in message.arrived.coefficients}
    vectors = {i: rounded(near.vectors[i]) for i in range(len(model.vectors)) if i not in made}
    scalars = dyadic(near.scalars, bits)
    hessians = [_hessian(function, near, rounded, bits) for function in model.functions]
    for what, symbol, one in model.events:
        if what == "message":
            error = near.vector(one.arrived) - near.vector(one.given)
            vectors[min(one.arrived.coefficients)] = vector(one.given) + rounded((1 - 2.0 ** (4 - bits)) * error)
            continue
        first = symbol.known()[0]
        if one is not first:
            step, slope = vector(one.x) - vector(first.x), vector(first.g)
            change = hessians[model.functions.index(symbol)] @ step
            vectors[min(one.g.coefficients)] = slope + change
            scalars[min(one.f.scalars)] = slope @ step + change @ step / 2  # more than the first value, which is 0
    return _gram(model, [vectors[i] for i in range(len(vectors))], vector) + scalars


def _hessian(function: Function, near: Replay, rounded: Any, bits: int) -> Array:
    """Return an exact Hessian, which the rounding does not move out of its class."""
    kind = cast(Quadratic, function.kind)
    A = QuadraticThrough(kind, *record(function, near)).A
    middle, half, one = (kind.L + kind.mu) / 2, (kind.L - kind.mu) / 2, np.eye(len(A))
    away = (A + A.T) / 2 - float(middle) * one
    return middle * one.astype(int).astype(object) + rounded((1 - len(A) * 2.0**-bits / float(half)) * away)


def _gram(model: Model, vectors: list[Array], vector: Any) -> list[Fraction]:
    """Return the Gram matrix, column by column: of the vectors, and what that of those behind them has to be."""
    n = model.order
    G = np.full((n, n), Fraction(0))
    G[: len(vectors), : len(vectors)] = np.array(vectors) @ np.array(vectors).T
    place = len(vectors)
    for function in model.functions:
        first, *others = function.known()
        if others:
            x, g = (
                np.array([vector(getattr(point, name) - getattr(first, name)) for point in others]) for name in "xg"
            )
            end, kind = place + len(others), cast(Quadratic, function.kind)
            G[place:end, place:end] = (g - kind.mu * x) @ (kind.L * x - g).T
            place = end
    return list(G[entries(n)])


def _scaled(exactly: Program, instance: list[Fraction]) -> list[Fraction]:
    """Scale an instance as far as the inequalities with a constant allow."""
    lines = np.column_stack([exactly.A, exactly.b[:, :-1]]) @ np.array(instance, dtype=object)
    limits = [-c / value for c, value in zip(exactly.c, lines, strict=True) if c < 0 < value]
    factor = Fraction(int(min(limits, default=Fraction(1)) * 2**LONG), 2**LONG)
    return [factor * value for value in instance]
