"""The longest steps with unbiased compressors: formulas, instances, proofs, claims, and what breaks them."""

from __future__ import annotations

from fractions import Fraction as Q
from itertools import product
from typing import Any

import numpy as np
import pytest

from problems import Quadratic
from proofs_check.claims.worst_case import longest_unbiased_steps as claims
from proofs_check.worst_case import unbiased_steps
from proofs_check.worst_case.solving import solve
from proofs_check.worst_case.unbiased_steps import (
    apart,
    best_shift_weight,
    diana,
    diana_growth,
    diana_longest,
    diana_longest_of_weights,
    diana_rate,
    expected,
    farthest,
    floor_longest,
    reflections,
    with_floor,
)
from tests.proofs_check.judging import verdict_of
from toolkit.algorithms import State
from toolkit.algorithms.compressed_sgd import CompressedSGD

LONGEST = [claims.SharedMinimiser, claims.UnlikeWorkers, claims.OfDiana, claims.OfDianaAnyWeight]
SLACK = [claims.SlackShared, claims.SlackUnlike, claims.SlackOfDiana, claims.SlackOfWeights]


@pytest.mark.parametrize("kind", [*LONGEST, *SLACK], ids=lambda kind: kind.id)
def test_the_statements_have_the_expected_verdicts(kind: Any) -> None:
    assert verdict_of(kind()) == kind.expected


@pytest.mark.parametrize("kind", LONGEST, ids=lambda kind: kind.id)
@pytest.mark.parametrize(("factor", "expected"), [(Q(1001, 1000), "violated"), (Q(999, 1000), "holds")])
def test_another_step_is_exceeded_or_not_the_longest(kind: Any, factor: Q, expected: str) -> None:
    class Another(kind):  # type: ignore[misc]
        proved = True

        def stated(self, one: Any) -> Any:
            found = super().stated(one)
            return found * (factor if isinstance(found, Q) else float(factor))

    assert verdict_of(Another()) == expected


@pytest.mark.parametrize("kind", SLACK, ids=lambda kind: kind.id)
def test_a_smaller_slack_is_violated_and_not_proved(kind: Any) -> None:
    class Less(kind):  # type: ignore[misc]
        limit = kind.limit * Q(99, 100)

    assert not Less().proved
    assert verdict_of(Less()) == "violated"


@pytest.mark.parametrize("kind", LONGEST, ids=lambda kind: kind.id)
def test_no_multiplier_but_these_proves_it_for_all_parameters(kind: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    right = unbiased_steps.at_parabolas
    monkeypatch.setattr(claims, "at_parabolas", lambda A, mu, γ: right(A, mu, γ) * Q(101, 100))
    kept = (claims.cases, claims.diana_proved)
    for one in kept:
        one.cache_clear()
    try:
        assert not kind().proved
    finally:
        for one in kept:
            one.cache_clear()


def test_more_noise_than_the_theorem_allows_is_not_proved(monkeypatch: pytest.MonkeyPatch) -> None:
    right = unbiased_steps.Unbiased
    monkeypatch.setattr(unbiased_steps, "Unbiased", lambda omega: right(omega=omega * Q(101, 100)))
    for kind in LONGEST:
        assert verdict_of(kind()) == "violated"


@pytest.mark.parametrize(("n", "omega", "mu"), [(1, Q(4), Q(1, 10)), (2, Q(8), Q(1, 10)), (3, Q(2), Q(1, 2))])
def test_the_steps_agree_with_the_semidefinite_programs(n: int, omega: Q, mu: Q) -> None:
    v, a = omega / n, 1 / (1 + omega)
    h = farthest(float(v), float(mu)) if n > 1 else 1.0
    without = Q(floor_longest(float(v), float(mu), h)).limit_denominator(10**6)
    with_shifts = Q(diana_longest(n, float(omega), float(mu), float(a))).limit_denominator(10**6)
    for factor, fits in ((Q(999, 1000), True), (Q(1001, 1000), False)):
        γ = factor * without
        assert (solve(with_floor(n, omega, mu, γ)).value < 1) is fits
        γ = factor * with_shifts
        assert (solve(diana(n, omega, mu, γ, a)).value < diana_rate(γ, mu, a)) is fits


def test_shorter_steps_and_other_rates_of_the_shifts_fit_too() -> None:
    for n, omega, mu, share in product((1, 3), (Q(1, 5), Q(30)), (Q(1, 100), Q(9, 10)), (Q(1), Q(1, 3))):
        a = share / (1 + omega)
        longest = Q(diana_longest(n, float(omega), float(mu), float(a))).limit_denominator(10**6)
        for factor, fits in ((Q(1, 100), True), (Q(1, 2), True), (Q(99, 100), True), (Q(101, 100), False)):
            γ = factor * longest
            value = solve(diana(n, omega, mu, γ, a)).value
            assert (value <= float(diana_rate(γ, mu, a)) * (1 + 1e-9)) is fits


@pytest.mark.parametrize(("n", "omega", "mu"), [(1, Q(4), Q(1, 10)), (3, Q(30), Q(1, 100))])
def test_no_other_weight_of_the_shifts_allows_the_longest_step(n: int, omega: Q, mu: Q) -> None:
    longest = Q(diana_longest_of_weights(n, float(omega), float(mu))).limit_denominator(10**8)
    a = 1 / (1 + omega)
    best = Q(best_shift_weight(float(longest * mu / a))).limit_denominator(1000)
    for scale, factor, fits in ((1, Q(999, 1000), True), (1, Q(1001, 1000), False), (Q(4, 5), 1, False), (2, 1, False)):
        γ = factor * longest
        assert (solve(diana(n, omega, mu, γ, a, scale * best)).value < 1 - γ * mu) is fits
    assert claims.least_growth()


def test_the_farthest_functions_are_the_worst() -> None:
    for v, mu in product((0.5, 1.2, 2.0, 50.0), (0.01, 0.3, 0.9)):
        all_of = min(floor_longest(v, mu, h) for h in np.linspace(mu, 1, 2000))
        assert floor_longest(v, mu, farthest(v, mu)) <= all_of * (1 + 1e-12)
        assert floor_longest(v, mu, farthest(v, mu)) >= all_of * (1 - 1e-4)


def test_the_growth_has_its_limits() -> None:
    assert diana_growth(Q(9, 10), Q(1, 5), Q(4)) == 6
    assert diana_growth(Q(1), Q(1, 5), Q(4)) == Q(16, 3)


@pytest.mark.parametrize("n", [2, 3])
def test_reflections_are_in_the_class_and_minimised_at_the_origin(n: int) -> None:
    mu, h = Q(1, 10), Q(2, 5)
    bowls = reflections(n, mu, h)
    assert not bowls.linear.sum(axis=0).any()
    identity = np.array([[Q(int(i == j)) for j in range(n + 1)] for i in range(n + 1)], dtype=object)
    for H in bowls.hessians:
        assert not ((H - mu * identity) @ (H - identity)).any()  # curvatures μ and 1 only
        assert not (bowls.metric[:, None] * H - (bowls.metric[:, None] * H).T).any()
    assert (bowls.hessians.mean(axis=0)[:, 0] == h * identity[0]).all()


def test_an_expectation_is_that_over_the_outcomes_on_the_same_quadratics() -> None:
    n, omega, γ = 2, Q(3), Q(1, 5)
    bowls = reflections(n, Q(1, 10), Q(2, 5))
    scale = np.sqrt(bowls.metric.astype(float))  # in coordinates in which the metric is 1
    hessians = scale[:, None] * bowls.hessians.astype(float) / scale
    problem = Quadratic(hessians=hessians, linear=-bowls.linear.astype(float) * scale)
    x = np.array([1.0] + [0.0] * n)
    gradients = problem.gradient(np.broadcast_to(x, (1, n, n + 1)))[0]
    total = 0.0
    for sent in product((0, 4), repeat=n):
        after = x - float(γ) * np.mean(np.array(sent)[:, None] * gradients, axis=0)
        total += float(np.sum(after**2)) * float(np.prod([0.25 if one else 0.75 for one in sent]))
    state = State(x=np.array([[[Q(int(not j)) for j in range(n + 1)]]], dtype=object))
    exact = expected(CompressedSGD(stepsize=γ), state, bowls, omega, lambda s: bowls.norm_sq(s.x[0]))
    assert float(exact) == pytest.approx(total, rel=1e-12)
    assert problem.constants.L.value == pytest.approx(float(np.linalg.eigvalsh(hessians.mean(axis=0))[-1]))


def test_the_parts_of_a_matrix_that_is_the_same_for_every_order() -> None:
    # 3 on squares, 1 on the cross term, of two and of three workers' vectors and a common one.
    for n, mean in ((2, Q(8)), (3, Q(15))):
        S = [[Q(3) if i == j else Q(1) for j in range(n)] for i in range(n)]
        equal, opposite = apart(S, [f"g_0[{i}]" for i in range(n)], n)
        assert (equal, opposite) == ([[mean]], [[Q(2 * n)]])
