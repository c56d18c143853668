"""A compressor that is checked, and the conditions under which it is."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from proofs_check.contracts._laws import Laws
from proofs_check.contracts._vectors import normal, vectors
from toolkit.arrays import Array
from toolkit.compressors import Compressor
from toolkit.draws import Draw
from toolkit.errors import WrongUse

__all__ = ["DRAWS", "LEVELS", "Level", "Subject", "choose_dimensions"]


@dataclass(frozen=True)
class Level:
    """How much is tried.

    Parameters
    ----------
    vectors : int
        Random vectors of each kind, in each dimension.
    runs : int
        Independent runs where samples are drawn.
    times : int
        Of what takes long: how many times as much is tried as at the quick level.
    """

    vectors: int
    runs: int
    times: int


LEVELS = {"quick": Level(vectors=4, runs=4096, times=1), "full": Level(vectors=64, runs=65536, times=10)}
SCANNED = (*range(1, 65), 100, 128, 256, 512, 1000, 1024, 4096)  # dimensions that are asked for
WANTED = (1, 2, 4, 9, 33)  # dimensions to try, or the next larger ones that are accepted
SMALL = 6  # the largest dimension in which outcomes are enumerated, if there is a smaller one
DRAWS = 4  # with which each vector is compressed where the property is one of every message
SAMPLED = 12  # vectors of which samples are drawn, at the quick level
FEWEST = 4  # vectors whose outcomes are enumerated, however many they are, at the quick level
ENUMERATED = 1 << 14  # outcomes of all vectors of one dimension and type together, at the quick level


@dataclass(frozen=True, eq=False)
class Subject:
    """A compressor and the conditions under which it is checked.

    Parameters
    ----------
    compressor : Compressor
    workers : int
        Number of workers of a run.
    dimensions : tuple of int
        Dimensions it accepts.
    dtypes : tuple of dtype
        Types of numbers.
    level : Level
        How much is tried.
    seed : int
        The first seed; the same seed, the same report.
    error_probability : float
        Of each statement that rests on samples.
    """

    compressor: Compressor
    workers: int
    dimensions: tuple[int, ...]
    dtypes: tuple[np.dtype[Any], ...]
    level: Level
    seed: int
    error_probability: float

    @property
    def n(self) -> int:
        """Number of workers where any will do: one, unless their messages are made together."""
        return self.workers if self.compressor.correlated else 1

    @property
    def small(self) -> tuple[int, ...]:
        """The dimensions in which all outcomes are enumerated."""
        return tuple(d for d in self.dimensions if d <= SMALL) or self.dimensions[:1]

    @property
    def searched(self) -> tuple[int, ...]:
        """The dimensions in which an adversary looks for the worst input."""
        return self.dimensions if self.level.times > 1 else self.small[-1:]

    @cached_property
    def laws(self) -> Laws:
        """The means and expected errors of its messages."""
        return Laws(self.compressor, self.level.runs, self.seed, self.error_probability)

    def accepts(self, d: int, workers: int) -> bool:
        """Tell whether the compressor works in a dimension."""
        return accepts(self.compressor, d, workers)

    # Vectors ----------------------------------------------------------------------------------------------------------

    def vectors(self, d: int, dtype: np.dtype[Any], workers: int | None = None) -> Array:
        """Return vectors to try, shape ``(vector, worker, d)``; workers hold different ones."""
        return _batch(d, dtype, self.level.vectors, self.seed, self.n if workers is None else workers)

    def vectors_with_law(self, d: int, dtype: np.dtype[Any], workers: int | None = None) -> Array:
        """Return vectors whose law is known: any, if all outcomes can be enumerated, else normal ones.

        Limits from samples miss an outcome that is rare and large. Normal vectors have none, unless by design.
        """
        n = self.n if workers is None else workers
        why, count = self.laws.finite(d, n)
        if why:
            return normal(d, dtype, SAMPLED * self.level.times, n, self.seed)
        return self.some(self.vectors(d, dtype, n), max(FEWEST, ENUMERATED // count))

    def some(self, x: Array, most: int | None) -> Array:
        """Return so many of the vectors, evenly spaced, or all; more at a level that tries more."""
        if most is None or len(x) <= most * self.level.times:
            return x
        return x[np.linspace(0, len(x) - 1, most * self.level.times).astype(int)]

    def within(self, x: Array) -> Array:
        """Tell for which vectors, shape ``(vector, worker, d)``, the compressor's constants are declared."""
        low, high = self.compressor.domain(x.shape[-1], x.dtype)
        size = np.abs(x)
        return ((size == 0) | ((size >= low) & (size <= high))).all(axis=(1, 2))

    def below(self, x: Array) -> Array:
        """Tell which vectors have no number that is too large for the compressor's constants."""
        return (np.abs(x) <= self.compressor.domain(x.shape[-1], x.dtype)[1]).all(axis=(1, 2))

    # Messages ---------------------------------------------------------------------------------------------------------

    def draw(self, seeds: Any, workers: int | None = None) -> Draw | None:
        """Return the randomness of a batch, one seed per row: own to each worker, unless they share it."""
        if not self.compressor.random:
            return None
        draw = Draw(self.seed + np.asarray(seeds), workers=self.n if workers is None else workers)
        return draw if self.compressor.shared else draw.per_worker

    def repeated(self, x: Array, draws: int = DRAWS) -> tuple[Array, Draw | None]:
        """Return each vector several times, one after the other, and as many draws: the same ones for every vector."""
        times = draws if self.compressor.random else 1
        return np.repeat(x, times, axis=0), self.draw(np.tile(np.arange(times), len(x)), x.shape[1])

    def sent(self, x: Array) -> Array:
        """Return the messages of vectors, all with the same draw."""
        return self.compressor.message(x, self.draw(np.zeros(len(x), dtype=int), x.shape[1]))

    def apart(self, x: Array, left: Array, right: Array) -> Array:
        """Tell for which vectors two messages, or means of them, differ by more than rounding.

        Parameters
        ----------
        x : array, shape (vector, …, d)
            What was rounded on the way, besides the two.
        left, right : array, shape (vector, worker, d)
        """
        info, d = np.finfo(x.dtype), x.shape[-1]
        peak = np.maximum(*(np.abs(one).max(axis=(1, 2), keepdims=True) for one in (left, right)))
        scale = np.maximum(peak, np.abs(x).max(axis=(1, 2), keepdims=True))
        # Sums of d terms, each good to a few eps, go into every coordinate.
        return ~(np.abs(left - right) <= 8 * (d + 8) * float(info.eps) * scale).all(axis=(1, 2))

    def draw_in_words(self, row: int, draws: int = DRAWS) -> str:
        """Return how a user makes the draw of a row of `repeated`."""
        if not self.compressor.random:
            return "none: it is deterministic"
        workers = f", workers={self.n}" if self.n > 1 else ""
        return f"Draw(seed={self.seed + row % draws}{workers})"


@lru_cache(maxsize=64)
def _batch(d: int, dtype: np.dtype[Any], count: int, seed: int, workers: int) -> Array:
    x = vectors(d, dtype, count, seed)
    batch = np.stack([np.roll(x, -7 * worker, axis=0) for worker in range(workers)], axis=1)
    batch.flags.writeable = False
    return batch


def accepts(compressor: Compressor, d: int, workers: int) -> bool:
    """Tell whether a compressor does not refuse a dimension; what else it raises there is for a contract to find."""
    return refusal(compressor, d, workers) is None


def refusal(compressor: Compressor, d: int, workers: int) -> WrongUse | None:
    """Return why a compressor refuses a dimension, or None if it does not."""
    try:
        compressor.check(d)
        draw = Draw(0, workers=workers)
        compressor.compress(np.ones((workers, d)), draw if compressor.shared else draw.per_worker)
    except WrongUse as error:
        return error
    except Exception:
        return None
    return None


def choose_dimensions(compressor: Compressor, workers: int) -> tuple[int, ...]:
    """Return the smallest dimension that a compressor accepts and some larger ones.

    Raises
    ------
    WrongUse
        If it accepts none of those tried.
    """
    found: list[int] = []
    for wanted in WANTED:
        found += [next((d for d in SCANNED if d >= wanted and accepts(compressor, d, workers)), 0)]
    if not any(found):
        why = refusal(compressor, SCANNED[-1], workers)
        raise WrongUse(
            f"check_compressor({compressor!r})",
            f"it refuses every dimension that was tried (up to 64, and {', '.join(map(str, SCANNED[64:]))}), the last "
            f"one because {why.wrong if why else 'of an error'}",
            why.remedy if why else "pass dimensions=[…]",
        )
    return tuple(dict.fromkeys(d for d in found if d))
