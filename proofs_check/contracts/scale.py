"""A multiple of the vector gives that multiple of the message."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from proofs_check.contracts._base import OverVectors
from proofs_check.contracts._report import Violation, in_words
from proofs_check.contracts._subject import Subject
from proofs_check.contracts._vectors import beside, ordinary
from toolkit.arrays import Array

FACTORS = (3.0, 2.0**-20, 2.0**30)


class Scale(OverVectors):
    """C(tx) = t·C(x) with the same draw, where `homogeneous` is declared."""

    topic: ClassVar[str] = "messages"
    statement: ClassVar[str] = (
        "C(tx) = t·C(x) for t > 0 with the same draw, up to rounding, because homogeneous is declared"
    )

    def reason_not_applicable(self, subject: Subject) -> str:
        return "" if subject.compressor.homogeneous else "homogeneous is not declared"

    def choose(self, subject: Subject, x: Array) -> Array:
        return ordinary(x)

    def failing(self, subject: Subject, x: Array) -> Array:
        return np.any([_departs(subject, x, one)[0] & _departs(subject, beside(x), one)[0] for one in FACTORS], axis=0)

    def violation(self, subject: Subject, x: Array) -> Violation:
        factor = next(one for one in FACTORS if _departs(subject, x, one)[0].any())
        _, sent, scaled = _departs(subject, x, factor)
        return Violation(
            "the compressor is declared homogeneous, and is not",
            draw=subject.draw_in_words(0, 1),
            came=f"C(tx)/t = {in_words(scaled[0, 0])} for t = {factor:g}",
            expected=f"C(x) = {in_words(sent[0, 0])}",
        )


def _departs(subject: Subject, x: Array, factor: float) -> tuple[Array, Array, Array]:
    """Tell for which vectors C(tx) is not t·C(x), and return C(x) and C(tx)/t."""
    sent, scaled = subject.sent(x), subject.sent(x * x.dtype.type(factor)) / x.dtype.type(factor)
    return subject.apart(x, sent, scaled), sent, scaled
