"""The map of the ordering: what it shows as proved is proved, and the spiral never contradicts it."""

from __future__ import annotations

from fractions import Fraction as Q

import numpy as np
import pytest

from figures import ordering_map
from figures._report import save
from figures.ordering_map import BETTER, UNKNOWN, WORSE, OrderingMap, cells
from proofs_check.worst_case import Certificate
from proofs_check.worst_case.spiral import gain_limit
from proofs_check.worst_case.zigzag import best_zigzag_factor


@pytest.fixture(scope="module")
def drawing():
    return OrderingMap().draw({}, [], "quick")


def test_every_dot_is_a_certificate_of_its_point(drawing):
    found = cells("quick")
    dots = drawing.table[drawing.table.curve == BETTER]
    assert 0 < len(dots) == found.better.sum() < found.better.size
    marked = {name: (drawing.table.curve == name).sum() for name in (BETTER, WORSE, UNKNOWN)}
    assert sum(marked.values()) == found.better.size
    assert marked[WORSE] == found.worse.sum() > 0
    assert not (found.better & found.worse).any()
    for kappa, row in zip(found.kappas, found.found, strict=True):
        for s, one in zip(found.errors, row, strict=True):
            assert (one.mu, one.s) == (Q(1, kappa), s)
            assert one.proof.verified().startswith("proved for every N")
            assert one.better == (one.gain > 1) == ((dots.x == kappa) & np.isclose(dots.y, float(s * s))).any()
    cell = drawing.table[drawing.table.kind == "field"].pivot(index="x", columns="y", values="value").to_numpy()
    assert cell == pytest.approx(found.gain, rel=1e-12)


def test_no_spiral_contradicts_a_certificate():
    found = cells("quick")
    limits = np.array([[gain_limit(1 / kappa, float(s)) for s in found.errors] for kappa in found.kappas])
    assert (found.gain < limits).all()
    assert (limits - found.gain).max() < 0.09


def test_the_certificates_are_kept_beside_the_figure(drawing, tmp_path):
    save(drawing, tmp_path, "ordering-map")
    found = sorted((tmp_path / "ordering-map").iterdir())
    assert len(found) == 2 * cells("quick").better.size
    for path in found[:4]:
        assert Certificate.load(path).verified().startswith("proved: ")
    step = Certificate.load(tmp_path / "ordering-map" / "kappa-20-s-9_20-step.json")
    assert step.bound == cells("quick").found[2][1].proof.rate < best_zigzag_factor(Q(1, 20), Q(9, 20))


def test_between_both_boundaries_the_order_is_open(drawing):
    lines = {name: drawing.table[drawing.table.curve == name] for name in drawing.table.curve.unique()}
    proved, refuted = lines["EF better, between certificates"], lines["CGD better beyond: proved"]
    for epsilon in (0.1, 0.3, 0.6):
        left, right = (np.interp(epsilon, *one.sort_values("y")[["y", "x"]].to_numpy().T) for one in (refuted, proved))
        assert 2 < left < right < 40


def test_without_proofs_there_are_no_dots(monkeypatch):
    def none(*point):
        raise ordering_map.Uncertified("a proof", "there is none", "look elsewhere")

    monkeypatch.setattr(ordering_map, "proved", none)
    cells.cache_clear()
    try:
        assert np.isnan(cells("quick").gain).all()
        assert not cells("quick").better.any()
        assert not cells("quick").certificates
    finally:
        cells.cache_clear()
