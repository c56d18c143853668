"""Norms of rows that neither overflow nor underflow unless they have to."""

from __future__ import annotations

from typing import Any

from toolkit import kernels
from toolkit.arrays import Array, namespace
from toolkit.compressors._fields import like

__all__ = ["NORMS", "norm_and_levels"]

NORMS = ("1", "2", "max")


def norm_and_levels(x: Array, norm: str, s: Any = 1) -> tuple[Array, Array]:
    """Return ‖x‖, shape ``(run, worker, 1)``, and s|x_j|/‖x‖, which is at most s; for a zero row, zeros.

    Parameters
    ----------
    x : array, shape (run, worker, d)
    norm : {'1', '2', 'max'}
        Computed of x/max|x_j|.
    s : int or array of shape (run, 1, 1)

    Examples
    --------
    >>> import numpy as np
    >>> norm_and_levels(np.array([[[3e200, -4e200]]]), "2", 5)
    (array([[[5.e+200]]]), array([[[3., 4.]]]))
    """
    xp = namespace(x)
    magnitude = xp.abs(x)
    peak = xp.max(magnitude, axis=-1, keepdims=True)
    one = xp.ones_like(peak)
    shape = magnitude / xp.where(peak > 0, peak, one)
    if norm == "max":
        length = one
    elif norm == "2":
        length = xp.maximum(xp.sqrt(kernels.sum_sq(shape)[..., None]), one)  # at least 1 but for the zero vector
    else:
        length = xp.maximum(xp.sum(shape, axis=-1, keepdims=True), one)
    return peak * length, like(s, x) * shape / length
