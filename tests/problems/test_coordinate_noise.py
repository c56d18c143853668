"""The separable function with noise in its coordinates: values, constants, and the laws of the noise to one outcome."""

from __future__ import annotations

import numpy as np
import pytest

from problems import CoordinateNoise
from problems.coordinate_noise import LAWS
from toolkit import Draw
from toolkit.errors import WrongUse

SLOPES = {"a quadratic": None, "with slopes": [1.0, 0.5, 3.0]}


class Quantiles:
    """A draw whose runs are the midpoints of equal parts of (0, 1)."""

    def __init__(self, count):
        self.u = (np.arange(count) + 0.5)[:, None, None] / count

    def of(self, purpose, index=0):
        return self

    def uniform(self, d):
        return np.repeat(self.u, d, axis=-1)


@pytest.mark.parametrize("slopes", SLOPES.values(), ids=SLOPES)
def test_gradient_is_the_slope_of_the_value(slopes):
    """Between points on one side of a kink of h′, h is a quadratic, whose central difference is exact to rounding."""
    problem = CoordinateNoise([1.0, 4.0, 0.5], [0.0, 1.0, 2.0], slopes, workers=2)
    x = np.array([[[0.3, 0.05, -2.0]], [[-3.0, 2.0, 20.0]]])
    h = 2.0**-7
    for j in range(3):
        step = h * np.eye(3)[j]
        difference = (problem.value(x + step) - problem.value(x - step)) / (2 * h)
        np.testing.assert_allclose(problem.gradient(x)[..., j], difference, rtol=1e-11)
    assert problem.gradient(x).shape == (2, 2, 3)
    np.testing.assert_array_equal(problem.gap(x), problem.value(x)[:, 0])


def test_slopes_end_the_growth_of_the_gradient_and_the_value_is_continuous():
    problem = CoordinateNoise([2.0], [0.0], slopes=[3.0])
    x = np.array([[[1.5]], [[1.5 + 1e-9]], [[-4.0]]])
    np.testing.assert_array_equal(problem.gradient(x).ravel(), [3.0, 3.0, -3.0])
    np.testing.assert_allclose(problem.value(x).ravel(), [2.25, 2.25 + 3e-9, 3 * 4 - 9 / 4], rtol=1e-15)


def test_coordinate_wise_smoothness_holds_and_is_attained():
    problem = CoordinateNoise([1.0, 4.0, 0.5], np.zeros(3), [1.0, 0.5, 3.0])
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((2, 500, 1, 3))
    apart = problem.gap(y) - problem.gap(x) - (problem.gradient(x) * (y - x)).sum(axis=(1, 2))
    bound = 0.5 * (problem.smoothness * (y - x) ** 2).sum(axis=(1, 2))
    assert (abs(apart) <= bound + 1e-13).all()
    near = CoordinateNoise([1.0, 4.0, 0.5], np.zeros(3))
    apart = near.gap(y) - near.gap(x) - (near.gradient(x) * (y - x)).sum(axis=(1, 2))
    np.testing.assert_allclose(apart, bound, rtol=0, atol=1e-12)


@pytest.mark.parametrize("law", ["uniform", "unimodal", "skewed"])
@pytest.mark.parametrize("S", [0.0, 0.3, 1.0, 1.5, 4.0])
def test_law_of_the_noise(law, S):
    """Over N equally likely outcomes: mean 0, variance 1, and the probability of a wrong sign to one outcome.

    Of a function with values up to b, the mean over midpoints is right to b/N times its number of monotone pieces.
    """
    count, sign = 2**16, -1.0
    problem = CoordinateNoise([1.0], [2.0], law=law)
    x = np.full((count, 1, 1), sign * 2.0 * S)
    noise = (problem.stochastic_gradient(x, Quantiles(count), 1) - problem.gradient(x)).ravel() / 2
    largest = abs(noise).max()
    assert abs(noise.mean()) <= 3 * largest / count
    assert abs((noise**2).mean() - 1) <= 6 * largest**2 / count
    if S > 0:
        wrong = (problem.gradient(x).ravel() + 2 * noise > 0).mean()
        assert abs(wrong - problem.wrong_sign(x)[0, 0, 0]) <= 2 / count


@pytest.mark.parametrize("law", LAWS)
def test_a_batch_has_the_variance_of_a_mean(law):
    # 10⁵ means of 4 samples: the t statistic of the variance exceeds 6 with probability about 2e-9 if their fourth
    # moment is as it should be; the skewed law at S = 1 has two values.
    problem = CoordinateNoise([1.0], [3.0], law=law)
    draw = Draw(seed=np.arange(100_000), workers=1).per_worker
    noise = problem.stochastic_gradient(np.full((100_000, 1, 1), 3.0), draw, 4).ravel() - 3.0
    squares = noise**2
    assert abs(squares.mean() - 9 / 4) <= 6 * squares.std() / np.sqrt(squares.size)
    assert abs(noise.mean()) <= 6 * noise.std() / np.sqrt(noise.size)


def test_normal_batches_know_how_often_a_sign_is_wrong():
    problem = CoordinateNoise([1.0, 1.0], [2.0, 0.0])
    x = np.array([[[1.0, -1.0]]])
    np.testing.assert_allclose(problem.wrong_sign(x, batch=4), [[[0.15865525393145707, 0.0]]], rtol=1e-14)
    with pytest.raises(WrongUse, match="no closed form"):
        CoordinateNoise([1.0], [1.0], law="uniform").wrong_sign(x[..., :1], batch=2)


def test_workers_have_noise_of_their_own_and_noise_free_coordinates_none():
    problem = CoordinateNoise([1.0, 2.0], [1.0, 0.0], law="uniform", workers=3)
    x = np.ones((2, 1, 2))
    sample = problem.stochastic_gradient(x, Draw(seed=[1, 2], workers=3).per_worker, 1)
    np.testing.assert_array_equal(sample[..., 1], 2.0)
    assert np.unique(sample[..., 0]).size == 6


def test_constants():
    constants = CoordinateNoise([1.0, 4.0], [3.0, 4.0], workers=2).constants
    assert (float(constants.L), float(constants.mu), float(constants.sigma_sq)) == (4.0, 1.0, 25.0)
    assert CoordinateNoise([1.0], [1.0], slopes=[1.0]).constants.mu is None
    assert CoordinateNoise([1.0], [0.0]).default_batch == "full"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"smoothness": [[1.0]], "sigma": [1.0]}, r"shape \(1, 1\)"),
        ({"smoothness": [1.0], "sigma": [1.0, 2.0]}, r"sigma has shape \(2,\)"),
        ({"smoothness": [0.0], "sigma": [1.0]}, "wrong sign"),
        ({"smoothness": [1.0], "sigma": [-1.0]}, "wrong sign"),
        ({"smoothness": [1.0], "sigma": [1.0], "slopes": [0.0]}, "wrong sign"),
        ({"smoothness": [1.0], "sigma": [np.inf]}, "not finite"),
        ({"smoothness": [1.0], "sigma": [1.0], "law": "normall"}, "no such law"),
        ({"smoothness": [1.0], "sigma": [1.0], "workers": 0}, "at least 1"),
    ],
)
def test_wrong_arguments_are_refused(arguments, message):
    with pytest.raises(WrongUse, match=message):
        CoordinateNoise(**arguments)
