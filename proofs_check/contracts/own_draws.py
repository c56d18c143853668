"""Workers draw numbers of their own."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from proofs_check.contracts._base import Contract
from proofs_check.contracts._report import Finding, Violation, in_words
from proofs_check.contracts._subject import Subject
from proofs_check.statistics import mean_interval
from toolkit.arrays import Array


class OwnDraws(Contract):
    """With own draws the messages of two workers are uncorrelated; with another seed a message is another one."""

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
        d = subject.dimensions[-1]
        x = subject.vectors(d, subject.dtypes[0])[-subject.level.vectors * 4 :: subject.level.vectors, 0]
        seeds = np.repeat(np.arange(subject.level.runs), len(x))
        rows = np.ascontiguousarray(np.broadcast_to(np.tile(x, (subject.level.runs, 1))[:, None], (len(seeds), 2, d)))
        sent = compressor.message(rows, subject.draw(seeds, workers=2)).reshape(-1, len(x), 2, d)
        products = _products(sent)
        limits = mean_interval(products, subject.error_probability, simultaneous=True)
        failing = np.flatnonzero((limits.low > 0) | (limits.high < 0))
        tried = f"{len(x)} vectors of dimension {d}, {subject.level.runs} draws"
        if not len(failing):
            return self.finding("holds", tried, error_probability=subject.error_probability, basis=limits.basis)
        vector = failing[0]
        correlation = products[:, vector].mean()
        sent = [in_words(one) for one in sent[0, vector]]
        violation = Violation(
            "two workers draw dependent numbers",
            x[vector],
            f"Draw(seed, workers=2).per_worker for {subject.level.runs} seeds",
            f"their errors have the correlation {correlation:.3g}; with the first seed they send {' and '.join(sent)}",
            "correlation 0: use the row of each worker in what the draw returns",
        )
        return self.finding(
            "violated", tried, error_probability=subject.error_probability, basis=limits.basis, violation=violation
        )


def _products(sent: Array) -> Array:
    """Return ⟨error of worker 0, error of worker 1⟩ of each run and vector, in units of the mean squared error."""
    errors = sent - sent.mean(axis=(0, 2), keepdims=True)
    spread = (errors**2).sum(axis=-1).mean(axis=(0, 2))
    return np.sum(errors[:, :, 0] * errors[:, :, 1], axis=-1) / np.where(spread > 0, spread, 1.0)
