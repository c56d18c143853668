"""Karimireddy et al., ICML 2019, CE3 and Theorem I: rows of one sign pattern hold batch-1 signSGD on a line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from problems.counterexamples.one_sign import OneSign
from problems.counterexamples.sampled_pair import SampledPair
from proofs_check.claim import Claim, Instance
from proofs_check.sides import equality, inequality
from toolkit.algorithms import Algorithm
from toolkit.algorithms.compressed_sgd import CompressedSGD
from toolkit.algorithms.error_feedback import ErrorFeedback
from toolkit.compressors import Compressor
from toolkit.compressors.raw_sign import RawSign
from toolkit.compressors.scaled_sign import ScaledSign
from toolkit.experiment import Experiment
from toolkit.stepsizes import InverseSqrt

if TYPE_CHECKING:
    import xarray

REFERENCE = "Karimireddy, Rebjock, Stich and Jaggi, ICML 2019"
SMALL = float(np.finfo(float).eps)


class _OnALine(Claim):
    """A statement about signSGD with batch 1."""

    method: ClassVar[Algorithm] = CompressedSGD()
    compressor: ClassVar[Compressor] = RawSign(zero=0)
    runs: ClassVar[Mapping[str, int]] = {"quick": 4, "full": 32}

    def run(self, problem: OneSign, stepsize: Any, steps: int, level: str, **more: Any) -> Experiment:
        return Experiment(
            problem, self.method, self.compressor, stepsize=stepsize, steps=steps, runs=self.runs[level], batch=1,
            unproven=True, **more,
        )  # fmt: skip


class Pair(_OnALine):
    """On two squares of which a step sees one, x₁ + x₂ is conserved and f follows from x₁ − x₂."""

    id = "CE3"
    title = "On a strongly convex sum of two squares signSGD with batch 1 never gets below its start"
    statement = (
        r"f(x)=\langle a_1,x\rangle^2+\langle a_2,x\rangle^2,\ a_{1,2}=\pm(1,-1)+\epsilon(1,1),\ x_0=(1,1)\ "
        r"\Rightarrow\ f(x_t)=2u_t^2+8\epsilon^2\ge f(x_0),\qquad "
        r"u_t=x_{t,1}-x_{t,2},\ u_{t+1}-u_t\in\{-2\gamma,0,2\gamma\}"
    )
    reference = f"{REFERENCE} (CE3)"
    kind = "counterexample"

    def experiments(self, level: str) -> dict[str, Experiment]:
        steps = {"quick": 100, "full": 1000}[level]
        every_step: dict[str, Any] = {"record": "all", "keep": ("x",)}
        return {
            f"ε = {epsilon}, γ = {gamma}": self.run(SampledPair(epsilon), gamma, steps, level, **every_step)
            for epsilon, gamma in ((0.5, 0.125), (0.5, 1.0), (0.0625, 0.25))
        }

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        instances = []
        for name, experiment in self.experiments(level).items():
            x, f = data[name]["x"].values[:, :, 0], data[name]["f"].values
            u = x[..., 0] - x[..., 1]
            jumps = abs(np.diff(u, axis=-1)) / experiment.stepsize
            measured = np.concatenate([f, x.sum(axis=-1), jumps], axis=-1)
            law = np.concatenate([experiment.problem.law(u), np.full(f.shape, 2.0), np.where(jumps, 2.0, 0.0)], axis=-1)
            # A value is a mean of two squares of sums of two products: a dozen roundings at most. All else is exact.
            reason = "f, x₁ + x₂ = 2 and |u_{t+1} − u_t| = 2γ or 0"
            instances.append(equality(name, measured, law, rounding=12, reason=reason))
        return instances


class Line(_OnALine):
    """In general, batch-1 signSGD stays on the line through its start along the common signs."""

    id = "Thm-I"
    title = "If all rows have one sign pattern, signSGD with batch 1 never gets below the best point of a line"
    statement = (
        r"\mathrm{sign}(a_r)\in\{s,-s\}\ \Rightarrow\ f(x_t)\ge\min_cf(x_0+cs)\quad"
        r"\text{for all }\gamma_0,\gamma_1,\dots"
    )
    reference = f"{REFERENCE} (Theorem I)"
    status = "recalled"
    kind = "lower bound"

    def experiments(self, level: str) -> dict[str, Experiment]:
        steps = {"quick": 500, "full": 3000}[level]
        problems = {
            "5 rows, d = 2": OneSign.generate(5, 2),
            "8 rows, d = 5": OneSign.generate(8, 5),
            "30 rows, d = 20": OneSign.generate(30, 20, seed=1),
        }
        return {
            f"{name}, {how}": self.run(problem, stepsize, steps, level)
            for name, problem in problems.items()
            for how, stepsize in {"γ = 0.01": 0.01, "γ = 0.1/√(t + 1)": InverseSqrt(0.1)}.items()
        }

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        instances = []
        for name, experiment in self.experiments(level).items():
            lowest, problem = float(data[name]["f"].min()), experiment.problem
            barrier = problem.barrier()
            # The barrier is a mean of squares of sums of d terms that cancel: d eps of their size is far below it.
            verdict = "holds" if lowest >= barrier * (1 - 1e-9) else "violated"
            reason = (
                f"the start has {float(problem.value(problem.start[None, None])[0, 0]):.3g}, f* = {problem.f_star:.1g}"
            )
            instances.append(Instance(name, verdict, lowest, barrier, lowest / barrier, reason=reason))
        return instances


class Repair(_OnALine):
    """With a memory the same samples lead to the minimum."""

    id = "CE3-repair"
    title = "EF-signSGD converges where signSGD with batch 1 is held on a line"
    statement = (
        r"f(x_T)-f^\star\le2^{-52}f(x_0)\quad\text{for EF-signSGD on CE3 and on consistent rows of one sign pattern}"
    )
    reference = f"{REFERENCE} (CE3, Theorem I)"
    kind = "upper bound"
    method = ErrorFeedback()
    compressor = ScaledSign()

    def experiments(self, level: str) -> dict[str, Experiment]:
        return {
            "CE3, ε = 0.5": self.run(SampledPair(0.5), 0.005, 3000, level),
            "8 rows, d = 5": self.run(OneSign.generate(8, 5), 0.02, 30000, level),
        }

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        instances = []
        for name in self.experiments(level):
            f = data[name]["f_gap"].values
            reason = "on every run"
            instances.append(inequality(name, f[:, -1], SMALL * f[:, 0], rounding=0, reason=reason))
        return instances
