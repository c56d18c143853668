"""Workers draw numbers of their own."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np

from proofs_check.contracts._base import Contract
from proofs_check.contracts._report import Finding, Violation, in_words
from proofs_check.contracts._subject import Subject
from proofs_check.contracts._vectors import normal
from proofs_check.statistics import mean_interval
from toolkit.arrays import Array

VECTORS = 4
RUNS = 4096  # at the quick level


class OwnDraws(Contract):
    """With own draws the messages of two workers are uncorrelated."""

    topic: ClassVar[str] = "randomness"
    statement: ClassVar[str] = (
        "with draws of their own, the errors of two workers that hold the same vector are uncorrelated"
    )

    def check(self, subject: Subject) -> Finding:
        compressor = subject.compressor
        if not compressor.random:
            return self.finding("not applicable", "it is deterministic")
        if compressor.shared:
            return self.finding("not applicable", "its workers share their draws")
        d, runs = subject.small[-1], RUNS * subject.level.times
        x = normal(d, np.dtype(float), VECTORS, 1, subject.seed)
        rows = np.tile(np.repeat(x, 2, axis=1), (runs, 1, 1))
        draw = subject.draw(np.repeat(np.arange(runs), VECTORS), workers=2)
        sent = compressor.message(rows, draw).reshape(runs, VECTORS, 2, d)
        products, largest = _products(sent)
        limits = mean_interval(products, subject.error_probability, simultaneous=True)
        # Both workers may err much at once, and none of the runs show it: as in `sampled_law`.
        unseen = math.log(VECTORS / subject.error_probability) / runs * largest
        low, high = limits.low - unseen, limits.high + unseen
        failing = np.flatnonzero((low > 0) | (high < 0))
        tried = f"{VECTORS} vectors of dimension {d}, {runs} draws"
        if not len(failing) and (high - low > 2).all():
            return self.finding("undecided", f"{tried}: errors are so rare that a correlation of 1 would not be seen")
        violation = None
        if len(failing):
            vector = failing[0]
            first, second = (in_words(one) for one in sent[0, vector])
            violation = Violation(
                "two workers draw dependent numbers",
                x[vector, 0],
                f"Draw(seed, workers=2).per_worker for {runs} seeds",
                f"the correlation of their errors is {products[:, vector].mean():.3g}; with the first seed they send "
                f"{first} and {second}",
                "correlation 0: use the row of each worker in what the draw returns",
            )
        return self.finding(
            "holds" if violation is None else "violated",
            tried,
            error_probability=subject.error_probability,
            basis=limits.basis,
            violation=violation,
        )


def _products(sent: Array) -> tuple[Array, Array]:
    """Return ⟨error of worker 0, error of worker 1⟩ of each run and vector, and the largest that there can be.

    Both are in units of the mean squared error; the largest is that of the largest errors that were seen.
    """
    errors = sent - sent[:1, :, :1]  # of a message that is always the same, exactly 0
    errors -= errors.mean(axis=(0, 2), keepdims=True)
    squares = (errors**2).sum(axis=-1)
    spread = squares.mean(axis=(0, 2))
    unit = np.where(spread > 0, spread, 1.0)
    return np.sum(errors[:, :, 0] * errors[:, :, 1], axis=-1) / unit, squares.max(axis=(0, 2)) / unit
