"""What users give to compressors, checked: vectors and messages."""

from __future__ import annotations

from typing import Any

import numpy as np

from toolkit.arrays import Array, namespace
from toolkit.errors import WrongUse

SHAPES = "pass shape (d,), (worker, d) or (run, worker, d)"


def vectors(x: Any, asked: str) -> Array:
    """Return `x` as an array of finite floating-point numbers with one, two or three axes."""
    if isinstance(x, (list, tuple)):
        try:
            x = np.asarray(x, dtype=float)
        except (TypeError, ValueError):
            raise WrongUse(asked, "x is no array of numbers", SHAPES) from None
    if not hasattr(x, "dtype"):
        raise WrongUse(asked, f"x is of type {type(x).__name__}", SHAPES)
    if x.ndim not in (1, 2, 3) or 0 in x.shape:
        raise WrongUse(
            f"{asked} with x of shape {tuple(x.shape)}", "x must be a non-empty vector or a batch of them", SHAPES
        )
    xp = namespace(x)
    if xp.isdtype(x.dtype, ("bool", "integral")):
        x = xp.astype(x, xp.float64)
    if not xp.isdtype(x.dtype, "real floating") or x.dtype.itemsize > 8:
        raise WrongUse(asked, f"x holds values of type {x.dtype}", "pass real numbers of single or double precision")
    if not bool(xp.all(xp.isfinite(x))):
        flat = np.asarray(x).ravel()
        first = int(np.flatnonzero(~np.isfinite(flat))[0])
        raise WrongUse(asked, f"x holds {flat[first]} at flat position {first}", "pass finite numbers only")
    return x


def messages(data: Any, asked: str) -> tuple[list[list[bytes]], int]:
    """Return messages by run and worker, and how many axes the vectors had.

    Examples
    --------
    >>> messages(b"one", "decode"), messages([b"one", b"two"], "decode")
    (([[b'one']], 1), ([[b'one', b'two']], 2))
    """
    axes, inner = 1, data
    while isinstance(inner, (list, tuple)) and len(inner) and axes < 3:
        axes, inner = axes + 1, inner[0]
    rows = [[data]] if axes == 1 else [data] if axes == 2 else data
    regular = all(isinstance(row, (list, tuple)) and len(row) == len(rows[0]) for row in rows)
    if not regular or not all(isinstance(one, (bytes, bytearray, memoryview)) for row in rows for one in row):
        wrong = f"data of type {type(data).__name__} are not bytes, nor a list of them for each worker and run"
        raise WrongUse(asked, wrong, "pass what encode gave")
    return [[bytes(one) for one in row] for row in rows], axes
