"""Noise: its moments, directions and correlation, what is the same at two points, and that it needs no memory.

Draws are functions of their address, so the tests of moments see the same numbers every time. Each is within five
standard errors of an estimate from thousands of runs, which a wrong law passes with probability below 10⁻⁶.
"""

from __future__ import annotations

import numpy as np
import pytest

from problems import Noisy, Rotated, Spread, StrictSaddle
from problems.noisy import LAWS
from toolkit import Draw, simulate
from toolkit.algorithms import SGD
from toolkit.errors import WrongUse
from toolkit.stationarity import escape_directions

RUNS = 20_000
SADDLE = StrictSaddle([-1.0, 0.5, 1.0, 2.0])
AXIS = np.eye(4)[0]
X = np.array([[[0.3, -0.2, 0.9, 0.4]]])
CENTRE = [0.1, 0.0, 0.0, 0.0]


def noisy(law, **settings):
    if law == "opposing":
        settings["along"] = AXIS
    return Noisy(SADDLE, 4.0, law, centre=CENTRE, **settings)


def within(samples, expected, errors=5):
    """Check means over the first axis."""
    error = samples.std(axis=0) / np.sqrt(len(samples))
    assert (abs(samples.mean(axis=0) - expected) <= errors * error + 1e-12).all()


class Quantiles:
    """A draw whose runs are the midpoints of equal parts of (0, 1)."""

    def __init__(self, count):
        self.u = (np.arange(count) + 0.5)[:, None, None] / count

    def of(self, purpose, index=0):
        return self

    def uniform(self, d):
        return np.repeat(self.u, d, axis=-1)


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("law", LAWS)
def test_mean_and_second_moment(law, batch):
    problem = noisy(law)
    noise = problem.noise(X, Draw(np.arange(RUNS)).per_worker, batch)[:, 0]
    expected = 4.0 * (((X - CENTRE) ** 2).sum() if law == "vanishing" else 1.0)
    within(noise, 0.0)
    within((noise**2).sum(axis=1), expected / batch)
    sample = problem.stochastic_gradient(X, Draw(np.arange(3)).per_worker, batch)
    np.testing.assert_array_equal(sample, noise[:3, None] + SADDLE.gradient(X))


@pytest.mark.parametrize("law", ["normal", "flipping", "vanishing"])
def test_isotropic_noise_has_the_same_energy_in_all_directions(law):
    noise = noisy(law).noise(X, Draw(np.arange(RUNS)).per_worker)[:, 0]
    direction = np.array([0.5, 0.5, -0.5, 0.5])
    total = (noise**2).sum(axis=1).mean()
    for energy in ((noise @ direction) ** 2, noise[:, 2] ** 2):
        within(energy, total / 4)


@pytest.mark.parametrize("law", ["normal", "flipping", "vanishing"])
def test_avoided_directions_have_no_noise_and_the_others_all_of_it(law):
    problem = noisy(law, avoiding=AXIS)
    noise = problem.noise(X, Draw(np.arange(RUNS)).per_worker)[:, 0]
    assert not noise[:, 0].any()
    expected = 4.0 * (((X - CENTRE) ** 2).sum() if law == "vanishing" else 1.0)
    within((noise**2).sum(axis=1), expected)
    within(noise[:, 1] ** 2, expected / 3)


def test_avoided_directions_in_another_basis():
    turned = Rotated(StrictSaddle([-1.0, -0.5, 1.0, 2.0]), seed=3)
    directions = escape_directions(turned, np.zeros(4))
    assert directions.shape == (2, 4)
    noise = Noisy(turned, 1.0, avoiding=directions).noise(X, Draw(np.arange(RUNS)).per_worker)[:, 0]
    assert abs(noise @ directions.T).max() < 1e-14
    within((noise**2).sum(axis=1), 1.0)


def test_a_start_without_the_escape_direction_never_gets_one():
    problem = Noisy(SADDLE, 1.0, avoiding=AXIS)
    result = simulate(problem, SGD(), stepsize=0.1, steps=200, runs=5, record=[200], keep=("x",))
    assert not result.x.values[..., 0].any()
    assert abs(result.x.values[..., 1:]).min() > 0


def test_normal_noise_is_the_same_at_every_point():
    """The sample gradient is as smooth as f: g(x; θ) − g(y; θ) = ∇f(x) − ∇f(y)."""
    problem, draw, y = noisy("normal"), Draw([1, 2]).per_worker, X + 0.5
    assert problem.lipschitz == float(SADDLE.constants.L)
    np.testing.assert_array_equal(problem.noise(X, draw), problem.noise(y, draw))


def test_vanishing_noise_is_lipschitz_and_vanishes():
    problem, draw = noisy("vanishing"), Draw(np.arange(2000)).per_worker
    rng = np.random.default_rng(0)
    x = rng.standard_normal((2000, 1, 4))
    y = x + rng.standard_normal(x.shape) * 10.0 ** rng.uniform(-6, 0, (2000, 1, 1))
    apart = problem.stochastic_gradient(x, draw, 1) - problem.stochastic_gradient(y, draw, 1)
    ratio = np.linalg.norm(apart, axis=-1) / np.linalg.norm(x - y, axis=-1)
    assert problem.lipschitz == float(SADDLE.constants.L) + 2.0
    assert 0.5 * problem.lipschitz < ratio.max() <= problem.lipschitz
    assert not problem.noise(np.array(CENTRE)[None, None], draw).any()
    far = np.linalg.norm(problem.noise(x, draw), axis=-1) / np.linalg.norm(x - CENTRE, axis=-1)
    np.testing.assert_allclose(far, 2.0, rtol=1e-14)


@pytest.mark.parametrize("distance", [0.01, 0.3, 1.0])
def test_flipping_noise_is_not_lipschitz(distance):
    """E‖ξ(x) − ξ(y)‖² falls with the distance, and not with its square."""
    problem, draw = noisy("flipping", width=2.0), Draw(np.arange(RUNS)).per_worker
    y = X + distance * np.array([0.5, 0.5, 0.5, 0.5])
    squares = ((problem.noise(X, draw) - problem.noise(y, draw)) ** 2).sum(axis=(1, 2))
    assert problem.lipschitz is None
    within(squares, 4 * 4.0 * distance / 2.0)


@pytest.mark.parametrize("rarity", [0.5, 0.125])
def test_opposing_noise_over_all_outcomes(rarity):
    """Two values with mean 0 and variance σ² exactly, the frequent one against the displacement."""
    problem = noisy("opposing", rarity=rarity)
    for x, side in ((X, 1.0), (-X, -1.0)):
        noise = problem.noise(x, Quantiles(1024))[:, 0]
        assert not noise[:, 1:].any()
        assert abs(noise[:, 0].mean()) < 1e-13
        np.testing.assert_allclose((noise[:, 0] ** 2).mean(), 4.0, rtol=1e-13)
        assert (noise[:, 0] * side > 0).mean() == 1 - rarity


@pytest.mark.parametrize("c", [0.8, -0.6, 0.99])
def test_autocorrelation_is_geometric(c):
    """Also at the start and across the steps whose coins are drawn together."""
    problem = noisy("normal", autocorrelation=c)
    draw = Draw(np.arange(RUNS)).per_worker
    for now in (3, 258):
        latest = problem.noise(X, draw.at(now))[:, 0]
        within(latest, 0.0)
        within((latest**2).sum(axis=1), 4.0)
        for lag in (1, 3):
            earlier = problem.noise(X, draw.at(now - lag))[:, 0]
            within((latest * earlier).sum(axis=1), 4.0 * c**lag)


def test_full_autocorrelation_is_a_constant_or_alternates():
    draw = Draw([4, 5], workers=3).per_worker
    for c in (1.0, -1.0):
        problem = Noisy(Spread(SADDLE, 3), 1.0, autocorrelation=c)
        first = problem.noise(X, draw.at(0))
        np.testing.assert_array_equal(problem.noise(X, draw.at(7)), c * first)
        np.testing.assert_array_equal(problem.noise(X, draw.at(10**6)), first)


def test_held_noise_is_a_function_of_its_address():
    """A run alone, in any order of steps, has the noise that it has in a batch; another sample has its own."""
    problem = noisy("normal", autocorrelation=0.9)
    batch = {t: problem.noise(X, Draw(np.arange(10)).of("sample").per_worker.at(t)) for t in range(40)}
    alone = Draw([6]).of("sample").per_worker
    for t in (39, 7, 0):
        np.testing.assert_array_equal(problem.noise(X, alone.at(t)), batch[t][6:7])
    assert (problem.noise(X, Draw([6]).of("sample", 1).per_worker.at(39)) != batch[39][6:7]).all()
    assert any((batch[t] == batch[t + 1]).all(axis=(1, 2)).any() for t in range(39))


def test_runs_do_not_depend_on_their_batch():
    problem = Noisy(Spread(Rotated(SADDLE), 3, zeta_sq=1.0), 0.5, autocorrelation=-0.7)
    setting = {"stepsize": 0.1, "steps": 30, "keep": ("x",)}
    together = simulate(problem, SGD(), **setting, runs=70, seed=5)
    alone = simulate(problem, SGD(), **setting, runs=1, seed=68)
    np.testing.assert_array_equal(together.x[63], alone.x[0])


@pytest.mark.parametrize(
    "settings",
    [
        {"sigma_sq": -1.0},
        {"sigma_sq": 1.0, "law": "norml"},
        {"sigma_sq": 1.0, "law": "opposing"},
        {"sigma_sq": 1.0, "along": AXIS},
        {"sigma_sq": 1.0, "law": "flipping", "autocorrelation": 0.5},
        {"sigma_sq": 1.0, "autocorrelation": 1.5},
        {"sigma_sq": 1.0, "avoiding": np.eye(4)},
        {"sigma_sq": 1.0, "avoiding": [AXIS, AXIS]},
        {"sigma_sq": 1.0, "avoiding": [1.0, 0.0]},
        {"sigma_sq": 1.0, "law": "opposing", "along": AXIS, "avoiding": AXIS},
        {"sigma_sq": 1.0, "centre": [1.0]},
    ],
)
def test_refusals(settings):
    with pytest.raises(WrongUse):
        Noisy(SADDLE, **settings)
