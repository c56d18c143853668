"""The certificates of the map of the ordering that are kept: each proves what is shown, whatever solver made it."""

from __future__ import annotations

import copy
import json
import random
from fractions import Fraction as Q
from pathlib import Path

import pytest

from proofs_check.worst_case import ordering_points
from proofs_check.worst_case.ordering_points import ERRORS, GAIN, POINTS, UNIT, proved, row, searched, verified
from proofs_check.worst_case.settings import best_stepsize
from proofs_check.worst_case.spiral import gain_limit
from toolkit.errors import WrongUse

KEPT = {
    (int(1 / Q(one["mu"])), Q(one["s"])): one
    for one in json.loads(Path(__file__).with_name("ordering_points.json").read_text(encoding="utf-8"))
}


def check(kappa: int, s: Q) -> None:
    found = verified(KEPT[kappa, s])
    scale, gain = POINTS[kappa][ERRORS.index(s)]
    assert found.stepsize == Q(scale, UNIT) * best_stepsize(found.mu, s)
    assert found.gain == pytest.approx(gain / GAIN, abs=1e-6)
    assert found.better == (gain > GAIN)
    assert gain / GAIN < gain_limit(1 / kappa, float(s))


def test_all_of_the_grid_is_kept():
    assert list(KEPT) == [(kappa, s) for kappa in POINTS for s in ERRORS]


def test_some_certificates_that_are_kept_prove_what_the_map_shows():
    for point in random.Random().sample(list(KEPT), 6):
        check(*point)


@pytest.mark.slow
def test_every_certificate_that_is_kept_proves_what_the_map_shows():
    for point in KEPT:
        check(*point)


def test_a_point_is_proved_anew_at_the_same_rate():
    for point in ((2, Q(1, 20)), (320, Q(19, 20))):
        again = verified(row(proved(*point)))
        assert again.proof.rate == Q(KEPT[point]["step"]["bound"])
        assert str(again.stepsize) == KEPT[point]["stepsize"]


def test_the_search_finds_the_point_again():
    scale, gain = searched(20, Q(9, 20))
    wanted = POINTS[20][ERRORS.index(Q(9, 20))]
    assert scale == pytest.approx(wanted[0], abs=8)
    assert gain == pytest.approx(wanted[1], abs=10)


def test_without_a_proof_nothing_is_found(monkeypatch):
    def none(*point):
        raise ordering_points.Uncertified("a proof", "there is none", "look elsewhere")

    monkeypatch.setattr(ordering_points, "compare", none)
    monkeypatch.setattr(ordering_points, "best_scale", lambda *point, finest: (Q(1), 1.1))
    assert searched(20, Q(9, 20)) is None


@pytest.mark.parametrize("place", ["rate", "weight", "multiplier", "step size", "curvature", "error"])
def test_a_changed_row_proves_nothing(place):
    kept = copy.deepcopy(KEPT[20, Q(9, 20)])
    if place == "rate":
        kept["step"]["bound"] = str(Q(kept["step"]["bound"]) * Q(99, 100))
    elif place == "weight":
        kept["weights"][1] = str(Q(kept["weights"][1]) + Q(1, 10))
    elif place == "multiplier":
        kept["step"]["multipliers"]["message 0"] = "0"
    elif place == "step size":
        kept["stepsize"] = str(Q(kept["stepsize"]) * Q(21, 20))
    else:
        name = {"curvature": "mu", "error": "s"}[place]
        kept[name] = str(Q(kept[name]) * (Q(9, 10) if name == "mu" else Q(11, 10)))
    with pytest.raises(WrongUse, match="it is not proved"):
        verified(kept)
