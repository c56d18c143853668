"""Methods against saddles: their noise, when they perturb, reset and return, and what they are without noise."""

from __future__ import annotations

import numpy as np
import pytest

from problems import Quadratic, StrictSaddle
from problems.spread import Spread
from toolkit import Draw, simulate
from toolkit.algorithms import (
    SGD,
    CompressedPerturbedSGD,
    ErrorFeedback,
    GradientMemory,
    PerturbedGD,
    PerturbedGD2017,
    PerturbedSGD,
    PowerEF,
)
from toolkit.algorithms._perturbation import ball, gaussian, sphere
from toolkit.compressors import Identity, RandK, ScaledSign, TopK
from toolkit.errors import WrongUse

NOISY = Quadratic.generate(3, 8, spread=0.5, heterogeneity=4.0, sigma_sq=2.0, seed=3)
SADDLE = StrictSaddle([-1.0, 1.0, 0.5])
ALL = {"record": "all", "progress": False}


def test_perturbations_have_their_laws():
    draw, x = Draw(np.arange(4000)), np.zeros((1, 1, 5))
    # E‖ξ‖² = r²: ‖ξ‖²/r² is χ²/d with variance 2/d, so 5 % are 5 standard deviations of the mean of 4000.
    assert (gaussian(draw, x, 2.0) ** 2).sum(axis=-1).mean() == pytest.approx(4, rel=0.05)
    np.testing.assert_allclose(np.linalg.norm(sphere(draw, x, 2.0), axis=-1), 2, rtol=1e-14)
    inside = np.linalg.norm(ball(draw, x, 2.0), axis=-1) / 2
    assert inside.max() <= 1
    # ‖ξ‖/r ≤ s has probability s^d: the largest deviation of 4000 exceeds 0.04 with probability 2e-6 (DKW).
    ranks = (np.arange(4000) + 0.5) / 4000
    assert abs(np.sort(inside.ravel()) ** 5 - ranks).max() < 0.04
    assert gaussian(draw, x.astype(np.float32), 1.0).dtype == np.float32


def test_without_noise_they_are_known_methods():
    setting = {"stepsize": 0.125, "steps": 40, "runs": 2, "keep": ("x",), **ALL}
    plain = simulate(NOISY, SGD(), **setting)
    np.testing.assert_array_equal(simulate(NOISY, PerturbedSGD(radius=0.0), **setting).x, plain.x)
    for compressor in (TopK(k=2), RandK(k=2, common=True), ScaledSign()):
        ours = simulate(NOISY, CompressedPerturbedSGD(radius=0.0), compressor, **setting)
        np.testing.assert_array_equal(ours.x, simulate(NOISY, GradientMemory(), compressor, **setting).x)
        theirs = simulate(NOISY, ErrorFeedback(), compressor, **setting)
        np.testing.assert_allclose(ours.x, theirs.x, rtol=0, atol=1e-13)
    whole = {"reset": 1, "radius": 0.5}  # a memory that is always 0 is none
    ours = simulate(NOISY, CompressedPerturbedSGD(**whole), TopK(k=1), **setting)
    np.testing.assert_allclose(ours.x, simulate(NOISY, PerturbedSGD(radius=0.5), **setting).x, rtol=0, atol=1e-14)
    exact = simulate(NOISY, PowerEF(rounds=0, radius=0.5), Identity(), **setting)
    np.testing.assert_allclose(exact.x, simulate(NOISY, PerturbedSGD(radius=0.5), **setting).x, rtol=0, atol=1e-13)


def test_the_memory_is_empty_after_a_reset_and_the_reset_is_paid():
    method = CompressedPerturbedSGD(radius=0.5, reset=5)
    result = simulate(NOISY, method, TopK(k=2), stepsize=0.1, steps=20, keep=("memory",), **ALL)
    empty = (result.memory.values == 0).all(axis=(0, 2, 3))
    assert np.flatnonzero(empty).tolist() == [0, 5, 10, 15, 20]
    paid = np.diff(result.bits_up.values[0])
    assert set(np.flatnonzero(paid == 8 * 64) + 1) == {5, 10, 15, 20}


def test_a_perturbation_waits_and_only_then_comes():
    method = PerturbedGD(radius=0.1, threshold=0.01, patience=3)
    result = simulate(SADDLE, method, stepsize=0.001, steps=12, x0=[0.0] * 3, keep=("x",), **ALL)
    moved = abs(np.diff(result.x.values[0, :, 0], axis=0)).max(axis=-1)
    # At t = 0 … 3 nothing happens, at t = 4 (the fifth step) it is moved by at most γr; then small steps of descent.
    assert (moved[:4] == 0).all()
    assert 0 < moved[4] <= 0.001 * 0.1 * 1.001
    assert result.x.values[0, 5].any()
    still = simulate(SADDLE, PerturbedGD(radius=0.1, threshold=0.01, patience=3), stepsize=0.1, steps=12, x0=[0, 1, 1])
    assert still.f.values[0, 12] == simulate(SADDLE, SGD(), stepsize=0.1, steps=12, x0=[0, 1, 1]).f.values[0, 12]


def test_the_first_form_returns_the_point_before_the_perturbation():
    setting = {"stepsize": 0.25, "steps": 30, "x0": [0.0] * 3, "keep": ("x", "before"), "runs": 3, **ALL}
    hasty = PerturbedGD2017(radius=1e-6, threshold=0.01, patience=5, fall=0.1)  # 5 steps are too few to escape
    result = simulate(SADDLE, hasty, **setting)
    assert (result.returned.values == (np.arange(31) >= 6)).all()
    assert (result.x.values[:, 6:] == 0).all()
    assert (result.x.values[:, 1:6] != 0).any(axis=(2, 3)).all()
    patient = PerturbedGD2017(radius=1e-2, threshold=0.01, patience=100, fall=0.1, law="sphere")
    result = simulate(SADDLE, patient, **(setting | {"steps": 400}))
    ended = result.returned.values[:, -1] == 1
    assert ended.all()
    assert (result.f_gap.values[:, -1] < 1e-3).all()


def test_runs_do_not_depend_on_their_batch():
    x0 = np.array([[0.0, 0.0, 0.0], [1e-3, 1.0, 0.0], [0.0, 2.0, 1.0]])
    for method in (
        PerturbedGD(radius=0.1, threshold=0.01, patience=3),
        PerturbedGD2017(radius=0.1, threshold=0.01, patience=20, fall=0.01),
    ):
        together = simulate(SADDLE, method, stepsize=0.2, steps=90, runs=3, x0=x0, keep=("x",), seed=5)
        for run in range(3):
            alone = simulate(SADDLE, method, stepsize=0.2, steps=90, x0=x0[run], keep=("x",), seed=5 + run)
            np.testing.assert_array_equal(together.x[run], alone.x[0])


def test_power_ef_holds_where_workers_disagree():
    problem = Spread(SADDLE, workers=4, zeta_sq=4.0)
    result = simulate(problem, PowerEF(rounds=3), TopK(k=1), stepsize=0.05, steps=600, x0=[1e-3, 1.0, 1.0])
    # Three rounds of Top-1 in dimension 3 are everything.
    plain = simulate(problem, SGD(), stepsize=0.05, steps=600, x0=[1e-3, 1.0, 1.0])
    np.testing.assert_allclose(result.f_gap, plain.f_gap, rtol=1e-9, atol=1e-12)
    assert (
        result.bits_up[0, -1]
        == 4 * simulate(problem, ErrorFeedback(), TopK(k=1), stepsize=0.05, steps=600).bits_up[0, -1]
    )


@pytest.mark.parametrize(
    "impossible",
    [
        lambda: PerturbedSGD(radius=-1.0),
        lambda: PerturbedGD(radius=1.0, threshold=-1.0, patience=1),
        lambda: PerturbedGD2017(radius=1.0, threshold=1.0, patience=1.5, fall=0.1),
        lambda: PerturbedGD2017(radius=1.0, threshold=1.0, patience=1, fall=0.1, law="cube"),
        lambda: CompressedPerturbedSGD(radius=1.0, reset=0),
        lambda: PowerEF(rounds=1.5),
    ],
)
def test_impossible_numbers_are_refused(impossible):
    with pytest.raises(WrongUse):
        impossible()
