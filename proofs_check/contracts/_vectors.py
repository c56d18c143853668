"""The vectors on which contracts are checked."""

from __future__ import annotations

from typing import Any

import numpy as np

from proofs_check.panel import panel
from toolkit.arrays import Array
from toolkit.draws import Draw

__all__ = ["beside", "normal", "ordinary", "vectors"]


def vectors(d: int, dtype: np.dtype[Any], count: int, seed: int = 0) -> Array:
    """Return vectors that break compressors, shape ``(vector, d)``.

    Zeros of either sign, single entries, equal magnitudes, ties, one entry far above the rest, powers of two and 4/3
    times them, levels; small, large and subnormal numbers; and `count` vectors of each kind of `panel`. Magnitudes end
    at the largest number of the type over 2d, so that ‖x‖₁ is finite.

    Parameters
    ----------
    d : int
    dtype : dtype
    count : int
        How many of each random kind.
    seed : int
        Of the random kinds.

    Examples
    --------
    >>> vectors(3, np.dtype("float32"), 2).shape
    (48, 3)
    """
    info = np.finfo(dtype)
    tiny, normal, largest = float(info.smallest_subnormal), float(info.smallest_normal), float(info.max) / (2 * d)
    j = np.arange(d)
    first, last, signs = (j == 0) * 1.0, (j == d - 1) * 1.0, (-1.0) ** j
    random = panel(d, count, seed=seed).x[:, 0]
    structured = [
        first, -last, 0.1 * last, np.ones(d), -0.3 * np.ones(d), signs,
        np.where(j % 2, 1.0, 2.0), np.where(j % 3, -1.0, 3.0), np.where(j % 3, 0.0, 1.0),
        np.where(2 * j < d, 0.0, -1.0), np.where(j, 1e-3, 1.0), np.where(j, -1e-9, 1.0), np.where(j, 1e-30, -1.0),
        2.0 ** (j % 5 - 2), 4 / 3 * 2.0 ** -(j % 7), signs * 0.9**j, j + 1.0, (j + 0.5) / d,
    ]  # fmt: skip
    small = np.sqrt(normal) * 2.0**-10  # its square underflows
    scales = [small, 1e-7 * largest, largest / 8, np.sqrt(largest), 2 * normal]
    scaled = [scale * shape for scale in scales for shape in (first, np.ones(d), signs / (j + 1))]
    subnormal = [tiny * last, tiny * signs, tiny * (j % 4), normal / 2 * np.ones(d), np.where(j % 2, tiny, -1.0)]
    return np.concatenate([np.zeros((1, d)), -np.zeros((1, d)), structured, scaled, subnormal, random]).astype(dtype)


def normal(d: int, dtype: np.dtype[Any], count: int, workers: int, seed: int = 0) -> Array:
    """Return independent standard normal vectors, shape ``(count, workers, d)``.

    Examples
    --------
    >>> normal(3, np.dtype("float32"), 2, workers=1).shape
    (2, 1, 3)
    """
    draw = Draw(seed + np.arange(count), workers=workers).of("normal vectors")
    return draw.per_worker.normal(d).astype(dtype)


def ordinary(x: Array) -> Array:
    """Tell for which vectors, shape ``(vector, worker, d)``, no number or square comes near an end of the range.

    Examples
    --------
    >>> ordinary(np.array([[[1.0, -1e-300]], [[0.0, 3.0]]]))
    array([False,  True])
    """
    magnitude, ends = np.abs(x), 1e12 if x.dtype == np.float32 else 1e60
    return ((magnitude == 0) | ((magnitude > 1 / ends) & (magnitude < ends))).all(axis=(1, 2)) & x.any(axis=(1, 2))


def beside(x: Array) -> Array:
    """Return vectors a little beside the given ones, without ties.

    Where a compressor breaks ties or rounds, the last bits of a number may decide; beside that point they do not. Nor
    do sums with signs, as of a rotation, cancel there: cosines of 0, 1, 2, … have no relation in whole numbers.

    Examples
    --------
    >>> beside(np.array([[[1.0, 1.0]]]))
    array([[[1.00003052, 1.00001649]]])
    """
    factors = 1 + 2.0**-15 * np.cos(np.arange(x.shape[-1]))
    return (x * factors).astype(x.dtype)
