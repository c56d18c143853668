"""Rand-k's memory in open loop: the verdicts, and what breaks them."""

from __future__ import annotations

import pytest

from proofs_check.claim import Claim
from proofs_check.claims.saddle import rand_k_memory as subject
from proofs_check.claims.saddle.rand_k_memory import Correlated, Simulated, White
from proofs_check.open_loop import rand_k_memory, stationary_rand_k_memory
from tests.proofs_check.judging import broken, claims_in, record_of
from toolkit.compressors import RandK, TopK

CLAIMS = claims_in(subject)


@pytest.mark.parametrize("name", CLAIMS)
def test_verdict(name, results):
    # The seeds are fixed; before they were, a true law was called violated with probability at most 1e-3 per instance.
    record = record_of(CLAIMS[name], results)
    assert record["verdict"] == record["expected"], record["reason"]
    assert {one["verdict"] for one in record["instances"]} == {"holds"}


class AsIfConstant(White):
    """The law of the arbitrary compressor's order, 1/μ²."""

    def law(self, mu, c, steps):
        return rand_k_memory(mu, 1, steps)


class OneSided(Correlated):
    """The correlation counted once and not twice."""

    def law(self, mu, c, steps):
        return (rand_k_memory(mu, c, steps) + rand_k_memory(mu, 0, steps)) / 2


class OnlyTheLimit(White):
    def limit(self, mu, c):
        return 1 / mu


class UncorrelatedLaw(Simulated):
    def limit(self, mu, c):
        return stationary_rand_k_memory(mu, 0.0)


CONTROLS: dict[str, Claim] = {
    "the law of a constant": AsIfConstant(),
    "correlation counted once": OneSided(),
    "a limit without what is sent": OnlyTheLimit(),
    "fewer coordinates": broken(White, kept=staticmethod(lambda k: RandK(k=1))),
    "the law without correlation": UncorrelatedLaw(),
}


@pytest.mark.parametrize("control", CONTROLS)
def test_negative_controls_are_violated(control, results):
    assert record_of(CONTROLS[control], results)["verdict"] == "violated"


def test_top_k_has_another_memory():
    record = record_of(broken(Simulated, kept=TopK, correlations={"quick": (0.0,)}))
    verdicts = {one["name"]: one["verdict"] for one in record["instances"]}
    assert verdicts == {
        "rand-k, k = d/4, c = 0": "violated",
        "rand-k, k = d/2, c = 0": "violated",
        "coins, p = 1/4, c = 0": "holds",
    }
