"""Long arrays in pieces, so that wider copies of a piece stay in the cache."""

from __future__ import annotations

from collections.abc import Iterator

from toolkit.arrays import Array

BLOCK = 2**15


def blocks(array: Array) -> Iterator[Array]:
    """Yield views of the pieces of an array, in order.

    Examples
    --------
    >>> import numpy as np
    >>> [len(block) for block in blocks(np.zeros(70000))]
    [32768, 32768, 4464]
    """
    return (array[start : start + BLOCK] for start in range(0, len(array), BLOCK))
