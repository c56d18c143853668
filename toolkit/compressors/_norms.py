"""Norms of rows that neither overflow nor underflow unless they have to."""

from __future__ import annotations

from typing import Any

from toolkit import kernels
from toolkit.arrays import Array, namespace

__all__ = ["NORMS", "norm_and_levels"]

NORMS = ("1", "2", "max")


def norm_and_levels(x: Array, norm: str, s: Any = 1) -> tuple[Array, Array]:
    """Return ‖x‖, shape ``(run, worker, 1)``, and s|x_j|/‖x‖, float64 and at most s; for a zero row, zeros.

    Parameters
    ----------
    x : array, shape (run, worker, d)
    norm : {'1', '2', 'max'}
        It over- or underflows only if it has to.
    s : int or array of shape (run, 1, 1)

    Examples
    --------
    >>> import numpy as np
    >>> norm_and_levels(np.array([[[3e200, -4e200]]]), "2", 5)
    (array([[[5.e+200]]]), array([[[3., 4.]]]))
    """
    xp = namespace(x)
    magnitude = xp.abs(x)
    if norm == "2":
        length = kernels.norm(x)
    else:
        length = xp.max(magnitude, axis=-1, keepdims=True)
        if norm == "1":
            shape = magnitude / xp.where(length > 0, length, xp.ones_like(length))
            length = length * xp.maximum(xp.sum(shape, axis=-1, keepdims=True), xp.ones_like(length))
    divisor = xp.astype(xp.where(length > 0, length, xp.ones_like(length)), xp.float64)
    wide, s = xp.astype(magnitude, xp.float64), xp.astype(xp.asarray(s), xp.float64)
    # As the kernel of QSGD has it: a product where double precision has room for it, else a quotient that stays in it.
    level = wide * (s / divisor) if x.dtype == xp.float32 else s * (wide / divisor)
    return length, xp.minimum(level, s)
