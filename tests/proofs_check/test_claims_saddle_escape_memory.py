"""Escapes of Rand-k with memory at one step size: verdicts, and what breaks them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from proofs_check.claim import Claim
from proofs_check.claims.saddle import escape_memory
from proofs_check.claims.saddle.escape_memory import MeanGrowth, MemoryGrowth, MemoryTime
from proofs_check.escape_laws import log_growth, mean_growth, memory_rate
from tests.proofs_check.judging import claims_in, record_of
from toolkit.experiment import Experiment

CLAIMS = claims_in(escape_memory)


@pytest.mark.parametrize("name", CLAIMS)
def test_verdict(name: str, results: Any) -> None:
    record = record_of(CLAIMS[name], results)
    assert record["verdict"] == record["expected"], record["reason"]


class WithoutMemory(MemoryGrowth):
    """What is not sent is lost: growth by 1 + a with probability μ."""

    def law(self, mu: float) -> Any:
        return mu * np.log1p(0.25) * np.array(self.steps)


class Uncompressed(MemoryTime):
    """The law of μ = 1."""

    def law(self, kind: str, mu: float) -> tuple[float, float]:
        return super().law(kind, 1.0)


class LostMean(MeanGrowth):
    def law(self, mu: float) -> Any:
        return (1 + mu * 0.25) ** np.array(self.steps[: self.early])


@pytest.mark.parametrize("control", [WithoutMemory, Uncompressed, LostMean])
def test_what_is_wrong_is_violated(control: type[Claim], results: Any) -> None:
    assert record_of(control(), results)["verdict"] == "violated"


def test_a_memory_that_is_reset_does_not_wait() -> None:
    class Reset(MemoryGrowth):
        def experiments(self, level: str) -> dict[str, Experiment]:
            one = super().experiments(level)["runs"]
            return {"runs": replace(one, algorithm=type(one.algorithm)(radius=0.0, reset=2))}

    claim = Reset()
    assert record_of(claim)["verdict"] == "violated"


def test_rates_where_nothing_or_little_is_compressed() -> None:
    assert memory_rate(1.0, 0.3) == pytest.approx(np.log(1.3), rel=1e-15)
    assert mean_growth(1.0, 0.3) == pytest.approx(1.3, rel=1e-15)
    for mu, a in ((0.5, 1e-3), (0.1, 1e-4)):
        second = a - a**2 / mu + a**2 / 2  # of both, to order a³/μ²
        assert memory_rate(mu, a) == pytest.approx(second, abs=3 * a**3 / mu**2)
        assert np.log(mean_growth(mu, a)) == pytest.approx(second, abs=3 * a**3 / mu**2)
    assert log_growth(0.25, 0.25, (0, 400))[1] / 400 == pytest.approx(memory_rate(0.25, 0.25), rel=0.02)
    assert memory_rate(1e-4, 0.25) == pytest.approx(1e-4 * (np.log(0.25e4) - np.euler_gamma), rel=0.01)
    assert mean_growth(1e-6, 0.25) - 1 == pytest.approx(np.sqrt(0.25e-6), rel=0.01)
