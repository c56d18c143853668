"""Problems with saddles: derivatives, constants and critical points, all against each other."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import root

from problems import LinearAutoencoder, MatrixFactorisation, Octopus, PhaseRetrieval, SaddleChain, StrictSaddle
from problems.saddles._deep_linear import DeepLinear
from toolkit.errors import WrongUse
from toolkit.stationarity import escape_directions, hessian, smallest_eigenvalue

PROBLEMS = {
    "one direction": StrictSaddle([-1.0, 0.5, 2.5], rho=1.5),
    "two directions": StrictSaddle([0.3, -1.0, -0.4], rho=2.0),
    "low top": StrictSaddle([-1.0, 1.0, -0.2], rho=0.7, top=0.8),
    "chain": SaddleChain([2.0, 1.5, 0.4]),
    "octopus": Octopus(dimension=3, L=1.5, gamma=1.0),
    "octopus of one": Octopus(dimension=1, L=2.0, tau=1.0),
    "octopus of equals": Octopus(dimension=2, L=1.0, gamma=1.0, tau=1.0),
    "rank one": MatrixFactorisation([2.0, 0.5], rank=1),
    "rank two": MatrixFactorisation([2.0, 0.5], rank=2, shape=(3, 2)),
    "autoencoder": LinearAutoencoder([2.0, 1.0, 0.5], width=1),
    "wide autoencoder": LinearAutoencoder([2.0, 1.0, 0.5], width=2),
    "three layers": LinearAutoencoder([2.0, 0.7], width=1, depth=3),
    "four layers": LinearAutoencoder([1.0, 0.7], width=2, depth=4),
    "phase": PhaseRetrieval([0.6, -1.0, 0.2]),
    "phase of one": PhaseRetrieval([2.0]),
}
NODES, WEIGHTS = np.polynomial.legendre.leggauss(8)  # exact for the polynomials here: of degree 15 along a line
LAYERS = ("three layers", "four layers")


def points(problem, rng, count):
    """Return points where L and ρ are meant to hold, seams and corners included, shape (count, 1, d)."""
    d = problem.dimension
    if isinstance(problem, Octopus):
        index = rng.integers(0, d + 1, count)[:, None]
        j = np.arange(d)
        low, high = np.where(j < index, 2.0, 0.0), np.where(j < index, 6.0, np.where(j == index, 2.0, 1.0))
        far = problem.tau * rng.uniform(low, high)
        return (far * rng.choice([-1, 1], (count, d)))[:, None]
    x = rng.standard_normal((count, d))
    if problem.radius is None:
        return (x * 2 * (problem.wells + 1))[:, None]
    return (problem.radius * rng.uniform(size=(count, 1)) ** (1 / 4) * x / np.linalg.norm(x, axis=1)[:, None])[:, None]


def extreme(problem):
    """Return the point of rank one at which the derivatives of a product of matrices are largest, and its direction."""
    unit = np.zeros(problem.dimension)
    for layer in problem.layers(np.arange(problem.dimension)):
        unit[layer[0, 0]] = 1 / np.sqrt(len(problem.shapes))
    unit[0] *= -1
    return problem.radius * unit, unit


def allowed(problem, x):
    if isinstance(problem, Octopus):
        return problem.inside(x)[:, 0]
    return np.linalg.norm(x, axis=-1)[:, 0] <= (problem.radius or np.inf)


def with_extreme(problem, states):
    """Put the extreme point, a little within the ball, in the place of the first."""
    if isinstance(problem, DeepLinear):
        x, unit = extreme(problem)
        states[0] = np.stack([(1 - 1e-4) * x, unit])[: states.shape[1]]
    return states


def largest(measure, state, move, rng, rounds):
    """Return the largest value of a measure found by climbing from many states at once."""
    best = measure(state)
    for t in range(rounds):
        trial, fine = move(state, 0.5 * 0.97**t, rng)
        value = np.where(fine, measure(trial), -np.inf)
        better = value > best
        state = np.where(better.reshape(-1, *(1,) * (state.ndim - 1)), trial, state)
        best = np.maximum(best, value)
        if t % 50 == 49:  # the best starts again in the place of the worse half
            order = best.argsort()
            half = len(order) // 2
            state[order[:half]], best[order[:half]] = state[order[-1]], best[order[-1]]
    return best.max()


def rounds(problem):
    return 60 if isinstance(problem, DeepLinear) else 200


def spectral_norm(matrices):
    return np.linalg.svd(matrices, compute_uv=False)[:, 0]


@pytest.fixture(params=PROBLEMS, name="name")
def _name(request):
    return request.param


def segments(problem, rng, count=200):
    """Return short segments of which none crosses a seam: polynomials are exact along them."""
    x, v = points(problem, rng, count), 1e-2 * rng.standard_normal((count, 1, problem.dimension))
    ends = np.stack([x - v, x + v])
    if isinstance(problem, Octopus):
        seams = problem.tau * np.array([1.0, 2.0])
        near = (abs(abs(x)[..., None] - seams) <= 1.01 * abs(v)[..., None]).any(axis=(1, 2, 3))
        fine = ~near & problem.inside(ends[0])[:, 0] & problem.inside(ends[1])[:, 0]
    elif isinstance(problem, StrictSaddle):
        far = abs(x[..., problem._negative])
        fine = (abs(far - problem._end) > 1.01 * abs(v[..., problem._negative])).all(axis=(1, 2))
    else:
        fine = np.ones(count, dtype=bool)
    assert fine.sum() >= count / 3
    return x[fine], v[fine]


def test_gradient_is_the_slope_of_the_value(name):
    """f(x + v) − f(x − v) is the integral of ⟨∇f, v⟩, by a rule that is exact up to rounding on every piece."""
    problem = PROBLEMS[name]
    x, v = segments(problem, np.random.default_rng(1))
    integral = sum(w * (problem.gradient(x + s * v) * v).sum(axis=-1) for s, w in zip(NODES, WEIGHTS, strict=True))
    difference = problem.value(x + v) - problem.value(x - v)
    size = abs(problem.value(x)).max() + abs(problem.f_star)
    np.testing.assert_allclose(integral, difference, rtol=0, atol=1e-14 * max(size, 1.0) * 8)


def test_negative_directions_side_by_side_and_apart_are_the_same_problem():
    order = np.array([2, 0, 3, 1])
    eigenvalues = np.array([-1.0, -0.4, 0.5, 2.0])
    beside, apart = (StrictSaddle(one, rho=0.7, top=0.9) for one in (eigenvalues, eigenvalues[order]))
    x, v = 8 * np.random.default_rng(4).standard_normal((2, 60, 1, 4))
    assert np.array_equal(beside.gradient(x)[..., order], apart.gradient(x[..., order].copy()))
    assert np.array_equal(beside.hessian_product(x, v)[..., order], apart.hessian_product(x[..., order], v[..., order]))
    assert np.array_equal(beside.saddles[:, order], apart.saddles)


def test_hessian_products_are_the_slopes_of_the_gradient(name):
    problem = PROBLEMS[name]
    x, v = segments(problem, np.random.default_rng(2))
    integral = sum(w * problem.hessian_product(x + s * v, v) for s, w in zip(NODES, WEIGHTS, strict=True))
    difference = problem.gradient(x + v) - problem.gradient(x - v)
    np.testing.assert_allclose(integral, difference, rtol=0, atol=1e-14 * max(abs(problem.gradient(x)).max(), 1.0) * 8)


def test_hessian_is_symmetric_and_linear_and_its_smallest_eigenvalue_right(name):
    problem = PROBLEMS[name]
    x = points(problem, np.random.default_rng(3), 100)
    matrices = hessian(problem, x)
    scale = abs(matrices).max()
    np.testing.assert_allclose(matrices, matrices.swapaxes(1, 2), rtol=0, atol=1e-14 * scale)
    v = np.random.default_rng(4).standard_normal((1, 1, problem.dimension))
    products = np.einsum("rij,j->ri", matrices, v[0, 0])
    np.testing.assert_allclose(problem.hessian_product(x, v)[:, 0], products, rtol=0, atol=1e-13 * scale)
    dense = np.linalg.eigvalsh(matrices)[:, 0]
    np.testing.assert_allclose(smallest_eigenvalue(problem, x), dense, rtol=0, atol=1e-13 * scale)


def test_smoothness_is_approached_and_not_exceeded(name):
    problem, rng = PROBLEMS[name], np.random.default_rng(5)
    L = float(problem.constants.L)

    def move(x, scale, rng):
        moved = x + scale * max(1.0, abs(x).max() / 4) * rng.standard_normal(x.shape)
        return moved, allowed(problem, moved)

    start = with_extreme(problem, points(problem, rng, 32))
    found = largest(lambda x: spectral_norm(hessian(problem, x)), start, move, rng, rounds(problem))
    assert 0.97 * L <= found <= L * (1 + 1e-12)


def test_lipschitz_constant_of_the_hessian_is_approached_and_not_exceeded(name):
    """By difference quotients over short segments, whose middle is in the domain."""
    problem, rng = PROBLEMS[name], np.random.default_rng(6)
    rho = float(problem.constants.rho)
    h = 1e-4

    def quotients(state):
        x, v = state[:, :1], state[:, 1:]
        v = h * v / np.linalg.norm(v, axis=-1, keepdims=True)
        inside = allowed(problem, x + v) & allowed(problem, x - v)
        apart = hessian(problem, x + v) - hessian(problem, x - v)
        return np.where(inside, spectral_norm(apart) / (2 * h), 0.0)

    def move(state, scale, rng):
        moved = state + scale * max(1.0, abs(state).max() / 4) * rng.standard_normal(state.shape)
        return moved, allowed(problem, moved[:, :1])

    x = points(problem, rng, 32)
    pairs = with_extreme(problem, np.concatenate([x, rng.standard_normal(x.shape)], axis=1))
    found = largest(quotients, pairs, move, rng, rounds(problem))
    rounding = 1e-15 * float(problem.constants.L) / h
    assert 0.95 * rho <= found <= rho * (1 + 1e-12) + 8 * rounding


def test_saddles_and_minimisers_are_critical_and_have_the_stated_curvature(name):
    problem = PROBLEMS[name]
    saddles, minimisers = problem.saddles[:, None], problem.minimisers[:, None]
    scale = float(problem.constants.L) * max(1.0, abs(minimisers).max())
    for critical in (saddles, minimisers):
        np.testing.assert_allclose(problem.gradient(critical), 0, atol=1e-14 * scale)
    assert problem.saddle_eigenvalues.shape == (len(saddles),)
    dense = smallest_eigenvalue(problem, saddles, "dense")
    np.testing.assert_allclose(dense, problem.saddle_eigenvalues, rtol=0, atol=1e-13 * scale)
    assert smallest_eigenvalue(problem, minimisers, "dense").min() >= -1e-14 * scale
    np.testing.assert_allclose(problem.value(minimisers), problem.f_star, rtol=1e-13, atol=1e-13)
    np.testing.assert_allclose(problem.gap(minimisers), 0, atol=1e-13 * scale)
    assert (problem.value(saddles) > problem.f_star + 1e-3).all()


def test_saddles_are_strict_but_in_deep_networks(name):
    problem = PROBLEMS[name]
    if name in LAYERS:
        assert problem.saddle_eigenvalues[0] == 0
        assert not hessian(problem, np.zeros((1, 1, problem.dimension))).any()
    else:
        assert (problem.saddle_eigenvalues < -0.1).all()
        assert len(escape_directions(problem, problem.saddles[0])) >= 1


@pytest.mark.parametrize("name", [one for one in PROBLEMS if one not in LAYERS], indirect=True)
def test_every_critical_point_is_listed(name):
    """From many starts a root finder meets no critical point whose value is not that of a listed one."""
    problem, rng = PROBLEMS[name], np.random.default_rng(7)
    listed = np.concatenate([problem.saddles, problem.minimisers])[:, None]
    values, met = problem.value(listed)[:, 0], 0
    for start in points(problem, rng, 50):
        found = root(
            lambda x: problem.gradient(x[None, None])[0, 0],
            start[0],
            jac=lambda x: hessian(problem, x[None, None])[0],
            tol=1e-14,
        )
        x = found.x[None, None]
        if not allowed(problem, x)[0] or np.linalg.norm(problem.gradient(x)) > 1e-9:
            continue
        apart = abs(values - problem.value(x)[0, 0])
        assert apart.min() <= 1e-8, x
        met += 1
    assert met >= 20


def test_gap_is_the_value_above_the_minimum(name):
    problem = PROBLEMS[name]
    x = points(problem, np.random.default_rng(8), 100)
    value = problem.value(x)
    assert value.shape == (100, 1)
    assert (problem.gap(x) >= 0).all()
    np.testing.assert_allclose(problem.gap(x), value[:, 0] - problem.f_star, rtol=0, atol=1e-13 * abs(value).max())


def test_workers_may_hold_own_points(name):
    problem = PROBLEMS[name]
    x = points(problem, np.random.default_rng(9), 6)
    own = np.ascontiguousarray(x.reshape(2, 3, -1))
    np.testing.assert_array_equal(problem.gradient(own).reshape(x.shape), problem.gradient(x))
    np.testing.assert_array_equal(problem.value(own).reshape(6, 1), problem.value(x))


def test_nothing_depends_on_the_batch(name):
    problem = PROBLEMS[name]
    x = points(problem, np.random.default_rng(10), 7)
    for one in range(7):
        np.testing.assert_array_equal(problem.gradient(x[one : one + 1]), problem.gradient(x)[one : one + 1])
        np.testing.assert_array_equal(problem.value(x[one : one + 1]), problem.value(x)[one : one + 1])


def test_gap_of_wells_has_no_cancellation():
    problem = StrictSaddle([-1.0, 1.0], rho=1.0)
    off = 2.0**-30
    x = np.array([[[problem.wells[0] - off, 0.0]]])
    np.testing.assert_allclose(problem.gap(x), [off**2], rtol=1e-8)  # ½ · 2γ · off², and a cubic term of that order


def test_curvature_of_the_quadratic_is_that_of_the_saddle_with_a_low_top():
    """λ_min = −L is possible, as statements at √(ρε) = L ask for; a quartic up to the minimiser has L = 2γ."""
    assert float(StrictSaddle([-1.0, 0.5], top=1.0).constants.L) == 1.0
    assert float(StrictSaddle([-1.0, 0.5]).constants.L) == 2.0


def test_chain_is_passed_saddle_after_saddle():
    """Gradient descent with small steps changes its largest coordinate at the times of the flow."""
    problem, stepsize = SaddleChain([2.0, 1.5, 0.7, 0.3], decay=1e-2), 1e-3
    x, leaders = problem.start[None, None], []
    for _ in range(int(1.2 * problem.passages(problem.start)[-1] / stepsize)):
        x = x - stepsize * problem.gradient(x)
        leaders.append(int(abs(x[0, 0]).argmax()))
    changes = np.flatnonzero(np.diff(leaders, prepend=3))
    assert [leaders[step] for step in changes] == [2, 1, 0]
    np.testing.assert_allclose(changes * stepsize, problem.passages(problem.start), rtol=2e-3)
    legs = np.diff(problem.passages(problem.start), prepend=0)
    np.testing.assert_allclose(legs, np.log(100) / np.array([0.4, 0.8, 0.5]), rtol=1e-12)


def test_phase_retrieval_is_a_chain_up_to_a_constant():
    phase, x = PhaseRetrieval([2.0, 0.0, 0.0]), np.random.default_rng(0).standard_normal((5, 1, 3))
    chain = SaddleChain([4.0, 4 / 3, 1.0])  # the last coordinate is left at 0
    x[..., 2] = 0
    np.testing.assert_allclose(phase.gradient(x), 3 * chain.gradient(x), rtol=0, atol=1e-13 * abs(x).max() ** 3 * 10)


def test_factors_and_layers_are_found_again():
    problem = MatrixFactorisation([2.0, 0.5], rank=2, shape=(3, 4))
    rng = np.random.default_rng(0)
    U, V = rng.standard_normal((5, 1, 3, 2)), rng.standard_normal((5, 1, 4, 2))
    x = problem.point(U, V)
    assert x.shape == (5, 1, problem.dimension)
    np.testing.assert_array_equal(problem.factors(x)[0], U)
    np.testing.assert_array_equal(problem.factors(x)[1], V)
    value = ((U @ V.swapaxes(2, 3) - problem.target) ** 2).sum(axis=(2, 3))
    np.testing.assert_allclose(problem.value(x), value, rtol=1e-13)


def test_autoencoder_is_the_mean_error_of_reproduction():
    """Over the 2n inputs ±√(n s_k) e_k, whose second moments are the variances, the mean is exact."""
    problem = LinearAutoencoder([2.0, 1.0, 0.5], width=2, depth=3)
    x = np.random.default_rng(0).standard_normal((1, 1, problem.dimension))
    first, second, third = (layer[0, 0] for layer in problem.layers(x))
    z = np.sqrt(3 * problem.variances)[:, None] * np.eye(3)
    error = 0.5 * ((third @ second @ first @ z - z) ** 2).sum(axis=0).mean()
    np.testing.assert_allclose(problem.value(x)[0, 0], error, rtol=1e-13)


@pytest.mark.parametrize(
    "make",
    [
        lambda: StrictSaddle([1.0, 2.0]),
        lambda: StrictSaddle([0.0, -1.0]),
        lambda: StrictSaddle([-1.0], rho=0.0),
        lambda: StrictSaddle([-1.0], top=-1.0),
        lambda: SaddleChain([1.0, 2.0]),
        lambda: SaddleChain([2.0, 1.0], decay=1.0),
        lambda: SaddleChain(np.linspace(2, 1, 30)).start,
        lambda: Octopus(0),
        lambda: Octopus(3, L=0.5),
        lambda: Octopus(3).passages(0.5),
        lambda: Octopus(3).passages(0.1, start=[1.0, 0.0, 1.0]),
        lambda: Octopus(3).descent(0.1, steps=[3, 2]),
        lambda: MatrixFactorisation([1.0, 1.0], rank=1),
        lambda: MatrixFactorisation([2.0, 1.0], rank=1, shape=(1, 2)),
        lambda: LinearAutoencoder([2.0, 1.0], width=3),
        lambda: LinearAutoencoder([2.0, 1.0], width=1, depth=1),
        lambda: PhaseRetrieval([0.0, 0.0]),
        lambda: PhaseRetrieval([1.0], radius=-1.0),
        lambda: StrictSaddle([-1.0] * 20).saddles,
    ],
)
def test_refusals(make):
    with pytest.raises(WrongUse):
        make()
