"""What follows for every unbiased compressor from its relative variance."""

from __future__ import annotations

import numpy as np

from toolkit.constants import CompressorConstants, Constant


def unbiased(omega: Constant, n: int = 1, common: bool = False) -> CompressorConstants:
    """Return ω, the AB pair of `n` workers and, where ω < 1 (in every run of a sweep), δ = 1 − ω.

    The AB pair is (ω/n, 0) if the workers are independent. If they draw the same numbers, and C is linear for them, it
    is (ω, 0): the mean of the messages is the message of the mean.

    Examples
    --------
    >>> from toolkit.constants import upper_bound
    >>> unbiased(upper_bound(0.25, "d/(4s²)")).delta
    Constant(value=0.75, kind='lower bound', source='1 − ω, ω: d/(4s²)')
    """
    how = "common draws: (ω, 0)" if common else "independent workers: (ω/n, 0)"
    ab = Constant((omega.value / (1 if common else n), 0.0), omega.kind, f"{how}, ω: {omega.source}")
    if not np.all(omega.value < 1):
        return CompressorConstants(omega=omega, ab=ab)
    kind = "lower bound" if omega.kind == "upper bound" else omega.kind
    delta = Constant(1 - omega.value, kind, f"1 − ω, ω: {omega.source}")
    return CompressorConstants(delta=delta, omega=omega, ab=ab)
