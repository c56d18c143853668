"""Worst cases known from elsewhere, one test per row of the table."""

from __future__ import annotations

import pytest

from proofs_check.claims.worst_case.known_worst_cases import TOLERANCE, KnownWorstCases
from proofs_check.worst_case import known, solve
from proofs_check.worst_case.functions import Smooth
from proofs_check.worst_case.known import KNOWN
from proofs_check.worst_case.measures import distance, gap
from proofs_check.worst_case.tracing import trace
from tests.proofs_check.judging import record_of
from toolkit.algorithms.sgd import SGD


@pytest.mark.parametrize("row", sorted(KNOWN))
def test_known_value(row):
    assert solve(KNOWN[row].model()).value == pytest.approx(KNOWN[row].value, rel=TOLERANCE)


def test_a_method_that_is_not_the_one_named_is_found_out(monkeypatch):
    def longer():
        return trace(SGD(stepsize=known.Q(1, 3)), Smooth(L=3), steps=5).worst(gap, distance)

    row = KNOWN[2]
    one = {2: known.Known(2, row.title, row.value, True, longer), 33: KNOWN[33]}
    monkeypatch.setattr("proofs_check.claims.worst_case.known_worst_cases.KNOWN", one)
    record = record_of(KnownWorstCases())
    assert [instance["verdict"] for instance in record["instances"]] == ["violated", "holds"]
    assert record["verdict"] == "violated"
