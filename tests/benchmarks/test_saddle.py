"""The benchmark on saddles: its contestants run one law."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks import saddle
from problems import Rotated

RUNS, STEPS, D, K = 400, 60, 8, 3
DEVIATIONS = 5.0  # of a difference of two means: normal, 10 comparisons, so chance fails with probability below 1e-5


@pytest.mark.parametrize("rotated", [False, True])
def test_contestants_run_the_same_law(rotated):
    """Second moments along the eigenvectors, after the escape direction has grown but before its quartic ends."""
    plain = saddle.strict_saddle(D)
    problem = Rotated(plain, seed=1) if rotated else plain
    basis = problem.basis if rotated else None
    ends = [
        saddle.ours(problem, K, STEPS, RUNS, threads=1),
        saddle.batched(plain, basis, K, STEPS, RUNS),
        saddle.plain_loop(plain, basis, K, STEPS, RUNS // 4),
    ]
    squares = [(end if basis is None else end @ basis.T) ** 2 for end in ends]
    means = [one.mean(axis=0) for one in squares]
    errors = [one.std(axis=0) / np.sqrt(len(one)) for one in squares]
    assert means[0][0] > 2 * means[0][1:].max()
    for mean, error in zip(means[1:], errors[1:], strict=True):
        assert (abs(mean - means[0]) < DEVIATIONS * np.hypot(error, errors[0])).all()


@pytest.mark.parametrize("rotated", [False, True])
def test_the_gradient_of_the_rivals_is_the_problem_s(rotated):
    plain = saddle.strict_saddle(D)
    problem = Rotated(plain, seed=1) if rotated else plain
    x = 8 * np.random.default_rng(1).standard_normal((50, D))  # also beyond the end of the quartic
    slope = saddle.slope(plain, problem.basis if rotated else None, x)
    np.testing.assert_allclose(slope, problem.gradient(x[:, None])[:, 0], rtol=0, atol=1e-11)


def test_the_parts_of_a_step_are_less_than_the_step(monkeypatch):
    monkeypatch.setattr(saddle, "ROUNDS", 1)
    monkeypatch.setattr(saddle, "RUNS", 40)
    parts = saddle.parts()
    assert 0 < parts["sets of Rand-k"] < parts["memory, with the sets"]
    assert parts["gradient"] < parts["gradient in a rotated basis"]
