"""The same draw gives the same message, alone or in a batch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np

from proofs_check.contracts._base import OverVectors
from proofs_check.contracts._bits import different
from proofs_check.contracts._report import Violation, in_words
from proofs_check.contracts._subject import Subject
from toolkit.arrays import Array


class SameDraw(OverVectors):
    """A message depends on its vector and its draw, and on nothing else in the batch."""

    topic: ClassVar[str] = "randomness"
    statement: ClassVar[str] = (
        "the same vector with the same draw gives the same message: again, among other runs, and, unless correlated, "
        "among other workers"
    )
    most: ClassVar[int | None] = 12

    def failing(self, subject: Subject, x: Array) -> Array:
        return np.any([different(came, alone) for _, came, alone in _pairs(subject, x)], axis=0).any(axis=1)

    def violation(self, subject: Subject, x: Array) -> Violation:
        where, came, alone = next(one for one in _pairs(subject, x) if different(*one[1:]).any())
        worker = int(np.argmax(different(came, alone)[0]))
        return Violation(
            f"the message is another one {where}",
            draw=subject.draw_in_words(0, 1),
            came=f"{where} C(x) = {in_words(came[0, worker])}",
            expected=f"C(x) = {in_words(alone[0, worker])}, as without",
        )


def _pairs(subject: Subject, x: Array) -> Iterator[tuple[str, Array, Array]]:
    """Yield two messages of each vector with the same draw, that in some company first."""
    compressor, same = subject.compressor, np.zeros(len(x), dtype=int)
    alone = np.concatenate([compressor.message(one[None].copy(), subject.draw([0])) for one in x])
    yield "the second time", compressor.message(x.copy(), subject.draw(same)), alone
    other = 3 * x[::-1] + 1
    seeds = np.concatenate([same, 1 + np.arange(len(x))])
    yield "among other runs", compressor.message(np.concatenate([x, other]), subject.draw(seeds))[: len(x)], alone
    if not compressor.correlated:
        # Of a draw that workers share, a compressor inside may take each worker's own, unless there is one worker.
        few, many = (np.concatenate([x, *[other] * more], axis=1) for more in (int(compressor.shared), 2))
        among_few, among_many = (
            compressor.message(one, subject.draw(same, one.shape[1]))[:, :1] for one in (few, many)
        )
        yield "among more workers", among_many, among_few
