"""Power-EF and workers: verdicts, and what other methods make of the same statements."""

from __future__ import annotations

import pytest

from proofs_check.claim import Claim
from proofs_check.claims.saddle import unlike_workers
from proofs_check.claims.saddle.unlike_workers import FloorOfErrorFeedback, Heterogeneity, SpeedUp
from tests.proofs_check.judging import claims_in, record_of
from toolkit.algorithms import ErrorFeedback, PowerEF

CLAIMS = claims_in(unlike_workers)


@pytest.mark.parametrize("name", CLAIMS)
def test_verdict(name: str) -> None:
    # The seeds are fixed; that a slope's interval misses the truth has probability 1 %.
    record = record_of(CLAIMS[name])
    assert record["verdict"] == "holds", record["reason"]


class NoiseOfAll(SpeedUp):
    """Noise that all workers share, as the injected one, does not fall with their number."""

    method = PowerEF(rounds=2, radius=1.0)


class RobustErrorFeedback(Heterogeneity):
    method = ErrorFeedback()
    kept = 3


class FloorOfPowerEF(FloorOfErrorFeedback):
    method = PowerEF(rounds=2)
    kept = 1


@pytest.mark.parametrize("control", [NoiseOfAll, RobustErrorFeedback, FloorOfPowerEF])
def test_negative_controls_are_violated(control: type[Claim]) -> None:
    assert record_of(control())["verdict"] == "violated"


def test_error_feedback_sends_as_many_values() -> None:
    floor, robust = FloorOfErrorFeedback(), Heterogeneity()
    assert isinstance(robust.method, PowerEF)
    assert floor.kept == (robust.method.rounds + 1) * robust.kept
