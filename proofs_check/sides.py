"""From both sides of a statement to an instance of its claim."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from proofs_check.claim import Instance
from proofs_check.statistics import Decision, decide_exact, mean_interval, proportion_interval
from toolkit.arrays import Array
from toolkit.rates import Estimate, equivalence

__all__ = ["agreement", "equality", "expectation", "inequality", "mean_equality", "proportion"]

AGREEMENT = {"equivalent": "holds", "different": "violated", "undecided": "undecided"}
EPS = float(np.finfo(float).eps)


def inequality(
    name: str, left: Any, right: Any, *, rounding: float, kinds: Sequence[str] = (), reason: str = ""
) -> Instance:
    """Judge the deterministic inequality left ≤ right at many points; `tight` if a point attains it to rounding.

    Parameters
    ----------
    name : str
        Name of the instance.
    left, right : array, shape (point,)
        Both sides; the right one broadcasts.
    rounding : float
        Allowance in eps × the larger side, for the verdict and for 'attained' alike.
    kinds : sequence of str, one per point, optional
        What each point is; the reason names the one where the ratio is largest.
    reason : str
        What else is to be said.

    Returns
    -------
    Instance
        With both sides where their ratio is largest. Points with a right side of 0 are judged, but attain nothing.

    Examples
    --------
    >>> one = inequality("an example", [1.0, 2.0], [3.0, 2.0], rounding=1, kinds=["first", "second"])
    >>> one.verdict, one.ratio, one.reason
    ('tight', 1.0, 'attained by second')
    """
    left, right = _sides(left, right)
    decision = decide_exact(left, right, rounding=rounding)
    positive = right > 0
    with np.errstate(invalid="ignore"):
        ratio = np.divide(left, right, out=np.full(left.shape, -np.inf), where=positive)
    at = int(np.argmax(ratio))
    attained = positive[at] and left[at] >= right[at] * (1 - rounding * EPS)
    verdict = "tight" if decision.verdict == "holds" and attained else decision.verdict
    parts = [decision.reason, reason]
    if kinds and positive[at]:
        parts.insert(1, f"{'attained' if attained else 'closest'} by {kinds[at]}")
    return Instance(
        name,
        verdict,
        measured=float(left[at]),
        bound=float(right[at]),
        ratio=float(ratio[at]) if positive[at] else None,
        reason="; ".join(part for part in parts if part),
    )


def equality(
    name: str, left: Any, right: Any, *, rounding: float, scale: Any = None, kinds: Sequence[str] = (), reason: str = ""
) -> Instance:
    """Judge the deterministic equality left = right at many points.

    Parameters
    ----------
    name, left, right, kinds, reason
        As in `inequality`.
    rounding : float
        Allowance in eps × scale.
    scale : array, shape (point,), optional
        Magnitude of the numbers that were rounded on the way; by default that of the larger side.

    Returns
    -------
    Instance
        With both sides where they differ most against the scale; the reason states that difference and the allowance.

    Examples
    --------
    >>> one = equality("an example", [0.1 + 0.2, 1.0], [0.3, 1.0], rounding=1)
    >>> one.verdict, one.reason
    ('holds', 'differs by at most 0.83 eps, allowed 1')
    """
    left, right = _sides(left, right)
    magnitude = np.maximum(abs(left), abs(right)) if scale is None else np.broadcast_to(scale, left.shape)
    decision = decide_exact(left, right, rounding=rounding, equal=True, scale=magnitude)
    with np.errstate(invalid="ignore"):
        difference = abs(left - right)
    # Where nothing was rounded, a difference counts as infinitely many eps.
    apart = np.divide(difference, EPS * magnitude, out=np.where(difference > 0, np.inf, 0.0), where=magnitude > 0)
    at = int(np.argmax(apart))  # the first NaN, if there is one
    if apart[at] == 0:
        at = int(np.argmax(abs(right)))
    parts = [decision.reason, f"differs by at most {apart[at]:.2g} eps, allowed {rounding:g}", reason]
    if kinds and apart[at] > 0:
        parts.insert(2, f"most by {kinds[at]}")
    return Instance(
        name,
        decision.verdict,
        measured=float(left[at]),
        bound=float(right[at]),
        ratio=float(left[at] / right[at]) if right[at] else None,
        reason="; ".join(part for part in parts if part),
    )


def expectation(name: str, decision: Decision, *, error_probability: float | None = None, reason: str = "") -> Instance:
    """Return the instance of an inequality between expectations that was decided from independent runs.

    Parameters
    ----------
    name : str
        Name of the instance.
    decision : Decision
        What `proofs_check.statistics` decided.
    error_probability : float, optional
        That of the whole instance where more than the decision rests on chance, as a bound that was itself measured.
    reason : str
        What else is to be said.

    Returns
    -------
    Instance
        With both sides, means over the runs, where their ratio is largest.
    """
    measured, bound = np.ravel(decision.measured), np.ravel(decision.bound)
    with np.errstate(invalid="ignore"):
        ratio = np.divide(measured, bound, out=np.full(measured.shape, -np.inf), where=bound > 0)
    at = int(np.nanargmax(ratio)) if not np.isnan(ratio).all() else 0
    return Instance(
        name,
        decision.verdict,
        measured=float(measured[at]),
        bound=float(bound[at]),
        ratio=decision.ratio,
        error_probability=decision.error_probability if error_probability is None else error_probability,
        basis=decision.basis,
        runs=decision.runs or 1,
        reason="; ".join(part for part in (decision.reason, reason) if part),
    )


def mean_equality(
    name: str, samples: Array, law: Any, *, error_probability: float, method: str = "t", support: Any = None,
    reason: str = "",
) -> Instance:  # fmt: skip
    """Judge that independent runs have the mean a law says, at all points together.

    Parameters
    ----------
    name : str
        Name of the instance.
    samples : array, shape (run, point…)
        Independent runs.
    law : array that broadcasts to (point…)
        The mean they are said to have.
    error_probability : float
        Probability that a true law is called violated.
    method, support
        As in `mean_interval`.
    reason : str
        What else is to be said.

    Returns
    -------
    Instance
        With both sides where they differ most against the width of the interval, which the reason states.

    Examples
    --------
    >>> runs = np.array([[1.0, 5.0], [2.0, 5.0], [3.0, 5.0]])
    >>> mean_equality("an example", runs, [2.5, 5.0], error_probability=0.01).verdict
    'holds'
    >>> mean_equality("an example", runs, [2.5, 6.0], error_probability=0.01).verdict
    'violated'
    """
    found = mean_interval(samples, error_probability, method=method, support=support, simultaneous=True)
    law = np.broadcast_to(np.asarray(law, dtype=float), found.value.shape)
    below, above = (np.ravel(part) for part in (found.value - found.low, found.high - found.value))
    apart = np.ravel(law - found.value)
    half = np.where(apart < 0, below, above)
    rounding = EPS * np.maximum(np.abs(np.ravel(law)), np.abs(np.ravel(found.value)))  # samples that all agree
    outside = np.divide(np.abs(apart), half + rounding, out=np.zeros(apart.shape), where=half + rounding > 0)
    at = int(np.argmax(outside))
    measured, bound = float(np.ravel(found.value)[at]), float(np.ravel(law)[at])
    width = f"within {100 * half[at] / abs(bound):.2g} %" if bound else f"within {half[at]:.2g}"
    verdict = "violated" if outside[at] > 1 else "holds" if np.isfinite(half).all() else "undecided"
    return Instance(
        name, verdict, measured, bound, measured / bound if bound else None, error_probability, found.basis,
        len(samples), "; ".join(part for part in (f"the mean of the runs is known {width}", reason) if part),
    )  # fmt: skip


def agreement(name: str, found: Estimate, target: float, margin: float, *, runs: int = 1, reason: str = "") -> Instance:
    """Judge whether a measured number, known by its interval, is a target to within a margin.

    Parameters
    ----------
    name : str
        Name of the instance.
    found : Estimate
        The number with its interval.
    target, margin : float
        The statement: target − margin ≤ number ≤ target + margin.
    runs : int
        Number of independent runs behind it.
    reason : str
        What else is to be said.

    Examples
    --------
    >>> one = agreement("a slope", Estimate(-0.51, -0.53, -0.49, 0.99, "asymptotic (t)"), -0.5, 0.05, runs=8)
    >>> one.verdict, one.reason
    ('holds', 'in [-0.53, -0.49], margin ±0.05')
    """
    parts = [f"in [{found.low:.4g}, {found.high:.4g}], margin ±{margin:.3g}", reason]
    return Instance(
        name,
        AGREEMENT[equivalence(found, target, margin)],
        measured=float(found.value),
        bound=target,
        ratio=float(found.value / target) if target else None,
        error_probability=1 - found.confidence,
        basis=found.basis,
        runs=runs,
        reason="; ".join(part for part in parts if part),
    )


def proportion(
    name: str,
    successes: int,
    trials: int,
    bound: float,
    *,
    at_least: bool,
    error_probability: float,
    reason: str = "",
) -> Instance:
    """Judge whether a probability, known by a count, is at least or at most a bound.

    Parameters
    ----------
    name : str
        Name of the instance.
    successes, trials : int
        0 ≤ successes ≤ trials, trials ≥ 1.
    bound : float
        What the probability is compared with.
    at_least : bool
        Whether it is to be at least the bound; else at most.
    error_probability : float
        Probability of a wrong verdict, at most; that of an interval which fails on either side is twice as large.
    reason : str
        What else is to be said.

    Examples
    --------
    >>> one = proportion("heads", 20, 20, 0.5, at_least=True, error_probability=1e-3)
    >>> one.verdict, one.reason
    ('holds', '20 of 20: in [0.708, 1]')
    """
    found = proportion_interval(successes, trials, 2 * error_probability)
    holds, fails = found.low >= bound, found.high < bound
    if not at_least:
        holds, fails = found.high <= bound, found.low > bound
    value = float(found.value)
    return Instance(
        name,
        "holds" if holds else "violated" if fails else "undecided",
        measured=value,
        bound=bound,
        ratio=value / bound,
        error_probability=error_probability,
        basis=found.basis,
        runs=trials,
        reason="; ".join(
            part for part in (f"{successes} of {trials}: in [{found.low:.3g}, {found.high:.3g}]", reason) if part
        ),
    )


def _sides(left: Any, right: Any) -> tuple[Array, Array]:
    left = np.ravel(np.asarray(left, dtype=float))
    right = np.asarray(right, dtype=float)
    return left, np.ravel(right) if right.size == left.size else np.broadcast_to(right, left.shape)
