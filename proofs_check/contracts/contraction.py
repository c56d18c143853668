"""A contraction loses at most the declared share of the vector."""

from __future__ import annotations

import math
from typing import ClassVar

from proofs_check.contracts._bound import ErrorBound
from proofs_check.contracts._law import Law
from toolkit.arrays import Array


class Contraction(ErrorBound):
    """E‖C(x) − x‖² ≤ (1 − δ)‖x‖² with the declared δ."""

    statement: ClassVar[str] = "E‖C(x) − x‖² ≤ (1 − δ)‖x‖² for every x, with the declared δ"
    constant: ClassVar[str] = "delta"
    symbol: ClassVar[str] = "δ"

    def root_bound(self, value: float, law: Law) -> Array:
        return math.sqrt(max(1 - value, 0)) * law.norm
