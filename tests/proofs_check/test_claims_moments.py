"""S-q4 and S-m4 by exact moments: their verdicts, and what breaks them."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from proofs_check.claim import Claim
from proofs_check.claims.mem_sgd.memory_sgd_rate import MemorySGDRate, smallest_shift
from proofs_check.claims.qsgd.quantised_sgd import Quantised, QuantisedConvex
from tests.proofs_check.judging import record_of


@pytest.mark.parametrize("kind", [MemorySGDRate, Quantised, QuantisedConvex])
def test_verdict(kind: type[Claim]) -> None:
    record = record_of(kind())
    assert record["verdict"] == kind.expected, record["reason"]
    assert all(one["ratio"] is not None for one in record["instances"])


def test_how_close_they_come() -> None:
    record = record_of(Quantised())
    assert record["ratio"] == 1.0  # T = γ = 1
    # Stationary: E‖∇f‖² is 1 for ever, against 1 + F_0/(γT) with F_0 = 1/2.
    stationary = {one["name"]: one["ratio"] for one in record["instances"] if "noise ±1" in one["name"]}
    assert list(stationary.values()) == pytest.approx([200 / 200.5, 200 / 201])
    assert record_of(QuantisedConvex())["ratio"] == 0.5
    assert 0.01 < record_of(MemorySGDRate())["ratio"] < 0.02  # loose by more than 50 at T = 1500


class WithoutOmega(Quantised):
    def bound(self, one: Any, run: Any, B: Any, T: Any) -> Any:
        return super().bound(one, run, B, T) - one.L * one.gamma / 2 * one.omega * B


class WithoutStart(QuantisedConvex):
    def bound(self, one: Any, run: Any, B: Any, T: Any) -> Any:
        return super().bound(one, run, B, T) - run.distance_sq[0] / (2 * one.gamma * T)


class HalfTheGap(QuantisedConvex):
    def bound(self, one: Any, run: Any, B: Any, T: Any) -> Any:
        return Fraction(499, 1000) * super().bound(one, run, B, T)


class WithoutGradients(MemorySGDRate):
    def bound(self, *where: Any) -> Any:
        *others, G_sq, R_0_sq = where
        return super().bound(*others, 0 * G_sq, R_0_sq)


class Smaller(MemorySGDRate):
    def bound(self, *where: Any) -> Any:
        return super().bound(*where) / 100


@pytest.mark.parametrize("kind", [WithoutOmega, WithoutStart, HalfTheGap, WithoutGradients, Smaller])
def test_negative_controls_are_violated(kind: type[Claim]) -> None:
    record = record_of(kind())
    assert record["verdict"] == "violated"
    assert "violated at" in record["reason"]


def test_the_shift_of_the_sheet() -> None:
    assert smallest_shift(1 / 20) == pytest.approx(77.5)
