"""Exact memories of error feedback in open loop: on gradients that do not depend on what was sent."""

from __future__ import annotations

from typing import Any

import numpy as np

from proofs_check.multipliers import Multipliers
from toolkit.arrays import Array

__all__ = ["open_loop_memory", "rand_k_memory", "stationary_rand_k_memory"]


def open_loop_memory(by: Multipliers, covariance: Array, autocorrelation: Any, steps: int) -> Array:
    r"""Return E‖e_t‖² for t = 0 … T, by a recursion of second moments.

    .. math:: e_{t+1} = (1 - m_t) \circ (e_t + g_t), \qquad e_0 = 0, \qquad
              E\,g_t g_{t-j}^\top = c^j\,\Sigma, \quad E\,g_t = 0,

    with multipliers m independent of the gradients and over steps. As e_t is linear in g_0 … g_{t−1},
    :math:`E\,e_t g_{t+1}^\top = c\,E\,e_t g_t^\top`, which closes the recursion; no more is asked of the law of g.

    Parameters
    ----------
    by : Multipliers
        The compressor's.
    covariance : array, shape (d, d)
        Σ.
    autocorrelation : number
        c in [−1, 1].
    steps : int
        T.

    Returns
    -------
    array, shape (T + 1,)
        Exact if all numbers are fractions. Source: sheet saddle_escape, A4 (derived).

    Examples
    --------
    >>> from fractions import Fraction
    >>> from proofs_check.multipliers import multipliers
    >>> from toolkit.compressors import RandK
    >>> identity = np.eye(2, dtype=int) * Fraction(1)
    >>> open_loop_memory(multipliers(RandK(k=1), 2, Fraction), identity, Fraction(1, 2), 2).tolist()
    [0, Fraction(1, 1), Fraction(2, 1)]
    """
    left = 1 - by.mean
    both = 1 - by.mean[:, None] - by.mean + by.second
    memory, cross = 0 * covariance, 0 * covariance  # E ee' and E eg'
    squares = [0]
    for _ in range(steps):
        memory, cross = (
            both * (memory + cross + cross.T + covariance),
            autocorrelation * left[:, None] * (cross + covariance),
        )
        squares.append(np.trace(memory))
    return np.array(squares)


def rand_k_memory(mu: Any, autocorrelation: Any, steps: int) -> Array:
    r"""Return E‖e_t‖²/σ² of Rand-k for t = 0 … T in closed form, μ = k/d and q = 1 − μ.

    .. math:: \left(1 + \frac{2qc}{1 - qc}\right)\frac{q}{\mu}(1 - q^t) - \frac{2qc}{1 - qc}\,q^t \sum_{s<t} c^s

    Source: sheet saddle_escape, A4 (the limit; the rest derived here).
    """
    q, c = 1 - mu, autocorrelation
    lag = 2 * q * c / (1 - q * c)
    squares, sum_of_powers = [], 0 * mu
    for t in range(steps + 1):
        squares.append((1 + lag) * q / mu * (1 - q**t) - lag * q**t * sum_of_powers)
        sum_of_powers += c**t
    return np.array(squares)


def stationary_rand_k_memory(mu: Any, autocorrelation: Any) -> Any:
    r"""Return the limit of E‖e_t‖²/σ²: :math:`\frac{1-\mu}{\mu}\left(1 + \frac{2(1-\mu)c}{1 - (1-\mu)c}\right)`.

    Examples
    --------
    >>> stationary_rand_k_memory(0.25, 0.0), stationary_rand_k_memory(0.25, 1.0)
    (3.0, 21.0)
    """
    q = 1 - mu
    return q / mu * (1 + 2 * q * autocorrelation / (1 - q * autocorrelation))
