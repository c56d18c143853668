"""The second-order test: its eigenvalues against each other, its two conditions, and its place in a run."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

from problems import LinearAutoencoder, MatrixFactorisation, PhaseRetrieval, Problem, Rotated, SaddleChain, StrictSaddle
from toolkit import Experiment, simulate
from toolkit.algorithms import SGD
from toolkit.errors import WrongUse
from toolkit.stationarity import (
    UntilEscaped,
    UntilSecondOrder,
    WatchedCurvature,
    escape_directions,
    hessian,
    second_order,
    smallest_eigenvalue,
)


class Random(Problem):
    """x'Ax/2 for a random symmetric A, different for two workers."""

    workers, dimension = 2, 200

    def __init__(self):
        rng = np.random.default_rng(0)
        A = rng.standard_normal((2, 200, 200))
        self.hessians = (A + A.swapaxes(1, 2)) / 2

    def gradient(self, x):
        return np.einsum("wij,rj->rwi", self.hessians, x[:, 0])

    def hessian_product(self, x, v):
        return np.matmul(self.hessians.mean(axis=0), v[..., None])[..., 0]


def test_lanczos_dense_and_closed_form_agree():
    rng = np.random.default_rng(1)
    x = rng.standard_normal((3, 1, 150))
    problem = PhaseRetrieval(rng.standard_normal(150))
    dense = smallest_eigenvalue(problem, x, "dense")
    for method in ("auto", "closed form", "lanczos"):
        np.testing.assert_allclose(smallest_eigenvalue(problem, x, method), dense, rtol=1e-8)


def test_lanczos_is_used_beyond_small_dimensions_and_finds_the_end_of_a_random_spectrum():
    problem = Random()
    x = np.zeros((2, 1, 200))
    dense = np.linalg.eigvalsh(problem.hessians.mean(axis=0))[0]
    found = smallest_eigenvalue(problem, x)
    np.testing.assert_allclose(found, dense, rtol=1e-9)
    np.testing.assert_array_equal(found, smallest_eigenvalue(problem, x, "lanczos"))


def test_multiple_smallest_eigenvalues_do_not_stop_lanczos():
    """At the origin of a factorisation of rank 20 the smallest eigenvalue is 20-fold."""
    problem = MatrixFactorisation([3.0, 2.0, 1.0], rank=20, shape=(6, 6))
    np.testing.assert_allclose(smallest_eigenvalue(problem, np.zeros((1, 1, 240))), [-6.0], rtol=1e-9)


def test_hessians_are_the_same_in_parts(monkeypatch):
    from toolkit import stationarity

    problem = MatrixFactorisation([2.0, 1.0], rank=1)
    x = np.random.default_rng(2).standard_normal((7, 1, 4))
    whole = smallest_eigenvalue(problem, x)
    monkeypatch.setattr(stationarity, "AT_ONCE", 32)
    np.testing.assert_array_equal(smallest_eigenvalue(problem, x), whole)
    assert hessian(problem, x).shape == (7, 4, 4)


def test_both_conditions_count():
    """On ½x_2² − ½x_1² + …: at 0 the gradient is small, at a minimiser both hold, far up the bowl only curvature."""
    problem = StrictSaddle([-1.0, 1.0], rho=2.0)
    points = np.stack([problem.saddles[0], problem.minimisers[0], problem.minimisers[0] + [0, 1.0]])[:, None]
    found = second_order(problem, points, epsilon=0.4)
    assert found.holds.tolist() == [False, True, False]
    np.testing.assert_allclose(found.grad_norm, [0, 0, 1], atol=1e-14)
    np.testing.assert_allclose(found.curvature, [-1, 1, 1], rtol=1e-14)
    assert second_order(problem, points, epsilon=0.5).holds.tolist() == [True, True, False]  # √(ρε) = 1
    assert second_order(problem, points, epsilon=0.4, rho=2.5).holds.tolist() == [True, True, False]


def test_gradient_is_the_mean_over_workers():
    problem = Random()
    x = np.random.default_rng(3).standard_normal((2, 1, 200))
    wanted = np.linalg.norm(np.einsum("ij,rj->ri", problem.hessians.mean(axis=0), x[:, 0]), axis=1)
    np.testing.assert_allclose(second_order(problem, x, 1.0, rho=0.0, method="lanczos").grad_norm, wanted, rtol=1e-12)


def test_deep_networks_pass_at_zero():
    """The test cannot tell a flat saddle from a minimiser: at depth three zero passes for every ε."""
    problem = LinearAutoencoder([2.0, 1.0], width=1, depth=3)
    assert second_order(problem, np.zeros((1, 1, problem.dimension)), epsilon=1e-12).holds.all()


def test_escape_directions_span_the_negative_eigenvectors():
    problem = MatrixFactorisation([2.0, 0.5], rank=2)
    directions = escape_directions(problem, problem.saddles[0])
    assert len(directions) == 4
    np.testing.assert_allclose(directions @ directions.T, np.eye(4), atol=1e-14)
    H = hessian(problem, np.zeros((1, 1, 8)))[0]
    np.testing.assert_allclose(np.diag(directions @ H @ directions.T), [-4, -4, -1, -1], rtol=1e-13)
    assert len(escape_directions(problem, problem.minimisers[0])) == 0


def test_curves_of_the_test_are_recorded_and_the_run_is_the_same():
    problem, setting = StrictSaddle([-1.0, 0.5, 1.0]), {"stepsize": 0.3, "steps": 60, "x0": [1e-5, 1.0, 1.0]}
    watched = simulate(WatchedCurvature(problem, epsilon=0.05), SGD(), **setting)
    plain = simulate(problem, SGD(), **setting)
    np.testing.assert_array_equal(watched.f, plain.f)
    assert set(watched.data_vars) - set(plain.data_vars) == {"curvature", "second_order"}
    stopped = simulate(problem, SGD(), **setting, stop=UntilSecondOrder(problem, epsilon=0.05))
    assert int(watched.second_order.values[0].argmax()) == int(stopped.last_step[0]) > 20
    assert 0 < float(watched.second_order.mean()) < 1


def test_experiments_with_the_test_are_described_by_their_numbers():
    problem = StrictSaddle([-1.0, 1.0])

    def experiment(epsilon, rho=None):
        watched = WatchedCurvature(problem, epsilon, rho)
        return Experiment(watched, SGD(), stepsize=0.1, steps=5, stop=UntilSecondOrder(problem, epsilon))

    assert experiment(0.1).describable
    assert experiment(0.1) == experiment(0.1)
    assert experiment(0.1) != experiment(0.2)
    assert experiment(0.1) != experiment(0.1, rho=3.0)


def test_watched_problems_can_be_copied():
    watched = WatchedCurvature(StrictSaddle([-1.0, 1.0]), epsilon=0.1)
    for twin in (copy.copy(watched), pickle.loads(pickle.dumps(watched))):
        assert twin.dimension == 2


@pytest.mark.parametrize(
    "ask",
    [
        lambda problem, x: second_order(problem, x, epsilon=0.0),
        lambda problem, x: second_order(Random(), np.zeros((1, 1, 200)), epsilon=1.0),
        lambda problem, x: smallest_eigenvalue(problem, x, "power"),
        lambda problem, x: smallest_eigenvalue(MatrixFactorisation([1.0], rank=1), x, "closed form"),
        lambda problem, x: smallest_eigenvalue(object(), x),
    ],
)
def test_refusals(ask):
    with pytest.raises(WrongUse):
        ask(StrictSaddle([-1.0, 1.0]), np.zeros((1, 1, 2)))


def test_escape_from_a_saddle_in_any_basis_and_place():
    plain = StrictSaddle([-1.0, -0.5, 1.0], rho=1e-3)
    turned = Rotated(plain, seed=3)
    times = []
    for problem in (plain, turned):
        until = UntilEscaped(escape_directions(problem, np.zeros(3)), distance=0.5)
        start = np.array([1e-3, 1e-3, 5.0])
        result = simulate(
            problem, SGD(), stepsize=0.25, steps=60, x0=start if problem is plain else problem.back(start), stop=until
        )
        times.append(int(result.last_step[0]))
    # (1e-3)²((1.25)^(2t) + (1.125)^(2t)) ≥ 0.25 first holds at t = 28; x_3, which does not count, begins at 5.
    assert times == [28, 28]
    chain = SaddleChain([3.0, 2.0, 1.0])
    saddle = chain.saddles[-1]
    until = UntilEscaped(escape_directions(chain, saddle), 0.1, saddle)
    moves = np.array([[0.0, 0.0, 0.0], [0.07, 0.08, 0.0], [0.0, 0.0, 1.0]])
    assert until((saddle + moves)[:, None]).tolist() == [False, True, False]
