"""What a message must cost and what a code makes it cost, in bits, as formulas that are vectorised over any batch."""

from __future__ import annotations

from toolkit.entropy.codes import (
    elias_delta_bits,
    elias_gamma_bits,
    elias_omega_bits,
    golomb_rate,
    qsgd_elias_bits,
)
from toolkit.entropy.data import level_entropy, set_bits, set_entropy

__all__ = [
    "elias_delta_bits",
    "elias_gamma_bits",
    "elias_omega_bits",
    "golomb_rate",
    "level_entropy",
    "qsgd_elias_bits",
    "set_bits",
    "set_entropy",
]
