"""Equal bit for bit."""

from __future__ import annotations

import numpy as np

from toolkit.arrays import Array

__all__ = ["different"]


def different(left: Array, right: Array) -> Array:
    """Tell which rows, along the last axis, differ in a bit; rows of another type or shape differ.

    Examples
    --------
    >>> different(np.array([[0.0, 1.0], [2.0, 3.0]]), np.array([[-0.0, 1.0], [2.0, 3.0]]))
    array([ True, False])
    """
    left, right = np.asarray(left), np.asarray(right)
    if left.dtype != right.dtype or left.shape != right.shape:
        return np.ones(left.shape[:-1], dtype=bool)
    kind = f"u{left.dtype.itemsize}"
    return (np.ascontiguousarray(left).view(kind) != np.ascontiguousarray(right).view(kind)).any(axis=-1)
