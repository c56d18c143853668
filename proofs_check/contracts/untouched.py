"""The input is not written to."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from proofs_check.contracts._base import OverVectors
from proofs_check.contracts._report import Violation, in_words
from proofs_check.contracts._subject import Subject
from toolkit.arrays import Array


class Untouched(OverVectors):
    """No method writes to the vectors that it is given."""

    topic: ClassVar[str] = "messages"
    statement: ClassVar[str] = "message, parts, expected_error and message_with_memory leave their input as it is"

    def failing(self, subject: Subject, x: Array) -> Array:
        return np.any([_changed(subject, x, method)[0] for method in _METHODS], axis=0)

    def violation(self, subject: Subject, x: Array) -> Violation:
        method = next(one for one in _METHODS if _changed(subject, x, one)[0].any())
        after = _changed(subject, x, method)[1]
        return Violation(
            f"{method} writes to its input",
            draw=subject.draw_in_words(0),
            came=f"the input is {in_words(after[0, 0] if subject.n == 1 else after[0])} afterwards",
            expected="the input as it was; work on a copy",
        )


_METHODS = {
    "message": lambda compressor, x, draw: compressor.message(x, draw),
    "parts": lambda compressor, x, draw: compressor.parts(x, draw),
    "expected_error": lambda compressor, x, draw: compressor.expected_error(x),
    "message_with_memory": lambda compressor, x, draw: compressor.message_with_memory(x, x, 0.5, draw),
}


def _changed(subject: Subject, x: Array, method: str) -> tuple[Array, Array]:
    """Tell which vectors a method changes, and return them as it leaves them."""
    own = x.copy()
    _METHODS[method](subject.compressor, own, subject.draw(np.zeros(len(x), dtype=int)))
    kind = f"u{x.dtype.itemsize}"
    return (own.view(kind) != x.view(kind)).any(axis=(1, 2)), own
