"""Unbiased compressors without memory: verdicts, and what breaks them."""

from __future__ import annotations

from fractions import Fraction as Q
from typing import Any

import pytest

from proofs_check.claims.worst_case import unbiased
from proofs_check.worst_case import Contractive, unbiased_steps
from tests.proofs_check.judging import verdict_of

CLAIMS = [unbiased.Law, unbiased.WithoutShifts, unbiased.OfDiana]


@pytest.mark.parametrize("kind", CLAIMS, ids=lambda kind: kind.id)
def test_the_statements_have_the_expected_verdicts(kind: Any) -> None:
    assert verdict_of(kind()) == kind.expected


@pytest.mark.parametrize(("change", "expected"), [(Q(99, 100), "violated"), (Q(101, 100), "holds")])
def test_another_factor_is_exceeded_or_not_attained(change: Q, expected: str) -> None:
    class Another(unbiased.Law):
        def factor(self, one: Any) -> Any:
            return super().factor(one) * change

    assert verdict_of(Another()) == expected


def test_the_law_is_not_proved_where_the_other_curvature_decides() -> None:
    class Swapped(unbiased.Law):
        @property
        def domains(self) -> Any:  # type: ignore[override]
            found = super().domains
            return {"μ": found["L"], "L": found["μ"]}

    assert verdict_of(Swapped()) == "undecided"


@pytest.mark.parametrize("kind", CLAIMS[1:], ids=lambda kind: kind.id)
def test_steps_four_times_as_long_are_not_proved(kind: Any) -> None:
    class Longer(kind):  # type: ignore[misc]
        def published(self, n: int, omega: Q, mu: Q) -> Q:
            return 4 * super().published(n, omega, mu)

    assert verdict_of(Longer()) == "violated"


def test_a_biased_compressor_has_no_such_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unbiased_steps, "Unbiased", lambda omega: Contractive(delta=1 / (1 + omega)))
    assert verdict_of(unbiased.WithoutShifts()) != "holds"
