"""Spirals of error feedback where messages project: their law, the best rate that they leave, and where none helps."""

from __future__ import annotations

from fractions import Fraction as Q

import numpy as np
import pytest
from latex2mathml.converter import convert

from proofs_check.claims.worst_case import projection_ordering, spirals
from proofs_check.worst_case import spiral_proof
from proofs_check.worst_case.spiral import (
    SpiralProjection,
    error_limit,
    excess,
    gain_limit,
    spiral_factor,
    spiral_rate,
)
from proofs_check.worst_case.zigzag import SteepProjection, best_zigzag_factor
from tests.proofs_check.judging import record_of
from toolkit.errors import WrongUse


@pytest.mark.parametrize("kind", [spirals.Spiral, spirals.SpiralRate, spirals.DescentFirst])
def test_verdict_is_the_expected_one(kind):
    record = record_of(kind())
    assert {one["verdict"] for one in record["instances"]} == {kind.expected}, record["reason"]
    assert "\\" not in convert(kind.statement)


def test_turned_to_both_sides_there_is_no_spiral():
    class Mutant(spirals.Spiral):
        def compressor(self, s):
            return SteepProjection(s=s)

    assert record_of(Mutant())["verdict"] == "violated"


def test_the_spiral_does_not_refute_what_is_proved():
    class Mutant(spirals.DescentFirst):
        def points(self, level):
            return [(kappa, s) for kappa, s, *_ in projection_ordering.PROVED["full"]]

    assert {one["verdict"] for one in record_of(Mutant())["instances"][1:]} == {"violated"}


def test_a_wrong_rate_is_violated():
    class Lower(spirals.SpiralRate):
        def rate(self, mu, s):
            return float(spiral_rate(mu, s)) * (1 - 1e-9)

    class Higher(spirals.SpiralRate):
        def rate(self, mu, s):
            return float(spiral_rate(mu, s)) * (1 + 1e-9)

    class Wrong(spirals.SpiralRate):
        def failed(self):
            return spiral_proof.unproved(lambda mu, s, rate: excess(mu, s, rate) + mu * s)

    assert {one["verdict"] for one in record_of(Lower())["instances"][1:]} == {"holds"}
    assert {one["verdict"] for one in record_of(Higher())["instances"][1:]} == {"violated"}
    instance = record_of(Wrong())["instances"][0]
    assert instance["verdict"] == "violated"
    assert instance["reason"] == "not so: the discriminant has the sign of excess"


def test_a_better_descent_than_there_is_leads_earlier():
    class Mutant(spirals.DescentFirst):
        def without(self, mu, s):
            return best_zigzag_factor(mu, s) * (1 + s) ** 2 / 4  # as if strong compression cost less

    class Worse(spirals.DescentFirst):
        def without(self, mu, s):
            return (1 + best_zigzag_factor(mu, s)) / 2

    for mutant in (Mutant(), Worse()):
        record = record_of(mutant)
        assert record["instances"][0]["verdict"] == "violated"
        assert "κ > 2" in record["instances"][0]["reason"]
    assert {one["verdict"] for one in record_of(Worse())["instances"][1:]} == {"violated"}


def test_one_change_of_sign_is_seen_only_where_there_is_one():
    w, q = spiral_proof.parameters("w", "q")
    assert spiral_proof._one_change(-2 - w + (w - 3) * q + (5 + w) * q**2)
    assert not spiral_proof._one_change(-2 - w + (5 + w) * q - q**2)  # two changes
    assert not spiral_proof._one_change(2 + w + q)
    assert not spiral_proof._one_change(-2 + (3 - w) * q + (w - 1) * q**2 + q**3)  # three, where 1 > w
    assert not spiral_proof._one_change((w - 1) * q - 2 + 3 * q**2 + (1 - w) * q**3 + q**4)


def test_no_step_size_is_better_than_the_root_and_the_order_turns_where_it_says():
    generator = np.random.default_rng(5)
    mu, s = generator.uniform(0.001, 0.9, 40), generator.uniform(0.01, 0.99, 40)
    stepsizes = np.geomspace(0.01, 3, 4000)[:, None]
    least = np.maximum(spiral_factor(mu, s, stepsizes), spiral_factor(1.0, s, stepsizes)).min(axis=0)
    rate = spiral_rate(mu, s)
    assert (least >= rate * (1 - 1e-12)).all()
    assert least == pytest.approx(rate, rel=5e-3)
    kappas = np.array([2.0, 3.0, 7.0, 40.0, 500.0])
    first = error_limit(1 / kappas)
    assert (gain_limit(1 / kappas, first * 0.999) > 1).all()
    assert (gain_limit(1 / kappas, first + 0.001 * (1 - first)) < 1).all()
    # In the limit of large κ the order turns where κδ = 4.
    assert 1e4 * (1 - error_limit(1e-4) ** 2) == pytest.approx(4, abs=1e-3)
    below, above = (excess(Q(1, 10), Q(1, 2), Q(numerator, 10**4)) for numerator in (8621, 8622))
    assert below < 0 < above
    assert 0.8621 < spiral_rate(0.1, 0.5) < 0.8622


def test_spiral_projections_project():
    x = np.random.default_rng(0).standard_normal((5, 2))
    sent = SpiralProjection(s=0.8).compress(x)
    assert ((sent - x) ** 2).sum(-1) == pytest.approx(0.64 * (x**2).sum(-1))
    assert ((sent - x) * sent).sum(-1) == pytest.approx(np.zeros(5), abs=1e-15)
    assert float(SpiralProjection(s=0.8).constants(2).delta) == pytest.approx(0.36)
    with pytest.raises(WrongUse, match="acts on the plane"):
        SpiralProjection(s=0.8).compress(np.ones(3))
