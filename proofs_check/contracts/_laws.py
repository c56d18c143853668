"""The means and expected errors of a compressor's messages: by all outcomes where possible, else by samples."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from proofs_check.contracts._law import Law, exact_law, magnitude, mean_of_workers, sampled_law
from proofs_check.contracts._vectors import normal
from proofs_check.outcomes import NotFinite, Outcomes, outcomes
from toolkit.arrays import Array
from toolkit.compressors import Compressor
from toolkit.draws import Draw

__all__ = ["Laws"]

KEPT = 32  # laws that several contracts ask for
NUMBERS = 1 << 23  # in a batch of samples, at most, unless that leaves too few of them
LEAST = 64


class Laws:
    """The laws of messages, each found once.

    Parameters
    ----------
    compressor : Compressor
    runs : int
        Draws where outcomes cannot be enumerated.
    seed : int
        The first seed of these.
    error_probability : float
        Of each limit from samples.
    """

    def __init__(self, compressor: Compressor, runs: int, seed: int, error_probability: float) -> None:
        self.compressor, self.runs, self.seed, self.error_probability = compressor, runs, seed, error_probability
        self._laws: dict[Any, Law] = {}
        self._finite: dict[tuple[int, int], tuple[str, int]] = {}

    def finite(self, d: int, workers: int) -> tuple[str, int]:
        """Return why outcomes cannot be enumerated, empty if they can, and how many a normal vector has."""
        if not self.compressor.random:
            return "", 1
        if (d, workers) not in self._finite:
            try:
                every = outcomes(self.compressor, normal(d, np.dtype(float), 1, workers, self.seed))
                self._finite[d, workers] = "", len(every.sent)
            except NotFinite as error:
                self._finite[d, workers] = error.wrong, 0
        return self._finite[d, workers]

    def outcomes(self, x: Array) -> Outcomes | None:
        """Return all outcomes of vectors, shape ``(vector, worker, d)``, or None if they cannot be enumerated."""
        try:
            return outcomes(self.compressor, x)
        except NotFinite as error:
            if not error.too_many or len(x) == 1:
                return None
        halves = [self.outcomes(half) for half in np.array_split(x, 2)]
        first, second = halves
        return None if first is None or second is None else first.then(second)

    def of(self, x: Array, *, of_mean: bool = False) -> Law:
        """Return the law of the messages of vectors, shape ``(vector, worker, d)``, or of their means over workers."""
        key = x.tobytes(), x.dtype, x.shape, of_mean
        if key not in self._laws:
            if len(self._laws) >= KEPT:
                self._laws.clear()
            self._laws[key] = self._found(x, of_mean)
        return self._laws[key]

    def _found(self, x: Array, of_mean: bool) -> Law:
        least = np.maximum(magnitude(x), self._own_scale(x))
        every = self.outcomes(x)
        if every is not None:
            if not of_mean:
                return exact_law(x, every, least)
            every = dataclasses.replace(every, sent=mean_of_workers(every.sent))
            return exact_law(_mean_like(x), every, least.max(axis=1, keepdims=True))
        runs = self._draws(x)
        draw = Draw(self.seed + np.tile(np.arange(runs), len(x)), workers=x.shape[1])
        rows = np.repeat(x, runs, axis=0)
        sent = self.compressor.message(rows, draw if self.compressor.shared else draw.per_worker)
        sent = np.moveaxis(sent.reshape(len(x), -1, *x.shape[1:]), 1, 0)
        if not of_mean:
            return sampled_law(x, sent, least, self.error_probability)
        least = least.max(axis=1, keepdims=True)
        return sampled_law(_mean_like(x), mean_of_workers(sent), least, self.error_probability)

    def _own_scale(self, x: Array) -> float:
        """Return the magnitude that x is rounded at whatever its own: that of κ, where it is declared."""
        kappa_sq = self.compressor.constants(x.shape[-1], x.shape[1]).kappa_sq
        return 0.0 if kappa_sq is None else float(kappa_sq) ** 0.5

    def _draws(self, x: Array) -> int:
        """Return how many draws there are of each vector: fewer where vectors are long."""
        return max(LEAST, min(self.runs, NUMBERS // x.size))

    # In words ---------------------------------------------------------------------------------------------------------

    def basis(self, x: Array) -> str:
        """Return over what an expectation was taken."""
        if not self.compressor.random:
            return "none: it is deterministic"
        every = self.outcomes(x)
        if every is not None:
            return f"all {len(every.sent)} outcomes, with their probabilities"
        return f"{self._draws(x)} draws; limits at error probability {self.error_probability:g} (asymptotic, t)"

    def how(self, sizes: tuple[int, ...], workers: int) -> str:
        """Return how expectations in some dimensions were taken, for the end of a sentence."""
        if not self.compressor.random:
            return ""
        whys = self._whys(sizes, workers)
        if not whys:
            return ", all outcomes"
        which = "" if set(whys) == set(sizes) else f"in dimension {', '.join(map(str, whys))} "
        return f", {which}normal vectors with up to {self.runs} draws ({next(iter(whys.values()))})"

    def chance(self, sizes: tuple[int, ...], workers: int) -> dict[str, Any]:
        """Return with which probability a verdict on expectations is wrong, and what that rests on."""
        if not self._whys(sizes, workers):
            return {}
        return {"error_probability": self.error_probability, "basis": "asymptotic (t)"}

    def _whys(self, sizes: tuple[int, ...], workers: int) -> dict[int, str]:
        return {d: why for d in sizes if (why := self.finite(d, workers)[0])}


def _mean_like(x: Array) -> Array:
    return mean_of_workers(x).astype(x.dtype)
