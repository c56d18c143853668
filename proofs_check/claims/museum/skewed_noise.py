"""Karimireddy et al., ICML 2019, CE1: noise so skewed that signSGD climbs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from problems.counterexamples.skewed_noise import SkewedNoise
from proofs_check.claim import Claim, Instance
from proofs_check.sides import mean_equality
from toolkit.algorithms import Algorithm
from toolkit.algorithms.compressed_sgd import CompressedSGD
from toolkit.algorithms.error_feedback import ErrorFeedback
from toolkit.compressors import Compressor
from toolkit.compressors.raw_sign import RawSign
from toolkit.compressors.scaled_sign import ScaledSign
from toolkit.experiment import Experiment

if TYPE_CHECKING:
    import xarray

REFERENCE = "Karimireddy, Rebjock, Stich and Jaggi, ICML 2019 (CE1)"
ERROR_PROBABILITY = 1e-6
LARGEST = 4.0  # the longest sample, in steps of which a run can leave 0


class Climb(Claim):
    """Away from the ends signSGD raises f by γ/8 per step on average."""

    id = "CE1"
    title = "On skewed noise signSGD climbs, by γ/8 a step"
    statement = (
        r"f(x)=\tfrac14x,\ P(g=4)=\tfrac14,\ P(g=-1)=\tfrac34\ \Rightarrow\ "
        r"E f(x_t)=f(x_0)+\frac{\gamma t}8\quad(x_0=0,\ \gamma t\le1),\qquad x\leftarrow x-\gamma\,\mathrm{sign}(g)"
    )
    reference = REFERENCE
    kind = "counterexample"
    method: ClassVar[Algorithm] = CompressedSGD()
    compressor: ClassVar[Compressor] = RawSign()
    reach: ClassVar[float] = 1.0  # γ times the number of steps in which no run can meet an end

    def experiments(self, level: str) -> dict[str, Experiment]:
        runs, steps = {"quick": 1000, "full": 20000}[level], 64
        experiment = Experiment(
            SkewedNoise(), self.method, self.compressor, stepsize=self.reach / steps, steps=steps, runs=runs,
            batch=1, record=[1, 4, 16, steps], unproven=True,
        )  # fmt: skip
        return {f"{steps} steps from 0": experiment}

    def law(self, stepsize: float, steps: int) -> object:
        return SkewedNoise().law(stepsize, steps)

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        instances = []
        for name, experiment in self.experiments(level).items():
            result, gamma = data[name], experiment.stepsize
            t = result.step.values
            longest = gamma * t / self.reach  # |x_t| ≤ γt·max|message|, of which f is a quarter
            law = self.law(gamma, experiment.steps)
            instances.append(
                mean_equality(
                    name, result["f"].values, law[t], error_probability=ERROR_PROBABILITY, method="bernstein",  # type: ignore[index]
                    support=(-longest / 4, longest / 4),
                )
            )  # fmt: skip
        return instances


class Descent(Climb):
    """With the length restored the same samples descend as SGD does."""

    id = "CE1-repair"
    title = "On the same noise EF-signSGD descends, by γ/16 a step"
    statement = (
        r"E f(x_t)=f(x_0)-\frac{\gamma t}{16}\quad(x_0=0,\ 4\gamma t\le1)\quad\text{for EF-signSGD: "
        r"in one dimension the scaled sign is the identity}"
    )
    kind = "identity"
    method = ErrorFeedback()
    compressor = ScaledSign()
    reach = 1 / LARGEST

    def law(self, stepsize: float, steps: int) -> object:
        return SkewedNoise().repaired_law(stepsize, steps)
