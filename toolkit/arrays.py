"""Which array library an array belongs to, and contiguous rows."""

from __future__ import annotations

from typing import Annotated, Any

import array_api_compat
import numpy as np

__all__ = ["Array", "contiguous", "namespace"]

# An array of any array-API library, of shape (run, worker, coordinate) unless said otherwise. Its name is part of the
# type, so that a field annotated with it can be told from a number's, with or without postponed annotations.
Array = Annotated[Any, "Array"]


def namespace(*arrays: Array) -> Any:
    """Return the array-API namespace the arrays belong to; object arrays count as NumPy's."""
    if all(isinstance(a, (np.ndarray, np.generic, float, int)) for a in arrays):
        return np
    return array_api_compat.array_namespace(*arrays)


def contiguous(array: Array) -> Array:
    """Return the array in C order.

    A broadcast view must be copied by this and not by ``np.array``, which would keep its strange strides: sums over
    differently strided rows differ in their last bits.
    """
    return np.ascontiguousarray(array) if isinstance(array, np.ndarray) else array
