"""Random rounding, compiled: to the levels of QSGD and to the powers of two of natural compression.

A message is a small integer for each coordinate. Both laws compare one 32-bit word with what lies above the lower of
two values, and every number is bit for bit that of the plain body.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import types
from numba.extending import overload

from toolkit.arrays import Array
from toolkit.kernels.compiled import kernel
from toolkit.kernels.philox import row_words, uniform
from toolkit.kernels.sums import BLOCK, block_sq, row_sq

__all__ = [
    "CHUNK",
    "drawn",
    "level_values",
    "levels",
    "levels_in_place",
    "natural",
    "norm",
    "norm_of",
    "power_values",
    "powers",
    "powers_in_place",
    "qsgd",
    "row_norm",
    "scratch",
]

CHUNK = 1024  # coordinates that are worked on at a time, so that they and their words stay in the first-level cache
SHARED = np.uint64(0xFFFFFFFF)  # the worker in the address of numbers that the workers of a run share
U, U32 = np.uint64, np.uint32


@kernel
def drawn(address, run, worker):
    """Return the address (step, worker, index, seed, purpose) of a row, from that of its draw."""
    seeds, step, workers, purpose, index = address
    own = U(worker if workers > 1 else 0) if workers > 0 else SHARED
    return U(step), own, U(index), U(seeds[run if seeds.size > 1 else 0]), U(purpose)


@kernel
def scratch():
    """Return room for the words of a chunk, which may begin three coordinates early, and for their lanes."""
    return np.empty((4, CHUNK // 4 + 1), np.uint32), np.empty(CHUNK + 4, np.uint32)


# The 2-norm.


@kernel
def row_norm(x):
    """Return ‖x‖ of a row, in double precision."""
    return norm_of(row_sq(x), x)


@kernel
def norm_of(total, x):
    """Return ‖x‖ of a row for which Σ x_j² came out as `total`, whether or not squares have over- or underflowed."""
    # Below, squares that underflow might be missed; 2⁴⁰ of them are still 2⁻⁷⁴ of this bound.
    if 2.0**-960 <= total < np.inf:
        return np.sqrt(total)
    peak = 0.0
    for i in range(x.size):
        peak = max(peak, np.float64(abs(x[i])))
    if peak == 0.0 or not peak < np.inf:
        return peak
    shift = 1.0
    while peak * shift < 0.5 and shift < 2.0**1023:
        shift *= 2.0
    while peak * shift >= 1.0:
        shift *= 0.5
    scaled, total = np.empty(BLOCK), 0.0
    for start in range(0, x.size, BLOCK):
        n = min(BLOCK, x.size - start)
        for i in range(n):
            scaled[i] = x[start + i] * shift  # by a power of two: the same digits
        total += block_sq(scaled[:n])
    return np.sqrt(total) / shift


# QSGD: multiples of ‖x‖/s. Single precision numbers are rounded in double precision, where nothing can over- or
# underflow, so that no division is left in a loop.


def exact_level(p, norm, s):
    """Return s|p|/‖x‖."""


def level_value(n, norm, s):
    """Return n‖x‖/s for n ≥ 0, exactly ‖x‖ if n = s."""


@overload(exact_level)
def _exact_level(p, norm, s):
    if p == types.float32:
        return lambda p, norm, s: np.float64(abs(p)) * (np.float64(s) / np.float64(norm))
    return lambda p, norm, s: s * (abs(p) / norm)


@overload(level_value)
def _level_value(n, norm, s):
    if norm == types.float32:
        return lambda n, norm, s: np.float32(n * (np.float64(norm) / np.float64(s)))
    return lambda n, norm, s: norm * (n / s)


@kernel
def level(p, word, norm, s):
    """Return the level of one coordinate, without its sign.

    ⌈y − u⌉ is the level below y = s|p|/‖x‖, or the one above if u is less than the rest; where the difference is
    positive it is exact. |p| = ‖x‖ may come out a rounding above s.
    """
    return min(np.ceil(exact_level(p, norm, s) - uniform(word)), np.float64(s))


@kernel
def levels(x, word, norm, s, out):
    """Write the message."""
    divisor = norm if norm > 0 else type(norm)(1)
    for i in range(x.size):
        value = level_value(level(x[i], word[i], divisor, s), norm, s)
        out[i] = (-value if x[i] < 0 else value) + type(norm)(0)  # which takes the sign off zeros


@kernel
def levels_in_place(memory, word, norm, s, out):
    """Write the levels and leave in the memory what they miss."""
    divisor = norm if norm > 0 else type(norm)(1)
    for i in range(memory.size):
        p = memory[i]
        n = level(p, word[i], divisor, s)
        value = level_value(n, norm, s)
        out[i] = np.int32(-n if p < 0 else n)
        memory[i] = p + value if p < 0 else p - value


@kernel
def level_values(n, norm, s, out):
    """Write the message that levels stand for."""
    for i in range(out.size):
        value = level_value(np.float64(abs(n[i])), norm, s)
        out[i] = -value if n[i] < 0 else value


# Natural compression: a power of two is the bit pattern of a number without its mantissa.


def pattern(x):
    """Return the bits of a number."""


def number(bits):
    """Return the number with these bits."""


def law(bits):
    """Return what rounding has to know of a type of numbers, as constants of the type of its bit patterns.

    The mantissa's m bits, the exponent's, the largest power of two, m, and three constants that make of a word w the
    threshold ⌊(2w + 1)·2^(m − 33)⌋: a shift to the left, a bit that is set, and a shift to the right.
    """


@overload(pattern)
def _pattern(x):
    single = x == types.float32
    return (lambda x: np.float32(x).view(np.uint32)) if single else (lambda x: np.float64(x).view(np.uint64))


@overload(number)
def _number(bits):
    single = bits == types.uint32
    return (
        (lambda bits: np.uint32(bits).view(np.float32)) if single else (lambda bits: np.uint64(bits).view(np.float64))
    )


@overload(law)
def _law(bits):
    single = bits == types.uint32
    T, m, field = (np.uint32, 23, 0xFF << 23) if single else (np.uint64, 52, 0x7FF << 52)
    threshold = (0, 0, 9) if single else (20, 1 << 19, 0)
    constants = tuple(map(T, ((1 << m) - 1, field, field - (1 << m), m, *threshold)))
    return lambda bits: constants


@kernel
def power(bits, word):
    """Return the pattern of a power of two, with its sign, next to a number.

    Its mantissa M is rounded up with probability M/2^m, that is, if (w + 1/2)/2³² is less, or, in integers, if M is
    above the threshold: then adding 2^m − 1 − threshold carries into the exponent. The power after the largest is
    infinite.
    """
    mantissa, field, largest, _, left, half, right = law(bits)
    T = type(bits)
    threshold = T(T(T(T(word) << left) | half) >> right)
    magnitude = T(bits & T(field | mantissa))
    rounded = T(T(magnitude + T(mantissa - threshold)) & field)
    return T((largest if rounded > largest else rounded) | T(bits ^ magnitude))


@kernel
def powers(x, word, out):
    """Write the message."""
    for i in range(x.size):
        out[i] = number(power(pattern(x[i]), word[i]))


@kernel
def powers_in_place(memory, word, out):
    """Write sign and exponent of the message, and leave in the memory what it misses."""
    for i in range(memory.size):
        sent = power(pattern(memory[i]), word[i])
        out[i] = sent >> law(sent)[3]
        memory[i] -= number(sent)


@kernel
def power_values(code, out):
    """Write the message that signs and exponents stand for."""
    for i in range(out.size):
        bits = pattern(out[i])
        T = type(bits)
        out[i] = number(T(T(code[i]) << law(bits)[3]))


# Whole batches, out of place.


@kernel
def _norm(x, bucket, out):
    for run in range(x.shape[0]):
        for worker in range(x.shape[1]):
            for first in range(0, x.shape[2], bucket):
                out[run, worker, first // bucket] = row_norm(x[run, worker, first : first + bucket])


def norm(x: Array, bucket: int) -> Array:
    out = np.empty((*x.shape[:2], -(-x.shape[2] // bucket)), x.dtype)
    _norm(np.ascontiguousarray(x), bucket, out)
    return out


@kernel
def _qsgd(x, s, address, bucket, norms, out):
    lanes, word = scratch()
    for run in range(out.shape[0]):
        own_x, own_norms = x[run if x.shape[0] > 1 else 0], norms[run if x.shape[0] > 1 else 0]
        for worker in range(out.shape[1]):
            own = worker if x.shape[1] > 1 else 0
            row, result, words = own_x[own], out[run, worker], drawn(address, run, worker)
            for at in range(0, row.size, CHUNK):
                end = min(at + CHUNK, row.size)
                row_words(words, at, end - at, lanes, word)
                first = at
                while first < end:
                    last = min((first // bucket + 1) * bucket, end)
                    length, own_s = own_norms[own, first // bucket], s[run if s.size > 1 else 0]
                    levels(row[first:last], word[first - at :], length, own_s, result[first:last])
                    first = last


def qsgd(x: Array, s: Any, draw: Any, bucket: int) -> Array:
    s = np.array(s, x.dtype).reshape(-1)
    out = np.empty(np.broadcast_shapes(x.shape, (*draw.shape, 1), (s.size, 1, 1)), x.dtype)
    x = np.ascontiguousarray(x)
    _qsgd(x, s, draw.address, bucket, norm(x, bucket), out)
    return out


@kernel
def _natural(x, address, out):
    lanes, word = scratch()
    for run in range(out.shape[0]):
        own_x = x[run if x.shape[0] > 1 else 0]
        for worker in range(out.shape[1]):
            row, words = own_x[worker if x.shape[1] > 1 else 0], drawn(address, run, worker)
            for at in range(0, row.size, CHUNK):
                end = min(at + CHUNK, row.size)
                row_words(words, at, end - at, lanes, word)
                powers(row[at:end], word, out[run, worker, at:end])


def natural(x: Array, draw: Any) -> Array:
    out = np.empty(np.broadcast_shapes(x.shape, (*draw.shape, 1)), x.dtype)
    _natural(np.ascontiguousarray(x), draw.address, out)
    return out
