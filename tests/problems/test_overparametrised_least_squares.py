"""Least squares with private features: the recipe, the constants, and what lies in the span."""

from __future__ import annotations

import numpy as np
import pytest

from problems import OverparametrisedLeastSquares
from toolkit.errors import WrongUse


@pytest.fixture(scope="module")
def problem():
    return OverparametrisedLeastSquares(samples=20, seed=3)


def test_samples_are_made_by_the_recipe(problem):
    features = np.concatenate([problem.features, problem.test_features])
    labels = np.concatenate([problem.labels, problem.test_labels])
    assert features.shape == (40, 240)
    assert set(labels) == {-1.0, 1.0}
    np.testing.assert_array_equal(features[:, 0], labels)
    np.testing.assert_array_equal(features[:, 1:3], 1)
    private = features[:, 3:]
    np.testing.assert_array_equal(private.sum(axis=1), np.where(labels > 0, 1, 5))
    assert (private.sum(axis=0) <= 1).all()  # nobody shares one
    assert not features[:, 3 + 5 * 40 :].any()
    first = private.argmax(axis=1)
    assert set(first % 5) == {0}
    assert set(first // 5) == set(range(40))
    assert not (np.diff(first) > 0).all()  # shuffled


def test_gradient_is_that_of_the_value(problem):
    x = np.random.default_rng(0).standard_normal((2, 1, 240))
    direction = np.random.default_rng(1).standard_normal(240)
    difference = (problem.value(x + 0.5 * direction) - problem.value(x - 0.5 * direction))[:, 0]
    np.testing.assert_allclose((problem.gradient(x)[:, 0] * direction).sum(axis=-1), difference, rtol=1e-12)


def test_a_run_alone_has_the_bits_it_has_in_a_batch(problem):
    x = np.random.default_rng(0).standard_normal((5, 1, 240))
    for compute in (problem.value, problem.gradient, problem.span_distance):
        np.testing.assert_array_equal(compute(x)[3], compute(x[3:4].copy())[0])


def test_minimiser_and_constants(problem):
    x = problem.x_star[None, None]
    assert problem.value(x)[0, 0] <= 1e-25
    assert problem.span_distance(x)[0, 0] <= 1e-13
    eigenvalues = np.linalg.eigvalsh(problem.features.T @ problem.features / 20)
    assert float(problem.constants.L) == pytest.approx(eigenvalues[-1], rel=1e-12)
    assert float(problem.constants.mu_pl) == pytest.approx(eigenvalues[-20], rel=1e-10)
    assert abs(eigenvalues[:-20]).max() <= 1e-13


def test_distance_to_the_span(problem):
    weights = np.random.default_rng(0).standard_normal(20)
    inside = problem.features.T @ weights
    outside = np.zeros(240)
    outside[-1] = 3.0  # a feature that no sample has
    assert problem.span_distance(inside[None, None])[0, 0] <= 1e-13
    assert problem.span_distance((inside + outside)[None, None])[0, 0] == pytest.approx(3.0, rel=1e-12)
    seen = problem.observe((inside + outside)[None, None])
    residuals = problem.features @ inside - problem.labels
    assert seen["train_loss"][0] == pytest.approx((residuals**2).mean(), rel=1e-12)
    assert seen["train_loss"][0] == pytest.approx(2 * problem.value(inside[None, None])[0, 0], rel=1e-12)


def test_it_is_described_by_its_arguments(problem):
    assert problem.describe() == {"samples": 20, "positive": 0.5, "seed": 3}


@pytest.mark.parametrize("arguments", [{"samples": 0}, {"positive": 1.5}])
def test_wrong_arguments_are_refused(arguments):
    with pytest.raises(WrongUse):
        OverparametrisedLeastSquares(**arguments)
