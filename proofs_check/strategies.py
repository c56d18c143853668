"""Hypothesis strategies for what breaks compressors: vectors, batches, draws, and the compressors themselves.

They need `hypothesis`, which ``pip install "csgd-toolkit[test]"`` brings; nothing else of the toolkit imports this
module. Coordinates are drawn as lists and not by ``hypothesis.extra.numpy.arrays``: coordinates of a list can be
deleted one by one, so that a failing vector shrinks to a short one, and no value is repeated by a fill.
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

import numpy as np
from hypothesis import strategies as st

from toolkit import members
from toolkit.arrays import Array
from toolkit.compressors import Compressor
from toolkit.draws import Draw
from toolkit.errors import WrongUse, nearest

__all__ = ["KINDS", "batches", "compressors", "draws", "vectors"]

Strategy = st.SearchStrategy
PACKAGE = "toolkit.compressors"
COMBINATIONS = 200  # of parameters of one member; of more, evenly spaced ones are tried


def vectors(
    min_dimension: int = 1, max_dimension: int = 64, *, dtype: Any = np.float64, kinds: Iterable[str] | None = None
) -> Strategy[Array]:
    """Return vectors, shape ``(d,)``, of the kinds that break compressors.

    Parameters
    ----------
    min_dimension, max_dimension : int
        The bounds of d; equal ones fix it.
    dtype : {float64, float32}
        Of the vectors.
    kinds : iterable of str, optional
        Of `KINDS`; by default all of them.

    Raises
    ------
    WrongUse
        If a kind is unknown, the dimensions are impossible, or the type is another.

    Notes
    -----
    Every number is finite, and so is ‖x‖₁, and even d‖x‖_∞: magnitudes end at the largest number over 2·`max_dimension`
    (1.4e306 or 2.7e36 with 64 coordinates). Squares do overflow and underflow in the kind ``wide``: that is a
    compressor's own affair. A failing vector shrinks towards fewer coordinates, zeros and small integers.

    Examples
    --------
    >>> from hypothesis import given, settings
    >>> from toolkit.compressors import TopK
    >>> @settings(deadline=None, max_examples=20)  # the first call compiles
    ... @given(x=vectors(min_dimension=2, dtype=np.float32))
    ... def test(x):
    ...     assert np.count_nonzero(TopK(k=2).compress(x)) <= 2
    >>> test()
    """
    chosen = list(KINDS if kinds is None else kinds)
    asked = f"vectors({min_dimension}, {max_dimension}, dtype={np.dtype(dtype).name}, kinds={chosen})"
    if not 1 <= min_dimension <= max_dimension:
        raise WrongUse(asked, "there is no such dimension", "give 1 ≤ min_dimension ≤ max_dimension")
    for kind in chosen:
        if kind not in KINDS:
            raise WrongUse(
                asked, f"there is no kind {kind!r}", f"choose from: {', '.join(KINDS)}", nearest(kind, KINDS)
            )
    if np.dtype(dtype) not in (np.float32, np.float64):
        raise WrongUse(asked, "compressors take single and double precision", "give float32 or float64")
    if not chosen:
        raise WrongUse(asked, "there is no kind to draw from", "give one, or leave kinds out for all")
    return _vectors(min_dimension, max_dimension, np.dtype(dtype), tuple(chosen))


@cache
def _vectors(min_dimension: int, max_dimension: int, dtype: np.dtype[Any], kinds: tuple[str, ...]) -> Strategy[Array]:
    numbers = _Numbers(dtype, min_dimension, max_dimension)
    return st.one_of([_KINDS[kind](numbers) for kind in kinds]).map(numbers.array)


def batches(
    min_dimension: int = 1,
    max_dimension: int = 16,
    *,
    max_runs: int = 3,
    max_workers: int = 3,
    dtype: Any = np.float64,
    kinds: Iterable[str] | None = None,
) -> Strategy[Array]:
    """Return small batches, shape ``(run, worker, d)``, whose rows are `vectors` of possibly different kinds.

    The first row says the dimension; the others are repeated or cut to it.

    Parameters
    ----------
    min_dimension, max_dimension, dtype, kinds
        As of `vectors`.
    max_runs, max_workers : int
        The largest numbers of runs and workers; both start at 1.

    Raises
    ------
    WrongUse
        As `vectors`, and if there may be no run or no worker.

    Examples
    --------
    >>> from hypothesis import given, settings
    >>> from toolkit.compressors import ScaledSign
    >>> @settings(deadline=None, max_examples=20)  # the first call compiles
    ... @given(x=batches())
    ... def test(x):
    ...     assert ScaledSign().compress(x).shape == x.shape
    >>> test()
    """
    if max_runs < 1 or max_workers < 1:
        asked = f"batches(max_runs={max_runs}, max_workers={max_workers})"
        raise WrongUse(asked, "a batch has at least one run and one worker", "give 1 or more")
    row = vectors(min_dimension, max_dimension, dtype=dtype, kinds=kinds)

    @st.composite
    def batch(draw: Any) -> Array:
        runs, workers = draw(st.integers(1, max_runs)), draw(st.integers(1, max_workers))
        rows = [draw(row) for _ in range(runs * workers)]
        # Rows of one common drawn dimension could not lose a coordinate each while a failure shrinks.
        return np.stack([np.resize(one, rows[0].shape) for one in rows]).reshape(runs, workers, -1)

    return batch()


def draws(runs: int = 1, workers: int = 1) -> Strategy[Draw]:
    """Return draws at any address, as a channel hands them to a compressor that does not share its numbers.

    Parameters
    ----------
    runs, workers : int
        Of the batch that is compressed; with several workers the draw is per worker.

    Examples
    --------
    >>> from hypothesis import given, settings
    >>> from toolkit.compressors import RandK
    >>> @settings(deadline=None, max_examples=20)  # the first call compiles
    ... @given(draw=draws(runs=2))
    ... def test(draw):
    ...     assert (np.count_nonzero(RandK(k=1).compress(np.ones(3), draw), axis=-1) == 1).all()
    >>> test()
    """
    word = st.integers(0, 2**32 - 1)

    def at(seeds: list[int], step: int, message: int) -> Draw:
        draw = Draw(seeds, step, workers).of(f"message {message}")
        return draw if workers == 1 else draw.per_worker

    return st.builds(at, st.lists(word, min_size=runs, max_size=runs), word, st.integers(0, 3))


def compressors(dimension: int, *, workers: int = 1, names: Iterable[str] | None = None) -> Strategy[Compressor]:
    """Return members of `toolkit.compressors`, own and third-party, with parameters that are valid in a dimension.

    Whole numbers are drawn from 0, 1, 2, 3 and the dimension, other numbers from 1/4, 1/2, 1 and 2, a text from the
    choices that the docstring lists in braces, a compressor inside another from all members that hold none; what the
    compressor refuses is left out. A field of any other type keeps its default, and a member that has such a field
    without default, or accepts nothing, is never drawn.

    Parameters
    ----------
    dimension, workers : int
        Of the vectors to be compressed.
    names : iterable of str, optional
        The members to choose from, by command-line name; by default all.

    Raises
    ------
    WrongUse
        If a name is unknown, or nothing is left to draw.

    Examples
    --------
    >>> from hypothesis import given, settings
    >>> @settings(deadline=None, max_examples=20)  # the first call compiles
    ... @given(compressor=compressors(5), x=vectors(5, 5), draw=draws())
    ... def test(compressor, x, draw):
    ...     assert np.isfinite(compressor.compress(x, draw)).all()
    >>> test()
    """
    chosen = members.names(PACKAGE) if names is None else list(names)
    found = [instances for name in chosen if (instances := _instances(name, dimension, workers))]
    if not found:
        asked = f"compressors({dimension}, workers={workers}, names={chosen})"
        raise WrongUse(asked, "no member accepts this dimension", "give more names, or another dimension")
    return st.one_of([st.sampled_from(instances) for instances in found])


# Kinds of vectors -----------------------------------------------------------------------------------------------------


class _Numbers:
    """The numbers of one type, and the dimensions, that the kinds of vectors are made from."""

    def __init__(self, dtype: np.dtype[Any], min_dimension: int, max_dimension: int) -> None:
        info = np.finfo(dtype)
        self.dtype, self.width = dtype, 32 if dtype == np.float32 else 64
        self.min_dimension, self.max_dimension = min_dimension, max_dimension
        self.normal, self.tiny = float(info.smallest_normal), float(info.smallest_subnormal)
        self.largest = float(info.max) / (2 * max_dimension)

    def array(self, values: list[float]) -> Array:
        return np.array(values, dtype=self.dtype)

    def list_of(self, values: Strategy[float]) -> Strategy[list[float]]:
        return st.lists(values, min_size=self.min_dimension, max_size=self.max_dimension)

    def floats(self, low: float, high: float) -> Strategy[float]:
        """Return floats of this type; the ends, which may not be of this type, are not reached."""
        low, high = (float(self.dtype.type(end)) for end in (low, high))
        return st.floats(low, high, width=self.width, allow_subnormal=False)  # type: ignore[arg-type]

    @property
    def magnitudes(self) -> Strategy[float]:
        """Positive numbers around 1; simple ones first."""
        return st.one_of(st.integers(1, 9).map(float), self.floats(2.0**-10, 2.0**10))

    @property
    def zeros(self) -> Strategy[float]:
        return st.sampled_from([0.0, -0.0])

    def beside(self, value: float, side: int) -> float:
        """Return the value in this type, or the number of this type just below (−1) or above (+1) it."""
        own = self.dtype.type(value)
        return float(np.nextafter(own, self.dtype.type(side * np.inf)) if side else own)


def _signed(values: Strategy[float]) -> Strategy[float]:
    return st.builds(math.copysign, values, st.sampled_from([1.0, -1.0]))


def _zero(numbers: _Numbers) -> Strategy[list[float]]:
    return numbers.list_of(numbers.zeros)


def _integer(numbers: _Numbers) -> Strategy[list[float]]:
    return numbers.list_of(st.integers(-3, 3).map(float))


def _one_hot(numbers: _Numbers) -> Strategy[list[float]]:
    """One entry and zeros; the entry from the whole range of numbers."""

    @st.composite
    def one_hot(draw: Any) -> list[float]:
        zeros = draw(numbers.list_of(numbers.zeros))
        position = draw(st.integers(0, len(zeros) - 1))
        zeros[position] = draw(_signed(st.one_of(numbers.magnitudes, _wide_magnitude(numbers))))
        return zeros

    return one_hot()


def _constant(numbers: _Numbers) -> Strategy[list[float]]:
    """One magnitude, with signs."""
    return numbers.magnitudes.flatmap(lambda value: numbers.list_of(st.sampled_from([value, -value])))


def _ties(numbers: _Numbers) -> Strategy[list[float]]:
    """Up to three magnitudes, with signs, and perhaps zeros."""
    few = st.lists(st.one_of(numbers.magnitudes, st.just(0.0)), min_size=1, max_size=3)
    return few.flatmap(lambda values: numbers.list_of(_signed(st.sampled_from(values))))


def _sparse(numbers: _Numbers) -> Strategy[list[float]]:
    """Three zeros, of either sign, for each other number."""
    return numbers.list_of(st.one_of(st.just(0.0), st.just(0.0), st.just(-0.0), _signed(numbers.magnitudes)))


def _dense(numbers: _Numbers) -> Strategy[list[float]]:
    return numbers.list_of(_signed(numbers.magnitudes))


def _structured(numbers: _Numbers) -> Strategy[list[float]]:
    """A law over the coordinates: decay by a ratio or a power, alternating signs, a ramp, one large entry."""
    ratios = st.sampled_from([1 / 2, 2 / 3, 0.9, 0.1])
    laws: Strategy[Callable[[int], float]] = st.one_of(
        st.builds(lambda ratio: lambda j: ratio**j, ratios),
        st.builds(lambda value: lambda j: value * (-1.0) ** j, numbers.magnitudes),
        st.builds(lambda power: lambda j: (j + 1.0) ** power, st.sampled_from([1.0, -1.0, -0.5])),
        st.builds(lambda rest: lambda j: 1.0 if j == 0 else rest, st.sampled_from([1e-2, 1e-4, 1e-8, 1e-16])),
    )
    # One choice per coordinate, used or not: a law that took fewer would pass for simpler than a list of integers.
    signs = numbers.list_of(st.sampled_from([1.0, -1.0]))
    keep = st.booleans()
    return st.builds(lambda law, signs, keep: [law(j) * sign**keep for j, sign in enumerate(signs)], laws, signs, keep)


def _levels(numbers: _Numbers) -> Strategy[list[float]]:
    """Multiples of a half, powers of two and 4/3·2^z, all hit exactly or missed by one unit in the last place.

    In units of the largest entry, or of the norm where that is a whole number, these straddle a quantiser's levels.
    """
    halves = st.integers(0, 16).map(lambda level: level / 2)
    powers = st.integers(-8, 8).map(lambda z: 2.0**z)
    worst = st.integers(-8, 8).map(lambda z: 4 / 3 * 2.0**z)
    beside = st.builds(numbers.beside, st.one_of(powers, worst, halves.filter(bool)), st.sampled_from([0, -1, 1]))
    return numbers.list_of(_signed(st.one_of(halves, beside)))


def _wide_magnitude(numbers: _Numbers) -> Strategy[float]:
    last = int(math.log10(numbers.largest)) - 1
    first = math.ceil(math.log10(numbers.normal))
    exponents = st.integers(first, last)
    decimal = st.builds(lambda digit, exponent: float(f"{digit}e{exponent}"), st.integers(1, 9), exponents)
    return st.one_of(decimal, numbers.floats(numbers.normal, 1.0), numbers.floats(1.0, numbers.largest))


def _wide(numbers: _Numbers) -> Strategy[list[float]]:
    """Magnitudes from the smallest normal number to the largest allowed: squares overflow and underflow."""
    return numbers.list_of(_signed(st.one_of(_wide_magnitude(numbers), st.just(0.0))))


def _subnormal(numbers: _Numbers) -> Strategy[list[float]]:
    """Subnormal numbers beside zeros and the smallest normal number; now and then beside a one."""
    below = st.integers(0, int(numbers.normal / numbers.tiny)).map(lambda count: count * numbers.tiny)
    few = st.integers(0, 3).map(lambda count: count * numbers.tiny)
    return numbers.list_of(_signed(st.one_of(few, below, st.just(1.0))))


# Simple ones first: a failure shrinks towards them.
_KINDS: dict[str, Callable[[_Numbers], Strategy[list[float]]]] = {
    "zero": _zero,
    "integer": _integer,
    "one-hot": _one_hot,
    "constant": _constant,
    "ties": _ties,
    "sparse": _sparse,
    "dense": _dense,
    "structured": _structured,
    "levels": _levels,
    "wide": _wide,
    "subnormal": _subnormal,
}
KINDS = tuple(_KINDS)


# Compressors ----------------------------------------------------------------------------------------------------------


@cache
def _instances(name: str, dimension: int, workers: int) -> tuple[Compressor, ...]:
    """Return the instances of a member, over a grid of its fields, that compress in this dimension."""
    member = members.load(PACKAGE, name)
    fields = [field for field in dataclasses.fields(member) if field.init]
    choices = _choices(member)
    grid = [_values(field, dimension, workers, choices.get(field.name, [])) for field in fields]
    count = math.prod(len(values) for values in grid)
    every = max(1, count // COMBINATIONS)
    found = []
    for number in range(0, count, every):
        chosen = np.unravel_index(number, [len(values) for values in grid]) if grid else ()
        given = {field.name: values[i] for field, values, i in zip(fields, grid, chosen, strict=True)}
        try:
            compressor = member(**given)
            draw = Draw(0, workers=workers)
            compressor.compress(np.ones((workers, dimension)), draw if compressor.shared else draw.per_worker)
        except WrongUse:
            continue
        found.append(compressor)
    return tuple(found)


def _choices(member: type) -> dict[str, list[str]]:
    """Return the choices that a docstring lists for fields, as in ``norm : {'2', 'max'}``."""
    listed = re.findall(r"^ *(\w+) : \{(.*?)\}", member.__doc__ or "", flags=re.MULTILINE)
    return {name: re.findall(r"['\"](.*?)['\"]", choices) for name, choices in listed}


def _values(field: dataclasses.Field[Any], dimension: int, workers: int, choices: list[str]) -> list[Any]:
    """Return the values that a field is given: its default first."""
    words = set(re.findall(r"\w+", str(field.type)))
    values: list[Any] = [] if field.default is dataclasses.MISSING else [field.default]
    if "Array" in words:
        return values
    if "Compressor" in words:
        simple = [name for name in members.names(PACKAGE) if not _holds_another(members.load(PACKAGE, name))]
        return values + [one for name in simple for one in _instances(name, dimension, workers)]
    values += [None] * ("None" in words) + [False, True] * ("bool" in words)
    values += [0, 1, 2, 3, dimension] * ("int" in words) + [1.0, 0.5, 0.25, 2.0] * ("float" in words)
    values += choices * ("str" in words)
    return list({repr(value): value for value in values}.values())


def _holds_another(member: type) -> bool:
    return any("Compressor" in str(field.type) for field in dataclasses.fields(member))
