"""A random subset of k out of d coordinates, compiled: Floyd's algorithm, k random numbers for k choices.

Choice i takes the coordinate t, uniform in 0, …, j with j = d − k + i, or j itself if t was taken before; every subset
is equally probable. Source: Bentley and Floyd, 'A sample of brilliance', Communications of the ACM 30 (1987). For
k > d/2 the d − k coordinates that are left out are chosen instead. No step waits for a branch: j is never in the set
before its step, so it may be written as taken or not, and t is taken afterwards in any case.
"""

from __future__ import annotations

import numpy as np

from toolkit.kernels.compiled import kernel
from toolkit.kernels.machine import lowest

__all__ = ["mask", "positions"]

U = np.uint64
HALF = U(32)
SIX, LAST, ONE = U(6), U(63), U(1)


@kernel
def below(words, i, end):
    """Return ⌊end·u⌋ for the i-th number u of [0, 1), which has 64 bits, those of the words 2i and 2i + 1."""
    return (U(words[2 * i]) * end + (U(words[2 * i + 1]) * end >> HALF)) >> HALF


@kernel
def mask(words, k, out):
    """Mark a random subset of size k: one byte per coordinate, the quickest for rows that fit in a cache."""
    d = out.size
    few = min(k, d - k)
    out[:] = False
    for i in range(few):
        j = U(d - few + i)
        t = below(words, i, j + ONE)
        out[j] = out[t]
        out[t] = True
    if few < k:
        for i in range(d):
            out[i] = not out[i]


@kernel
def positions(words, d, k, bits, out):
    """Write the positions of the same subset in order, by one bit per coordinate, for long rows.

    `out` has room for two more.
    """
    few = min(k, d - k)
    for i in range(bits.size):
        bits[i] = 0
    for i in range(few):
        j = U(d - few + i)
        t = below(words, i, j + ONE)
        taken = (bits[t >> SIX] >> (t & LAST)) & ONE
        bits[j >> SIX] |= taken << (j & LAST)
        bits[t >> SIX] |= ONE << (t & LAST)
    flip = U(0) if few == k else ~U(0)
    n = np.int64(0)
    for i in range(bits.size):
        left = bits[i] ^ flip
        for _ in range(2):  # without asking whether there is one, which could not be predicted
            out[n] = 64 * i + lowest(left)
            n += np.int64(left != U(0))
            left &= left - ONE
        while left and n < k:
            out[n] = 64 * i + lowest(left)
            left &= left - ONE
            n += 1
        if n >= k:  # a complement has bits set behind the last coordinate
            return
