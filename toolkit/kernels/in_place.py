"""Error feedback where it lies, compiled: p = memory + scale·v, a message of p, and p minus the message in the memory.

Every kernel works on the coordinates start, …, stop − 1 of one row, chunk by chunk, with `start` a multiple of `CHUNK`
unless it says otherwise, and writes the squares that are left into `sums`, one number per block of the whole row. Loops
go over slices, and over views of one buffer as one type only, or they would not vectorise.
"""

from __future__ import annotations

import numpy as np

from toolkit.kernels.compiled import kernel
from toolkit.kernels.machine import LANES, ask_for, ask_for_both, negative
from toolkit.kernels.philox import row_words
from toolkit.kernels.rounding import CHUNK, levels_in_place, powers_in_place, row_norm, scratch
from toolkit.kernels.sums import BLOCK, block_abs, block_sq

__all__ = [
    "add_scaled",
    "advance",
    "round_buckets",
    "round_levels",
    "round_powers",
    "sign_residual",
    "signs_and_sums",
    "subset_residual",
    "sum_blocks",
]


@kernel
def add_scaled(memory, v, scale):
    for i in range(memory.size):
        memory[i] += scale * v[i]


@kernel
def sum_blocks(memory, sums, start, stop):
    """Write Σ x_j² of the blocks from `start`, a multiple of their length, to `stop`."""
    for at in range(start, stop, BLOCK):
        sums[at // BLOCK] = block_sq(memory[at : min(at + BLOCK, stop)])


@kernel
def advance(memory, v, scale, sums, start, stop):
    """Add scale·v."""
    for at in range(start, stop, CHUNK):
        end = min(at + CHUNK, stop)
        add_scaled(memory[at:end], v[at:end], scale)
        ask_for_both(memory, v, end, end + CHUNK // 2)
        sum_blocks(memory, sums, at, end)


# Rand-k.


@kernel
def subset_residual(memory, v, scale, positions, factor, values, sums, start, stop):
    """Add scale·v and move `factor` times the numbers at `positions` into the message."""
    n = np.searchsorted(positions, start)
    for at in range(start, stop, CHUNK):
        end = min(at + CHUNK, stop)
        add_scaled(memory[at:end], v[at:end], scale)
        ask_for_both(memory, v, end, end + CHUNK // 2)
        while n < positions.size and positions[n] < end:
            i = positions[n]
            values[n] = memory[i] * factor
            memory[i] -= values[n]
            n += 1
        sum_blocks(memory, sums, at, end)


# Scaled sign.


@kernel
def subtract_sign(x, scale):
    for i in range(x.size):
        x[i] = x[i] + scale if x[i] < 0 else x[i] - scale


@kernel
def signs_and_sums(memory, v, scale, bits, sums, start, stop):
    """Add scale·v, write one bit per coordinate, set if it is negative, and Σ|p_j| of each block."""
    words = np.empty(CHUNK // LANES, np.uint64)
    bytes_ = words.view(np.uint8)
    for at in range(start, stop, CHUNK):
        end = min(at + CHUNK, stop)
        p = memory[at:end]
        add_scaled(p, v[at:end], scale)
        ask_for_both(memory, v, end, end + CHUNK // 4)
        for lane in range(0, end - at, LANES):
            words[lane // LANES] = negative(p, lane)
        ask_for_both(memory, v, end + CHUNK // 4, end + CHUNK // 2)
        ask_for_both(memory, v, end + CHUNK // 2, end + CHUNK)
        own = bits[at // 8 : (end + 7) // 8]
        for i in range(own.size):
            own[i] = bytes_[i]
        for block in range(at, end, BLOCK):
            sums[block // BLOCK] = block_abs(memory[block : min(block + BLOCK, end)])


@kernel
def sign_residual(memory, scale, sums, start, stop):
    """Subtract the scale with the sign of each coordinate."""
    half = CHUNK // 2
    for at in range(start, stop, half):
        end = min(at + half, stop)
        ask_for(memory, at + CHUNK, at + CHUNK + half // 2)
        subtract_sign(memory[at:end], scale)
        ask_for(memory, at + CHUNK + half // 2, at + CHUNK + half)
        sum_blocks(memory, sums, at, end)


# Random rounding.


@kernel
def round_levels(memory, norm, s, address, out, sums, start, stop):
    """Round p, which is in the memory, to levels of its norm."""
    lanes, word = scratch()
    for at in range(start, stop, CHUNK):
        end = min(at + CHUNK, stop)
        ask_for(memory, end, end + CHUNK // 2)
        row_words(address, at, end - at, lanes, word)
        ask_for(memory, end + CHUNK // 2, end + CHUNK)
        levels_in_place(memory[at:end], word, norm, s, out[at:end])
        sum_blocks(memory, sums, at, end)


@kernel
def round_buckets(memory, v, scale, s, bucket, address, out, norms, sums, start, stop):
    """Add scale·v and round to levels of the norms of buckets; `start` is a multiple of both bucket and block."""
    lanes, word = scratch()
    summed = start
    for first in range(start, stop, bucket):
        last = min(first + bucket, stop)
        p = memory[first:last]
        add_scaled(p, v[first:last], scale)
        ask_for_both(memory, v, last, last + min(bucket, CHUNK))
        norm = type(scale)(row_norm(p))
        norms[first // bucket] = norm
        for at in range(first, last, CHUNK):
            end, early = min(at + CHUNK, last), at % 4
            row_words(address, at - early, end - at + early, lanes, word)
            levels_in_place(memory[at:end], word[early:], norm, s, out[at:end])
        whole = last if last == stop else last // BLOCK * BLOCK
        sum_blocks(memory, sums, summed, whole)
        summed = whole


@kernel
def round_powers(memory, v, scale, address, out, sums, start, stop):
    """Add scale·v and round to powers of two."""
    lanes, word = scratch()
    for at in range(start, stop, CHUNK):
        end = min(at + CHUNK, stop)
        ask_for_both(memory, v, end, end + CHUNK // 4)
        row_words(address, at, end - at, lanes, word)
        ask_for_both(memory, v, end + CHUNK // 4, end + CHUNK // 2)
        add_scaled(memory[at:end], v[at:end], scale)
        ask_for_both(memory, v, end + CHUNK // 2, end + 3 * CHUNK // 4)
        powers_in_place(memory[at:end], word, out[at:end])
        ask_for_both(memory, v, end + 3 * CHUNK // 4, end + CHUNK)
        sum_blocks(memory, sums, at, end)
