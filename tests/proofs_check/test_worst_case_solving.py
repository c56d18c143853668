"""Worst cases as semidefinite programs: the model, its constraints, and values against closed forms."""

from __future__ import annotations

import pickle
from fractions import Fraction as Q
from typing import Any

import numpy as np
import pytest

from problems import LogisticRegression, Quadratic
from proofs_check.worst_case import (
    AbsoluteError,
    Contractive,
    Convex,
    EF21Potential,
    ErrorFeedbackPotential,
    Lipschitz,
    Model,
    Noise,
    Projection,
    Smooth,
    Swept,
    Unbiased,
    assemble,
    distance,
    gap,
    gradient,
    norm_sq,
    quadratics,
    solve,
    solve_all,
    statement,
    sweep,
    trace,
    verify,
)
from proofs_check.worst_case.program import rows
from proofs_check.worst_case.replaying import replay
from proofs_check.worst_case.settings import (
    best_stepsize,
    cgd,
    cgd_best_stepsize,
    cgd_factor,
    ef21,
    error_feedback,
    feedback_factor,
)
from proofs_check.worst_case.solving import Unsolved
from proofs_check.worst_case.tracing import SymbolicChannel
from toolkit import simulate
from toolkit.algorithms import EF21, SGD, Algorithm, CompressedSGD, ErrorFeedback, State, mean
from toolkit.algorithms.choco import CHOCO
from toolkit.algorithms.ef21_momentum import EF21Momentum
from toolkit.algorithms.perturbed_sgd import PerturbedSGD
from toolkit.compressors import TopK
from toolkit.errors import WrongUse

SAME = 1e-6  # relative: what an interior-point method in double precision is trusted with
MU, S = Q(1, 10), Q(1, 2)


class HeavyBall(Algorithm):
    """A user's own method: x + momentum."""

    momentum: Any

    def init(self, x, oracle, channel, draw):
        return State(x=x, before=x)

    def step(self, state, oracle, channel, draw):
        x = state.x - self.stepsize * mean(oracle.sample(state.x)) + self.momentum * (state.x - state.before)
        return State(x=x, before=state.x)


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_the_rates_of_compressed_descent_and_error_feedback(steps):
    stepsize = cgd_best_stepsize(MU, S)
    assert solve(cgd(MU, S, stepsize, steps)).value == pytest.approx(cgd_factor(MU, S, stepsize) ** steps, rel=SAME)
    stepsize = best_stepsize(MU, S)
    rate = feedback_factor(MU, S, stepsize) ** steps
    assert solve(error_feedback(MU, S, stepsize, steps)).value == pytest.approx(rate, rel=SAME)
    assert solve(ef21(MU, S, stepsize, steps)).value == pytest.approx(rate, rel=SAME)


def test_several_workers_have_the_rate_of_one():
    stepsize = best_stepsize(MU, S)
    rate = feedback_factor(MU, S, stepsize)
    for workers in (2, 3):
        assert solve(ef21(MU, S, stepsize, workers=workers)).value == pytest.approx(rate, rel=SAME)
    assert solve(error_feedback(MU, S, stepsize, workers=2)).value == pytest.approx(rate, rel=SAME)


def test_error_feedback_with_unlike_gradients_at_the_minimiser_has_no_rate():
    run = trace(
        ErrorFeedback(stepsize=best_stepsize(MU, S)), Smooth(mu=MU), Contractive(delta=1 - S * S), steps=1, workers=2,
        start="any",
    )  # fmt: skip
    with pytest.raises(Unsolved):
        solve(run.worst(ErrorFeedbackPotential(S), ErrorFeedbackPotential(S)))


@pytest.mark.parametrize("solver", ["clarabel", "cvxpy-clarabel", "cvxpy-scs"])
def test_every_solver_finds_the_value_and_an_instance_that_attains_it(solver):
    model = cgd(MU, S, cgd_best_stepsize(MU, S), 2)
    found, program = solve(model, solver=solver), assemble(model)
    assert found.value == pytest.approx(cgd_factor(MU, S, cgd_best_stepsize(MU, S)) ** 2, rel=SAME)
    i, j = np.tril_indices(program.order)[::-1]
    values = program.A @ found.gram[i, j] + program.b @ np.append(found.scalars, found.value) + program.c
    assert values.max() < 1e-5  # SCS is the least exact
    assert np.linalg.eigvalsh(found.gram)[0] > -1e-5


def test_multipliers_by_name_are_those_of_the_published_proof():
    found = solve(error_feedback(Q(3, 5), Q(1, 3), Q(5, 8)))
    wanted = {"initial": 4 / 9, "message 0": 3.0, "f(*,0)": 5 / 6, "f(0,*)": 5 / 6, "metric 0": 1.0}
    assert {name: value for name, value in found.multipliers.items() if value > 1e-4} == pytest.approx(wanted, abs=1e-4)


def test_a_sweep_is_one_trace_and_equals_its_points():
    points = [(0.1, 0.5, 0.6), (0.3, 0.2, 1.0), (0.5, 0.7, 0.2)]
    mu, s, stepsize = sweep(*np.transpose(points))
    for model, factor in ((cgd, cgd_factor), (error_feedback, feedback_factor), (ef21, feedback_factor)):
        values = solve_all(model(mu, s, stepsize))
        assert values == pytest.approx([factor(*point) for point in points], rel=SAME)
    one = assemble(ef21(*(Q(str(value)) for value in points[1])))
    assert pytest.approx(one.A, rel=1e-14, abs=1e-14) == assemble(ef21(mu, s, stepsize)).at(1).A


def test_unbiased_compressors_have_the_rate_of_the_sheet():
    for omega, factor in ((1, 0.834711), (4, 0.933884)):
        stepsize = 2 / ((1 + Q(omega)) * (1 + MU))
        for steps in (1, 2):
            run = trace(CompressedSGD(stepsize=stepsize), Smooth(mu=MU), Unbiased(omega=omega), steps=steps)
            exact = max((1 - stepsize * h) ** 2 + stepsize**2 * omega * h**2 for h in (MU, 1))
            assert solve(run.worst(distance, distance)).value == pytest.approx(float(exact) ** steps, rel=SAME)
        assert float(exact) == pytest.approx(factor, abs=1e-6)


def test_independent_workers_average_their_noise_and_shared_ones_do_not():
    for shared, factor in ((False, (1 - 0.05) ** 2 + 0.005), (True, 0.25 + 1.0)):  # at h = μ and at h = 1
        kind = Unbiased(omega=4, shared=shared)
        run = trace(CompressedSGD(stepsize=Q(1, 2)), Smooth(mu=MU), kind, steps=1, workers=2, minimiser="shared")
        assert solve(run.worst(distance, distance)).value == pytest.approx(factor, rel=SAME)


def test_the_projection_class_is_smaller():
    stepsize = cgd_best_stepsize(MU, S) * Q(11, 10)
    inside = solve(cgd(MU, S, stepsize, kind=Projection)).value
    assert inside == pytest.approx(0.8777, abs=1e-4)  # sheet 4.6
    assert cgd_factor(MU, S, stepsize) == pytest.approx(1.27, abs=0.01)


def test_an_absolute_error_leaves_a_floor():
    run = trace(CompressedSGD(stepsize=Q(1)), Smooth(mu=MU), AbsoluteError(kappa_sq=Q(1, 4)), steps=1)
    # ‖x₁‖ ≤ (1 − μ)‖x₀‖ + γκ, attained on the line.
    assert solve(run.worst(distance, distance)).value == pytest.approx((0.9 + 0.5) ** 2, rel=SAME)


def test_inexact_gradients_are_compressed_gradients():
    run = trace(SGD(stepsize=cgd_best_stepsize(MU, S)), Smooth(mu=MU), steps=1, inexact=Contractive(delta=1 - S * S))
    assert solve(run.worst(gap, gap)).value == pytest.approx(cgd_factor(MU, S, cgd_best_stepsize(MU, S)), rel=SAME)


def test_samples_of_bounded_variance_leave_a_floor():
    for workers in (1, 2):
        run = trace(SGD(stepsize=Q(1, 2)), Smooth(mu=MU), steps=2, workers=workers, inexact=Noise(sigma_sq=3),
                    minimiser="shared")  # fmt: skip
        once, noise = 0.95**2, 0.25 * 3 / workers
        assert solve(run.worst(distance, distance)).value == pytest.approx(once**2 + (1 + once) * noise, rel=SAME)


def test_nonconvex_descent():
    run = trace(SGD(stepsize=Q(1)), Smooth(mu=-1), steps=5, minimiser="infimum")
    # 4L/(3N) from f(x_0) − f(x_N) (row 4 of the oracle table), and f(x_N) − f* is at least ‖∇f(x_N)‖²/(2L).
    assert solve(run.worst(gradient, gap, smallest=True)).value == pytest.approx(4 / 17, rel=SAME)


def test_a_step_size_out_of_range_has_no_finite_worst_case_to_hide():
    assert solve(error_feedback(MU, S, best_stepsize(MU, S) * Q(6, 5))).value > 1


def test_proximal_and_subgradient_steps():
    class Proximal(Algorithm):
        def step(self, state, oracle, channel, draw):
            return State(x=oracle.prox(state.x, self.stepsize))

    run = trace(Proximal(stepsize=Q(1, 10)), Convex(), steps=3, prox=Convex())
    run.model.assume("initial", run.measure(distance, 0) <= 1)
    phi = run.model.functions[-1]
    run.model.maximise(phi.points[-1].f)
    # The smooth part is never evaluated: row 28 of the oracle table, 1/(4γN).
    assert solve(run.model).value == pytest.approx(10 / 12, rel=SAME)
    run = trace(SGD(stepsize=Q(1, 6)), Lipschitz(M=2), steps=8)
    assert solve(run.worst(gap, distance, smallest=True)).value == pytest.approx(2 / 3, rel=SAME)


def test_what_is_not_exact_or_not_symbolic_is_refused():
    with pytest.raises(WrongUse, match=r"not an exact number.*Fraction"):
        trace(SGD(stepsize=0.1), Smooth(), steps=1)
    with pytest.raises(WrongUse, match="has no step size"):
        trace(SGD(), Smooth(), steps=1)
    with pytest.raises(WrongUse, match="there is no graph"):
        trace(CHOCO(stepsize=Q(1), consensus=Q(1, 2)), Smooth(), steps=1)
    with pytest.raises(WrongUse, match="has no conditions of its own"):
        SymbolicChannel(Model()).preview(np.zeros((1, 1, 1)))
    with pytest.raises(WrongUse, match="no such start"):
        trace(SGD(stepsize=Q(1)), Smooth(), steps=1, start="zero")
    with pytest.raises(WrongUse, match="not that of its parts"):
        trace(SGD(stepsize=Q(1)), Smooth(), steps=1, workers=2, minimiser="infimum")
    with pytest.raises(WrongUse, match="mu < L"):
        Smooth(mu=2, L=1)
    with pytest.raises(WrongUse, match=r"in \[0, 1\]"):
        Contractive(delta=2)
    x, y = Model().vector("x"), Model().vector("y")
    with pytest.raises(WrongUse, match="two models"):
        x + y
    model = Model()
    model.vector("x")
    with pytest.raises(WrongUse, match="one of this name"):
        model.scalar("x")
    with pytest.raises(WrongUse, match="nothing to maximise"):
        solve(model)
    with pytest.raises(WrongUse, match="no such solver"):
        solve(cgd(MU, S, Q(1)), solver="sdpa")
    with pytest.raises(WrongUse, match="solve_all"):
        solve(cgd(Swept([0.1]), S, Q(1)))
    with pytest.raises(WrongUse, match="swept numbers are floats"):
        statement(cgd(Swept([0.1]), S, Q(1)))


def test_a_model_is_pickled_whole_and_two_live_side_by_side():
    first, second = ef21(MU, S, best_stepsize(MU, S)), cgd(MU, S, cgd_best_stepsize(MU, S))
    copy = pickle.loads(pickle.dumps(first))
    assert solve(copy).value == solve(first).value
    assert len(second.vectors) == 4
    copy.vector("more")
    assert "more" not in first.vectors


MODELS = {
    "CGD": lambda: cgd(MU, S, Q(1), 2),
    "CGD, projection": lambda: cgd(MU, S, Q(1), 1, Projection),
    "EF, three workers": lambda: error_feedback(MU, S, Q(1, 2), workers=3),
    "EF21, two workers": lambda: ef21(MU, S, Q(1, 2), workers=2, steps=2),
    "unlike workers": lambda: trace(
        ErrorFeedback(stepsize=Q(1, 3)), [Smooth(mu=MU, L=2), Smooth(L=3)], Contractive(delta=Q(1, 3)), steps=2,
        workers=2,
    ).worst(gap, distance),
    "unbiased": lambda: trace(
        CompressedSGD(stepsize=Q(1, 3)), Smooth(mu=MU), Unbiased(omega=2), steps=2, workers=2, minimiser="shared"
    ).worst(distance, distance),
    "shared noise": lambda: trace(
        CompressedSGD(stepsize=Q(1, 3)), Smooth(mu=MU), Unbiased(omega=2, shared=True), steps=1, workers=2
    ).worst(distance, distance),
    "absolute": lambda: trace(
        EF21Momentum(stepsize=Q(1, 3), momentum=1), Smooth(mu=-1), AbsoluteError(kappa_sq=Q(2, 7)), steps=2,
        minimiser="infimum",
    ).worst(gradient, gap, smallest=True),
    "noisy gradients": lambda: trace(
        SGD(stepsize=Q(1, 3)), Smooth(mu=MU), steps=2, workers=2, inexact=Noise(sigma_sq=Q(1, 3))
    ).worst(distance, distance),
    "not convex": lambda: trace(
        CompressedSGD(stepsize=Q(1, 3)), Smooth(mu=Q(-1, 2)), Contractive(delta=Q(1, 3)), steps=2
    ).worst(gradient, gap),
    "quadratic": lambda: trace(
        ErrorFeedback(stepsize=Q(1, 3)), quadratics.Quadratic(mu=MU, L=2), Contractive(delta=Q(1, 3)), steps=2
    ).worst(gap, distance),
    "quadratics of their own": lambda: trace(
        EF21(stepsize=Q(1, 3)), [quadratics.Quadratic(mu=-1), quadratics.Quadratic(mu=MU, L=3)],
        Contractive(delta=Q(1, 3)), steps=1, workers=2,
    ).worst(gap, distance),
    "subgradient": lambda: trace(SGD(stepsize=Q(1, 6)), Lipschitz(M=2), steps=2).worst(gap, distance, smallest=True),
}  # fmt: skip


@pytest.mark.parametrize("name", MODELS)
def test_the_verifier_derives_the_same_constraints_from_the_statement(name):
    """Two derivations, written apart: vectors with operators here, dictionaries of fractions there."""
    model = MODELS[name]()
    told = verify.Statement(statement(model)).forms
    made = {one.name: one for one in rows(model)}
    assert set(told) == set(made)
    for one, (form, equality) in told.items():
        expression = made[one].expression
        wanted: dict[Any, Q] = dict(expression.gram())
        names = [*(("F", scalar) for scalar in model.scalars), "t"]
        wanted |= {names[j]: value for j, value in (expression.scalars or {}).items()}
        if expression.constant:
            wanted["1"] = expression.constant
        assert {key: value for key, value in form.items() if value} == wanted, one
        assert equality == made[one].equality


PROBLEM = Quadratic.generate(2, 5, spectrum=np.linspace(0.1, 1.0, 5), spread=0.3, heterogeneity=1.0, seed=3)


@pytest.mark.parametrize("method", [ErrorFeedback, EF21])
def test_trajectories_on_losses_that_are_no_quadratics_satisfy_them_too(method):
    problem = LogisticRegression.on("breast-cancer", 3)
    L = Q(float(np.max(problem.constants.L_i.value))) * Q(1000001, 1000000)
    run = trace(method(stepsize=Q(8)), Smooth(L=L), Contractive(delta=Q(1, 10)), steps=6, workers=3, minimiser=None)
    d = problem.dimension
    compressor = TopK(k=d // 10 + 1)
    found = replay(run.model, problem, compressor.compress, {}, np.linspace(-1.0, 1.0, d))
    values = {one.name: found.number(one.expression) for one in run.model.constraints()}
    assert len(values) >= 3 * 6 * 5
    assert max(values.values()) <= 1e-9
    result = simulate(problem, method(stepsize=8.0), compressor, steps=6, x0=np.linspace(-1.0, 1.0, d), keep=("x",),
                      record="all", batch="full", progress=False)  # fmt: skip
    last = found.vector(run.states[-1].x[0, 0, 0]) + np.linspace(-1.0, 1.0, d)
    assert last == pytest.approx(np.ravel(result.x.isel(run=0, step=-1).values), rel=1e-9)


def test_a_compressor_outside_the_class_breaks_an_inequality():
    run = trace(CompressedSGD(stepsize=Q(1, 4)), Smooth(mu=Q(1, 100), L=10), Contractive(delta=Q(3, 5)), steps=1)
    problem = Quadratic(hessians=np.ones((1, 5)))
    found = replay(run.model, problem, TopK(k=2).compress, {"x_0": np.ones(5)}, np.zeros(5))
    values = {one.name: found.number(one.expression) for one in run.model.constraints()}
    assert values.pop("message 0") == pytest.approx(3 - 2)
    assert max(values.values()) <= 1e-12


def test_a_users_own_method_in_ten_lines():
    run = trace(HeavyBall(stepsize=Q(1, 2), momentum=Q(1, 2)), Smooth(mu=MU), steps=2)
    model = run.worst(gap, gap)
    assert 0 < solve(model).value < (1 - 0.05) ** 2
    assert norm_sq(run.states[1].x).gram() == run.measure(distance, 1).gram()


def test_measures_are_callable_on_every_state():
    run = trace(EF21(stepsize=Q(1, 2)), Smooth(mu=MU), Contractive(delta=Q(3, 4)), steps=1)
    assert run.measure(EF21Potential(S), 0).gram() != run.measure(EF21Potential(S), 1).gram()
    with pytest.raises(WrongUse, match="draws its own numbers"):
        trace(PerturbedSGD(stepsize=Q(1), radius=1), Smooth(), steps=1)
