r"""How large the memory of error feedback with Top-k can get: bounds that use what Top-k is.

The question is over all sequences of gradients with ‖g_t‖ ≤ 1, from an empty memory and with γ = 1,

.. math:: e_{t+1} = p_t - \mathrm{Top}_k(p_t), \qquad p_t = e_t + g_t, \qquad \sup_t \|e_t\|^2 = {?}

That Top-k is a contraction gives q²/(1 − q)², q = √(1 − k/d). Two facts give much less. What is dropped is larger than
what is kept, so in a bound a kept coordinate may be traded for a dropped one. And what was dropped in the step before
begins at 0, so it holds no more than one gradient.
"""

from __future__ import annotations

from itertools import product
from math import sqrt

import numpy as np

from toolkit.arrays import Array

__all__ = ["contraction_bound", "exact_supremum", "memory_bound", "sum_bounds"]

# Shares that are tried in a trade; 2520 is a multiple of all numbers up to 10, so that simple fractions are among them.
SHARES = np.linspace(0.0, 1.0, 2521)
CONVERGED = 1e-13
MARGIN = 1 + 1e-11  # by which the limit of the recursion, which is approached from below, is raised


def contraction_bound(d: float, k: int) -> float:
    """Return the bound on ‖e‖² that holds for every contraction with δ = k/d (S-d2).

    Examples
    --------
    >>> round(contraction_bound(2, 1), 2)
    5.83
    """
    q = sqrt(1 - k / d)
    return (q / (1 - q)) ** 2


def exact_supremum(d: int, k: int) -> float | None:
    r"""Return the supremum of ‖e‖² where it is known, :math:`(d - k)/k` for d ≤ 2k; otherwise None.

    Notes
    -----
    Derived. Let A be what is kept, of d − k coordinates, D what is dropped, and Z the k coordinates that were zero
    before the step, z of them in A. The k − z in D hold u, their sum of squares, and the z in A hold v ≤ z/(k − z)·u,
    with u + v ≤ 1: the gradient put it there. The other d − k − z in A are each below all k − z in D, so their squares
    sum to at most u(d − k − z)/(k − z), and as d − k ≤ k the total is largest at v = z/k: it is (d − k)/k.

    It is approached, not reached: with d − k equal entries a, put c on each of the k zeros and c − a on each entry,
    where kc² + (d − k)(c − a)² = 1. All are equal, and what is left has entries c > a; the limit is c = 1/√k.

    Examples
    --------
    >>> exact_supremum(2, 1), exact_supremum(6, 4), exact_supremum(3, 1)
    (1.0, 0.5, None)
    """
    return (d - k) / k if d <= 2 * k else None


def memory_bound(d: int, k: int) -> float:
    """Return a bound on ‖e‖² for Top-k, from those of `sum_bounds`.

    Sums of sorted magnitudes up to c_1, c_2, … are those of a vector that majorises every other, the increments of the
    least concave sequence above c, and of all it has the largest sum of squares.

    Examples
    --------
    >>> [round(memory_bound(d, 1), 6) for d in (2, 3, 4, 5, 6)]  # 1 + 3(d − 1)(d − 2)/2
    [1.0, 4.0, 10.0, 19.0, 31.0]
    """
    sums = np.concatenate([[0.0], sum_bounds(d, k)])
    n = np.arange(len(sums))
    concave = sums.copy()
    for i, low, high in product(n, n, n):
        if low < i < high:
            concave[i] = max(concave[i], (sums[low] * (high - i) + sums[high] * (i - low)) / (high - low))
    return float((np.diff(concave) ** 2).sum())


def sum_bounds(d: int, k: int) -> Array:
    r"""Return bounds c_1, …, c_{d−k} on the sums of the 1, …, d − k largest magnitudes of the memory.

    Let A be the j largest of what is kept, D what is dropped, Z the k zeros before the step, and n the number of
    coordinates in A or D that are not in Z. Trade each coordinate of A for dropped ones, which are no smaller, until
    weights q ≥ 0 with Σ q = j, at most 1 on A, are left. Then

    .. math:: \sum_A |p_a| \le \sum q_l |p_l| \le \sum_{l \notin Z} q_l |e_l| + \|q\| \le \varrho\, c_n + \|q\|

    if q is ϱ on those n coordinates and the rest is on Z. Of all ϱ the best is taken, of all numbers of zeros in A and
    in D the worst; the recursion of the reachable set in these sums begins with c = 0 and converges to the bounds.

    Returns
    -------
    array, shape (d − k,)

    Notes
    -----
    Derived; a bound of the reachable set from outside, for every t and every rule for ties.

    Examples
    --------
    >>> sum_bounds(3, 1).round(4)  # (√2 + √6)/2 and √6
    array([1.9319, 2.4495])
    """
    cases = _cases(d, k)
    bounds = np.zeros(d - k)
    while True:
        new = _after_one_step(cases, bounds)
        if (new - bounds).max() <= CONVERGED * new.max():
            return MARGIN * new
        bounds = new


Case = tuple[int, int, Array, Array]  # j, n, and the shares ϱ that can be had with their ‖q‖


def _after_one_step(cases: list[Case], bounds: Array) -> Array:
    """Return bounds on the sums after a step from bounds on those before it."""
    new = np.zeros_like(bounds)
    for j, n, share, length in cases:
        worth = float((share * (bounds[n - 1] if n else 0.0) + length).min())
        new[j - 1] = max(new[j - 1], worth)
    return new


def _cases(d: int, k: int) -> list[Case]:
    """Return, for every j and every number of zeros in A and in D, what the weights can be."""
    found = []
    for j in range(1, d - k + 1):
        for in_kept, in_dropped in product(range(min(j, k) + 1), range(k + 1)):
            elsewhere = k - in_kept - in_dropped
            if 0 <= elsewhere <= d - j - k:
                found.append((j, j + k - in_kept - in_dropped, *_weights(j, k, in_kept, in_dropped)))
    return found


def _weights(j: int, k: int, in_kept: int, in_dropped: int) -> tuple[Array, Array]:
    """Return the shares ϱ for which there are weights, and the smallest ‖q‖ of each."""
    n, zeros = j + k - in_kept - in_dropped, in_kept + in_dropped
    if zeros == 0:
        return np.array([j / n]), np.array([j / sqrt(n)])
    rest = j - SHARES * n  # on the zeros: evenly, but at most 1 on each in A
    on_kept = np.minimum(rest / zeros, 1.0)
    on_dropped = (rest - in_kept * on_kept) / max(in_dropped, 1)
    possible = (rest >= 0) & ((in_dropped > 0) | (rest <= in_kept))
    length = np.sqrt(SHARES**2 * n + in_kept * on_kept**2 + in_dropped * on_dropped**2)
    return SHARES[possible], length[possible]
