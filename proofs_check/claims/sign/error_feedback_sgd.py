"""Karimireddy et al., ICML 2019: rates of error feedback with a contraction."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from itertools import chain
from math import sqrt
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from proofs_check.cases import AbsoluteDeviations, Case, Setting, contractions, crossed, half_square, smooth_settings
from proofs_check.claim import Claim, Instance
from proofs_check.convergence import ERROR_PROBABILITY, ConvergenceBound, curve
from proofs_check.exact_runs import fraction_instances, moment_instances, sign_samples, standing_instances
from proofs_check.extremal import Shrink
from proofs_check.sides import inequality
from proofs_check.statistics import mean_interval
from toolkit.algorithms._base import needs
from toolkit.algorithms.error_feedback import ErrorFeedback
from toolkit.arrays import Array
from toolkit.averages import uniform
from toolkit.experiment import Experiment

if TYPE_CHECKING:
    import xarray

REFERENCE = "Karimireddy, Rebjock, Stich and Jaggi, ICML 2019"
STEPS = {"quick": 100, "full": 200}
RUNS = {"quick": 32, "full": 64}


# Step sizes γ with the q at which samples ±1 exceed the recalled bound most, or nearly so.
SIGNS = {
    "quick": ((Fraction(3, 10), Fraction(1, 14)),),
    "full": tuple((Fraction(i, 10), Fraction(1, 14)) for i in (1, 2, 3)),
}


class RelativeRate(ConvergenceBound):
    """A rate of error feedback whose σ² bounds the second moment (1/n) Σ E‖g_i‖² of the gradients along the run.

    No theorem limits the step size. σ² is read off the run: the largest (1/n) Σ E‖∇f_i(x_t)‖² up to T, its upper
    confidence limit where it is random, plus the noise, which is known. So `violated` errs with at most the stated
    probability, and `holds` speaks of the bound with that limit, a little above σ², in the place of σ².
    """

    accepts = (needs("delta"),)

    def cases(self, level: str) -> list[Case]:
        return [
            Case(name, setting, compressor, tuple(factor / _smoothness(setting) for factor in (0.5, 0.05, 0.005)))
            for name, setting, compressor in crossed(smooth_settings(level), contractions(), level)
        ] + [slow()]

    def experiment(self, case: Case, level: str) -> Experiment:
        return Experiment(
            case.setting.problem,
            ErrorFeedback(),
            case.compressor,
            stepsize=case.stepsizes,
            batch=case.setting.batch,
            steps=STEPS[level],
            runs=RUNS[level] if case.random else 1,
            record="all",
            average={"grad_norm_sq": uniform.including_last(), "x": uniform.including_last()},
        )

    def second_moment(self, case: Case, runs: xarray.Dataset) -> Array:
        """Return σ² for every T; the probability that it is too small for some T is at most `ERROR_PROBABILITY`.

        The largest expectation up to T is at another step for every T, so the limits hold at all steps together.
        """
        squares = curve(runs, "local_grad_norm_sq")
        if not case.random:
            highest = squares[0]
        else:  # a two-sided interval errs on either side with half its probability
            highest = mean_interval(squares, 2 * ERROR_PROBABILITY, simultaneous=True).high
        return np.maximum.accumulate(highest) + case.setting.sigma_sq

    def error_probability(self, case: Case) -> float:
        return 2 * ERROR_PROBABILITY

    def remark(self, case: Case, cell: Mapping[str, float], runs: xarray.Dataset) -> str:
        how = "read off the runs, with its upper confidence limit" if case.random else "read off the run"
        return f"σ² = {self.second_moment(case, runs)[-1]:.4g} {how}"


def slow() -> Case:
    """Return a case that the bounds do not cover without their memory term: hardly anything is sent, and x stays."""
    return Case("x²/2, shrink, δ = 1/100", half_square(1.0), Shrink(delta=0.01), stepsizes=(0.1,))


def _smoothness(setting: Setting) -> float:
    return float(setting.problem.constants.L)


def simple_bound(F_0: Any, L: Any, gamma: Any, sigma_sq: Any, delta: Any, T: Any) -> Any:
    """Return the right side of S-d3 with ρ = 1, at every T."""
    memory = 4 * (1 - delta) / delta**2 * (L * gamma) ** 2 * sigma_sq
    return 2 * F_0 / (gamma * (T + 1)) + L * gamma * sigma_sq + memory


def best_bound(F_0: Any, L: Any, gamma: Any, sigma_sq: Any, delta: Any, T: Any) -> Any:
    """Return the right side of S-d3 with the best ρ and the sharp constant of the error lemma, at every T."""
    q = sqrt(1 - delta)
    E = (L * gamma * q / (1 - q)) ** 2 * sigma_sq
    S = F_0 / (gamma * (T + 1)) + L * gamma * sigma_sq / 2
    return (np.sqrt(E) + np.sqrt(E + 4 * S)) ** 2 / 4


def recalled_bound(F_0: Any, L: Any, gamma: Any, sigma_sq: Any, delta: Any, T: Any) -> Any:
    """Return the right side of S-d3 as it is recalled from the paper: the middle term is halved."""
    return simple_bound(F_0, L, gamma, sigma_sq, delta, T) - L * gamma * sigma_sq / 2


class Smooth(RelativeRate):
    """The mean squared gradient norm, with the constant that the proof gives."""

    id = "S-d3"
    title = "Error feedback with a contraction, smooth f: the mean squared gradient norm (ρ = 1)"
    statement = (
        r"\frac1n\sum_iE\lVert g_t^i\rVert^2\le\sigma^2\ \Rightarrow\ "
        r"\frac1{T+1}\sum_{t\le T}E\lVert\nabla f(x_t)\rVert^2\le"
        r"\frac{2F_0}{\gamma(T+1)}+L\gamma\sigma^2+\frac{4(1-\delta)}{\delta^2}L^2\gamma^2\sigma^2"
    )
    reference = f"{REFERENCE} (S-d3, ρ = 1)"
    bound = staticmethod(simple_bound)
    workers: ClassVar[tuple[int, ...]] = (1, 3)  # for how many it is judged on exact moments

    def sides(self, case: Case, cell: Mapping[str, float], runs: xarray.Dataset) -> tuple[Array, Array]:
        setting, T = case.setting, runs.step.values
        sigma_sq = self.second_moment(case, runs)
        right = self.bound(setting.F_0, _smoothness(setting), cell["stepsize"], sigma_sq, case.delta, T)
        return curve(runs, "grad_norm_sq_average"), right

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        bound: Any = self.bound
        exact = (
            fraction_instances(bound, "mean", "quick", remembered=True),  # long ones only where they fail
            moment_instances(bound, level, self.workers),
            standing_instances(bound),
        )
        return [*super().check(data, level), *chain(*exact)]


class SmoothBest(Smooth):
    """The same with the best weight of the proof's inequality and the sharp bound on the memory."""

    id = "S-d3-best"
    title = "Error feedback with a contraction, smooth f: the mean squared gradient norm (best ρ, sharp memory)"
    statement = (
        r"\frac1{T+1}\sum_{t\le T}E\lVert\nabla f(x_t)\rVert^2\le\frac14\Big(\sqrt E+\sqrt{E+4S}\Big)^2,\quad "
        r"S=\frac{F_0}{\gamma(T+1)}+\frac{L\gamma\sigma^2}2,\quad "
        r"E=\frac{1-\delta}{(1-\sqrt{1-\delta})^2}L^2\gamma^2\sigma^2"
    )
    reference = f"{REFERENCE} (S-d3, best ρ)"
    bound = staticmethod(best_bound)


class SmoothRecalled(Claim):
    """The bound as it is recalled from the paper, of which it is open whether the paper prints it so, is false."""

    id = "S-d3-recalled"
    title = "S-d3 with half its middle term, as it is recalled from the paper, for the smallest gradient norm: false"
    statement = (
        r"\min_{t\le T}E\lVert\nabla f(x_t)\rVert^2\le"
        r"\frac{2F_0}{\gamma(T+1)}+\frac{L\gamma\sigma^2}2+\frac{4(1-\delta)}{\delta^2}L^2\gamma^2\sigma^2"
    )
    reference = f"{REFERENCE} (Theorem II, S-d3)"
    status = "recalled"
    expected = "violated"
    kind_of_left_side: ClassVar[str] = "minimum"

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        found = [*fraction_instances(recalled_bound, self.kind_of_left_side, level)]
        return [*found, *standing_instances(recalled_bound)]


class SmoothRecalledMean(SmoothRecalled):
    """The same for the mean, which is never below the minimum and which the proof bounds."""

    id = "S-d3-recalled-mean"
    title = "S-d3 with half its middle term, as it is recalled from the paper, for the mean: false"
    statement = (
        r"\frac1{T+1}\sum_{t\le T}E\lVert\nabla f(x_t)\rVert^2\le"
        r"\frac{2F_0}{\gamma(T+1)}+\frac{L\gamma\sigma^2}2+\frac{4(1-\delta)}{\delta^2}L^2\gamma^2\sigma^2"
    )
    kind_of_left_side = "mean"

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        found = super().check(data, level)
        for gamma, q in SIGNS[level]:
            right = recalled_bound(0, 1, gamma, 1, 1 - q**2, 0)  # F_0 = 0; without it T does not matter
            name = f"the clipped bowl, samples ±1, γ = {gamma}, q = {q}, T → ∞"
            reason = "E g² = 1 at every x; the stationary law of a finite chain, in fractions"
            left = float(sign_samples(gamma, q))
            found.append(inequality(name, [left], [float(right)], rounding=8, reason=reason))
        return found


class Convex(RelativeRate):
    """The gap at the averaged iterate of a convex function, smooth or not."""

    id = "S-d4"
    title = "Error feedback with a contraction, convex f: the gap at the averaged iterate"
    statement = (
        r"\bar x_T=\frac1{T+1}\sum_{t\le T}x_t,\qquad Ef(\bar x_T)-f^\star\le\frac{R_0^2}{2\gamma(T+1)}"
        r"+\gamma\sigma^2\Big(\frac12+\frac{2\sqrt{1-\delta}}\delta\Big)"
    )
    reference = f"{REFERENCE} (Theorem III, S-d4)"

    def cases(self, level: str) -> list[Case]:
        rough = [
            Case(name, setting, compressor, tuple(self._scale(setting, level) * factor for factor in (1, 0.1)))
            for name, setting, compressor in crossed(tuple(_rough_settings()), contractions(), level)
        ]
        return [*super().cases(level), *rough]

    def _scale(self, setting: Setting, level: str) -> float:
        """Return the step size R_0/(σ√T), the best one without compression."""
        return sqrt(setting.R_0_sq / (self._known(setting) * STEPS[level]))

    def _known(self, setting: Setting) -> float:
        """Return the second moment of a non-smooth setting: a subgradient has norm at most √d at every point."""
        return setting.problem.dimension + setting.sigma_sq

    def second_moment(self, case: Case, runs: xarray.Dataset) -> Array:
        if isinstance(case.setting.problem, AbsoluteDeviations):
            return np.full(runs.sizes["step"], self._known(case.setting))
        return super().second_moment(case, runs)

    def error_probability(self, case: Case) -> float:
        return ERROR_PROBABILITY * (1 if isinstance(case.setting.problem, AbsoluteDeviations) else 2)

    def remark(self, case: Case, cell: Mapping[str, float], runs: xarray.Dataset) -> str:
        if isinstance(case.setting.problem, AbsoluteDeviations):
            return f"σ² = {self._known(case.setting):g} is known before the run"
        return super().remark(case, cell, runs)

    def missing(self, case: Case) -> str | None:
        return None if case.setting.problem.constants.convex else "f is not convex"

    def sides(self, case: Case, cell: Mapping[str, float], runs: xarray.Dataset) -> tuple[Array, Array]:
        gamma, T = cell["stepsize"], runs.step.values
        memory = 2 * sqrt(1 - case.delta) / case.delta
        floor = gamma * self.second_moment(case, runs) * (0.5 + memory)
        return curve(runs, "f_gap_at_average"), case.setting.R_0_sq / (2 * gamma * (T + 1)) + floor


def _rough_settings() -> Iterator[Setting]:
    """Return the sums of absolute deviations, where the sheet's theorem needs no smoothness."""
    rng = np.random.default_rng(0)
    for n, sigma_sq in ((10, 0.0), (1, 0.0), (10, 30.0)):
        problem = AbsoluteDeviations(rng.standard_normal((n, 30)) + 1.0, sigma_sq)
        name = f"{'noisy ' if sigma_sq else ''}absolute deviations, n = {n}"
        yield Setting(name, problem, problem.default_batch, sigma_sq)
