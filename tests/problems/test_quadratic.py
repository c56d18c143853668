"""Quadratic: gradients, exact constants, the minimiser, generated problems, equal bits alone and in a batch."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from problems import Quadratic, ThreeWorkers
from toolkit import Draw
from toolkit.errors import WrongUse

EPS = np.finfo(float).eps


class OneDraw:
    """A draw that returns the given array."""

    def __init__(self, numbers):
        self.numbers = numbers

    def normal(self, d):
        assert self.numbers.shape[-1] == d
        return self.numbers.copy()


@st.composite
def quadratics(draw):
    """Convex or indefinite, dense or diagonal, heterogeneous or not; singular mean Hessians included."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n, d = draw(st.integers(1, 4)), draw(st.integers(1, 5))
    rank = draw(st.integers(1, 5))
    if draw(st.booleans()):
        hessians = rng.integers(draw(st.sampled_from([-2, 0, 1])), 5, (n, d)).astype(float)
    else:
        factors = rng.standard_normal((n, d, rank))
        signs = rng.choice([-1.0, 1.0] if draw(st.booleans()) else [1.0], (n, 1, rank))
        hessians = (factors * signs) @ factors.swapaxes(1, 2)
        hessians = (hessians + hessians.swapaxes(1, 2)) / 2
    if draw(st.booleans()):
        hessians = np.repeat(hessians[:1], n, axis=0)
    return Quadratic(hessians, rng.standard_normal((n, d)), sigma_sq=draw(st.sampled_from([0.0, 2.0])))


def dense(hessians):
    return hessians if hessians.ndim == 3 else np.stack([np.diag(h) for h in hessians])


@given(quadratics(), st.integers(0, 2**32 - 1), st.booleans())
def test_value_and_gradient_are_the_formula(problem, seed, shared):
    """Against loops over runs and workers; the tolerance is the rounding of sums of d terms, for all |x_k| ≤ 6."""
    n, d = problem.workers, problem.dimension
    x = np.random.default_rng(seed).uniform(-6, 6, (3, 1 if shared else n, d))
    A = dense(problem.hessians)
    scale = 36 * (np.abs(A).sum(axis=(1, 2)) + np.abs(problem.linear).sum(axis=1)).max()
    for r in range(3):
        for i in range(n):
            point = x[r, 0 if shared else i]
            gradient = A[i] @ point - problem.linear[i]
            value = point @ A[i] @ point / 2 - problem.linear[i] @ point
            assert_allclose(problem.gradient(x)[r, i], gradient, rtol=0, atol=4 * d * EPS * scale)
            assert_allclose(problem.value(x)[r, i], value, rtol=0, atol=4 * d * EPS * scale)


def test_gradient_is_the_central_difference():
    """Central differences of a quadratic have no error but rounding: eps·|f|/h."""
    problem = Quadratic.generate(3, 4, heterogeneity=2.0, spread=0.5)
    x = np.random.default_rng(0).standard_normal((2, 3, 4))
    h = 0.5
    for k in range(4):
        step = h * np.eye(4)[k]
        difference = (problem.value(x + step) - problem.value(x - step)) / (2 * h)
        assert_allclose(problem.gradient(x)[..., k], difference, rtol=0, atol=1e-13)


@given(quadratics(), st.integers(0, 2**32 - 1), st.booleans())
def test_a_run_alone_has_the_bits_it_has_in_a_batch(problem, seed, shared):
    n, d = problem.workers, problem.dimension
    x = np.random.default_rng(seed).standard_normal((7, 1 if shared else n, d))
    seeds = np.arange(7)
    for r in range(7):
        alone = x[r : r + 1].copy()
        assert_array_equal(problem.value(x)[r], problem.value(alone)[0])
        assert_array_equal(problem.gradient(x)[r], problem.gradient(alone)[0])
        draws = Draw(seed=seeds, workers=n).per_worker, Draw(seed=seeds[r : r + 1], workers=n).per_worker
        assert_array_equal(
            problem.stochastic_gradient(x, draws[0], 2)[r], problem.stochastic_gradient(alone, draws[1], 2)[0]
        )
        if problem.x_star is not None:
            assert_array_equal(problem.gap(x[:, :1])[r], problem.gap(alone[:, :1])[0])


@pytest.mark.parametrize("rotated", [True, False])
def test_equal_bits_in_the_sizes_of_an_experiment(rotated):
    problem = Quadratic.generate(8, 100, heterogeneity=1.0, rotated=rotated)
    x = np.random.default_rng(0).standard_normal((64, 8, 100))
    for compute in (problem.value, problem.gradient):
        assert_array_equal(compute(x)[37], compute(x[37:38].copy())[0])
        assert_array_equal(compute(x)[37], compute(np.asfortranarray(x)[37:38])[0])


@given(quadratics(), st.integers(0, 2**32 - 1))
def test_constants_hold_on_random_pairs(problem, seed):
    """The slack is rounding: 1e-12 of the larger side's natural size."""
    rng = np.random.default_rng(seed)
    d = problem.dimension
    x, y = rng.standard_normal((2, 5, 1, d))
    constants = problem.constants
    per_worker = problem.gradient(x) - problem.gradient(y)
    mean, gradient = per_worker.mean(axis=1), problem.gradient(x).mean(axis=1)
    apart = np.linalg.norm(x - y, axis=-1)
    size = float(constants.L_i.value.max()) + np.abs(problem.linear).max() + 1
    slack = 1e-12 * size * (1 + apart)
    assert (np.linalg.norm(per_worker, axis=-1) <= constants.L_i.value * apart + slack).all()
    assert (np.linalg.norm(mean, axis=-1) <= float(constants.L) * apart[:, 0] + slack[:, 0]).all()
    curvature = np.sum(mean * (x - y)[:, 0], axis=-1)
    if constants.mu is not None:
        assert float(constants.mu) > 0
        assert (curvature >= float(constants.mu) * apart[:, 0] ** 2 - (slack * (1 + apart))[:, 0]).all()
    if constants.mu_pl is not None:
        gap = problem.gap(x)
        near = 1e-12 * size**2 * (1 + np.abs(problem.x_star).max()) ** 2 * d
        assert (gap >= -near).all()
        assert (np.sum(gradient**2, axis=-1) >= 2 * float(constants.mu_pl) * gap - near).all()
    if constants.convex:
        assert (np.sum(per_worker * (x - y), axis=-1) >= -(slack * (1 + apart))).all()
    if constants.zeta_sq is not None:
        apart_sq = np.sum((problem.gradient(x) - gradient[:, None]) ** 2, axis=-1).mean(axis=-1)
        assert_allclose(apart_sq, float(constants.zeta_sq), rtol=0, atol=1e-12 * size**2 * d)


@given(quadratics())
def test_minimiser_is_stationary_and_lowest_or_absent(problem):
    A, b = dense(problem.hessians).mean(axis=0), problem.linear.mean(axis=0)
    if problem.x_star is None:
        # Then some direction u has u'Au < 0, or u'Au = 0 with b'u > 0: f falls without end along it.
        values, basis = np.linalg.eigh(A)
        flat = np.abs(values) <= 1e-12
        assert (values < -1e-12).any() or np.abs(basis.T[flat] @ b).max(initial=0) > 1e-12
        assert problem.f_star is None
        assert problem.gap(np.zeros((1, 1, problem.dimension))) is None
        return
    size = np.abs(A).max() * np.abs(problem.x_star).max() + np.abs(problem.linear).max()
    condition = float(problem.constants.L) / float(problem.constants.mu_pl) if problem.constants.mu_pl else 1.0
    assert_allclose(A @ problem.x_star, b, rtol=0, atol=50 * EPS * size * condition)
    values = problem.value(problem.x_star[None, None]).mean()
    assert_allclose(values, problem.f_star, rtol=0, atol=1e-12 * (1 + size) ** 2 * condition)


def test_gap_resolves_what_the_difference_of_values_cannot():
    problem = Quadratic.generate(4, 6, spectrum=(1.0, 2.0), heterogeneity=1.0)
    offset = 1e-10 * np.ones((1, 1, 6))
    x = problem.x_star + offset
    exact = 0.5 * (x - problem.x_star)[0, 0] @ problem.hessians.mean(axis=0) @ (x - problem.x_star)[0, 0]
    assert_allclose(problem.gap(x), exact, rtol=1e-12)
    assert 2.9e-20 <= exact <= 6.1e-20  # 3e-20 · [μ, L], far below the rounding of f itself


@pytest.mark.parametrize("batch", [1, 4])
def test_noise_has_the_declared_variance_exactly(batch):
    """g − ∇f = z·√(σ²/(dB)) for the numbers z drawn, so that E‖g − ∇f‖² = σ²/B by E z² = 1."""
    problem = Quadratic(np.full((2, 4), 2.0), sigma_sq=3.0)
    x = np.zeros((5, 1, 4))  # the gradient is 0, so the noise stands alone
    z = np.random.default_rng(0).standard_normal((5, 2, 4))
    assert_array_equal(problem.stochastic_gradient(x, OneDraw(z), batch), z * np.sqrt(3.0 / (4 * batch)))
    assert float(problem.constants.sigma_sq) == 3.0
    assert problem.default_batch == 1


def test_without_noise_a_sample_is_the_gradient():
    problem = Quadratic(np.ones((2, 3)))
    x = np.ones((1, 1, 3))
    assert_array_equal(problem.stochastic_gradient(x, None, 1), problem.gradient(x))
    assert problem.default_batch == "full"


def test_three_workers_is_the_example_of_the_paper():
    problem = ThreeWorkers()
    expected = [[0.5, 0.5, 34.5]] * 3
    assert_allclose(np.linalg.eigvalsh(problem.hessians), expected, rtol=0, atol=34.5 * 3 * EPS)
    mean = np.linalg.eigvalsh(problem.hessians.mean(axis=0))
    assert_allclose(mean, [7 / 6, 103 / 6, 103 / 6], rtol=0, atol=34.5 * 3 * EPS)
    assert_array_equal(problem.start, [1.0, 1.0, 1.0])
    gradient = problem.gradient(problem.start[None, None])[0]
    assert_array_equal(gradient, np.array([[-11.0, 9, 9], [9, -11, 9], [9, 9, -11]]) / 2)
    a = np.array([-3.0, 2.0, 2.0])
    x = np.array([1.0, 2.0, 4.0])
    assert problem.value(x[None, None])[0, 0] == (a @ x) ** 2 + x @ x / 4
    assert_array_equal(problem.x_star, np.zeros(3))
    assert problem.f_star == 0.0
    assert problem.constants.convex is True


@given(
    st.integers(2, 6),
    st.integers(1, 8),
    st.floats(0.01, 100.0),
    st.sampled_from([0.0, 0.3, 1.0]),
    st.booleans(),
    st.integers(0, 1000),
)
def test_generated_problem_has_what_was_asked(n, d, heterogeneity, spread, rotated, seed):
    spectrum = np.linspace(0.5, 2.0, d)
    problem = Quadratic.generate(
        n, d, spectrum=spectrum, spread=spread, heterogeneity=heterogeneity, rotated=rotated, seed=seed
    )
    constants = problem.constants
    assert_allclose(float(constants.heterogeneity), heterogeneity, rtol=1e-11)
    assert_allclose([float(constants.L), float(constants.mu)], [spectrum[-1], spectrum[0]], rtol=1e-12)
    assert_allclose(constants.L_i.value, spectrum[-1] * (1 + spread * np.linspace(-1, 1, n)), rtol=1e-12, atol=1e-12)
    assert constants.convex is True
    if spread:
        assert constants.zeta_sq is None
    else:
        assert_allclose(float(constants.zeta_sq), heterogeneity, rtol=1e-11)
    assert problem.hessians.ndim == (3 if rotated else 2)


def test_generated_problem_is_described_by_its_arguments_and_made_again_from_them():
    problem = Quadratic.generate(3, 5, spectrum=(0.2, 1.0), heterogeneity=1.0, sigma_sq=0.5, seed=7)
    arguments = problem.describe()
    assert arguments.pop("generate") == "Quadratic"
    again = Quadratic.generate(arguments.pop("workers"), arguments.pop("dimension"), **arguments)
    assert_array_equal(again.hessians, problem.hessians)
    assert_array_equal(again.linear, problem.linear)
    assert again.describe() == problem.describe()
    assert set(Quadratic(np.ones((1, 2))).describe()) == {"hessians", "linear", "sigma_sq", "start"}


def test_data_are_copied_and_read_only():
    hessians = np.ones((2, 3))
    problem = Quadratic(hessians)
    hessians[0, 0] = 5.0
    assert problem.hessians[0, 0] == 1.0
    with pytest.raises(ValueError, match="read-only"):
        problem.hessians[0, 0] = 2.0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"hessians": np.ones(3)}, r"hessians has shape \(3,\)"),
        ({"hessians": np.ones((2, 3, 4))}, r"hessians has shape \(2, 3, 4\)"),
        ({"hessians": np.ones((0, 3))}, r"hessians has shape \(0, 3\)"),
        ({"hessians": np.array([[[1.0, 2.0], [0.0, 1.0]]])}, "not symmetric"),
        ({"hessians": np.array([[1.0, np.nan]])}, "hessians holds a number that is not finite"),
        ({"hessians": np.ones((2, 3)), "linear": np.ones(3)}, r"linear has shape \(3,\)"),
        ({"hessians": np.ones((2, 3)), "start": np.ones(2)}, r"start has shape \(2,\)"),
        ({"hessians": np.ones((2, 3)), "sigma_sq": -1.0}, "a variance is finite and at least 0"),
    ],
)
def test_wrong_arguments_are_refused(arguments, message):
    with pytest.raises(WrongUse, match=message):
        Quadratic(**arguments)


@pytest.mark.parametrize(
    ("sizes", "options", "message"),
    [
        ((0, 3), {}, "at least one worker"),
        ((2, 3), {"spectrum": [1.0, 2.0]}, r"spectrum has shape \(2,\)"),
        ((2, 1), {"spectrum": (1.0, 2.0)}, "one eigenvalue"),
        ((1, 3), {"heterogeneity": 1.0}, "one worker cannot differ"),
        ((2, 3), {"heterogeneity": -1.0}, "no mean of squares"),
        ((2, 3), {"spread": 1.5}, "concave"),
    ],
)
def test_impossible_problems_are_not_generated(sizes, options, message):
    with pytest.raises(WrongUse, match=message):
        Quadratic.generate(*sizes, **options)


def test_flat_directions_are_allowed_where_f_is_bounded():
    flat = Quadratic(np.array([[1.0, 0.0]]), np.array([[2.0, 0.0]]))
    assert_array_equal(flat.x_star, [2.0, 0.0])
    assert flat.constants.mu is None
    assert float(flat.constants.mu_pl) == 1.0
    unbounded = Quadratic(np.array([[1.0, 0.0]]), np.array([[2.0, 1.0]]))
    assert unbounded.x_star is None
    assert unbounded.constants.mu_pl is None


@pytest.mark.parametrize("hessians", [[[1.0], [1.0, 2.0]], "abc", [[1j]]])
def test_what_is_not_an_array_of_numbers_is_refused(hessians):
    with pytest.raises(WrongUse, match="not one array of numbers"):
        Quadratic(hessians=hessians)


@pytest.mark.parametrize("rotated", [False, True])
def test_hessian_is_the_mean_of_the_workers(rotated):
    problem = Quadratic.generate(3, 5, spectrum=(-0.5, 2.0), spread=0.5, rotated=rotated)
    x, v = np.random.default_rng(0).standard_normal((2, 4, 1, 5))
    slope = (problem.gradient(x + v) - problem.gradient(x)).mean(axis=1, keepdims=True)
    np.testing.assert_allclose(problem.hessian_product(x, v), slope, rtol=0, atol=1e-13)
    assert problem.hessian_product(x, v[:1]).shape == problem.hessian_product(x[:1], v).shape == (4, 1, 5)
    np.testing.assert_allclose(problem.smallest_eigenvalue(x), np.full(4, -0.5), rtol=1e-13)
