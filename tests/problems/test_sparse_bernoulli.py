"""The sparse Bernoulli model: its families, its constants, its samples, and mean estimation as one step of SGD."""

from __future__ import annotations

import numpy as np
import pytest

from problems import SparseBernoulli
from toolkit import simulate
from toolkit.algorithms import CompressedSGD, ErrorFeedback
from toolkit.compressors import Identity, NonzeroSampling, TopK
from toolkit.draws import Draw
from toolkit.errors import WrongUse


@pytest.mark.parametrize("s", [0, 0.5, 1, 3.7, 12, 20])
@pytest.mark.parametrize("exponent", [0.0, 0.5, 1.0, 3.0])
def test_families_have_the_sparsity_asked_for(s, exponent):
    for problem in (
        SparseBernoulli.flat(2, 20, s),
        SparseBernoulli.power_law(2, 20, s, exponent),
        SparseBernoulli.concentrated(2, 20, s),
    ):
        assert problem.sparsity == pytest.approx(s, rel=1e-14)
        assert ((problem.theta >= 0) & (problem.theta <= 1)).all()


def test_a_power_law_is_cut_at_one_and_falls_as_a_power_beyond():
    theta = SparseBernoulli.power_law(1, 200, 12, exponent=1.5).theta
    assert theta[0] == 1
    below = np.flatnonzero(theta < 1)
    ratio = theta[below[1:]] / theta[below[:-1]]
    np.testing.assert_allclose(ratio, ((below[1:] + 1.0) / (below[:-1] + 1)) ** -1.5, rtol=1e-13)
    np.testing.assert_allclose(SparseBernoulli.power_law(1, 7, 2, exponent=0.0).theta, 2 / 7, rtol=1e-15)


def test_samples_have_the_declared_mean_and_noise():
    problem = SparseBernoulli.power_law(5, 8, 3)
    x, draw = np.full((4000, 1, 8), 0.25), Draw(np.arange(4000), workers=5).per_worker
    for batch in (1, 3):
        noise = problem.stochastic_gradient(x, draw, batch) - problem.gradient(x)
        # 20,000 independent vectors with coordinates in [−1, 1]: by Hoeffding's inequality a mean is off by more than
        # 0.03 with a probability of at most 2 exp(−9), each of 8; ‖ξ‖² lies in [0, 8], so its mean is off by more than
        # 0.17 with at most 2 exp(−18). The seeds are fixed, so a test that passes once does so always.
        assert abs(noise.mean(axis=(0, 1))).max() < 0.03
        squares = (noise**2).sum(axis=-1).mean()
        assert squares == pytest.approx(problem.constants.sigma_sq.value / batch, abs=0.17)
    assert set(np.unique(problem.stochastic_gradient(0 * x, draw, 1))) == {-1.0, 0.0}


def test_one_step_of_size_one_is_the_mean_of_the_messages():
    problem = SparseBernoulli.flat(6, 30, 5)
    settings = {"stepsize": 1.0, "steps": 1, "runs": 3, "keep": ("x",), "unproven": True}
    for compressor in (Identity(), TopK(k=2), NonzeroSampling(k=2)):
        result = simulate(problem, CompressedSGD(), compressor, **settings)
        seen = np.rint(result.x.isel(step=-1, server=0).values * 6 * 2) / 12
        assert seen.shape == (3, 30)
        np.testing.assert_allclose(result.x.isel(step=-1, server=0), seen, atol=1e-14)  # N/2 of whole ones
        risk = ((seen - problem.theta) ** 2).sum(axis=-1)
        np.testing.assert_allclose(2 * result.f.isel(step=-1), risk, rtol=1e-12)


def test_full_gradients_lead_to_theta_at_once():
    problem = SparseBernoulli.concentrated(3, 6, 2.5)
    result = simulate(problem, ErrorFeedback(), stepsize=1.0, steps=1, batch="full")
    assert float(result.f.isel(run=0, step=-1)) == 0.0


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: SparseBernoulli([0.5, 1.5]),
        lambda: SparseBernoulli([]),
        lambda: SparseBernoulli([np.nan]),
        lambda: SparseBernoulli([[0.5]]),
        lambda: SparseBernoulli([0.5], workers=0),
        lambda: SparseBernoulli.flat(1, 4, 5),
        lambda: SparseBernoulli.power_law(1, 4, -1),
        lambda: SparseBernoulli.power_law(1, 4, 1, exponent=-1),
    ],
)
def test_wrong_use(wrong):
    with pytest.raises(WrongUse):
        wrong()
