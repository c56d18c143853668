"""Fatkhullin et al., NeurIPS 2023: Top-1 gives noise a mean, and EF21 with an ideal estimate a floor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from problems.counterexamples.lopsided_noise import LopsidedNoise
from proofs_check.claim import Claim, Instance
from proofs_check.paths import cells
from proofs_check.sides import expectation, mean_equality
from proofs_check.statistics import decide_upper_bound
from toolkit.algorithms import Algorithm
from toolkit.algorithms.ef21 import EF21
from toolkit.algorithms.ef21_ideal import EF21Ideal
from toolkit.algorithms.ef21_momentum import EF21Momentum
from toolkit.algorithms.error_feedback import ErrorFeedback
from toolkit.compressors.top_k import TopK
from toolkit.experiment import Experiment

if TYPE_CHECKING:
    import xarray

REFERENCE = "Fatkhullin, Tyurin and Richtárik, NeurIPS 2023, Theorem 1 (D2, attribution recalled)"
ERROR_PROBABILITY = 1e-4
STEPSIZES = (0.05, 0.25, 0.5)


class Law(Claim):
    """The second moment of the gradient, exactly."""

    id = "EF21-floor-law"
    title = "EF21 with an ideal estimate and Top-1 on lopsided noise: the exact squared gradient norm"
    statement = (
        r"E\lVert\nabla f(x_t)\rVert^2=L^2\Big(\lVert a^tx_0-\tfrac{1-a^t}{L}(0,\tfrac s3)\rVert^2+"
        r"\gamma^2\tfrac{26s^2}{9n}\tfrac{1-a^{2t}}{1-a^2}\Big),\qquad a=1-\gamma L,\ s^2=\tfrac{3\sigma^2}{10B}"
    )
    reference = REFERENCE
    kind = "identity"

    def experiments(self, level: str) -> dict[str, Experiment]:
        runs = {"quick": 500, "full": 5000}[level]
        return {
            f"n = {n}, batch {batch}": Experiment(
                LopsidedNoise(workers=n), EF21Ideal(), TopK(k=1), stepsize=STEPSIZES, steps=60, batch=batch, runs=runs,
                record=[1, 5, 20, 60],
            )
            for n, batch in ((1, 1), (8, 1), (1, 4))
        }  # fmt: skip

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        instances = []
        for name, one, result in cells(self.experiments(level), data):
            law = self.law(one, result.step.values)
            samples = result["grad_norm_sq"].values
            instances.append(mean_equality(name, samples, law, error_probability=ERROR_PROBABILITY))
        return instances

    def law(self, one: Experiment, t: Any) -> Any:
        """Return the right side of a cell at the steps t."""
        return one.problem.law(one.stepsize, one.steps, one.batch)[t]


class Floor(Claim):
    """No step size, no number of workers and no number of steps brings the gradient below a floor."""

    id = "EF21-floor"
    title = "EF21 with an ideal estimate and Top-1 keeps a gradient of size σ²/(30B), whatever γ, n and t"
    statement = (
        r"x_0=(0,-c)\ \Rightarrow\ E\lVert\nabla f(x_t)\rVert^2\ge\min\Big(\frac{\sigma^2}{30B},"
        r"\lVert\nabla f(x_0)\rVert^2\Big)\quad\text{for all }t,n,\ 0<\gamma\le1/L"
    )
    reference = f"{REFERENCE}; the paper's constant is 1/60 (recalled)"
    kind = "lower bound"
    fraction: ClassVar[float] = 1.0  # of the bound, so that a larger one can be shown to fail

    def check(self, data: Mapping[str, Any], level: str) -> list[Instance]:
        instances = []
        for n, batch, start in ((1, 1, -0.125), (100, 1, -5.0), (1, 16, -0.01), (10_000, 1, -1.0)):
            problem = LopsidedNoise(workers=n, start=(0.0, start))
            for gamma in (1e-3, 0.01, 0.5, 1.0):
                lowest = float(problem.law(gamma, 20_000, batch).min())
                floor = self.fraction * problem.floor(batch)
                verdict = "holds" if lowest >= floor * (1 - 1e-12) else "violated"
                name = f"n = {n}, batch {batch}, x₀ = (0, {start}), γ = {gamma}"
                instances.append(Instance(name, verdict, lowest, floor, lowest / floor, reason="by the exact law"))
        return instances


class Repair(Claim):
    """EF14 and momentum get below the floor."""

    id = "EF21-floor-repair"
    title = "EF14 and EF21 with momentum get below the floor of EF21 with an ideal estimate"
    statement = (
        r"E\lVert\nabla f(x_{2000})\rVert^2\le\tfrac12\cdot\frac{\sigma^2}{30B},\qquad \gamma L=\eta=0.01,\ n=1,\ B=1"
    )
    reference = f"{REFERENCE}; the repair: EF21-SGDM (recalled)"
    kind = "upper bound"
    methods: ClassVar[Mapping[str, Algorithm]] = {"EF14": ErrorFeedback(), "EF21-SGDM": EF21Momentum(momentum=0.01)}
    share: ClassVar[float] = 0.5  # of the floor

    def experiments(self, level: str) -> dict[str, Experiment]:
        runs = {"quick": 200, "full": 1000}[level]
        settings: dict[str, Any] = {"stepsize": 0.01, "steps": 2000, "runs": runs, "batch": 1, "record": [2000]}
        return {
            name: Experiment(LopsidedNoise(), method, TopK(k=1), **settings) for name, method in self.methods.items()
        }

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        bound = self.share * LopsidedNoise(start=(0.0, -1.0)).floor()
        return [
            expectation(name, decide_upper_bound(data[name]["grad_norm_sq"].values, bound, ERROR_PROBABILITY))
            for name in self.experiments(level)
        ]


class OwnEstimates(Repair):
    """The thought experiment is no best case: estimates that are late remember what was not sent."""

    id = "EF21-floor-own"
    title = "EF21 with its own estimates gets below the floor that it has with an ideal one"
    statement = Repair.statement.replace(r"=\eta", "")
    reference = f"{REFERENCE}; this statement: own"
    methods: ClassVar[Mapping[str, Algorithm]] = {"EF21": EF21()}
