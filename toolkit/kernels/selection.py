"""The k-th largest magnitude of a row, compiled, and what is kept because of it.

Counting how many magnitudes reach a threshold is the one step that vectorises well, so the threshold is found by
counting: interpolation on the logarithm of the count brackets it, usually hits it within five counts, and a bisection
of the bit patterns bounds the search whatever the numbers are. Any threshold with the right count keeps the same
coordinates, so the guess it starts from, taken from the row before, changes the time only.
"""

from __future__ import annotations

import numpy as np

from toolkit.kernels.compiled import kernel

__all__ = ["padded", "select_top", "threshold"]

LANES = 16  # a row of magnitudes is padded to whole vectors
LONG = 2**14  # a longer row is first thinned to its candidates by a threshold from a sample
SAMPLE = 4096


@kernel
def padded(d):
    """Return room for d magnitudes, padded to whole vectors by numbers that no threshold counts."""
    room = np.empty((d + LANES - 1) // LANES * LANES)
    room[d:] = -1.0
    return room


@kernel
def count(magnitude, t):
    """Return how many magnitudes are at least t."""
    n = 0
    for i in range(magnitude.size):
        n += 1 if magnitude[i] >= t else 0
    return n


@kernel
def bits(x):
    """Return the bit pattern of a number; patterns of positive numbers are ordered as the numbers are."""
    return np.float64(x).view(np.int64)


@kernel
def from_bits(pattern):
    """Return the number with this bit pattern."""
    return np.int64(pattern).view(np.float64)


@kernel
def below(magnitude, t):
    """Return the largest magnitude less than t, or 0."""
    largest = 0
    for i in range(magnitude.size):
        pattern = bits(magnitude[i] if magnitude[i] < t else 0.0)
        largest = pattern if pattern > largest else largest
    return from_bits(largest)


@kernel
def log2(n):
    """Return the logarithm of a count, linear between powers of two; −1 for none."""
    return bits(n) * 2.0**-52 - 1023.0 if n > 0 else -1.0


@kernel
def threshold(magnitude, n, k, guess):
    """Return a t that exactly k of n magnitudes reach; where ties forbid it, the k-th largest magnitude itself.

    The bracket always holds: at least k magnitudes reach `low`, fewer than k reach `high`.
    """
    low, high, reach_low, reach_high = 0.0, np.inf, n, 0
    t, step = guess, 0
    while True:
        to_magnitude = step % 6 == 5  # now and then try the next magnitude below the bracket's end: it finds ties
        if to_magnitude:
            t = below(magnitude, high)
            if t <= low:
                return low
        elif not low < t < high:
            t = from_bits(bits(low) + (bits(high) - bits(low)) // 2)
            if t == low:
                return low
        reach = count(magnitude, t)
        if reach == k or (to_magnitude and reach > k):
            return t
        if reach > k:
            low, reach_low = t, reach
        else:
            high, reach_high = t, reach
            if reach == k - 1:
                return below(magnitude, high)
        excess = log2(reach_low) - log2(k)
        if step > 20:
            t = low
        elif high == np.inf:
            t = 2.0 * low * (1.0 + excess)
        else:
            t = low + (high - low) * excess / (log2(reach_low) - log2(reach_high))
        step += 1


@kernel
def thinned(magnitude, d, k):
    """Return only those of d magnitudes that can be among the k largest, by a threshold from a sample, or all."""
    expected = SAMPLE * (k / d)
    rank = int(expected + 5.0 * np.sqrt(expected) + 5.0)  # five standard deviations: rarely too few, never wrong
    if d < LONG or rank > SAMPLE // 2:
        return magnitude, d
    sample = padded(SAMPLE)
    for i in range(SAMPLE):
        sample[i] = magnitude[i * (d // SAMPLE)]
    t = threshold(sample, SAMPLE, rank, 0.0)
    n = count(magnitude, t)
    if t <= 0.0 or n < k:
        return magnitude, d
    chosen = padded(n + 1)
    at = np.uint64(0)
    for i in range(d):  # no branch: an entry that does not reach t is overwritten by the next one
        chosen[at] = magnitude[i]
        at += np.uint64(magnitude[i] >= t)
    chosen[n] = -1.0
    return chosen, n


@kernel(fastmath={"reassoc", "nsz"})
def magnitudes(x, magnitude):
    """Write |x_j| and return about their sum."""
    total = 0.0
    for i in range(x.size):
        magnitude[i] = abs(x[i])
        total += magnitude[i]
    return total


@kernel
def keep(x, t, out):
    """Copy the numbers whose magnitude reaches t, zero elsewhere; return how many."""
    n = 0
    for i in range(x.size):
        kept = abs(x[i]) >= t
        out[i] = x[i] if kept else 0.0
        n += 1 if kept else 0
    return n


@kernel(forceinline=True)
def keep_largest(x, out):
    """Copy the number of largest magnitude, found without a branch that would be mispredicted."""
    best, at = -1.0, 0
    for i in range(x.size):
        larger = abs(x[i]) > best
        best, at = abs(x[i]) if larger else best, i if larger else at
    out[:] = 0.0
    out[at] = x[at]


@kernel
def keep_top(x, k, out, magnitude, quotient):
    """Copy the k largest magnitudes, 1 < k < d; `quotient` as in `select_top`."""
    d = x.size
    total = magnitudes(x, magnitude[:d])
    chosen, n = thinned(magnitude, d, k)
    t = threshold(chosen, n, k, quotient * total)
    surplus = keep(x, t, out) - k
    i = d - 1
    while surplus > 0 and i >= 0:  # equal magnitudes: the highest indices give way
        if abs(x[i]) == t:
            out[i] = 0.0
            surplus -= 1
        i -= 1
    return t / total if t > 0.0 and total < np.inf else quotient


@kernel
def select_top(x, k, out, magnitude, quotient):
    """Copy the k largest magnitudes of every worker's row, zero elsewhere.

    `quotient` guesses the k-th largest over the sum of all; returned is the guess for the next rows. The two loops are
    apart because the compiler makes a slow one of the short search when it stands beside the long one.
    """
    if k == 1:
        for worker in range(x.shape[0]):
            keep_largest(x[worker], out[worker])
    elif k >= x.shape[1]:
        out[:] = x
    elif k <= 0:
        out[:] = 0.0
    else:
        for worker in range(x.shape[0]):
            quotient = keep_top(x[worker], k, out[worker], magnitude, quotient)
    return quotient
