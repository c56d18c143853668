"""A field's value, a number or an array of shape (run, 1, 1), where it meets a batch."""

from __future__ import annotations

from typing import Any

from toolkit.arrays import Array, namespace
from toolkit.errors import WrongUse


def like(value: Any, x: Array) -> Array:
    """Return the value in the number type of `x`, so that float32 vectors stay float32, swept field or not."""
    if isinstance(value, tuple):
        raise WrongUse(
            f"a computation with the swept set {value}", "it is several values, not one", "take one compressor for each"
        )
    return namespace(x).asarray(value, dtype=x.dtype)


def per_row(value: Any) -> Any:
    """Return the value as it meets an array of shape ``(run, worker)``.

    Examples
    --------
    >>> import numpy as np
    >>> per_row(np.ones((4, 1, 1))).shape, per_row(2.0)
    ((4, 1), 2.0)
    """
    return value[..., 0] if getattr(value, "ndim", 0) else value
