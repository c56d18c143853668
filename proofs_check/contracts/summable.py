"""Messages can be added without decoding them."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from proofs_check.contracts._base import OverVectors
from proofs_check.contracts._report import Violation, in_words
from proofs_check.contracts._subject import Subject
from proofs_check.contracts._vectors import ordinary
from toolkit.arrays import Array
from toolkit.layout import Positions, Seed

SEED = 0


class Summable(OverVectors):
    """The sums of the parts of messages decode to the sum, where `summable` is declared."""

    topic: ClassVar[str] = "messages"
    statement: ClassVar[str] = (
        "from the sums of the parts of several messages their sum is assembled, or the message of the sum, up to "
        "rounding, because summable is declared"
    )

    of_several: ClassVar[bool] = True

    def reason_not_applicable(self, subject: Subject) -> str:
        return "" if subject.compressor.summable else "summable is not declared"

    def vectors(self, subject: Subject, d: int, dtype: np.dtype[np.floating]) -> Array:
        return subject.vectors(d, dtype, subject.workers)

    def choose(self, subject: Subject, x: Array) -> Array:
        return ordinary(x)

    def failing(self, subject: Subject, x: Array) -> Array:
        assembled, of_messages, of_vectors = _sums(subject, x)
        rounded = np.concatenate([x, subject.sent(x)], axis=1)  # may cancel in the sum
        return subject.apart(rounded, of_messages, assembled) & subject.apart(rounded, of_vectors, assembled)

    def violation(self, subject: Subject, x: Array) -> Violation:
        assembled, of_messages, _ = _sums(subject, x)
        return Violation(
            "messages are declared summable, and are not",
            draw=subject.draw_in_words(SEED, 1),
            came=f"from the sums of the parts {in_words(assembled[0, 0])} is assembled",
            expected=f"Σ C(x_i) = {in_words(of_messages[0, 0])}",
        )


def _sums(subject: Subject, x: Array) -> tuple[Array, Array, Array]:
    """Return what is assembled from the sums of the parts, the sum of the messages, and the message of the sum."""
    compressor, d = subject.compressor, x.shape[-1]
    draw = subject.draw(np.full(len(x), SEED), x.shape[1])
    parts, sums = compressor.parts(x, draw), {}
    for field in compressor.layout(d, x.dtype):
        if isinstance(field, Seed):
            continue
        part = np.asarray(parts[field.name])
        drawn = isinstance(field, Positions)
        sums[field.name] = (
            part.any(axis=1, keepdims=True) if drawn else part.sum(axis=1, keepdims=True, dtype=part.dtype)
        )
    one = subject.draw(np.full(len(x), SEED), 1)
    of_vectors = compressor.message(np.ascontiguousarray(x.sum(axis=1, keepdims=True)), one)
    of_messages = compressor.message(x, draw).sum(axis=1, keepdims=True)
    return compressor.assemble(sums, one, d, x.dtype), of_messages, of_vectors
