"""Which compressed methods leave a saddle at all: zeros that stay zeros, and Top-1 that looks elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from problems.noisy import Noisy
from problems.quadratic import Quadratic
from problems.saddles.strict_saddle import StrictSaddle
from proofs_check.claim import Claim, Instance
from proofs_check.sides import equality
from toolkit.algorithms import Algorithm
from toolkit.algorithms.compressed_sgd import CompressedSGD
from toolkit.algorithms.ef21 import EF21
from toolkit.algorithms.error_feedback import ErrorFeedback
from toolkit.arrays import Array
from toolkit.compressors import Compressor
from toolkit.compressors.natural import Natural
from toolkit.compressors.qsgd import QSGD
from toolkit.compressors.rand_k import RandK
from toolkit.compressors.scaled_sign import ScaledSign
from toolkit.compressors.top_k import TopK
from toolkit.experiment import Experiment

if TYPE_CHECKING:
    import xarray

REFERENCE = "derived, beside Avdiukhin and Yaroslavtsev, NeurIPS 2021 (saddle_escape, A4)"


class StableSubspace(Claim):
    """Aligned with the axes, a saddle's stable subspace is a set of zeros, which compressors that keep zeros keep."""

    id = "saddle-stable-subspace"
    title = "Aligned with the axes, compressors that keep zeros stay in a saddle's stable subspace: none ever escapes"
    statement = (
        r"\nabla f_j(x)=h_j'(x_j),\ h_1'(0)=0,\ x_{0,1}=0,\ \xi_{t,1}=0,\ C(p)_1=0\text{ if }p_1=0\ \Rightarrow\ "
        r"x_{t,1}=0\text{ for all }t:\ \mathbb P(\text{escape})=0"
    )
    reference = REFERENCE
    kind = "identity"
    compressors: ClassVar[Mapping[str, Compressor]] = {
        "top-k": TopK(k=2),
        "rand-k": RandK(k=2),
        "natural": Natural(),
        "sign": ScaledSign(zero=0),
        "QSGD": QSGD(s=4),
    }
    runs: ClassVar[Mapping[str, int]] = {"quick": 20, "full": 200}

    def problem(self) -> Any:
        """Return the saddle with noise in all directions but the escape direction, the first axis."""
        curvatures = np.concatenate([[-1.0], np.linspace(0.25, 1.0, 7)])
        return Noisy(StrictSaddle(curvatures), sigma_sq=1.0, avoiding=np.eye(8)[0])

    def methods(self, compressor: Compressor) -> dict[str, Algorithm]:
        """Return what runs with a compressor: without memory, and with one if it contracts."""
        found: dict[str, Algorithm] = {"without memory": CompressedSGD()}
        if compressor.constants(8).delta is not None:
            found |= {"error feedback": ErrorFeedback(), "EF21": EF21()}
        return found

    def experiments(self, level: str) -> dict[str, Experiment]:
        problem, steps = self.problem(), {"quick": 100, "full": 300}[level]
        return {
            f"{name}, {label}": Experiment(
                problem, method, compressor, stepsize=0.125, steps=steps, runs=self.runs[level],
                x0=np.append(0.0, np.ones(problem.dimension - 1)),
                record=range(0, steps + 1, 10), keep=("x",), unproven=True,
            )
            for name, compressor in self.compressors.items()
            for label, method in self.methods(compressor).items()
        }  # fmt: skip

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        instances = []
        for name, experiment in self.experiments(level).items():
            x = data[name]["x"].values[:, :, 0]
            escape = abs(x[..., 0]).max(axis=1)
            moved = abs(x[..., 1:] - x[:, :1, 1:]).max()
            reason = (
                f"{(escape > 0).sum()} of {len(x)} runs left the subspace in {experiment.steps} steps, in which the "
                f"other coordinates moved by up to {moved:.2g}; once zero is zero for ever"
            )
            instances.append(equality(name, escape, 0.0, rounding=0, reason=reason))
        return instances


def saddle(slope: float, workers: int = 2) -> Quadratic:
    """Return (x_2² − x_1²)/2, given to two workers with the slopes ± along x_2, or to one."""
    slopes = np.array([[0.0, slope], [0.0, -slope]])[:workers] * (workers - 1)
    return Quadratic(np.array([[-1.0, 1.0]] * workers), slopes, start=np.array([0.0, 0.0]))


class _OnThePlane(Claim):
    """A statement about x_1 on the two-dimensional saddle, at every step, for several starts at once."""

    reference = REFERENCE
    kind = "identity"
    compressor: ClassVar[Compressor] = TopK(k=1)
    stepsize: ClassVar[float] = 0.25
    slope: ClassVar[float] = 0.5
    starts: ClassVar[tuple[float, ...]] = (2.0**-4, 2.0**-7, 0.011, 0.003)
    steps: ClassVar[Mapping[str, int]] = {"quick": 250, "full": 2000}

    def run(self, method: Algorithm, workers: int, second: float, level: str) -> Experiment:
        """Return runs from (ε, x_2), one for each ε; they may grow."""
        x0 = np.array([[epsilon, second] for epsilon in self.starts])
        return Experiment(
            saddle(self.slope, workers), method, self.compressor, stepsize=self.stepsize, steps=self.steps[level],
            runs=len(x0), x0=x0, record="all", keep=("x",), limit=1e290, unproven=True,
        )  # fmt: skip

    def judge(self, name: str, x: Array, law: Array, reason: str) -> Instance:
        """Judge x_1 at every step of the law; a step rounds a sum, a product and what the memory or estimate adds."""
        t = np.arange(len(law))
        return equality(name, x[: len(law)], law, rounding=4, scale=np.maximum(t, 1) * law, reason=reason)


class Freeze(_OnThePlane):
    """Without memory: for ever if workers differ along x_2, else until x_2 has become small."""

    id = "saddle-top-1-freeze"
    title = "Top-1 without memory freezes the escape direction: for ever where workers differ across it"
    statement = (
        r"f_i=\tfrac12(x_2^2-x_1^2)\pm hx_2:\ x_0=(\varepsilon,0),\ \varepsilon<h\ \Rightarrow\ x_t=x_0;\qquad "
        r"h=0:\ x_0=(\varepsilon,1)\ \Rightarrow\ x_{t,1}=\varepsilon(1+\eta)^{\max(0,t-N)},\ "
        r"N=\min\{n:(1-\eta)^n\le\varepsilon\}"
    )
    method: ClassVar[Algorithm] = CompressedSGD()

    def experiments(self, level: str) -> dict[str, Experiment]:
        return {"two workers": self.run(self.method, 2, 0.0, level), "one worker": self.run(self.method, 1, 1.0, level)}

    def frozen(self, epsilon: float) -> int:
        """Return N."""
        n, rest = 0, Fraction(1)
        while rest > Fraction(epsilon):
            n, rest = n + 1, rest * (1 - Fraction(self.stepsize))
        return n

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        instances = []
        t = np.arange(self.steps[level] + 1)
        for run, epsilon in enumerate(self.starts):
            two, one = (data[name]["x"].values[run, :, 0] for name in ("two workers", "one worker"))
            reason = "x_2 stays 0, so that every step is the first one"
            law = np.full(two.size, epsilon) * np.tile([1.0, 0.0], len(two))
            instances.append(equality(f"two workers, ε={epsilon:.4g}", two.ravel(), law, rounding=0, reason=reason))
            N = self.frozen(epsilon)
            law = epsilon * (1 + self.stepsize) ** np.maximum(0, t - N)
            reason = f"frozen for {N} steps; every gradient step would have gained"
            instances.append(self.judge(f"one worker, ε={epsilon:.4g}", one[:, 0], law, reason))
        return instances


class Release(_OnThePlane):
    """With memory: after h/ε steps; with EF21's estimates: after one."""

    id = "saddle-memory-release"
    title = "A memory releases the direction that Top-1 freezes after ⌈h/ε⌉ steps; EF21 is one step behind descent"
    statement = (
        r"f_i=\tfrac12(x_2^2-x_1^2)\pm hx_2,\ x_0=(\varepsilon,0)\ \Rightarrow\ \text{EF14: }y_0=\varepsilon,\ "
        r"n_j=\left\lceil\tfrac h{y_j}\right\rceil,\ y_{j+1}=(1+\eta n_j)y_j,\ x_{t,1}=y_j\ "
        r"(n_0+\dots+n_{j-1}\le t<n_0+\dots+n_j,\ y_j<h);\qquad\text{EF21: }x_{t,1}=(1+\eta)^{t-1}\varepsilon"
    )
    memory: ClassVar[Algorithm] = ErrorFeedback()
    estimates: ClassVar[Algorithm] = EF21()

    def experiments(self, level: str) -> dict[str, Experiment]:
        return {"EF14": self.run(self.memory, 2, 0.0, level), "EF21": self.run(self.estimates, 2, 0.0, level)}

    def waits(self, epsilon: float) -> tuple[list[int], list[float]]:
        """Return the n_j and the y_j, as long as y_j < h."""
        y, h, eta = Fraction(epsilon), Fraction(self.slope), Fraction(self.stepsize)
        waits, levels = [], [float(y)]
        while y < h:
            waits.append(-int(-h // y))
            # The denominators would grow without end; 2^200 is finer than what is compared by far.
            y = Fraction(int(y * (1 + eta * waits[-1]) * 2**200), 2**200)
            levels.append(float(y))
        return waits, levels

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        instances = []
        t = np.arange(1, self.steps[level] + 1)
        for run, epsilon in enumerate(self.starts):
            waits, levels = self.waits(epsilon)
            path = np.append(np.repeat(levels[:-1], waits), levels[-1])
            reason = f"waits of {', '.join(map(str, waits))} steps until x_1 is h"
            x = data["EF14"]["x"].values[run, :, 0, 0]
            instances.append(self.judge(f"EF14, ε={epsilon:.4g}", x, path[: len(x)], reason))
            law = epsilon * (1 + self.stepsize) ** (t - 1)
            x = data["EF21"]["x"].values[run, 1:, 0, 0]
            instances.append(self.judge(f"EF21, ε={epsilon:.4g}", x, law, "the first step differs from descent's"))
        return instances
