"""What contracts about means and expected errors have in common."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from proofs_check.contracts._base import OverVectors
from proofs_check.contracts._subject import Subject
from toolkit.arrays import Array

__all__ = ["OfLaw"]


class OfLaw(OverVectors):
    """A property of the law of messages, of vectors for which the compressor declares its constants."""

    topic: ClassVar[str] = "error"

    def workers(self, subject: Subject) -> int:
        """Return how many workers a vector has."""
        return subject.n

    def dimensions(self, subject: Subject) -> tuple[int, ...]:
        return subject.small

    def vectors(self, subject: Subject, d: int, dtype: np.dtype[Any]) -> Array:
        return subject.vectors_with_law(d, dtype, self.workers(subject))

    def choose(self, subject: Subject, x: Array) -> Array:
        return subject.within(x)

    def how(self, subject: Subject) -> str:
        return subject.laws.how(self.dimensions(subject), self.workers(subject))

    def chance(self, subject: Subject) -> dict[str, Any]:
        return subject.laws.chance(self.dimensions(subject), self.workers(subject))
