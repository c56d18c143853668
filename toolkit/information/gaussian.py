"""How many bits a Gaussian vector needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from toolkit.arrays import Array
from toolkit.errors import WrongUse

__all__ = ["WaterFilling", "gaussian_distortion", "gaussian_rate", "water_filling"]


def gaussian_rate(distortion: Any, variance: Any = 1.0) -> Any:
    r"""Return the rate–distortion function of a Gaussian coordinate under squared error, in bits.

    .. math:: R(D) = \max\big(0, \tfrac12 \log_2(\sigma^2/D)\big) .

    Parameters
    ----------
    distortion : float or array
        D = E(x − y)² per coordinate, positive.
    variance : float or array
        σ² of the coordinate; it broadcasts against `distortion`.

    Returns
    -------
    float or array
        Bits per coordinate.

    Notes
    -----
    Two statements rest on it (Shannon; recalled, with the proof of the first).

    *Mean bits.* Let x be i.i.d. N(0, σ²) in d dimensions and C a compressor, deterministic or random, with private or
    shared randomness that is independent of x, whose messages are self-delimiting and have b bits on average. Then
    E‖C(x) − x‖² ≥ dσ²·4^(−b/d). Proof: for a fixed value u of the shared randomness, b_u ≥ H(message) ≥ I(x; C(x)) ≥
    (d/2) log2(dσ²/E‖C(x) − x‖²), and the bound on the error is convex in b_u, so it survives the mean over u.

    *Other sources.* Of all sources of one variance the Gaussian needs the most bits: for any other, the formula is an
    upper bound of R(D), and the statement above is not true in general.

    Examples
    --------
    >>> float(gaussian_rate(0.25)), float(gaussian_rate(0.25, variance=0.1))
    (1.0, 0.0)
    """
    return np.maximum(0.0, 0.5 * np.log2(variance / np.asarray(_positive("D", distortion))))[()]


def gaussian_distortion(rate: Any, variance: Any = 1.0) -> Any:
    r"""Return the inverse of `gaussian_rate`: the least distortion at `rate` bits per coordinate, σ²·4^(−rate).

    Examples
    --------
    >>> float(gaussian_distortion(1.0))
    0.25
    """
    return variance * 4.0 ** -np.asarray(rate, dtype=float)[()]


@dataclass(frozen=True)
class WaterFilling:
    """How independent Gaussian coordinates share a total distortion.

    Parameters
    ----------
    level : float
        θ: no coordinate has a larger distortion.
    distortions : array, shape (d,)
        min(θ, σ²) of each coordinate.
    rates : array, shape (d,)
        Bits of each coordinate.
    """

    level: float
    distortions: Array
    rates: Array


def water_filling(variances: Array, distortion: float) -> WaterFilling:
    r"""Return the optimal shares of a total distortion D: reverse water-filling.

    .. math:: R(D) = \sum_j \max\big(0, \tfrac12\log_2(\sigma_j^2/\theta)\big), \qquad
              \sum_j \min(\theta, \sigma_j^2) = D .

    Parameters
    ----------
    variances : array, shape (d,)
        σ² of each coordinate, positive.
    distortion : float
        D = E‖x − y‖², the sum over the coordinates, 0 < D ≤ Σ σ².

    Raises
    ------
    WrongUse
        If D is outside that range.

    Notes
    -----
    Source: `rate_distortion`, section 5 (recalled). θ is found exactly: with the j smallest variances under water,
    θ = (D − their sum)/(d − j).

    Examples
    --------
    >>> shared = water_filling([4.0, 1.0, 0.25], distortion=1.25)
    >>> shared.level, shared.distortions, shared.rates
    (0.5, array([0.5 , 0.5 , 0.25]), array([1.5, 0.5, 0. ]))
    """
    variances = np.asarray(_positive("a variance", variances), dtype=float)
    total = float(variances.sum())
    if not 0 < distortion <= total:
        remedy = "give a positive D of at most the sum of the variances"
        raise WrongUse(f"water filling to D = {distortion}", f"the whole variance is {total}", remedy)
    ordered = np.sort(variances)
    drowned = np.concatenate([[0.0], np.cumsum(ordered)[:-1]])
    levels = (distortion - drowned) / np.arange(len(ordered), 0, -1)
    fits = levels <= ordered
    fits[-1] = True  # where D is the whole variance, up to rounding
    level = float(levels[np.argmax(fits)])
    return WaterFilling(level, np.minimum(level, variances), gaussian_rate(level, variances))


def _positive(name: str, values: Any) -> Any:
    if not np.all(np.asarray(values) > 0):
        raise WrongUse(f"a rate with {name} = {values}", f"{name} must be positive", "give positive numbers")
    return values
