"""Sahu et al., NeurIPS 2021: with a hard threshold, workers that differ pay in bits, by a law of whole numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from problems.quadratic import Quadratic
from proofs_check.claim import Claim, Instance
from proofs_check.claims.total_error.heterogeneity import (
    SCALES,
    STEPS,
    THRESHOLD,
    Counted,
    K,
    late_sends,
    threshold_runs,
    unlike_workers,
)
from proofs_check.sides import agreement, equality
from proofs_check.statistics import mean_interval
from toolkit.algorithms import Algorithm
from toolkit.algorithms.error_feedback import ErrorFeedback
from toolkit.arrays import Array
from toolkit.draws import Draw
from toolkit.experiment import Experiment

if TYPE_CHECKING:
    import xarray

__all__ = ["predicted_sends"]

REFERENCE = "Sahu et al., NeurIPS 2021"
UNIT = 1 / 64  # gradients, λ and γ are such small dyadic numbers that no sum of them is ever rounded
MARGIN = 0.01
ERROR_PROBABILITY = 1e-3


def periods(lam: float, gradients: Array) -> Array:
    """Return ⌈λ/|g|⌉, after how many steps an entry is sent, again and again; infinite for an entry 0."""
    with np.errstate(divide="ignore"):
        return np.ceil(lam / np.abs(gradients))


def predicted_sends(lam: float, gradients: Array) -> float:
    """Return the mean number of sends per step and worker by S-a9, for constant gradients, shape ``(worker, d)``."""
    return float((1 / periods(lam, gradients)).sum(axis=1).mean())


class Frozen(Claim):
    """At constant gradients every entry is sent like clockwork."""

    id = "S-a9"
    title = "At constant gradients the threshold sends every entry at a fixed period, and the memory is a sawtooth"
    statement = (
        r"g^i_t\equiv g^i\ \Rightarrow\ "
        r"\sum_{s\le t}\lVert C(p^i_s)\rVert_0=\sum_j\left\lfloor\frac t{m_{ij}}\right\rfloor"
        r",\qquad(e^i_t)_j=\gamma\,(t\ \mathrm{mod}\ m_{ij})\,g^i_j,\qquad "
        r"m_{ij}=\left\lceil\frac\lambda{\lvert g^i_j\rvert}\right\rceil"
    )
    reference = f"{REFERENCE} (S-a9)"
    kind = "identity"
    method: ClassVar[type[Algorithm]] = ErrorFeedback
    lam: ClassVar[float] = 1.0
    gamma: ClassVar[float] = 0.125

    def gradients(self) -> dict[str, Array]:
        """Return constant gradients, shape ``(worker, d)``: of any size, and where the law jumps."""
        any_size = UNIT * np.round(Draw(seed=0, workers=4).per_worker.uniform(12)[0] * 192 - 96)
        around = np.array([round(1 / (m * UNIT)) for m in (1, 2, 3, 4, 5, 7)]) * UNIT
        jumps = np.concatenate([around, around + UNIT, around - UNIT, [0.0, UNIT, -self.lam, 4.0]])
        return {"gradients of any size": any_size, "gradients where a period jumps": np.stack([jumps, -jumps[::-1]])}

    def experiments(self, level: str) -> dict[str, Experiment]:
        return {
            name: Experiment(
                Quadratic(np.zeros(g.shape), -g),
                self.method(),
                Counted(lam=self.lam),
                stepsize=self.gamma,
                steps={"quick": 240, "full": 2400}[level],
                record="all",
                keep=("memory",),
            )
            for name, g in self.gradients().items()
        }

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        instances = []
        for name, g in self.gradients().items():
            t = data[name].step.values[:, None, None]
            m = periods(self.lam, g)
            counted = data[name]["bits_up"].values[0]
            law = np.floor(t / m).sum(axis=2).mean(axis=1)
            with np.errstate(invalid="ignore"):
                phase = np.where(np.isinf(m), t, t % m)
            rate = f"{counted[-1] / t[-1].item():.4g} per step, S-a9 says {predicted_sends(self.lam, g):.4g}"
            instances.append(equality(f"sends, {name}", counted, law, rounding=0, reason=rate))
            memory = data[name]["memory"].values[0]
            reason = f"every coordinate of {memory.shape[1]} workers at {memory.shape[0]} steps"
            sawtooth = self.gamma * phase * g
            instances.append(equality(f"memory, {name}", memory, sawtooth, rounding=0, reason=reason))
        return instances


class ClosedLoop(Claim):
    """While the iterate moves about the minimiser, the law holds nearly."""

    id = "S-a9-closed"
    title = "Around the minimiser of workers that differ, the threshold sends what S-a9 says, within 1 %"
    statement = (
        r"\frac1n\sum_i\frac2T\sum_{T/2<t\le T}\lVert C(p^i_t)\rVert_0=(1\pm0.01)\,"
        r"\frac1n\sum_i\sum_j\frac1{\lceil\lambda/\lvert s\,b_{ij}\rvert\rceil},\qquad s\ge1"
    )
    reference = f"{REFERENCE} (S-a9, S-a10)"
    kind = "rate"

    def scales(self, level: str) -> tuple[float, ...]:
        """Return s."""
        return SCALES[level]

    def experiments(self, level: str) -> dict[str, Experiment]:
        return {"every s": threshold_runs(self.scales(level), STEPS[level])}

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        sends = late_sends(data["every s"])
        instances = []
        for s, runs in zip(self.scales(level), sends.T, strict=True):
            law = predicted_sends(THRESHOLD, s * unlike_workers().linear)
            interval = mean_interval(runs, ERROR_PROBABILITY)
            reason = f"{runs.mean() / K:.3g} times what Top-{K} sends"
            name = f"eight unlike workers, s = {s:g}"
            instances.append(agreement(name, interval, law, MARGIN * law, runs=len(runs), reason=reason))
        return instances
