"""EF21's longest steps under Polyak–Łojasiewicz: forms and rates against the method itself, and the claims."""

from __future__ import annotations

from fractions import Fraction as Q
from typing import Any

import numpy as np
import pytest

from proofs_check.claims.worst_case import longest_pl_steps as claims
from proofs_check.worst_case import pl_steps
from proofs_check.worst_case.pl_steps import (
    best_weight,
    between,
    form,
    gain,
    longest_on_parabolas,
    of_rate,
    on_parabola,
    recedes,
    refuted,
    shrinking,
    worst_direction,
)
from proofs_check.worst_case.settings import feedback_factor
from proofs_check.worst_case.solving import solve
from proofs_check.worst_case.unbiased_steps import Bowls, Outcome, parabolas
from tests.proofs_check.judging import verdict_of
from toolkit.algorithms import State
from toolkit.algorithms.ef21 import EF21

CLAIMS = [claims.LongestUnderPL, claims.AnyWeight]


@pytest.mark.parametrize("kind", CLAIMS, ids=lambda kind: kind.id)
def test_the_statements_have_the_expected_verdicts(kind: Any) -> None:
    assert verdict_of(kind()) == kind.expected


@pytest.mark.parametrize("kind", CLAIMS, ids=lambda kind: kind.id)
def test_a_faster_rate_and_a_shorter_limit_are_refused(kind: Any) -> None:
    class Faster(kind):  # type: ignore[misc]
        def rate(self, γ: Q, mu: Q) -> Q:
            return 1 - γ * mu * Q(3, 2)

    class Shorter(kind):  # type: ignore[misc]
        def limit(self, s: Q, mu: Q, weight: Q) -> float:
            return super().limit(s, mu, weight) * 0.9

        def refuted(self, s: Q, mu: Q, weight: Q) -> tuple[Q, bool]:
            γ = Q(self.limit(s, mu, weight)).limit_denominator(10**9)
            return γ, refuted(γ, s, mu, weight)

    assert verdict_of(Faster()) == "undecided"
    assert verdict_of(Shorter()) == "violated"


def test_a_weight_far_from_the_best_is_not_proved_so_far() -> None:
    class Published(claims.AnyWeight):
        def weight(self, s: Q, mu: Q) -> Q:
            return 2 / (1 - s)

    assert Published().judged(Q(3, 4), Q(1, 10)).verdict == "undecided"


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("h", [Q(1, 10), Q(1)])
def test_the_form_is_the_change_of_the_potential_in_a_step_of_the_method(h: Q, sign: int) -> None:
    γ, s, mu, ω, g, d = Q(3, 5), Q(1, 2), Q(1, 10), Q(7, 2), Q(2), Q(-3)
    bowl = Bowls(h * parabolas(1).hessians, parabolas(1).linear, parabolas(1).metric)
    before = State(x=np.array([[[g / h]]], dtype=object), estimate=np.array([[[d]]], dtype=object))
    channel = Outcome(np.array([[[1 + sign * s]]], dtype=object))
    after = EF21(stepsize=γ).step(before, bowl, channel, None)

    def potential(state: State) -> Q:
        x, estimate = state.x[0, 0, 0], state.estimate[0, 0, 0]
        return h * x * x / 2 + ω * γ / 2 * (h * x - estimate) ** 2

    change = potential(after) - (1 - γ * mu) * potential(before)
    assert change == γ / 2 * form(on_parabola(γ, s, mu, ω, h), g, d)


def test_the_largest_value_of_a_form_is_its_eigenvalue() -> None:
    for γ, ω in ((0.3, 3.0), (0.9, 5.0)):
        matrices = [np.array(on_parabola(γ, 0.5, 0.1, ω, h)) for h in (0.1, 1.0)]
        largest = [float(np.linalg.eigvalsh(one)[-1]) for one in matrices]
        assert gain(γ, 0.5, 0.1, ω) == pytest.approx(max(largest))
        for one, value in zip(matrices, largest, strict=True):
            v = np.array(worst_direction(((one[0, 0], one[0, 1]), (one[1, 0], one[1, 1]))))
            assert one @ v == pytest.approx(value * v)


@pytest.mark.parametrize("mu", [0.001, 0.1, 0.5])
@pytest.mark.parametrize("s", [0.25, 0.5, 0.9])
def test_the_best_weight_allows_the_step_at_which_the_rate_is_the_methods_own(s: float, mu: float) -> None:
    τ = shrinking(s, mu)
    longest = of_rate(s, τ)
    assert 1 - longest * mu == pytest.approx(τ * τ, rel=1e-12)
    assert feedback_factor(mu, s, longest) == pytest.approx(τ * τ, rel=1e-12)
    assert longest_on_parabolas(s, mu, best_weight(s, τ)) == pytest.approx(longest, rel=1e-7)
    for factor in (0.9, 1.1):
        assert longest_on_parabolas(s, mu, factor * best_weight(s, τ)) < longest * (1 - 1e-4)
    assert longest > claims.published(Q(s), Q(mu))


def test_no_other_parabola_of_the_class_is_worse() -> None:
    for s, mu in ((0.25, 0.01), (0.5, 0.1), (0.9, 0.5)):
        weight = 2 / (1 - s)
        γ = longest_on_parabolas(s, mu, weight) * (1 - 1e-9)
        matrices = (on_parabola(γ, s, mu, weight, h) for h in np.geomspace(mu, 1, 100))
        assert all(np.linalg.eigvalsh(np.array(one))[-1] <= 1e-9 for one in matrices)


def test_a_state_recedes_by_its_rate_only_at_the_step_that_has_it() -> None:
    assert recedes(Q(1, 2), Q(19, 20))
    right = pl_steps.of_rate
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pl_steps, "of_rate", lambda s, r: right(s, r) * Q(11, 10))
        assert not recedes(Q(1, 2), Q(19, 20))


def test_points_between_prove_longer_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    γ, s, mu, weight = Q(11, 10), Q(1, 4), Q(1, 10), Q(8, 3)
    assert solve(between(γ, s, mu, weight)).value < 1 - γ * mu
    monkeypatch.setattr(pl_steps, "BETWEEN", ())
    assert solve(between(γ, s, mu, weight)).value > 1 - γ * mu
