"""How many bits biased coins need."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["bernoulli_rate", "binary_entropy"]


def binary_entropy(p: Any) -> Any:
    r"""Return the entropy of a coin in bits: h(p) = −p log2 p − (1 − p) log2(1 − p), 0 at both ends.

    Examples
    --------
    >>> float(binary_entropy(0.5)), float(binary_entropy(0.0))
    (1.0, 0.0)
    """
    p = np.asarray(p, dtype=float)
    inside = (p > 0) & (p < 1)
    q = np.where(inside, p, 0.5)
    return np.where(inside, -q * np.log2(q) - (1 - q) * np.log2(1 - q), 0.0)[()]


def bernoulli_rate(distortion: Any, p: Any) -> Any:
    r"""Return the rate–distortion function of coins that fall on 1 with probability p, under Hamming distortion.

    .. math:: R(D) = h(p) - h(D), \qquad 0 \le D \le \min(p, 1 - p), \qquad \text{and 0 beyond.}

    Parameters
    ----------
    distortion : float or array
        D, the probability that a coin is reproduced wrongly.
    p : float or array
        Probability of 1.

    Returns
    -------
    float or array
        Bits per coin.

    Notes
    -----
    Source: `rate_distortion`, section 5 (recalled). It is the limit for masks: which coordinates are sent.

    Examples
    --------
    >>> float(bernoulli_rate(0.0, 0.5)), float(bernoulli_rate(0.3, 0.2))
    (1.0, 0.0)
    """
    least = np.minimum(p, 1 - np.asarray(p))
    return (binary_entropy(p) - binary_entropy(np.minimum(distortion, least)))[()]
