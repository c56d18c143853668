"""Which published bounds cover an experiment, and what they say of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from problems import LogisticRegression, Quadratic
from proofs_check.lines import Theory
from toolkit import Experiment
from toolkit.algorithms import EF21, SGD, CompressedSGD, ErrorFeedback
from toolkit.compressors import HardThreshold, Identity, PermK, Scaled, TopK
from toolkit.simulation import run
from toolkit.stepsizes import InverseSqrt, prescribed

PROBLEM = Quadratic.generate(workers=4, dimension=10, heterogeneity=1.0)
NOISY = Quadratic.generate(workers=4, dimension=10, sigma_sq=1.0)


def lines(*parts: Any, **settings: Any) -> dict[str, Any]:
    theory = Theory(Experiment(*parts, **{"stepsize": prescribed(), "steps": 50} | settings))
    return {line.claim.id: line for line in theory.lines(run(theory.experiment))}


@pytest.mark.parametrize(
    ("parts", "settings", "expected"),
    [
        ((PROBLEM, EF21(), TopK(k=2)), {}, {"EF21-1"}),
        ((PROBLEM, EF21(), TopK(k=2)), {"stepsize": prescribed(factor=0.5)}, {"EF21-1", "EF21-2"}),
        ((PROBLEM, EF21(), TopK(k=2)), {"stepsize": prescribed(factor=2)}, set()),
        ((PROBLEM, ErrorFeedback(), TopK(k=2)), {}, {"S-d3", "S-d3-best", "S-d4"}),
        ((PROBLEM, ErrorFeedback(), HardThreshold(lam=0.1)), {}, {"S-a6", "S-a7"}),
        ((PROBLEM, ErrorFeedback(), HardThreshold(raw=0.1)), {"stepsize": 0.01}, {"S-a6", "S-a7"}),
        ((PROBLEM, ErrorFeedback(), HardThreshold(lam=InverseSqrt(0.1))), {"stepsize": 0.01}, set()),  # κ changes
        ((PROBLEM, ErrorFeedback(), Identity()), {"stepsize": 0.01}, {"S-d3", "S-d4"}),
        ((PROBLEM, SGD()), {}, set()),
        ((PROBLEM, EF21(), TopK(k=2)), {"x0": np.ones(10)}, set()),
        ((NOISY, EF21(), TopK(k=2)), {}, set()),  # its theorems are about exact gradients
        ((NOISY, ErrorFeedback(), TopK(k=2)), {"runs": 8}, {"S-d3", "S-d3-best", "S-d4"}),
        ((NOISY, ErrorFeedback(), TopK(k=2)), {"runs": 1}, set()),
        # δ and ω of a correlated compressor depend on the number of workers: 1/4 and 3 here, 1 and 0 with one of them.
        ((PROBLEM, EF21(), Scaled(PermK())), {"stepsize": 0.5, "runs": 8}, set()),
        ((PROBLEM, EF21(), Scaled(PermK())), {"runs": 8}, {"EF21-1"}),
        ((PROBLEM, CompressedSGD(), PermK()), {"stepsize": 0.1, "runs": 8}, set()),
        ((LogisticRegression.on("digits"), ErrorFeedback(), TopK(k=2)), {"batch": 4}, set()),  # σ² is not known
    ],
)
def test_what_covers_an_experiment(parts: Any, settings: dict[str, Any], expected: set[str]) -> None:
    assert set(lines(*parts, **settings)) >= expected
    assert bool(lines(*parts, **settings)) == bool(expected)


def test_bounds_hold_at_every_step_of_an_exact_run() -> None:
    for name, line in (lines(PROBLEM, EF21(), TopK(k=2)) | lines(PROBLEM, ErrorFeedback(), TopK(k=2))).items():
        assert line.step.shape == line.measured.shape == line.bound.shape, name
        assert line.step[-1] == 50
        assert (line.measured <= line.bound).all(), name


def test_a_threshold_in_either_unit_has_the_same_bound() -> None:
    gamma, lam = 0.01, 10.0
    thresholds = HardThreshold(lam=lam), HardThreshold(raw=gamma * lam)
    both = [lines(PROBLEM, ErrorFeedback(), one, stepsize=gamma)["S-a6"] for one in thresholds]
    np.testing.assert_allclose(both[0].bound, both[1].bound, rtol=1e-14)


def test_the_run_itself_does_not_change() -> None:
    plain = Experiment(PROBLEM, ErrorFeedback(), TopK(k=2), stepsize=0.1, steps=50)
    before, after = run(plain), run(Theory(plain).experiment)
    np.testing.assert_array_equal(before["f_gap"], after["f_gap"].sel(step=before.step))
