"""Rates that hold for every number of steps, of the distance and of the gradient: proofs, and runs that have them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction as Q
from typing import TYPE_CHECKING, Any, ClassVar

from problems.quadratic import Quadratic
from proofs_check.claim import Claim, Instance
from proofs_check.convergence import curve
from proofs_check.extremal import Stretch
from proofs_check.worst_case.certifying import Uncertified
from proofs_check.worst_case.functions import Smooth
from proofs_check.worst_case.lyapunov import certify_every_step
from proofs_check.worst_case.measures import distance, gradient
from proofs_check.worst_case.messages import Contractive
from proofs_check.worst_case.rational import at_most
from proofs_check.worst_case.settings import best_stepsize, feedback_factor
from proofs_check.worst_case.solving import Unsolved
from proofs_check.worst_case.tracing import Trace, trace
from toolkit.algorithms import Algorithm
from toolkit.algorithms.ef21 import EF21
from toolkit.algorithms.error_feedback import ErrorFeedback
from toolkit.experiment import Experiment

if TYPE_CHECKING:
    import xarray

# μ, s, and the step size over the best one, from 1 + μ on which nothing contracts; L = 1.
POINTS = {
    "quick": ((Q(1, 10), Q(1, 2), Q(1, 2)), (Q(1, 10), Q(1, 2), Q(21, 20))),
    "full": tuple(
        (mu, s, scale)
        for mu, s in ((Q(1, 10), Q(1, 2)), (Q(1, 2), Q(1, 4)), (Q(1, 50), Q(3, 10)))
        for scale in (Q(1, 4), Q(1, 2), Q(9, 10), 1 + mu / 2)
    ),
}
STEPS, LAST = 60, 20  # of a run, and those over which its factor is taken
SLACK, NEAR = 1e-5, 1e-4  # of the proof, and how near a run has to come for it to be tight


def last_factor(run: xarray.Dataset) -> float:
    """Return the factor per step of f − f* over the last steps of a run, which has recorded the first of them."""
    first, last = curve(run, "f_gap")[0]
    return float(last / first) ** (1 / LAST)


def judged_rate(name: str, measured: float, stated: float, run: Callable[[int], Trace], target: Any) -> Instance:
    """Compare a measured factor per step, a stated one, and one proved for every number of steps of symbolic runs."""
    try:
        proof = certify_every_step(run, target, slack=SLACK)
        proof.verified()
    except (Unsolved, Uncertified) as lack:
        return Instance(name, "undecided", measured, reason=str(lack))
    rate = float(proof.rate)
    ratio = measured / rate
    verdict = "violated" if ratio > 1 + 1e-12 else "tight" if ratio >= 1 - NEAR else "holds"
    if not stated <= rate * (1 + 1e-12) <= stated * (1 + NEAR):
        verdict = "violated"
    reason = f"proved: at most {at_most(proof.factor, 4)}·{at_most(proof.rate)}^N V(x_0); stated {stated:.9g}"
    return Instance(name, verdict, measured, rate, ratio, reason=reason)


class EveryStep(Claim):
    """A rate of one method, proved for every N by a Lyapunov function that was searched for."""

    status = "derived"
    kind = "tight"
    expected = "tight"
    method: ClassVar[type[Algorithm]]
    target: ClassVar[Any]  # a Measure
    minimiser: ClassVar[str | None] = "own"

    def factor(self, mu: Q, s: Q, stepsize: Q) -> float:
        """Return the stated factor."""
        return feedback_factor(mu, s, stepsize)

    def experiments(self, level: str) -> dict[str, Experiment]:
        found = {}
        for mu, s, scale in POINTS[level]:
            for h in (mu, Q(1)):
                problem = Quadratic(hessians=[[float(h)]])
                stepsize = float(scale * best_stepsize(mu, s))
                found[f"{mu}, {s}, {scale}, {h}"] = Experiment(
                    problem, self.method(), Stretch(s=float(s)), stepsize=stepsize, steps=STEPS, x0=(1.0,),
                    record=(STEPS - LAST, STEPS),
                )  # fmt: skip
        return found

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        return [self.judged(data, *point) for point in POINTS[level]]

    def judged(self, data: Mapping[str, xarray.Dataset], mu: Q, s: Q, scale: Q) -> Instance:
        """Return the instance of one setting: measured is the larger factor per step of the two runs."""
        stepsize = scale * best_stepsize(mu, s)
        name = f"μ = {mu}, s = {s}, γ = {stepsize}"
        measured = max(last_factor(data[f"{mu}, {s}, {scale}, {h}"]) for h in (mu, Q(1)))
        return judged_rate(name, measured, self.factor(mu, s, stepsize), self.run(mu, s, stepsize), type(self).target)

    def run(self, mu: Q, s: Q, stepsize: Q) -> Callable[[int], Trace]:
        """Return the symbolic runs from any state, by their number of steps."""
        known: dict[str, Any] = {"start": "any", "minimiser": self.minimiser}
        functions, messages = Smooth(mu=mu, L=1), Contractive(delta=1 - s * s)
        return lambda steps: trace(self.method(stepsize=stepsize), functions, messages, steps=steps, **known)


class Feedback(EveryStep):
    """Error feedback in the distance."""

    id = "WC-EF-distance"
    title = "Error feedback: the exact rate of the distance, for every number of steps"
    statement = (
        r"\lVert x_N-x^\star\rVert^2\le c\,r^{2N}V(x_0)\text{ for every }N,"
        r"\quad r^2=b\,r+s,\text{ and a run has this rate}"
    )
    reference = "sheet worst_case_sdp 4.2 (derived)"
    method = ErrorFeedback
    target = staticmethod(distance)


class OfEF21(EveryStep):
    """EF21 in the gradient."""

    id = "WC-EF21-gradient"
    title = "EF21: the exact rate of the squared gradient, for every number of steps"
    statement = (
        r"\lVert\nabla f(x_N)\rVert^2\le c\,r^{2N}V(x_0)\text{ for every }N,"
        r"\quad r^2=b\,r+s,\text{ and a run has this rate}"
    )
    reference = "sheet worst_case_sdp 4.2 (derived)"
    method = EF21
    target = staticmethod(gradient)
    minimiser = None
