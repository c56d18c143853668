"""The bytes decode to the message."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from proofs_check.contracts._base import OverVectors
from proofs_check.contracts._bits import different
from proofs_check.contracts._report import Violation, in_words
from proofs_check.contracts._subject import Subject
from toolkit.arrays import Array

DRAWS = 2  # with which each vector is encoded


class Decoding(OverVectors):
    """decode(encode(x)) is compress(x), bit for bit."""

    topic: ClassVar[str] = "bits"
    statement: ClassVar[str] = "decode(encode(x)) = compress(x), bit for bit"
    most: ClassVar[int | None] = 20

    def failing(self, subject: Subject, x: Array) -> Array:
        sent, decoded = _both(subject, x)
        return different(sent, decoded).reshape(len(x), -1).any(axis=1)

    def violation(self, subject: Subject, x: Array) -> Violation:
        sent, decoded = _both(subject, x)
        row, worker = np.argwhere(different(sent, decoded))[0]
        return Violation(
            "the bytes do not decode to the message",
            draw=subject.draw_in_words(row, DRAWS),
            came=f"decode(encode(x)) = {in_words(decoded[row, worker])}",
            expected=f"compress(x) = {in_words(sent[row, worker])}",
        )


def _both(subject: Subject, x: Array) -> tuple[Array, Array]:
    """Return the messages and what their bytes decode to."""
    rows, draw = subject.repeated(x, DRAWS)
    compressor = subject.compressor
    return compressor.message(rows, draw), compressor.decode(compressor.encode(rows, draw), x.shape[-1], x.dtype, draw)
