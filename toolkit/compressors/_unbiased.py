"""What follows for every unbiased compressor from its relative variance."""

from __future__ import annotations

import numpy as np

from toolkit.constants import CompressorConstants, Constant


def unbiased(omega: Constant) -> CompressorConstants:
    """Return ω and, where ω < 1 (in every run of a sweep), δ = 1 − ω.

    Examples
    --------
    >>> from toolkit.constants import upper_bound
    >>> unbiased(upper_bound(0.25, "d/(4s²)")).delta
    Constant(value=0.75, kind='lower bound', source='1 − ω, ω: d/(4s²)')
    """
    if not np.all(omega.value < 1):
        return CompressorConstants(omega=omega)
    kind = "lower bound" if omega.kind == "upper bound" else omega.kind
    return CompressorConstants(omega=omega, delta=Constant(1 - omega.value, kind, f"1 − ω, ω: {omega.source}"))
