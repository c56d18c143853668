"""Random starts on the octopus: the verdict, what breaks it, and that the bound is nearly attained."""

from __future__ import annotations

import numpy as np
import pytest

from problems import Octopus
from proofs_check.claims.saddle.octopus_random_start import RandomStart, seam_terms
from tests.proofs_check.judging import record_of


def test_verdict():
    record = record_of(RandomStart())
    assert record["verdict"] == record["expected"], record["reason"]
    assert 0.6 < record["ratio"] < 1


class AsIfEqual(RandomStart):
    def added(self, octopus, stepsize, start):
        return 0 * start[..., 1:]


class TheOtherWay(RandomStart):
    def added(self, octopus, stepsize, start):
        return -super().added(octopus, stepsize, start)


class OnlyRounding(RandomStart):
    def bound(self, octopus, stepsize):
        return 1.0


@pytest.mark.parametrize("control", [AsIfEqual, TheOtherWay, OnlyRounding])
def test_negative_controls_are_violated(control):
    assert record_of(control())["verdict"] == "violated"


def test_terms_of_a_seam_are_those_of_descent():
    """One leg from entries known exactly: with these terms nothing of it is left."""
    octopus, stepsize = Octopus(3, 2.0), 0.125
    own, waited = seam_terms(octopus, stepsize)
    grow, shrink = np.log1p(2 * stepsize), -np.log1p(-4 * stepsize)
    theta = np.linspace(0, 1, len(own) + 1)[1:]
    for at in (400, 1900, 3500):
        first = octopus.tau * np.exp((theta[at] - 6) * grow)  # enters the seam of coordinate 1 at this θ
        start = np.array([first, 1e-9, 1e-20])
        legs = octopus.legs(stepsize, start)
        assert legs[0] == 6 + round(own[at] - theta[at])
        at_turn = np.log(start[1]) - shrink * legs[0] + grow * waited[at]
        assert legs[1] == pytest.approx((np.log(octopus.tau) - at_turn) / grow + own.mean(), abs=1)
