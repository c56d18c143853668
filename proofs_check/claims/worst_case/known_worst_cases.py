"""Worst cases of methods without memory or workers that are known from elsewhere: what the programs are tested on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from proofs_check.claim import Claim, Instance
from proofs_check.worst_case.known import KNOWN
from proofs_check.worst_case.solving import solve

if TYPE_CHECKING:
    import xarray

LARGE = (8,)  # takes a second
TOLERANCE = 1e-6  # relative: what double precision is trusted with


class KnownWorstCases(Claim):
    """Numeric values against closed forms, and where there is none against PEPit with Clarabel."""

    id = "WC-known"
    title = "The oracle table: worst cases of 30 examples of PEPit"
    statement = r"\text{numeric worst case}=\text{known value, to }10^{-6}\text{ relative}"
    reference = "PEPit's examples and the papers they cite; values in sheet worst_case_sdp, section 8"
    status = "code"
    kind = "identity"

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        found = []
        for row, known in sorted(KNOWN.items()):
            if row in LARGE and level == "quick":
                continue
            value = solve(known.model()).value
            apart = value / known.value - 1
            verdict = "holds" if abs(apart) <= TOLERANCE else "violated"
            source = "closed form" if known.tight else "measured with PEPit"
            reason = f"{source}; differs by {apart:.1e}"
            found.append(Instance(f"row {row}: {known.title}", verdict, value, known.value, 1 + apart, reason=reason))
        return found
