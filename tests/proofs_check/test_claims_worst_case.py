"""Claims on exact rates: their verdicts, and what breaks them."""

from __future__ import annotations

from fractions import Fraction as Q

import pytest

from proofs_check.checking import find_claims
from proofs_check.claims.worst_case import one_step_of_diana, rate_of_compressed_descent, rate_of_error_feedback
from proofs_check.worst_case import brackets
from proofs_check.worst_case.messages import Projection
from proofs_check.worst_case.settings import cgd, error_feedback
from tests.proofs_check.judging import record_of, records_of, verdict_of

IDS = {"WC-known", "WC-CGD", "WC-CGD-N", "WC-CGD-unbiased", "WC-EF", "WC-EF21", "WC-EF-N", "WC-EF21-N", "WC-EF-workers",
       "WC-EF21-workers", "WC-order", "WC-DIANA"}  # fmt: skip


def test_every_verdict_is_the_expected_one():
    claims = find_claims(["worst-case"])
    assert set(claims) >= IDS
    for record in records_of(*(claims[name] for name in sorted(IDS))).values():
        assert record["verdict"] == record["expected"], record["id"]
        assert record["error_probability"] == 0
        if record["kind"] == "tight":
            assert 1 - 1e-7 <= record["ratio"] <= 1 + 2e-5
            assert all("proved" in one["reason"] for one in record["instances"])


def test_a_smaller_class_of_compressors_has_another_rate(monkeypatch):
    monkeypatch.setattr(rate_of_compressed_descent, "cgd", lambda *point: cgd(*point, kind=Projection))
    record = record_of(rate_of_compressed_descent.OneStep())
    assert record["verdict"] == "violated"
    assert "not attained" in record["reason"]


def test_another_method_breaks_the_statement(monkeypatch):
    class Swapped(rate_of_error_feedback.ManySteps):
        id = "WC-test"

        def model(self, mu, s, stepsize, steps, workers):
            return cgd(mu, s, stepsize, steps)

    assert verdict_of(Swapped()) == "violated"
    wrong = rate_of_compressed_descent.cgd_factor
    monkeypatch.setattr(rate_of_compressed_descent, "cgd_factor", lambda *point: 0.999 * wrong(*point))
    record = record_of(rate_of_compressed_descent.OneStep())
    assert record["verdict"] == "violated"
    assert "worse than stated" in record["reason"]


def test_an_order_that_is_not_proved_is_undecided(monkeypatch):
    monkeypatch.setattr(rate_of_error_feedback, "cgd", error_feedback)
    assert verdict_of(rate_of_error_feedback.Order()) == "undecided"


def test_a_random_instance_must_attain_a_moment_bound():
    model = rate_of_compressed_descent._unbiased(Q(1, 10), Q(1), Q(1, 2), 1)
    stated = max((1 - h / 2) ** 2 + h**2 / 4 for h in (0.1, 1.0))
    assert brackets.bracket_of_moments("one", model, stated, stated).verdict == "tight"
    assert brackets.bracket_of_moments("one", model, stated, 0.99 * stated).verdict == "violated"
    assert brackets.bracket_of_moments("one", model, 1.01 * stated, 1.01 * stated).verdict == "violated"


@pytest.mark.parametrize("make", [brackets.bracket, lambda *given: brackets.bracket_of_moments(*given, 1.0)])
def test_what_cannot_be_certified_is_undecided(make):
    model = error_feedback(Q(1, 10), Q(1, 2), Q(20, 33))
    model.assumptions.clear()  # nothing bounds the metric
    found = make("one", model, 1.0)
    assert found.verdict == "undecided"
    assert "no finite bound was found" in found.reason


def test_a_rate_that_diana_does_not_have_is_undecided(monkeypatch):
    right = one_step_of_diana.one_step
    longer = lambda n, omega, mu, stepsize, a: right(n, omega, mu, 3 * stepsize, a)  # noqa: E731
    assert verdict_of(one_step_of_diana.OneStepOfDiana()) == "holds"
    monkeypatch.setattr(one_step_of_diana, "one_step", longer)
    assert verdict_of(one_step_of_diana.OneStepOfDiana()) == "undecided"
