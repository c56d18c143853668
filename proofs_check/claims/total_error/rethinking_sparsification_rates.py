"""Sahu et al., NeurIPS 2021: rates of error feedback with an absolute compressor."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from problems.quadratic import Quadratic
from proofs_check.cases import Case, RelativeNoise, Setting, half_square, smooth_settings
from proofs_check.convergence import ConvergenceBound, curve
from toolkit.algorithms._base import needs
from toolkit.algorithms.error_feedback import ErrorFeedback
from toolkit.arrays import Array
from toolkit.averages import Weight, contracting, uniform
from toolkit.compressors._fields import like
from toolkit.compressors.hard_threshold import HardThreshold
from toolkit.constants import CompressorConstants, exact
from toolkit.experiment import Experiment
from toolkit.parameters import bind, swept

if TYPE_CHECKING:
    import xarray

REFERENCE = "Sahu et al., NeurIPS 2021"
THRESHOLDS = (0.03, 0.3)  # λ: few of the first gradients' entries are below the one, many are below the other
STEPS = {"quick": 300, "full": 1000}
RUNS = {"quick": 32, "full": 64}


class Beyond(HardThreshold):
    """Push every coordinate beyond itself by the threshold: an error as large as κ allows, its sign in turn."""

    def message(self, x: Array, draw: Any) -> Array:
        return x + like(self.raw, x) * np.sign(x)

    def expected_error(self, x: Array) -> Array:
        return np.square(like(self.raw, x)) * np.count_nonzero(x, axis=-1)

    def constants(self, d: int, n: int = 1) -> CompressorConstants:
        kappa_sq: Any = super().constants(d, n).kappa_sq
        return CompressorConstants(kappa_sq=exact(kappa_sq.value, "d·raw², attained"))


def settings(level: str) -> list[Setting]:
    """Return the smooth settings, `minimised`, and one whose noise grows with the gradient: M, ζ² and D enter."""
    problem = RelativeNoise.generate(10, 10, heterogeneity=10.0, sigma_sq=4.0)
    relative = Setting("quadratic with relative noise, n = 10", problem, 1, problem.sigma_sq, RelativeNoise.M)
    return [*smooth_settings(level), relative, *minimised()]


def minimised() -> list[Setting]:
    """Return settings in which the start contributes little or nothing, so that the bounds need their other terms."""
    unlike = _from_minimiser(Quadratic.generate(3, 10, heterogeneity=0.3))
    noisy = _from_minimiser(Quadratic.generate(1, 10, sigma_sq=4.0))
    relative = _from_minimiser(RelativeNoise.generate(10, 10, heterogeneity=10.0))
    return [
        half_square(0.04, "x²/2 between two points"),  # a jump is γλ or more, and passes over the minimiser
        Setting("heterogeneous quadratic from its minimiser, n = 3", unlike),
        Setting("noisy quadratic from its minimiser, n = 1", noisy, 1, noisy.sigma_sq),
        Setting("quadratic with relative noise from its minimiser, n = 10", relative, 1, 0.0, RelativeNoise.M),
    ]


def _from_minimiser(problem: Quadratic) -> Quadratic:
    return type(problem)(problem.hessians, problem.linear, problem.sigma_sq, start=problem.x_star)


def smooth_limit(setting: Setting) -> float:
    """Return S-a6's 1/(2L(1 + M(C + 1)/n)); C is 0 where ζ² is finite, and does not matter where M = 0."""
    return 1 / (2 * setting.L * (1 + setting.M / setting.problem.workers))


def convex_limit(setting: Setting) -> float:
    """Return S-a7's 1/(4L(1 + 2M/n))."""
    return 1 / (4 * setting.L * (1 + 2 * setting.M / setting.problem.workers))


class AbsoluteRate(ConvergenceBound):
    """A rate of error feedback with an absolute compressor, checked with the hard threshold and a worse one."""

    accepts = (needs("kappa_sq"),)

    def cases(self, level: str) -> list[Case]:
        lambdas: Any = THRESHOLDS
        chosen = [(one, HardThreshold(lam=lambdas)) for one in settings(level)]
        # On x²/2 with γ = 1/(2L) it runs in a cycle of two steps whose squared gradient is 8/9 of what S-a6 allows.
        chosen.append((half_square(0.04, "x²/2, pushed beyond"), Beyond(lam=lambdas)))
        return [
            Case(one.name, one, compressor, (smooth_limit(one), convex_limit(one), convex_limit(one) / 8))
            for one, compressor in chosen
        ]

    def experiment(self, case: Case, level: str) -> Experiment:
        return _experiment(case, level, uniform)

    def remark(self, case: Case, cell: Mapping[str, float], runs: xarray.Dataset) -> str:
        return f"σ² = {case.setting.sigma_sq:.4g} is known before the run" if case.setting.noisy else ""


def _experiment(case: Case, level: str, weight: Weight) -> Experiment:
    """Return the runs that all rates share: both quantities are averaged at once, the gap with the given weight."""
    problem = case.setting.problem
    return Experiment(
        problem,
        ErrorFeedback(),
        case.compressor,
        stepsize=case.stepsizes,
        batch=case.setting.batch,
        steps=STEPS[level],
        runs=RUNS[level] if case.random else 1,
        average={"grad_norm_sq": uniform} | ({} if problem.f_star is None else {"f_gap": weight}),
    )


def _kappa_sq(case: Case, cell: Mapping[str, float]) -> float:
    """Return κ² in gradient units of the compressor of a cell, whose messages are steps."""
    compressor: Any = bind(case.compressor, {path: cell[path[-1]] for path in swept(case.compressor)})
    in_steps = compressor.for_messages(ErrorFeedback.unit, cell["stepsize"])
    return float(in_steps.constants(case.setting.problem.dimension).kappa_sq) / cell["stepsize"] ** 2


class Smooth(AbsoluteRate):
    """The mean squared gradient norm on smooth problems."""

    id = "S-a6"
    title = "Error feedback with an absolute compressor, smooth f: the mean squared gradient norm"
    statement = (
        r"\gamma\le\frac{1}{2L(1+M(C+1)/n)}\ \Rightarrow\ \frac1T\sum_{t<T}E\lVert\nabla f(x_t)\rVert^2\le"
        r"\frac{4F_0}{\gamma T}+\frac{2L\gamma(\sigma^2+M\zeta^2)}{n}+2L^2\gamma^2\kappa^2"
    )
    reference = f"{REFERENCE} (S-a6)"

    def limit(self, case: Case) -> float:
        return smooth_limit(case.setting)

    def sides(self, case: Case, cell: Mapping[str, float], runs: xarray.Dataset) -> tuple[Array, Array]:
        setting, gamma, L = case.setting, cell["stepsize"], case.setting.L
        noise = setting.sigma_sq
        if setting.M:
            noise += setting.M * float(setting.problem.constants.zeta_sq)
        runs = runs.sel(step=slice(1, None))
        start = 4 * setting.F_0 / (gamma * runs.step.values)
        floor = 2 * L * gamma * noise / setting.problem.workers + 2 * (L * gamma) ** 2 * _kappa_sq(case, cell)
        return curve(runs, "grad_norm_sq_average"), start + floor


class Convex(AbsoluteRate):
    """The mean gap where every f_i is convex."""

    id = "S-a7"
    title = "Error feedback with an absolute compressor, every worker's function convex: the mean gap"
    statement = (
        r"\gamma\le\frac{1}{4L(1+2M/n)}\ \Rightarrow\ \frac1T\sum_{t<T}E[f(x_t)-f^\star]\le"
        r"\frac{2R_0^2}{\gamma T}+\frac{2\gamma(\sigma^2+2MD)}{n}+6L\gamma^2\kappa^2"
    )
    reference = f"{REFERENCE} (S-a7, μ = 0)"

    def missing(self, case: Case) -> str | None:
        return None if case.setting.problem.constants.convex else "the workers' functions are not convex"

    def limit(self, case: Case) -> float:
        return convex_limit(case.setting)

    def sides(self, case: Case, cell: Mapping[str, float], runs: xarray.Dataset) -> tuple[Array, Array]:
        runs = runs.sel(step=slice(1, None))
        start = 2 * case.setting.R_0_sq / (cell["stepsize"] * runs.step.values)
        return curve(runs, "f_gap_average"), start + self.floor(case, cell)

    def floor(self, case: Case, cell: Mapping[str, float]) -> float:
        """Return what noise and compression contribute."""
        setting, gamma = case.setting, cell["stepsize"]
        noise = setting.sigma_sq + 2 * setting.M * float(setting.problem.constants.heterogeneity)
        return 2 * gamma * noise / setting.problem.workers + 6 * setting.L * gamma**2 * _kappa_sq(case, cell)


class StronglyConvex(Convex):
    """The mean gap, weighted towards the end, where f is strongly convex."""

    id = "S-a7-mu"
    title = "Error feedback with an absolute compressor, strongly convex f: the weighted mean gap"
    statement = (
        r"\gamma\le\frac{1}{4L(1+2M/n)},\ w_t=\Big(1-\frac{\gamma\mu}2\Big)^{-(t+1)}\ \Rightarrow\ "
        r"\frac1W\sum_{t<T}w_tE[f(x_t)-f^\star]\le\frac{2R_0^2}{\gamma}\Big(1-\frac{\gamma\mu}2\Big)^T"
        r"+\frac{2\gamma(\sigma^2+2MD)}n+6L\gamma^2\kappa^2"
    )
    reference = f"{REFERENCE} (S-a7, μ > 0)"

    def cases(self, level: str) -> list[Case]:
        return [
            replace(case, stepsizes=case.stepsizes[1:]) for case in super().cases(level)
        ]  # other weights, other runs

    def experiment(self, case: Case, level: str) -> Experiment:
        return _experiment(case, level, contracting(_mu(case) / 2))

    def missing(self, case: Case) -> str | None:
        return super().missing(case) or (None if case.setting.problem.constants.mu else "f is not strongly convex")

    def sides(self, case: Case, cell: Mapping[str, float], runs: xarray.Dataset) -> tuple[Array, Array]:
        runs = runs.sel(step=slice(1, None))
        remaining = (1 - cell["stepsize"] * _mu(case) / 2) ** runs.step.values
        start = 2 * case.setting.R_0_sq / cell["stepsize"] * remaining
        return curve(runs, "f_gap_average"), start + self.floor(case, cell)


def _mu(case: Case) -> float:
    return float(case.setting.problem.constants.mu)
