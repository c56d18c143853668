"""What is declared of single coordinates holds for each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np

from proofs_check.contracts._base import OverVectors
from proofs_check.contracts._report import Violation, in_words
from proofs_check.contracts._subject import Subject
from toolkit.arrays import Array


class Support(OverVectors):
    """Coordinates are sent as they are or as zero, or zeros as zeros, where that is declared."""

    topic: ClassVar[str] = "messages"
    statement: ClassVar[str] = (
        "every coordinate is sent as it is or as zero, because selects is declared, and every zero as zero, because "
        "keeps_zeros is declared (either, or both)"
    )

    def reason_not_applicable(self, subject: Subject) -> str:
        compressor = subject.compressor
        return "" if compressor.selects or compressor.keeps_zeros else "neither selects nor keeps_zeros is declared"

    def failing(self, subject: Subject, x: Array) -> Array:
        rows, draw = subject.repeated(x)
        sent = subject.compressor.message(rows, draw)
        wrong = [bad.any(axis=(1, 2)) for _, bad in _departures(subject, rows, sent)]
        return np.any(wrong, axis=0).reshape(len(x), -1).any(axis=1)

    def violation(self, subject: Subject, x: Array) -> Violation:
        rows, draw = subject.repeated(x)
        sent = subject.compressor.message(rows, draw)
        expected, bad = next(one for one in _departures(subject, rows, sent) if one[1].any())
        row, worker, j = np.argwhere(bad)[0]
        return Violation(
            f"coordinate {j} is sent as something else",
            draw=subject.draw_in_words(row),
            came=f"C(x) = {in_words(sent[row, worker])}",
            expected=expected,
        )


def _departures(subject: Subject, x: Array, sent: Array) -> Iterator[tuple[str, Array]]:
    """Yield what is declared and for which coordinates it does not hold."""
    if subject.compressor.selects:
        yield "each x_j or 0 (selects is declared)", (sent != x) & (sent != 0)
    if subject.compressor.keeps_zeros:
        yield "0 where x_j = 0 (keeps_zeros is declared)", (x == 0) & (sent != 0)
