"""Top-k with error feedback where it lies, compiled: one pass over the row, exact, ties to the lowest index.

A small sample gives a threshold that a few more than k magnitudes reach. The pass that adds scale·v lists them, and the
k largest are found among them. Counting them verifies that none is missing; if one may be, or if equal magnitudes are
too many to list, the k-th largest is found by counting the digits of all bit patterns. Kernels work on parts of a row
as those in `in_place` do.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from toolkit.arrays import Array
from toolkit.kernels.compiled import kernel
from toolkit.kernels.in_place import add_scaled, sum_blocks
from toolkit.kernels.parallel import in_parts
from toolkit.kernels.rounding import CHUNK
from toolkit.kernels.selection import padded, threshold
from toolkit.kernels.subsets import lowest
from toolkit.kernels.sums import BLOCK, block_sq

__all__ = ["top_k"]

SAMPLED = 2**14  # in shorter rows every coordinate is a candidate
LINE = 16  # neighbours that are sampled together, because they are loaded together


@kernel
def sampled_threshold(memory, v, scale, k, size):
    """Return a threshold that rarely fewer than k, and not many more, of the magnitudes of p reach; and its rank.

    The places of the sample are spread evenly and shifted by a multiplicative hash, against regular patterns.
    """
    d = memory.size
    stride, n = d // (size // LINE), 0
    sample, hashed = padded(size), np.uint64(1)
    for line in range(size // LINE):
        hashed *= np.uint64(6364136223846793005)
        at = line * stride + np.int64((hashed >> np.uint64(33)) % np.uint64(stride - LINE + 1))
        for i in range(at, at + LINE):
            sample[n] = abs(memory[i] + scale * v[i])
            n += 1
    expected = n * (k / d)
    rank = int(expected + 5.0 * np.sqrt(expected) + 5.0)  # five standard deviations
    return (threshold(sample, n, rank, 0.0), rank) if rank < n else (0.0, n)


@kernel
def mark_large(x, t, mark):
    for i in range(x.size):
        mark[i] = abs(x[i]) >= t


@kernel
def small(x, t, out):
    for i in range(x.size):
        out[i] = x[i] if abs(x[i]) < t else x[i] * 0


@kernel
def collect(memory, v, scale, t, at, magnitude, sums, start, stop):
    """Add scale·v, list positions and magnitudes that reach t, sum the squares of the others; return how many, or −1.

    −1 says that there are more than there is room for; memory and sums are complete in any case.
    """
    mark = np.zeros(CHUNK, np.uint8)
    eights = mark.view(np.uint64)
    rest = np.empty(CHUNK, memory.dtype)
    n, room = 0, at.size - CHUNK
    for first in range(start, stop, CHUNK):
        end = min(first + CHUNK, stop)
        p = memory[first:end]
        add_scaled(p, v[first:end], scale)
        mark_large(p, t, mark[: end - first])
        small(p, t, rest[: end - first])
        for block in range(first, end, BLOCK):
            sums[block // BLOCK] = block_sq(rest[block - first : min(block + BLOCK, end) - first])
        if n > room:
            continue
        for eight in range((end - first + 7) // 8):
            marks = eights[eight]
            while marks:  # one byte for each coordinate
                i = 8 * eight + (lowest(marks) >> 3)
                marks &= marks - np.uint64(1)
                if i < end - first:
                    at[n], magnitude[n] = first + i, abs(p[i])
                    n += 1
    return n if n <= room else -1


@kernel
def kth_largest(magnitude, k):
    """Return a number that the k largest reach, and more only if they equal it."""
    room = padded(magnitude.size)
    room[: magnitude.size] = magnitude
    return threshold(room, magnitude.size, k, 0.0)


@kernel
def count_candidates(magnitude, t):
    """Return how many magnitudes are larger than t, and how many equal it."""
    larger, equal = 0, 0
    for i in range(magnitude.size):
        larger += magnitude[i] > t
        equal += magnitude[i] == t
    return larger, equal


@kernel
def settle(memory, at, magnitude, t, ties, positions, values, sums):
    """Move the candidates above t, and the first `ties` that equal it, from the memory into the message.

    Blocks from which a candidate is not taken are summed once more.
    """
    n, stale = 0, -1
    for c in range(at.size):
        i = at[c]
        if stale >= 0 and i // BLOCK != stale:
            sums[stale] = block_sq(memory[stale * BLOCK : min((stale + 1) * BLOCK, memory.size)])
            stale = -1
        if magnitude[c] > t or (magnitude[c] == t and ties > 0):
            ties -= magnitude[c] == t
            positions[n], values[n] = i, memory[i]
            memory[i] = 0
            n += 1
        else:
            stale = i // BLOCK
    if stale >= 0:
        sums[stale] = block_sq(memory[stale * BLOCK : min((stale + 1) * BLOCK, memory.size)])


# When the sample misled or equal magnitudes abound: the k-th largest bit pattern, digit by digit.


@kernel
def histogram(pattern, shift, prefix, counts, start, stop):
    """Count the 16-bit digits at `shift` of the magnitudes whose higher digits are `prefix`."""
    unsigned = ~(np.uint64(1) << np.uint64(8 * pattern.itemsize - 1))
    for i in range(start, stop):
        digits = (np.uint64(pattern[i]) & unsigned) >> np.uint64(shift)
        if digits >> np.uint64(16) == prefix:
            counts[digits & np.uint64(0xFFFF)] += 1


@kernel
def count_patterns(pattern, t, start, stop):
    """Return how many magnitudes have a larger pattern than t, and how many the same."""
    unsigned = ~(np.uint64(1) << np.uint64(8 * pattern.itemsize - 1))
    larger, equal = 0, 0
    for i in range(start, stop):
        magnitude = np.uint64(pattern[i]) & unsigned
        larger += magnitude > t
        equal += magnitude == t
    return larger, equal


@kernel
def move_patterns(memory, pattern, t, ties, positions, values, sums, start, stop):
    """Move what is larger than t, and the first `ties` that equal it, from the memory into the message."""
    unsigned = ~(np.uint64(1) << np.uint64(8 * pattern.itemsize - 1))
    n = 0
    for i in range(start, stop):
        magnitude = np.uint64(pattern[i]) & unsigned
        if magnitude > t or (magnitude == t and ties > 0):
            ties -= magnitude == t
            positions[n], values[n] = i, memory[i]
            memory[i] = 0
            n += 1
    sum_blocks(memory, sums, start, stop)


Share = tuple[int, int, int]  # where a part's numbers begin and end in the message, and how many of its ties are taken


def top_k(
    memory: Array, v: Array, scale: Any, k: int, threads: int, positions: Array, values: Array, sums: Array
) -> None:
    """Do one row."""
    t, room = memory.dtype.type(0), memory.size
    if memory.size > SAMPLED:
        size = min(max(memory.size // 128, 4096), 2**18) // LINE * LINE
        sampled, rank = sampled_threshold(memory, v, scale, k, size)
        t, room = memory.dtype.type(sampled), min(memory.size, int(1.5 * rank * memory.size / size) + 4 * CHUNK)

    def listed(start: int, stop: int) -> tuple[Array, Array] | None:
        own_room = min(room, stop - start) + CHUNK
        at, magnitude = np.empty(own_room, np.int64), np.empty(own_room)
        n = collect(memory, v, scale, t, at, magnitude, sums, start, stop)
        return (at[:n], magnitude[:n]) if n >= 0 else None

    lists = in_parts(listed, memory.size, threads, CHUNK)
    candidates = [part for part in lists if part is not None]
    if len(candidates) == len(lists) and sum(len(magnitude) for _, magnitude in candidates) >= k:
        kth = kth_largest(np.concatenate([magnitude for _, magnitude in candidates]), k)
        shares = _shares([count_candidates(magnitude, kth) for _, magnitude in candidates], k)
        if shares is not None:
            move = partial(_move_candidates, memory, kth, positions, values, sums)
            in_parts(move, memory.size, threads, CHUNK, candidates, shares)
            return
    _top_k_by_digits(memory, k, threads, positions, values, sums)


def _move_candidates(
    memory: Array, kth: float, positions: Array, values: Array, sums: Array, candidates: Any, share: Share, *_: int
) -> None:
    (at, magnitude), (first, last, ties) = candidates, share
    settle(memory, at, magnitude, kth, ties, positions[first:last], values[first:last], sums)


def _top_k_by_digits(memory: Array, k: int, threads: int, positions: Array, values: Array, sums: Array) -> None:
    """Move the k largest magnitudes out of the memory, to which scale·v has been added."""
    pattern = memory.view(f"u{memory.itemsize}")
    kth, above = 0, 0  # the digits that are known, and how many magnitudes have larger ones
    for shift in range(8 * memory.itemsize - 16, -1, -16):
        counts = sum(in_parts(partial(_digits, pattern, shift, kth), memory.size, threads, CHUNK))
        at_least = above + np.cumsum(counts[::-1])[::-1]
        digit = int(np.flatnonzero(at_least >= k)[-1])
        kth, above = kth << 16 | digit, int(at_least[digit] - counts[digit])
    counted = in_parts(partial(count_patterns, pattern, np.uint64(kth)), memory.size, threads, CHUNK)
    move = partial(_move_patterns, memory, pattern, np.uint64(kth), positions, values, sums)
    in_parts(move, memory.size, threads, CHUNK, _shares(counted, k) or ())


def _move_patterns(
    memory: Array, pattern: Array, t: Any, positions: Array, values: Array, sums: Array, share: Share, *part: int
) -> None:
    first, last, ties = share
    move_patterns(memory, pattern, t, ties, positions[first:last], values[first:last], sums, *part)


def _digits(pattern: Array, shift: int, known: int, start: int, stop: int) -> Array:
    counts = np.zeros(2**16, np.int64)
    histogram(pattern, shift, np.uint64(known), counts, start, stop)
    return counts


def _shares(counts: list[tuple[int, int]], k: int) -> list[Share] | None:
    """Return the share of each part of so many larger and equal magnitudes; None if others are among the k largest."""
    left = k - sum(larger for larger, _ in counts)
    if not 0 <= left <= sum(equal for _, equal in counts):
        return None
    shares, first = [], 0
    for larger, equal in counts:
        ties = min(equal, left)
        shares.append((first, first + larger + ties, ties))
        first, left = first + larger + ties, left - ties
    return shares
