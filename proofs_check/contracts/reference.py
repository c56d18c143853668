"""The compiled kernels give what plain array code gives."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from proofs_check.contracts._base import OverVectors
from proofs_check.contracts._report import Violation, in_words
from proofs_check.contracts._subject import Subject
from proofs_check.contracts._vectors import beside, ordinary
from toolkit.arrays import Array


class Reference(OverVectors):
    """The message is the same, up to the rounding of sums, whether kernels are compiled or plain array code."""

    topic: ClassVar[str] = "messages"
    statement: ClassVar[str] = "plain array code gives the same message as the compiled kernels, up to rounding"

    def choose(self, subject: Subject, x: Array) -> Array:
        return ordinary(x)

    def failing(self, subject: Subject, x: Array) -> Array:
        return _apart(subject, x) & _apart(subject, beside(x))

    def violation(self, subject: Subject, x: Array) -> Violation:
        return Violation(
            "the compiled kernels and plain array code give different messages",
            draw=subject.draw_in_words(0, 1),
            came=f"C(x) = {in_words(subject.sent(x)[0, 0])}",
            expected=f"plain array code gives {in_words(_plain(subject, x)[0, 0])}",
        )


class _Plain(np.ndarray):
    """An array that `toolkit.kernels` does not take for NumPy's own, so that their plain bodies run on it."""


def _plain(subject: Subject, x: Array) -> Array:
    return np.asarray(subject.sent(x.view(_Plain)))


def _apart(subject: Subject, x: Array) -> Array:
    return subject.apart(x, subject.sent(x), _plain(subject, x))
