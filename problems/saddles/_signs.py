"""What functions that do not change with the signs of their coordinates have in common."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from toolkit.arrays import Array
from toolkit.errors import WrongUse

__all__ = ["MOST", "subsets"]

MOST = 2**16  # members of a list that is given in full


def subsets(items: int, sizes: range, asked: str) -> Array:
    """Return all subsets of so many items with sizes in a range, as a mask of shape ``(count, items)``.

    Examples
    --------
    >>> subsets(2, range(2), "an example").astype(int)
    array([[0, 0],
           [1, 0],
           [0, 1]])
    """
    if items > 1 and len(sizes) * np.log2(items) > 64 and 2**items > MOST:
        raise WrongUse(asked, f"{items} items have too many subsets to list", "use a smaller problem")
    rows = []
    for size in sizes:
        for chosen in combinations(range(items), size):
            rows.append(np.isin(np.arange(items), chosen))
            if len(rows) > MOST:
                raise WrongUse(asked, f"there are more than {MOST} of them", "use a smaller problem")
    return np.array(rows, dtype=bool).reshape(-1, items)
