"""Claims about SGD with memory: their verdicts, and what breaks them."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from proofs_check.claims.mem_sgd import averages_of_memory_sgd, memory_under_decaying_steps, one_step_of_memory_sgd
from proofs_check.claims.mem_sgd.memory_under_decaying_steps import (
    bernstein_pieces,
    condition,
    smallest_shift,
    worst_memory,
)
from proofs_check.extremal import Shrink
from tests.proofs_check.judging import broken, claims_in, record_of, times
from toolkit.averages import polynomial
from toolkit.compressors import Compressor
from toolkit.constants import CompressorConstants, exact

MODULES = (averages_of_memory_sgd, memory_under_decaying_steps, one_step_of_memory_sgd)
CLAIMS = claims_in(*MODULES)


def test_ids():
    assert set(CLAIMS) == {"S-m1", "S-m1-sharp", "S-m2", "S-m2-worst", "S-m3", "S-m3-sharp", "S-m-average"}


@pytest.mark.parametrize("claim_id", CLAIMS)
def test_verdict_is_the_expected_one(records, claim_id):
    # The seeds are fixed. Two instances of S-m2 rest on chance: that a true bound were violated had probability 1e-3.
    record = records[claim_id]
    assert record["verdict"] == record["expected"], record["reason"]
    assert {one["verdict"] for one in record["instances"]} <= {"holds", "tight"}


def test_ratios(records):
    ratio = {name: {one["name"]: one["ratio"] for one in record["instances"]} for name, record in records.items()}
    # S-m1 at μ/L → 0: 2L/3 of 2L, and L/2·3/2 of 3L at μ = L.
    assert records["S-m1"]["ratio"] == pytest.approx((4 - 1e-3) / (2 * (3 - 1e-3)) / (2 + 1e-3), rel=1e-12)
    assert ratio["S-m1"]["f = (μx₁² + Lx₂²)/2, μ/L = 1, any x₂ for the memory (0, 1)"] == pytest.approx(1 / 4)
    assert records["S-m1-sharp"]["ratio"] == pytest.approx(1, abs=1e-13)
    assert ratio["S-m2"]["Rand-1, d=20, constant gradient, α = 5"] == pytest.approx(1065.267612 / 8000, rel=1e-8)
    assert 0.98 < records["S-m2"]["ratio"] < 1


def test_the_sheets_figure_of_the_worst_memory():
    shift = smallest_shift(5.0, 1000.0)
    assert max(worst_memory(shift, 1000.0, 40000)) / (np.sqrt(20) * 1000) == pytest.approx(0.54, abs=0.005)


def test_the_shift_of_the_statement_is_its_limit_at_four():
    assert smallest_shift(4.0, 20.0) == 1
    assert smallest_shift(4 + 1e-9, 20.0) == pytest.approx(1, abs=1e-6)
    with pytest.raises(ValueError, match="α > 4"):
        smallest_shift(3.9, 20.0)


def test_bernstein_coefficients_enclose_the_polynomial():
    polynomial_of_s = condition()
    s = np.linspace(0.447, 1, 1000)
    values = sum(float(c) * s**n for n, c in enumerate(polynomial_of_s))
    assert values == pytest.approx((3 + s) * s**2 * (5 - s**2) ** 2 - 8 * (1 + s) ** 3 * (1 - s), rel=1e-12)
    pieces = bernstein_pieces(polynomial_of_s, Fraction(447, 1000))
    assert values.min() * (1 + 1e-12) >= float(min(map(min, pieces))) > 0
    # Below √(1/5), that is for α < 5, it has a root, and the argument is not made.
    assert min(map(min, bernstein_pieces(polynomial_of_s, Fraction(1, 10)))) < 0


# Negative controls.


class Boastful(Shrink):
    def message(self, x, draw):
        return 0.9 * super().message(x, draw)

    def constants(self, d, n=1):
        return CompressorConstants(delta=exact(self.delta, "wishful"))


class SendsNothing(Compressor):
    def message(self, x, draw):
        return 0 * x

    def constants(self, d, n=1):
        return CompressorConstants(delta=exact(2 / d, "wishful"))


CONTROLS = {
    "S-m1 × 0.3": times(0.3, "constant", one_step_of_memory_sgd.OneStep),
    "S-m1-sharp × 0.9999": times(0.9999, "constant", one_step_of_memory_sgd.SharpOneStep),
    "S-m2 × 0.97": times(0.97, "root", memory_under_decaying_steps.MemoryBound),
    "nothing is sent": broken(memory_under_decaying_steps.MemoryBound, compressors={"nothing": SendsNothing()}),
    "a compressor that sends less": broken(memory_under_decaying_steps.WorstMemory, extremal=Boastful),
    "S-m3 × 0.99": times(Fraction(99, 100), "bound", averages_of_memory_sgd.AveragingLemma),
    "S-m3-sharp × 0.9999": times(Fraction(9999, 10000), "bound", averages_of_memory_sgd.SharpAveragingLemma),
    "an average without the last iterate": broken(
        averages_of_memory_sgd.OnePassAverage, weight=lambda self: polynomial(self.shift, 2)
    ),
    "weights of power one": broken(
        averages_of_memory_sgd.OnePassAverage, weight=lambda self: polynomial(self.shift, 1).including_last()
    ),
}


@pytest.mark.parametrize("control", CONTROLS)
def test_negative_controls_are_violated(control):
    claim = CONTROLS[control]
    record = record_of(claim)
    # An average that is not there yet is no number, and then nothing is decided.
    allowed = {"undecided", "violated"} if control == "an average without the last iterate" else {"violated"}
    assert record["verdict"] in allowed, record["reason"]
