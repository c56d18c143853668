"""How fast compressed runs leave a saddle: the verdicts, and what breaks them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from proofs_check.claim import Claim
from proofs_check.claims.saddle import compressed_growth
from proofs_check.claims.saddle.compressed_growth import EscapeTime, Growth, TwoMemories, growth_factor
from tests.proofs_check.judging import broken, claims_in, record_of
from toolkit.algorithms import EF21, State

CLAIMS = claims_in(compressed_growth)


@pytest.mark.parametrize("name", CLAIMS)
def test_verdict(name, records):
    record = records[name]
    assert record["verdict"] == record["expected"], record["reason"]
    assert {one["verdict"] for one in record["instances"]} == {"holds"}


class ExactFirst(EF21):
    def init(self, x: Any, oracle: Any, channel: Any, draw: Any) -> State:
        return State(x=x, estimate=channel.send(oracle.sample(x), exact=True))


CONTROLS: dict[str, Claim] = {
    "a memory does not help": broken(
        Growth, factor=staticmethod(lambda delta, a, memory: growth_factor(delta, a, False))
    ),
    "no correction for the law of |z|": broken(EscapeTime, shift=0.0, margin=0.01),
    "a first message in full": broken(TwoMemories, estimates=ExactFirst()),
}


@pytest.mark.parametrize("control", CONTROLS)
def test_negative_controls_are_violated(control):
    claim = CONTROLS[control]
    assert record_of(claim)["verdict"] == "violated"


def test_growth_with_memory_lies_between_that_without_and_descents():
    for delta in (0.01, 0.3, 0.9):
        for a in (0.01, 0.3, 1.0):
            assert growth_factor(delta, a, False) < growth_factor(delta, a, True) < 1 + a
    # Of a memory that is long against 1/a the growth is as its root.
    assert growth_factor(1e-8, 0.1, True) - 1 == pytest.approx(np.sqrt(1e-8 * 0.1), rel=1e-3)
    # Of one that is short it is descent's, but for a²(1 − δ)/δ.
    assert 1 + 1e-4 - growth_factor(0.5, 1e-4, True) == pytest.approx(1e-8, rel=1e-3)
