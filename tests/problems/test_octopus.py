"""The octopus function: its seams, its symmetry, and the legs of gradient descent, with and without underflow."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from problems import Octopus
from toolkit import simulate
from toolkit.algorithms import SGD
from toolkit.stationarity import UntilSecondOrder, hessian

# The legs from the all-equal start at γ = 1, τ = e, η = 1/(4L) (sheet saddle_escape, A3, for L = 1).
LEGS = {1.0: [5, 10, 28, 77, 207, 561, 1520]}
PAPER = (1.0, 1.5, 2.0, 3.0)


@pytest.mark.parametrize("setting", [(1.0, 1.0, np.e), (3.0, 1.0, np.e), (1.5, 0.25, 1.0), (np.e, 1.0, 2.0)])
def test_scalar_pieces_meet_in_their_second_derivatives(setting):
    """The matching conditions, to a few roundings of the numbers that cancel."""
    L, gamma, tau = setting
    problem = Octopus(2, L=L, gamma=gamma, tau=tau)
    close = {"rtol": 1e-13, "atol": 1e-13}
    np.testing.assert_allclose(problem.g1(2 * tau) + problem.nu, 4 * L * tau**2, **close)
    np.testing.assert_allclose(problem.g1(2 * tau, 1), -4 * L * tau, **close)
    np.testing.assert_allclose(problem.g1(2 * tau, 2), 2 * L, **close)
    np.testing.assert_allclose([problem.g1(tau, k) for k in (1, 2)], [-2 * gamma * tau, -2 * gamma], **close)
    np.testing.assert_allclose([problem.g2(u) for u in (tau, 2 * tau)], [L, -gamma], **close)
    np.testing.assert_allclose([problem.g2(u, k) for u in (tau, 2 * tau) for k in (1, 2)], 0, atol=1e-13)
    u = tau * np.linspace(1, 2, 1001)
    assert (problem.g1(u, 1) < 0).all()
    assert (np.diff(problem.g2(u)) < 0).all()


def test_scalar_pieces_are_those_of_the_sheet():
    """Against the printed polynomials, in fractions."""
    L, gamma, tau = Fraction(7, 4), Fraction(5, 4), Fraction(3, 2)
    problem = Octopus(2, L=float(L), gamma=float(gamma), tau=float(tau))
    for k in range(9):
        u = tau * (1 + Fraction(k, 8))
        v, z = u - tau, u - 2 * tau
        g1 = -gamma * u**2 + (-14 * L + 10 * gamma) / (3 * tau) * v**3 + (5 * L - 3 * gamma) / (2 * tau**2) * v**4
        g2 = -gamma - (L + gamma) * (10 * z**3 / tau**3 + 15 * z**4 / tau**4 + 6 * z**5 / tau**5)
        np.testing.assert_allclose(problem.g1(float(u)), float(g1), rtol=1e-13)
        np.testing.assert_allclose(problem.g2(float(u)), float(g2), rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("dimension", [1, 2, 5])
@pytest.mark.parametrize("at", [1, 2])
def test_value_gradient_and_hessian_are_continuous_across_the_seams(dimension, at):
    """Both sides of |x_i| = τ and 2τ, one rounding apart, for every i and sign."""
    problem = Octopus(dimension, L=1.5, tau=1.25)
    rng = np.random.default_rng(at)
    for i in range(dimension):
        x = np.concatenate([rng.uniform(2, 6, i), [at], rng.uniform(-1, 1, dimension - i - 1)]) * problem.tau
        x[: i + 1] *= rng.choice([-1, 1], i + 1)
        sides = np.stack([x, x])[:, None]
        sides[1, 0, i] = np.nextafter(x[i], 2 * x[i])
        if at == 2:
            assert problem._at(sides).index.ravel().tolist() == [i, i + 1]
        scale = abs(problem.f_star)
        np.testing.assert_allclose(*problem.value(sides), rtol=0, atol=1e-13 * scale)
        np.testing.assert_allclose(*problem.gradient(sides), rtol=0, atol=1e-12)
        np.testing.assert_allclose(*hessian(problem, sides), rtol=0, atol=1e-11)


def test_mirrored():
    problem = Octopus(4, L=2.0)
    rng = np.random.default_rng(0)
    x = rng.uniform(0, 2.7, (200, 1, 4)) * [2, 1, 1, 1]
    signs = rng.choice([-1.0, 1.0], x.shape)
    np.testing.assert_array_equal(problem.value(signs * x), problem.value(x))
    np.testing.assert_array_equal(problem.gradient(signs * x), signs * problem.gradient(x))


def test_outside_the_domain_the_value_is_infinite():
    problem = Octopus(3, tau=1.0)
    x = np.array([[[0.5, 1.1, 0.0]], [[6.1, 0.0, 0.0]], [[1.5, 0.5, 1.01]], [[2.5, 1.5, 1.0]]])
    assert problem.inside(x)[:, 0].tolist() == [False, False, False, True]
    assert np.isinf(problem.value(x)[:, 0]).tolist() == [True, True, True, False]
    assert np.isinf(problem.gap(x)).tolist() == [True, True, True, False]
    assert np.isfinite(problem.gradient(x)).all()


def test_legs_are_those_of_the_sheet():
    for L, legs in LEGS.items():
        assert Octopus(len(legs), L=L).legs(1 / (4 * L)).tolist() == legs


@pytest.mark.parametrize("L", PAPER)
def test_leg_factor_is_met_within_two_percent(L):
    """All legs after one of at least 40 steps; the last of ten coordinates takes up to 4·10⁷ steps."""
    problem, stepsize = Octopus(10, L=L), 1 / (4 * L)
    legs = problem.legs(stepsize)
    ratios = (legs[1:] / legs[:-1])[legs[:-1] >= 40]
    assert len(ratios) >= 6
    assert abs(ratios / problem.leg_factor(stepsize) - 1).max() <= 0.02


def test_leg_factor_tends_to_the_ratio_of_curvatures():
    problem = Octopus(2, L=3.0, gamma=0.5)
    assert abs(problem.leg_factor(1e-9) - 7.0) < 1e-6


def test_descent_is_gradient_descent_while_nothing_underflows():
    problem, stepsize, start = Octopus(4, L=1.5), 1 / 6, np.array([0.9, -0.3, 0.5, -1.0])
    x, iterates = start[None, None], [start]
    for _ in range(400):
        x = x - stepsize * problem.gradient(x)
        iterates.append(x[0, 0])
    points, logs = problem.descent(stepsize, range(401), start)
    np.testing.assert_allclose(points, iterates, rtol=1e-11, atol=0)
    np.testing.assert_allclose(logs, np.log(abs(points)), rtol=0, atol=1e-11)
    passed = (abs(np.array(iterates)) > 2 * problem.tau).argmax(axis=0)
    assert problem.passages(stepsize, start).tolist() == passed.tolist()


def test_float64_freezes_where_logarithms_go_on():
    """At L = 3 the fifth coordinate is at the smallest subnormal number when its turn comes; a step does nothing."""
    problem, stepsize, steps = Octopus(8, L=3.0), 1 / 12, 2500
    passages = problem.passages(stepsize)
    assert passages[3] < steps < passages[4]
    result = simulate(problem, SGD(), stepsize=stepsize, steps=steps, record=[steps], keep=("x",))
    x = result.x.values.reshape(1, 1, 8)
    assert (abs(x[0, 0]) > 2 * problem.tau).tolist() == [True] * 4 + [False] * 4
    assert abs(x[0, 0, 4:]).max() < 1e-320
    np.testing.assert_array_equal((x - stepsize * problem.gradient(x))[0, 0, 4:], x[0, 0, 4:])
    points, logs = problem.descent(stepsize, [steps, int(passages[4]), int(passages[7])])
    assert (abs(points) > 2 * problem.tau).sum(axis=1).tolist() == [4, 5, 8]
    assert logs[0, 4:].max() < np.log(5e-324)


def test_time_to_the_minimum_is_last_passage_and_a_few_steps():
    problem, stepsize = Octopus(3), 0.25
    until = UntilSecondOrder(problem, epsilon=1e-3)
    result = simulate(problem, SGD(), stepsize=stepsize, steps=200, stop=until)
    assert 0 <= int(result.last_step[0]) - problem.passages(stepsize)[-1] <= 20
    assert float(result.f_gap.dropna("step")[0, -1]) < 1e-5
