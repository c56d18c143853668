"""The exact law of sign methods, against the methods themselves and against votes counted one by one."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from problems import CoordinateNoise
from problems.coordinate_noise import gauss_bound
from proofs_check.sign_law import lattice_means, vote_wrong, worst_vote
from toolkit import simulate
from toolkit.algorithms import SignSGD
from toolkit.compressors import MajorityVote, RawSign


@pytest.mark.parametrize("adversary", ["inverting", "omniscient"])
@pytest.mark.parametrize(("workers", "liars"), [(1, 0), (4, 0), (5, 2), (6, 1)])
def test_vote_is_that_of_all_outcomes(workers, liars, adversary):
    q, total = 0.3, 0.0
    of_liar = {"inverting": 1 - q, "omniscient": 1.0}[adversary]
    for wrong in product((0, 1), repeat=workers):
        chances = [of_liar if i < liars else q for i in range(workers)]
        total += np.prod([p if one else 1 - p for one, p in zip(wrong, chances, strict=True)]) * (
            2 * sum(wrong) >= workers
        )
    assert float(vote_wrong(q, workers, liars, adversary)) == pytest.approx(total, rel=1e-13)


def test_vote_of_many_probabilities_at_once():
    q = np.array([[0.1, 0.2], [0.3, 0.5]])
    np.testing.assert_array_equal(vote_wrong(q, 7, 2)[1, 0], vote_wrong(0.3, 7, 2))


def test_worst_vote_is_the_largest_on_a_grid():
    for workers in (1, 9, 99):
        S, constant = worst_vote(workers)
        grid = np.linspace(0.01, 3, 20_000)
        products = np.sqrt(workers) * grid * vote_wrong(gauss_bound(grid), workers)
        assert products.max() <= constant * (1 + 1e-9)
        assert products.max() == pytest.approx(constant, rel=1e-6)
        assert grid[products.argmax()] == pytest.approx(S, abs=1e-3)


@pytest.mark.parametrize(
    ("alpha", "adversary", "law"),
    [(0.0, "inverting", "unimodal"), (0.4, "omniscient", "normal"), (0.2, "constant", "skewed")],
)
def test_law_is_that_of_the_method(alpha, adversary, law):
    """At every step the mean over 4000 runs is within 5 standard errors of the exact one.

    For 21 points of which most are close to normal, a false alarm has probability of about 21·6e-7; the seeds are
    fixed.
    """
    problem = CoordinateNoise([1.0, 0.5], [1.0, 0.4], workers=5, law=law, start=[1.03, -0.52])
    setting = {"stepsize": 0.1, "steps": 20, "runs": 4000, "record": "all", "down": MajorityVote()}
    result = simulate(problem, SignSGD(alpha=alpha, adversary=adversary), RawSign(), **setting)
    samples, liars = result.grad_norm_1.values, round(5 * alpha)

    def wrong(x):
        q = problem.wrong_sign(x)[:, :1]
        if adversary != "constant":
            return vote_wrong(q, 5, liars, adversary)
        return np.where(x < 0, vote_wrong(q, 5, 1, "omniscient"), 1 - vote_wrong(1 - q, 5, 1, "omniscient"))

    exact = lattice_means(problem, problem.start, 0.1, 20, wrong, lambda x: abs(problem.gradient(x)[:, :1]))
    error = samples.std(axis=0, ddof=1) / np.sqrt(len(samples))
    assert (abs(samples.mean(axis=0) - exact) <= 5 * error + 1e-12).all()
    wider = lattice_means(
        problem, problem.start, 0.1, 20, lambda x: 0.9 * wrong(x), lambda x: abs(problem.gradient(x)[:, :1])
    )
    assert (abs(samples.mean(axis=0) - wider) > 5 * error + 1e-12).any()  # and a law that is nearly right is not
