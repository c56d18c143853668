"""How badly error feedback can do where messages project: a spiral in the plane, a lower bound of its rate."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from proofs_check.worst_case.plane import PlaneProjection
from proofs_check.worst_case.zigzag import best_zigzag_factor
from toolkit.arrays import Array

__all__ = [
    "SpiralProjection",
    "error_limit",
    "excess",
    "gain_limit",
    "out_of_reach",
    "spiral_factor",
    "spiral_law",
    "spiral_rate",
    "spiral_stepsize",
]

HALVINGS = 60  # of intervals inside (0, 1), down to their rounding


class SpiralProjection(PlaneProjection):
    r"""Projections always to the left: multiplication by a complex number.

    .. math:: C(x) = z x, \qquad z = \sqrt{1 - s^2}\,(\sqrt{1 - s^2} + i s), \quad x = x_1 + i x_2

    Parameters
    ----------
    s : float
        In [0, 1).

    Examples
    --------
    >>> SpiralProjection(s=0.6).compress(np.array([1.0, 0.0])).round(12)
    array([0.64, 0.48])
    """

    def side(self, x: Array) -> Any:
        return 1


def _turn(s: Any) -> Any:
    kept = np.sqrt(1 - np.asarray(s, dtype=float) ** 2)
    return kept * (kept + 1j * np.asarray(s, dtype=float))


def spiral_factor(h: Any, s: Any, stepsize: Any) -> Any:
    r"""Return |λ|², by which f = h‖x‖²/2 falls per step of error feedback with `SpiralProjection`, in the long run.

    .. math:: \lambda^2 - (2 - z - \eta h z)\,\lambda + 1 - z = 0, \quad \lambda \text{ the larger root}

    It bounds the rate of error feedback from below, for all messages that project, μ ≤ h ≤ L. Source: derived here.

    Examples
    --------
    >>> round(float(spiral_factor(0.1, 0.5, 0.7)), 4)
    0.8654
    """
    z = _turn(s)
    trace = 2 - z - np.asarray(stepsize, dtype=float) * np.asarray(h, dtype=float) * z
    apart = np.sqrt(trace * trace - 4 * (1 - z))
    return np.maximum(abs(trace + apart), abs(trace - apart)) ** 2 / 4


def spiral_law(h: float, s: float, stepsize: float, steps: int) -> Array:
    """Return f/f(x_0) after 0, …, `steps` steps on the spiral, from no memory: by powers of a complex 2×2 matrix."""
    z = complex(_turn(s))
    step = np.array([[1 - z * stepsize * h, -z], [(1 - z) * stepsize * h, 1 - z]])
    states = [np.array([1.0 + 0j, 0.0])]
    for _ in range(steps):
        states.append(step @ states[-1])
    return np.abs(np.array(states)[:, 0]) ** 2


def excess(mu: Any, s: Any, rate: Any) -> Any:
    r"""Return what is at least 0 if both spirals, h = μ and h = L = 1, keep to a rate R at some step size; s < R < 1.

    .. math:: \frac{4L\mu}{(L+\mu)^2}\,R\,(1-s^2)(R^2-2Rs^2+s^2) - (R^2+2Rs^2+s^2)(R-s^2)(1-R)

    Exact for fractions. Source: derived here; `spiral_proof` has the proof.

    Examples
    --------
    >>> from fractions import Fraction as Q
    >>> excess(Q(1, 3), Q(1, 2), Q(7, 10)) >= 0, excess(Q(1, 3), Q(1, 2), Q(2, 3)) >= 0
    (True, False)
    """
    turned, straight = _parts(s, rate)
    left = 4 * mu / (1 + mu) ** 2 * rate * (1 - s * s) * turned
    return left - straight * (rate - s * s) * (1 - rate)


def out_of_reach(mu: Any, s: Any, rate: Any) -> Any:
    """Tell whether one of both spirals is above a rate at every step size, decided exactly for fractions.

    Examples
    --------
    >>> from fractions import Fraction as Q
    >>> out_of_reach(Q(1, 3), Q(1, 2), best_zigzag_factor(Q(1, 3), Q(1, 2)))
    True
    """
    return (rate < s) | (excess(mu, s, rate) < 0)


def _parts(s: Any, rate: Any) -> tuple[Any, Any]:
    return rate * rate - 2 * rate * s * s + s * s, rate * rate + 2 * rate * s * s + s * s


def spiral_rate(mu: Any, s: Any) -> Any:
    """Return the best rate that the spirals with h = μ and h = L = 1 leave error feedback, over all step sizes.

    It is the only root of `excess` between s and 1.

    Examples
    --------
    >>> round(float(spiral_rate(0.1, 0.5)), 4)
    0.8622
    """
    mu, s = np.broadcast_arrays(np.asarray(mu, dtype=float), np.asarray(s, dtype=float))
    return _first(lambda rate: excess(mu, s, rate) >= 0, s, np.ones_like(s))


def spiral_stepsize(mu: Any, s: Any, rate: Any) -> Any:
    r"""Return the step size at which both spirals keep to a rate, if there is any: at their best rate the only one.

    .. math:: \eta = \frac{2}{L + \mu}\,\frac{R^2 - 2Rs^2 + s^2}{R^2 + 2Rs^2 + s^2}

    Examples
    --------
    >>> stepsize = spiral_stepsize(0.1, 0.5, spiral_rate(0.1, 0.5))
    >>> [round(float(spiral_factor(h, 0.5, stepsize)), 4) for h in (0.1, 1.0)]
    [0.8622, 0.8622]
    """
    turned, straight = _parts(s, rate)
    return 2 / (1 + mu) * turned / straight


def gain_limit(mu: Any, s: Any) -> Any:
    """Return how many steps of compressed descent one of error feedback can be worth at most, each at its best step.

    Where it is below 1, compressed descent has the better exact rate.

    Examples
    --------
    >>> gain_limit(0.1, 0.5).round(3), gain_limit(0.5, 0.5).round(3)
    (np.float64(1.112), np.float64(0.722))
    """
    return np.log(spiral_rate(mu, s)) / np.log(best_zigzag_factor(mu, s))


def error_limit(mu: Any) -> Any:
    """Return the s above which compressed descent has the better exact rate, for κ = L/μ ≥ 2; there is just one.

    Examples
    --------
    >>> error_limit(0.1).round(4)
    np.float64(0.757)
    """
    mu = np.asarray(mu, dtype=float)
    return _first(lambda s: excess(mu, s, best_zigzag_factor(mu, s)) < 0, np.zeros_like(mu), np.ones_like(mu))


def _first(holds: Callable[[Any], Any], low: Any, high: Any) -> Any:
    """Return where a condition begins to hold, between two ends."""
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        fine = holds(middle)
        low, high = np.where(fine, low, middle), np.where(fine, middle, high)
    return high[()]
