"""Beznosikov et al., 'On biased compression for distributed learning': three workers whom Top-1 leads astray."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from problems.counterexamples.three_workers import ThreeWorkers
from proofs_check.claim import Claim, Instance
from proofs_check.convergence import curve
from proofs_check.paths import cells
from proofs_check.sides import equality, inequality
from toolkit.algorithms import Algorithm
from toolkit.algorithms.compressed_sgd import CompressedSGD
from toolkit.algorithms.ef21 import EF21
from toolkit.algorithms.error_feedback import ErrorFeedback
from toolkit.arrays import Array
from toolkit.compressors import Compressor
from toolkit.compressors.top_k import TopK
from toolkit.experiment import Experiment

if TYPE_CHECKING:
    import xarray

Start = tuple[float, float, float]
REFERENCE = "Beznosikov, Horváth, Richtárik and Safaryan, JMLR 2023, Example 1 (D5)"
EPS = float(np.finfo(float).eps)


class _ThreeWorkers(Claim):
    """A statement about Top-1 on the three workers."""

    reference = REFERENCE
    compressor: ClassVar[Compressor] = TopK(k=1)

    def run(
        self, method: Algorithm, start: Start, stepsizes: tuple[float, ...], steps: int, keep: tuple[str, ...] = ("x",)
    ) -> Experiment:
        """Return runs at some step sizes, recorded at every step, which may grow without being stopped."""
        return Experiment(
            ThreeWorkers(),
            method,
            self.compressor,
            stepsize=stepsizes,
            steps=steps,
            x0=start,
            record="all",
            keep=keep,
            limit=1e290,
            unproven=True,
        )


class ExactDivergence(_ThreeWorkers):
    """From (1, 1, 1) the plain method diverges by an exact law."""

    id = "D5-divergence"
    title = "Compressed descent without memory diverges on three strongly convex workers, by an exact law"
    statement = (
        r"x_0=t(1,1,1)\ \Rightarrow\ x_k=\left(1+\frac{11\gamma}6\right)^kx_0,\qquad "
        r"x_{k+1}=x_k-\frac\gamma3\sum_{i=1}^3\mathrm{Top}_1(\nabla f_i(x_k))"
    )
    kind = "counterexample"
    # From (3, 3, 3) and with these step sizes all numbers are dyadic: the law has to hold bit for bit.
    dyadic: ClassVar[tuple[float, ...]] = (0.1875, 0.75, 3.0, 6.0)
    # Up to γ = 6/25 rounding errors across the direction (1, 1, 1) grow no faster than the iterate.
    decimal: ClassVar[tuple[float, ...]] = (0.01, 0.05, 0.1, 0.2)

    def experiments(self, level: str) -> dict[str, Experiment]:
        steps = {"quick": 300, "full": 1000}[level]
        return {
            "from (3, 3, 3), 8 steps": self.run(CompressedSGD(), (3.0, 3.0, 3.0), self.dyadic, 8),
            f"from (1, 1, 1), {steps} steps": self.run(CompressedSGD(), (1.0, 1.0, 1.0), self.decimal, steps),
        }

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        instances = []
        for name, experiment, result in cells(self.experiments(level), data):
            gamma, x = experiment.stepsize, result["x"].values[0, :, 0]
            k = np.arange(len(x))[:, None]
            law = np.broadcast_to(ThreeWorkers.growth(gamma) ** k * experiment.x0, x.shape)
            # Half an eps each: the step, the factor 1 + 11γ/6 (twice), and the gradient, whose terms add up to at most
            # 31 times γ·x. All of them once per step.
            per_step = 0.0 if gamma in self.dyadic else (3 + 31 * gamma) / 2
            reason = f"in eps per step: {per_step:.3g} allowed"
            scale = np.maximum(k, 1) * law
            instances.append(equality(name, x, law, rounding=per_step, scale=scale.ravel(), reason=reason))
        return instances


class Growth(_ThreeWorkers):
    """From (1, 2, 4) the plain method comes to grow at the same rate."""

    id = "D5-growth"
    title = "From (1, 2, 4) the growth of compressed descent tends to the same factor"
    statement = (
        r"x_0=(1,2,4)\ \Rightarrow\ \frac{x_{k+1,j}}{x_{k,j}}\to1+\frac{11\gamma}6\quad(j=1,2,3),\qquad "
        r"0<\gamma<\frac6{25}"
    )
    kind = "counterexample"

    def experiments(self, level: str) -> dict[str, Experiment]:
        return {"600 steps": self.run(CompressedSGD(), (1.0, 2.0, 4.0), (0.01, 0.02, 0.05, 0.1), 600)}

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        instances = []
        for name, experiment, result in cells(self.experiments(level), data):
            x = result["x"].values[0, :, 0]
            measured = x[-10:] / x[-11:-1]
            gamma = experiment.stepsize
            # What is across (1, 1, 1) shrinks against the iterate by |1 − 61γ/6|/(1 + 11γ/6) per step, to below
            # eps long before the end; then a ratio of two iterates carries the rounding of one step.
            rounding = (5 + 31 * gamma) / 2
            reason = f"the last 10 steps; {_margin(experiment, result)}"
            instances.append(equality(name, measured, ThreeWorkers.growth(gamma), rounding=rounding, reason=reason))
        return instances


class Repair(_ThreeWorkers):
    """With a memory, or with EF21's estimates, the same compressor converges."""

    id = "D5-repair"
    title = "EF14 and EF21 converge from (1, 2, 4) with the compressor that makes the plain method diverge"
    statement = (
        r"x_0=(1,2,4),\ \gamma\in\{0.02,0.05,0.1\}\ \Rightarrow\ "
        r"f(x_{1000})-f^\star\le2^{-52}\left(f(x_0)-f^\star\right)"
        r"\quad\text{for EF14 and EF21 with }\mathrm{Top}_1"
    )
    kind = "upper bound"
    # With what is kept of each.
    methods: ClassVar[Mapping[str, tuple[Algorithm, tuple[str, ...]]]] = {
        "EF14": (ErrorFeedback(), ("x", "memory")),
        "EF21": (EF21(), ("x", "estimate")),
    }

    def experiments(self, level: str) -> dict[str, Experiment]:
        return {
            label: self.run(method, (1.0, 2.0, 4.0), (0.02, 0.05, 0.1), 1000, keep)
            for label, (method, keep) in self.methods.items()
        }

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        instances = []
        for name, experiment, result in cells(self.experiments(level), data):
            gap = curve(result, "f_gap")[0]
            with np.errstate(invalid="ignore"):  # both are infinite if the run diverged
                factor = (gap[1000] / gap[500]) ** (1 / 500)
            rate = f"over the last 500 steps the gap is multiplied by {factor:.5f} per step"
            reason = f"{rate}; {_margin(experiment, result)}"
            instances.append(inequality(name, gap[-1:], EPS * gap[0], rounding=0, reason=reason))
        return instances


def _margin(experiment: Experiment, result: xarray.Dataset) -> str:
    """Say how far every choice of Top-1 was from a tie: what rounding would have to bridge to change it."""
    x = result["x"].values[0]
    gradient = experiment.problem.gradient(x)
    if "memory" in result:
        messages = result["memory"].values[0, :-1] + experiment.stepsize * gradient[:-1]
    elif "estimate" in result:
        messages = gradient[1:] - result["estimate"].values[0, :-1]
    else:
        messages = gradient
    return f"the closest call of Top-1 was decided by {_relative_lead(messages).min():.2g} of the largest magnitude"


def _relative_lead(messages: Array) -> Array:
    """Return by how much the largest magnitude of each row leads, relative to itself."""
    magnitude = np.sort(abs(messages), axis=-1)
    return 1 - magnitude[..., -2] / magnitude[..., -1]
