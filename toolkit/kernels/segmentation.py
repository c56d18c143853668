"""When to send one coordinate, compiled: the cheapest reset times of a sum, and min-plus convolution of curves.

The plain twins stand in `toolkit.budget.plain`. They do the same operations in the same order, so that both give the
same bits. Every kernel works on one row.
"""

from __future__ import annotations

import numpy as np

from toolkit.kernels.compiled import kernel

__all__ = ["cheapest_sends", "min_plus", "threshold_runs"]


@kernel
def segment_costs(g, r, free, cost):
    """Write into cost[t], t > r, the sum of squares of the memory at r, …, t − 1, if it is sent at r and next at t.

    A send leaves 0; if `free`, it leaves what is best for that t, so that the cost is the sum of squares about the
    mean (Welford's recursion).
    """
    steps = g.size
    e, total, mean = 0.0, 0.0, 0.0
    cost[r + 1] = 0.0
    for t in range(r + 1, steps + 1):
        e += g[t - 1]
        if free:
            apart = e - mean
            mean += apart / (t - r + 1)
            total += apart * (e - mean)
        else:
            total += e * e
        cost[t + 1] = total


@kernel
def lower(row, origin, so_far, cost, r):
    """Lower each entry of a row to so_far + cost where that is less, and note that this came from r."""
    for i in range(row.size):  # on slices, so that it is vectorised
        through = so_far + cost[i]
        better = through < row[i]
        row[i] = through if better else row[i]
        origin[i] = r if better else origin[i]


@kernel
def cheapest_sends(g, most, free):
    """Return the least total error of one coordinate with exactly m sends, m ≤ most, and where each send comes from.

    The steps are 1, …, T; 0 is the start, which leaves 0 and counts as no send, and T + 1 the end. Entry (m, t) of the
    second array is the send before the m-th one at t, or, for t = T + 1, the last of m sends.
    """
    steps = g.size
    best = np.full((most + 1, steps + 1), np.inf)
    before = np.zeros((most + 1, steps + 2), np.int64)
    curve = np.full(most + 1, np.inf)
    cost = np.empty(steps + 2)
    best[0, 0] = 0.0
    for r in range(steps + 1):
        segment_costs(g, r, free and r > 0, cost)
        for m in range(min(r, 1), min(r, most) + 1):
            so_far = best[m, r]
            if so_far + cost[steps + 1] < curve[m]:
                curve[m] = so_far + cost[steps + 1]
                before[m, steps + 1] = r
            if m < most:
                lower(best[m + 1, r + 1 :], before[m + 1, r + 1 : steps + 1], so_far, cost[r + 1 : steps + 1], r)
    return curve, before


@kernel
def min_plus(a, b):
    """Return the min-plus convolution c_k = min_m b_m + a_{k−m} for k < len(a), and the least m that attains it."""
    c = np.full(a.size, np.inf)
    taken = np.zeros(a.size, np.int64)
    for m in range(min(a.size, b.size)):
        lower(c[m:], taken[m:], b[m], a[: a.size - m], m)
    return c, taken


@kernel
def threshold_runs(g):
    """Return every way in which error feedback with a constant threshold above 0 can treat one coordinate.

    They come in the order of the thresholds: the largest threshold that acts so (infinite for the last), the number of
    sends, and the total error. A run with threshold λ is the same for all thresholds up to the least magnitude that it
    sends, so the next one begins just above that.
    """
    room = g.size * (g.size + 1) // 2 + 1  # these ends are different |g_r + … + g_t|, or infinite
    ends, sends, errors = np.empty(room), np.empty(room, np.int64), np.empty(room)
    n, threshold = 0, 0.0
    while threshold < np.inf:
        e, error, sent, least = 0.0, 0.0, 0, np.inf
        for t in range(g.size):
            e += g[t]
            if abs(e) > threshold:
                least = min(least, abs(e))
                sent += 1
                e = 0.0
            else:
                error += e * e
        ends[n], sends[n], errors[n] = least, sent, error
        n, threshold = n + 1, least
    return ends[:n], sends[:n], errors[:n]
