"""Sums over a row, in an order that its length alone decides: block after block, whoever summed each block.

A row may be summed by several threads, and again in part when a few of its numbers change: both give the same bits as
one sum over all, because every block of `BLOCK` coordinates is summed for itself and the blocks are added in order.
"""

from __future__ import annotations

import numpy as np

from toolkit.kernels.compiled import kernel

__all__ = ["BLOCK", "block_abs", "block_sq", "row_abs", "row_dot", "row_sq", "total"]

BLOCK = 128


@kernel(fastmath={"reassoc", "nsz"})
def block_sq(x):
    """Return Σ x_j² of one block; the compiler chooses the order, the same for every block of this length."""
    total = 0.0
    for i in range(x.size):
        total += np.float64(x[i]) * np.float64(x[i])
    return total


@kernel(fastmath={"reassoc", "nsz"})
def block_abs(x):
    """Return Σ |x_j| of one block."""
    total = 0.0
    for i in range(x.size):
        total += np.float64(abs(x[i]))
    return total


@kernel(fastmath={"reassoc", "nsz"})
def row_dot(x, y):
    """Return Σ x_j y_j."""
    total = 0.0
    for i in range(x.size):
        total += np.float64(x[i]) * np.float64(y[i])
    return total


@kernel
def total(sums):
    """Return the sum of the blocks' sums, one after another."""
    result = 0.0
    for block in range(sums.size):
        result += sums[block]
    return result


@kernel
def row_sq(x):
    """Return Σ x_j²."""
    result = 0.0
    for start in range(0, x.size, BLOCK):
        result += block_sq(x[start : start + BLOCK])
    return result


@kernel
def row_abs(x):
    """Return Σ |x_j|."""
    result = 0.0
    for start in range(0, x.size, BLOCK):
        result += block_abs(x[start : start + BLOCK])
    return result
