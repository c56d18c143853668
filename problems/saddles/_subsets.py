"""Subsets, where every one is a critical point."""

from __future__ import annotations

from itertools import chain, combinations
from math import comb

import numpy as np

from toolkit.arrays import Array
from toolkit.errors import WrongUse

__all__ = ["subsets"]

MOST = 2**16  # of a list that is given in full


def subsets(items: int, sizes: range, asked: str) -> Array:
    """Return all subsets of so many items with sizes in a range, as a mask of shape ``(count, items)``.

    Examples
    --------
    >>> subsets(2, range(2), "an example").astype(int)
    array([[0, 0],
           [1, 0],
           [0, 1]])
    """
    count = sum(comb(items, size) for size in sizes)
    if count > MOST:
        raise WrongUse(asked, f"there are {count} of them, too many to list", "use a smaller problem")
    mask = np.zeros((count, items), dtype=bool)
    for row, chosen in zip(mask, chain.from_iterable(combinations(range(items), size) for size in sizes), strict=True):
        row[list(chosen)] = True
    return mask
