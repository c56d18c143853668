"""How many bits a coordinate needs that is usually zero."""

from __future__ import annotations

from math import erfc, exp, pi, sqrt
from typing import Any

import numpy as np

from toolkit.errors import WrongUse
from toolkit.information.bernoulli import binary_entropy
from toolkit.information.gaussian import gaussian_rate
from toolkit.information.squared_error import SymmetricSource

__all__ = ["bernoulli_gaussian", "sparse_lower_bound", "sparse_upper_bound"]

REACH = 5.7  # standard deviations of the Gaussian part; its tail has mass 1.2e-8


def bernoulli_gaussian(p: float) -> SymmetricSource:
    """Return the source that is N(0, 1/p) with probability p and else 0, of variance 1.

    Parameters
    ----------
    p : float
        Probability of a coordinate that is not 0, 0 < p ≤ 1.

    Raises
    ------
    WrongUse
        If `p` is outside that range.

    Examples
    --------
    >>> from toolkit.information.squared_error import rate_at
    >>> lower, upper = rate_at(bernoulli_gaussian(0.1), 0.1)
    >>> round(lower, 2), round(upper, 2)
    (0.37, 0.37)
    """
    if not 0 < p <= 1:
        raise WrongUse(f"a sparse source with p = {p}", "p is a probability", "give 0 < p ≤ 1")
    sigma = 1 / sqrt(p)
    beyond = erfc(REACH / sqrt(2))  # P(|z| > REACH) of a standard normal z
    edge = exp(-(REACH**2) / 2) / sqrt(2 * pi)
    return SymmetricSource(
        density=lambda x: p * np.exp(-p * x**2 / 2) / (sigma * sqrt(2 * pi)),
        variance=1.0,
        reach=REACH * sigma,
        tail_mass=p * beyond,
        tail_excess=(1 + REACH**2) * beyond - 2 * REACH * edge,  # p σ² = 1 times E[(|z| − REACH)²; |z| > REACH]
        atom=1 - p,
    )


def sparse_lower_bound(distortion: Any, p: float) -> Any:
    r"""Return a lower bound of the sparse source's rate–distortion function: its positions told for nothing.

    .. math:: R(D) \ge \tfrac p2 \log_2(1/D), \qquad 0 < D \le 1, \qquad \text{and 0 beyond.}

    Parameters
    ----------
    distortion : float or array
        D = E(x − y)² per coordinate, positive; the variance is 1.
    p : float
        Probability of a coordinate that is not 0.

    Notes
    -----
    What remains is a Gaussian of variance 1/p at distortion D/p, a fraction p of the time. Shannon's lower bound says
    nothing here, because a source with an atom has no density (derived).

    Examples
    --------
    >>> float(sparse_lower_bound(0.25, p=0.1))
    0.1
    """
    return p * gaussian_rate(distortion)


def sparse_upper_bound(distortion: Any, p: float) -> Any:
    r"""Return an upper bound of the sparse source's rate–distortion function: its positions sent in full.

    .. math:: R(D) \le \min\big(\tfrac12\log_2(1/D),\ h(p) + \tfrac p2 \log_2(1/D)\big) .

    Notes
    -----
    The second is approached as D → 0, the first is the Gaussian's (derived).

    Examples
    --------
    >>> round(float(sparse_upper_bound(1e-6, p=0.1)), 3)
    1.466
    """
    return np.minimum(gaussian_rate(distortion), binary_entropy(p) + sparse_lower_bound(distortion, p))[()]
