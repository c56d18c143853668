"""Gradients that are always tied: the tie rule of Top-1 decides that a coordinate never moves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from problems.counterexamples.tied_pair import TiedPair
from proofs_check.claim import Claim, Instance
from proofs_check.paths import cells
from proofs_check.sides import equality, expectation
from proofs_check.statistics import decide_upper_bound
from toolkit.algorithms import Algorithm
from toolkit.algorithms.compressed_sgd import CompressedSGD
from toolkit.algorithms.ef21 import EF21
from toolkit.algorithms.error_feedback import ErrorFeedback
from toolkit.compressors.top_k import TopK
from toolkit.experiment import Experiment

if TYPE_CHECKING:
    import xarray

ERROR_PROBABILITY = 1e-3


class Stagnation(Claim):
    """Whatever the start and the step size, the second coordinate is never sent."""

    id = "tied-pair"
    title = "Where two workers' gradients are always tied, Top-1 without memory never moves one coordinate"
    statement = (
        r"f_{1,2}(x)=\tfrac12(x_2\pm x_1)^2\ \Rightarrow\ x_t=\big((1-\gamma)^tx_{0,1},\,x_{0,2}\big),\qquad "
        r"x\leftarrow x-\frac\gamma2\sum_i\mathrm{Top}_1(\nabla f_i(x)),\ \text{ties to the lowest index}"
    )
    reference = "derived here"
    kind = "counterexample"
    compressor: ClassVar[TopK] = TopK(k=1)

    def experiments(self, level: str) -> dict[str, Experiment]:
        return {
            "from (1, 1)": Experiment(
                TiedPair(), CompressedSGD(), self.compressor, stepsize=(0.25, 0.5, 1.5), steps=20, record="all",
                keep=("x",), unproven=True,
            )
        }  # fmt: skip

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        return [
            equality(name, result["x"].values[0, :, 0], one.problem.law(one.stepsize, one.steps).ravel(), rounding=0)
            for name, one, result in cells(self.experiments(level), data)
        ]


class Repair(Claim):
    """A memory, estimates, or a random choice between equals."""

    id = "tied-pair-repair"
    title = "EF14, EF21 and random tie-breaking move where deterministic ties do not"
    statement = r"E[f(x_{600})-f^\star]\le2^{-52}\,(f(x_0)-f^\star),\qquad x_0=(1,1),\ \gamma=\tfrac14"
    reference = "derived here"
    kind = "upper bound"
    methods: ClassVar[Mapping[str, tuple[Algorithm, TopK]]] = {
        "EF14": (ErrorFeedback(), TopK(k=1)),
        "EF21": (EF21(), TopK(k=1)),
        "no memory, random ties": (CompressedSGD(), TopK(k=1, ties="random")),
    }

    def experiments(self, level: str) -> dict[str, Experiment]:
        return {
            name: Experiment(
                TiedPair(), method, compressor, stepsize=0.25, steps=600, runs=32 if compressor.random else 1,
                unproven=True,
            )
            for name, (method, compressor) in self.methods.items()
        }  # fmt: skip

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        instances = []
        for name in self.experiments(level):
            gap = data[name]["f_gap"].values
            bound = float(np.finfo(float).eps) * gap[0, 0]
            if len(gap) == 1:
                verdict = "holds" if gap[0, -1] <= bound else "violated"
                instances.append(Instance(name, verdict, gap[0, -1], bound, gap[0, -1] / bound))
            else:
                instances.append(expectation(name, decide_upper_bound(gap[:, -1:], bound, ERROR_PROBABILITY)))
        return instances
