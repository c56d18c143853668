"""Escape times against the dimension and the accuracy: their verdicts, and what breaks them."""

from __future__ import annotations

from math import sqrt
from typing import Any

import pytest

from proofs_check.claim import Claim
from proofs_check.claims.saddle import escape_time
from proofs_check.claims.saddle.escape_time import Accuracy, LogDimension
from tests.proofs_check.judging import claims_in, record_of

CLAIMS = claims_in(escape_time)


@pytest.mark.parametrize("name", CLAIMS)
def test_verdict(name: str, results: Any) -> None:
    record = record_of(CLAIMS[name], results)
    assert record["verdict"] == record["expected"], record["reason"]
    assert {one["verdict"] for one in record["instances"]} == {"holds"}


class WithoutDimension(LogDimension):
    """A law in which the component of ξ along the escape direction has all of its length."""

    def law(self, kind: str, d: int) -> float:
        return super().law(kind, 1)


class FullLogarithm(LogDimension):
    """A law that grows twice as fast with ln d."""

    def law(self, kind: str, d: int) -> float:
        return super().law(kind, d * d // 16)


class InverseAccuracy(Accuracy):
    """The exponent −1 for descent, and −3 with noise."""

    exponents = {"descent": -1.0, "noise": -3.0}


@pytest.mark.parametrize("control", [WithoutDimension, FullLogarithm, InverseAccuracy])
def test_wrong_laws_are_violated(control: type[Claim], results: Any) -> None:
    assert record_of(control(), results)["verdict"] == "violated"


def test_a_perturbation_of_constant_size_per_coordinate_is_violated() -> None:
    class PerCoordinate(LogDimension):
        """ξ ~ N(0, r² I) in the place of (r²/d) I: no growth with d."""

        kinds = ("orthogonal",)

        def radius(self, d: int) -> float:
            return super().radius(d) * sqrt(d)

    claim = PerCoordinate()
    record = record_of(claim)
    assert record["verdict"] == "violated"
    slope = next(one for one in record["instances"] if one["name"].startswith("slope"))
    assert slope["verdict"] == "violated"
    assert abs(slope["measured"]) < 0.05
