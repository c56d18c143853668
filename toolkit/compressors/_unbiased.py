"""What follows for every unbiased compressor from its relative variance."""

from __future__ import annotations

import numpy as np

from toolkit.constants import CompressorConstants, Constant


def unbiased(omega: Constant, n: int = 1) -> CompressorConstants:
    """Return ω, the AB pair of `n` independent workers and, where ω < 1 (in every run of a sweep), δ = 1 − ω.

    Examples
    --------
    >>> from toolkit.constants import upper_bound
    >>> unbiased(upper_bound(0.25, "d/(4s²)")).delta
    Constant(value=0.75, kind='lower bound', source='1 − ω, ω: d/(4s²)')
    """
    ab = Constant((omega.value / n, 0.0), omega.kind, f"independent workers: (ω/n, 0), ω: {omega.source}")
    if not np.all(omega.value < 1):
        return CompressorConstants(omega=omega, ab=ab)
    kind = "lower bound" if omega.kind == "upper bound" else omega.kind
    delta = Constant(1 - omega.value, kind, f"1 − ω, ω: {omega.source}")
    return CompressorConstants(delta=delta, omega=omega, ab=ab)
