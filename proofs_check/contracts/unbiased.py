"""The mean of the messages is the vector."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from proofs_check.contracts._of_law import OfLaw
from proofs_check.contracts._report import Violation, in_words
from proofs_check.contracts._subject import Subject
from toolkit.arrays import Array


class Unbiased(OfLaw):
    """E C(x) = x where a relative variance ω is declared."""

    statement: ClassVar[str] = "E C(x) = x for every x, because a relative variance ω is declared"

    def reason_not_applicable(self, subject: Subject) -> str:
        return "" if self.dimensions(subject) else "no ω is declared"

    def dimensions(self, subject: Subject) -> tuple[int, ...]:
        return tuple(d for d in subject.small if subject.compressor.constants(d, subject.n).omega is not None)

    def failing(self, subject: Subject, x: Array) -> Array:
        law = subject.laws.of(x)
        fits = (law.mean_low - law.allowance <= law.x) & (law.x <= law.mean_high + law.allowance)
        return (~fits).any(axis=(1, 2)) & (subject.compressor.constants(x.shape[-1], subject.n).omega is not None)

    def violation(self, subject: Subject, x: Array) -> Violation:
        law = subject.laws.of(x)
        middle = law.unit * (law.mean_low + law.mean_high) / 2
        worker = int(np.argmax(np.abs(middle - x).max(axis=-1)))
        return Violation(
            "the mean of the messages is not the vector",
            draw=subject.laws.basis(x),
            came=f"E C(x) = {in_words(middle[0, worker])}",
            expected=f"E C(x) = {in_words(x[0, worker])}",
        )
