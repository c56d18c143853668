"""The figures on signs say what the published ones show, as far as these can be read."""

from __future__ import annotations

import numpy as np
import pytest

from figures import sparse_noise
from figures.gradient_span import CURVES, GradientSpan
from problems import CoordinateNoise
from proofs_check.sign_law import lattice_means
from toolkit.sweep import run_all


@pytest.fixture(scope="module")
def span():
    return {name: result.isel(run=0) for name, result in run_all(GradientSpan().experiments("quick"), jobs=1).items()}


def test_distance_to_the_span(span):
    distance = {name: span[name].span_distance for name in CURVES}
    assert distance["SGD"].max() < 1e-13
    assert 3.5 < distance["scaled signSGD"].max() < 4.5
    assert distance["scaled signSGD"][-1] > 0.99 * distance["scaled signSGD"].max()
    assert 8.5 < distance["signSGD with momentum"].max() < 9.5
    assert distance["signSGD with momentum"].sel(step=slice(15, 30)).min() < 0.5  # and back to about 0
    assert 4.5 < distance["EF-signSGD"].max() < 5.5
    assert distance["EF-signSGD"][-1] < 0.5


def test_losses(span):
    assert span["SGD"].test_loss.sel(step=5) < 0.01
    assert 0.8 < span["scaled signSGD"].test_loss[-1] < 0.9
    assert span["scaled signSGD"].train_loss[-1] < 1e-6
    assert span["signSGD with momentum"].test_loss.sel(step=slice(5, None)).min() > 0.8
    assert span["EF-signSGD"].test_loss.sel(step=70) < 0.02
    assert span["EF-signSGD"].train_loss[-1] < 1e-3


def test_predicted_means_of_the_toy():
    """SGD's follows the recursion of its moments, signSGD's the exact law; its variance is linearised, to 1e-4."""
    start = np.array([[1.5, -0.0305, 2.0]])
    square = start[0] ** 2
    for _ in range(50):
        square = (1 - sparse_noise.STEPSIZE) ** 2 * square + [(sparse_noise.STEPSIZE * sparse_noise.NOISE) ** 2, 0, 0]
    assert sparse_noise._sgd(start)(50) == pytest.approx(square.sum() / 2, rel=1e-12)
    problem = CoordinateNoise.sparse(3, sparse_noise.NOISE)
    exact = lattice_means(problem, start[0], sparse_noise.SIGN_STEP, 300, problem.wrong_sign, lambda x: x**2 / 2)
    predicted = sparse_noise._sign_sgd(start)(np.arange(301))
    # A quiet coordinate that has arrived is at one of two places in turn, of which the prediction has a mean.
    np.testing.assert_allclose(predicted, exact, rtol=2e-4, atol=2 * sparse_noise.SIGN_STEP**2)
    assert sparse_noise._sign_floor() / 2 == pytest.approx(0.3133, abs=1e-4)
