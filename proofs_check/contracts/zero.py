"""Zero is sent as zero."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from proofs_check.contracts._base import OverVectors
from proofs_check.contracts._report import Violation, in_words
from proofs_check.contracts._subject import Subject
from toolkit.arrays import Array

DRAWS = 16  # of which each zero vector is compressed


class Zero(OverVectors):
    """C(0) = 0 with every draw, unless the compressor declares otherwise; δ and ω then fail at zero."""

    topic: ClassVar[str] = "messages"
    statement: ClassVar[str] = f"C(0) = 0, for zeros of either sign, with {DRAWS} draws each"

    def reason_not_applicable(self, subject: Subject) -> str:
        return "" if subject.compressor.fixes_zero else "it declares fixes_zero = False"

    def choose(self, subject: Subject, x: Array) -> Array:
        return ~x.any(axis=(1, 2))

    def failing(self, subject: Subject, x: Array) -> Array:
        return _sent(subject, x).any(axis=(1, 2, 3))

    def violation(self, subject: Subject, x: Array) -> Violation:
        sent = _sent(subject, x)[0]
        row = int(np.flatnonzero(sent.any(axis=(1, 2)))[0])
        return Violation(
            "zero is not sent as zero",
            draw=subject.draw_in_words(row, DRAWS),
            came=f"C(x) = {in_words(sent[row, 0] if subject.n == 1 else sent[row])}",
            expected="zeros",
        )


def _sent(subject: Subject, x: Array) -> Array:
    """Return the messages of each vector, shape ``(vector, draw, worker, d)``."""
    rows, draw = subject.repeated(x, DRAWS)
    return subject.compressor.message(rows, draw).reshape(len(x), -1, *x.shape[1:])
