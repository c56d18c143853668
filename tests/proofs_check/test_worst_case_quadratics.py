"""Quadratic functions: their worst cases are those of the worst eigenvalue, and are certified."""

from __future__ import annotations

import copy
from fractions import Fraction as Q
from typing import Any

import numpy as np
import pytest

from problems import Quadratic as Problem
from proofs_check.worst_case import (
    Contractive,
    Convex,
    EF21Potential,
    ErrorFeedbackPotential,
    Projection,
    Quadratic,
    Smooth,
    Unbiased,
    assemble,
    certify,
    certify_tightly,
    distance,
    exhibit,
    gap,
    solve,
    statement,
    trace,
    verify,
)
from proofs_check.worst_case.certificate import lower_certificate, upper_certificate
from proofs_check.worst_case.exact_runs import exact_runs
from proofs_check.worst_case.program import assemble_exactly
from proofs_check.worst_case.quadratics import assume_quadratic
from proofs_check.worst_case.replaying import Replay, replay
from proofs_check.worst_case.settings import best_stepsize, feedback_factor
from toolkit.algorithms import EF21, SGD, CompressedSGD, ErrorFeedback
from toolkit.errors import WrongUse

MU, S = Q(1, 10), Q(1, 2)
KIND = Contractive(delta=1 - S * S)


def descent(mu, stepsize, steps):
    return trace(SGD(stepsize=stepsize), Quadratic(mu=mu, L=1), steps=steps).worst(gap, distance)


def worst(mu, stepsize, steps):
    h = np.linspace(float(mu), 1.0, 100_001)
    return float(np.max(h / 2 * (1 - float(stepsize) * h) ** (2 * steps)))


@pytest.mark.parametrize("steps", [1, 2, 3, 4, 6])
@pytest.mark.parametrize(("mu", "stepsize"), [(Q(0), Q(1, 2)), (MU, Q(3, 2)), (MU, Q(20, 11))])
def test_descent_has_the_factor_of_the_worst_eigenvalue_and_is_certified(mu, stepsize, steps):
    model, value = descent(mu, stepsize, steps), worst(mu, stepsize, steps)
    assert solve(model).value == pytest.approx(value, rel=1e-6)
    above = certify(model)
    # The grid of eigenvalues misses the worst one by 5e-6, and what is worst there by the square of it.
    assert value * (1 - 1e-9) <= above.bound <= value * (1 + 1.01e-5)
    assert above.verified().startswith("proved: ")


def test_row_7_of_the_oracle_table_is_proved():
    model = trace(SGD(stepsize=Q(1, 3)), Quadratic(mu=Q(3, 10), L=3), steps=4).worst(gap, distance)
    value = Q(8, 9) ** 8 / 6
    above = certify(model)
    assert value <= above.bound <= value * (1 + Q(101, 10**7))
    assert above.verified().endswith("where <x_0, x_0> + -1 <= 0")


def test_rates_that_are_rational_are_proved_without_slack():
    for steps in (1, 2):
        run = trace(SGD(stepsize=Q(20, 11)), Quadratic(mu=MU, L=1), steps=steps)
        assert certify_tightly(run.worst(gap, gap)).bound == Q(9, 11) ** (2 * steps)
    run = trace(CompressedSGD(stepsize=Q(1)), Quadratic(mu=MU, L=1), KIND, steps=1)
    assert certify_tightly(run.worst(gap, gap)).bound == Q(361, 400)


def compressed(name: str, steps: int, kind: Any = Quadratic) -> Any:
    functions, η = kind(mu=MU, L=1), best_stepsize(MU, S)
    if name == "CGD":
        return trace(CompressedSGD(stepsize=Q(1)), functions, KIND, steps=steps).worst(gap, gap)
    if name == "EF":
        return trace(ErrorFeedback(stepsize=Q(1, 2)), functions, KIND, steps=steps).worst(gap, gap)
    potential = {"EF, potential": ErrorFeedbackPotential, "EF21": EF21Potential}[name](S)
    method, minimiser = (ErrorFeedback, "own") if name == "EF, potential" else (EF21, None)
    run = trace(method(stepsize=η), functions, KIND, steps=steps, start="any", minimiser=minimiser)
    return run.worst(potential, potential)


@pytest.mark.parametrize("steps", [1, 4])
@pytest.mark.parametrize("name", ["CGD", "EF", "EF, potential", "EF21"])
def test_compressed_methods_are_certified(name, steps):
    """CGD's and the potentials' worst functions among all are quadratic; those of the gap after EF are not."""
    above, smooth = certify(compressed(name, steps)), compressed(name, steps, Smooth)
    assert above.verified()
    if name == "EF" and steps == 4:
        assert above.bound < exhibit(smooth).bound
    else:
        assert above.bound == pytest.approx(solve(smooth).value, rel=1.02e-5)
    if name in ("EF, potential", "EF21"):
        assert float(above.bound) >= feedback_factor(MU, S, best_stepsize(MU, S)) ** steps


def test_models_of_moments_and_of_workers_with_functions_of_their_own():
    run = trace(CompressedSGD(stepsize=Q(1, 2)), Quadratic(mu=MU, L=1), Unbiased(omega=1), steps=2)
    above = certify(run.worst(distance, distance))
    assert above.verified()
    factor = max((1 - h / 2) ** 2 + h**2 / 4 for h in (0.1, 1.0))
    assert factor**2 <= above.bound <= factor**2 * (1 + 1.01e-5)
    # The mean of two quadratics with different minimisers is one.
    model = trace(SGD(stepsize=Q(1, 2)), Quadratic(mu=MU, L=1), steps=2, workers=2).worst(gap, distance)
    assert certify(model).bound == pytest.approx(worst(MU, Q(1, 2), 2), rel=1.02e-5)
    # One that is not convex, and has no minimiser: |x_2 − x_1| / |x_1 − x_0| is at most 1 − ημ.
    run = trace(SGD(stepsize=Q(1, 2)), Quadratic(mu=-1, L=1), steps=2, minimiser=None)
    x = [state.x[0, 0, 0] for state in run.states]
    run.model.assume("initial", (x[1] - x[0]) ** 2 <= 1)
    run.model.maximise((x[2] - x[1]) ** 2)
    assert solve(run.model).value == pytest.approx(9 / 4, rel=1e-6)


BOTH_SIDES = {
    "GD, 5 steps": lambda: descent(MU, Q(3, 2), 5),
    "row 7": lambda: trace(SGD(stepsize=Q(1, 3)), Quadratic(mu=Q(3, 10), L=3), steps=4).worst(gap, distance),
    "CGD, 4 steps": lambda: compressed("CGD", 4),
    "EF, 4 steps": lambda: compressed("EF", 4),
    "EF from any state": lambda: compressed("EF, potential", 3),
    "EF21": lambda: compressed("EF21", 3),
    "two workers": lambda: trace(SGD(stepsize=Q(1, 2)), Quadratic(mu=MU, L=1), steps=2, workers=2).worst(gap, distance),
    "projection": lambda: trace(
        CompressedSGD(stepsize=Q(1)), Quadratic(mu=MU, L=1), Projection(delta=Q(3, 4)), steps=1
    ).worst(gap, gap),
}


@pytest.mark.parametrize("name", BOTH_SIDES)
def test_exact_instances_and_multipliers_bound_from_both_sides(name):
    """Instances are run again in fractions, but for the projection, whose equality a rounded message breaks."""
    model = BOTH_SIDES[name]()
    above, below = certify(model), exhibit(model)
    assert above.verified()
    assert below.verified()
    assert below.bound <= above.bound <= below.bound * (1 + Q(21, 10**6))
    exactly = assemble_exactly(model)[1]
    lines = np.column_stack([exactly.A, exactly.b[:, :-1]])[exactly.equality]
    for instance in exact_runs(model, exactly, solve(model)):
        assert (lines @ np.array(instance, dtype=object)).any() == (name == "projection")


def instance(h: Q) -> dict[str, Any]:
    """Return the certificate that one step of length 1 on hx²/2 from x = 1 makes."""
    model = descent(MU, Q(1), 1)
    g, y = h, 1 - h
    line = [Q(1), g, h * y]  # x_0, g_0, g_1 in one dimension; then the Gram matrix of w_0 and w_1
    gram = [[line[i] * line[j] for i in range(j + 1)] for j in range(3)]
    bend = (h - MU) * (1 - h)
    gram += [[Q(0), Q(0), Q(0), bend], [Q(0), Q(0), Q(0), bend * y, bend * y * y]]
    values = {f"f_{k}": h * x * x / 2 for k, x in enumerate((Q(1), y))}
    return lower_certificate(statement(model), h * y * y / 2, gram, [values[name] for name in model.scalars]).document


def test_lower_bounds_are_those_of_eigenvalues_within_the_class():
    assert verify.check(instance(Q(1, 3))) == "proved: f_1 can be 2/27, where <x_0, x_0> + -1 <= 0"
    for h in (Q(1, 20), Q(11, 10)):
        with pytest.raises(verify.Refused, match="not positive semidefinite"):
            verify.check(instance(h))
    document = instance(Q(1, 3))
    for row, column, reason in ((4, 4, r"f\(1,1\) bent"), (2, 0, r"f\(0,1\)"), (1, 1, r"f\(0,0\) bent")):
        changed = copy.deepcopy(document)
        changed["proof"]["gram"][row][column] = "5"
        with pytest.raises(verify.Refused, match=reason):
            verify.check(changed)
    document["proof"]["gram"] = document["proof"]["gram"][:3]
    with pytest.raises(verify.Refused, match="missing"):
        verify.check(document)


def test_a_multiplier_of_the_matrix_inequality_is_no_free_number():
    """Those of ⟨w_i, w_j⟩ have any sign one by one, but together they are a positive semidefinite matrix."""
    document = certify(descent(MU, Q(3, 2), 2)).document
    for name, value in (("f(0,0) bent", "-1/1000"), ("f(0,2) bent", "9"), ("f(0,1)", "9"), ("f(2,2)", "9")):
        changed = copy.deepcopy(document)
        changed["proof"]["multipliers"][name] = value
        with pytest.raises(verify.Refused, match=r"semidefinite|cancel"):
            verify.check(changed)
    # Smooth functions that are not quadratic are worse, so that their statement is not proved by these multipliers.
    raw = copy.deepcopy(document["statement"])
    raw["functions"][0]["class"] = "smooth"
    told = {name: Q(value) for name, value in document["proof"]["multipliers"].items()}
    with pytest.raises(verify.Refused):
        verify.check(upper_certificate(raw, Q(document["bound"]), told).document)


def test_random_quadratics_and_errors_stay_below_the_bound():
    generator, steps = np.random.default_rng(0), 2
    bound, largest = float(certify(compressed("CGD", steps)).bound), 0.0
    for _ in range(500):
        d = int(generator.integers(1, 4))
        U = np.linalg.qr(generator.normal(size=(d, d)))[0]
        A = U @ np.diag(generator.choice([0.1, 0.4, 1.0], size=d)) @ U.T
        x = generator.normal(size=d)
        first = x @ A @ x
        for _ in range(steps):
            error = generator.normal(size=d)
            x = x - A @ x + float(S) * np.linalg.norm(A @ x) * error / np.linalg.norm(error)
        largest = max(largest, x @ A @ x / first)
    assert 0.9 * bound < largest <= bound


def test_a_run_on_a_quadratic_satisfies_what_is_assumed():
    model, h = descent(MU, Q(3, 2), 3), np.array([0.1, 0.35, 0.8, 1.0])
    start, roots = np.array([1.0, -2.0, 0.5, 3.0]), np.sqrt((h - 0.1) * (1 - h))
    found = replay(model, Problem(hessians=[h]), lambda x: x, {"x_0": start}, np.zeros(4))
    further = [roots * (1 - 1.5 * h) ** k * start for k in range(4)]
    found = Replay(np.vstack([found.vectors, further]), found.scalars)
    conditions = [one for one in model.constraints() if one.name != "initial"]
    assert [one.equality for one in conditions] == [True] * 20
    assert max(abs(found.number(one.expression)) for one in conditions) <= 1e-9
    assert assemble(model).blocks()[1] == [5, 4]


def test_a_model_that_is_there_may_be_taken_for_quadratic():
    model = trace(SGD(stepsize=Q(1, 2)), Smooth(L=1), steps=1).worst(gap, distance)
    assert solve(model).value == pytest.approx(1 / 4, rel=1e-6)
    assume_quadratic(model.functions[0])
    assert solve(model).value == pytest.approx(4 / 27, rel=1e-6)
    for kind, minimiser in ((Convex(), "own"), (Smooth(L=1), "infimum"), (Smooth(mu=-1), "own")):
        run = trace(SGD(stepsize=Q(1)), kind, steps=1, minimiser=minimiser)
        with pytest.raises(WrongUse, match="quadratic"):
            assume_quadratic(run.model.functions[0])
    for mu, minimiser in ((0, "infimum"), (-1, "own")):
        with pytest.raises(WrongUse, match="not modelled for quadratic functions"):
            trace(SGD(stepsize=Q(1)), Quadratic(mu=mu), steps=1, minimiser=minimiser)
