"""How fast do compressed runs leave a saddle, once they are pushed? By a factor per step, which a memory raises."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import log1p, sqrt
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from problems.quadratic import Quadratic
from problems.rotated import Rotated
from proofs_check.claim import Claim, Instance
from proofs_check.claims.saddle.compression_escape import (
    CURVATURES,
    ERROR_PROBABILITY,
    GAMMA,
    METHODS,
    REFERENCE,
    SCALE,
    START,
    WITH_MEMORY,
    D,
    horizon,
    saddle,
    second_moment,
    starts,
)
from proofs_check.sides import agreement, equality
from proofs_check.statistics import mean_interval
from toolkit.algorithms import Algorithm, State
from toolkit.algorithms.ef21 import EF21
from toolkit.algorithms.error_feedback import ErrorFeedback
from toolkit.arrays import Array
from toolkit.compressors import Compressor
from toolkit.compressors.natural import Natural
from toolkit.compressors.qsgd import QSGD
from toolkit.compressors.rand_k import RandK
from toolkit.compressors.scaled import Scaled
from toolkit.compressors.scaled_sign import ScaledSign
from toolkit.compressors.top_k import TopK
from toolkit.experiment import Experiment

if TYPE_CHECKING:
    import xarray


def growth_factor(delta: float, a: float, memory: bool) -> float:
    r"""Return by what ⟨v, x_t⟩ grows in the mean, of a compressor with E C(p) = δp, at a = ηγ.

    Without memory it is 1 + δa. With one, E⟨v, x⟩ and E⟨v, e⟩ follow a linear map of trace 2 − δ + δa and determinant
    1 − δ, whose larger eigenvalue it is.

    Examples
    --------
    >>> [round(growth_factor(0.25, 0.125, memory), 4) for memory in (False, True)], growth_factor(1.0, 0.125, True)
    ([1.0312, 1.0985], 1.125)
    """
    if not memory:
        return 1 + delta * a
    trace = 2 - delta + delta * a
    return (trace + sqrt(trace**2 - 4 * (1 - delta))) / 2


class Growth(Claim):
    """How fast a run that is off the stable subspace leaves: what turns the kick into a time."""

    id = "saddle-compressed-growth"
    title = "Off the stable subspace, |⟨v, x⟩| grows by 1 + δηγ a step without memory, and faster with one or EF21"
    statement = (
        r"\mathbb E\,C(p)=\delta p\ \Rightarrow\ \tfrac1t\ln\lvert\langle v,x_t\rangle\rvert\approx\ln s\ "
        r"(\pm3\,\%),\quad s=1+\delta\eta\gamma\text{ without memory};\quad "
        r"s^2-(2-\delta+\delta\eta\gamma)s+1-\delta=0\text{ with EF14 or EF21};\quad "
        r"t_{\text{escape}}\approx\ln(R/\text{kick})/\ln s"
    )
    reference = REFERENCE
    kind = "rate"
    margin: ClassVar[float] = 0.03
    stepsizes: ClassVar[Mapping[str, tuple[float, ...]]] = {"quick": (1 / 8,), "full": (1 / 32, 1 / 8)}
    e_folds: ClassVar[float] = 8.0
    burn_in: ClassVar[int] = 40  # steps, in which the stable part comes to its share of the whole
    runs: ClassVar[Mapping[str, int]] = {"quick": 120, "full": 400}
    compressors: ClassVar[Mapping[str, tuple[Compressor, float]]] = {
        "Rand-4": (RandK(k=4), 1 / 4),
        "QSGD, s = 2": (Scaled(QSGD(s=2)), 1 / 2),
        "natural": (Natural(), 1.0),
    }
    factor = staticmethod(growth_factor)

    def cases(self, level: str) -> dict[str, tuple[Experiment, float]]:
        """Return the experiments with the growth factor of each; v is both the start and the way out."""
        problem, found = saddle(rho=1e-40), {}
        for stepsize in self.stepsizes[level]:
            for name, (compressor, delta) in self.compressors.items():
                for how, method in METHODS.items():
                    s = self.factor(delta, stepsize * GAMMA, how in WITH_MEMORY)
                    end = self.burn_in + int(self.e_folds / np.log(s))
                    experiment = Experiment(
                        problem, method, compressor, stepsize=stepsize, steps=end, runs=self.runs[level],
                        x0=problem.back(START * np.eye(D)[0]), record=[self.burn_in, end], unproven=True,
                    )  # fmt: skip
                    found[f"{name}, {how}, η={stepsize:g}"] = experiment, s
        return found

    def experiments(self, level: str) -> dict[str, Experiment]:
        return {name: experiment for name, (experiment, _) in self.cases(level).items()}

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        instances = []
        for name, (experiment, s) in self.cases(level).items():
            logs = np.log(data[name].along.values)
            rates = (logs[:, 1] - logs[:, 0]) / (experiment.steps - self.burn_in)
            found = mean_interval(rates, ERROR_PROBABILITY)
            share = np.log(s) / log1p(experiment.stepsize * GAMMA)
            reason = f"{share:.3f} times as fast as descent, by the law"
            target = float(np.log(s))
            instances.append(agreement(name, found, target, self.margin * target, runs=len(rates), reason=reason))
        return instances


@dataclass(frozen=True, eq=False)
class Beyond:
    """A stop predicate: |⟨v, x⟩| ≥ R."""

    problem: Rotated

    def __call__(self, x: Array) -> Array:
        return abs(x[:, 0] @ self.problem.basis[0]) >= SCALE


class EscapeTime(Claim):
    """When Rand-k escapes: what pushes it, by exact second moments, and how fast that grows."""

    id = "saddle-rand-k-escape-time"
    title = "Rand-k escapes, in the mean, 0.635/ln s steps after its root mean square has come to the scale, to 5 %"
    statement = (
        r"\mathbb E\min\{t:\lvert\langle v,x_t\rangle\rvert\ge R\}\approx t_\ast+\frac{0.635}{\ln s}\ (\pm5\,\%),"
        r"\quad\mathbb E\langle v,x_{t_\ast}\rangle^2=R^2,\quad 0.635=-\mathbb E\ln\lvert z\rvert,\ z\sim N(0,1)"
    )
    reference = REFERENCE
    kind = "rate"
    margin: ClassVar[float] = 0.05
    shift: ClassVar[float] = (np.euler_gamma + np.log(2)) / 2
    stepsize: ClassVar[float] = 1 / 16
    settings: ClassVar[tuple[tuple[int, str], ...]] = ((4, "error feedback"), (8, "no memory"), (12, "no memory"))
    runs: ClassVar[Mapping[str, int]] = {"quick": 400, "full": 1500}

    def predicted(self, k: int, memory: bool) -> float:
        """Return the right side; ⟨v, x_t⟩ grows by s, which leads to t* in a few steps."""
        growth, t = np.log(growth_factor(k / D, self.stepsize * GAMMA, memory)), float(horizon(self.stepsize))
        for _ in range(4):
            t = round(t) - np.log(second_moment(k, self.stepsize, round(t), memory)) / (2 * growth)
        return float(t + self.shift / growth)

    def experiments(self, level: str) -> dict[str, Experiment]:
        problem = saddle(rho=1e-6)
        return {
            f"Rand-{k}, {how}": Experiment(
                problem, METHODS[how], RandK(k=k), stepsize=self.stepsize, steps=3 * horizon(self.stepsize),
                runs=self.runs[level], x0=starts(problem, 1)[0], stop=Beyond(problem), record=[0], unproven=True,
            )
            for k, how in self.settings
        }  # fmt: skip

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        instances = []
        for k, how in self.settings:
            name = f"Rand-{k}, {how}"
            target = self.predicted(k, how in WITH_MEMORY)
            times = np.where(data[name].status.values == "stopped", data[name].last_step.values, np.inf)
            found = mean_interval(times, ERROR_PROBABILITY)
            reason = f"{target * log1p(self.stepsize * GAMMA):.1f} e-folds of descent, by the law"
            instances.append(agreement(name, found, target, self.margin * target, runs=len(times), reason=reason))
        return instances


class FromMemory(ErrorFeedback):
    """Error feedback that does not start with an empty memory."""

    initial: Array

    def init(self, x: Any, oracle: Any, channel: Any, draw: Any) -> State:
        return State(x=x, memory=self.initial + 0 * oracle.per_worker(x))


class TwoMemories(Claim):
    """Why error feedback and EF21 leave a saddle at the same pace.

    Checked with deterministic compressors; of a random one both sides draw the same messages, one step apart.
    """

    id = "saddle-ef21-is-ef14"
    title = "On quadratics EF21's estimates are, but for the sign, iterates of error feedback, whatever the compressor"
    statement = (
        r"\nabla f_i(x)=A_ix-b_i\ \Rightarrow\ \frac1n\sum_ig_i^t=-X_{t+1},\ X\text{ the iterates of EF14 on }"
        r"\tfrac12x^\top A_ix\text{ from }X_0=0,\ e_i^0=\nabla f_i(x_0)"
    )
    reference = "derived; EF21 is that of Richtárik, Sokolov and Fatkhullin, 2021 (ef21_diana_choco, D1)"
    kind = "identity"
    compressors: ClassVar[Mapping[str, Compressor]] = {"Top-4": TopK(k=4), "scaled sign": ScaledSign()}
    estimates: ClassVar[Algorithm] = EF21()
    workers: ClassVar[int] = 3
    stepsize: ClassVar[float] = 0.125
    steps: ClassVar[Mapping[str, int]] = {"quick": 100, "full": 300}

    def experiments(self, level: str) -> dict[str, Experiment]:
        rng = np.random.default_rng(0)
        basis, more = saddle().basis, rng.standard_normal((self.workers, D, D)) / D
        hessians = basis.T @ np.diag(CURVATURES) @ basis + more + more.transpose(0, 2, 1)
        linear, x0 = rng.standard_normal((self.workers, D)), rng.standard_normal(D)
        memory = FromMemory(initial=hessians @ x0 - linear)
        every: dict[str, Any] = {"stepsize": self.stepsize, "record": "all", "limit": 1e290}
        steps, found = self.steps[level], {}
        for name, compressor in self.compressors.items():
            found[f"{name}, EF21"] = Experiment(
                Quadratic(hessians, linear), self.estimates, compressor, x0=x0, steps=steps, keep=("estimate",), **every
            )
            found[f"{name}, EF14"] = Experiment(
                Quadratic(hessians), memory, compressor, x0=np.zeros(D), steps=steps + 1, keep=("x",), **every
            )
        return found

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        instances = []
        for name in self.compressors:
            estimates = data[f"{name}, EF21"]["estimate"].values[0].mean(axis=1)
            iterates = data[f"{name}, EF14"]["x"].values[0, 1:, 0]
            # Each of t steps rounds products with d numbers and a few sums, at the size that has been reached.
            scale = np.maximum.accumulate(abs(iterates).max(axis=1)) * np.arange(1, len(iterates) + 1)
            reason = f"{len(iterates)} steps, in which they grow to {abs(iterates).max():.2g}"
            each = np.repeat(scale, D)
            instances.append(
                equality(name, -estimates.ravel(), iterates.ravel(), rounding=4 * D, scale=each, reason=reason)
            )
        return instances
