"""The few hot loops: one name, one meaning, several bodies.

Which body runs is read off the input; there is no global switch.
"""

from __future__ import annotations

from toolkit.kernels.reference import (
    normal,
    signs,
    smallest,
    sum_sq,
    sum_sq_difference,
    top_k,
    top_k_with_memory,
    uniform,
    words,
)

__all__ = [
    "normal",
    "signs",
    "smallest",
    "sum_sq",
    "sum_sq_difference",
    "top_k",
    "top_k_with_memory",
    "uniform",
    "words",
]
