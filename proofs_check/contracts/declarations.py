"""The declared constants are possible."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import ClassVar

from proofs_check.contracts._base import Contract
from proofs_check.contracts._report import Finding, Violation
from proofs_check.contracts._subject import Subject
from toolkit.constants import Constant

KINDS = ("exact", "upper bound", "lower bound", "estimated")


class Declarations(Contract):
    """Constants are numbers in their ranges, with a kind and a source, and agree with one another."""

    topic: ClassVar[str] = "error"
    statement: ClassVar[str] = (
        "0 < δ ≤ 1, ω ≥ 0, κ² ≥ 0 and A ≥ B ≥ 0 are finite, each with its kind and source; ω < 1 implies δ ≥ 1 − ω; "
        "δ or ω implies C(0) = 0"
    )

    def check(self, subject: Subject) -> Finding:
        for d in subject.dimensions:
            wrong = next(_wrong(subject, d), "")
            if wrong:
                return self.finding("violated", f"dimension {d}", violation=Violation(wrong, came=f"in dimension {d}"))
        return self.finding("holds", f"dimensions {', '.join(map(str, subject.dimensions))}")


def _wrong(subject: Subject, d: int) -> Iterator[str]:
    constants = subject.compressor.constants(d, subject.n)
    delta, omega = constants.delta, constants.omega
    given = {"δ": delta, "ω": omega, "κ²": constants.kappa_sq, "(A, B)": constants.ab}
    for symbol, constant in given.items():
        if constant is not None:
            yield from _of_one(symbol, constant)
    if omega is not None and float(omega) < 1 and (delta is None or float(delta) < (1 - float(omega)) * (1 - 1e-12)):
        yield f"ω = {float(omega):.6g} is declared, but not δ = 1 − ω, which follows"
    if (delta is not None or omega is not None) and not subject.compressor.fixes_zero:
        yield "δ or ω is declared, and also that zero is not sent as zero"


def _of_one(symbol: str, constant: Constant) -> Iterator[str]:
    values = [float(value) for value in (constant.value if symbol == "(A, B)" else (constant.value,))]
    if not all(math.isfinite(value) and value >= 0 for value in values):
        yield f"{symbol} = {constant.value} is not finite and at least 0"
    elif symbol == "δ" and not 0 < values[0] <= 1:
        yield f"δ = {values[0]:.6g} is not in (0, 1]"
    elif symbol == "(A, B)" and (len(values) != 2 or values[0] < values[1]):
        yield f"(A, B) = {tuple(values)} is not a pair with A ≥ B"
    if constant.kind not in KINDS:
        yield f"{symbol} is of the kind {constant.kind!r}, not one of {', '.join(KINDS)}"
    if not constant.source:
        yield f"{symbol} has no source"
