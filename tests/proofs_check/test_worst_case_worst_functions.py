"""Worst cases as problems and compressors: they are in their classes, and a simulation attains their values."""

from __future__ import annotations

from fractions import Fraction as Q
from math import sqrt

import numpy as np
import pytest

from proofs_check.worst_case import (
    Contractive,
    Convex,
    EF21Potential,
    ErrorFeedbackPotential,
    Lipschitz,
    Quadratic,
    Smooth,
    Unbiased,
    distance,
    gap,
    gradient,
    solve,
    trace,
    worst_case,
)
from proofs_check.worst_case.measures import norm_sq
from proofs_check.worst_case.settings import best_stepsize, cgd_best_stepsize, cgd_factor, feedback_factor
from proofs_check.worst_case.worst_functions import WorstFunctions
from toolkit import simulate
from toolkit.algorithms import EF21, SGD, CompressedSGD, ErrorFeedback
from toolkit.errors import WrongUse
from toolkit.kernels import sum_sq

MU, S = Q(1, 10), Q(1, 2)
KIND = Contractive(delta=1 - S * S)
STEPSIZES = {CompressedSGD: cgd_best_stepsize(MU, S), ErrorFeedback: best_stepsize(MU, S), EF21: best_stepsize(MU, S)}


def last(case, method, steps, keep=()):
    return simulate(
        case.problem, method, case.compressor, steps=steps, x0=case.x0, keep=keep, unproven=True, progress=False
    ).isel(run=0, step=-1)


@pytest.mark.parametrize("steps", [1, 2, 3])
@pytest.mark.parametrize("method", [CompressedSGD, ErrorFeedback, EF21])
def test_a_simulation_attains_the_worst_gap(method, steps):
    run = trace(method(stepsize=STEPSIZES[method]), Smooth(mu=MU, L=1), KIND, steps=steps)
    value = solve(run.worst(gap, gap)).value
    case = worst_case(run)
    assert case.value == pytest.approx(value, rel=1e-6)
    assert float(case.problem.gap(case.x0[None, None])[0]) == pytest.approx(1, abs=1e-6)
    simulated = float(last(case, method(stepsize=float(STEPSIZES[method])), steps).f_gap)
    assert simulated == pytest.approx(value, rel=1e-6)
    if method is CompressedSGD:
        assert simulated == pytest.approx(cgd_factor(MU, S, STEPSIZES[method]) ** steps, rel=1e-6)


@pytest.mark.parametrize("steps", [1, 2, 3])
@pytest.mark.parametrize("method", [ErrorFeedback, EF21])
def test_a_simulation_from_the_worst_state_attains_the_rate_of_the_sheet(method, steps):
    potential, minimiser = (ErrorFeedbackPotential(S), "own") if method is ErrorFeedback else (EF21Potential(S), None)
    stepsize = STEPSIZES[method]
    run = trace(
        method(stepsize=stepsize), Smooth(mu=MU, L=1), KIND, steps=steps, start="any", minimiser=minimiser
    )  # fmt: skip
    run.worst(potential, potential)
    case = worst_case(run)
    field = "memory" if method is ErrorFeedback else "estimate"
    result = last(case, case.begun(method(stepsize=float(stepsize))), steps, keep=("x", field))
    x, other = (result[name].values.reshape(1, 1, -1) for name in ("x", field))
    slope = case.problem.gradient(x)
    if method is ErrorFeedback:
        found = sum_sq(x - other) + sum_sq(other) / float(S)
    else:
        found = sum_sq(slope - other) + float(S) * sum_sq(slope)
    assert float(found[0, 0]) == pytest.approx(feedback_factor(MU, S, stepsize) ** steps, rel=1e-6)


def test_two_workers_with_gradients_of_their_own_at_the_minimiser():
    def spread(run, state):
        return distance(run, state) + norm_sq(run.oracle.at_minimiser(state.x))

    run = trace(CompressedSGD(stepsize=1), Smooth(mu=MU, L=1), KIND, steps=2, workers=2)
    value = solve(run.worst(distance, spread)).value
    case = worst_case(run)
    slopes = case.problem.gradient(np.zeros((1, 1, len(case.x0))))[0]
    assert np.linalg.norm(slopes[0]) > 0.1
    assert slopes[0] == pytest.approx(-slopes[1], abs=1e-4)
    end = last(case, CompressedSGD(stepsize=1.0), 2, keep=("x",)).x.values
    assert np.sum(end * end) == pytest.approx(value, rel=1e-6)


def test_a_worst_function_that_is_not_convex_has_its_minimum_where_it_is_said_to():
    run = trace(SGD(stepsize=Q(1)), Smooth(mu=Q(-1, 2)), steps=2)
    run.worst(gradient, gap, smallest=True)
    case = worst_case(run)
    assert case.problem.f_star == 0
    assert abs(case.problem.value(np.zeros((1, 1, len(case.x0))))[0, 0]) <= 1e-7
    around = np.random.default_rng(0).normal(size=(300, 1, len(case.x0))) * 3
    assert case.problem.value(around).min() >= -1e-7


@pytest.mark.parametrize("mu", [Q(-1), Q(-1, 3), Q(0)])
def test_functions_that_are_not_strongly_convex_stay_above_their_infimum(mu):
    run = trace(CompressedSGD(stepsize=Q(1, 2)), Smooth(mu=mu, L=1), KIND, steps=2, minimiser="infimum")
    run.worst(gradient, gap, smallest=True)
    case = worst_case(run)
    result = last(case, CompressedSGD(stepsize=0.5), 2, keep=("x",))
    slope = case.problem.gradient(result.x.values.reshape(1, 1, -1))
    assert float(sum_sq(slope)[0, 0]) >= case.value - 1e-6
    assert (case.problem.f_star, case.problem.f_inf) == (None, 0)
    around = np.random.default_rng(0).normal(size=(300, 1, len(case.x0))) * 3
    assert case.problem.value(around).min() >= -1e-7


@pytest.mark.parametrize("steps", [2, 4])
@pytest.mark.parametrize("method", [ErrorFeedback, EF21])
def test_the_worst_quadratic_is_one_and_attains_its_value(method, steps):
    run = trace(method(stepsize=Q(1, 2)), Quadratic(mu=MU, L=1), KIND, steps=steps)
    value = solve(run.worst(gap, gap)).value
    case = worst_case(run)
    assert float(last(case, method(stepsize=0.5), steps).f_gap) == pytest.approx(value, rel=1e-6)
    directions = np.eye(len(case.x0))[:, None]
    hessian = case.problem.gradient(directions)[:, 0]
    assert hessian == pytest.approx(hessian.T, abs=1e-12)
    curvatures = np.linalg.eigvalsh(hessian)
    assert float(MU) - 1e-12 <= curvatures.min() <= curvatures.max() <= 1 + 1e-12
    assert 2 * case.problem.value(directions)[:, 0] == pytest.approx(np.diag(hessian), abs=1e-12)


def test_a_quadratic_through_points_need_not_be_convex_nor_known_in_all_directions():
    x, g, f = np.eye(3)[:1], np.array([[0.0, 2.0, 0.0]]), np.array([5.0])
    kind = Quadratic(mu=-1, L=3)
    alone = WorstFunctions([kind], [(x, g, f)])
    assert alone.gradient(np.zeros((1, 1, 3))) == pytest.approx(g[None] - x)  # of curvature (L + μ)/2 everywhere
    hessian = np.array([[2.5, 1.0, 0.0], [1.0, -0.5, 0.0], [0.0, 0.0, 7.0]])  # 7 is where no point is
    assert np.all(np.abs(np.linalg.eigvalsh(hessian[:2, :2]) - 1) <= 2)
    points = np.array([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0]])
    one = WorstFunctions([kind], [(points, points @ hessian, np.sum(points @ hessian * points, axis=1) / 2)])
    found = one.gradient(np.eye(3)[:, None])[:, 0]
    assert found[0] == pytest.approx(hessian[0])
    assert np.all(np.abs(np.linalg.eigvalsh(found) - 1) <= 2 + 1e-12)


def test_a_subgradient_method_on_the_largest_of_lines():
    run = trace(SGD(stepsize=Q(1, 2)), Lipschitz(M=1), steps=3)
    value = solve(run.worst(gap, distance, smallest=True)).value
    case = worst_case(run)
    result = simulate(case.problem, SGD(stepsize=0.5), steps=3, x0=case.x0, record="all", progress=False)
    assert case.compressor is None
    assert float(result.f_gap.min()) == pytest.approx(value, rel=1e-6)
    assert value <= 1 / sqrt(4) + 1 / 16  # R²/(2Nη) + ηM²/2 over N = 4 points, at R = M = 1


@pytest.mark.parametrize("mu", [Q(1, 10), Q(0), Q(-1, 2)])
def test_the_function_is_of_its_class_everywhere(mu):
    """Between points that were not given, and its gradient is that of its values."""
    rng = np.random.default_rng(3)
    bend, d = 1 - float(mu), 3
    # Points of a Huber-like member of the class: μ‖x‖²/2 + (L − μ)/2·dist² to the unit ball.
    x = 2 * rng.normal(size=(6, d))
    length = np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1)
    away = x - x / length
    given = (x, float(mu) * x + bend * away, float(mu) / 2 * np.sum(x * x, 1) + bend / 2 * np.sum(away * away, 1))
    problem = WorstFunctions([Smooth(mu=mu, L=1)], [given])
    assert problem.value(x[:, None])[:, 0] == pytest.approx(given[2], abs=1e-12)
    assert problem.gradient(x[:, None])[:, 0] == pytest.approx(given[1], abs=1e-7)
    y = 3 * rng.normal(size=(20, d))
    g, f = problem.gradient(y[:, None])[:, 0], problem.value(y[:, None])[:, 0]
    step, change = y[:, None] - y, g[:, None] - g
    bent = np.sum((change - float(mu) * step) ** 2, axis=-1) / (2 * bend)
    below = f + np.einsum("jd,ijd->ij", g, step) + float(mu) / 2 * np.sum(step**2, axis=-1) + bent
    assert np.all(below - f[:, None] <= 1e-9)
    for k, move in enumerate(1e-5 * np.eye(d)):
        slope = (problem.value((y + move)[:, None]) - problem.value((y - move)[:, None]))[:, 0] / 2e-5
        assert slope == pytest.approx(g[:, k], abs=1e-5)


def test_messages_that_are_not_in_the_record_arrive_whole():
    run = trace(CompressedSGD(stepsize=Q(1, 2)), Smooth(mu=MU, L=1), KIND, steps=1)
    run.worst(gap, gap)
    compressor = worst_case(run).compressor
    (given,), (arrived,) = compressor.given, compressor.arrived
    assert np.array_equal(compressor.compress(given * (1 + 1e-9)), arrived)
    assert np.array_equal(compressor.compress(3 * given), 3 * given)
    assert np.sum((arrived - given) ** 2) <= (1 - float(KIND.delta)) * np.sum(given**2) + 1e-7
    assert float(compressor.constants(len(given)).delta) == 0.75
    with pytest.raises(WrongUse, match="on vectors of 7 coordinates"):
        compressor.compress(np.ones(7))


def test_what_is_no_problem_is_refused():
    run = trace(CompressedSGD(stepsize=Q(1, 2)), Smooth(mu=MU, L=1), Unbiased(omega=1), steps=1)
    run.worst(gap, gap)
    with pytest.raises(WrongUse, match="only moments are known"):
        worst_case(run)
    run = trace(SGD(stepsize=Q(1, 2)), Smooth(mu=MU, L=1), steps=1, prox=Convex())
    run.worst(distance, distance)
    with pytest.raises(WrongUse, match="no part for proximal steps"):
        worst_case(run)
