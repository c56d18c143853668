"""The problems and compressors that bounds are checked on are what they say they are."""

from __future__ import annotations

import numpy as np
import pytest

from proofs_check.cases import (
    LARGE,
    AbsoluteDeviations,
    Case,
    Overshoot,
    RelativeNoise,
    contractions,
    crossed,
    smooth_settings,
)
from proofs_check.statistics import mean_interval
from toolkit.compressors import HardThreshold
from toolkit.draws import Draw


def test_subgradients_of_absolute_deviations() -> None:
    rng = np.random.default_rng(0)
    problem = AbsoluteDeviations(rng.integers(-2, 3, (4, 6)))
    x, y = rng.integers(-2, 3, (2, 50, 1, 6)).astype(float)  # many kinks, and sums without rounding
    g = problem.gradient(x)
    assert (problem.value(y) >= problem.value(x) + np.sum(g * (y - x), axis=-1)).all()
    assert (np.sum(g**2, axis=-1) <= problem.dimension).all()
    assert (problem.value(x).mean(axis=1) >= problem.f_star).all()
    assert problem.value(problem.x_star[None, None]).mean() == problem.f_star


def test_relative_noise() -> None:
    problem = RelativeNoise.generate(2, 3, sigma_sq=4.0)
    x = np.full((4096, 1, 3), 2.0)
    noise = problem.stochastic_gradient(x, Draw(np.arange(4096), workers=2).per_worker, 1) - problem.gradient(x)
    expected = problem.M * np.sum(problem.gradient(x[:1])[0] ** 2, axis=-1) + 4.0
    # A false alarm has probability 1e-6 at most (t over 4096 runs).
    interval = mean_interval(np.sum(noise**2, axis=-1), 1e-6, simultaneous=True)
    assert ((interval.low <= expected) & (expected <= interval.high)).all()
    assert interval.high.max() < 1.3 * expected.min()  # narrow enough to tell σ² or M alone


def test_noise_of_sampled_logistic_regression_is_bounded_everywhere() -> None:
    setting = next(one for one in smooth_settings("full") if "batch" in one.name)
    problem = setting.problem
    for scale in (0.0, 0.1, 1.0, 10.0):
        x = scale * np.random.default_rng(1).standard_normal(problem.dimension)
        margins = problem.signed_features @ x
        gradients = -problem.signed_features / (1 + np.exp(margins))[..., None]  # of every sample, per worker
        variance = np.sum((gradients - gradients.mean(axis=1, keepdims=True)) ** 2, axis=-1).mean(axis=1)
        assert (variance / setting.batch <= setting.sigma_sq).all()
        full = problem.gradient(x[None, None])[0] - problem.strength * x
        np.testing.assert_allclose(gradients.mean(axis=1), full, atol=1e-12)


def test_contractions_contract() -> None:
    x = np.random.default_rng(2).standard_normal((20, 1, 30))
    for name, compressor in {**contractions(), "overshoot": Overshoot(delta=0.5)}.items():
        error = compressor.expected_error(x)
        if error is None:
            error = np.sum((compressor.message(x, None) - x) ** 2, axis=-1)
        bound = (1 - float(compressor.constants(30).delta)) * np.sum(x**2, axis=-1)
        assert (error <= bound * (1 + 1e-12)).all(), name


def test_crossing() -> None:
    settings, compressors = smooth_settings("quick"), contractions()
    assert len(list(crossed(settings, compressors, "quick"))) == len(settings) + len(compressors) - 1
    small = [one for one in smooth_settings("full") if one.problem.dimension <= LARGE]
    large = len(smooth_settings("full")) - len(small)
    pairs = list(crossed(smooth_settings("full"), compressors, "full"))
    assert large > 0
    assert len(pairs) == len(small) * len(compressors) + large
    assert len({name for name, _, _ in pairs}) == len(pairs)


def test_a_case_without_contraction_has_no_delta() -> None:
    case = Case("threshold", smooth_settings("quick")[0], HardThreshold(lam=1.0), (0.1,))
    with pytest.raises(TypeError, match="no contraction"):
        _ = case.delta
