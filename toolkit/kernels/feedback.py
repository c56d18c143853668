"""Error feedback in place, for long rows: one call adds scale·v to the memory, and takes a message out of it.

With p = memory + scale·v, every function of this module leaves p − C(p) where the memory lies and returns C(p) in the
form in which it is sent (see `messages`) and ‖p − C(p)‖² for each row. All of it is bit for bit what the compressor's
`message` and a subtraction give, for any number of threads. Writing where one reads costs less than half of writing
elsewhere, so nothing as long as a row is allocated but the codes of a message that has one for each coordinate, and
not even they if the arrays of a former message may be written over.

Rows are worked on one after another: for short rows in large batches, the kernels that take a whole batch are faster.

Parameters that all functions share
-----------------------------------
memory : array of float32 or float64, shape (run, worker, d)
    Contiguous; it is written to. Finite numbers: with infinities or NaN among them some message is returned.
v : array of the same type
    Shape (run, worker, d); its run and worker axes may be 1.
scale : float or array, shape (run, 1, 1)
    The factor of `v`.
draw : Draw
    Where the random numbers come from, at the purpose for which the compressor draws them.
threads : int
    How many may work on one row, if it is long enough.
into : message, optional
    A former message that is no longer needed: its arrays are used again if they are of the right shape and type.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cache, partial
from typing import Any

import numpy as np

from toolkit.arrays import Array
from toolkit.kernels.messages import Levels, Powers, Signs, Sparse
from toolkit.kernels.parallel import in_parts, room

__all__ = ["natural", "qsgd", "rand_k", "scaled_sign", "top_k"]


@cache
def _bodies() -> Any:
    from toolkit.kernels import in_place

    return in_place


UNIT = 1024  # parts of a row begin at whole chunks

Row = tuple[tuple[int, int], Array, Array, Any, Array]


def _rows(memory: Array, v: Array, scale: Any, error: Array) -> Iterator[Row]:
    """Yield for each row its place, memory, v and scale, and room for the sums of its blocks; then write its error."""
    from toolkit.kernels.sums import BLOCK, total

    dtype = memory.dtype
    if not (memory.flags.carray and v.dtype == dtype == getattr(scale, "dtype", dtype) and dtype.char in "fd"):
        raise TypeError("memory, v and scale must be of one type, float32 or float64, and memory contiguous")
    v, scale = np.broadcast_to(np.ascontiguousarray(v), memory.shape), np.array(scale, dtype).reshape(-1)
    for row in np.ndindex(*memory.shape[:2]):
        sums = room("sums", -(-memory.shape[2] // BLOCK), np.float64)
        yield row, memory[row], v[row], scale[row[0] if len(scale) > 1 else 0], sums
        error[row] = _narrowed(total(sums), dtype)


def _narrowed(number: float, dtype: Any) -> Any:
    with np.errstate(over="ignore"):  # what the plain path does without a word
        return dtype.type(number)


def _address(draw: Any, row: tuple[int, int]) -> Any:
    from toolkit.kernels.rounding import drawn

    return drawn(draw.address, *row)


def _array(into: Any, name: str, shape: tuple[int, ...], dtype: Any) -> Array:
    """Return an array of a former message, or a new one."""
    former = getattr(into, name, None)
    return former if former is not None and (former.shape, former.dtype) == (shape, dtype) else np.empty(shape, dtype)


def top_k(
    memory: Array, v: Array, scale: Any, k: int, threads: int = 1, into: Sparse | None = None
) -> tuple[Sparse, Array]:
    """Take the k largest magnitudes out of the memory, ties to the lowest index.

    Examples
    --------
    >>> memory = np.array([[[0.0, 1.0, 3.0]]])
    >>> message, error = top_k(memory, np.array([[[4.0, 1.0, 1.0]]]), 0.5, 1)
    >>> message.positions, message.values, memory, error
    (array([[[2]]]), array([[[3.5]]]), array([[[2. , 1.5, 0. ]]]), array([[6.25]]))
    """
    from toolkit.kernels.in_place_top_k import top_k as one_row

    shape, dtype = (*memory.shape[:2], k), memory.dtype
    positions, values = _array(into, "positions", shape, np.int64), _array(into, "values", shape, dtype)
    error = np.empty(memory.shape[:2], dtype)
    for row, p, own_v, own_scale, sums in _rows(memory, v, scale, error):
        one_row(p, own_v, own_scale, k, threads, positions[row], values[row], sums)
    return Sparse(positions, values), error


def rand_k(
    memory: Array,
    v: Array,
    scale: Any,
    k: int,
    draw: Any,
    *,
    factor: float = 1.0,
    threads: int = 1,
    into: Sparse | None = None,
) -> tuple[Sparse, Array]:
    """Take `factor` times the numbers at k random coordinates, those of ``draw.subset(d, k)``, out of the memory."""
    from toolkit import kernels
    from toolkit.kernels.subsets import positions as chosen

    d = memory.shape[2]
    seeds, step, workers, purpose, index = draw.address
    words = kernels.words(seeds, step, workers, purpose, index, 2 * min(k, d - k))
    shape, dtype = (*memory.shape[:2], k), memory.dtype
    places, values = _array(into, "positions", shape, np.int64), _array(into, "values", shape, dtype)
    error = np.empty(memory.shape[:2], dtype)
    for row, p, own_v, own_scale, sums in _rows(memory, v, scale, error):
        bits = room("bits", -(-d // 64), np.uint64)
        found = room("positions", k + 2, np.int64)
        chosen(np.broadcast_to(words, (*memory.shape[:2], words.shape[2]))[row], d, k, bits, found)
        places[row] = found[:k]
        rest = places[row], dtype.type(factor), values[row], sums
        in_parts(partial(_bodies().subset_residual, p, own_v, own_scale, *rest), d, threads, UNIT)
    return Sparse(places, values), error


def scaled_sign(
    memory: Array, v: Array, scale: Any, threads: int = 1, into: Signs | None = None
) -> tuple[Signs, Array]:
    """Take the signs, times the mean magnitude, out of the memory; the sign of zero is +.

    Examples
    --------
    >>> memory = np.array([[[0.0, 0.0, 3.0]]])
    >>> message, error = scaled_sign(memory, np.array([[[-4.0, 2.0, 0.0]]]), 0.5)
    >>> message.bits, message.scale, memory, error
    (array([[[1]]], dtype=uint8), array([[[2.]]]), array([[[ 0., -1.,  1.]]]), array([[2.]]))
    """
    from toolkit.kernels.sums import total

    d, dtype = memory.shape[2], memory.dtype
    bits = _array(into, "bits", (*memory.shape[:2], -(-d // 8)), np.uint8)
    means, error = np.empty((*memory.shape[:2], 1), dtype), np.empty(memory.shape[:2], dtype)
    for row, p, own_v, own_scale, sums in _rows(memory, v, scale, error):
        in_parts(partial(_bodies().signs_and_sums, p, own_v, own_scale, bits[row], sums), d, threads, UNIT)
        means[row] = _narrowed(total(sums) / d, dtype)
        in_parts(partial(_bodies().sign_residual, p, means[row][0], sums), d, threads, UNIT)
    return Signs(bits, means), error


def qsgd(
    memory: Array,
    v: Array,
    scale: Any,
    s: int,
    draw: Any,
    *,
    bucket: int | None = None,
    threads: int = 1,
    into: Levels | None = None,
) -> tuple[Levels, Array]:
    """Take the coordinates, rounded at random to multiples of ‖p‖/s, out of the memory.

    Parameters
    ----------
    s : int
        Levels above zero, less than 2³¹; a level takes 1 byte up to 127, 2 up to 32767, else 4.
    bucket : int, optional
        Coordinates that share a norm, the last bucket may have fewer; by default all do.
    """
    from toolkit.kernels.rounding import norm_of
    from toolkit.kernels.sums import BLOCK, total

    d, dtype = memory.shape[2], memory.dtype
    length = d if bucket is None else min(bucket, d)
    level_type = np.int8 if s <= 127 else np.int16 if s <= 32767 else np.int32
    levels = _array(into, "levels", memory.shape, level_type)
    norms, error = np.empty((*memory.shape[:2], -(-d // length)), dtype), np.empty(memory.shape[:2], dtype)
    for row, p, own_v, own_scale, sums in _rows(memory, v, scale, error):
        out, norm, address = levels[row], norms[row], _address(draw, row)
        if length < d:
            place = own_v, own_scale, dtype.type(s), length, address, out, norm, sums
            in_parts(partial(_bodies().round_buckets, p, *place), d, threads, math.lcm(length, BLOCK))
        else:
            in_parts(partial(_bodies().advance, p, own_v, own_scale, sums), d, threads, UNIT)
            norm[0] = _narrowed(norm_of(total(sums), p), dtype)
            rest = norm[0], dtype.type(s), address, out, sums
            in_parts(partial(_bodies().round_levels, p, *rest), d, threads, UNIT)
    return Levels(levels, norms, s, length), error


def natural(
    memory: Array, v: Array, scale: Any, draw: Any, threads: int = 1, into: Powers | None = None
) -> tuple[Powers, Array]:
    """Take the coordinates, rounded at random to powers of two, out of the memory."""
    codes, error = _array(into, "codes", memory.shape, np.uint16), np.empty(memory.shape[:2], memory.dtype)
    for row, p, own_v, own_scale, sums in _rows(memory, v, scale, error):
        rest = own_v, own_scale, _address(draw, row), codes[row], sums
        in_parts(partial(_bodies().round_powers, p, *rest), memory.shape[2], threads, UNIT)
    return Powers(codes), error
