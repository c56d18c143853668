"""The declared exact error is the average over the outcomes."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from proofs_check.contracts._of_law import OfLaw
from proofs_check.contracts._report import Violation
from proofs_check.contracts._subject import Subject
from toolkit.arrays import Array


class ExpectedError(OfLaw):
    """`expected_error` is E‖C(x) − x‖²."""

    statement: ClassVar[str] = "expected_error(x) = E‖C(x) − x‖² for every x, averaged over all outcomes"

    def reason_not_applicable(self, subject: Subject) -> str:
        return "" if self.dimensions(subject) else "it gives no exact expected error"

    def dimensions(self, subject: Subject) -> tuple[int, ...]:
        ones = {d: np.ones((1, subject.n, d)) for d in subject.small}
        return tuple(d for d, x in ones.items() if subject.compressor.expected_error(x) is not None)

    def choose(self, subject: Subject, x: Array) -> Array:
        return subject.within(x) & _squares_fit(x)

    def failing(self, subject: Subject, x: Array) -> Array:
        error = subject.compressor.expected_error(x)
        if error is None:
            return np.zeros(len(x), dtype=bool)
        law = subject.laws.of(x)
        declared = np.asarray(error, dtype=float) / law.unit[..., 0] ** 2
        # The square of an error that is good to the allowance, when errors are at most of the size of unit·√d.
        allowance = 4 * law.norm_allowance * np.sqrt(x.shape[-1])
        return (~((law.error_low - allowance <= declared) & (declared <= law.error_high + allowance))).any(axis=1)

    def violation(self, subject: Subject, x: Array) -> Violation:
        law = subject.laws.of(x)
        declared = np.asarray(subject.compressor.expected_error(x), dtype=float)
        came = (law.error_low + law.error_high) / 2 * law.unit[..., 0] ** 2
        worker = int(np.argmax(np.abs(declared - came)))
        return Violation(
            "the declared exact error is not that of the messages",
            draw=subject.laws.basis(x),
            came=f"expected_error(x) = {declared[0, worker]:.9g}",
            expected=f"E‖C(x) − x‖² = {came[0, worker]:.9g}",
        )


def _squares_fit(x: Array) -> Array:
    """Tell for which vectors squares of the entries neither overflow nor underflow."""
    info = np.finfo(x.dtype)
    magnitude = np.abs(x)
    low, high = 4 * float(info.smallest_normal) ** 0.5, float(info.max) ** 0.5 / (8 * x.shape[-1])
    return ((magnitude == 0) | ((magnitude > low) & (magnitude < high))).all(axis=(1, 2))
