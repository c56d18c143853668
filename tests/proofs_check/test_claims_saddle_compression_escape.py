"""Escape by compression noise alone: the verdicts, and what breaks them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from proofs_check.claim import Claim
from proofs_check.claims.saddle import compression_escape
from proofs_check.claims.saddle.compression_escape import (
    EPS,
    SCALE,
    START,
    D,
    Escape,
    Exact,
    Rounding,
    Slow,
    horizon,
    rounding_bound,
    saddle,
    starts,
)
from tests.proofs_check.judging import broken, claims_in, record_of
from toolkit.compressors import QSGD, Natural, TopK

CLAIMS = claims_in(compression_escape)


@pytest.mark.parametrize("name", CLAIMS)
def test_verdict(name, records):
    record = records[name]
    assert record["verdict"] == record["expected"], record["reason"]
    assert {one["verdict"] for one in record["instances"]} == {"holds"}


class AlongTheAxes(Escape):
    def problem(self, sigma_sq: float, seed: int) -> Any:
        return saddle(basis=np.eye(D), sigma_sq=sigma_sq)


NATURAL = {"natural": (Natural(), ("no memory",))}
CONTROLS: dict[str, Claim] = {
    "a start in single precision": broken(
        Rounding, start=staticmethod(lambda problem, runs: starts(problem, runs).astype(np.float32).astype(float))
    ),
    "along the axes": broken(AlongTheAxes, settings=NATURAL),
    "too little time": broken(Escape, settings={"Top-1": (TopK(k=1), ("no memory",))}),
    "with a memory it is not too slow": broken(Slow, memory=True),
    "messages that are not exact": broken(Exact, along_signs={"QSGD, s = 3": QSGD(s=3)}),
}


@pytest.mark.parametrize("control", CONTROLS)
def test_negative_controls_are_violated(control):
    claim = CONTROLS[control]
    assert record_of(claim)["verdict"] == "violated"


@pytest.mark.parametrize("stepsize", [1 / 64, 1 / 8, 1.0])
def test_rounding_cannot_reach_a_thousandth_of_the_scale_before_the_horizon(stepsize):
    reached = rounding_bound(stepsize) * EPS * START * (1 + stepsize) ** horizon(stepsize)
    assert reached < 1e-3 * SCALE
