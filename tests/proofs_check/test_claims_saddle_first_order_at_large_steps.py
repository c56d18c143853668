"""The first-order bound with Rand-1 without sampling: the verdicts, what breaks them, and why samples do not decide."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from proofs_check.cases import Case
from proofs_check.claims.saddle import first_order_at_large_steps
from proofs_check.claims.saddle.first_order_at_large_steps import EveryStep, FirstOrderExactly
from proofs_check.claims.saddle.perturbed_first_order import FirstOrder
from proofs_check.convergence import ERROR_PROBABILITY
from proofs_check.moments import Model, moments
from proofs_check.multipliers import multipliers
from proofs_check.statistics import decide_upper_bound
from tests.proofs_check.judging import broken, claims_in, record_of
from toolkit.compressors import RandK
from toolkit.sweep import run_all

CLAIMS = claims_in(first_order_at_large_steps)


@pytest.mark.parametrize("name", CLAIMS)
def test_verdict(name: str, results: Any) -> None:
    record = record_of(CLAIMS[name], results)
    assert record["verdict"] == record["expected"], record["reason"]


@pytest.mark.parametrize("term", [0, 1, 2])
def test_every_term_is_needed(term: int, results: Any) -> None:
    class Without(FirstOrderExactly):
        terms = tuple(0.0 if i == term else value for i, value in enumerate(FirstOrderExactly.terms))

    assert record_of(Without(), results)["verdict"] == "violated"


def test_the_memory_term_of_a_step_is_the_smallest(results: Any) -> None:
    assert record_of(broken(EveryStep, memory_term=0.499), results)["verdict"] == "violated"


def test_second_moments_diverge_from_the_derived_step_on() -> None:
    bowl = Model(np.eye(4)[None], np.zeros((1, 4)), 0 * np.eye(4)[None], np.ones(4))
    by, limit = multipliers(RandK(k=1), 4), 2 * 0.25 / (2 - 0.25)
    below, above = (moments(bowl, by, [share * limit] * 4000).memory_norm_sq[[2000, 4000]] for share in (0.98, 1.02))
    assert below[1] < 0.1 * below[0]
    assert above[1] > 10 * above[0]


def test_samples_do_not_decide_at_the_largest_step() -> None:
    claim = FirstOrder()
    case = next(one for one in claim.cases("quick") if one.name == "noisy strict saddle, Rand-1 with a shared mask")
    large = Case(case.name, case.setting, case.compressor, (0.5 / case.setting.L,))
    experiment = replace(claim.experiment(large, "quick"), stepsize=0.5 / case.setting.L)
    found = run_all({"one": experiment}, jobs=1)["one"]
    left, right = claim.sides(large, {"stepsize": float(experiment.stepsize)}, found)
    assert (left.mean(axis=0) < right.mean(axis=0)).all()
    assert decide_upper_bound(left, right, ERROR_PROBABILITY).verdict == "undecided"
