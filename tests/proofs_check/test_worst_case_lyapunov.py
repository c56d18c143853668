"""Lyapunov functions: rates against closed forms, exact proofs, and simulated runs under them."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction as Q
from typing import Any

import numpy as np
import pytest

from problems import Quadratic
from proofs_check.worst_case import (
    AbsoluteError,
    Contractive,
    Potential,
    Projection,
    Search,
    Smooth,
    Unbiased,
    certify_every_step,
    distance,
    gap,
    gradient,
    trace,
)
from proofs_check.worst_case.certificate import Certificate
from proofs_check.worst_case.certifying import Uncertified
from proofs_check.worst_case.settings import best_stepsize, cgd_best_stepsize, cgd_factor, feedback_factor
from proofs_check.worst_case.solving import Unsolved
from toolkit import simulate
from toolkit.algorithms import EF21, SGD, CompressedSGD, ErrorFeedback
from toolkit.compressors import TopK
from toolkit.errors import WrongUse
from toolkit.parameters import Schedule

MU, S = Q(1, 10), Q(1, 2)
CLASS, KIND = Smooth(mu=MU, L=1), Contractive(delta=1 - S * S)
BEST = best_stepsize(MU, S)
# In the squared distance the factor of the unbiased method is max over h of (1 − γh)² + γ²ωh² (sheet 4.7, derived).
UNBIASED = 2 / ((1 + 4) * (1 + MU))


def run_of(algorithm: Any, kind: Any = KIND, **known: Any) -> Any:
    return lambda steps: trace(algorithm, CLASS, kind, steps=steps, start="any", **known)


@pytest.mark.parametrize(
    ("run", "target", "rate"),
    [
        (run_of(CompressedSGD(stepsize=cgd_best_stepsize(MU, S))), gap, cgd_factor(MU, S, cgd_best_stepsize(MU, S))),
        (run_of(ErrorFeedback(stepsize=BEST)), distance, feedback_factor(MU, S, BEST)),
        (run_of(ErrorFeedback(stepsize=BEST / 2)), distance, feedback_factor(MU, S, BEST / 2)),
        (run_of(EF21(stepsize=BEST), minimiser=None), gradient, feedback_factor(MU, S, BEST)),
        (run_of(CompressedSGD(stepsize=UNBIASED), Unbiased(4)), distance, float((1 - UNBIASED) ** 2 + 4 * UNBIASED**2)),
    ],
)
def test_no_potential_of_this_form_beats_the_known_rates_and_one_proves_them(
    run: Any, target: Any, rate: float
) -> None:
    assert Search(run, target).best_rate() == pytest.approx(rate, rel=2e-6)
    proof = certify_every_step(run, target, slack=1e-5)
    assert rate <= float(proof.rate) <= rate * (1 + 3e-5)
    assert proof.verified().startswith("proved for every N")


def test_error_feedback_on_projections_falls_faster_than_plain_compressed_descent() -> None:
    # An exact certificate found before: 8677/10000, below the 0.875130 of plain compressed descent.
    run = run_of(ErrorFeedback(stepsize=BEST * Q(118, 100)), Projection(delta=1 - S * S))
    proof = certify_every_step(run, distance, rate=Q(8677, 10000))
    assert proof.rate < cgd_factor(MU, S, cgd_best_stepsize(MU, S))
    assert "(8677/10000)^N" in proof.verified()
    with pytest.raises(Uncertified, match=r"0\.8676"):
        certify_every_step(run, distance, rate=Q(8676, 10000))


def test_simulated_runs_stay_below_the_proof() -> None:
    stepsize = BEST * Q(118, 100)
    proof = certify_every_step(run_of(ErrorFeedback(stepsize=stepsize), Projection(delta=1 - S * S)), distance)
    problem = Quadratic(hessians=[[0.1, 0.3, 0.5, 1.0]])  # Top-3 of 4 leaves at most a quarter of the square
    found = simulate(
        problem, ErrorFeedback(), TopK(k=3), stepsize=float(stepsize), steps=30, x0=[4.0, -2.0, 1.0, 1.0],
        keep=("x", "memory"), record="all",
    )  # fmt: skip
    x, e = found["x"].values[0, :, 0], found["memory"].values[0, :, 0]
    v = np.stack([x, e, problem.gradient(x[:, None, None])[:, 0, 0]], axis=1)
    weights = np.array([float(one) for one in proof.potential.weights])
    j, k = [0, 0, 1, 0, 1, 2], [0, 1, 1, 2, 2, 2]
    V = (weights[:-1] * (v[:, j] * v[:, k]).sum(axis=-1)).sum(axis=1) + weights[-1] * found["f_gap"].values[0]
    assert (V[1:] <= float(proof.rate) * V[:-1] * (1 + 1e-12)).all()
    assert (np.sum(x * x, axis=1) <= float(proof.factor) * V * (1 + 1e-12)).all()
    assert V[-1] < V[0] / 50


def test_a_proof_with_another_bound_potential_or_certificate_is_refused() -> None:
    proof = certify_every_step(run_of(CompressedSGD(stepsize=1)), gap)
    lower = replace(proof, step=Certificate({**proof.step.document, "bound": "9/10"}))  # the exact factor is 0.9025
    with pytest.raises(WrongUse, match="no bound as low"):
        lower.verified()
    other = replace(proof, potential=Potential((*proof.potential.weights[:-1], Q(1, 3))))
    with pytest.raises(WrongUse, match="something else"):
        other.verified()
    with pytest.raises(WrongUse, match="something else"):
        replace(proof, step=proof.bound).verified()


def test_what_does_not_contract_has_no_potential() -> None:
    with pytest.raises(Unsolved, match="none was found"):
        Search(run_of(SGD(stepsize=Q(21, 10)), None), distance).best_rate()
    with pytest.raises(WrongUse, match="a constant bounds"):
        Search(run_of(CompressedSGD(stepsize=1), AbsoluteError(kappa_sq=1)), distance)


def test_steps_that_say_nothing_of_later_ones_prove_nothing_for_every_step() -> None:
    method = ErrorFeedback(stepsize=Q(3, 4))  # with which some run grows, though its first steps do not

    def from_no_memory(steps: int) -> Any:
        return trace(method, CLASS, KIND, steps=steps)

    with pytest.raises(WrongUse, match=r"begin as the method does.*start='any'"):
        certify_every_step(from_no_memory, gap)
    with pytest.raises(Unsolved):
        certify_every_step(lambda steps: trace(method, CLASS, KIND, steps=steps, start="any"), gap)

    class Longer(Schedule):
        def __call__(self, step: int) -> Any:
            return 1 if step <= 1 else 10

    with pytest.raises(WrongUse, match="change from step to step"):
        Search(lambda steps: trace(SGD(stepsize=Longer()), Smooth(mu=Q(1, 2)), steps=steps, start="any"), distance)
    proof = certify_every_step(lambda steps: trace(SGD(stepsize=1), CLASS, steps=steps, start="any"), distance)
    with pytest.raises(WrongUse, match="begin as the method does"):
        replace(proof, run=lambda steps: trace(SGD(stepsize=1), CLASS, steps=steps)).verified()
