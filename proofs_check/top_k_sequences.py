r"""Search for the gradients that make the memory of error feedback with Top-k as large as possible.

Fix which coordinates are dropped when (the *order*) and a direction w ≥ 0. Then the largest ⟨w, e_T⟩ over ‖g_t‖ ≤ 1
under which the coordinates of the order are the largest ones is a convex programme, and its dual is a minimum over
transfers λ ≥ 0 alone: going back from y = w, the weight of what is dropped at step t is erased, and then λ moves weight
from kept to dropped coordinates,

.. math:: \min_{\lambda \ge 0} \sum_t \|q_t\|, \qquad q_t = y_t - \text{moved out} + \text{moved in}, \qquad
          g_t = q_t/\|q_t\| .

The norm is convex, so putting w = e_T/‖e_T‖ and solving again only makes ‖e_T‖ larger. Orders are changed at random.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from toolkit.arrays import Array
from toolkit.compressors.top_k import TopK

__all__ = ["ascend", "best_gradients", "cyclic_order", "memory_after", "search", "whole"]

SMOOTHINGS = (1e-1, 1e-2, 1e-3, 1e-4)  # ‖q‖ is √(‖q‖² + ε²), so that steps which hardly matter have a slope too


def cyclic_order(d: int, k: int, steps: int) -> Array:
    """Return the order in which k coordinates after another are dropped, the first k of all in the last step.

    Returns
    -------
    array of int, shape (steps, k)

    Examples
    --------
    >>> cyclic_order(3, 1, 4)[:, 0]
    array([0, 2, 1, 0])
    """
    backward = (np.arange(steps * k) % d).reshape(steps, k)
    return np.ascontiguousarray(backward[::-1])


def memory_after(gradients: Array, k: int) -> Array:
    """Return the memory of error feedback with Top-k after these gradients, shape (step, d), γ = 1.

    Examples
    --------
    >>> memory_after(np.array([[3.0, 4.0], [0.0, 5.0]]), 1)
    array([3., 0.])
    """
    compressor, memory = TopK(k=k), np.zeros(gradients.shape[1])
    for gradient in gradients:
        message = memory + gradient
        memory = message - compressor.compress(message)
    return memory


def best_gradients(order: Array, w: Array, lead: float = 1e-5, smoothings: tuple[float, ...] = SMOOTHINGS) -> Array:
    """Return gradients of norm at most 1 that make ⟨w, e_T⟩ large while the coordinates of the order are dropped.

    Parameters
    ----------
    order : array of int, shape (step, k)
        What is dropped in each step.
    w : array, shape (d,)
        The direction; what the last step drops does not count.
    lead : float
        By how much what is dropped exceeds what is kept.
    smoothings : tuple of float
        The ε, one solution after another.

    Returns
    -------
    array, shape (step, d)
    """
    from scipy.optimize import minimize

    steps, k = order.shape
    shape = steps, k + 1, len(w)
    movable = np.ones(shape, dtype=bool)  # from every kept coordinate to every dropped one; the last: into any, p ≥ 0
    for t in range(steps):
        movable[t, :k, order[t]] = False
    at = np.flatnonzero(movable)
    dual, x = _dual(), np.zeros(at.size)
    gradients = np.zeros((steps, len(w)))

    def value_and_slope(x: Array, smoothing: float) -> tuple[float, Array]:
        moved = np.zeros(shape)
        moved.ravel()[at] = x
        value, slope = dual(order, w, moved, smoothing, lead, gradients)
        return value, slope.ravel()[at]

    for smoothing in smoothings:
        found: Any = minimize(
            value_and_slope,
            x,
            args=(smoothing,),
            jac=True,
            method="L-BFGS-B",
            bounds=[(0, None)] * at.size,
            options={"maxiter": 800, "maxfun": 2400, "ftol": 1e-15, "gtol": 1e-9, "maxcor": 20},
        )
        x = found.x
    value_and_slope(x, smoothings[-1])
    return gradients / np.maximum(1.0, np.linalg.norm(gradients, axis=1, keepdims=True))


def ascend(
    order: Array, w: Array, rounds: int = 8, lead: float = 1e-5, smoothings: tuple[float, ...] = SMOOTHINGS
) -> tuple[float, Array, Array]:
    """Return the largest ‖e‖² found for an order, its gradients and its direction: w is put to e/‖e‖ again and again.

    Examples
    --------
    >>> square, gradients, direction = ascend(cyclic_order(2, 1, 6), np.ones(2))
    >>> 0.999 < square < 1
    True
    """
    best, k = (0.0, np.zeros((len(order), len(w))), w), order.shape[1]
    for _ in range(rounds):
        gradients = best_gradients(order, w, lead, smoothings)
        memory = memory_after(gradients, k)
        square = float((memory**2).sum())
        if square <= best[0] * (1 + 1e-7):
            break
        best = square, gradients, w
        w = memory / np.sqrt(square)
    return best


def search(d: int, k: int, steps: int, tries: int, seed: int = 0) -> tuple[float, Array, Array]:
    """Return the best ‖e‖² over some orders, its order and its gradients: cyclic first, then changed at random.

    A change swaps two steps, draws one anew, or renames two coordinates before one; it is kept if it is not worse.
    """
    rng = np.random.default_rng(seed)
    order = cyclic_order(d, k, steps)
    starts = (np.ones(d), np.arange(d) ** 3 + 0.01)
    best, gradients, w = max((ascend(order, start, rounds=4, lead=1e-4) for start in starts), key=lambda one: one[0])
    for _ in range(tries):
        new = order.copy()
        t, other = rng.integers(steps, size=2)
        change = rng.integers(3)
        if change == 0:
            new[[t, other]] = new[[other, t]]
        elif change == 1:
            new[t] = rng.permutation(d)[:k]
        else:
            renamed = np.arange(d)
            i, j = rng.permutation(d)[:2]
            renamed[[i, j]] = j, i
            new[: t + 1] = renamed[new[: t + 1]]
        start = w if rng.random() < 0.5 else rng.random(d) ** 3 + 0.01
        found = ascend(new, start, rounds=3, lead=1e-4, smoothings=(1e-1, 1e-2, 1e-3))
        if found[0] >= best:
            (best, gradients, w), order = found, new
    return best, order, gradients


def whole(gradients: Array, unit: int) -> Array:
    """Return gradients in whole numbers of 1/unit that are no longer than 1: a recipe that is run without rounding.

    Examples
    --------
    >>> whole(np.array([[0.6, 0.8], [0.36, -0.01]]), 10)
    array([[6, 8],
           [4, 0]])
    """
    rounded = np.rint(unit * gradients).astype(int)
    for row in rounded:
        while (row**2).sum() > unit**2:
            largest = int(np.argmax(abs(row)))
            row[largest] -= np.sign(row[largest])
    return rounded


@cache
def _dual() -> Any:
    from toolkit.kernels.compiled import kernel

    return kernel(_value_and_slope)


def _value_and_slope(
    order: Array, w: Array, moved: Array, smoothing: float, lead: float, gradients: Array
) -> tuple[float, Array]:
    """Return the dual's value and its slope in the transfers, and write the gradients of which it is the bound."""
    steps, k = order.shape
    d = w.shape[0]
    y, value = w.copy(), 0.0
    for t in range(steps - 1, -1, -1):
        for a in range(k):
            y[order[t, a]] = 0.0
        square = smoothing * smoothing
        for a in range(k):
            for l in range(d):
                y[l] -= moved[t, a, l]
                y[order[t, a]] += moved[t, a, l]
                value -= lead * moved[t, a, l]
        for l in range(d):
            y[l] += moved[t, k, l]
            square += y[l] * y[l]
        length = np.sqrt(square)
        value += length
        for l in range(d):
            gradients[t, l] = y[l] / length
    slope = np.zeros(moved.shape)
    memory = np.zeros(d)
    for t in range(steps):
        for l in range(d):
            memory[l] += gradients[t, l]
        for a in range(k):
            for l in range(d):
                slope[t, a, l] = memory[order[t, a]] - memory[l] - lead
        for l in range(d):
            slope[t, k, l] = memory[l]
        for a in range(k):
            memory[order[t, a]] = 0.0
    return value, slope
