"""Which compressors multiply every coordinate by a number of its own, whatever it holds, and the moments of that."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import singledispatch
from math import isqrt, sqrt
from typing import Any

import numpy as np

from proofs_check.cases import Overshoot
from proofs_check.extremal import Shrink
from toolkit.arrays import Array
from toolkit.compressors import Compressor
from toolkit.compressors.bernoulli import Bernoulli
from toolkit.compressors.identity import Identity
from toolkit.compressors.rand_k import RandK
from toolkit.errors import WrongUse

__all__ = ["Multipliers", "mixture", "multipliers", "sure"]

Number = Callable[[Any], Any]


@dataclass(frozen=True)
class Multipliers:
    r"""The first two moments of a linear random compressor's multipliers.

    .. math:: C(x)_j = m_j\,x_j, \qquad m \text{ independent of } x, \qquad
              E\,C(x)C(x)^\top = E[m m^\top] \circ x x^\top .

    Parameters
    ----------
    mean : array, shape (d,)
        E m.
    second : array, shape (d, d)
        E mm'.
    common : bool
        Whether all workers draw the same m in a step, or each its own.
    """

    mean: Array
    second: Array
    common: bool = False


def sure(factor: Any, d: int) -> Multipliers:
    """Return the multipliers of C(x) = factor · x; exact if the factor is.

    Examples
    --------
    >>> sure(Fraction(13, 12), 1).second
    array([[Fraction(169, 144)]], dtype=object)
    """
    return Multipliers(np.full(d, factor), np.full((d, d), factor * factor))


def mixture(*parts: tuple[Any, Multipliers]) -> Multipliers:
    """Return the multipliers of a compressor chosen at random, each with its probability.

    Examples
    --------
    >>> q = Fraction(1, 4)
    >>> mixture((Fraction(1, 2), sure(1 + q, 1)), (Fraction(1, 2), sure(1 - q, 1))).second
    array([[Fraction(17, 16)]], dtype=object)
    """
    mean: Any = sum(probability * part.mean for probability, part in parts)
    second: Any = sum(probability * part.second for probability, part in parts)
    return Multipliers(mean, second, common=any(part.common for _, part in parts))


@singledispatch
def multipliers(compressor: Compressor, d: int, number: Number = float) -> Multipliers:
    """Return the moments of a compressor's multipliers in dimension d.

    A compressor joins by ``@multipliers.register``.

    Parameters
    ----------
    compressor : Compressor
        `Identity`, `Shrink`, `Overshoot`, `RandK` or `Bernoulli`, contractive or unbiased.
    d : int
        Dimension.
    number : {float, Fraction}
        Of which kind the moments are.

    Raises
    ------
    WrongUse
        If the compressor is not known to be linear, or a moment is not rational and rational ones are asked for.

    Examples
    --------
    >>> multipliers(RandK(k=1), 2).second.tolist()
    [[0.5, 0.0], [0.0, 0.5]]
    >>> multipliers(Shrink(delta=Fraction(3, 4)), 1, Fraction).mean
    array([Fraction(1, 2)], dtype=object)
    """
    raise WrongUse(
        f"the multipliers of {compressor!r}",
        "it is not known to multiply every coordinate by a number that does not depend on it",
        "sample it with `simulate`, or register its moments with multipliers.register",
    )


@multipliers.register
def _(compressor: Identity, d: int, number: Number = float) -> Multipliers:
    return sure(number(1), d)


@multipliers.register
def _(compressor: Shrink, d: int, number: Number = float) -> Multipliers:
    return sure(1 - _root(1 - compressor.delta, number), d)


@multipliers.register
def _(compressor: Overshoot, d: int, number: Number = float) -> Multipliers:
    return sure(1 + _root(1 - compressor.delta, number), d)


@multipliers.register
def _(compressor: RandK, d: int, number: Number = float) -> Multipliers:
    compressor.check(d)
    k = int(compressor.k)
    both = Fraction(k * (k - 1), d * (d - 1)) if d > 1 else Fraction(1)
    return _kept(Fraction(k, d), both, compressor, d, number)


@multipliers.register
def _(compressor: Bernoulli, d: int, number: Number = float) -> Multipliers:
    p = Fraction(compressor.p)
    return _kept(p, p * p, compressor, d, number)


def _kept(one: Fraction, both: Fraction, compressor: RandK | Bernoulli, d: int, number: Number) -> Multipliers:
    """Return the multipliers of a sparsifier: the probabilities that one, and that two given coordinates are kept."""
    factor = 1 / one if compressor.unbiased else Fraction(1)
    second = np.full((d, d), number(factor * factor * both))
    np.fill_diagonal(second, number(factor * factor * one))
    return Multipliers(np.full(d, number(factor * one)), second, compressor.common)


def _root(square: Any, number: Number) -> Any:
    """Return the square root; as a Fraction only if it is one."""
    if number is not Fraction:
        return number(sqrt(square))
    square = Fraction(square)
    root = Fraction(isqrt(square.numerator), isqrt(square.denominator))
    if root * root != square:
        raise WrongUse(
            f"the square root of {square} as a fraction", "it is not rational", "give δ = 1 − q², q rational"
        )
    return root
