"""The rate of optimistic gradient descent: the verdict, what breaks it, and the method against its recursion."""

from __future__ import annotations

from fractions import Fraction as Q

import numpy as np
import pytest

from problems import Quadratic
from proofs_check.claims.worst_case import optimistic_gradient
from proofs_check.claims.worst_case.optimistic_gradient import OptimisticDescent, optimistic_factor
from proofs_check.worst_case import Smooth, distance, solve, trace, worst_case
from proofs_check.worst_case.classics import OptimisticGradient
from tests.proofs_check.judging import Results, claims_in, verdict_of
from toolkit import simulate

CLAIMS = claims_in(optimistic_gradient)


def test_runs_have_the_proved_rate(results: Results) -> None:
    assert verdict_of(OptimisticDescent(), results) == "tight"


@pytest.mark.parametrize("change", [0.99, 1.01])
def test_another_factor_is_violated(change: float, results: Results, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(optimistic_gradient, "optimistic_factor", lambda h, step: change * optimistic_factor(h, step))
    assert verdict_of(OptimisticDescent(), results) == "violated"


def test_from_two_thirds_on_there_is_no_proof(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(optimistic_gradient, "POINTS", {"quick": ((Q(1, 10), Q(2, 3)),)})
    assert verdict_of(OptimisticDescent()) == "undecided"


def test_the_factor_is_that_of_the_recursion_on_a_parabola() -> None:
    for h, stepsize in ((1.0, 0.3), (0.2, 0.5), (1.0, 0.65)):
        roots = np.roots([1, -(1 - 2 * stepsize * h), -stepsize * h])
        assert optimistic_factor(h, stepsize) == pytest.approx(np.max(np.abs(roots)) ** 2, rel=1e-12)
    x = [1.0, 0.7]  # the first step is one of gradient descent
    for _ in range(3):
        x.append(x[-1] - 0.3 * (2 * x[-1] - x[-2]))
    result = simulate(
        Quadratic(hessians=[[1.0]]), OptimisticGradient(), stepsize=0.3, steps=4, x0=[1.0], keep=("x",),
        record="all", progress=False,
    )  # fmt: skip
    assert result.x.values.ravel() == pytest.approx(x, abs=1e-12)


def test_its_worst_function_attains_the_worst_distance() -> None:
    run = trace(OptimisticGradient(stepsize=Q(1, 2)), Smooth(mu=Q(1, 10), L=1), steps=3)
    value = solve(run.worst(distance, distance)).value
    case = worst_case(run)
    result = simulate(
        case.problem, OptimisticGradient(stepsize=0.5), steps=3, x0=case.x0, keep=("x",), progress=False
    )  # fmt: skip
    end = result.x.isel(run=0, step=-1).values
    assert float(np.sum(end * end)) == pytest.approx(value, rel=1e-6)
