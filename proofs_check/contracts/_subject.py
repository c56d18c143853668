"""A compressor that is checked, and the conditions under which it is."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from proofs_check.contracts._law import Law, exact_law, sampled_law
from proofs_check.contracts._vectors import vectors
from proofs_check.outcomes import NotFinite, Outcomes, outcomes
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
    """

    vectors: int
    runs: int


LEVELS = {"quick": Level(vectors=4, runs=1024), "full": Level(vectors=64, runs=16384)}
SCANNED = (*range(1, 65), 100, 128, 256, 512, 1000, 1024, 4096)  # dimensions that are asked for
WANTED = (1, 2, 4, 9, 33)  # dimensions to try, or the next larger ones that are accepted
SMALL = 6  # the largest dimension in which outcomes are enumerated, if there is a smaller one
DRAWS = 4  # with which each vector is compressed where the property is one of every message


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

    def accepts(self, d: int) -> bool:
        """Tell whether the compressor works in a dimension."""
        return accepts(self.compressor, d, self.n)

    def vectors(self, d: int, dtype: np.dtype[Any]) -> Array:
        """Return vectors to try, shape ``(vector, worker, d)``; workers hold different ones."""
        return _batch(d, dtype, self.level.vectors, self.seed, self.n)

    def within(self, x: Array) -> Array:
        """Tell for which vectors, shape ``(vector, worker, d)``, the compressor's constants are declared."""
        low, high = self.compressor.domain(x.shape[-1], x.dtype)
        magnitude = np.abs(x)
        return ((magnitude == 0) | ((magnitude >= low) & (magnitude <= high))).all(axis=(1, 2))

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
        return np.repeat(x, times, axis=0), self.draw(np.tile(np.arange(times), len(x)))

    def sent(self, x: Array) -> Array:
        """Return the messages of vectors, all with the same draw."""
        return self.compressor.message(x, self.draw(np.zeros(len(x), dtype=int)))

    def draw_in_words(self, row: int, draws: int = DRAWS) -> str:
        """Return how a user makes the draw of a row of `repeated`."""
        if not self.compressor.random:
            return "none: it is deterministic"
        workers = f", workers={self.n}" if self.n > 1 else ""
        return f"Draw(seed={self.seed + row % draws}{workers})"

    # Laws -------------------------------------------------------------------------------------------------------------

    def outcomes(self, x: Array) -> Outcomes | None:
        """Return all outcomes of vectors, or None if they cannot be enumerated."""
        try:
            return outcomes(self.compressor, x)
        except NotFinite:
            return None

    def law(self, x: Array) -> Law:
        """Return the mean and the expected error of vectors: exact, or else limits from samples."""
        found = self.outcomes(x)
        if found is not None:
            return exact_law(x, found)
        rows, draw = self.repeated(x, self.level.runs)
        sent = self.compressor.message(rows, draw).reshape(len(x), -1, *x.shape[1:])
        return sampled_law(x, np.moveaxis(sent, 1, 0), self.error_probability)

    @cached_property
    def why_not_finite(self) -> str:
        """Why its outcomes cannot be enumerated in the smallest dimension; empty if they can."""
        try:
            outcomes(self.compressor, self.vectors(self.small[0], self.dtypes[0])[-1:])
        except NotFinite as error:
            return error.wrong
        return ""

    def basis(self, x: Array) -> str:
        """Return over what an expectation was taken."""
        if not self.compressor.random:
            return "none: it is deterministic"
        found = self.outcomes(x)
        if found is not None:
            return f"all {len(found.sent)} outcomes, with their probabilities"
        return f"{self.level.runs} draws; limits at error probability {self.error_probability:g} (asymptotic, t)"

    def how(self) -> str:
        """Return how expectations were taken, for the end of a sentence."""
        if not self.compressor.random:
            return ""
        return f", samples of {self.level.runs} ({self.why_not_finite})" if self.why_not_finite else ", all outcomes"


@lru_cache(maxsize=64)
def _batch(d: int, dtype: np.dtype[Any], count: int, seed: int, workers: int) -> Array:
    x = vectors(d, dtype, count, seed)
    batch = np.stack([np.roll(x, -7 * worker, axis=0) for worker in range(workers)], axis=1)
    batch.flags.writeable = False
    return batch


def accepts(compressor: Compressor, d: int, workers: int) -> bool:
    """Tell whether a compressor does not refuse a dimension; what else it raises there is for a contract to find."""
    try:
        compressor.check(d)
        draw = Draw(0, workers=workers)
        compressor.compress(np.ones((workers, d)), draw if compressor.shared else draw.per_worker)
    except WrongUse:
        return False
    except Exception:
        return True
    return True


def choose_dimensions(compressor: Compressor, workers: int) -> tuple[int, ...]:
    """Return the smallest dimension that it accepts and some larger ones.

    Raises
    ------
    WrongUse
        If it accepts none that was asked for.
    """
    accepted = [d for d in SCANNED if accepts(compressor, d, workers)]
    if not accepted:
        raise WrongUse(
            f"checking {compressor!r}",
            f"it accepts no dimension up to 64, nor any of {', '.join(map(str, SCANNED[64:]))}",
            "pass dimensions=[…]",
        )
    nearest = [next((d for d in accepted if d >= wanted), accepted[-1]) for wanted in WANTED]
    return tuple(dict.fromkeys([accepted[0], *nearest]))
