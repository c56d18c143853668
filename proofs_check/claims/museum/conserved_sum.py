"""Karimireddy et al., ICML 2019, CE2: a full subgradient whose sign never leaves one line."""

from __future__ import annotations

from collections.abc import Mapping
from math import sqrt
from typing import TYPE_CHECKING

import numpy as np

from problems.counterexamples.conserved_sum import ConservedSum
from proofs_check.claim import Claim, Instance
from proofs_check.paths import cells
from proofs_check.sides import equality, inequality
from toolkit.algorithms.compressed_sgd import CompressedSGD
from toolkit.algorithms.error_feedback import ErrorFeedback
from toolkit.averages import uniform
from toolkit.compressors.raw_sign import RawSign
from toolkit.compressors.scaled_sign import ScaledSign
from toolkit.experiment import Experiment
from toolkit.stepsizes import InverseSqrt

if TYPE_CHECKING:
    import xarray

REFERENCE = "Karimireddy, Rebjock, Stich and Jaggi, ICML 2019 (CE2)"
SLOPES = (0.125, 0.5, 0.875)  # ε
DYADIC = (0.0625, 0.5, 4.0)  # step sizes with which every number of a run is exact


class Frozen(Claim):
    """SignSGD conserves x₁ + x₂, and f follows an exact law above its start."""

    id = "CE2"
    title = "On a convex function with exact subgradients signSGD never gets below its start"
    statement = (
        r"f(x)=\epsilon\lvert x_1+x_2\rvert+\lvert x_1-x_2\rvert,\ x_0=(1,1)\ \Rightarrow\ "
        r"f(x_t)=2\epsilon+2\gamma\,[t\text{ odd}]\ge f(x_0)=2\epsilon"
    )
    reference = REFERENCE
    kind = "counterexample"

    def experiments(self, level: str) -> dict[str, Experiment]:
        steps = {"quick": 100, "full": 1000}[level]
        return {
            f"ε = {epsilon}": Experiment(
                ConservedSum(epsilon), CompressedSGD(), RawSign(), stepsize=DYADIC, steps=steps, record="all",
                unproven=True,
            )
            for epsilon in SLOPES
        }  # fmt: skip

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        return [
            equality(name, result["f"].values[0], one.problem.law(one.stepsize, one.steps), rounding=0)
            for name, one, result in cells(self.experiments(level), data)
        ]


class AnyStepSizes(Claim):
    """No schedule of step sizes helps."""

    id = "CE2-any-steps"
    title = "On the same function no step sizes bring signSGD below its start"
    statement = r"f(x_t)\ge f(x_0)=2\epsilon\quad\text{for all }\gamma_0,\gamma_1,\dots>0"
    reference = REFERENCE
    kind = "lower bound"
    expected = "tight"

    def experiments(self, level: str) -> dict[str, Experiment]:
        steps = {"quick": 300, "full": 3000}[level]
        return {
            f"γ = {first}/√(t + 1)": Experiment(
                ConservedSum(0.5), CompressedSGD(), RawSign(), stepsize=InverseSqrt(first), steps=steps, record="all",
                unproven=True,
            )
            for first in (0.1, 1.0)
        }  # fmt: skip

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        instances = []
        for name in self.experiments(level):
            f = data[name]["f"].values[0]
            # x₁ + x₂ = 2 up to half an eps of 2 per step, of which f is a half.
            instances.append(inequality(name, np.full(f.shape, f[0]), f, rounding=len(f)))
        return instances


class Repair(Claim):
    """With a memory the average reaches the minimum, at the rate of convex non-smooth functions."""

    id = "CE2-repair"
    title = "EF-signSGD gets below the barrier of signSGD, as S-d4 says"
    statement = (
        r"f(\bar x_T)-f^\star\le\frac{R_0^2}{2\gamma T}+\gamma\sigma^2\Big(\frac12+\frac{2\sqrt{1-\delta}}\delta\Big)"
        r"<2\epsilon,\qquad \sigma^2=2(1+\epsilon^2),\ \delta=\tfrac12,\ R_0^2=2"
    )
    reference = f"{REFERENCE}; rate: Theorem III (S-d4)"
    kind = "upper bound"

    def experiments(self, level: str) -> dict[str, Experiment]:
        steps = {"quick": 2000, "full": 20000}[level]
        return {
            f"{steps} steps": Experiment(
                ConservedSum(0.5), ErrorFeedback(), ScaledSign(), stepsize=(0.01, 0.04), steps=steps,
                average={"x": uniform},
            )
        }  # fmt: skip

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        instances = []
        for name, one, result in cells(self.experiments(level), data):
            gap, gamma, problem = result["f_gap_at_average"].values[0, -1:], one.stepsize, one.problem
            bound = 1 / (gamma * one.steps) + gamma * problem.gradient_norm_sq * (0.5 + 4 * sqrt(0.5))
            barrier = problem.law(gamma, 0)[0]
            instances.append(inequality(name, gap, min(bound, barrier), rounding=64, reason=f"barrier {barrier:.3g}"))
        return instances
