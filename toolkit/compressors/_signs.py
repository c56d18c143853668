"""Messages that are signs: one bit for each coordinate, and which coordinates are zero where zero has no sign."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from toolkit.arrays import Array, namespace
from toolkit.compressors._bits import sparse_price
from toolkit.layout import Field, Levels, Positions

__all__ = ["sign_fields", "sign_parts", "signed", "ternary_price"]


def sign_fields(d: int, zero: Any) -> tuple[Field, ...]:
    """Return the fields of d signs; if the sign of zero is 0, of those that are not zero."""
    if zero == 0:
        return Positions("nonzero", d), Levels("negative", d, 0, 1, at="nonzero")
    return (Levels("negative", d, 0, 1),)


def sign_parts(x: Array) -> dict[str, Array]:
    """Return the contents of these fields, with zero counted as positive."""
    return {"nonzero": x != 0, "negative": x < 0}


def signed(parts: Mapping[str, Array], magnitude: Array, zero: Any = 1) -> Array:
    """Return the signs times a magnitude, shape ``(run, worker, 1)``, and exact zeros if the sign of zero is 0."""
    xp = namespace(magnitude)
    values = xp.where(xp.astype(parts["negative"], xp.bool), -magnitude, magnitude)
    return values if zero != 0 else xp.where(parts["nonzero"], values, xp.zeros_like(values))


def ternary_price(message: Array) -> Array:
    """Return the bits of the signs of each message that are not zero: their number, their positions and themselves."""
    d = message.shape[-1]
    return d.bit_length() + sparse_price(np.count_nonzero(np.asarray(message), axis=-1), d, 1)
