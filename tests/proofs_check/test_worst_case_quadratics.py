"""Quadratic functions: their worst cases are those of the worst eigenvalue, and are certified."""

from __future__ import annotations

from fractions import Fraction as Q

import numpy as np
import pytest

from problems import Quadratic
from proofs_check.worst_case import Convex, Smooth, certify, distance, gap, solve, trace
from proofs_check.worst_case.quadratics import assume_quadratic
from proofs_check.worst_case.replaying import replay
from toolkit.algorithms import SGD
from toolkit.errors import WrongUse


def descent(mu, stepsize, steps):
    run = trace(SGD(stepsize=stepsize), Smooth(mu=mu, L=1), steps=steps)
    model = run.worst(gap, distance)
    assume_quadratic(model.functions[0])
    return model


def worst(mu, stepsize, steps):
    h = np.linspace(float(mu), 1.0, 100_001)
    return float(np.max(h / 2 * (1 - float(stepsize) * h) ** (2 * steps)))


@pytest.mark.parametrize("setting", [(Q(0), Q(1, 2), 1), (Q(1, 10), Q(3, 2), 2), (Q(1, 10), Q(20, 11), 3)])
def test_descent_has_the_factor_of_the_worst_eigenvalue(setting):
    assert solve(descent(*setting)).value == pytest.approx(worst(*setting), rel=1e-6)


@pytest.mark.parametrize("setting", [(Q(0), Q(1, 2), 1), (Q(1, 10), Q(3, 2), 2)])
def test_it_is_certified(setting):
    certificate = certify(descent(*setting))
    assert worst(*setting) <= certificate.bound <= worst(*setting) * (1 + 2e-5)
    assert certificate.verified().startswith("proved: ")


def test_a_run_on_a_quadratic_satisfies_what_is_assumed():
    model, h = descent(Q(1, 10), Q(3, 2), 3), np.array([0.1, 0.35, 0.8, 1.0])
    start, roots = np.array([1.0, -2.0, 0.5, 3.0]), np.sqrt((h - 0.1) * (1 - h))
    iterates = [(1 - 1.5 * h) ** k * start for k in range(4)]
    known = {"x_0": start} | {f"w_{k}": roots * x for k, x in enumerate(iterates)}
    found = replay(model, Quadratic(hessians=[h]), lambda x: x, known, np.zeros(4))
    assumed = [one for one in model.constraints() if one.name != "initial"]
    assert sum(one.equality for one in assumed) == 4 + 10 + 6
    for one in assumed:
        value = found.number(one.expression)
        assert abs(value) <= 1e-9 if one.equality else value <= 1e-9, one.name


def test_other_classes_are_refused():
    for kind, minimiser in ((Convex(), "own"), (Smooth(L=1), "infimum")):
        run = trace(SGD(stepsize=Q(1)), kind, steps=1, minimiser=minimiser)
        with pytest.raises(WrongUse, match="as a quadratic"):
            assume_quadratic(run.model.functions[0])
