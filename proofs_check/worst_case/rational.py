"""Exact linear algebra on small systems: repairing rounded numbers so that equations hold exactly."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from fractions import Fraction
from math import lcm
from typing import Any

import numpy as np

from toolkit.arrays import Array

__all__ = ["at_least", "at_most", "common_denominator", "dyadic", "solve_exactly"]


def at_most(value: Fraction, digits: int = 9) -> str:
    """Return a decimal that is not below a number: what was proved of the number holds of what is printed.

    Examples
    --------
    >>> at_most(Fraction(2, 3), 3), at_least(Fraction(2, 3), 3)
    ('0.667', '0.666')
    """
    return _decimal(value, digits, ROUND_CEILING)


def at_least(value: Fraction, digits: int = 9) -> str:
    """Return a decimal that is not above a number; see `at_most`."""
    return _decimal(value, digits, ROUND_FLOOR)


def _decimal(value: Fraction, digits: int, rounding: str) -> str:
    return f"{Context(prec=digits, rounding=rounding).divide(Decimal(value.numerator), Decimal(value.denominator))}"


def dyadic(values: Array, bits: int) -> list[Fraction]:
    """Round floats to multiples of 2^−bits.

    Examples
    --------
    >>> dyadic(np.array([0.3, -1.0]), 2)
    [Fraction(1, 4), Fraction(-1, 1)]
    """
    return [Fraction(round(value * 2**bits), 2**bits) for value in np.asarray(values, dtype=float).tolist()]


def common_denominator(values: Sequence[Fraction]) -> tuple[Array, int]:
    """Return fractions as an array of integers of any length, and their common denominator.

    Examples
    --------
    >>> common_denominator([Fraction(1, 2), Fraction(2, 3)])
    (array([3, 4], dtype=object), 6)
    """
    scale = lcm(*(value.denominator for value in values))
    return np.array([value.numerator * (scale // value.denominator) for value in values], dtype=object), scale


def solve_exactly(columns: Sequence[Any], target: Any) -> dict[int, Fraction] | None:
    """Return the coefficients with which columns add up to the target, of the first independent ones; None if none do.

    Examples
    --------
    >>> solve_exactly([[2, 0], [4, 0], [1, 1]], [3, 1])
    {0: Fraction(1, 1), 2: Fraction(1, 1)}
    """
    pivots: list[tuple[int, list[Fraction], dict[int, Fraction]]] = []
    for k, column in enumerate(columns):
        reduced, made_of = _reduce([Fraction(value) for value in column], {k: Fraction(1)}, pivots)
        row = next((i for i, value in enumerate(reduced) if value), None)
        if row is not None:
            scale = 1 / reduced[row]
            pivots.append((row, [scale * value for value in reduced], {j: scale * a for j, a in made_of.items()}))
            if len(pivots) == len(target):
                break
    left, made_of = _reduce([Fraction(value) for value in target], {}, pivots)
    return None if any(left) else {j: -a for j, a in made_of.items()}


def _reduce(
    column: list[Fraction], made_of: dict[int, Fraction], pivots: list[tuple[int, list[Fraction], dict[int, Fraction]]]
) -> tuple[list[Fraction], dict[int, Fraction]]:
    """Subtract what clears the pivot rows of a column, in the order of the pivots."""
    for row, known, parts in pivots:
        factor = column[row]
        if factor:
            column = [value - factor * other for value, other in zip(column, known, strict=True)]
            made_of = made_of | {j: made_of.get(j, Fraction(0)) - factor * a for j, a in parts.items()}
    return column, made_of
