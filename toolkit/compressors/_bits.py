"""What the formula price of a message is made of."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np

from toolkit.arrays import Array


def width(dtype: Any) -> int:
    """Return the bits of one value of this type.

    Examples
    --------
    >>> width("float32")
    32
    """
    return 8 * np.dtype(dtype).itemsize


def symbol_bits(count: Any) -> Any:
    """Return ⌈log2 count⌉, the bits of a fixed-length code for one symbol out of `count`.

    Parameters
    ----------
    count : int or array of int
        At least 1.

    Examples
    --------
    >>> float(symbol_bits(4)), float(symbol_bits(5))
    (2.0, 3.0)
    """
    return np.frexp(np.asarray(count) - 1.0)[1].astype(float)[()]  # the number of binary digits of count − 1


@lru_cache(maxsize=65536)
def set_bits(d: int, k: int) -> int:
    """Return ⌈log2 C(d, k)⌉, the bits of a fixed-length code for a set of k positions out of d.

    Examples
    --------
    >>> set_bits(10, 1), set_bits(10, 10)
    (4, 0)
    """
    scale = math.lgamma(d + 1)
    bits = (scale - math.lgamma(k + 1) - math.lgamma(d - k + 1)) / math.log(2)
    # lgamma is good to some 1e-15 of `scale`: only next to an integer does the binomial itself, which may have a
    # million digits, have to decide.
    if abs(bits - round(bits)) > 1e-13 * (1 + scale):
        return math.ceil(bits)
    return (math.comb(d, k) - 1).bit_length()


def position_bits(k: Any, d: int) -> Any:
    """Return `set_bits` as numbers of the shape of `k`.

    Parameters
    ----------
    k : int or array of int
        Sizes of sets.

    Returns
    -------
    float or array

    Examples
    --------
    >>> position_bits(np.array([[1], [10]]), 10)
    array([[4.],
           [0.]])
    """
    if not np.ndim(k):
        return float(set_bits(d, int(k)))
    sizes, rows = np.unique(k, return_inverse=True)
    return np.array([set_bits(d, size) for size in sizes.astype(int).tolist()], dtype=float)[rows].reshape(np.shape(k))


def sparse_price(k: Any, d: int, width: int) -> Any:
    """Return the bits of k values of `width` bits and their set of positions; `k` as in `position_bits`.

    Examples
    --------
    >>> sparse_price(2, 10, 64)
    134.0
    """
    return k * width + position_bits(k, d)


def counted_price(message: Array) -> Array:
    """Return the bits of the entries of each message that are not 0: their number, positions and values.

    Parameters
    ----------
    message : array, shape (run, worker, d)

    Returns
    -------
    array, shape (run, worker)

    Examples
    --------
    >>> counted_price(np.array([[[0.0, 2.0, 0.0, 0.0]]]))
    array([[69.]])
    """
    d = message.shape[-1]
    return d.bit_length() + sparse_price(np.count_nonzero(np.asarray(message), axis=-1), d, width(message.dtype))
