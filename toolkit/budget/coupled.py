"""Gradients with error feedback: when to send which coordinate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from toolkit.arrays import Array
from toolkit.budget import plain
from toolkit.budget._input import Values, check_budget, check_values, sequences

__all__ = ["CoupledOptimum", "coupled_optimum"]


@dataclass(frozen=True)
class CoupledOptimum:
    """The best schedule of sends under error feedback.

    Parameters
    ----------
    curve : array, shape (…, K + 1)
        The least total error with at most 0, 1, …, K sends.
    sent : array of bool, shape (…, T, d)
        A schedule that attains the last of them: which coordinate is sent when.
    memory : array, shape (…, T, d)
        e_t, what its sends leave; the sum of its squares is the total error.
    """

    curve: Array
    sent: Array
    memory: Array

    @property
    def error(self) -> Array:
        """The least total error with K sends: a number, or one for each run."""
        return self.curve[..., -1][()]


def coupled_optimum(g: Any, budget: int, values: Values = "exact") -> CoupledOptimum:
    r"""Return the least total error that K sent elements leave if what is not sent is fed back.

    .. math:: \min_q \sum_{t=1}^T \|e_t\|^2 \quad\text{subject to}\quad e_t = e_{t-1} + g_t - q_t, \quad e_0 = 0,
              \quad \sum_{t=1}^T \|q_t\|_0 \le K .

    With exact sends a coordinate is sent in full, so that its memory becomes 0, or not at all. With free values a send
    may leave any remainder, chosen in view of the gradients to come.

    Parameters
    ----------
    g : array, shape (T, d) or (run, T, d)
        The gradients g_1, …, g_T, in the unit of the messages; a batch of sequences. Exact rationals (objects of
        `fractions.Fraction`) are computed with exactly, and slowly.
    budget : int
        K, from 0 to T·d.
    values : {'exact', 'free'}
        What a send may be.

    Returns
    -------
    CoupledOptimum

    Raises
    ------
    WrongUse
        If the shape is another, a number is not finite, the budget is impossible, or `values` is neither.

    Notes
    -----
    Source: S-a4 (derived). Between two sends at r < t a coordinate's memory is what its gradients add up to, so the
    cost of r, …, t − 1 is their sum of squares about 0, or, with free values, about its mean; before the first send it
    is about 0 in either case. A dynamic programme over the sends of each coordinate gives its least cost for every
    number of sends, in O(T² min(K, T)); min-plus convolution shares the budget among the coordinates, in
    O(d K min(K, T)). The curves of single coordinates are not convex, so no greedy choice and no price per element
    would do.

    With free values this is the best approximation of the cumulated gradients by steps, K of them: segmented least
    squares.

    Examples
    --------
    One coordinate has an impulse early, the other a larger one late. One send is best spent at once:

    >>> g = np.zeros((11, 2))
    >>> g[0, 0], g[10, 1] = 1.0, 1.5
    >>> best = coupled_optimum(g, budget=1)
    >>> best.curve, np.argwhere(best.sent).tolist()
    (array([13.25,  2.25]), [[0, 0]])
    """
    asked = f"coupled_optimum(g, budget={budget!r}, values={values!r})"
    batch, single = sequences(g, asked)
    K = check_budget(budget, batch[0].size, asked)
    free = check_values(values, asked)
    found = [_one(np.ascontiguousarray(one.T), K, free) for one in batch]
    curve, sent = (np.stack(part) for part in zip(*found, strict=True))
    own = 0 if single else slice(None)
    return CoupledOptimum(curve[own], sent[own], _memory(batch, sent, free)[own])


def _one(rows: Array, budget: int, free: bool) -> tuple[Array, Array]:
    """Return the curve of one sequence, whose coordinates are rows, and the schedule, shape ``(T, d)``."""
    body: Any = plain
    if rows.dtype != object:
        from toolkit.kernels import segmentation

        body = segmentation
    d, steps = rows.shape
    most = min(budget, steps)
    own = np.stack([body.cheapest_sends(row, most, free)[0] for row in rows])
    total = np.full(budget + 1, rows[0, 0] * 0, dtype=rows.dtype)
    taken = np.empty((d, budget + 1), dtype=int)
    for j in range(d):
        total, taken[j] = body.min_plus(total, np.minimum.accumulate(own[j]))
    sent = np.zeros((steps, d), dtype=bool)
    left = budget
    for j in reversed(range(d)):
        sends = int(taken[j, left])
        left -= sends
        # No more than are worth it: the programme is solved again, as keeping all its choices would take much room.
        fewest = int(np.argmin(own[j, : sends + 1]))
        before = body.cheapest_sends(rows[j], fewest, free)[1]
        at = before[fewest, steps + 1]
        for m in range(fewest, 0, -1):
            sent[at - 1, j] = True
            at = before[m, at]
    return total, sent


def _memory(g: Array, sent: Array, free: bool) -> Array:
    """Return what a schedule leaves, shape ``(run, T, d)``."""
    memory = np.empty_like(g)
    mean = np.zeros_like(g)  # of the memory since the last send, had that left 0
    count = np.zeros(sent[:, 0].shape, dtype=int)  # 0 before the first send
    e = g[:, 0] * 0
    for t in range(g.shape[1]):
        e = np.where(sent[:, t], 0 * e, e + g[:, t])
        memory[:, t] = e
        if free:
            count = np.where(sent[:, t], 1, np.where(count > 0, count + 1, 0))
            before = mean[:, t - 1] if t else 0 * e
            mean[:, t] = np.where(count > 1, before + (e - before) / np.maximum(count, 1), 0 * e)
    if free:
        for t in reversed(range(g.shape[1] - 1)):  # of the whole segment
            mean[:, t] = np.where(sent[:, t + 1], mean[:, t], mean[:, t + 1])
            # Before the first send nothing can be left out.
        started = np.maximum.accumulate(sent, axis=1)
        memory = memory - np.where(started, mean, 0 * mean)
    return memory
