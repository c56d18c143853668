"""The declared constants are approached somewhere."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import ClassVar

from proofs_check.adversary import Found, worst_input
from proofs_check.contracts._base import Contract
from proofs_check.contracts._report import Finding, Violation
from proofs_check.contracts._subject import Subject
from proofs_check.measure import FORMULAS, Measure
from toolkit.constants import Constant

GAP = 0.05  # relative, that may be left to a constant that is declared exact
SYMBOLS = {"omega": "ω", "delta": "1 − δ", "kappa_sq": "κ²", "ab": "A"}


class Approached(Contract):
    """An adversary comes near the constants that are declared exact, and exceeds none."""

    topic: ClassVar[str] = "error"
    statement: ClassVar[str] = (
        f"the worst input of an adversary comes within {100 * GAP:g} % of each constant that is declared exact, and "
        "exceeds none"
    )

    def check(self, subject: Subject) -> Finding:
        lines, tried, chance, basis = [], 0, 0.0, "exact"
        for d in subject.searched:
            for declared, found in _found(subject, d):
                lines.append(_line(declared, found, d))
                tried += found.evaluations
                if found.error_probability:
                    chance, basis = found.error_probability, found.basis
                violation = _violation(declared, found)
                if violation is not None:
                    return self.finding(
                        "violated",
                        f"{tried} inputs",
                        error_probability=chance,
                        basis=basis,
                        measured=tuple(lines),
                        violation=violation,
                    )
        if not lines:
            return self.finding("not applicable", "no constant is declared")
        return self.finding("holds", f"{tried} inputs", error_probability=chance, basis=basis, measured=tuple(lines))


def _found(subject: Subject, d: int) -> Iterator[tuple[Constant, Found]]:
    """Yield each declared constant with the worst input for it."""
    searches = [(name, subject.n) for name in ("omega", "delta", "kappa_sq")]
    if subject.compressor.shared:  # otherwise A follows from ω
        searches.append(("ab", subject.workers))
    known: dict[str, Found] = {}
    for name, n in searches:
        declared: Constant | None = getattr(subject.compressor.constants(d, n), name)
        if declared is None:
            continue
        formula = FORMULAS[name]
        if formula not in known:
            known[formula] = worst_input(
                subject.compressor,
                d,
                n=n,
                constant=name,
                seed=subject.seed,
                error_probability=subject.error_probability,
            )
        bound = Measure(subject.compressor, d, n, name).declared
        yield declared, dataclasses.replace(known[formula], constant=name, declared=bound)


def _reached(found: Found) -> float:
    """Return the largest ratio that is compatible with what was measured."""
    return max(found.ratio, found.estimate)


def _line(declared: Constant, found: Found, d: int) -> str:
    symbol, bound, ratio = SYMBOLS[found.constant], found.declared or 0.0, _reached(found)
    if found.reached:
        same = abs(ratio - bound) <= 1e-9 * bound
        gap = "no gap" if same else f"no gap, for rounding may make {found.allowance:.3g}"
    elif found.violated:
        gap = "exceeded"
    else:
        gap = f"gap {100 * (1 - ratio / bound):.3g} %" if bound else f"gap {bound - ratio:.3g}"
    return f"d = {d}: {symbol} = {bound:.6g} declared {declared.kind}, {ratio:.6g} reached ({found.where}): {gap}"


def _violation(declared: Constant, found: Found) -> Violation | None:
    symbol, bound = SYMBOLS[found.constant], found.declared or 0.0
    what = f"{found.measure} = {_reached(found):.6g} at x, the worst of {found.evaluations} inputs ({found.where})"
    said = f"{symbol} = {bound:.6g}, declared {declared.kind} ({declared.source})"
    if found.violated:
        return Violation(f"the constant {symbol} is exceeded", found.x, came=what, expected=f"at most {said}")
    if declared.kind == "exact" and _reached(found) < (1 - GAP) * bound - found.allowance:
        return Violation(
            f"the constant {symbol} is declared exact, and no input comes near it", found.x, came=what, expected=said
        )
    return None
