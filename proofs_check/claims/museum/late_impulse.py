"""Sahu et al., NeurIPS 2021: the instance that ends the optimality of a constant threshold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from problems.counterexamples.late_impulse import LateImpulse
from proofs_check.claim import Claim, Instance
from proofs_check.sides import equality
from toolkit.algorithms.error_feedback import ErrorFeedback
from toolkit.compressors.hard_threshold import HardThreshold
from toolkit.experiment import Experiment
from toolkit.parameters import Schedule

if TYPE_CHECKING:
    import xarray

REFERENCE = "Sahu et al., NeurIPS 2021, total-error model with error feedback (S-a4, derived)"
STEPS = (2, 11, 100)


@dataclass(frozen=True)
class AtOnce(Schedule):
    """A threshold that lets everything of 1 or more through in the first step, and nothing later."""

    def __call__(self, step: int) -> float:
        return 1.0 if step <= 1 else 1e6


class ConstantThreshold(Claim):
    """A run of error feedback with a constant threshold holds on to the early impulse until the end."""

    id = "late-impulse"
    title = "With one send, error feedback with a constant threshold loses T where 9/4 is enough"
    statement = (
        r"g_1=(1,0),\ g_t=0,\ g_T=(0,\tfrac32),\ 1<\lambda\le\tfrac32\ \Rightarrow\ "
        r"\sum_t\lVert p_t-C_\lambda(p_t)\rVert^2=T,\quad\text{with one send}"
    )
    reference = REFERENCE
    kind = "counterexample"
    thresholds: ClassVar[Any] = (1.0001, 1.25, 1.5)

    def experiments(self, level: str) -> dict[str, Experiment]:
        return {
            f"T = {T}, {early} early": Experiment(
                LateImpulse(T, early), ErrorFeedback(), HardThreshold(raw=self.thresholds), stepsize=1.0, steps=T,
                batch=1, keep=("x",),
            )
            for T in STEPS
            for early in (1, 3)
        }  # fmt: skip

    def law(self, problem: LateImpulse) -> float:
        return problem.law()

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        instances = []
        for name, experiment in self.experiments(level).items():
            lost = data[name]["total_error"].isel(step=-1).values.ravel()
            moved = (data[name]["x"].isel(step=-1).values != 0).sum(axis=-1).ravel()  # whatever was sent has moved x
            reason = f"coordinates sent: {sorted(set(moved.tolist()))}"
            instances.append(equality(name, lost, self.law(experiment.problem), rounding=0, reason=reason))
        return instances


class Repair(ConstantThreshold):
    """A threshold that varies in time sends the early impulse and pays the optimum."""

    id = "late-impulse-repair"
    title = "A threshold that knows when loses 9/4 on the same instance"
    statement = (
        r"\lambda_1=1,\ \lambda_t=\infty\ (t>1)\ \Rightarrow\ \sum_t\lVert p_t-C_{\lambda_t}(p_t)\rVert^2=\tfrac94"
    )
    reference = REFERENCE
    kind = "identity"
    thresholds = AtOnce()

    def law(self, problem: LateImpulse) -> float:
        return problem.optimum()
