"""The bits that are counted are the bits that are produced."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from proofs_check.contracts._base import OverVectors
from proofs_check.contracts._report import Violation
from proofs_check.contracts._subject import Subject
from toolkit.arrays import Array
from toolkit.layout import Levels, Positions
from toolkit.ledger import ledger, of_row


class Ledger(OverVectors):
    """The ledger's columns add up to the bytes of `encode`, and the codes predict their own lengths."""

    topic: ClassVar[str] = "bits"
    statement: ClassVar[str] = (
        "the bits of the ledger are eight times the bytes of encode, values, indices, side information and padding "
        "together; and each code predicts the length of what it writes, unless x is too large for a finite message"
    )

    most: ClassVar[int | None] = 10

    def choose(self, subject: Subject, x: Array) -> Array:
        return subject.below(x)

    def failing(self, subject: Subject, x: Array) -> Array:
        counted, produced = _bits(subject, x)
        return (counted != produced).any(axis=(1, 2))

    def violation(self, subject: Subject, x: Array) -> Violation:
        counted, produced = _bits(subject, x)
        _, worker, number = np.argwhere(counted != produced)[0]
        what = ("the ledger", "the ledger's columns", "the codes")[number]
        return Violation(
            f"{what} and the bytes disagree",
            draw=subject.draw_in_words(0, 1),
            came=f"{what} count {counted[0, worker, number]:g} bits",
            expected=f"{produced[0, worker, number]:g} bits are produced",
        )


def _bits(subject: Subject, x: Array) -> tuple[Array, Array]:
    """Return three counts of the bits of each message and what they have to be, shape ``(vector, worker, count)``."""
    compressor, draw = subject.compressor, subject.draw(np.zeros(len(x), dtype=int))
    bits = ledger(compressor, x, draw)
    data = compressor.encode(x, draw)
    produced = 8.0 * np.array([[len(message) for message in row] for row in data])
    columns = bits.values + bits.indices + bits.side + bits.padding
    predicted, written = _predicted(subject, x, draw)
    return np.stack([bits.encoded, columns, predicted], axis=-1), np.stack([produced, produced, written], axis=-1)


def _predicted(subject: Subject, x: Array, draw: Any) -> tuple[Array, Array]:
    """Return the bits that codes predict for their fields, and those that they write."""
    compressor = subject.compressor
    parts = {name: np.asarray(part) for name, part in compressor.parts(x, draw).items()}
    codec, counts = compressor.codec, np.zeros((2, *x.shape[:2]))
    for run in range(len(x)):
        for field in compressor.layout(x.shape[-1], x.dtype):
            own = of_row(field, run)
            if not isinstance(own, (Positions, Levels)) or codec.draws(own):
                continue
            for worker in range(x.shape[1]):
                content = parts[own.name][run, worker]
                if isinstance(own, Positions):
                    positions, of_positions = np.flatnonzero(content), codec.for_positions(own)
                    counts[0, run, worker] += of_positions.bits(positions, own.size)
                    counts[1, run, worker] += of_positions.encode(positions, own.size).bits
                else:
                    levels = content if own.at is None else content[parts[own.at][run, worker]]
                    levels, of_levels = levels.astype(np.int64), codec.for_levels(own.low, own.high)
                    counts[0, run, worker] += of_levels.bits(levels, own.low, own.high)
                    counts[1, run, worker] += of_levels.encode(levels, own.low, own.high).bits
    return counts[0], counts[1]
