"""Optimistic gradient descent on strongly convex functions: no function is worse than a parabola."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction as Q
from math import sqrt
from typing import TYPE_CHECKING

from problems import Quadratic
from proofs_check.claim import Claim, Instance
from proofs_check.claims.worst_case.every_step import LAST, STEPS, judged_rate, last_factor
from proofs_check.worst_case.classics import OptimisticGradient
from proofs_check.worst_case.functions import Smooth
from proofs_check.worst_case.measures import distance
from proofs_check.worst_case.tracing import trace
from toolkit.experiment import Experiment

if TYPE_CHECKING:
    import xarray

POINTS = {
    "quick": ((Q(1, 10), Q(1, 2)), (Q(1, 10), Q(13, 20))),
    "full": tuple((mu, stepsize) for mu in (Q(1, 50), Q(1, 10), Q(1, 2)) for stepsize in (Q(1, 5), Q(1, 2), Q(13, 20))),
}


def optimistic_factor(h: float, stepsize: float) -> float:
    r"""Return λ², by which f = h x²/2 falls per step of optimistic gradient descent, in the long run.

    .. math:: |\lambda| = \tfrac12 \left(|1 - 2\gamma h| + \sqrt{1 + 4\gamma^2 h^2}\right),

    the larger modulus of a root of λ² − (1 − 2γh)λ − γh = 0; it is below 1 where 0 < γh < 2/3.

    Examples
    --------
    >>> optimistic_factor(1.0, 2 / 3)
    1.0
    """
    t = 2 * stepsize * h
    return ((abs(1 - t) + sqrt(1 + t * t)) / 2) ** 2


class OptimisticDescent(Claim):
    """The rate of optimistic gradient descent, proved for every N by a Lyapunov function that was searched for."""

    id = "WC-optimistic-distance"
    title = "Optimistic gradient descent: the exact rate of the distance, for every number of steps"
    statement = (
        r"\lVert x_N-x^\star\rVert^2\le c\,\lambda^{2N}V(x_0)\text{ for every }N,\quad "
        r"\lambda=\max_{h\in\{\mu,L\}}\tfrac12\left(|1-2\gamma h|+\sqrt{1+4\gamma^2h^2}\right),"
        r"\text{ and a run has this rate}"
    )
    reference = "the roots of the recursion on parabolas (derived); that no function is worse: searched for and proved"
    status = "derived"
    kind = "tight"
    expected = "tight"

    def experiments(self, level: str) -> dict[str, Experiment]:
        return {
            f"{mu}, {stepsize}, {h}": Experiment(
                Quadratic(hessians=[[float(h)]]), OptimisticGradient(), stepsize=float(stepsize), steps=STEPS,
                x0=(1.0,), record=(STEPS - LAST, STEPS),
            )
            for mu, stepsize in POINTS[level]
            for h in (mu, Q(1))
        }  # fmt: skip

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        return [self.judged(data, *point) for point in POINTS[level]]

    def judged(self, data: Mapping[str, xarray.Dataset], mu: Q, stepsize: Q) -> Instance:
        """Return the instance of one setting, L = 1: measured is the larger factor per step of the two runs."""
        return judged_rate(
            f"μ = {mu}, γ = {stepsize}",
            max(last_factor(data[f"{mu}, {stepsize}, {h}"]) for h in (mu, Q(1))),
            max(optimistic_factor(float(h), float(stepsize)) for h in (mu, Q(1))),
            lambda steps: trace(OptimisticGradient(stepsize=stepsize), Smooth(mu=mu, L=1), steps=steps, start="any"),
            distance,
        )
