"""Problems made from others: turned, given to several workers, and all of it together."""

from __future__ import annotations

import numpy as np
import pytest

from problems import MatrixFactorisation, Noisy, Octopus, PhaseRetrieval, Quadratic, Rotated, Spread, StrictSaddle
from toolkit import Draw, Experiment, simulate
from toolkit.algorithms import SGD
from toolkit.errors import WrongUse
from toolkit.stationarity import hessian, smallest_eigenvalue

INSIDE = {
    "saddle": StrictSaddle([-1.0, 0.5, -0.2, 2.0]),
    "octopus": Octopus(4, L=1.5),
    "factors": MatrixFactorisation([2.0, 1.0], rank=1),
    "phase": PhaseRetrieval([1.0, 0.2, 0.0, -2.0]),
}


@pytest.fixture(params=INSIDE, name="inside")
def _inside(request):
    return INSIDE[request.param]


def test_turned_problem_is_the_same_at_turned_points(inside):
    problem = Rotated(inside, seed=1)
    Q = problem.basis
    np.testing.assert_allclose(Q @ Q.T, np.eye(4), rtol=0, atol=1e-14)
    x = np.random.default_rng(0).uniform(-1, 1, (20, 1, 4))
    y = x @ Q.T
    close = {"rtol": 0, "atol": 1e-12 * float(inside.constants.L)}
    np.testing.assert_allclose(problem.value(x), inside.value(y), **close)
    np.testing.assert_allclose(problem.gap(x), inside.gap(y), **close)
    np.testing.assert_allclose(problem.gradient(x), inside.gradient(y) @ Q, **close)
    np.testing.assert_allclose(hessian(problem, x), Q.T @ hessian(inside, y) @ Q, **close)
    np.testing.assert_allclose(smallest_eigenvalue(problem, x), smallest_eigenvalue(inside, y), **close)
    np.testing.assert_allclose(problem.back(problem.into(x)), x, rtol=0, atol=1e-14)


def test_turned_critical_points_are_critical(inside):
    problem = Rotated(inside, seed=2)
    scale = float(inside.constants.L) * abs(inside.minimisers).max()
    for critical in (problem.saddles, problem.minimisers):
        np.testing.assert_allclose(problem.gradient(critical[:, None]), 0, atol=1e-13 * scale)
    dense = smallest_eigenvalue(problem, problem.saddles[:, None], "dense")
    np.testing.assert_allclose(dense, problem.saddle_eigenvalues, rtol=0, atol=1e-12 * scale)
    assert problem.constants == inside.constants or float(problem.constants.L) == float(inside.constants.L)
    assert (problem.f_star, problem.radius, problem.dimension) == (inside.f_star, inside.radius, 4)


def test_descent_makes_the_turned_steps():
    inside, x0 = INSIDE["saddle"], np.array([0.1, 0.5, 0.2, -1.0])
    problem = Rotated(inside, seed=3)
    setting = {"stepsize": 0.2, "steps": 40, "keep": ("x",)}
    plain = simulate(inside, SGD(), x0=x0, **setting)
    turned = simulate(problem, SGD(), x0=problem.back(x0), **setting)
    np.testing.assert_allclose(problem.into(turned.x.values), plain.x.values, rtol=0, atol=1e-12)
    np.testing.assert_allclose(turned.f, plain.f, rtol=0, atol=1e-11)


def test_axes_keep_the_stable_subspace_and_a_rotation_does_not():
    """From a start on the stable subspace descent stays for ever, or leaves by rounding at about 36/ln(1 + ηγ)."""
    inside, x0 = StrictSaddle([-1.0, 0.5, 1.0, 2.0]), np.array([0.0, 1.0, 1.0, 1.0])
    problem, stepsize = Rotated(inside, seed=4), 0.25
    steps = int(1.5 * 36 / np.log1p(stepsize))
    plain = simulate(inside, SGD(), x0=x0, stepsize=stepsize, steps=steps, record=[steps], keep=("x",))
    assert plain.x.values.ravel()[0] == 0
    turned = simulate(problem, SGD(), x0=problem.back(x0), stepsize=stepsize, steps=steps, record="all")
    left = (turned.f.values[0] < -0.5).argmax()
    assert 0.7 <= left * np.log1p(stepsize) / 36 <= 1.3


def test_workers_differ_by_slopes_that_cancel():
    problem = Spread(INSIDE["saddle"], workers=5, zeta_sq=3.0, seed=1)
    x = np.random.default_rng(0).standard_normal((6, 1, 4))
    assert problem.value(x).shape == (6, 5)
    assert problem.gradient(x).shape == (6, 5, 4)
    exact = problem.problem.gradient(x)
    np.testing.assert_allclose(problem.gradient(x).mean(axis=1, keepdims=True), exact, rtol=0, atol=1e-14)
    np.testing.assert_allclose(problem.value(x).mean(axis=1), problem.problem.value(x)[:, 0], rtol=0, atol=1e-13)
    spread = ((problem.gradient(x) - exact) ** 2).sum(axis=-1).mean(axis=1)
    np.testing.assert_allclose(spread, 3.0, rtol=1e-13)
    assert float(problem.constants.zeta_sq) == float(problem.constants.heterogeneity) == 3.0
    assert problem.constants.L_i.value.tolist() == [2.0] * 5
    np.testing.assert_allclose(problem.value(x + 1e-6)[0] - problem.value(x)[0],
                               1e-6 * problem.gradient(x)[0].sum(axis=-1), rtol=0, atol=1e-10)  # fmt: skip


def test_equal_workers_are_the_problem_itself():
    inside, x0 = INSIDE["octopus"], np.full(4, 0.5)
    setting = {"stepsize": 0.1, "steps": 20, "x0": x0}
    np.testing.assert_array_equal(simulate(Spread(inside, 4), SGD(), **setting).f, simulate(inside, SGD(), **setting).f)


def test_samples_of_workers_are_their_own():
    problem = Spread(PhaseRetrieval([1.0, 0.0], sampled=True), workers=3)
    sample = problem.stochastic_gradient(np.ones((2, 1, 2)), Draw([0, 1], workers=3).per_worker, 2)
    assert sample.shape == (2, 3, 2)
    assert len(np.unique(sample)) == sample.size
    assert problem.default_batch == 1


def test_measurements_are_unbiased():
    """The mean of 40,000 fixed samples, within five standard errors."""
    problem, x = PhaseRetrieval([1.0, 0.0, -0.5], sampled=True), np.array([[[0.3, -0.8, 0.1]]])
    samples = problem.stochastic_gradient(np.repeat(x, 40_000, axis=0), Draw(np.arange(40_000)).per_worker, 1)[:, 0]
    error = samples.std(axis=0) / 200
    assert (abs(samples.mean(axis=0) - problem.gradient(x)[0, 0]) <= 5 * error).all()
    assert not problem.stochastic_gradient(problem.minimisers[:, None], Draw(0).per_worker, 3).any()
    assert not problem.stochastic_gradient(np.zeros((1, 1, 3)), Draw(0).per_worker, 3).any()


def test_descriptions_tell_problems_apart():
    inside = INSIDE["saddle"]
    makers = [
        lambda: Rotated(inside), lambda: Rotated(inside, seed=1), lambda: Spread(inside, 2), lambda: Spread(inside, 3),
        lambda: Noisy(inside, 1.0), lambda: Noisy(inside, 2.0), lambda: Noisy(inside, 1.0, avoiding=np.eye(4)[0]),
        lambda: Noisy(Rotated(inside), 1.0), lambda: Noisy(inside, 1.0, autocorrelation=0.5), lambda: inside,
    ]  # fmt: skip
    texts = [Experiment(make(), SGD(), stepsize=0.1, steps=1).canonical for make in makers]
    assert len(set(texts)) == len(texts)
    assert texts == [Experiment(make(), SGD(), stepsize=0.1, steps=1).canonical for make in makers]


@pytest.mark.parametrize(
    "make",
    [
        lambda: Rotated(INSIDE["saddle"], basis=np.ones((4, 4))),
        lambda: Rotated(INSIDE["saddle"], basis=np.eye(3)),
        lambda: Spread(INSIDE["saddle"], 0),
        lambda: Spread(INSIDE["saddle"], 1, zeta_sq=1.0),
        lambda: Spread(Quadratic(hessians=np.ones((2, 3))), 2),
    ],
)
def test_refusals(make):
    with pytest.raises(WrongUse):
        make()
