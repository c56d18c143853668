"""Escape by compression noise alone: the verdicts, and what breaks them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from latex2mathml.converter import convert

from proofs_check.claim import Claim
from proofs_check.claims.saddle.compression_escape import (
    EPS,
    SCALE,
    START,
    D,
    Escape,
    EscapeTime,
    Exact,
    Growth,
    Rounding,
    Slow,
    TwoMemories,
    growth_factor,
    horizon,
    rounding_bound,
    saddle,
    starts,
)
from tests.proofs_check.judging import broken, record_of, records_of
from toolkit.algorithms import EF21, State
from toolkit.compressors import QSGD, Natural, TopK

CLAIMS: dict[str, Claim] = {
    claim.id: claim() for claim in (Rounding, Escape, Slow, EscapeTime, Growth, Exact, TwoMemories)
}


@pytest.fixture(scope="module")
def records() -> dict[str, dict[str, Any]]:
    return records_of(*CLAIMS.values())


@pytest.mark.parametrize("name", CLAIMS)
def test_verdict(name, records):
    record = records[name]
    assert record["verdict"] == record["expected"], record["reason"]
    assert {one["verdict"] for one in record["instances"]} == {"holds"}
    assert "\\" not in convert(CLAIMS[name].statement)


class AlongTheAxes(Escape):
    def problem(self, sigma_sq: float, seed: int) -> Any:
        return saddle(basis=np.eye(D), sigma_sq=sigma_sq)


class ExactFirst(EF21):
    def init(self, x: Any, oracle: Any, channel: Any, draw: Any) -> State:
        return State(x=x, estimate=channel.send(oracle.sample(x), exact=True))


NATURAL = {"natural": (Natural(), ("no memory",))}
CONTROLS: dict[str, Claim] = {
    "a start in single precision": broken(
        Rounding, start=staticmethod(lambda problem, runs: starts(problem, runs).astype(np.float32).astype(float))
    ),
    "along the axes": broken(AlongTheAxes, settings=NATURAL),
    "too little time": broken(Escape, settings={"Top-1": (TopK(k=1), ("no memory",))}),
    "with a memory it is not too slow": broken(Slow, memory=True),
    "a memory does not help": broken(
        Growth, factor=staticmethod(lambda delta, a, memory: growth_factor(delta, a, False))
    ),
    "no correction for the law of |z|": broken(EscapeTime, shift=0.0, margin=0.01),
    "messages that are not exact": broken(Exact, along_signs={"QSGD, s = 3": QSGD(s=3)}),
    "a first message in full": broken(TwoMemories, estimates=ExactFirst()),
}


@pytest.mark.parametrize("control", CONTROLS)
def test_negative_controls_are_violated(control):
    claim = CONTROLS[control]
    assert record_of(claim)["verdict"] == "violated"


@pytest.mark.parametrize("stepsize", [1 / 64, 1 / 8, 1.0])
def test_rounding_cannot_reach_a_thousandth_of_the_scale_before_the_horizon(stepsize):
    reached = rounding_bound(stepsize) * EPS * START * (1 + stepsize) ** horizon(stepsize)
    assert reached < 1e-3 * SCALE


def test_growth_with_memory_lies_between_that_without_and_descents():
    for delta in (0.01, 0.3, 0.9):
        for a in (0.01, 0.3, 1.0):
            assert growth_factor(delta, a, False) < growth_factor(delta, a, True) < 1 + a
    # Of a memory that is long against 1/a the growth is as its root.
    assert growth_factor(1e-8, 0.1, True) - 1 == pytest.approx(np.sqrt(1e-8 * 0.1), rel=1e-3)
    # Of one that is short it is descent's, but for a²(1 − δ)/δ.
    assert 1 + 1e-4 - growth_factor(0.5, 1e-4, True) == pytest.approx(1e-8, rel=1e-3)
