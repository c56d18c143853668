"""When to send one coordinate, in plain array code: what the compiled kernels are tested against.

It computes with whatever the array holds; with exact rationals its results are exact.
"""

from __future__ import annotations

import numpy as np

from toolkit.arrays import Array

__all__ = ["cheapest_sends", "min_plus", "segment_costs"]

NONE = float("inf")


def segment_costs(g: Array, r: int, free: bool) -> Array:
    """Return the cost of the memory at r, …, t − 1 if it is sent at r and next at t, for t = r + 1, …, T + 1."""
    memory = np.concatenate([g[:1] * 0, np.cumsum(g[r:])])
    if not free:
        return np.cumsum(memory**2)
    cost, mean, total = [], memory[0], memory[0]
    for count, e in enumerate(memory, 1):
        apart = e - mean
        mean = mean + apart / count
        total = total + apart * (e - mean)
        cost.append(total)
    return np.array(cost, dtype=g.dtype)


def cheapest_sends(g: Array, most: int, free: bool) -> tuple[Array, Array]:
    """Return the least total error of one coordinate with exactly m sends, m ≤ most, and where each send comes from."""
    steps = len(g)
    best = np.full((most + 2, steps + 2), NONE, dtype=g.dtype)
    before = np.zeros((most + 1, steps + 2), dtype=np.int64)
    curve = np.full(most + 1, NONE, dtype=g.dtype)
    best[0, 0] = g[0] * 0
    for r in range(steps + 1):
        cost = segment_costs(g, r, free and r > 0)
        for m in range(most + 1):
            through = best[m, r] + cost
            if through[-1] < curve[m]:
                curve[m], before[m, -1] = through[-1], r
            if m < most:
                better = through[:-1] < best[m + 1, r + 1 : -1]
                best[m + 1, r + 1 : -1][better] = through[:-1][better]
                before[m + 1, r + 1 : -1][better] = r
    return curve, before


def min_plus(a: Array, b: Array) -> tuple[Array, Array]:
    """Return the min-plus convolution c_k = min_m b_m + a_{k−m} for k < len(a), and the least m that attains it."""
    sums = np.full((min(len(a), len(b)), len(a)), NONE, dtype=a.dtype)
    for m in range(len(sums)):
        sums[m, m:] = a[: len(a) - m] + b[m]
    taken = np.argmin(sums, axis=0)
    return np.min(sums, axis=0), taken
