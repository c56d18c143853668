"""A failing input made minimal, so that a report shows what matters.

Hypothesis shrinks what it drew itself; an input that an enumeration or a search found is shrunk here, in the manner of
delta debugging: coordinates are dropped in halves, quarters, and so on, then numbers are made simpler.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np

from toolkit.arrays import Array
from toolkit.errors import WrongUse

__all__ = ["minimal_input"]


def minimal_input(
    fails: Callable[[Array], bool], x: Array, *, keep_dimension: bool = False, calls: int = 2000
) -> Array:
    """Return a short input of simple numbers that still fails: a local minimum, the same one each time.

    An input is simpler if it has fewer coordinates, among these fewer that are not zero, and among these simpler
    numbers: 1, then short decimals, preferably positive and near 1.

    Parameters
    ----------
    fails : callable
        Whether an array of the axes of `x` fails; what it raises is passed on.
    x : array, shape (d,), (worker, d) or (run, worker, d)
        A failing input; never written to. Coordinates are dropped from all its rows at once.
    keep_dimension : bool
        Drop no coordinates, because what fails depends on their number.
    calls : int
        The most calls of `fails`.

    Returns
    -------
    array
        Of the type of `x`.

    Raises
    ------
    WrongUse
        If `x` itself does not fail.

    Examples
    --------
    >>> minimal_input(lambda x: x.sum() > 3, np.array([0.7, 12.34, -2.0]))
    array([4.])
    >>> minimal_input(lambda x: (abs(x) > 0.6).sum() >= 2, np.array([0.7, 12.34, -2.0]), keep_dimension=True)
    array([1., 1., 0.])
    """
    x = np.array(x)
    if not fails(x.copy()):
        raise WrongUse("minimal_input(fails, x)", "x does not fail", "pass an input for which fails(x) is true")
    left = calls - 1
    improved = True
    while improved:
        improved = False
        for way in _ways(keep_dimension):
            # Each way goes on from what it has itself made simpler, until it has nothing more to propose.
            proposals = _worth_trying(way, x)
            while left > 0:
                with np.errstate(over="ignore"):  # of rounding up the largest number
                    simpler = next(proposals, None)
                if simpler is None:
                    break
                left -= 1
                if fails(simpler.copy()):
                    x, improved = simpler, True
                    proposals = _worth_trying(way, x)
    return x


Way = Callable[[Array], Iterator[Array]]


def _ways(keep_dimension: bool) -> list[Way]:
    return [*([] if keep_dimension else [_dropped]), _zeroed, _rounded_together, _rounded_one_by_one]


def _worth_trying(way: Way, x: Array) -> Iterator[Array]:
    """Yield what is simpler, and no infinity or NaN that was not there."""
    finite, complexity = np.isfinite(x).all(), _complexity(x)
    for proposal in way(x):
        if _complexity(proposal) < complexity and (np.isfinite(proposal).all() or not finite):
            yield proposal


def _complexity(x: Array) -> tuple[int, int, int, int, float]:
    numbers = np.abs(x[x != 0])
    lengths = sum(len(str(value).removesuffix(".0")) for value in numbers[numbers != 1])
    far_from_one = np.abs(np.log2(numbers[np.isfinite(numbers)].astype(float))).sum()
    return x.size, numbers.size, lengths, int(np.signbit(x).sum()), float(far_from_one)


def _blocks(d: int) -> Iterator[slice]:
    """Yield the halves of d positions, the quarters, and so on down to single ones, from the end."""
    size = d
    while size > 1:
        size = -(-size // 2)
        for start in range((d - 1) // size * size, -1, -size):
            yield slice(start, start + size)


def _dropped(x: Array) -> Iterator[Array]:
    for block in _blocks(x.shape[-1]):
        fewer = np.delete(x, block, axis=-1)
        if fewer.size:
            yield fewer


def _zeroed(x: Array) -> Iterator[Array]:
    yield np.zeros_like(x)
    for block in _blocks(x.size):
        rest = x.ravel().copy()
        rest[block] = 0
        yield rest.reshape(x.shape)


def _rounded_together(x: Array) -> Iterator[Array]:
    """Yield the input with all numbers simpler at once, so that what they have in common can stay."""
    magnitudes = np.abs(x[x != 0])
    yield np.abs(x)
    if magnitudes.size and np.isfinite(magnitudes).all():
        peak, least = magnitudes.max(), magnitudes.min()
        for scaled in (x / peak, x / least, x / np.exp2(np.floor(np.log2(peak)))):
            if np.isfinite(scaled).all():
                yield scaled
                yield from (_to_digits(scaled, digits) for digits in range(1, 5))
    yield np.sign(x)
    yield np.rint(x)
    yield from (_to_digits(x, digits) for digits in range(1, 9))


def _rounded_one_by_one(x: Array) -> Iterator[Array]:
    values = x.ravel()
    for j in range(values.size):
        for value in _simpler(values[j]):
            changed = values.copy()
            changed[j] = value
            yield changed.reshape(x.shape)


def _simpler(value: float) -> Iterator[float]:
    yield from (0.0, 1.0, -1.0)
    yield -value
    yield from (math.copysign(digit, value) for digit in range(2, 10))
    if math.isfinite(value) and value:
        decade = math.floor(math.log10(abs(value)))
        yield from (math.copysign(float(f"1e{decade + step}"), value) for step in (0, 1))
        yield from (float(np.rint(value)), float(np.floor(value)), float(np.ceil(value)))
        yield from (float(f"{value:.{digits}g}") for digits in range(1, 9))


def _to_digits(x: Array, digits: int) -> Array:
    """Return the numbers rounded to significant decimal digits."""
    return np.array([float(f"{float(value):.{digits}g}") for value in x.ravel()], dtype=x.dtype).reshape(x.shape)
