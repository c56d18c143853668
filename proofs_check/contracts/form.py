"""A message has the form of its vector."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from proofs_check.contracts._base import OverVectors
from proofs_check.contracts._report import Violation, in_words
from proofs_check.contracts._subject import Subject
from toolkit.arrays import Array


class Form(OverVectors):
    """A message has the shape and type of its vector, and is finite; nothing overflows on the way."""

    topic: ClassVar[str] = "messages"
    statement: ClassVar[str] = (
        "the message of a vector that is not larger than its constants are declared for has its shape and type and is "
        "finite, and nothing overflows or divides by zero on the way"
    )

    def choose(self, subject: Subject, x: Array) -> Array:
        return subject.below(x)

    def failing(self, subject: Subject, x: Array) -> Array:
        sent = _sent(subject, x)
        if not _fits(sent, x):
            return np.ones(len(x), dtype=bool)
        return ~np.isfinite(sent).reshape(len(x), -1).all(axis=1)

    def violation(self, subject: Subject, x: Array) -> Violation:
        sent = _sent(subject, x)
        if not _fits(sent, x):
            return Violation(
                "the message is not of the shape or type of the vector",
                came=f"shape {np.shape(sent)[1:]}, type {getattr(sent, 'dtype', type(sent).__name__)}",
                expected=f"shape {x.shape[1:]}, type {x.dtype}, for (worker, coordinate)",
            )
        row, worker = np.argwhere(~np.isfinite(sent).all(axis=-1))[0]
        return Violation(
            "the message is not finite",
            draw=subject.draw_in_words(row),
            came=f"C(x) = {in_words(sent[row, worker])}",
            expected="finite numbers",
        )


def _sent(subject: Subject, x: Array) -> Array:
    """Return the messages of each vector with several draws; raise where a number overflows or is divided by zero."""
    rows, draw = subject.repeated(x)
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        return subject.compressor.message(rows, draw)


def _fits(sent: Array, x: Array) -> bool:
    return isinstance(sent, np.ndarray) and sent.shape[1:] == x.shape[1:] and sent.dtype == x.dtype
