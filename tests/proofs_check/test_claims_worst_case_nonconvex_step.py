"""How long EF21's steps may be: the derived condition, its instances in the plane, and the claims about it."""

from __future__ import annotations

from fractions import Fraction as Q
from typing import Any

import numpy as np
import pytest

from problems import Quadratic
from proofs_check.claims.worst_case import gain_of_ef21, nonconvex_step
from proofs_check.extremal import Shrink
from proofs_check.worst_case.ef21_steps import (
    best_weight,
    curvature,
    descent,
    in_the_plane,
    longest,
    mean_square,
    proof_of_descent,
    published_weight,
)
from proofs_check.worst_case.solving import solve
from tests.proofs_check.judging import verdict_of
from toolkit import simulate
from toolkit.algorithms import EF21
from toolkit.errors import WrongUse

CLAIMS = [
    nonconvex_step.OneWorker, nonconvex_step.Simplified, nonconvex_step.ManyWorkers, nonconvex_step.BestWeight,
    nonconvex_step.PolyakLojasiewicz, gain_of_ef21.ExactFall,
]  # fmt: skip


@pytest.mark.parametrize("kind", CLAIMS, ids=lambda kind: kind.id)
def test_the_statements_have_the_expected_verdicts(kind: Any) -> None:
    assert verdict_of(kind()) == kind.expected


@pytest.mark.parametrize("kind", [CLAIMS[0], CLAIMS[2], CLAIMS[3]], ids=lambda kind: kind.id)
@pytest.mark.parametrize(("factor", "expected"), [(1.001, "violated"), (0.999, "holds")])
def test_another_step_size_is_refuted_or_not_the_largest(kind: Any, factor: float, expected: str) -> None:
    class Another(kind):  # type: ignore[misc]
        def stated(self, one: Any) -> float:
            return super().stated(one) * factor

    assert verdict_of(Another()) == expected


def test_a_smaller_gain_is_exceeded_and_another_is_not_that_of_the_proof() -> None:
    class Another(gain_of_ef21.ExactFall):
        def law(self, γ: Any, s: Any, L: Any, L_tilde_sq: Any, weight: Any) -> Any:
            found = super().law(γ, s, L, L_tilde_sq, weight)
            return found * (0.999 if isinstance(found, float) else Q(999, 1000))

    claim = Another()
    assert not claim.proved()
    assert claim.judged(nonconvex_step.TOGETHER["quick"][0], proved=True).verdict == "violated"


def test_a_smaller_slack_and_longer_published_steps_are_violated() -> None:
    class Less(nonconvex_step.Simplified):
        bound = Q(6, 5)

    class Longer(nonconvex_step.PolyakLojasiewicz):
        def published(self, one: Any, mu: Any) -> float:
            return 2 * super().published(one, mu)

    assert verdict_of(Less()) == "violated"
    assert verdict_of(Longer()) == "violated"


@pytest.mark.parametrize("t", [Q(1, 2), Q(1, 3), Q(3, 4)])
def test_the_condition_agrees_with_the_semidefinite_program(t: Q) -> None:
    s, γ = t / (1 - t * t + t), 1 - t * t
    ω = published_weight(s)
    assert γ + γ**2 * curvature(s, Q(1), Q(1), ω) == 1
    for factor, gains in ((Q(999, 1000), False), (Q(1001, 1000), True)):
        assert (solve(descent(factor * γ, s, [Q(1)], Q(1), ω, bounded=True)).value > 1e-5) is gains
    assert proof_of_descent(γ, s, [Q(1)], Q(1), ω).verified().startswith("proved")
    with pytest.raises(WrongUse, match="not positive semidefinite"):
        proof_of_descent(γ * (1 + Q(1, 10**9)), s, [Q(1)], Q(1), ω).verified()


@pytest.mark.parametrize("L", [Q(3), Q(7, 2), Q(4)])
def test_unlike_workers_in_the_plane_gain_exactly_above_the_condition(L: Q) -> None:
    s, smoothness = 0.5, [1.0, 7.0]
    for ω in (published_weight(s), best_weight(s, float(L), 5.0), 2.5):
        γ = longest(L, curvature(s, float(L), mean_square(smoothness), ω))
        below, at, above = (in_the_plane(factor * γ, s, smoothness, float(L), ω) for factor in (0.999, 1.0, 1.001))
        assert below < -1e-5
        assert abs(at) < 1e-15
        assert above > 1e-5
    best = curvature(s, float(L), 25.0, best_weight(s, float(L), 5.0))
    others = [curvature(s, float(L), 25.0, ω) for ω in np.linspace(1.4, 4, 300)]
    assert best <= min(others) * (1 + 1e-12)


def test_the_potential_falls_in_a_simulated_run_at_the_longer_step() -> None:
    # Two workers, ±reflections of the plane plus a small bowl: L_i = 1, L = 1/10.
    s, L = 0.5, 0.1
    matrices = np.array([[[L, 0.99], [0.99, -L]], [[L, -0.99], [-0.99, -L]]])
    problem = Quadratic(hessians=matrices, linear=[[1.0, 0.5], [-1.0, 0.25]])
    L_tilde = float(np.sqrt(np.mean(np.max(np.abs(np.linalg.eigvalsh(matrices)), axis=1) ** 2)))
    ω = best_weight(s, L, L_tilde)
    γ = longest(L, curvature(s, L, L_tilde**2, ω))
    assert γ > 1.4 / (L + L_tilde * s / (1 - s))  # the published step
    found = simulate(
        problem, EF21(), Shrink(delta=1 - s**2), stepsize=γ, steps=40, x0=[1.0, -1.0], record="all"
    )  # fmt: skip
    Φ = found["f"].values[0] + ω * γ / 2 * found["estimate_error"].values[0]
    falls = γ / 2 * found["grad_norm_sq"].values[0][:-1]
    assert (Φ[1:] - Φ[:-1] + falls <= 1e-12 * np.maximum(abs(Φ[1:]), 1)).all()
