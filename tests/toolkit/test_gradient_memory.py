"""A memory in the unit of gradients, beside one in the unit of iterates."""

from __future__ import annotations

import numpy as np
import pytest

from problems import Quadratic
from toolkit import simulate
from toolkit.algorithms import ErrorFeedback, GradientMemory
from toolkit.compressors import HardThreshold, RandK, RTopK, ScaledSign, TopK
from toolkit.stepsizes import Decaying, InverseSqrt

PROBLEM = Quadratic.generate(4, 12, spread=0.5, heterogeneity=4.0, sigma_sq=2.0, seed=3)
SETTINGS = {"steps": 40, "runs": 3, "keep": ("x", "memory"), "record": "all"}
GAMMA = 0.125  # a power of two: then scaling by it rounds nothing, and both methods choose alike


@pytest.mark.parametrize(
    "compressor", [RTopK(k=2, r=6), TopK(k=2), RandK(k=2), ScaledSign(), HardThreshold(lam=0.5)], ids=repr
)
def test_for_a_constant_step_both_are_the_same(compressor):
    ours = simulate(PROBLEM, GradientMemory(), compressor, stepsize=GAMMA, **SETTINGS)
    theirs = simulate(PROBLEM, ErrorFeedback(), compressor, stepsize=GAMMA, **SETTINGS)
    np.testing.assert_allclose(ours.x, theirs.x, rtol=0, atol=1e-13)
    np.testing.assert_allclose(GAMMA * ours.memory, theirs.memory, rtol=0, atol=1e-13)
    np.testing.assert_allclose(GAMMA**2 * ours.memory_norm_sq, theirs.memory_norm_sq, rtol=1e-11)
    np.testing.assert_array_equal(ours.bits_up, theirs.bits_up)


@pytest.mark.parametrize("stepsize", [InverseSqrt(scale=0.2), Decaying(numerator=2.0, shift=10.0)], ids=repr)
def test_for_a_decaying_step_they_differ_from_the_second_step_on(stepsize):
    ours = simulate(PROBLEM, GradientMemory(), RTopK(k=2, r=6), stepsize=stepsize, **SETTINGS)
    theirs = simulate(PROBLEM, ErrorFeedback(), RTopK(k=2, r=6), stepsize=stepsize, **SETTINGS)
    apart = abs(ours.x - theirs.x).max(("run", "server", "coordinate")).values
    assert apart[1] < 1e-15
    assert apart[2] > 1e-3
    # What they are apart is what they say: the memory waits in the unit of gradients, so it shrinks with the step.
    gamma = np.array([stepsize(t) for t in range(1, 41)])
    virtual = ours.x.values[:, :, 0] - np.append(gamma, gamma[-1])[:, None] * ours.memory.values.mean(axis=2)
    moved = (gamma[:-1] - gamma[1:])[:, None] * ours.memory.values[:, 1:-1].mean(axis=2)
    steps = virtual[:, 1:-1] - virtual[:, :-2] - moved
    mean_gradient = -steps / gamma[:-1, None]
    exact = PROBLEM.gradient(ours.x.values.reshape(-1, 1, 12)).mean(axis=1).reshape(3, 41, 12)[:, :-2]
    # The rest is the mean noise of 4 workers, of variance 2/(12·4) per coordinate: 1404 numbers, so that a mean square
    # off by a quarter is 6 standard deviations of it (0.038 of the variance); the seeds are fixed.
    assert ((mean_gradient - exact) ** 2).mean() == pytest.approx(2 / 48, rel=0.25)


def test_workers_and_steps_have_fresh_sets():
    problem = Quadratic(hessians=np.zeros((8, 16)), linear=np.ones((8, 16)))
    result = simulate(problem, GradientMemory(), RTopK(k=1, r=16), stepsize=0.5, steps=2, keep=("memory",))
    first = result.memory.isel(run=0, step=1).values == 0  # what was sent at once
    assert (first.sum(axis=1) == 1).all()
    assert len(np.unique(first, axis=0)) > 1
    second = result.memory.isel(run=0, step=2).values == 0
    assert not (first == second).all()


def test_nothing_is_scaled():
    problem = Quadratic(hessians=np.zeros((1, 6)), linear=np.ones((1, 6)))
    result = simulate(problem, GradientMemory(), RTopK(k=2, r=4), stepsize=0.5, steps=1, keep=("x",))
    assert sorted(result.x.isel(run=0, step=1).values.ravel()) == [0, 0, 0, 0, 0.5, 0.5]
