"""Every outcome of a random compressor with its exact probability, found by playing its draws.

The compressor runs on a draw that is a script. Whenever it asks for something that can turn out in finitely many ways
(a subset, a permutation, signs, or whether a uniform number is below a threshold), the script forks: the run is
repeated once for each way, all of them as rows of one batch. So a compressor runs once more than it makes choices, and
an expectation is a finite sum instead of an average over samples.
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
from toolkit.compressors import Compressor
from toolkit.errors import ToolkitError

__all__ = ["NotFinite", "Outcomes", "outcomes", "subsets"]

LIMIT = 1 << 15  # outcomes of one batch of vectors
PIECES = 64  # ways in which one uniform number may turn out


class NotFinite(ToolkitError):
    """The outcomes cannot be enumerated: they are not finitely many, or, of all vectors together, too many."""

    def __init__(self, why: str, *, too_many: bool = False) -> None:
        super().__init__("enumerating the outcomes", why, "draw samples instead")
        self.too_many = too_many


@dataclass(frozen=True)
class Outcomes:
    """All messages of some vectors, with their probabilities.

    Parameters
    ----------
    sent : array, shape (outcome, worker, d)
        The messages, those of one vector together, in the order of the vectors.
    probability : array, shape (outcome,)
        Of each outcome of its vector.
    vector : array of int, shape (outcome,)
        Which vector it belongs to.
    """

    sent: Array
    probability: Array
    vector: Array

    def then(self, more: Outcomes) -> Outcomes:
        """Return the outcomes of these vectors and then of more."""
        return Outcomes(
            np.concatenate([self.sent, more.sent]),
            np.concatenate([self.probability, more.probability]),
            np.concatenate([self.vector, self.vector[-1] + 1 + more.vector]),
        )

    def expect(self, values: Array) -> Array:
        """Return the expectation of a function of the outcome, shape (outcome, …), for each vector."""
        first = np.flatnonzero(np.diff(self.vector, prepend=-1))
        weights = self.probability.reshape(-1, *[1] * (values.ndim - 1))
        return np.add.reduceat(weights * values, first, axis=0)


def outcomes(compressor: Compressor, x: Array, limit: int = LIMIT) -> Outcomes:
    """Return every message of each vector with its probability.

    Parameters
    ----------
    compressor : Compressor
        Any; a deterministic one has one outcome.
    x : array, shape (vector, worker, d)
        Finite vectors; the workers draw the same numbers if the compressor says so, else each its own.
    limit : int
        The most outcomes, of all vectors together.

    Raises
    ------
    NotFinite
        If the compressor draws normal numbers, uses uniform numbers otherwise than by comparing or rounding them, takes
        two kinds of numbers from one address, or has more outcomes.

    Notes
    -----
    A draw's uniform numbers are (word + 1/2)/2³², so in a run every probability of a comparison is met to within 2⁻³³.

    Examples
    --------
    >>> from toolkit.compressors import Natural, RandK
    >>> all_sent = outcomes(Natural(), np.array([[[1.25, -6.0]]]))
    >>> all_sent.sent[:, 0].tolist(), all_sent.probability
    ([[2.0, -8.0], [1.0, -8.0], [2.0, -4.0], [1.0, -4.0]], array([0.125, 0.375, 0.125, 0.375]))
    >>> len(outcomes(RandK(k=2), np.ones((1, 1, 5))).sent)
    10
    """
    try:
        return _played(compressor.message, x, compressor.random, compressor.shared, limit)
    except NotFinite:
        raise
    except Exception as error:
        # A faster `message` may want more of a draw than a script has; `parts` and `assemble` say the same.
        if type(compressor).parts is Compressor.parts:
            raise NotFinite(f"message(x, draw) does not run on a script: {error}") from error
    try:
        return _played(_through_parts(compressor), x, compressor.random, compressor.shared, limit)
    except NotFinite:
        raise
    except Exception as error:
        raise NotFinite(f"parts(x, draw) does not run on a script: {error}") from error


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


Message = Callable[[Array, Any], Array]


def _through_parts(compressor: Compressor) -> Message:
    def message(x: Array, draw: Any) -> Array:
        return compressor.assemble(compressor.parts(x, draw), draw, x.shape[-1], x.dtype)

    return message


def _played(message: Message, x: Array, random: bool, shared: bool, limit: int) -> Outcomes:
    """Run a message, forking until everything it asks for is decided."""
    vector, probability = np.arange(len(x)), np.ones(len(x))
    made: dict[str, _Choice] = {}
    while True:
        script = _Script(_Play(made, len(vector), x.shape[1], limit), own=not shared)
        try:
            sent = message(np.ascontiguousarray(x[vector]), script if random else None)
            return Outcomes(np.asarray(sent), probability, vector)
        except _Fork as fork:
            made = {address: choice.of_rows(fork.row) for address, choice in made.items()}
            made[fork.address] = fork.choice
            vector, probability = vector[fork.row], probability[fork.row] * fork.probability


@dataclass(frozen=True)
class _Choice:
    """What was drawn at an address: arrays of shape ``(row, worker, …)``, of uniform numbers the ends of intervals."""

    kind: str
    numbers: Array
    high: Array | None = None

    def of_rows(self, row: Array) -> _Choice:
        return _Choice(self.kind, self.numbers[row], None if self.high is None else self.high[row])


class _Fork(Exception):
    """A choice that is still to be made: for each way it turns out, the row it comes from and its probability."""

    def __init__(self, address: str, row: Array, probability: Array, choice: _Choice) -> None:
        super().__init__(address)
        self.address, self.row, self.probability, self.choice = address, row, probability, choice


@dataclass(frozen=True)
class _Play:
    """What is decided so far, for a batch of rows."""

    made: dict[str, _Choice]
    rows: int
    workers: int
    limit: int

    def known(self, address: str, kind: str) -> _Choice | None:
        """Return what was drawn at an address, if anything was."""
        known = self.made.get(address)
        if known is not None and known.kind != kind:
            raise NotFinite(f"{known.kind} and {kind} are drawn at one address, so they are dependent")
        return known

    def check(self, count: float) -> None:
        """Refuse so many rows."""
        if count > self.limit:
            raise NotFinite(f"there are more than {self.limit} outcomes", too_many=True)


class _Script:
    """A draw whose numbers are chosen; those of ``script.per_worker`` are independent between workers."""

    def __init__(self, play: _Play, path: str = "", own: bool = False, count: int = 1) -> None:
        self._play, self._path, self._own, self._count = play, path, own, count

    def of(self, purpose: str, index: int = 0) -> _Script:
        return _Script(self._play, f"{self._path}/{purpose}[{index}]", self._own, self._count)

    def at(self, step: int) -> _Script:
        return _Script(self._play, f"{self._path}@{step}", self._own, self._count)

    def rows(self, count: int) -> _Script:
        return _Script(self._play, f"{self._path} in {count} rows", self._own, self._count * count)

    @property
    def per_worker(self) -> _Script:
        return _Script(self._play, self._path, own=True, count=self._count)

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
            self._play.made[self._address] = _Choice("uniform numbers", low, high)
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
        raise _Fork(self._address, row, np.full(len(row), 1 / total), _Choice(kind, numbers))


class _Uniform(NDArrayOperatorsMixin):
    """The numbers a + b·u of uniform numbers u of which only intervals are known.

    Comparing or rounding them asks on which side of a cut u is: where an interval does not say so, the script forks.

    Parameters
    ----------
    index : array of int
        Which of the numbers drawn at the address each of these is, counted over rows, workers and coordinates.
    """

    def __init__(self, play: _Play, address: str, index: Array, a: Any = 0.0, b: Any = 1.0) -> None:
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

    def _fork(self, choice: _Choice, number: Array, cut: Array) -> _Fork:
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
        return _Fork(
            self._address, row, probability, _Choice(choice.kind, new_low.reshape(shape), new_high.reshape(shape))
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
