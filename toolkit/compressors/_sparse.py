"""What the sparsifiers share: the legal range of k and the formula price of k values with their positions."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np

from toolkit.errors import WrongUse
from toolkit.parameters import values


def check_k(compressor: Any, k: Any, d: int | None = None) -> None:
    """Refuse k < 1, a k that is not an integer, and k > d."""
    name = type(compressor).__name__
    for value in values(k):
        if value != int(value) or value < 1:
            raise WrongUse(f"{name}(k={value})", "k must be an integer of at least 1", "give k=1 or more")
        if d is not None and value > d:
            raise WrongUse(
                f"{name}(k={value}) on vectors of dimension {d}",
                "k is larger than the dimension",
                f"give a k between 1 and {d}",
            )


@lru_cache(maxsize=4096)
def index_bits(d: int, k: int) -> int:
    """Return ⌈log2 C(d, k)⌉, the bits of a fixed-length code for a set of k positions out of d.

    Examples
    --------
    >>> index_bits(10, 1), index_bits(10, 10)
    (4, 0)
    """
    return (math.comb(d, k) - 1).bit_length()


def sparse_price(k: Any, d: int, width: int) -> Any:
    """Return the bits of k values of `width` bits and their index set; an array if k is one."""
    if isinstance(k, np.ndarray):
        prices = {int(value): int(value) * width + index_bits(d, int(value)) for value in np.unique(k)}
        return np.vectorize(prices.__getitem__, otypes=[float])(k)
    return float(int(k) * width + index_bits(d, int(k)))
