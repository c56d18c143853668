"""The same draw gives the same message, alone or in a batch."""

from __future__ import annotations

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
        "the same vector with the same draw gives the same message: again, among other runs, unless correlated among "
        "other workers, and of every worker if they share the draw"
    )
    most: ClassVar[int | None] = 12

    def failing(self, subject: Subject, x: Array) -> Array:
        alone, *others = _messages(subject, x).values()
        return np.any([different(one, alone) for one in others], axis=0).any(axis=1)

    def violation(self, subject: Subject, x: Array) -> Violation:
        messages = _messages(subject, x)
        alone = messages.pop("alone")
        where, came = next((where, one) for where, one in messages.items() if different(one, alone).any())
        worker = int(np.argmax(different(came, alone)[0]))
        return Violation(
            f"the message is another one {where}",
            draw=subject.draw_in_words(0, 1),
            came=f"{where} C(x) = {in_words(came[0, worker])}",
            expected=f"alone C(x) = {in_words(alone[0, worker])}",
        )


def _messages(subject: Subject, x: Array) -> dict[str, Array]:
    """Return the messages of the same vectors with the same draw in different company, each (vector, worker, d)."""
    compressor, size = subject.compressor, len(x)
    messages = {"alone": np.concatenate([compressor.message(one[None].copy(), subject.draw([0])) for one in x])}
    messages["the second time"] = compressor.message(x.copy(), subject.draw(np.zeros(size, dtype=int)))
    others = 3 * x[::-1] + 1, 1 + np.arange(size)  # vectors and seeds
    seeds = np.concatenate([np.zeros(size, dtype=int), others[1]])
    messages["among other runs"] = compressor.message(np.concatenate([x, others[0]]), subject.draw(seeds))[:size]
    if compressor.correlated:
        return messages
    among = np.concatenate([x, *[others[0]] * (subject.workers - 1)], axis=1)
    messages["among other workers"] = compressor.message(among, subject.draw([0] * size, subject.workers))[:, :1]
    if compressor.shared:
        same = np.repeat(x, subject.workers, axis=1)
        messages["as the last worker"] = compressor.message(same, subject.draw([0] * size, subject.workers))[:, -1:]
    return messages
