"""What the three constants of one worker's error have in common."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from proofs_check.contracts._law import Law
from proofs_check.contracts._of_law import OfLaw
from proofs_check.contracts._report import Violation
from proofs_check.contracts._subject import Subject
from toolkit.arrays import Array
from toolkit.constants import Constant

__all__ = ["ErrorBound"]


class ErrorBound(OfLaw):
    """The root of the expected squared error is at most that of a bound.

    Attributes
    ----------
    constant : str
        The field of `CompressorConstants`.
    symbol : str
        Its letter.
    """

    constant: ClassVar[str]
    symbol: ClassVar[str]

    def root_bound(self, value: float, law: Law) -> Array:
        """Return the bound of √E‖C(x) − x‖², shape ``(vector, worker)``, in the units of the law."""
        raise TypeError(f"{type(self).__name__} does not say its bound: define root_bound(value, law)")

    def declared(self, subject: Subject, d: int) -> Constant | None:
        """Return the constant that the compressor declares."""
        found: Constant | None = getattr(subject.compressor.constants(d, subject.n), self.constant)
        return found

    def reason_not_applicable(self, subject: Subject) -> str:
        if any(self.declared(subject, d) is not None for d in subject.dimensions):
            return ""
        return f"no {self.symbol} is declared"

    def dimensions(self, subject: Subject) -> tuple[int, ...]:
        return tuple(d for d in subject.small if self.declared(subject, d) is not None)

    def failing(self, subject: Subject, x: Array) -> Array:
        declared = self.declared(subject, x.shape[-1])
        if declared is None:
            return np.zeros(len(x), dtype=bool)
        law = subject.laws.of(x)
        bound = self.root_bound(float(declared), law)
        return (~(law.root_error <= bound + law.norm_allowance)).any(axis=1)

    def violation(self, subject: Subject, x: Array) -> Violation:
        declared = self.declared(subject, x.shape[-1])
        assert declared is not None
        law = subject.laws.of(x)
        bound = self.root_bound(float(declared), law)
        worker = int(np.argmax(law.root_error - bound))
        error, most, norm = (float(one[0, worker]) for one in (law.error_low, bound**2, law.norm))
        unit = float(law.unit[0, worker, 0])
        shares = f" = {error / norm**2:.6g}·‖x‖²" if norm else ""
        return Violation(
            f"the expected squared error is larger than {self.symbol} = {float(declared):.6g} allows",
            draw=subject.laws.basis(x),
            came=f"E‖C(x) − x‖² = {error * unit**2:.6g}{shares}",
            expected=f"at most {most * unit**2:.6g} ({self.symbol} is declared {declared.kind}: {declared.source})",
        )
