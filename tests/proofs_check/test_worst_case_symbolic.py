"""Proofs for all parameters: rational functions, signs by coefficients, and the published multipliers."""

from __future__ import annotations

from fractions import Fraction as Q
from typing import Any

import numpy as np
import pytest

from proofs_check.claims.worst_case import rate_proofs, several_workers
from proofs_check.worst_case.certificate import upper_certificate
from proofs_check.worst_case.feedback_proofs import domain, proof, proofs, split
from proofs_check.worst_case.measures import EF21Potential
from proofs_check.worst_case.settings import feedback_factor
from proofs_check.worst_case.statements import statement
from proofs_check.worst_case.symbolic import Parametric, parameters, pivots, positive, proves, residual
from tests.proofs_check.judging import verdict_of
from toolkit.errors import WrongUse


def test_a_rational_function_is_a_number_to_methods_and_arrays() -> None:
    a, b = parameters("a", "b")
    assert (a + 1) * (a - 1) == a * a - 1
    assert Q(1, 2) * a - a / 2 == 0
    assert not (1 - b) + (b - 1)
    assert 1 / (a / b) == b / a
    rows = np.array([a, b], dtype=object)
    assert list(a * rows) == [a * a, a * b]
    assert a != "a"


def test_signs_are_those_of_all_coefficients_on_the_domain() -> None:
    (a,) = parameters("a")
    (p,) = parameters("p")
    unit = {"a": p / (1 + p)}  # all of (0, 1)
    assert positive(1 - a * a, unit)
    assert positive(a / (1 - a), unit)
    assert positive((a - 1) / (a - 2), unit)
    assert not positive(a - a * a - Q(1, 5), unit)
    assert not positive(a - 1, unit)
    assert not positive(a - a, unit)
    assert positive(1 - 2 * a, {"a": p / (2 + 2 * p)})
    assert positive(Q(1, 3), unit)
    assert not positive(Q(-1, 3), unit)


def test_pivots_of_singular_and_indefinite_matrices() -> None:
    assert pivots([[Q(0), Q(1)], [Q(1), Q(0)]]) is None
    (a,) = parameters("a")
    (p,) = parameters("p")
    assert proves([[a, a], [a, a]], {"a": p})
    assert not proves([[a, 2 * a], [2 * a, a]], {"a": p})


@pytest.mark.parametrize("one", proofs(), ids=lambda one: f"{one.method}-{one.active}")
def test_the_step_size_has_the_rate_and_the_domain_is_where_its_branch_decides(one: Any) -> None:
    for mu, s, r in ((Q(1, 2), Q(1, 4), Q(3, 4)), (Q(3, 5), Q(1, 3), Q(2, 3)), (Q(9, 10), Q(1, 100), Q(1, 5))):
        point = proof(one.method, one.active, mu, s, r)
        inside = mu >= (r + s) * (1 - r) / ((r - s) * (r + 1))
        assert (feedback_factor(mu, s, point.stepsize) == pytest.approx(float(r * r), rel=1e-12)) is inside


@pytest.mark.parametrize("one", proofs(), ids=lambda one: f"{one.method}-{one.active}")
def test_another_rate_or_multiplier_is_not_proved(one: Any) -> None:
    model = one.model()
    multipliers = one.multipliers(model)
    assert proves(residual(model, multipliers), domain())
    assert not proves(residual(model, {**multipliers, "initial": one.r * one.r * Q(99, 100)}), domain())
    assert not proves(residual(model, {**multipliers, "message 0": multipliers["message 0"] * 2}), domain())
    tied = next(name for name in multipliers if name.startswith("f("))
    with pytest.raises(WrongUse, match="do not cancel"):
        residual(model, {**multipliers, tied: multipliers[tied] * 2})
    with pytest.raises(WrongUse, match="nothing named"):
        residual(model, {**multipliers, "message 7": Q(1)})


def test_the_proof_at_a_point_is_an_exact_certificate_without_slack() -> None:
    one = proof("EF", "μ", Q(3, 5), Q(1, 3), Q(2, 3))
    model = one.model()
    told = {**one.multipliers(model), "metric 0": Q(1)}
    # A full example by hand: 4/9, 3, 5/6, 5/6 at the step size 5/8.
    assert (one.stepsize, sorted(told.values())) == (Q(5, 8), [Q(4, 9), Q(5, 6), Q(5, 6), 1, 3])
    assert upper_certificate(statement(model), Q(4, 9), told).verified().startswith("proved")


def test_the_matrix_of_two_workers_splits_into_means_and_deviations() -> None:
    # A quadratic form with 3 on each square and 1 on the cross term: (4, 2) on mean² and deviations.
    mean, deviation = split([[Q(3), Q(1)], [Q(1), Q(3)]], ["v[0]", "v[1]"], ["v"], 2)
    assert (mean, deviation) == ([[Q(8)]], [[Q(4)]])


@pytest.mark.parametrize(
    "claim",
    [
        rate_proofs.ErrorFeedback(), rate_proofs.OfEF21(), rate_proofs.Order(), several_workers.SharedMinimiser(),
        several_workers.Heterogeneous(), several_workers.MeanOfSquares(),
    ],
    ids=lambda claim: claim.id,
)  # fmt: skip
def test_the_statements_have_the_expected_verdicts(claim: Any) -> None:
    assert verdict_of(claim) == claim.expected


@pytest.mark.parametrize(
    ("kind", "factor", "expected"),
    [
        (rate_proofs.ErrorFeedback, Q(99, 100), "violated"),
        (rate_proofs.ErrorFeedback, Q(101, 100), "holds"),
        (rate_proofs.OfEF21, Q(99, 100), "violated"),
        (several_workers.SharedMinimiser, Q(99, 100), "violated"),
    ],
)
def test_another_rate_is_violated_or_not_attained(kind: Any, factor: Q, expected: str) -> None:
    class Another(kind):  # type: ignore[misc]
        def rate(self, one: Any) -> Any:
            return super().rate(one) * factor

    assert verdict_of(Another()) == expected


def test_the_order_of_a_slower_descent_is_violated() -> None:
    class Standstill(rate_proofs.Order):
        def descent(self, k: Any, s: Any) -> Any:
            return s / s if isinstance(s, Parametric) else 1.0

    assert verdict_of(Standstill()) == "violated"


def test_the_rate_of_many_workers_needs_the_shares_and_the_right_potential() -> None:
    class Uneven(several_workers.SharedMinimiser):
        def multipliers(self, one: Any, model: Any, workers: int) -> Any:
            found = super().multipliers(one, model, workers)
            return {name: value * (2 if name == "message 0" else 1) for name, value in found.items()}

    class Right(several_workers.MeanOfSquares):
        def potential(self, s: Any) -> Any:
            return EF21Potential(s)

    assert verdict_of(Uneven()) == "undecided"
    assert verdict_of(Right()) == "violated"
