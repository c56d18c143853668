"""Lemmas 28 and 30 on coupled runs: their verdicts, and what breaks them."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from proofs_check.claim import Claim
from proofs_check.claims.saddle.coupled_runs import Decomposition, PerturbationGrows
from tests.proofs_check.judging import Results, record_of, results_of

KINDS = {kind.id: kind for kind in (Decomposition, PerturbationGrows)}


@cache
def results(claim_id: str) -> Results:
    return results_of(KINDS[claim_id]())


def judged(claim: Claim) -> dict[str, Any]:
    """Return the record of a claim; a broken one looks at the runs of the sound one."""
    return record_of(claim, results(claim.id))


@pytest.mark.parametrize("kind", [Decomposition, PerturbationGrows])
def test_verdict(kind: type[Claim]) -> None:
    record = judged(kind())
    assert record["verdict"] == kind.expected, record["reason"]


def test_the_identity_is_met_to_rounding() -> None:
    for one in judged(Decomposition())["instances"]:
        relative = float(one["reason"].split("relative to the difference ")[1].split(";")[0])
        assert relative < 1e-11, one["name"]


def test_how_loose_lemma_30_is() -> None:
    instances = {one["name"]: one for one in judged(PerturbationGrows())["instances"]}
    # At ηγ = 1 and 𝒯 = 1: P(|N(0, 1)| ≥ √(3/2)/(20 √(3/4))) = P(|N(0, 1)| ≥ √2/20).
    assert instances["exact law"]["measured"] == pytest.approx(0.94363, abs=1e-5)
    assert all(one["ratio"] > 1.3 for one in instances.values())


@pytest.mark.parametrize("part", [0, 1, 2])
def test_every_part_is_needed_to_a_billionth(part: int) -> None:
    class Changed(Decomposition):
        def drives(self, *parts: Any) -> tuple[Any, ...]:
            return tuple(v * (1 + 1e-9 * (i == part)) for i, v in enumerate(parts))

    assert judged(Changed())["verdict"] == "violated"


class TenTimesLonger(PerturbationGrows):
    """P(|N(0, 1)| ≥ 0.5) is below 2/3 already, by less than sampling tells."""

    part = 1.0


def test_a_larger_part_is_violated() -> None:
    record = judged(TenTimesLonger())
    assert record["verdict"] == "violated"
    assert {one["verdict"] for one in record["instances"]} <= {"violated", "undecided"}
