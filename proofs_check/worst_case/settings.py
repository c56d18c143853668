"""Compressed gradient descent, EF and EF21 as published: their Lyapunov functions, best step sizes and rates."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import sqrt
from typing import Any

from proofs_check.worst_case.functions import Smooth
from proofs_check.worst_case.measures import EF21Potential, ErrorFeedbackPotential, gap
from proofs_check.worst_case.messages import Contractive
from proofs_check.worst_case.model import Model
from proofs_check.worst_case.tracing import trace
from toolkit.algorithms.compressed_sgd import CompressedSGD
from toolkit.algorithms.ef21 import EF21
from toolkit.algorithms.error_feedback import ErrorFeedback

__all__ = [
    "FEEDBACK",
    "best_stepsize",
    "cgd",
    "cgd_best_stepsize",
    "cgd_factor",
    "ef21",
    "error_feedback",
    "feedback_factor",
]

Number = Any  # a Fraction; of a model also Swept, of a rate also a float


def cgd(mu: Number, s: Number, stepsize: Number, steps: int = 1, kind: type[Contractive] = Contractive) -> Model:
    """Return f(x_N) − f* of compressed gradient descent, one worker, L = 1, from f(x_0) − f* ≤ 1."""
    run = trace(CompressedSGD(stepsize=stepsize), Smooth(mu=mu, L=1), kind(delta=1 - s * s), steps=steps)
    return run.worst(gap, gap)


def error_feedback(
    mu: Number, s: Number, stepsize: Number, steps: int = 1, workers: int = 1, kind: type[Contractive] = Contractive
) -> Model:
    """Return V_N of error feedback, L = 1, from any state with V_0 ≤ 1; several workers share their minimiser."""
    functions, minimiser = Smooth(mu=mu, L=1), "own" if workers == 1 else "shared"
    run = trace(
        ErrorFeedback(stepsize=stepsize), functions, kind(delta=1 - s * s), steps=steps, workers=workers, start="any",
        minimiser=minimiser,
    )  # fmt: skip
    return run.worst(ErrorFeedbackPotential(s), ErrorFeedbackPotential(s))


def ef21(
    mu: Number, s: Number, stepsize: Number, steps: int = 1, workers: int = 1, kind: type[Contractive] = Contractive
) -> Model:
    """Return V_N of EF21, L = 1, from any state with V_0 ≤ 1; no minimiser is needed."""
    run = trace(
        EF21(stepsize=stepsize), Smooth(mu=mu, L=1), kind(delta=1 - s * s), steps=steps, workers=workers, start="any",
        minimiser=None,
    )  # fmt: skip
    return run.worst(EF21Potential(s), EF21Potential(s))


FEEDBACK: Mapping[str, Callable[..., Model]] = {"EF": error_feedback, "EF21": ef21}  # the methods of one rate


def cgd_best_stepsize(mu: Number, s: Number) -> Number:
    """Return 2/((1 − s)μ + (1 + s)L), the best step size of compressed gradient descent, L = 1."""
    return 2 / ((1 - s) * mu + (1 + s))


def best_stepsize(mu: Number, s: Number) -> Number:
    """Return 2/(L + μ)·(1 − s)/(1 + s), the best step size of EF and of EF21, L = 1."""
    return 2 / (1 + mu) * (1 - s) / (1 + s)


def cgd_factor(mu: Number, s: Number, stepsize: Number) -> float:
    """Return max((1 − η(1 − s)μ)², (1 − η(1 + s)L)²), the factor of compressed gradient descent per step, L = 1.

    Source: de Klerk, Glineur and Taylor 2020, Theorem 5.3, at the best step size; any other: measured on
    worst cases.
    """
    return float(max((1 - stepsize * (1 - s) * mu) ** 2, (1 - stepsize * (1 + s)) ** 2))


def feedback_factor(mu: Number, s: Number, stepsize: Number) -> float:
    """Return r² with r² = b r + s, the factor of EF and of EF21 per step, L = 1.

    b = (1 − s)·max(|1 − η'μ|, |1 − η'L|) with η' = η(1 + s)/(1 − s). Source: Berg Thomsen, Taylor and Dieuleveut 2025,
    Theorems 1 and 2, at the best step size; this form and any other step size: derived.

    Examples
    --------
    >>> from fractions import Fraction as Q
    >>> feedback_factor(Q(3, 5), Q(1, 3), Q(5, 8))
    0.4444444444444444
    """
    longer = stepsize * (1 + s) / (1 - s)
    b = float((1 - s) * max(abs(1 - longer * mu), abs(1 - longer)))
    return ((b + sqrt(b * b + 4 * float(s))) / 2) ** 2
