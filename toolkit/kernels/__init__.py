"""The few hot loops: one name, one meaning, several bodies.

Arrays are C-contiguous and have shape ``(run, worker, coordinate)``. Which body runs is read off the input, so that two
can be compared in one process: NumPy arrays go to compiled code, imported when it is first needed, arrays of any other
library to plain array code. No kernel writes to its input, and no number depends on the batch it is computed in.

For long rows, `feedback` does error feedback in place, on one or more threads, and gives messages in the form in which
they are sent; its bodies are compiled when they are first used.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from toolkit.arrays import Array
from toolkit.kernels import reference
from toolkit.kernels.compiled import is_compiled

__all__ = [
    "dot",
    "is_compiled",
    "kept_with_memory",
    "matrix_product",
    "mean_abs",
    "multiply_add",
    "natural",
    "norm",
    "normal",
    "qsgd",
    "signs",
    "subset",
    "sum_sq",
    "sum_sq_difference",
    "top_k",
    "top_k_with_memory",
    "uniform",
    "warm_up",
    "words",
    "worker_mean",
]

_COMPILED = frozenset(np.dtype(name) for name in ("float32", "float64", "uint32"))


@cache
def _cpu() -> Any:
    from toolkit.kernels import cpu

    return cpu


@cache
def _rounding() -> Any:
    from toolkit.kernels import rounding

    return rounding


def _body(array: Array) -> Any:
    return _cpu() if type(array) is np.ndarray and array.dtype in _COMPILED else reference


def top_k(x: Array, k: Any) -> Array:
    """Keep the k largest magnitudes of each row, ties to the lowest index, zero elsewhere.

    Parameters
    ----------
    x : array, shape (run, worker, coordinate)
        Finite numbers; with infinities or NaN among them some message is returned.
    k : int or array of int, shape (run, 1, 1)
        How many.

    Returns
    -------
    array
        The message, of the shape of `x` (of the runs of `k` where those are more).

    Examples
    --------
    >>> top_k(np.array([[[3.0, -5.0, 1.0, 3.0]]]), 2)
    array([[[ 3., -5.,  0.,  0.]]])
    """
    return _body(x).top_k(x, k)


def top_k_with_memory(memory: Array, v: Array, scale: Any, k: Any) -> tuple[Array, Array, Array]:
    """With p = memory + scale·v, return Top-k(p), p − Top-k(p) and ‖p − Top-k(p)‖² in one pass.

    Parameters
    ----------
    memory, v : array, shape (run, worker, coordinate)
        Either may have a run or worker axis of 1.
    scale : float or array, shape (run, 1, 1)
        The factor of `v`.
    k : int or array of int, shape (run, 1, 1)
        How many.

    Returns
    -------
    message, rest, error : array
        The first two bit for bit those of the separate steps; the error has shape ``(run, worker)``.

    Examples
    --------
    >>> message, rest, error = top_k_with_memory(np.zeros((1, 1, 3)), np.array([[[1.0, 4.0, 2.0]]]), 0.5, 1)
    >>> message, rest, error
    (array([[[0., 2., 0.]]]), array([[[0.5, 0. , 1. ]]]), array([[1.25]]))
    """
    return _body(memory).top_k_with_memory(memory, v, scale, k)


def kept_with_memory(memory: Array, v: Array, scale: Any, kept: Array, factor: Any) -> tuple[Array, Array, Array]:
    """With p = memory + scale·v and C(p) = factor·p where kept, else 0, return C(p), p − C(p) and ‖p − C(p)‖².

    Parameters
    ----------
    memory, v : array, shape (run, worker, coordinate)
        Either may have a run or worker axis of 1.
    scale, factor : float or array, shape (run, 1, 1)
        The factor in the type of p.
    kept : array of bool, shape (run, worker, coordinate)
        What is sent; it may have a run or worker axis of 1.

    Returns
    -------
    message, rest, error : array
        All bit for bit those of the separate steps, in one pass; the error has shape ``(run, worker)``.

    Examples
    --------
    >>> memory, v, kept = np.array([[[0.0, 1.0]]]), np.array([[[4.0, 2.0]]]), np.array([[[True, False]]])
    >>> kept_with_memory(memory, v, 0.5, kept, 1.0)
    (array([[[2., 0.]]]), array([[[0., 2.]]]), array([[4.]]))
    """
    return _body(memory).kept_with_memory(memory, v, scale, kept, factor)


def subset(words: Array, d: int, k: Any) -> Array:
    """Mark a uniformly random subset of size k of each row.

    Parameters
    ----------
    words : array of uint32, shape (run, worker, 2·min(k, d − k) or more)
        Two random words for each choice.
    d : int
        Number of coordinates.
    k : int or array of int, shape (run, 1, 1)
        Size of the subset, from 0 to d.

    Returns
    -------
    array of bool, shape (run, worker, d)

    Notes
    -----
    Source: Bentley and Floyd, 'A sample of brilliance', Communications of the ACM 30 (1987): min(k, d − k) choices,
    each uniform to within d/2⁶⁴.

    Examples
    --------
    >>> subset(np.array([[[3_000_000_000, 0]]], dtype=np.uint32), d=4, k=1)
    array([[[False, False,  True, False]]])
    """
    return _body(words).subset(words, d, k)


def sum_sq(x: Array) -> Array:
    """Return Σ x_j² of each row, shape ``(run, worker)``, summed in an order that depends on the row's length only.

    Examples
    --------
    >>> sum_sq(np.array([[[3.0, 4.0]]]))
    array([[25.]])
    """
    return _body(x).sum_sq(x)


def mean_abs(x: Array) -> Array:
    """Return Σ |x_j|/d of each row, shape ``(run, worker)``, summed in an order that depends on the row's length only.

    Examples
    --------
    >>> mean_abs(np.array([[[3.0, -4.0]]]))
    array([[3.5]])
    """
    return _body(x).mean_abs(x)


def norm(x: Array, bucket: int | None = None) -> Array:
    """Return the 2-norms of consecutive buckets of each row, shape ``(run, worker, buckets)``; by default of the row.

    No square over- or underflows, and no norm is less than the largest magnitude.

    Examples
    --------
    >>> norm(np.array([[[3e200, -4e200, 2e-200]]])), norm(np.array([[[3.0, -4.0, 2.0]]]), bucket=2)
    (array([[[5.e+200]]]), array([[[5., 2.]]]))
    """
    length = x.shape[2] if bucket is None else bucket
    return (_rounding() if _body(x) is not reference else reference).norm(x, length)


def qsgd(x: Array, s: Any, draw: Any, bucket: int | None = None) -> Array:
    """Round each coordinate at random, without bias, to a multiple of ‖x‖/s, with the norm of its bucket or of the row.

    Parameters
    ----------
    x : array, shape (run, worker, coordinate)
        Finite numbers.
    s : int or array of int, shape (run, 1, 1)
        Number of levels above zero.
    draw : Draw
        Where the uniform numbers come from; anything with a method ``uniform(d)`` will do.
    bucket : int, optional
        Coordinates that share a norm.

    Returns
    -------
    array
        ‖x‖·sign(x_j)·n_j/s, where n_j is ⌊s|x_j|/‖x‖⌋ or, if the uniform number is less than the rest, one more.

    Examples
    --------
    >>> from toolkit.draws import Draw
    >>> qsgd(np.array([[[3.0, -4.0]]]), 5, Draw(seed=1))
    array([[[ 3., -4.]]])
    """
    length = x.shape[2] if bucket is None else bucket
    if _body(x) is reference or not hasattr(draw, "address"):
        return reference.qsgd(x, s, draw.uniform(x.shape[2]), norm(x, length), length)
    return _rounding().qsgd(x, s, draw, length)


def natural(x: Array, draw: Any) -> Array:
    """Round each magnitude at random, without bias, to one of the two nearest powers of two.

    Parameters
    ----------
    x : array, shape (run, worker, coordinate)
        Finite numbers.
    draw : Draw
        Where the uniform numbers come from; anything with a method ``uniform(d)`` will do.

    Notes
    -----
    A power of two is a sign and an exponent field. A magnitude below the smallest normal number is rounded to zero or
    to that number; one above the largest power of two becomes that power.

    Examples
    --------
    >>> from toolkit.draws import Draw
    >>> natural(np.array([[[-4.0, 0.0, 0.25]]]), Draw(seed=1))
    array([[[-4.  ,  0.  ,  0.25]]])
    """
    if _body(x) is reference or not hasattr(draw, "address"):
        return reference.natural(x, draw.uniform(x.shape[2]))
    return _rounding().natural(x, draw)


def sum_sq_difference(x: Array, y: Array) -> Array:
    """Return Σ (x_j − y_j)² of each row, the same number as ``sum_sq(x - y)``; either may have a worker axis of 1.

    Examples
    --------
    >>> sum_sq_difference(np.array([[[3.0, 4.0]]]), np.array([[[2.0, 2.0]]]))
    array([[5.]])
    """
    return _body(x).sum_sq_difference(x, y)


def dot(x: Array, y: Array) -> Array:
    """Return Σ x_j y_j of each row, in an order that depends on its length only; either may have an axis of 1.

    Examples
    --------
    >>> dot(np.array([[[3.0, 4.0]]]), np.array([[[1.0, 2.0]]]))
    array([[11.]])
    """
    return _body(x).dot(x, y)


def worker_mean(v: Array) -> Array:
    """Return the mean over workers, shape ``(run, 1, coordinate)``, added in the order of the workers.

    Examples
    --------
    >>> worker_mean(np.array([[[1.0, 2.0], [3.0, 6.0]]]))
    array([[[2., 4.]]])
    """
    return _body(v).worker_mean(v)


def multiply_add(a: Array, x: Array, b: Array, scale: float) -> Array:
    """Return a·x + scale·b in one pass: a diagonal linear map plus noise.

    Parameters
    ----------
    a : array, shape (worker, coordinate)
    x : array, shape (run, worker or 1, coordinate)
    b : array, shape (run, worker, coordinate)
    scale : float

    Examples
    --------
    >>> multiply_add(np.array([[2.0]]), np.array([[[3.0]]]), np.array([[[4.0]]]), 0.5)
    array([[[8.]]])
    """
    return _body(b).multiply_add(a, x, b, scale)


def matrix_product(x: Array, matrix: Array) -> Array:
    """Return the product of each row with a matrix, Σ_j x_j A_j·, added in the order of j whatever the batch.

    Parameters
    ----------
    x : array, shape (…, coordinate)
    matrix : array, shape (coordinate, m)

    Returns
    -------
    array, shape (…, m)

    Notes
    -----
    A library's product of the whole batch is as quick, but the last bits of a row depend on how many there are.

    Examples
    --------
    >>> matrix_product(np.array([1.0, 2.0]), np.array([[3.0, 4.0, 5.0], [0.5, 1.0, 1.5]]))
    array([4., 6., 8.])
    """
    return _body(x).matrix_product(x, matrix)


def words(seeds: Array, step: int, workers: int, purpose: int, index: int, d: int) -> Array:
    """Return random 32-bit words by address: Philox4x32-10, coordinate j being word j mod 4 of block ⌊j/4⌋.

    Parameters
    ----------
    seeds : array of uint32, shape (run,)
        The seed of each run, the first half of the key.
    step, index : int
        Two words of the counter, in [0, 2³²).
    workers : int
        Number of workers, each with its own numbers; 0 for numbers that the workers of a run share.
    purpose : int
        The second half of the key, in [0, 2³²).
    d : int
        Number of coordinates.

    Returns
    -------
    array of uint32, shape (run, workers or 1, d)

    Notes
    -----
    Source: Salmon, Moraes, Dror and Shaw, 'Parallel random numbers: as easy as 1, 2, 3' (SC 2011); checked against
    the vectors published with it.

    Examples
    --------
    >>> words(np.zeros(1, np.uint32), step=0, workers=1, purpose=0, index=0, d=2)
    array([[[1713891541, 3781805453]]], dtype=uint32)
    """
    return _body(seeds).words(seeds, step, workers, purpose, index, d)


def uniform(seeds: Array, step: int, workers: int, purpose: int, index: int, d: int) -> Array:
    """Return uniform numbers (word + 1/2)/2³² in (0, 1), float64; parameters as of `words`."""
    return _body(seeds).uniform(seeds, step, workers, purpose, index, d)


def normal(seeds: Array, step: int, workers: int, purpose: int, index: int, d: int) -> Array:
    """Return standard normal numbers, float64, by the Box–Muller formula; parameters as of `words`.

    The two pairs of words of a block give a radius and an angle each. The formula is met to within 10⁻¹²; the numbers
    end at √(66 ln 2) ≈ 6.76, where 32-bit words end.
    """
    return _body(seeds).normal(seeds, step, workers, purpose, index, d)


def signs(seeds: Array, step: int, workers: int, purpose: int, index: int, d: int) -> Array:
    """Return fair signs, float64: −1 where the top bit of the word is set, else +1; parameters as of `words`."""
    return _body(seeds).signs(seeds, step, workers, purpose, index, d)


def warm_up(progress: Callable[[int, int], None] | None = None) -> None:
    """Compile, or load, all kernels for float64 numbers.

    Parameters
    ----------
    progress : callable, optional
        Called with the number of kernels done and of all.
    """
    x, seeds = np.ones((1, 1, 4)), np.zeros(1, np.uint32)
    address = (seeds, 0, 1, 0, 0, 4)
    calls: list[Callable[[], Any]] = [
        lambda: words(*address),
        lambda: uniform(*address),  # normal numbers and signs are laws of the same kernel
        lambda: subset(words(*address), 4, 2),
        lambda: top_k(x, 2),
        lambda: top_k_with_memory(x, x, 0.5, 2),
        lambda: kept_with_memory(x, x, 0.5, x > 0, 1.0),
        lambda: sum_sq(x),
        lambda: sum_sq_difference(x, x),
        lambda: dot(x, x),
        lambda: worker_mean(x),
        lambda: multiply_add(x[0], x, x, 0.5),
        lambda: matrix_product(x, np.eye(4)),
    ]
    for done, call in enumerate(calls):
        if progress is not None:
            progress(done, len(calls))
        call()
    if progress is not None:
        progress(len(calls), len(calls))
