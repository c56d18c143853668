"""The fast Walsh–Hadamard transform, d·log2 d additions a row."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from toolkit.arrays import Array, namespace

__all__ = ["hadamard", "power_of_two"]

IN_CACHE = 4096  # numbers of a row that are transformed in one go before the spans that need all of it


def power_of_two(d: int) -> int:
    """Return the smallest power of two that is at least `d`.

    Examples
    --------
    >>> power_of_two(1), power_of_two(5), power_of_two(8)
    (1, 8, 8)
    """
    return 1 << (d - 1).bit_length()


def hadamard(x: Array) -> Array:
    r"""Return Hx of each row, where H is the orthonormal Hadamard matrix: symmetric, and its own inverse.

    .. math:: H_{ij} = D^{-1/2}\,(-1)^{\text{number of ones that } i \text{ and } j \text{ have in common, in binary}} .

    Parameters
    ----------
    x : array, shape (…, D)
        With D a power of two.

    Notes
    -----
    The factor comes first, so that no sum exceeds ‖x‖. Compiled and plain body add the same numbers in the same order.

    Examples
    --------
    >>> hadamard(np.array([1.0, 2.0, 3.0, 4.0]))
    array([ 5., -1., -2.,  0.])
    """
    scaled = x * (1 / math.sqrt(x.shape[-1]))
    if type(x) is not np.ndarray or x.dtype not in (np.float32, np.float64):
        return plain(scaled)
    rows = np.ascontiguousarray(scaled).reshape(-1, x.shape[-1])
    _compiled()(rows)
    return rows.reshape(x.shape)


def plain(x: Array) -> Array:
    """Return √D·Hx of each row in plain array code."""
    xp, shape, span = namespace(x), x.shape, 1
    while span < shape[-1]:
        pairs = xp.reshape(x, (*shape[:-1], -1, 2, span))
        left, right = pairs[..., 0, :], pairs[..., 1, :]
        x = xp.stack([left + right, left - right], axis=-2)
        span *= 2
    return xp.reshape(x, shape)


@cache
def _compiled() -> Callable[[Array], None]:
    """Return the compiled body, which works in place on a matrix of rows."""
    from toolkit.kernels.compiled import kernel

    @kernel
    def butterflies(row: Any, span: int) -> None:
        """Do the sums and differences over `span`, 2·span, …, two spans in one pass over memory."""
        while 4 * span <= row.size:
            for start in range(0, row.size, 4 * span):
                for j in range(start, start + span):
                    a, b, c, d = row[j], row[j + span], row[j + 2 * span], row[j + 3 * span]
                    sum_ab, rest_ab, sum_cd, rest_cd = a + b, a - b, c + d, c - d
                    row[j], row[j + span] = sum_ab + sum_cd, rest_ab + rest_cd
                    row[j + 2 * span], row[j + 3 * span] = sum_ab - sum_cd, rest_ab - rest_cd
            span *= 4
        if 2 * span <= row.size:
            for start in range(0, row.size, 2 * span):
                for j in range(start, start + span):
                    a, b = row[j], row[j + span]
                    row[j], row[j + span] = a + b, a - b

    @kernel
    def transform(rows: Any) -> None:
        for row in rows:
            for start in range(0, row.size, IN_CACHE):
                butterflies(row[start : start + IN_CACHE], 1)
            butterflies(row, IN_CACHE)

    return transform
