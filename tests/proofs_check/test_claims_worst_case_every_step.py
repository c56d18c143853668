"""Rates for every number of steps: verdicts, and what breaks them."""

from __future__ import annotations

from fractions import Fraction as Q

import pytest

from proofs_check.claims.worst_case import every_step
from proofs_check.extremal import Stretch
from tests.proofs_check.judging import Results, claims_in, verdict_of

CLAIMS = claims_in(every_step)


@pytest.mark.parametrize("name", CLAIMS)
def test_runs_have_the_proved_rates(name: str, results: Results) -> None:
    assert verdict_of(CLAIMS[name], results) == "tight"


@pytest.mark.parametrize("change", [0.99, 1.01])
def test_another_factor_is_violated(change: float, results: Results) -> None:
    class Another(every_step.Feedback):
        def factor(self, mu: Q, s: Q, stepsize: Q) -> float:
            return change * super().factor(mu, s, stepsize)

    assert verdict_of(Another(), results) == "violated"


def test_a_compressor_outside_the_class_violates_the_proof(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(every_step, "Stretch", lambda s: Stretch(s=s * 1.5))
    assert verdict_of(every_step.OfEF21()) == "violated"
