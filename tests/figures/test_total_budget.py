"""The figure of the budget: its curves are in the order that theorems ask for, and its schedules are what they say."""

from __future__ import annotations

import numpy as np
import pytest

from figures import total_budget
from figures.total_budget import EARLY, STEPS, D, T, TotalBudget
from proofs_check.claims.total_error.coupled_budget import decaying_normal
from toolkit.budget import coupled_optimum


@pytest.fixture(scope="module")
def drawing():
    return TotalBudget().draw({}, [], "quick")


def curves(drawing, panel):
    rows = drawing.table[drawing.table.panel == panel]
    return {curve: group.set_index("x").y for curve, group in rows.groupby("curve")}


def test_impulses_follow_their_law(drawing):
    found = curves(drawing, "impulses")
    budget = np.arange(EARLY + 1)
    assert found["best threshold"].tolist() == [EARLY * STEPS + 2.25] + [EARLY * STEPS] * EARLY
    assert found["optimum"].tolist() == ((EARLY - budget) * STEPS + 2.25).tolist()
    assert found["optimum, vectors given"].tolist() == [10.25, *range(8, 0, -1)]
    assert f"leaves {EARLY * STEPS}" in drawing.caption


def test_means_are_in_order(drawing):
    found = curves(drawing, "random")
    exact, free, threshold = (found[f] for f in ("optimum, exact sends", "optimum, free values", "best threshold"))
    assert len(exact) == (D - 1) * T + 1
    assert (free <= exact).all()
    assert (exact <= threshold * (1 + 1e-12)).all()
    assert (found["Top-k"] > exact[found["Top-k"].index]).all()
    assert (np.diff(found["optimum, vectors given"]) < 0).all()


def test_ratios_have_the_optimum_at_one(drawing):
    rows = drawing.table[drawing.table.panel == "ratio"]
    assert set(rows.y[rows.curve == "optimum, exact sends"]) == {1.0}
    measured = rows[rows.kind == "measured"]
    assert (measured.y_low >= 1 - 1e-12).all()
    assert (rows.y[rows.curve == "optimum, free values"] <= 1).all()


def test_schedules_are_drawn_and_within_the_budget(drawing):
    rows = drawing.table[drawing.table.panel == "schedules"]
    count = rows.groupby("curve").size()
    assert set(count.index) == {"Top-1", "threshold", "optimum, exact sends", "optimum, free values"}
    assert (count <= T).all()
    g = decaying_normal(T, D, 30, total_budget.SEED)[0]
    sent = coupled_optimum(g, T).sent
    own = rows[rows.curve == "optimum, exact sends"]
    assert sorted(own.x - 1) == sorted(np.nonzero(sent)[0])
    assert f"optimum, exact sends {coupled_optimum(g, T).error:.1f}" in drawing.caption


def test_claims_are_told(drawing):
    for claim in TotalBudget.claims:
        assert f"{claim}: not checked here" in drawing.caption
