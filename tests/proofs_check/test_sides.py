"""Both sides to an instance, and instances to a record."""

from __future__ import annotations

import numpy as np
import pytest

from proofs_check.claim import Claim, Instance, not_applicable, summary
from proofs_check.sides import equality, expectation, inequality
from proofs_check.statistics import decide_upper_bound

ULP = float(np.finfo(float).eps)


def test_inequality_judges_every_point_and_shows_the_closest():
    one = inequality("it", [1.0, 3.0], [2.0, 4.0], rounding=1)
    assert (one.verdict, one.measured, one.bound, one.ratio) == ("holds", 3.0, 4.0, 0.75)
    one = inequality("it", [1.0, 4.1], [2.0, 4.0], rounding=1)
    assert (one.verdict, one.measured) == ("violated", 4.1)


def test_one_eps_decides():
    above = 1 + ULP
    assert inequality("it", [above], 1.0, rounding=0).verdict == "violated"
    assert inequality("it", [above], 1.0, rounding=1).verdict == "tight"
    assert equality("it", [above], [1.0], rounding=0.5).verdict == "violated"
    assert equality("it", [above], [1.0], rounding=1).verdict == "holds"


def test_zero_on_both_sides_attains_nothing():
    one = inequality("it", [0.0, 1.0], [0.0, 2.0], rounding=1)
    assert (one.verdict, one.ratio) == ("holds", 0.5)
    assert inequality("it", [0.0], [0.0], rounding=1).ratio is None
    assert inequality("it", [1e-300], [0.0], rounding=1).verdict == "violated"


@pytest.mark.parametrize("judge", [inequality, equality])
def test_what_is_not_a_number_decides_nothing(judge):
    assert judge("it", [np.nan, 1.0], [1.0, 1.0], rounding=1).verdict == "undecided"


def test_equality_shows_the_worst_point_against_its_scale():
    # The second difference is the larger one, but small against the numbers it comes from.
    one = equality("it", [1.0 + 2 * ULP, 1e-3], [1.0, 0.0], rounding=4, scale=[1.0, 1e14], kinds=["first", "second"])
    assert (one.verdict, one.measured) == ("holds", 1.0 + 2 * ULP)
    assert "2 eps, allowed 4" in one.reason
    assert "first" in one.reason


def test_expectation_carries_the_error_probability():
    samples = np.linspace(0.9, 1.1, 100)[:, None] * [1.0, 2.0]
    one = expectation("it", decide_upper_bound(samples, [2.0, 2.5], 1e-3), error_probability=2e-3)
    assert (one.verdict, one.runs, one.error_probability) == ("holds", 100, 2e-3)
    assert one.ratio == pytest.approx(0.8)
    assert one.measured == pytest.approx(2.0)
    assert one.basis.startswith("asymptotic")


def record(kind: str, *ratios: float | None) -> dict:
    claim = type("Some", (Claim,), {"id": "some", "kind": kind})()
    return summary(claim, [Instance(f"{r}", "holds", ratio=r) for r in ratios], 0.0)


def test_the_record_shows_the_instance_nearest_to_a_violation():
    assert record("upper bound", 0.5, 0.9, None, 0.1)["ratio"] == 0.9
    for equal in ("identity", "rate", "counterexample"):
        assert record(equal, 1.1, 0.5, 1.0)["ratio"] == 0.5
    assert record("lower bound", 1.5, 1.1, 4.0)["ratio"] == 1.1
    assert record("upper bound", 0.5, float("nan"))["ratio"] == "nan"


def test_the_worst_verdict_decides():
    claim = type("Some", (Claim,), {"id": "some"})()
    instances = [Instance("a", "tight", ratio=1.0), Instance("b", "violated", ratio=0.3), not_applicable("c", "no")]
    assert summary(claim, instances, 0.0)["verdict"] == "violated"
    assert summary(claim, instances, 0.0)["reason"] == "b"
    assert summary(claim, instances[::2], 0.0)["verdict"] == "tight"
    assert summary(claim, instances[2:], 0.0)["verdict"] == "not applicable"


def test_the_claim_s_error_probability_is_that_of_its_verdict():
    claim = Claim()
    chance = {"basis": "asymptotic (t)", "runs": 64}
    instances = [
        Instance("sure", "holds", ratio=0.9),
        Instance("likely", "holds", ratio=0.5, error_probability=1e-3, **chance),
        Instance("less so", "holds", ratio=0.5, error_probability=2e-3, **chance),
        not_applicable("not of its kind", "why"),
    ]
    record = summary(claim, instances, 0.0)
    assert (record["ratio"], record["runs"]) == (0.9, 1)  # the decisive instance is the sure one
    assert record["error_probability"] == pytest.approx(3e-3)
    assert record["basis"] == "asymptotic (t)"
    sure = summary(claim, instances[:1], 0.0)
    assert (sure["error_probability"], sure["basis"]) == (0.0, "exact")
    assert summary(claim, 1000 * instances, 0.0)["error_probability"] == 1.0
