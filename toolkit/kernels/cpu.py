"""The kernels for NumPy arrays of floating-point numbers, compiled by Numba: serial, row after row."""

from __future__ import annotations

from functools import lru_cache, partial
from typing import Any

import numpy as np

from toolkit.arrays import Array
from toolkit.kernels import philox, reference
from toolkit.kernels.compiled import kernel
from toolkit.kernels.machine import HIGH, WIDE, line, tile
from toolkit.kernels.selection import padded, select_top
from toolkit.kernels.subsets import mask
from toolkit.kernels.sums import row_abs, row_dot, row_sq

__all__ = [
    "dot",
    "kept_with_memory",
    "matrix_product",
    "mean_abs",
    "multiply_add",
    "normal",
    "signs",
    "subset",
    "sum_sq",
    "sum_sq_difference",
    "top_k",
    "top_k_with_memory",
    "uniform",
    "words",
    "worker_mean",
]


def _rows(x: Array) -> Array:
    """Return an array in the one form that kernels are compiled for."""
    return x if x.flags.carray else np.array(x, order="C")


@lru_cache(maxsize=64)
def _single(value: float, dtype: Any) -> Array:
    return np.full(1, value, dtype)


def _per_run(value: Any, dtype: Any) -> Array:
    """Return a parameter as one number for each run, or one for all."""
    if isinstance(value, (int, float)):
        return _single(value, dtype)
    return np.array(value, dtype).reshape(-1)


@kernel
def _top_k(x, k, out):
    runs, _, d = out.shape
    magnitude = padded(d)
    quotient = np.log(max(d, 1) / max(k[0], 1)) / max(d, 1)
    for run in range(runs):
        own_x, own_k = run if x.shape[0] > 1 else 0, k[run if k.size > 1 else 0]
        quotient = select_top(x[own_x], own_k, out[run], magnitude, quotient)


def top_k(x: Array, k: Any) -> Array:
    x, k = _rows(x), _per_run(k, np.int64)
    shape = x.shape if k.size == 1 else np.broadcast_shapes(x.shape, (k.size, 1, 1))
    out = np.empty(shape, x.dtype)
    _top_k(x, k, out)
    return out


@kernel
def _add_scaled(memory, v, scale, p):
    for i in range(p.size):
        p[i] = memory[i] + scale * v[i]


@kernel
def _subtract(x, y, out):
    for i in range(out.size):
        out[i] = x[i] - y[i]


@kernel
def _top_k_with_memory(memory, v, scale, k, message, rest, error):
    runs, workers, d = message.shape
    magnitude = padded(d)
    quotient = np.log(max(d, 1) / max(k[0], 1)) / max(d, 1)
    for run in range(runs):
        own_k, own_scale = k[run if k.size > 1 else 0], scale[run if scale.size > 1 else 0]
        own_memory, own_v = memory[run if memory.shape[0] > 1 else 0], v[run if v.shape[0] > 1 else 0]
        p = rest[run]
        # Short rows leave vector units half empty, so what can be done to all workers at once is.
        if memory.shape[1] == workers and v.shape[1] == workers:
            _add_scaled(own_memory.reshape(p.size), own_v.reshape(p.size), own_scale, p.reshape(p.size))
        else:
            for worker in range(workers):
                left, right = worker if memory.shape[1] > 1 else 0, worker if v.shape[1] > 1 else 0
                _add_scaled(own_memory[left], own_v[right], own_scale, p[worker])
        quotient = select_top(p, own_k, message[run], magnitude, quotient)
        _subtract(p.reshape(p.size), message[run].reshape(p.size), p.reshape(p.size))
        for worker in range(workers):
            error[run, worker] = row_sq(p[worker])


def top_k_with_memory(memory: Array, v: Array, scale: Any, k: Any) -> tuple[Array, Array, Array]:
    dtype = memory.dtype
    if v.dtype != dtype or getattr(scale, "dtype", dtype) != dtype:
        return reference.top_k_with_memory(memory, v, scale, k)  # types that NumPy has to promote
    memory, v, scale, k = _rows(memory), _rows(v), _per_run(scale, dtype), _per_run(k, np.int64)
    shape = memory.shape
    if v.shape != shape or scale.size > 1 or k.size > 1:
        shape = np.broadcast_shapes(shape, v.shape, (scale.size, 1, memory.shape[2]), (k.size, 1, v.shape[2]))
    message, rest, error = np.empty(shape, dtype), np.empty(shape, dtype), np.empty(shape[:2], dtype)
    _top_k_with_memory(memory, v, scale, k, message, rest, error)
    return message, rest, error


@kernel
def _kept_rest(memory, v, scale, kept, factor, message, rest):
    zero = factor - factor
    for i in range(rest.size):
        p = memory[i] + scale * v[i]
        message[i] = (p if kept[i] else zero) * factor
        rest[i] = p - message[i]


@kernel
def _kept_with_memory(memory, v, scale, kept, factor, message, rest, error):
    for run in range(message.shape[0]):
        own_scale, own_factor = scale[run if scale.size > 1 else 0], factor[run if factor.size > 1 else 0]
        own_memory, own_v = memory[run if memory.shape[0] > 1 else 0], v[run if v.shape[0] > 1 else 0]
        own_kept = kept[run if kept.shape[0] > 1 else 0]
        for worker in range(message.shape[1]):
            left, right = worker if memory.shape[1] > 1 else 0, worker if v.shape[1] > 1 else 0
            mask = own_kept[worker if kept.shape[1] > 1 else 0]
            row = own_memory[left], own_v[right], own_scale, mask, own_factor
            _kept_rest(*row, message[run, worker], rest[run, worker])
            error[run, worker] = row_sq(rest[run, worker])


def kept_with_memory(memory: Array, v: Array, scale: Any, kept: Array, factor: Any) -> tuple[Array, Array, Array]:
    dtype = memory.dtype
    if v.dtype != dtype or getattr(scale, "dtype", dtype) != dtype:
        return reference.kept_with_memory(memory, v, scale, kept, factor)  # types that NumPy has to promote
    memory, v, scale, kept = _rows(memory), _rows(v), _per_run(scale, dtype), _rows(kept)
    factor = _per_run(factor, dtype)
    shape = np.broadcast_shapes(memory.shape, v.shape, kept.shape, (scale.size, 1, 1), (factor.size, 1, 1))
    message, rest, error = np.empty(shape, dtype), np.empty(shape, dtype), np.empty(shape[:2], dtype)
    _kept_with_memory(memory, v, scale, kept, factor, message, rest, error)
    return message, rest, error


@kernel
def _subset(words, k, out):
    for run in range(out.shape[0]):
        own_words, own_k = words[run if words.shape[0] > 1 else 0], k[run if k.size > 1 else 0]
        for worker in range(out.shape[1]):
            mask(own_words[worker], own_k, out[run, worker])


def subset(words: Array, d: int, k: Any) -> Array:
    words, k = _rows(words), _per_run(k, np.int64)
    out = np.empty((*np.broadcast_shapes(words.shape[:2], (k.size, 1)), d), np.bool_)
    _subset(words, k, out)
    return out


@kernel
def _sum_sq(x, out):
    for run in range(x.shape[0]):
        for worker in range(x.shape[1]):
            out[run, worker] = row_sq(x[run, worker])


def sum_sq(x: Array) -> Array:
    x = _rows(x)
    out = np.empty(x.shape[:2], x.dtype)
    _sum_sq(x, out)
    return out


@kernel
def _mean_abs(x, out):
    for run in range(x.shape[0]):
        for worker in range(x.shape[1]):
            out[run, worker] = row_abs(x[run, worker]) / x.shape[2]


def mean_abs(x: Array) -> Array:
    x = _rows(x)
    out = np.empty(x.shape[:2], x.dtype)
    _mean_abs(x, out)
    return out


@kernel
def _sum_sq_difference(x, y, out):
    difference = np.empty(x.shape[2], x.dtype)
    for run in range(out.shape[0]):
        own_x, own_y = x[run if x.shape[0] > 1 else 0], y[run if y.shape[0] > 1 else 0]
        for worker in range(out.shape[1]):
            _subtract(own_x[worker if x.shape[1] > 1 else 0], own_y[worker if y.shape[1] > 1 else 0], difference)
            out[run, worker] = row_sq(difference)


def sum_sq_difference(x: Array, y: Array) -> Array:
    if x.dtype != y.dtype or x.shape[2] != y.shape[2]:
        return reference.sum_sq_difference(x, y)
    x, y = _rows(x), _rows(y)
    out = np.empty(x.shape[:2] if x.shape == y.shape else np.broadcast_shapes(x.shape[:2], y.shape[:2]), x.dtype)
    _sum_sq_difference(x, y, out)
    return out


def words(seeds: Array, step: int, workers: int, purpose: int, index: int, d: int) -> Array:
    out = np.empty((len(seeds), workers or 1, d), np.uint32)
    philox.fill_words(out, seeds, step, workers == 0, purpose, index)
    return out


@kernel
def _dot(x, y, out):
    for run in range(out.shape[0]):
        own_x, own_y = x[run if x.shape[0] > 1 else 0], y[run if y.shape[0] > 1 else 0]
        for worker in range(out.shape[1]):
            out[run, worker] = row_dot(own_x[worker if x.shape[1] > 1 else 0], own_y[worker if y.shape[1] > 1 else 0])


def dot(x: Array, y: Array) -> Array:
    if x.dtype != y.dtype:
        return reference.dot(x, y)
    x, y = _rows(x), _rows(y)
    out = np.empty((max(len(x), len(y)), max(x.shape[1], y.shape[1])), x.dtype)
    _dot(x, y, out)
    return out


@kernel
def _worker_mean(v, out):
    n = v.shape[1]
    for run in range(v.shape[0]):
        total = out[run, 0]
        total[:] = v[run, 0]
        for worker in range(1, n):
            row = v[run, worker]
            for i in range(total.size):
                total[i] += row[i]
        for i in range(total.size):
            total[i] /= n


def worker_mean(v: Array) -> Array:
    v = _rows(v)
    out = np.empty((len(v), 1, v.shape[2]), v.dtype)
    _worker_mean(v, out)
    return out


@kernel
def _multiply_add(a, x, b, scale, out):
    for run in range(out.shape[0]):
        for worker in range(out.shape[1]):
            factor, point = a[worker if a.shape[0] > 1 else 0], x[run, worker if x.shape[1] > 1 else 0]
            noise, result = b[run, worker], out[run, worker]
            for i in range(result.size):
                result[i] = factor[i] * point[i] + scale * noise[i]


def multiply_add(a: Array, x: Array, b: Array, scale: float) -> Array:
    if not a.dtype == x.dtype == b.dtype:
        return reference.multiply_add(a, x, b, scale)
    out = np.empty(b.shape, b.dtype)
    _multiply_add(_rows(a), _rows(x), _rows(b), b.dtype.type(scale), out)
    return out


@kernel
def _matrix_product(x, matrix, out):
    columns = out.shape[1]
    if columns < WIDE:  # nothing to do side by side
        out[:] = 0
        for row in range(x.shape[0]):
            for j in range(x.shape[1]):
                for column in range(columns):
                    out[row, column] += x[row, j] * matrix[j, column]
        return
    whole = x.shape[0] - x.shape[0] % HIGH
    for start in range(0, columns, WIDE):  # a strip of the matrix stays in the first-level cache
        column = min(start, columns - WIDE)  # the last tile may lie over the one before: it writes the same numbers
        for row in range(0, whole, HIGH):
            tile(x, row, matrix, column, out)
        for row in range(whole, x.shape[0]):
            line(x, row, matrix, column, out)


def matrix_product(x: Array, matrix: Array) -> Array:
    d, m = matrix.shape
    if x.shape[-1] != d:
        raise ValueError(f"rows of {x.shape[-1]} numbers and a matrix of shape {matrix.shape} have no product")
    if x.dtype != matrix.dtype:
        dtype = np.result_type(x, matrix)
        x, matrix = x.astype(dtype, copy=False), matrix.astype(dtype, copy=False)
    x, out = _rows(x), np.empty((*x.shape[:-1], m), x.dtype)
    _matrix_product(x.reshape(-1, d), _rows(matrix), out.reshape(-1, m))
    return out


def _drawn(law: int, seeds: Array, step: int, workers: int, purpose: int, index: int, d: int) -> Array:
    out = np.empty((len(seeds), workers or 1, d))
    philox.fill(out, seeds, step, workers == 0, purpose, index, law)
    return out


uniform, normal, signs = (partial(_drawn, law) for law in (philox.UNIFORM, philox.NORMAL, philox.SIGNS))
