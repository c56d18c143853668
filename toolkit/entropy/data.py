"""How many bits data have: sets of positions and streams of levels."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np

from toolkit.arrays import Array
from toolkit.codecs._blocks import blocks

__all__ = ["level_entropy", "set_bits", "set_entropy"]


def _log_factorial_rest(n: Array) -> Array:
    """Return ln n! − (n ln n − n + ½ ln(2πn)) for n ≥ 1: Stirling's series, or exact sums where it is too short."""
    small = np.arange(1, 17)
    exact = np.cumsum(np.log(small)) - (small * np.log(small) - small + 0.5 * np.log(2 * np.pi * small))
    inverse = 1 / np.maximum(n, 1)
    square = inverse * inverse
    series = inverse * (1 / 12 - square * (1 / 360 - square * (1 / 1260 - square / 1680)))
    return np.where(n <= 16, exact[np.clip(n, 1, 16).astype(np.int64) - 1], series)


def set_entropy(d: Any, count: Any) -> Array:
    r"""Return log2 C(d, count), the bits of a uniform set of `count` positions out of d.

    .. math:: \ln\binom dk = k \ln\frac dk + (d - k) \ln\frac d{d - k} - \tfrac12 \ln\frac{2\pi k (d - k)}d
              + r(d) - r(k) - r(d - k),

    with r the rest of Stirling's formula; no two large terms cancel, so that the result is good to some 1e-14 of itself
    also at d = 10⁹.

    Parameters
    ----------
    d, count : array of int
        0 ≤ count ≤ d.

    Returns
    -------
    array of float
        Of the common shape.

    Examples
    --------
    >>> set_entropy([4, 10**9], [2, 1])
    array([ 2.5849625 , 29.89735285])
    """
    d, k = np.broadcast_arrays(np.asarray(d, dtype=float), np.asarray(count, dtype=float))
    k = np.minimum(k, d - k)
    inner = k > 0
    k, d = np.where(inner, k, 1.0), np.where(inner, d, 2.0)
    far = d - k
    nats = k * np.log(d / k) - far * np.log1p(-k / d) - 0.5 * np.log(2 * np.pi * k * (far / d))
    nats += _log_factorial_rest(d) - _log_factorial_rest(k) - _log_factorial_rest(far)
    return np.where(inner, np.where(k == 1, np.log2(d), nats / np.log(2)), 0.0)[()]


def set_bits(d: int, count: Any) -> Any:
    """Return ⌈log2 C(d, count)⌉, the bits of a fixed-length code for a set of `count` positions out of d.

    Parameters
    ----------
    d : int
        Out of how many.
    count : int or array of int
        0 ≤ count ≤ d.

    Returns
    -------
    float or array
        Of the shape of `count`.

    Examples
    --------
    >>> set_bits(10, 1), set_bits(10, [[5], [10]])
    (4.0, array([[8.],
           [0.]]))
    """
    if not np.ndim(count):
        return float(_set_bits(d, int(count)))
    sizes, rows = np.unique(count, return_inverse=True)
    return np.array([_set_bits(d, int(size)) for size in sizes], dtype=float)[rows].reshape(np.shape(count))


@lru_cache(maxsize=65536)
def _set_bits(d: int, k: int) -> int:
    # lgamma is fast and good to some 1e-15 of `scale`, `set_entropy` to some of the result. Only where both leave it
    # open does the binomial itself decide, which may have a million digits.
    scale = math.lgamma(d + 1)
    bits = (scale - math.lgamma(k + 1) - math.lgamma(d - k + 1)) / math.log(2)
    if abs(bits - round(bits)) > 1e-13 * (1 + scale):
        return math.ceil(bits)
    bits = float(set_entropy(d, k))
    if abs(bits - round(bits)) > 1e-14 * (1 + bits):
        return math.ceil(bits)
    return (math.comb(d, k) - 1).bit_length()


def level_entropy(levels: Array, at: Array | None = None) -> Array:
    r"""Return the order-zero empirical entropy of each row's stream, in bits of the whole stream.

    .. math:: n \hat H = \sum_a n_a \log_2 \frac n{n_a}, \qquad n_a \text{ the number of entries equal to } a .

    Parameters
    ----------
    levels : array, shape (…, d)
        One stream in each row of the last axis.
    at : array of bool, of the shape of `levels`, optional
        The entries that count; by default all.

    Returns
    -------
    array of float, shape (…)

    Examples
    --------
    >>> level_entropy(np.array([[0, 0, 1, 1], [5, 5, 5, 5]]))
    array([4., 0.])
    >>> float(level_entropy(np.array([0, 1, 7]), np.array([True, True, False])))
    2.0
    """
    levels = np.asarray(levels)
    shape, d = levels.shape[:-1], levels.shape[-1]
    rows = levels.reshape(-1, d)
    counted = None if at is None else np.broadcast_to(at, levels.shape).reshape(-1, d)
    bits = [_stream_entropy(row if counted is None else row[counted[i]]) for i, row in enumerate(rows)]
    return np.array(bits).reshape(shape)[()]


def _stream_entropy(stream: Array) -> float:
    """Return the empirical entropy of one stream in bits."""
    if not stream.size:
        return 0.0
    counts = symbol_counts(stream)[1]
    return float(np.sum(counts * np.log2(stream.size / counts)))


def symbol_counts(stream: Array) -> tuple[Array, Array]:
    """Return the distinct numbers of a non-empty stream, in order, and how often each occurs."""
    low, high = stream.min(), stream.max()
    if stream.dtype.kind not in "iu" or int(high) - int(low) >= 2**16:
        return np.unique(stream, return_counts=True)
    counts = np.zeros(int(high) - int(low) + 1, np.int64)
    for block in blocks(stream):  # counting is faster than sorting
        counts += np.bincount(block.astype(np.int64) - int(low), minlength=len(counts))
    symbols = np.flatnonzero(counts)
    return symbols + int(low), counts[symbols]
