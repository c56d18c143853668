"""The maximum of a function of a vector, searched for without derivatives, many vectors at a time."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from toolkit.arrays import Array
from toolkit.draws import Draw

__all__ = ["Best", "maximise", "within"]

FINEST = 2.0**-46  # the relative step at which an ascent ends
BLOCK = 64  # coordinates that are moved in one step; of more, others in the next one
TIE = 1e-14  # values that differ by less, relatively, are equal
CHUNK = 1 << 19  # numbers in one batch of candidates
PROBES = 32  # candidates that show how a function depends on the scale
SCALES = 3  # of a function that depends on the scale, so many are kept


@dataclass(frozen=True)
class Best:
    """The best that was found.

    Parameters
    ----------
    value : float
        Of the function.
    x : array, shape (worker, d)
        Where.
    where : str
        How it was come upon: the name of the start, and whether the ascent from there led on.
    finalists : array, shape (candidate, worker, d)
        The starts that were climbed from, and then where that led.
    names : tuple of str
        How each of them was come upon.
    evaluations : int
        Of the function.
    """

    value: float
    x: Array
    where: str
    finalists: Array
    names: tuple[str, ...]
    evaluations: int


def maximise(
    function: Callable[[Array], Array],
    starts: Mapping[str, Array],
    *,
    magnitudes: tuple[float, float],
    restarts: int,
    steps: int,
    seed: int = 0,
) -> Best:
    """Search for the largest value of a function, from many starts, of which the best are climbed from.

    Parameters
    ----------
    function : callable
        Of candidates, shape ``(candidate, worker, d)``, to their values, shape ``(candidate,)``; infinite ones are the
        best, NaN counts as infinite.
    starts : mapping of str to array of shape (candidate, worker, d)
        By name.
    magnitudes : (low, high)
        Where the magnitudes of coordinates that are not zero have to lie; candidates are projected there.
    restarts, steps : int
        From how many of the starts to climb, and for how many steps at most.
    seed : int
        Of the blocks of coordinates, where there are more than 64.

    Notes
    -----
    A step is a pattern search: every coordinate up and down, by a multiple of the largest entry and of itself, to zero,
    all coordinates of one magnitude together, and the whole vector in scale; what this shows of slopes and curvatures
    gives some further candidates, along the gradient and to the tops of the parabolas. The best candidate is taken if
    it is better, and the step then doubled, otherwise quartered, until it is below 2⁻⁴⁶. So suprema are approached
    that are nowhere attained because the function jumps.
    """
    counted = _Counted(function)
    names = [name for name, x in starts.items() for _ in range(len(x))]
    x = np.concatenate(list(starts.values()))
    scales = _scales(counted, _spread(x, PROBES), magnitudes)
    x = _projected(np.concatenate([scale * x for scale in scales]), magnitudes)
    values = counted(x)
    chosen = _promising(values, names * len(scales), restarts)
    reached, heights = _climb(counted, x[chosen], values[chosen], steps, magnitudes, seed)
    # Of what is equal but for rounding, a start as it is, and the simplest of them, which stand first.
    heights, finalists = np.concatenate([values[chosen], heights]), np.concatenate([x[chosen], reached])
    came = [(names * len(scales))[i] for i in chosen]
    came += [f"ascent from: {name}" for name in came]
    top = float(heights.max())
    equal = np.flatnonzero(heights >= (top - TIE * abs(top) if math.isfinite(top) else top))
    best = min(equal, key=lambda i: (i >= len(chosen), chosen[i % len(chosen)]))
    return Best(float(heights[best]), finalists[best], came[best], finalists, tuple(came), counted.evaluations)


def within(x: Array, magnitudes: tuple[float, float]) -> Array:
    """Tell of which candidates all coordinates that are not zero have allowed magnitudes.

    Examples
    --------
    >>> within(np.array([[[0.0, 0.5]], [[0.1, 0.5]]]), (0.2, 1.0))
    array([ True, False])
    """
    low, high = magnitudes
    size = np.abs(x)
    return ((size == 0) | ((low <= size) & (size <= high))).all(axis=(1, 2))


def _projected(x: Array, magnitudes: tuple[float, float]) -> Array:
    """Return the candidates with the magnitudes that are not allowed moved to the nearest that are."""
    return np.where(x == 0, x, np.copysign(np.clip(np.abs(x), *magnitudes), x))


class _Counted:
    """The function, in batches of bounded size, infinite where it is not a number, and a count."""

    def __init__(self, function: Callable[[Array], Array]) -> None:
        self.function, self.evaluations = function, 0

    def __call__(self, x: Array) -> Array:
        size = max(1, CHUNK // x[0].size)
        values = np.concatenate([self.function(x[first : first + size]) for first in range(0, len(x), size)])
        self.evaluations += len(x)
        return np.where(np.isnan(values), np.inf, values)


def _spread(x: Array, count: int) -> Array:
    """Return up to `count` of the candidates, evenly spaced."""
    return x[np.unique(np.linspace(0, len(x) - 1, count).astype(int))]


def _scales(function: Callable[[Array], Array], probes: Array, magnitudes: tuple[float, float]) -> list[float]:
    """Return the powers of two at which the function of some probes is largest; only 1 if that is all the same."""
    low, high = (round(math.log2(end)) for end in magnitudes)
    exponents = sorted({*range(-24, 25), *range(low - low % 8, high, 8)}, key=abs)
    scales = [2.0**exponent for exponent in exponents if low <= exponent <= high] or [1.0]
    scaled = np.concatenate([scale * probes for scale in scales])
    values = function(_projected(scaled, magnitudes)).reshape(len(scales), -1)
    # What had to be projected says nothing about the scale.
    known = np.isfinite(values) & within(scaled, magnitudes).reshape(values.shape)
    most, least = np.where(known, values, -np.inf).max(axis=0), np.where(known, values, np.inf).min(axis=0)
    if known.any() and (most - least <= 1e-9 * np.abs(most))[known.any(axis=0)].all():
        return [1.0]
    best = np.argsort(-values.max(axis=1), kind="stable")[:SCALES]
    return [scales[i] for i in best]


def _promising(values: Array, names: list[str], count: int) -> Array:
    """Return where to start: the best of every family, best first, then the best of what is left."""
    order = np.argsort(-values, kind="stable")
    _, first = np.unique(np.array(names)[order], return_index=True)
    leaders = order[np.sort(first)]
    rest = order[~np.isin(order, leaders)]
    return np.concatenate([leaders, rest])[:count]


def _climb(
    function: Callable[[Array], Array],
    x: Array,
    values: Array,
    steps: int,
    magnitudes: tuple[float, float],
    seed: int,
) -> tuple[Array, Array]:
    """Climb from every candidate by itself; return where that led and how high."""
    shape, x = x.shape, x.reshape(len(x), -1).copy()
    values = values.copy()
    stride = np.full(len(x), 0.5)
    for step in range(steps):
        going = np.flatnonzero((stride >= FINEST) & np.isfinite(values))
        if not going.size:
            break
        here, height, h = x[going], values[going], stride[going][:, None]
        block = _block(x.shape[1], step, seed)

        def at(candidates: Array) -> Array:
            return function(candidates.reshape(-1, *shape[1:])).reshape(candidates.shape[:2])

        moves, slopes = _moves(here, h, block)
        near = _projected(here[:, None] + moves, magnitudes)
        seen = at(near)
        far = _projected(here[:, None] + _leaps(here, height, seen, slopes, h, block), magnitudes)
        tried, found = np.concatenate([near, far], axis=1), np.concatenate([seen, at(far)], axis=1)
        best = found.argmax(axis=1)
        row = np.arange(len(going))
        better = found[row, best] > height
        x[going] = np.where(better[:, None], tried[row, best], here)
        values[going] = np.where(better, found[row, best], height)
        stride[going] = np.where(better, np.minimum(1.0, 2 * h[:, 0]), h[:, 0] / 4)
    return x.reshape(shape), values


def _block(size: int, step: int, seed: int) -> Array:
    """Return the coordinates that a step moves."""
    if size <= BLOCK:
        return np.arange(size)
    return Draw(seed, step).of("block").permutation(size)[0, 0, :BLOCK]


def _moves(x: Array, h: Array, block: Array) -> tuple[Array, dict[str, slice]]:
    """Return the moves of a step, shape ``(candidate, move, coordinate)``, and where the coordinates' moves lie."""
    peak = np.abs(x).max(axis=1)[:, None, None]
    unit = np.zeros((len(block), x.shape[1]))
    unit[np.arange(len(block)), block] = 1
    single = h[..., None] * peak * unit
    own = x[:, None] * unit
    alike = np.abs(x)[:, None, :] == np.abs(x)[:, block, None]
    group = h[..., None] * peak * np.where(alike, np.where(x < 0, -1.0, 1.0)[:, None], 0.0)
    whole = (h * x)[:, None]
    kinds = [single, -single, group, -group, h[..., None] * own, -h[..., None] * own, -own, whole, -whole / 2]
    count = len(block)
    slopes = {"single": slice(0, 2 * count), "group": slice(2 * count, 4 * count)}
    return np.concatenate(kinds, axis=1), slopes


def _leaps(x: Array, height: Array, seen: Array, slopes: dict[str, slice], h: Array, block: Array) -> Array:
    """Return moves of all coordinates at once, by the slopes and curvatures that single moves have shown."""
    length = h * np.abs(x).max(axis=1, keepdims=True)
    signs = {"single": np.ones_like(x[:, block]), "group": np.where(x < 0, -1.0, 1.0)[:, block]}
    leaps = []
    for kind, where in slopes.items():
        up, down = np.split(np.where(np.isfinite(seen[:, where]), seen[:, where], height[:, None]), 2, axis=1)
        slope, curvature = (up - down) / 2, up + down - 2 * height[:, None]
        steepest = np.abs(slope).max(axis=1, keepdims=True)
        climb = slope / np.where(steepest > 0, steepest, 1)
        top = np.clip(-slope / np.where(curvature < 0, curvature, -np.inf), -4, 4)
        greedy = np.where(np.maximum(up, down) > height[:, None], np.where(up >= down, 1.0, -1.0), 0.0)
        for move in (climb, 4 * climb, top, top / 2, greedy):
            leap = np.zeros_like(x)
            leap[:, block] = length * signs[kind] * move
            leaps.append(leap)
    return np.stack(leaps, axis=1)
