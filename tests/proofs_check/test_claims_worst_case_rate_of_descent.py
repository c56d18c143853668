"""Claims on gradient descent without compression: their verdicts, and what breaks them."""

from __future__ import annotations

from fractions import Fraction as Q

import numpy as np
import pytest

from proofs_check.claims.worst_case import rate_of_descent
from proofs_check.worst_case.functions import Smooth
from tests.proofs_check.judging import record_of, records_of, verdict_of


def test_both_rates_are_exact():
    for record in records_of(rate_of_descent.NotConvex(), rate_of_descent.OnQuadratics()).values():
        assert record["verdict"] == "tight", record["id"]
        assert 1 - 1e-7 <= record["ratio"] <= 1 + 2e-5
        assert all("proved" in one["reason"] for one in record["instances"])


def test_the_rates_of_both_ranges_of_step_sizes_meet():
    for mu in (Q(-2), Q(-1), Q(-1, 10)):
        beyond = rate_of_descent.fall(mu, Q(1) + Q(1, 10**9))
        assert rate_of_descent.fall(mu, Q(1)) == pytest.approx(beyond, rel=1e-8)


def test_the_worst_eigenvalue_is_found():
    h = np.linspace(0.1, 1, 10_001)
    for stepsize, steps in ((Q(1, 2), 1), (Q(3, 2), 2), (Q(9, 5), 5), (Q(1), 3)):
        values = h / 2 * (1 - float(stepsize) * h) ** (2 * steps)
        assert rate_of_descent.largest(Q(1, 10), stepsize, steps) == pytest.approx(values.max(), rel=1e-6)


def test_another_constant_or_class_is_violated(monkeypatch):
    monkeypatch.setattr(rate_of_descent, "Quadratic", Smooth)
    record = record_of(rate_of_descent.OnQuadratics())
    assert record["verdict"] == "violated"
    assert "worse than stated" in record["reason"]
    right = rate_of_descent.fall
    monkeypatch.setattr(rate_of_descent, "fall", lambda mu, stepsize: right(mu / 2, stepsize))
    assert verdict_of(rate_of_descent.NotConvex()) == "violated"
