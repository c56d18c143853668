"""Zeros that stay, Top-1 that freezes and memory that releases: the verdicts, and what breaks them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from problems import Noisy, StrictSaddle
from proofs_check.claim import Claim
from proofs_check.claims.saddle import frozen_escape
from proofs_check.claims.saddle.frozen_escape import Freeze, Release, StableSubspace
from tests.proofs_check.judging import broken, claims_in, record_of
from toolkit.algorithms import SGD, CompressedSGD, ErrorFeedback
from toolkit.compressors import Identity, ScaledSign, TopK

CLAIMS = claims_in(frozen_escape)


@pytest.mark.parametrize("name", CLAIMS)
def test_verdict(name, records):
    record = records[name]
    assert record["verdict"] == record["expected"], record["reason"]
    assert {one["verdict"] for one in record["instances"]} == {"holds"}


def test_compressors_of_the_claim_declare_that_they_keep_zeros():
    assert all(one.keeps_zeros for one in StableSubspace.compressors.values())


class IsotropicNoise(StableSubspace):
    def problem(self) -> Any:
        return Noisy(StrictSaddle(np.concatenate([[-1.0], np.ones(7)])), sigma_sq=1e-12)


CONTROLS: dict[str, Claim] = {
    "a sign of zero": broken(StableSubspace, compressors={"sign": ScaledSign()}),
    "a little noise along the axis": broken(IsotropicNoise, compressors={"top-k": TopK(k=2)}),
    "nothing freezes without compression": broken(Freeze, method=SGD(), compressor=Identity()),
    "nothing freezes with a memory": broken(Freeze, method=ErrorFeedback()),
    "nothing is released without one": broken(Release, memory=CompressedSGD()),
    "ties to the other coordinate": broken(Release, compressor=TopK(k=1, ties="highest")),
    "a memory in place of estimates": broken(Release, estimates=ErrorFeedback()),
}


@pytest.mark.parametrize("control", CONTROLS)
def test_negative_controls_are_violated(control):
    claim = CONTROLS[control]
    assert record_of(claim)["verdict"] == "violated"


def test_a_release_takes_h_over_epsilon_steps_and_gains_eta_h():
    claim = Release()
    for epsilon in (1e-3, 1e-6, 1e-9):
        waits, levels = claim.waits(epsilon)
        assert waits[0] == pytest.approx(claim.slope / epsilon, abs=1)
        assert levels[1] == pytest.approx(
            claim.stepsize * claim.slope, rel=3 * epsilon / (claim.stepsize * claim.slope)
        )
