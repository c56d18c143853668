"""Figures of worst cases: points of every kind lie where the formulas say."""

from __future__ import annotations

from fractions import Fraction as Q

import numpy as np
import pytest

from figures import certificates, gossip_rates, worst_case_rates
from figures.certificates import Certificates
from figures.gossip_rates import GossipRates
from figures.worst_case_rates import STEPS, WorstCaseRates, numbers
from proofs_check.worst_case.settings import cgd_factor, feedback_factor
from proofs_check.worst_case.zigzag import zigzag_factor
from toolkit.sweep import run_all

FORMULAS = {"CGD": cgd_factor, "CGD, projecting": zigzag_factor, "EF": feedback_factor, "EF21": feedback_factor}


@pytest.fixture(scope="module")
def rates():
    figure = WorstCaseRates()
    return figure.draw(run_all(figure.experiments("quick"), jobs=1), [], "quick").table


@pytest.mark.parametrize("name", FORMULAS)
def test_programs_bounds_and_runs_agree_with_the_formula(name, rates):
    # What the slower root leaves in the second half of a run is below (its share)^(STEPS/2), spread over as many steps.
    for kind, allowed in (("program", 1e-6), ("exact bounds", 1e-5), ("simulated", 1 / STEPS / 10)):
        points = rates[rates.curve == f"{name}, {kind}"]
        wanted = [float(FORMULAS[name](0.1, 0.5, x)) for x in points.x]
        assert len(points) >= 3
        assert points.y.to_numpy() == pytest.approx(wanted, rel=allowed)
    bounds = rates[rates.curve == f"{name}, exact bounds"]
    assert (bounds.y_low < bounds.y_high).all()


def test_error_feedback_that_projects_is_between_its_bounds(rates):
    proved, low = (rates[rates.curve == name] for name in ("EF, projecting, proved", "EF, projecting: not below"))
    spiral = np.interp(proved.x, low.x, low.y)
    assert (proved.y.to_numpy() > spiral - 1e-4).all()  # interpolated
    assert (proved.y.to_numpy() < spiral + 0.01).all()
    assert proved.y.min() < min(cgd_factor(0.1, 0.5, x) for x in np.linspace(0.1, 2, 500))
    assert len(proved) == len(numbers("quick")["EF, projecting"][0])


def test_a_step_size_is_proved_to_be_five_quarters_of_the_published():
    drawing = Certificates().draw({}, [], "quick")
    dots = drawing.table[drawing.table.curve == "certificates"]
    root = drawing.table[drawing.table.curve == "smooth: root of the condition"]
    assert dots.y.max() == pytest.approx(1.25)
    assert dots.x[dots.y.idxmax()] == pytest.approx(float(Q(2, 5) ** 2))
    assert dots.y.to_numpy() == pytest.approx(np.interp(dots.x, root.x, root.y), abs=1e-3)
    for name in certificates.METHODS:
        made, missing = certificates.costs("quick")[name]
        assert not missing
        assert [one.size for one in made] == sorted(one.size for one in made)


def test_gossip_has_the_rate_of_its_formula():
    figure = GossipRates()
    table = figure.draw(run_all(figure.experiments("quick"), jobs=1), [], "quick").table
    drawn = dict(iter(table.groupby("curve")))
    exact = [gossip_rates._exact(9, x) for x in drawn["exact bounds"].x]
    assert drawn["exact bounds"].y.to_numpy() == pytest.approx(exact, rel=1e-5)
    stretched = [gossip_rates._exact(9, x) for x in drawn["stretched"].x]
    assert drawn["stretched"].y.to_numpy() == pytest.approx(stretched, rel=1e-3)
    assert (
        drawn["Top-6 of 8"].y.to_numpy() <= np.array([gossip_rates._exact(9, x) for x in drawn["Top-6 of 8"].x])
    ).all()
    published, recalled, mended = (
        drawn[name].y.to_numpy()
        for name in (
            r"published rate, $82/(\delta^2\omega)$",
            r"exact, step size with $\delta^2$",
            r"exact, step size with $\delta$",
        )
    )
    assert (mended < published).all()
    assert recalled[0] < published[0]
    assert recalled[-1] > 10 * published[-1]


def test_longer_steps_are_proved_on_their_lines_or_below():
    table = Certificates().draw({}, [], "quick").table
    drawn = dict(iter(table.groupby("curve")))
    for name in ("shared minimiser", "unlike workers", "DIANA, one worker", "DIANA, best weight"):
        dots, line = drawn[f"{name}, certificates"], drawn[name]
        assert len(dots) == len(certificates.NOISES["quick"])
        assert dots.y.to_numpy() == pytest.approx(np.interp(np.log(dots.x), np.log(line.x), line.y), rel=1e-3)
    assert drawn["shared minimiser"].y.max() < 4
    assert 2.9 < drawn["unlike workers"].y.max() < 3
    assert 2.2 < drawn["DIANA, one worker"].y.max() < 2.25
    most = drawn["Polyak–Łojasiewicz: no potential above"]
    best, published = (drawn[f"certificates, {name} weight"] for name in ("best", "published"))
    assert len(best) == len(published) == len(certificates.ERRORS["quick"])
    assert (published.y.to_numpy() < best.y.to_numpy()).all()
    assert (best.y.to_numpy() < np.interp(best.x, most.x, most.y) + 1e-3).all()
    assert (published.y > 1.25).all()


def test_missing_certificates_are_named(monkeypatch):
    def none(model):
        raise worst_case_rates.Uncertified("a bound", "there is none", "look elsewhere")

    found = certificates.costs("quick")
    monkeypatch.setattr(certificates, "costs", lambda level: found | {"EF": (found["EF"][0], (9,))})
    assert "None was found for EF at N = 9" in Certificates().draw({}, [], "quick").caption
    monkeypatch.setattr(worst_case_rates, "certify", none)
    assert np.isnan(worst_case_rates._bracket(certificates.METHODS["CGD"][1](1))).all()
