"""An absolute compressor errs by at most the declared amount, however large the vector."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np

from proofs_check.contracts._bound import ErrorBound
from proofs_check.contracts._law import Law
from toolkit.arrays import Array


class AbsoluteError(ErrorBound):
    """E‖C(x) − x‖² ≤ κ² with the declared κ²."""

    statement: ClassVar[str] = "E‖C(x) − x‖² ≤ κ² for every x, with the declared κ²"
    constant: ClassVar[str] = "kappa_sq"
    symbol: ClassVar[str] = "κ²"

    def root_bound(self, value: float, law: Law) -> Array:
        return np.broadcast_to(math.sqrt(max(value, 0)) / law.unit[..., 0], law.norm.shape)
