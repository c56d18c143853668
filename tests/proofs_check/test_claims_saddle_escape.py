"""Lemmas 20 and 22 at their own constants: their verdicts, and what breaks them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from proofs_check.claim import Claim
from proofs_check.claims.saddle.escape import Coupling, Escape, StuckVolume, numbers
from tests.proofs_check.judging import record_of
from toolkit.draws import Draw


@pytest.mark.parametrize("kind", [Escape, StuckVolume, Coupling])
def test_verdict(kind: type[Claim]) -> None:
    record = record_of(kind())
    assert record["verdict"] == kind.expected, record["reason"]


def test_the_slack_and_that_samples_have_the_exact_law() -> None:
    instances = {one["name"]: one for one in record_of(Escape())["instances"]}
    exact = instances["exact law, ι = 20, d = 10"]
    assert exact["bound"] == pytest.approx(0.31, abs=0.005)  # the sheet's figures
    assert instances["exact law, ι = 24, d = 10"]["bound"] == pytest.approx(0.028, abs=0.0005)
    assert exact["ratio"] == pytest.approx(1 / 24.7, rel=0.01)
    for name, one in instances.items():
        if name.startswith("sampled"):
            law = instances[name.replace("sampled", "exact law")]["measured"]
            failures = round(one["measured"] * one["runs"])
            # A true law is as far out as this with probability 1e-4, in each of 6 instances; the seeds are fixed.
            low, high = stats.binom.ppf([5e-5, 1 - 5e-5], one["runs"], law)
            assert low <= failures <= high, name


def test_eq_6() -> None:
    of = numbers(20)
    assert (of.patience, of.stepsize) == (20.0, 0.5)
    assert of.failure(10) == pytest.approx(of.width / of.radius * np.sqrt(10) * 0.64, rel=1e-12)  # 2⁸/400
    assert of.iterations(1.0) == pytest.approx(400 * 20**4 * of.L / of.epsilon**2, rel=1e-6)


class Hasty(Escape):
    """Half of 𝒯 steps are too few."""

    def check(self, data: Any, level: str) -> Any:
        short = numbers(10)
        enough = numbers(20)
        broken = type("Short", (type(enough),), {"patience": short.patience})(**vars(enough))
        return [*self._exactly(broken), self._sampled(10, broken, 1000)]


class Sideways(Escape):
    """A perturbation without a component along the escape direction."""

    def perturbation(self, draw: Draw, x: Any, of: Any) -> Any:
        return super().perturbation(draw, x, of) * (np.arange(x.shape[2]) > 0)


class SixtyTimesSmaller(Escape):
    def bound(self, of: Any, d: int) -> float:
        return super().bound(of, d) / 60


class TooNear(Coupling):
    """A twentieth of ω: the symmetric pair falls by less than 𝓕."""

    apart = 0.05


@pytest.mark.parametrize("kind", [Hasty, Sideways, SixtyTimesSmaller, TooNear])
def test_what_is_wrong_is_violated(kind: type[Claim]) -> None:
    assert record_of(kind())["verdict"] == "violated"
