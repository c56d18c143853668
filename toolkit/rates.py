"""Slopes, floors, kinds of convergence and crossovers of measured curves, with intervals over runs.

A curve is an array of shape ``(run, point)``, or ``(point,)`` for one deterministic run, which has no spread. Every
statistic is one of the *mean over runs*, because theorems speak of expectations, and the mean slope of single runs is
not the slope of the mean where their spread changes along the curve. Its interval comes from the jackknife: leaving
out one run at a time respects that the points of a run depend on each other.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from scipy.special import stdtrit

from toolkit.arrays import Array
from toolkit.errors import WrongUse

__all__ = ["Convergence", "Estimate", "Floor", "crossover", "equivalence", "floor", "linear_or_sublinear", "slope"]


@dataclass(frozen=True)
class Estimate:
    """A measured number with its two-sided interval.

    Parameters
    ----------
    value, low, high : float or array
        The estimate and the ends of its interval.
    confidence : float
        Probability with which the interval covers the truth.
    basis : str
        What that probability rests on: 'exact', 'bounded (…)' or 'asymptotic (…)'.
    """

    value: Any
    low: Any
    high: Any
    confidence: float
    basis: str


@dataclass(frozen=True)
class Floor:
    """Where a curve stops decreasing: its level, and the first point at which the mean curve has come down to it."""

    level: Estimate
    start: float


@dataclass(frozen=True)
class Convergence:
    """How a curve decreases.

    Parameters
    ----------
    kind : {'linear', 'sublinear', 'undecided'}
        A geometric sequence, a power of the step, or neither for certain.
    rate : Estimate or None
        The factor per step if linear, the exponent of the step if sublinear, None if undecided.
    evidence : Estimate
        log(held-out squared error of the power law / that of the geometric sequence): large and positive if linear.
    """

    kind: Literal["linear", "sublinear", "undecided"]
    rate: Estimate | None
    evidence: Estimate


def slope(
    x: Array,
    y: Array,
    *,
    window: tuple[float, float] | None = None,
    confidence: float = 0.95,
    other_terms: Array | None = None,
    at_most: float = 0.05,
) -> Estimate:
    r"""Return the least-squares slope of :math:`\log E\,y` against :math:`\log x`.

    Parameters
    ----------
    x : array, shape (point,)
        Positive and increasing.
    y : array, shape (run, point) or (point,)
        The curves; rows are independent of each other.
    window : (low, high), optional
        Use the points with low ≤ x ≤ high; by default all.
    confidence : float
        Of the interval.
    other_terms : array, shape (point,) or (term, point), optional
        What the theory's other terms contribute to y; in the window their sum must stay below `at_most` times the
        mean of y, or the slope would not be that of the leading term.
    at_most : float
        See `other_terms`.

    Returns
    -------
    Estimate
        Its basis is asymptotic (jackknife over runs, t), or exact for one deterministic curve.

    Raises
    ------
    WrongUse
        If the window has fewer than 3 points or spans less than a factor 4, if another term is not negligible, or if
        the curves are not positive.

    Examples
    --------
    >>> steps = np.array([10.0, 100.0, 1000.0])
    >>> round(slope(steps, 3 / np.sqrt(steps)).value, 12)
    -0.5
    """
    x, y = _curves("slope", x, y)
    inside = _window("slope", x, window)
    if other_terms is not None:
        share = (np.atleast_2d(other_terms).sum(axis=0) / y.mean(axis=0))[inside]
        if not (share <= at_most).all():
            raise WrongUse(
                "slope(x, y, other_terms=…)",
                f"in the window the other terms make up to {share.max():.3g} of y, more than {at_most:g}",
                "choose a window or a setting in which they are negligible",
            )
    weights = _slope_weights(np.log(x[inside]))
    return _estimate("slope", lambda mean: np.log(mean) @ weights, y[:, inside], confidence)


def floor(x: Array, y: Array, *, margin: float = 0.1, confidence: float = 0.95) -> Floor | None:
    """Return where a curve stops decreasing and the level at which it stays, or None if that is not established.

    The curve has a floor if its log-log slope over the last three quarters of `x` is equivalent to 0: over this
    factor 4 in x the fitted line changes by less than a factor 1 + margin, with the stated confidence. The level is
    the mean over that stretch, the start the first point at which the mean curve is below (1 + margin) × level.

    Parameters
    ----------
    x, y, confidence
        As in `slope`.
    margin : float
        The relative change that still counts as none.

    Returns
    -------
    Floor or None
        None: the curve still decreases or grows, or there are too few runs to tell.

    Raises
    ------
    WrongUse
        If `x` spans less than a factor 4, or the curves are not positive.

    Examples
    --------
    >>> steps = np.arange(1.0, 101.0)
    >>> found = floor(steps, 0.5 + 2.0 ** -steps)
    >>> round(found.level.value, 6), found.start
    (0.5, 5.0)
    >>> floor(steps, 1 / steps) is None
    True
    """
    x, y = _curves("floor", x, y)
    early = x[x <= x[-1] / 4]
    begin = float(early[-1]) if early.size else float(x[0])
    tail = slope(x, y if len(y) > 1 else y[0], window=(begin, float(x[-1])), confidence=confidence)
    if equivalence(tail, 0.0, math.log1p(margin) / math.log(4)) != "equivalent":
        return None
    level = _estimate("floor", lambda mean: mean.mean(axis=-1), y[:, x >= begin], confidence)
    return Floor(level, float(x[np.argmax(y.mean(axis=0) <= (1 + margin) * level.value)]))


def linear_or_sublinear(
    steps: Array,
    gap: Array,
    *,
    window: tuple[float, float] | None = None,
    confidence: float = 0.95,
    clearly: float = 4.0,
) -> Convergence:
    r"""Tell linear convergence, gap ∝ qᵗ, from sublinear convergence, gap ∝ t^p, and return q or p.

    Both laws are straight lines for log E gap, against t and against log t. Each is fitted to the first 60 % of the
    points in the window and has to foretell the rest.

    Parameters
    ----------
    steps, gap, window, confidence
        As x and y in `slope`; points at step 0 are left out.
    clearly : float
        The squared error of the better law must be smaller by this factor, with the stated confidence.

    Returns
    -------
    Convergence
        Undecided if no law is clearly better, if the curve does not decrease, or if the slopes before and after the
        60 % are not established to agree within a half, as when the curve reaches its floor in the window.

    Raises
    ------
    WrongUse
        If the window has fewer than 6 points or spans less than a factor 4, or the curves are not positive.

    Examples
    --------
    >>> t = np.arange(101.0)
    >>> found = linear_or_sublinear(t, 5 * 0.75**t)
    >>> found.kind, round(found.rate.value, 12)
    ('linear', 0.75)
    >>> linear_or_sublinear(t, 1 / (1 + t)).kind
    'sublinear'
    """
    asked = "linear_or_sublinear"
    steps, gap = np.asarray(steps, dtype=float), np.asarray(gap, dtype=float)
    if steps.ndim == 1 and steps.size and steps[0] == 0:
        steps, gap = steps[1:], gap[..., 1:]
    steps, gap = _curves(asked, steps, gap)
    inside = _window(asked, steps, window, points=6)
    steps, gap = steps[inside], gap[:, inside]
    first = math.ceil(0.6 * steps.size)
    fitted, rest = slice(0, first), slice(first, None)
    scales = {"linear": steps, "sublinear": np.log(steps)}

    def held_out_error(scale: Array, mean: Array) -> Array:
        log = np.log(mean)
        steepness = log[..., fitted] @ _slope_weights(scale[fitted])
        line = log[..., fitted].mean(-1)[..., None] + steepness[..., None] * (scale - scale[fitted].mean())
        # Errors of 1e-12 in a logarithm are rounding; they must not make one exact fit better than another.
        return np.maximum(np.square(log - line)[..., rest].mean(-1), 1e-24)

    def log_ratio(mean: Array) -> Array:
        return np.log(held_out_error(scales["sublinear"], mean) / held_out_error(scales["linear"], mean))

    evidence = _estimate(asked, log_ratio, gap, confidence)
    undecided = Convergence("undecided", None, evidence)
    kind: Literal["linear", "sublinear"]
    if evidence.low > math.log(clearly):
        kind = "linear"
    elif evidence.high < -math.log(clearly):
        kind = "sublinear"
    else:
        return undecided
    scale = scales[kind]
    early, late, whole = (_slope_weights(scale[part]) for part in (fitted, rest, slice(None)))
    if np.log(gap.mean(axis=0))[fitted] @ early >= 0:
        return undecided
    steadiness = _estimate(
        asked, lambda mean: (np.log(mean)[..., rest] @ late) / (np.log(mean)[..., fitted] @ early), gap, confidence
    )
    if equivalence(steadiness, 1.0, 0.5) != "equivalent":
        return undecided
    rate = _estimate(asked, lambda mean: np.log(mean) @ whole, gap, confidence)
    if kind == "linear":
        rate = Estimate(math.exp(rate.value), math.exp(rate.low), math.exp(rate.high), rate.confidence, rate.basis)
    return Convergence(kind, rate, evidence)


def crossover(x: Array, a: Array, b: Array, *, confidence: float = 0.95) -> Estimate | None:
    """Return the x from which the mean of `a` stays under the mean of `b`, or None if `a` does not pass under `b`.

    The interval ends where `a` is no longer significantly above `b` (counted from the left) and where it is
    significantly below from then on. It covers the crossing of two expectations that cross once: to miss it, one test
    at one point next to it must fail, so no correction for many points is needed.

    Parameters
    ----------
    x, confidence
        As in `slope`.
    a, b : array, shape (run, point) or (point,)
        The curves, of one shape; row r of both may share its random numbers.

    Returns
    -------
    Estimate or None
        Interpolated between points in log-log; `low` is 0 or `high` infinite where that side is open.

    Raises
    ------
    WrongUse
        If the curves differ in shape or are not positive.

    Examples
    --------
    >>> x = np.array([1.0, 2.0, 4.0, 8.0])
    >>> found = crossover(x, 4 / x**2, 2 / x)
    >>> round(found.value, 12)
    2.0
    """
    x, a = _curves("crossover", x, a)
    x, b = _curves("crossover", x, b)
    if a.shape != b.shape:
        raise WrongUse("crossover(x, a, b)", f"{a.shape} and {b.shape} differ", "give both curves the same runs")
    log_ratio = np.log(a.mean(axis=0) / b.mean(axis=0))
    not_under = np.flatnonzero(log_ratio >= 0)
    if not_under.size == 0 or not_under[-1] == x.size - 1:
        return None
    i = not_under[-1]
    part = log_ratio[i] / (log_ratio[i] - log_ratio[i + 1])
    value = x[i] * (x[i + 1] / x[i]) ** part
    difference, width, basis = (a - b).mean(axis=0), 0.0, "exact (one deterministic pair)"
    if len(a) > 1:
        width = _t_factor(len(a), confidence) * np.std(a - b, axis=0, ddof=1)
        basis = "asymptotic (t over paired runs)"
    not_above = np.flatnonzero(difference - width <= 0)
    not_below = np.flatnonzero(difference + width >= 0)
    low = x[not_above[0] - 1] if not_above[0] > 0 else 0.0
    high = x[not_below[-1] + 1] if not_below[-1] + 1 < x.size else math.inf
    return Estimate(float(value), float(low), float(high), confidence if len(a) > 1 else 1.0, basis)


def equivalence(estimate: Estimate, target: float, margin: float) -> Literal["equivalent", "different", "undecided"]:
    """Decide whether a number equals its target within a margin (two one-sided tests).

    Parameters
    ----------
    estimate : Estimate
        The number; only its interval counts.
    target, margin : float
        The claim: target − margin ≤ number ≤ target + margin.

    Returns
    -------
    {'equivalent', 'different', 'undecided'}
        'equivalent' if the whole interval lies within the margin, which is wrong with probability at most
        (1 − confidence)/2; 'different' if it lies wholly outside, wrong with probability at most 1 − confidence;
        otherwise the interval is too wide to tell.

    Raises
    ------
    WrongUse
        If the margin is not positive.

    Examples
    --------
    >>> measured = Estimate(-0.52, -0.55, -0.49, 0.95, "asymptotic (t)")
    >>> equivalence(measured, -0.5, 0.1), equivalence(measured, -0.5, 0.04), equivalence(measured, -0.75, 0.1)
    ('equivalent', 'undecided', 'different')
    """
    if not margin > 0:
        raise WrongUse(f"equivalence(…, margin={margin!r})", "the margin is not positive", "state a margin above 0")
    if target - margin <= estimate.low and estimate.high <= target + margin:
        return "equivalent"
    if estimate.high < target - margin or target + margin < estimate.low:
        return "different"
    return "undecided"


def _curves(asked: str, x: Array, y: Array) -> tuple[Array, Array]:
    """Return x as (point,) and y as (run, point) in double precision, checked."""
    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    if x.ndim != 1 or x.size == 0 or y.ndim not in (1, 2) or y.shape[-1] != x.size:
        raise WrongUse(
            asked, f"shapes {x.shape} and {y.shape} do not fit", "give x as (point,), y as (run, point) or (point,)"
        )
    if not (np.isfinite(x).all() and x[0] > 0 and (np.diff(x) > 0).all()):
        raise WrongUse(asked, "x is not positive and increasing", "leave out step 0 and sort the points")
    if y.ndim == 2 and len(y) < 2:
        raise WrongUse(
            asked, "one run has no spread", "give at least 2 runs, or one deterministic curve of shape (point,)"
        )
    if not np.isfinite(y).all() or not (y.mean(axis=0) > 0 if y.ndim == 2 else y > 0).all():
        raise WrongUse(
            asked, "a curve holds infinities, NaN, or a mean that is not positive", "leave out diverged runs and zeros"
        )
    return x, np.atleast_2d(y)


def _window(asked: str, x: Array, window: tuple[float, float] | None, points: int = 3) -> Array:
    """Return which points lie in the window, if these are enough to fit a line to."""
    low, high = (-math.inf, math.inf) if window is None else window
    inside = (x >= low) & (x <= high)
    used = x[inside]
    if used.size < points or not used[-1] >= 4 * used[0]:
        span = f" that span a factor {used[-1] / used[0]:.3g}" if used.size else ""
        raise WrongUse(
            f"{asked}(…, window={window!r})",
            f"the window is too short: {used.size} points{span}",
            f"give a window with at least {points} points that spans at least a factor 4",
        )
    return inside


def _slope_weights(x: Array) -> Array:
    """Return w with w·y = the least-squares slope of y against x."""
    centred = x - x.mean()
    return centred / np.square(centred).sum()


def _t_factor(runs: int, confidence: float) -> float:
    """Return the half-width of a two-sided t interval of a mean, in standard deviations of one run."""
    return float(stdtrit(runs - 1, (1 + confidence) / 2)) / math.sqrt(runs)


def _estimate(asked: str, statistic: Callable[[Array], Array], y: Array, confidence: float) -> Estimate:
    """Return a statistic of the mean over runs with its jackknife interval; it maps (…, point) to (…)."""
    mean = y.mean(axis=0)
    whole = float(statistic(mean))
    runs = len(y)
    if runs == 1:
        return Estimate(whole, whole, whole, 1.0, "exact (one deterministic curve)")
    left_out = (runs * mean - y) / (runs - 1)
    if not (left_out > 0).all():
        raise WrongUse(asked, "without one of the runs the mean is not positive", "give more runs, or leave out zeros")
    pseudo_values = runs * whole - (runs - 1) * statistic(left_out)
    value = float(pseudo_values.mean())
    width = _t_factor(runs, confidence) * float(np.std(pseudo_values, ddof=1))
    return Estimate(value, value - width, value + width, confidence, "asymptotic (jackknife over runs, t)")
