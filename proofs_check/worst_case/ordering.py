"""Error feedback against compressed descent without memory, where messages project: which has the better exact rate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from math import log

from proofs_check.worst_case.functions import Smooth
from proofs_check.worst_case.lyapunov import LyapunovProof, Search, certify_every_step
from proofs_check.worst_case.measures import gap
from proofs_check.worst_case.messages import Contractive, Projection
from proofs_check.worst_case.settings import best_stepsize
from proofs_check.worst_case.tracing import Trace, trace
from proofs_check.worst_case.zigzag import best_zigzag_factor
from toolkit.algorithms import Algorithm
from toolkit.algorithms.error_feedback import ErrorFeedback

__all__ = ["Comparison", "best_scale", "compare", "feedback"]

FINEST = Fraction(1, 80)  # of a step size, in units of that which is best for all contractive messages
FIRST = Fraction(1, 10)
WORST = 0.3  # an exponent that error feedback always comes to: with its own best step size it is at least 1/2


@dataclass(frozen=True)
class Comparison:
    r"""Rates of both methods at one point, that of error feedback, or of EF21, with its proof.

    Parameters
    ----------
    mu, s : Fraction
        Curvature, L = 1, and relative error of messages.
    stepsize : Fraction
        Of error feedback.
    proof : LyapunovProof
        That f − f* falls at least like ρ^N with error feedback.
    """

    mu: Fraction
    s: Fraction
    stepsize: Fraction
    proof: LyapunovProof

    @property
    def without(self) -> Fraction:
        """The factor that no step size of compressed descent improves on, in the worst case: see `zigzag_factor`."""
        return best_zigzag_factor(self.mu, self.s)

    @property
    def better(self) -> bool:
        """Whether the rate proved for error feedback is below that factor, decided in exact numbers."""
        return self.proof.rate < self.without

    @property
    def gain(self) -> float:
        """How many steps of compressed descent, at its best step size, one of error feedback is worth at least."""
        return log(self.proof.rate) / log(self.without)


def feedback(
    mu: Fraction,
    s: Fraction,
    stepsize: Fraction,
    kind: type[Contractive] = Projection,
    method: type[Algorithm] = ErrorFeedback,
) -> Callable[[int], Trace]:
    """Return the symbolic runs of error feedback, or of EF21, from any state, L = 1, by their number of steps."""

    def run(steps: int) -> Trace:
        functions, messages = Smooth(mu=mu, L=1), kind(delta=1 - s * s)
        return trace(method(stepsize=stepsize), functions, messages, steps=steps, start="any")

    return run


def compare(
    mu: Fraction,
    s: Fraction,
    scale: Fraction,
    gain: float,
    kind: type[Contractive] = Projection,
    method: type[Algorithm] = ErrorFeedback,
) -> Comparison:
    """Return the comparison with a proof of this gain of error feedback, or of EF21, at `scale` times `best_stepsize`.

    Raises
    ------
    Unsolved, Uncertified
        If there is no such proof.

    Examples
    --------
    >>> found = compare(Fraction(1, 10), Fraction(1, 2), Fraction(47, 40), 1.05)
    >>> found.better, round(found.gain, 4), round(float(found.without), 4)
    (True, 1.05, 0.8751)
    """
    stepsize = scale * best_stepsize(mu, s)
    rate = Fraction(float(best_zigzag_factor(mu, s)) ** gain).limit_denominator(10**6)
    return Comparison(mu, s, stepsize, certify_every_step(feedback(mu, s, stepsize, kind, method), gap, rate=rate))


def best_scale(
    mu: Fraction,
    s: Fraction,
    start: Fraction = Fraction(1),
    precision: float = 2e-3,
    finest: Fraction = FINEST,
    method: type[Algorithm] = ErrorFeedback,
) -> tuple[Fraction, float]:
    """Return the step size of error feedback, or EF21, with the largest gain, over `best_stepsize`, and that: numeric.

    The gain rises with the step size, almost in proportion, and then falls steeply; it is climbed from a start, with
    steps that are halved down to the finest. What the solver finds is no proof.
    """
    best, at, factor = 0.0, start, float(best_zigzag_factor(mu, s))

    def climbed(scale: Fraction) -> bool:
        nonlocal best, at
        search = Search(feedback(mu, s, scale * best_stepsize(mu, s), method=method), gap)
        low = max(best, WORST) + precision
        if not search.possible(factor**low):
            return False
        width = precision
        while search.possible(factor ** (low + width)):
            low, width = low + width, 2 * width
        while width > precision:
            width /= 2
            low += width if search.possible(factor ** (low + width)) else 0.0
        best, at = low, scale
        return True

    climbed(start) or climbed(Fraction(1))
    step = FIRST
    while step >= finest:
        if not (climbed(at + step) or (at > 1 and climbed(at - step))):
            step /= 2
    return at, best
