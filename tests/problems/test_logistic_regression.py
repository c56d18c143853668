"""Logistic regression: gradients, certified minimum, constants, samples, equal bits alone and in a batch."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

import problems.logistic_regression as module
from problems import LogisticRegression
from toolkit import Draw
from toolkit.errors import ToolkitError, WrongUse

REGULARISERS = ("l2", "nonconvex")


class OneDraw:
    """A draw whose uniform numbers are the given array."""

    def __init__(self, numbers):
        self.numbers = numbers

    def of(self, purpose):
        assert purpose == "rows"
        return self

    def uniform(self, d):
        assert self.numbers.shape[-1] == d
        return self.numbers


def small(regulariser="l2", strength=0.1, seed=0, workers=3):
    rng = np.random.default_rng(seed)
    features = rng.standard_normal((23, 4)) * [1.0, 3.0, 0.2, 1.0]
    labels = np.where(features @ [1.0, -1.0, 2.0, 0.0] + rng.standard_normal(23) > 0, 5, 2)
    return LogisticRegression(features, labels, workers, regulariser, strength)


@pytest.fixture(params=REGULARISERS)
def problem(request):
    return small(request.param)


def transcription(problem, i, x):
    """f_i and its gradient, one sample at a time, as on paper."""
    shard = problem.signed_features[i]
    value, gradient = 0.0, np.zeros(len(x))
    for row in shard:
        value += np.log(1 + np.exp(-row @ x)) / len(shard)
        gradient -= row / (1 + np.exp(row @ x)) / len(shard)
    if problem.regulariser == "l2":
        return value + problem.strength / 2 * x @ x, gradient + problem.strength * x
    penalty = problem.strength * np.sum(x**2 / (1 + x**2))
    return value + penalty, gradient + problem.strength * 2 * x / (1 + x**2) ** 2


@pytest.mark.parametrize("shared", [True, False])
def test_value_and_gradient_are_the_formula(problem, shared):
    x = np.random.default_rng(1).standard_normal((4, 1 if shared else 3, 4))
    value, gradient = problem.value(x), problem.gradient(x)
    assert value.shape == (4, 3)
    assert gradient.shape == (4, 3, 4)
    for r in range(4):
        for i in range(3):
            expected = transcription(problem, i, x[r, 0 if shared else i])
            assert_allclose(value[r, i], expected[0], rtol=1e-13)
            assert_allclose(gradient[r, i], expected[1], rtol=0, atol=1e-14)


def test_gradient_is_the_central_difference(problem):
    """With h = 1e-5 the error is h²·|f'''|/6 + eps·|f|/h < 1e-9 for these numbers (|f'''| < 30, |f| < 10)."""
    x = np.random.default_rng(2).standard_normal((5, 3, 4))
    for k in range(4):
        step = 1e-5 * np.eye(4)[k]
        difference = (problem.value(x + step) - problem.value(x - step)) / 2e-5
        assert_allclose(problem.gradient(x)[..., k], difference, rtol=0, atol=1e-9)


def test_nothing_overflows_far_away(problem):
    """At |x| = 1e5 the loss is the mean of the positive parts of the negative margins, to all digits."""
    x = 1e5 * np.array([[[1.0, -1.0, 1.0, 1.0]], [[-1.0, 1.0, -1.0, -1.0]]])
    margins = np.einsum("nmd,rd->rnm", problem.signed_features, x[:, 0])
    penalty = problem.value(x) - np.maximum(-margins, 0).mean(axis=-1)
    assert np.isfinite(problem.gradient(x)).all()
    expected = 0.05 * 4e10 if problem.regulariser == "l2" else 0.4
    assert_allclose(penalty, expected, rtol=1e-9)


@settings(max_examples=20)
@given(st.sampled_from(REGULARISERS), st.integers(0, 2**32 - 1), st.booleans(), st.integers(1, 3))
def test_a_run_alone_has_the_bits_it_has_in_a_batch(regulariser, seed, shared, batch):
    problem = small(regulariser)
    x = np.random.default_rng(seed).standard_normal((6, 1 if shared else 3, 4))
    seeds = np.arange(6)
    for r in range(6):
        alone = x[r : r + 1].copy()
        assert_array_equal(problem.value(x)[r], problem.value(alone)[0])
        assert_array_equal(problem.gradient(x)[r], problem.gradient(alone)[0])
        draws = Draw(seed=seeds, workers=3).per_worker, Draw(seed=seeds[r : r + 1], workers=3).per_worker
        samples = problem.stochastic_gradient(x, draws[0], batch), problem.stochastic_gradient(alone, draws[1], batch)
        assert_array_equal(samples[0][r], samples[1][0])
        if regulariser == "l2":
            assert_array_equal(problem.gap(x[:, :1])[r], problem.gap(alone[:, :1])[0])


def test_equal_bits_in_the_sizes_of_an_experiment():
    problem = LogisticRegression.on("digits")
    x = np.random.default_rng(0).standard_normal((9, 20, 61))
    for compute in (problem.value, problem.gradient):
        assert_array_equal(compute(x)[7], compute(x[7:8].copy())[0])
        assert_array_equal(compute(x)[7], compute(np.asfortranarray(x)[7:8])[0])


@settings(max_examples=20)
@given(st.sampled_from(REGULARISERS), st.integers(0, 2**32 - 1), st.floats(0.01, 10.0))
def test_constants_hold_on_random_pairs(regulariser, seed, spread):
    """The slack is rounding, 1e-12 of the sizes that occur."""
    problem = small(regulariser, seed=seed % 5)
    constants = problem.constants
    rng = np.random.default_rng(seed)
    x, y = spread * rng.standard_normal((2, 20, 1, 4))
    apart = np.linalg.norm(x - y, axis=-1)
    slack = 1e-12 * (1 + apart)
    per_worker = problem.gradient(x) - problem.gradient(y)
    mean = per_worker.mean(axis=1)
    assert (np.linalg.norm(per_worker, axis=-1) <= constants.L_i.value * apart + slack).all()
    assert (np.linalg.norm(mean, axis=-1) <= float(constants.L) * apart[:, 0] + slack[:, 0]).all()
    assert (problem.value(x).mean(axis=1) >= problem.f_inf).all()
    if regulariser == "nonconvex":
        assert constants.convex is False
        assert constants.mu is constants.heterogeneity is problem.f_star is problem.gap(x) is None
        return
    assert constants.convex is True
    curvature = np.sum(mean * (x - y)[:, 0], axis=-1)
    assert (curvature >= float(constants.mu) * apart[:, 0] ** 2 - (slack * (1 + apart))[:, 0]).all()
    gradient_sq = np.sum(problem.gradient(x).mean(axis=1) ** 2, axis=-1)
    assert (gradient_sq >= 2 * float(constants.mu_pl) * problem.gap(x) - slack[:, 0]).all()


def test_smoothness_constants_are_attained_at_zero(problem):
    """∇f(hv) − ∇f(−hv) = 2hLv + O(h³) along the top eigenvector v of the Hessian at 0; h = 1e-4."""
    constants = problem.constants
    A = problem.signed_features
    shards = [*A, A.reshape(-1, 4)]
    for i, (shard, L) in enumerate(zip(shards, [*constants.L_i.value, float(constants.L)], strict=True)):
        v = np.linalg.eigh(shard.T @ shard)[1][:, -1]
        x = 1e-4 * np.stack([v, -v])[:, None]
        gradients = problem.gradient(x).mean(axis=1) if i == 3 else problem.gradient(x)[:, i]
        assert_allclose((gradients[0] - gradients[1]) / 2e-4, L * v, rtol=0, atol=1e-6)
    assert_allclose(float(constants.L_tilde), np.sqrt(np.mean(constants.L_i.value**2)), rtol=1e-15)


@pytest.mark.parametrize("name", ["breast-cancer", "digits"])
def test_minimum_is_certified_on_real_data(name):
    problem = LogisticRegression.on(name)
    gradient = problem.gradient(problem.x_star[None, None]).mean(axis=1)
    certificate = np.sum(gradient**2) / (2 * problem.strength)
    assert problem.f_star_certificate == pytest.approx(certificate, rel=1e-12)
    assert certificate <= 1e-12
    # By strong convexity no point is lower than f_star by more than the certificate.
    near = problem.x_star + 1e-3 * np.random.default_rng(0).standard_normal((50, 1, problem.dimension))
    assert (problem.value(near).mean(axis=1) > problem.f_star).all()
    assert problem.f_inf <= problem.f_star <= np.log(2)
    D = np.mean(np.sum(problem.gradient(problem.x_star[None, None])[0] ** 2, axis=-1))
    assert float(problem.constants.heterogeneity) == pytest.approx(D, rel=1e-12)
    assert float(problem.constants.mu) == problem.strength


def test_a_minimum_without_its_certificate_is_an_error(monkeypatch):
    monkeypatch.setattr(module, "NEWTON_STEPS", 1)
    problem = small(strength=1e-6)
    with pytest.raises(ToolkitError, match=r"certified to .* only"):
        _ = problem.f_star


def test_without_regulariser_no_minimum_is_claimed():
    problem = small(strength=0.0)
    assert problem.f_star is problem.f_star_certificate is problem.x_star is problem.constants.mu is None
    assert problem.f_inf == 0.0


def test_minimum_is_computed_when_asked_for():
    problem = small()
    assert not {"x_star", "f_star", "constants"} & set(vars(problem))
    assert problem.f_star is not None
    assert "f_star" in vars(problem)


def test_gap_is_the_difference_of_values():
    problem = small()
    for scale in (0.1, 1.0, 30.0, 1e4):
        x = scale * np.random.default_rng(3).standard_normal((8, 1, 4))
        values = problem.value(x).mean(axis=1)
        assert_allclose(problem.gap(x), values - problem.f_star, rtol=1e-12, atol=1e-14)


def test_gap_resolves_what_the_difference_of_values_cannot():
    """At 1e-9 from x* the gap is ½ u'Hu (1 + O(1e-9)), some 1e-18; u is known to eps·|x*|/1e-9, about 1e-6."""
    problem = small()
    x = problem.x_star + 1e-9 * np.array([[[1.0, -1.0, 1.0, 1.0]]])
    u = (x - problem.x_star)[0, 0]
    A = problem.signed_features.reshape(-1, 4)
    s = 1 / (1 + np.exp(A @ problem.x_star))
    hessian = (A.T * (s * (1 - s))) @ A / len(A) + problem.strength * np.eye(4)
    assert_allclose(problem.gap(x), u @ hessian @ u / 2, rtol=1e-6)


def test_single_samples_average_to_the_gradient_exactly(problem):
    """One run per choice of the row enumerates the sample: the mean over runs is the expectation."""
    m = problem.signed_features.shape[1]
    u = np.broadcast_to(((np.arange(m) + 0.5) / m)[:, None, None], (m, 3, 1))
    x = np.random.default_rng(4).standard_normal((1, 1, 4))
    samples = problem.stochastic_gradient(np.repeat(x, m, axis=0), OneDraw(u), 1)
    assert_allclose(samples.mean(axis=0), problem.gradient(x)[0], rtol=0, atol=1e-14)
    assert (samples.std(axis=0) > 1e-3).all()


def test_a_batch_is_the_mean_of_its_samples_from_the_own_shard(problem):
    m = problem.signed_features.shape[1]
    rows = np.array([[0, 0, 3], [1, 5, 6], [6, 6, 6]])
    x = np.random.default_rng(5).standard_normal((1, 3, 4))
    sample = problem.stochastic_gradient(x, OneDraw((rows[None] + 0.5) / m), 3)
    for i in range(3):
        chosen = problem.signed_features[i, rows[i]]
        loss = -(chosen / (1 + np.exp(chosen @ x[0, i]))[:, None]).mean(axis=0)
        regulariser = transcription(problem, i, x[0, i])[1] + (
            problem.signed_features[i] / (1 + np.exp(problem.signed_features[i] @ x[0, i]))[:, None]
        ).mean(axis=0)
        assert_allclose(sample[0, i], loss + regulariser, rtol=0, atol=1e-14)


def test_the_extreme_uniform_numbers_choose_the_first_and_the_last_row():
    problem = small()
    m = problem.signed_features.shape[1]
    x = np.zeros((2, 1, 4))
    ends = np.array([2.0**-33, 1 - 2.0**-33])[:, None, None] * np.ones((2, 3, 1))
    sample = problem.stochastic_gradient(x, OneDraw(ends), 1)
    assert_array_equal(sample, -0.5 * problem.signed_features[:, [0, m - 1]].swapaxes(0, 1))


@pytest.mark.parametrize(("workers", "share", "dropped"), [(20, 28, 9), (1, 569, 0), (100, 5, 69)])
def test_shards_are_equal_and_the_remainder_is_said(workers, share, dropped):
    problem = LogisticRegression.on("breast-cancer", workers)
    assert problem.signed_features.shape == (workers, share, 30)
    assert problem.dropped == problem.describe()["dropped"] == dropped


def test_features_are_standardised_over_the_samples_used():
    problem = LogisticRegression.on("digits")
    squares = problem.signed_features.reshape(-1, 61) ** 2
    assert_allclose(squares.mean(axis=0), 1, rtol=1e-12)
    assert problem.constant_features == 3
    assert problem.dropped == 17


def test_given_order_and_scale_are_kept_on_request():
    features = np.arange(10.0).reshape(5, 2)
    problem = LogisticRegression(features, [0, 1, 0, 1, 1], 2, standardise=False, seed=None)
    assert_array_equal(problem.signed_features, [[[0, -1], [2, 3]], [[-4, -5], [6, 7]]])


def test_a_data_set_is_described_by_its_name_and_own_data_by_what_became_of_them(tmp_path):
    assert LogisticRegression.on("breast-cancer", 5).describe() == {
        "data": "breast-cancer",
        "workers": 5,
        "regulariser": "l2",
        "strength": LogisticRegression.on("breast-cancer", 5).strength,
        "standardise": True,
        "seed": 0,
        "dropped": 4,
    }
    path = tmp_path / "own"
    path.write_text("1 1:1 2:2\n2 1:3\n1 2:5\n2 2:4\n")
    description = LogisticRegression.on(str(path), workers=2, strength=0.5).describe()
    assert set(description) == {"signed_features", "regulariser", "strength", "dropped"}


def test_default_strengths():
    problem = LogisticRegression.on("breast-cancer")
    A = problem.signed_features.reshape(-1, 30)
    loss = np.linalg.eigvalsh(A.T @ A)[-1] / (4 * len(A))
    assert_allclose(problem.strength, loss / 1000, rtol=1e-12)
    assert_allclose(float(problem.constants.L), loss * 1.001, rtol=1e-12)
    assert LogisticRegression.on("breast-cancer", regulariser="nonconvex").strength == 0.1


def test_more_features_than_samples():
    features = np.random.default_rng(0).standard_normal((6, 9))
    problem = LogisticRegression(features, [0, 1, 0, 1, 0, 1], 2, strength=0.1)
    A = problem.signed_features.reshape(6, 9)
    assert_allclose(float(problem.constants.L), np.linalg.norm(A, 2) ** 2 / 24 + 0.1, rtol=1e-12)
    assert problem.f_star_certificate <= 1e-12


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"features": np.ones(4)}, r"features have shape \(4,\)"),
        ({"labels": [0, 1]}, r"labels \(2,\)"),
        ({"features": np.full((4, 2), np.inf)}, "not finite"),
        ({"features": np.ones((4, 2))}, "every feature is constant"),
        ({"labels": [0, 1, 2, 1]}, "3 values"),
        ({"workers": 5}, "4 samples cannot be shared equally by 5 workers"),
        ({"workers": 0}, "Give 1 to 4 workers"),
        ({"regulariser": "l1"}, "Choose one of: l2, nonconvex"),
        ({"strength": -1.0}, "finite and at least 0"),
    ],
)
def test_wrong_arguments_are_refused(changes, message):
    arguments = {"features": np.arange(8.0).reshape(4, 2) ** 2, "labels": [0, 1, 0, 1], "workers": 2}
    with pytest.raises(WrongUse, match=message):
        LogisticRegression(**(arguments | changes))


def test_scikit_learn_is_imported_only_for_its_data():
    code = "import sys; from problems import LogisticRegression; assert 'sklearn' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
