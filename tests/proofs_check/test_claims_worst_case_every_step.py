"""Rates for every number of steps: verdicts, and what breaks them."""

from __future__ import annotations

from fractions import Fraction as Q
from typing import Any

import pytest

from proofs_check.checking import judge_claims, needed
from proofs_check.claims.worst_case import every_step
from proofs_check.extremal import Stretch
from toolkit.sweep import run_all

KINDS = (every_step.Feedback, every_step.OfEF21)


@pytest.fixture(scope="module")
def results() -> Any:
    return run_all(needed({kind.id: kind() for kind in KINDS}, "quick"), None, jobs=1)


def verdict(claim: Any, results: Any) -> str:
    return judge_claims({claim.id: claim}, results, "quick")[0]["verdict"]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.id)
def test_runs_have_the_proved_rates(kind: Any, results: Any) -> None:
    assert verdict(kind(), results) == "tight"


@pytest.mark.parametrize("change", [0.99, 1.01])
def test_another_factor_is_violated(change: float, results: Any) -> None:
    class Another(every_step.Feedback):
        def factor(self, mu: Q, s: Q, stepsize: Q) -> float:
            return change * super().factor(mu, s, stepsize)

    assert verdict(Another(), results) == "violated"


def test_a_compressor_outside_the_class_violates_the_proof(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(every_step, "Stretch", lambda s: Stretch(s=s * 1.5))
    claim = every_step.OfEF21()
    assert verdict(claim, run_all(needed({claim.id: claim}, "quick"), None, jobs=1)) == "violated"
