"""A draw that forks wherever a compressor's choice can turn out in finitely many ways.

What has been decided is a `Play`, for a batch of rows. A `ForkingDraw` hands it over; where something is still to be
decided it raises a `Fork`, which says how each row goes on.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations, permutations, product
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from toolkit.arrays import Array
from toolkit.errors import ToolkitError

__all__ = ["Choice", "Fork", "ForkingDraw", "NotFinite", "Play", "subsets"]

PIECES = 64  # ways in which one uniform number may turn out


class NotFinite(ToolkitError):
    """The outcomes cannot be enumerated: they are not finitely many, or, of all vectors together, too many."""

    def __init__(self, why: str, *, too_many: bool = False) -> None:
        super().__init__("enumerating the outcomes", why, "draw samples instead")
        self.too_many = too_many


def subsets(d: int, k: int) -> Array:
    """Return all subsets of size k of d coordinates as masks, shape ``(C(d, k), d)``.

    Examples
    --------
    >>> subsets(3, 2).astype(int)
    array([[1, 1, 0],
           [1, 0, 1],
           [0, 1, 1]])
    """
    chosen = np.array(list(combinations(range(d), k)), dtype=int)
    masks = np.zeros((len(chosen), d), dtype=bool)
    np.put_along_axis(masks, chosen, True, axis=1)
    return masks


@dataclass(frozen=True)
class Choice:
    """What was drawn at an address: arrays of shape ``(row, worker, …)``, of uniform numbers the ends of intervals."""

    kind: str
    numbers: Array
    high: Array | None = None

    def of_rows(self, row: Array) -> Choice:
        return Choice(self.kind, self.numbers[row], None if self.high is None else self.high[row])


class Fork(Exception):
    """A choice that is still to be made: for each way it turns out, the row it comes from and its probability."""

    def __init__(self, address: str, row: Array, probability: Array, choice: Choice) -> None:
        super().__init__(address)
        self.address, self.row, self.probability, self.choice = address, row, probability, choice


@dataclass(frozen=True)
class Play:
    """What is decided so far, for a batch of rows."""

    made: dict[str, Choice]
    rows: int
    workers: int
    limit: int

    def known(self, address: str, kind: str) -> Choice | None:
        """Return what was drawn at an address, if anything was."""
        known = self.made.get(address)
        if known is not None and known.kind != kind:
            raise NotFinite(f"{known.kind} and {kind} are drawn at one address, so they are dependent")
        return known

    def check(self, count: float) -> None:
        """Refuse so many rows."""
        if count > self.limit:
            raise NotFinite(f"there are more than {self.limit} outcomes", too_many=True)


class ForkingDraw:
    """A draw whose numbers are chosen, with the methods of `toolkit.draws.Draw`.

    Parameters
    ----------
    play : Play
        What is decided.
    path : str
        The purpose.
    own : bool
        Whether numbers are independent between workers.
    count : int
        Rows of numbers for each worker: see `Draw.rows`.
    """

    def __init__(self, play: Play, path: str = "", own: bool = False, count: int = 1) -> None:
        self._play, self._path, self._own, self._count = play, path, own, count

    def of(self, purpose: str, index: int = 0) -> ForkingDraw:
        return ForkingDraw(self._play, f"{self._path}/{purpose}[{index}]", self._own, self._count)

    def at(self, step: int) -> ForkingDraw:
        return ForkingDraw(self._play, f"{self._path}@{step}", self._own, self._count)

    def rows(self, count: int) -> ForkingDraw:
        return ForkingDraw(self._play, f"{self._path} in {count} rows", self._own, self._count * count)

    @property
    def per_worker(self) -> ForkingDraw:
        return ForkingDraw(self._play, self._path, own=True, count=self._count)

    @property
    def shape(self) -> tuple[int, int]:
        return self._play.rows, (self._play.workers if self._own else 1) * self._count

    @property
    def _address(self) -> str:
        return f"{self._path}{' per worker' * self._own}"

    def subset(self, d: int, k: Any) -> Array:
        sizes = np.unique(k)
        if len(sizes) > 1:
            raise NotFinite("rows draw subsets of different sizes")
        size = int(sizes[0])
        return self._one_of(f"subsets of {size} out of {d}", math.comb(d, size), lambda: subsets(d, size))

    def permutation(self, d: int) -> Array:
        return self._one_of(f"orders of {d}", math.factorial(d), lambda: np.array(list(permutations(range(d)))))

    def signs(self, d: int) -> Array:
        return self._one_of(f"signs of {d}", 2**d, lambda: np.array(list(product([1.0, -1.0], repeat=d))))

    def coin(self, p: Any) -> Array:
        return self.uniform(1) < p

    def uniform(self, d: int) -> _Uniform:
        known = self._play.known(self._address, "uniform numbers")
        size = 0 if known is None else known.numbers.shape[-1]
        if size < d:  # numbers of one address begin alike, however many are drawn
            low, high = np.zeros((*self.shape, d - size)), np.ones((*self.shape, d - size))
            if known is not None:
                low, high = np.concatenate([known.numbers, low], axis=2), np.concatenate([known.high, high], axis=2)
            self._play.made[self._address] = Choice("uniform numbers", low, high)
        index = np.arange(math.prod(self.shape) * max(d, size)).reshape(*self.shape, -1)[..., :d]
        return _Uniform(self._play, self._address, index)

    def normal(self, d: int) -> Array:
        raise NotFinite("normal numbers are drawn")

    def _one_of(self, kind: str, count: int, ways: Callable[[], Array]) -> Array:
        """Return what was drawn, one of equally probable ways for each worker, or fork."""
        known = self._play.known(self._address, kind)
        if known is not None:
            return known.numbers
        rows, workers = self.shape
        total = count**workers
        self._play.check(total * rows)
        each = np.array(list(product(ways(), repeat=workers)))
        row = np.repeat(np.arange(rows), total)
        numbers = np.tile(each, (rows, *[1] * (each.ndim - 1)))
        raise Fork(self._address, row, np.full(len(row), 1 / total), Choice(kind, numbers))


class _Uniform(NDArrayOperatorsMixin):
    """The numbers a + b·u of uniform numbers u of which only intervals are known.

    Comparing or rounding them asks on which side of a cut u is: where an interval does not say so, the script forks.

    Parameters
    ----------
    index : array of int
        Which of the numbers drawn at the address each of these is, counted over rows, workers and coordinates.
    """

    def __init__(self, play: Play, address: str, index: Array, a: Any = 0.0, b: Any = 1.0) -> None:
        self._play, self._address, self._index = play, address, index
        self._a, self._b = np.broadcast_to(a, index.shape), np.broadcast_to(b, index.shape)

    @property
    def shape(self) -> tuple[int, ...]:
        return self._index.shape

    @property
    def ndim(self) -> int:
        return self._index.ndim

    @property
    def size(self) -> int:
        return self._index.size

    dtype = np.dtype(float)

    def _rearranged(self, how: Callable[[Array], Array]) -> _Uniform:
        return _Uniform(self._play, self._address, how(self._index), how(self._a), how(self._b))

    def __getitem__(self, chosen: Any) -> _Uniform:
        return self._rearranged(lambda array: array[chosen])

    def reshape(self, *shape: Any) -> _Uniform:
        return self._rearranged(lambda array: array.reshape(*shape))

    def transpose(self, *axes: Any) -> _Uniform:
        return self._rearranged(lambda array: array.transpose(*axes))

    def __array__(self, *arguments: Any, **options: Any) -> Array:
        raise NotFinite("the values of uniform numbers are used")

    def __array_function__(self, function: Any, types: Any, arguments: Any, options: Any) -> Any:
        if function not in _REARRANGING or arguments[0] is not self:
            raise NotFinite(f"uniform numbers are used in numpy.{function.__name__}")
        return self._rearranged(lambda array: function(array, *arguments[1:], **options))

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        others = [np.asarray(one, dtype=float) for one in inputs if not isinstance(one, _Uniform)]
        if method == "__call__" and not options and len(others) == len(inputs) - 1:
            turned = inputs[0] is not self
            if ufunc in _BELOW:
                return self._below(others[0]) ^ turned ^ (not _BELOW[ufunc])
            if ufunc in _CUTS:
                return self._rounded(ufunc)
            if ufunc in _AFFINE and not (turned and ufunc is np.divide):
                shape = np.broadcast_shapes(self.shape, *(one.shape for one in others))
                a, b = _AFFINE[ufunc](self._a, self._b, *others)
                sign = -1 if turned and ufunc is np.subtract else 1
                return _Uniform(self._play, self._address, np.broadcast_to(self._index, shape), sign * a, sign * b)
        raise NotFinite(f"uniform numbers are used in numpy.{ufunc.__name__}")

    def _below(self, threshold: Array) -> Array:
        """Tell which of the numbers are below a threshold."""
        index, a, b, threshold = np.broadcast_arrays(self._index, self._a, self._b, threshold)
        with np.errstate(divide="ignore", invalid="ignore"):
            cut = (threshold - a) / b
        u = self._settled(index, cut[..., None])
        return np.where(b == 0, a < threshold, (u < cut) ^ (b < 0))

    def _rounded(self, ufunc: Any) -> Array:
        """Return the numbers rounded to integers."""
        a, b, offset = self._a, self._b, _CUTS[ufunc]
        first = np.floor(a + np.minimum(b, 0) - offset)
        count = int(np.max(np.ceil(a + np.maximum(b, 0)) - first, initial=0)) + 1
        if count > PIECES:
            raise NotFinite(f"a uniform number is rounded to one of more than {PIECES} integers")
        with np.errstate(divide="ignore", invalid="ignore"):
            cuts = (first[..., None] + offset + np.arange(count) - a[..., None]) / b[..., None]
        return ufunc(a + b * self._settled(self._index, cuts))

    def _settled(self, index: Array, cuts: Array) -> Array:
        """Return the middle of the interval of each number, or fork if there are cuts inside of some.

        Parameters
        ----------
        index : array of int, shape (…)
            The numbers.
        cuts : array, shape (…, cut)
            Where each is cut.
        """
        choice = self._play.made[self._address]
        assert choice.high is not None
        low, high = choice.numbers.ravel(), choice.high.ravel()
        inside = (cuts > low[index][..., None]) & (cuts < high[index][..., None])
        if not inside.any():
            return (low[index] + high[index]) / 2
        number = np.broadcast_to(index[..., None], cuts.shape)[inside]
        number, cut = np.unique(np.stack([number, cuts[inside]]), axis=1)
        raise self._fork(choice, number.astype(int), cut)

    def _fork(self, choice: Choice, number: Array, cut: Array) -> Fork:
        """Return the fork at cuts of some numbers, in the order of the numbers and then of the cuts."""
        assert choice.high is not None
        rows, each = self._play.rows, choice.numbers[0].size
        low, high = choice.numbers.reshape(rows, each), choice.high.reshape(rows, each)
        pieces = 1 + np.bincount(number, minlength=rows * each).reshape(rows, each)
        total = pieces.prod(axis=1, dtype=float)
        self._play.check(total.sum())
        size = total.astype(int)
        row = np.repeat(np.arange(rows), size)
        way = np.arange(len(row)) - np.repeat(np.cumsum(size) - size, size)
        new_low, new_high, probability = low[row], high[row], np.ones(len(row))
        nth = np.arange(len(number)) - np.searchsorted(number, number)  # of the cuts of its number
        for j in np.flatnonzero((pieces > 1).any(axis=0)):
            own = number % each == j
            edges = np.repeat(high[:, j, None], pieces[:, j].max() + 1, axis=1)
            edges[:, 0] = low[:, j]
            edges[number[own] // each, 1 + nth[own]] = cut[own]
            way, piece = np.divmod(way, pieces[row, j])
            new_low[:, j], new_high[:, j] = edges[row, piece], edges[row, piece + 1]
            probability *= (new_high[:, j] - new_low[:, j]) / (high[row, j] - low[row, j])
        shape = len(row), *choice.numbers.shape[1:]
        return Fork(
            self._address, row, probability, Choice(choice.kind, new_low.reshape(shape), new_high.reshape(shape))
        )


_REARRANGING = {np.broadcast_to, np.reshape, np.swapaxes, np.moveaxis, np.transpose, np.expand_dims, np.repeat}
_BELOW = {np.less: True, np.less_equal: True, np.greater: False, np.greater_equal: False}
_CUTS = {np.floor: 0.0, np.ceil: 0.0, np.rint: 0.5, np.trunc: 0.0}
_AFFINE: dict[Any, Callable[..., tuple[Any, Any]]] = {
    np.add: lambda a, b, other: (a + other, b + 0 * other),
    np.subtract: lambda a, b, other: (a - other, b + 0 * other),
    np.multiply: lambda a, b, other: (a * other, b * other),
    np.divide: lambda a, b, other: (a / other, b / other),
    np.negative: lambda a, b: (-a, -b),
}
