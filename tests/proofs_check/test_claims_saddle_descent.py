"""The descent lemma and improve-or-localise: their verdicts, and what breaks them."""

from __future__ import annotations

import pytest

from proofs_check.claim import Claim
from proofs_check.claims.saddle import descent
from proofs_check.claims.saddle.descent import DescentLemma, ImproveOrLocalise
from tests.proofs_check.judging import broken, claims_in, record_of

CLAIMS = claims_in(descent)


@pytest.mark.parametrize("claim_id", CLAIMS)
def test_verdict(records, claim_id):
    record = records[claim_id]
    assert record["verdict"] == record["expected"], record["reason"]
    verdicts = {one["name"]: one["verdict"] for one in record["instances"]}
    assert all(name.startswith("x²/2") for name, verdict in verdicts.items() if verdict == "tight")
    assert list(verdicts.values()).count("not applicable") == 5


@pytest.mark.parametrize("kind", [DescentLemma, ImproveOrLocalise])
def test_another_constant_is_violated(kind: type[Claim]) -> None:
    better = 1.0001 if kind is DescentLemma else 0.9999
    assert record_of(broken(kind, factor=better * kind.factor))["verdict"] == "violated"


@pytest.mark.parametrize("kind", [DescentLemma, ImproveOrLocalise])
def test_a_step_that_is_too_long_is_violated(kind: type[Claim]) -> None:
    assert record_of(broken(kind, limit=1.5))["verdict"] == "violated"
