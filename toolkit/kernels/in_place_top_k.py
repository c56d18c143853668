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
from toolkit.kernels.machine import LANES, ask_for, ask_for_both, lowest, reaching
from toolkit.kernels.parallel import in_parts, parts, room
from toolkit.kernels.rounding import CHUNK
from toolkit.kernels.selection import padded, threshold
from toolkit.kernels.sums import BLOCK

__all__ = ["top_k"]

SAMPLED = 2**14  # in shorter rows every coordinate is a candidate
LINE = 16  # neighbours that are sampled together, because they are loaded together
AHEAD = 16  # candidates whose blocks are asked for


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
    rank = int(expected + 3.5 * np.sqrt(expected) + 4.0)  # 3.5 standard deviations: one row in thousands has too few
    return (threshold(sample, n, rank, 0.0), rank) if rank < n else (0.0, n)


@kernel
def small(x, t, out):
    for i in range(x.size):
        out[i] = x[i] if abs(x[i]) < t else x[i] * 0


@kernel
def collect(memory, v, scale, t, at, magnitude, sums, start, stop):
    """Add scale·v, list positions and magnitudes that reach t, and sum the squares of the others.

    Returned is how many are listed, or −1 if there is no room for them.
    """
    rest = np.empty(CHUNK, memory.dtype)
    n, room = 0, at.size - CHUNK
    for first in range(start, stop, CHUNK):
        end = min(first + CHUNK, stop)
        p = memory[first:end]
        add_scaled(p, v[first:end], scale)
        ask_for_both(memory, v, end, end + CHUNK // 4)
        small(p, t, rest[: end - first])
        ask_for_both(memory, v, end + CHUNK // 4, end + CHUNK // 2)
        sum_blocks(rest[: end - first], sums[first // BLOCK :], 0, end - first)
        ask_for_both(memory, v, end + CHUNK // 2, end + CHUNK)
        for lane in range(0, end - first, LANES):
            marks = reaching(p, lane, t)
            if marks != 0 and n <= room:
                n = listed(p, first, lane, marks, at, magnitude, n)
    return n if n <= room else -1


@kernel(forceinline=True)
def listed(p, first, lane, marks, at, magnitude, n):
    """Append the marked numbers to the list; return its length."""
    for _ in range(2):  # without asking whether there is another one, which could not be predicted
        i = lane + (lowest(marks) & (LANES - 1))
        at[n], magnitude[n] = first + i, abs(p[min(i, p.size - 1)])
        n += np.int64(marks != 0)
        marks &= marks - np.uint64(1)
    while marks != 0:
        i = lane + lowest(marks)
        at[n], magnitude[n] = first + i, abs(p[i])
        n += 1
        marks &= marks - np.uint64(1)
    return n


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
        later = min(c + AHEAD, at.size - 1)
        if magnitude[later] > t:
            ask_for(memory, at[later], at[later] + 1)
        else:
            ask_for(memory, at[later] // BLOCK * BLOCK, at[later] // BLOCK * BLOCK + BLOCK)
        i = at[c]
        if stale >= 0 and i // BLOCK != stale:
            sum_blocks(memory, sums, stale * BLOCK, min((stale + 1) * BLOCK, memory.size))
            stale = -1
        if magnitude[c] > t or (magnitude[c] == t and ties > 0):
            ties -= magnitude[c] == t
            positions[n], values[n] = i, memory[i]
            memory[i] = 0
            n += 1
        else:
            stale = i // BLOCK
    if stale >= 0:
        sum_blocks(memory, sums, stale * BLOCK, min((stale + 1) * BLOCK, memory.size))


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
    d, t, most = memory.size, memory.dtype.type(0), memory.size
    if d > SAMPLED:
        size = min(max(d // 32, 1024), 2**15) // LINE * LINE
        sampled, rank = sampled_threshold(memory, v, scale, k, size)
        t, most = memory.dtype.type(sampled), min(d, int(1.5 * rank * d / size) + 4 * CHUNK)
    rooms = []
    for part, (start, stop) in enumerate(parts(d, threads, CHUNK)):
        size = min(most, stop - start) + CHUNK
        rooms.append((room(f"at {part}", size, np.int64), room(f"magnitude {part}", size, np.float64)))
    lists = in_parts(partial(_list_candidates, memory, v, scale, t, sums), d, threads, CHUNK, rooms)
    candidates = [part for part in lists if part is not None]
    found = sum(len(magnitude) for _, magnitude in candidates)
    if len(candidates) == len(lists) and found >= k:
        kth = threshold(np.concatenate([magnitude for _, magnitude in candidates]), found, k, float(t))
        shares = _shares([count_candidates(magnitude, kth) for _, magnitude in candidates], k)
        if shares is not None:
            move = partial(_move_candidates, memory, kth, positions, values, sums)
            in_parts(move, d, threads, CHUNK, candidates, shares)
            return
    _top_k_by_digits(memory, k, threads, positions, values, sums)


Candidates = tuple[Array, Array]  # positions and magnitudes


def _list_candidates(
    memory: Array, v: Array, scale: Any, t: Any, sums: Array, rooms: Candidates, start: int, stop: int
) -> Candidates | None:
    at, magnitude = rooms
    n = collect(memory, v, scale, t, at, magnitude, sums, start, stop)
    return (at[:n], magnitude[:n]) if n >= 0 else None


def _move_candidates(
    memory: Array,
    kth: float,
    positions: Array,
    values: Array,
    sums: Array,
    candidates: Candidates,
    share: Share,
    *_: int,
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
