"""An unbiased compressor has at most the declared relative variance."""

from __future__ import annotations

import math
from typing import ClassVar

from proofs_check.contracts._bound import ErrorBound
from proofs_check.contracts._law import Law
from toolkit.arrays import Array


class Variance(ErrorBound):
    """E‖C(x) − x‖² ≤ ω‖x‖² with the declared ω."""

    statement: ClassVar[str] = "E‖C(x) − x‖² ≤ ω‖x‖² for every x, with the declared ω"
    constant: ClassVar[str] = "omega"
    symbol: ClassVar[str] = "ω"

    def root_bound(self, value: float, law: Law) -> Array:
        return math.sqrt(max(value, 0)) * law.norm
