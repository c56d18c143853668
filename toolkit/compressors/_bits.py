"""What the formula price of a message is made of."""

from __future__ import annotations

from typing import Any

import numpy as np

from toolkit.arrays import Array
from toolkit.entropy import set_bits


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


def sparse_price(k: Any, d: int, width: int) -> Any:
    """Return the bits of k values of `width` bits and their set of positions; `k` as in `set_bits`.

    Examples
    --------
    >>> sparse_price(2, 10, 64)
    134.0
    """
    return k * width + set_bits(d, k)


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
