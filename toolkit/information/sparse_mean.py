"""How well the mean of sparse vectors of zeros and ones can be estimated from messages of some bits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from toolkit.arrays import Array
from toolkit.errors import WrongUse

__all__ = ["SparseMeanLimit", "score_proxy", "sparse_mean_limit"]

CONCENTRATIONS = np.concatenate([np.linspace(0.02, 0.98, 49), 1 - np.geomspace(0.015, 1e-4, 24)])
NODES, WEIGHTS = np.polynomial.legendre.leggauss(64)


@dataclass(frozen=True)
class SparseMeanLimit:
    """A lower limit of the worst risk, and the prior that proves it.

    Parameters
    ----------
    risk : float
        No scheme has a smaller worst risk.
    support : int
        On how many coordinates θ_j lies in [low, high]; it is 0 elsewhere.
    low, high : float
        Where it lies.
    """

    risk: float
    support: int
    low: float
    high: float


def score_proxy(theta: Any) -> Any:
    r"""Return the sub-Gaussian variance proxy of the score of a coin.

    .. math:: S = \frac{X - \theta}{\theta(1 - \theta)}, \qquad
              v(\theta) = \frac{1 - 2\theta}{2\log\frac{1 - \theta}{\theta}}\,\frac1{\theta^2(1 - \theta)^2}, \qquad
              E e^{\lambda S} \le e^{\lambda^2 v/2} .

    Notes
    -----
    The first factor is the optimal proxy of a coin, by the inequality of Kearns and Saul (1998) (recalled; checked
    against the moment generating function in the tests).

    Examples
    --------
    >>> float(score_proxy(0.5)), round(float(score_proxy(0.01)), 3)
    (4.0, 1088.0)
    """
    theta = np.asarray(theta, dtype=float)
    odds = np.log1p(-theta) - np.log(theta)
    near = np.abs(odds) < 1e-4  # the ratio is ½ − odds²/24 + …
    ratio = np.where(near, 0.5 - odds**2 / 24, (1 - 2 * theta) / np.where(near, 1.0, odds))
    return (ratio / 2 / (theta * (1 - theta)) ** 2)[()]


def sparse_mean_limit(d: int, s: float, n: int, bits: float) -> SparseMeanLimit:
    r"""Return a limit of the worst risk over all θ with Σ θ_j ≤ s of any estimate from n messages of so many bits.

    .. math:: \sup_{\sum_j\theta_j \le s} E\|\hat\theta - \theta\|^2 \ge
              \frac{D^2}{n\,\min\big\{2\,v(a)\,b\log 2,\ D\,E\frac1{\theta(1 - \theta)}\big\}
              + \frac{4\pi^2 D}{(h - a)^2}}, \qquad h = \frac sD \le \frac12, \quad a < h,

    for b bits and every D ≤ d; the best D and a are searched for.

    Parameters
    ----------
    d : int
        Dimension.
    s : float
        The bound of Σ θ_j, at most d/2.
    n : int
        Number of workers, each with one sample.
    bits : float
        Length of a message, which may depend on the worker's own and on common random numbers, and on what other
        workers have sent before.

    Returns
    -------
    SparseMeanLimit

    Raises
    ------
    WrongUse
        If s is above d/2 or not positive, or n or the bits are below 1.

    Notes
    -----
    Derived. *Prior*: on D coordinates θ_j independent with density (2/(h − a)) cos² on [a, h], whose Fisher information
    4π²/(h − a)² is the least on that interval; 0 elsewhere. *van Trees*, coordinate by coordinate, and the convexity of
    1/x: the risk is at least D²/(E tr I + Σ_j J_j), where I is the Fisher information in all messages. *Information*:
    the messages' informations add up (chain rule), and each is

    .. math:: \operatorname{tr} I_M = \sum_m P(m)\,\big\|E[S \mid M = m]\big\|^2
              \le 2 v \sum_m P(m)\,\mathrm{KL}(P_{X|m} \| P_X) = 2 v\,I(X; M) \le 2 v\,b \log 2,

    because for every unit vector u the mean of ⟨u, S⟩ under Q is at most √(2v·KL(Q‖P)) if it is sub-Gaussian with proxy
    v under P (Donsker and Varadhan), and the scores of independent coins have the largest v of them as a proxy; v falls
    on (0, ½]. It is at most tr I_X = Σ_j 1/(θ_j(1 − θ_j)) as well. For many workers the two terms become
    s² log2(d/s)/(n·b) and s/n: the order that is recalled of Barnes, Han and Özgür's theorem (S-b3, uncertain), here
    with constants.

    Examples
    --------
    >>> limit = sparse_mean_limit(d=256, s=16, n=10**8, bits=40)  # of s² log2(d/s)/(nb)
    >>> round(limit.risk / (16**2 * 4 / (10**8 * 40)), 2)
    0.93
    >>> limit = sparse_mean_limit(d=256, s=16, n=10**8, bits=256)  # of s/n
    >>> round(limit.risk / (16 / 10**8), 2)
    0.92
    """
    asked = f"sparse_mean_limit(d={d}, s={s}, n={n}, bits={bits})"
    if not (0 < s <= d / 2 and n >= 1 and bits >= 1):
        raise WrongUse(asked, "the limit is derived for 0 < s ≤ d/2, n ≥ 1 and at least one bit", "give such numbers")
    support = np.unique(np.geomspace(np.ceil(2 * s), d, 40).astype(int))[:, None].astype(float)
    high = s / support
    low = CONCENTRATIONS * high
    told = np.minimum(2 * score_proxy(low) * bits * np.log(2), support * _mean_information(low, high))
    risk = support**2 / (n * told + 4 * np.pi**2 * support / (high - low) ** 2)
    at = np.unravel_index(int(np.argmax(risk)), risk.shape)
    return SparseMeanLimit(float(risk[at]), int(support[at[0], 0]), float(low[at]), float(high[at[0], 0]))


def _mean_information(low: Array, high: Array) -> Array:
    """Return an upper bound of E 1/(θ(1 − θ)) under the cos² prior on [low, high], good to its last digits.

    The quadrature is of 64 nodes for a function that is smooth on the interval; where low is near 0 it is replaced by
    the value at low, which is larger.
    """
    middle, half = (low + high) / 2, (high - low) / 2
    theta = middle[..., None] + half[..., None] * NODES
    mean = (WEIGHTS * np.cos(np.pi * NODES / 2) ** 2 / (theta * (1 - theta))).sum(axis=-1)
    return np.where(low > 0.01 * high, mean * (1 + 1e-9), 1 / (low * (1 - low)))
