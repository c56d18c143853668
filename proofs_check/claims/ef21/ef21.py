"""Richtárik, Sokolov and Fatkhullin, NeurIPS 2021: EF21 on smooth and on Polyak–Łojasiewicz functions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import log, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from problems.quadratic import Quadratic
from proofs_check.cases import Case, Setting, contractions, crossed, half_square, smooth_settings
from proofs_check.convergence import ConvergenceBound, curve
from proofs_check.extremal import Shrink
from toolkit.algorithms._base import needs
from toolkit.algorithms.ef21 import EF21, contraction_ratio
from toolkit.arrays import Array
from toolkit.averages import uniform
from toolkit.experiment import Experiment

if TYPE_CHECKING:
    import xarray

REFERENCE = "Richtárik, Sokolov and Fatkhullin, NeurIPS 2021"
STEPS = {"quick": 200, "full": 1000}
RUNS = {"quick": 64, "full": 64}
# With 12 runs the upper limit of some Rand-k instances crossed the bound (undecided); 64 were then drawn afresh, on
# seeds on which neither the settings nor this number were chosen.
SEED = 1000
ABOVE_ROUNDING = 1e-15  # where squares have shrunk by more, the rounding of the gradients may show


def settings(level: str) -> tuple[Setting, ...]:
    """Return the smooth settings without noise, and a function that is Polyak–Łojasiewicz but not strongly convex."""
    flat = Quadratic.generate(10, 30, spectrum=np.r_[np.zeros(10), np.linspace(0.1, 1.0, 20)], spread=0.5)
    plain = [one for one in smooth_settings(level) if not one.noisy]
    return (*plain, Setting("quadratic of rank 20, n = 10", flat))


def nearest() -> Case:
    """Return what comes nearest to Theorem 2's rate: at γ = θ/(2μ) all shrinks by q per step, guaranteed (1 + q)/2."""
    q = 15 / 16
    return Case("x²/2, shrink, q = 15/16", half_square(1.0), Shrink(delta=1 - q**2), stepsizes=())


def theta(delta: float) -> float:
    """Return θ = 1 − √(1 − δ)."""
    return 1 - sqrt(1 - delta)


def beta(delta: float) -> float:
    """Return β = (1 − δ)/(1 − √(1 − δ))."""
    return (1 - delta) / theta(delta)


def first_limit(setting: Setting, delta: float) -> float:
    """Return the step size of Theorem 1, 1/(L + L̃√(β/θ))."""
    known = setting.problem.constants
    return 1 / (float(known.L) + float(known.L_tilde) * contraction_ratio(delta))


def second_limit(setting: Setting, delta: float) -> float:
    """Return the step size of Theorem 2, min{1/(L + L̃√(2β/θ)), θ/(2μ)}; without μ the first of these."""
    known = setting.problem.constants
    limit = 1 / (float(known.L) + float(known.L_tilde) * sqrt(2) * contraction_ratio(delta))
    return limit if known.mu_pl is None else min(limit, theta(delta) / (2 * float(known.mu_pl)))


class EF21Bound(ConvergenceBound):
    """A bound on EF21 with exact gradients; all of them look at the same runs."""

    accepts = (needs("delta"),)

    def cases(self, level: str) -> list[Case]:
        cases = [Case(*pair, stepsizes=()) for pair in crossed(settings(level), contractions(), level)]
        cases.append(nearest())
        limits = [(first_limit(case.setting, case.delta), second_limit(case.setting, case.delta)) for case in cases]
        return [
            replace(case, stepsizes=(first, second, second / 4))
            for case, (first, second) in zip(cases, limits, strict=True)
        ]

    def experiment(self, case: Case, level: str) -> Experiment:
        steps = STEPS[level]
        series = {m * 10**e for e in range(4) for m in (1, 2, 5) if m * 10**e < steps}
        return Experiment(
            case.setting.problem,
            EF21(),
            case.compressor,
            stepsize=case.stepsizes,
            batch="full",
            steps=steps,
            runs=RUNS[level] if case.random else 1,
            seed=SEED,
            record=(0, *series, *(step + 1 for step in series), steps),  # in pairs, for the one-step lemma
            average={"grad_norm_sq": uniform},
        )


class Smooth(EF21Bound):
    """Theorem 1: the mean squared gradient norm."""

    id = "EF21-1"
    title = "EF21, smooth f: the mean squared gradient norm"
    statement = (
        r"\gamma\le\Big(L+\tilde L\sqrt{\beta/\theta}\Big)^{-1}\ \Rightarrow\ "
        r"\frac1T\sum_{t<T}E\lVert\nabla f(x^t)\rVert^2\le\frac{2(f(x^0)-f^{\inf})}{\gamma T}+\frac{E\,G^0}{\theta T},"
        r"\quad G^t=\frac1n\sum_i\lVert g_i^t-\nabla f_i(x^t)\rVert^2"
    )
    reference = f"{REFERENCE} (Theorem 1, D1)"

    def limit(self, case: Case) -> float:
        return first_limit(case.setting, case.delta)

    def sides(self, case: Case, cell: Mapping[str, float], runs: xarray.Dataset) -> tuple[Array, Array]:
        start = 2 * case.setting.F_0 / cell["stepsize"] + curve(runs, "estimate_error")[:, :1] / theta(case.delta)
        runs = runs.sel(step=slice(1, None))
        return curve(runs, "grad_norm_sq_average"), start / runs.step.values


class PolyakLojasiewicz(EF21Bound):
    """Theorem 2: linear convergence.

    It is decided at every step. What is reported is the rate, the number of steps that divide Ψ by e, because at step 1
    any slow rate looks nearly attained. The ratio stays below ½ on all that is checked: Ψ is of second order in x − x*,
    and shrinks about twice as fast as is guaranteed.
    """

    id = "EF21-2"
    title = "EF21, Polyak–Łojasiewicz f: linear convergence of the Lyapunov function"
    statement = (
        r"\gamma\le\min\left\{\Big(L+\tilde L\sqrt{2\beta/\theta}\Big)^{-1},\frac{\theta}{2\mu}\right\}\ \Rightarrow\ "
        r"E\,\Psi^T\le(1-\gamma\mu)^T\,E\,\Psi^0,\quad\Psi^t=f(x^t)-f^\star+\frac\gamma\theta G^t"
    )
    reference = f"{REFERENCE} (Theorem 2, D1)"

    def missing(self, case: Case) -> str | None:
        return None if case.setting.problem.constants.mu_pl else "f has no known Polyak–Łojasiewicz constant"

    def limit(self, case: Case) -> float:
        return second_limit(case.setting, case.delta)

    def sides(self, case: Case, cell: Mapping[str, float], runs: xarray.Dataset) -> tuple[Array, Array]:
        psi = self._lyapunov(case, cell, runs)
        remaining = self._factor(case, cell) ** runs.step.values
        above = (remaining < 1) & (remaining > ABOVE_ROUNDING)
        return psi[:, above], psi[:, :1] * remaining[above]

    def remark(self, case: Case, cell: Mapping[str, float], runs: xarray.Dataset) -> str:
        last, divided = self._last(case, cell, runs)
        T = int(runs.step[last])
        per_step = f"{divided ** (1 / T):.5f} per step, bound {self._factor(case, cell):.5f}" if T else "at once"
        return f"over {T} steps Ψ shrinks by {per_step}; reported, if it holds, are the steps that divide Ψ by e"

    def reported(self, case: Case, cell: Mapping[str, float], runs: xarray.Dataset) -> tuple[float, float] | None:
        last, divided = self._last(case, cell, runs)
        return (-float(runs.step[last]) / log(divided), -1 / log(self._factor(case, cell))) if last else None

    def _last(self, case: Case, cell: Mapping[str, float], runs: xarray.Dataset) -> tuple[int, float]:
        """Return where Ψ was last recorded above rounding, and what fraction of Ψ was left."""
        psi = self._lyapunov(case, cell, runs).mean(axis=0)
        last = int(np.flatnonzero(psi > ABOVE_ROUNDING * psi[0])[-1])
        return last, float(psi[last] / psi[0])

    def _lyapunov(self, case: Case, cell: Mapping[str, float], runs: xarray.Dataset) -> Array:
        return curve(runs, "f_gap") + cell["stepsize"] / theta(case.delta) * curve(runs, "estimate_error")

    def _factor(self, case: Case, cell: Mapping[str, float]) -> float:
        return 1 - cell["stepsize"] * float(case.setting.problem.constants.mu_pl)


class OneStep(EF21Bound):
    """The lemma behind both theorems: the error of the estimates after one step, whatever the step size.

    Its left side is the exact expectation over the compressor, given the run so far, so that it is checked pathwise.
    """

    id = "EF21-lemma"
    title = "EF21: the error of the gradient estimates after one step"
    statement = (
        r"E[G^{t+1}\mid x^t,g^t]\le(1-\theta)\,G^t+\beta\tilde L^2\lVert x^{t+1}-x^t\rVert^2,\quad"
        r"\theta=1-\sqrt{1-\delta},\quad\beta=\frac{1-\delta}{1-\sqrt{1-\delta}}"
    )
    reference = f"{REFERENCE} (one-step lemma, D1)"

    def experiment(self, case: Case, level: str) -> Experiment:
        shared = super().experiment(case, level)
        return replace(shared, runs=4, keep=("x", "estimate")) if case.random else shared

    def pathwise(self, case: Case) -> bool:
        return True

    def sides(self, case: Case, cell: Mapping[str, float], runs: xarray.Dataset) -> tuple[Array, Array]:
        steps = runs.step.values
        before = runs.isel(step=np.flatnonzero(np.isin(steps + 1, steps)))
        after = runs.sel(step=before.step + 1)
        moved = cell["stepsize"] ** 2 * curve(before, "estimate_norm_sq")
        L_tilde = float(case.setting.problem.constants.L_tilde)
        right = (1 - theta(case.delta)) * curve(before, "estimate_error") + beta(case.delta) * L_tilde**2 * moved
        left = _expected_errors(case, before, after) if case.random else curve(after, "estimate_error")
        above = (right > ABOVE_ROUNDING * right[:, :1]).all(axis=0)
        return left[:, above], right[:, above]


def _expected_errors(case: Case, before: xarray.Dataset, after: xarray.Dataset) -> Array:
    """Return E[G^{t+1}] over the compressor, shape ``(run, step)``: the error that ∇f_i(x^{t+1}) − g_i^t is due."""
    estimates, points = (
        runs[field].transpose("step", "run", ...).values for runs, field in ((before, "estimate"), (after, "x"))
    )
    gradient = case.setting.problem.gradient
    error: Any = case.compressor.expected_error  # in closed form for every random compressor here
    found = [error(gradient(x) - estimate).mean(axis=1) for estimate, x in zip(estimates, points, strict=True)]
    return np.stack(found, axis=1)
