"""The same draw gives the same message, alone or in a batch."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from proofs_check.contracts._base import OverVectors
from proofs_check.contracts._bits import different
from proofs_check.contracts._report import Violation, in_words
from proofs_check.contracts._subject import Subject
from toolkit.arrays import Array

ALONE = 12  # vectors that are compressed alone as well


class SameDraw(OverVectors):
    """A message depends on its vector and its draw, and on nothing else in the batch."""

    topic: ClassVar[str] = "randomness"
    statement: ClassVar[str] = (
        "the same vector with the same draw gives the same message: again, and alone as in a batch"
    )

    def choose(self, subject: Subject, x: Array) -> Array:
        return np.arange(len(x)) >= len(x) - ALONE

    def failing(self, subject: Subject, x: Array) -> Array:
        return different(*_twice(subject, x)).any(axis=1)

    def violation(self, subject: Subject, x: Array) -> Violation:
        together, alone = _twice(subject, x)
        worker = int(np.argmax(different(together, alone)[0]))
        return Violation(
            "the message depends on what else is in the batch, or on what was compressed before",
            draw=subject.draw_in_words(0, 1),
            came=f"among other runs C(x) = {in_words(together[0, worker])}",
            expected=f"alone C(x) = {in_words(alone[0, worker])}",
        )


def _twice(subject: Subject, x: Array) -> tuple[Array, Array]:
    """Return the messages of vectors among others, and each alone."""
    compressor, size = subject.compressor, len(x)
    batch = np.concatenate([x, 3 * x[::-1] + 1])  # the others draw other numbers
    seeds = np.concatenate([np.zeros(size, dtype=int), 1 + np.arange(size)])
    together = compressor.message(batch, subject.draw(seeds))[:size]
    alone = np.concatenate([compressor.message(one[None].copy(), subject.draw([0])) for one in x])
    return together, alone
