"""The first-order bound of compressed perturbed SGD: its verdict, and that every term is needed."""

from __future__ import annotations

from typing import Any

import pytest

from proofs_check.claims.saddle.perturbed_first_order import FirstOrder
from tests.proofs_check.judging import record_of, results_of


@pytest.fixture(scope="module")
def results() -> Any:
    return results_of(FirstOrder())


def test_verdict(results: Any) -> None:
    # The seeds are fixed. That they violate a true bound had probability 1e-3 in each of 24 instances, as t limits go.
    record = record_of(FirstOrder(), results)
    assert record["verdict"] == "holds", record["reason"]
    assert 0.4 < record["ratio"] < 0.5  # x²/2 under a compressor that shrinks: loose by 2


@pytest.mark.parametrize("term", [0, 1, 2])
def test_every_term_is_needed(term: int, results: Any) -> None:
    class Without(FirstOrder):
        terms = tuple(0.0 if i == term else value for i, value in enumerate(FirstOrder.terms))

    assert record_of(Without(), results)["verdict"] == "violated"
