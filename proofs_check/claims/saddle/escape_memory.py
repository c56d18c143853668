"""How Rand-k with memory leaves a saddle at one step size: its growth in the axes and in any basis, and its time."""

from __future__ import annotations

from collections.abc import Mapping
from math import log, log1p, sqrt
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from problems.rotated import Rotated
from proofs_check.claim import Claim, Instance
from proofs_check.claims.saddle.escape_time import BASE, ETA, RADIUS, escape, noisy, saddle, times
from proofs_check.convergence import ERROR_PROBABILITY
from proofs_check.escape_laws import (
    log_growth,
    mean_growth,
    mean_path,
    memory_mean,
    memory_rate,
)
from proofs_check.sides import agreement, mean_equality
from proofs_check.statistics import mean_interval
from toolkit.algorithms.compressed_perturbed_sgd import CompressedPerturbedSGD
from toolkit.arrays import Array
from toolkit.compressors.rand_k import RandK
from toolkit.experiment import Experiment
from toolkit.rates import Estimate

if TYPE_CHECKING:
    import xarray

AVDIUKHIN = "Avdiukhin and Yaroslavtsev, NeurIPS 2021 (saddle_escape, A4)"
D = 64  # at the fixed step size


class MemoryGrowth(Claim):
    """Linear stability of error feedback at the saddle: the escape direction waits for its coordinate to be sent."""

    id = "A4-memory-rate"
    title = "With Rand-k and memory ln|x₁| grows by μ E ln(1 + aτ) per step, τ the wait of a coordinate: exactly"
    statement = (
        BASE + r",\ \xi_{t,1}=0,\ P(\tau=j)=\mu(1-\mu)^{j-1}\ \Rightarrow\ "
        r"\mathbb E\ln\frac{x_{t,1}}{x_{0,1}}=\mu\sum_{s=1}^t\mathbb E\ln(1+a\min(\tau,s))\approx\Lambda t,\qquad "
        r"\Lambda=\mu\,\mathbb E\ln(1+a\tau)"
    )
    reference = f"derived, beside {AVDIUKHIN}"
    kind = "identity"
    ks: ClassVar[Any] = (32, 16, 4, 1)
    start: ClassVar[float] = 1e-12  # of x_1: grown by at most 1.25^100
    steps: ClassVar[tuple[int, ...]] = (1, 10, 40, 100)
    runs: ClassVar[Mapping[str, int]] = {"quick": 200, "full": 1500}

    def law(self, mu: float) -> Array:
        """Return E ln(x_t/x_0) at the recorded steps."""
        return log_growth(mu, ETA, self.steps)

    def experiments(self, level: str) -> dict[str, Experiment]:
        problem = noisy(saddle(D, 1.0, 1 / 32), 1.0, "orthogonal")
        return {
            "runs": Experiment(
                problem, CompressedPerturbedSGD(radius=0.0), RandK(k=self.ks, common=True), stepsize=ETA,
                steps=self.steps[-1], runs=self.runs[level], x0=self.start * np.eye(D)[0], record=self.steps,
                keep=("x",),
            )
        }  # fmt: skip

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        instances = []
        for k in self.ks:
            x = data["runs"]["x"].sel(k=k).values[:, :, 0, 0]
            law, growth = self.law(k / D), np.log(x / self.start)
            rate = growth[:, -1].mean() / self.steps[-1]
            reason = f"after {self.steps[-1]} steps {rate:.4g} per step; Λ = {memory_rate(k / D, ETA):.4g}"
            instances.append(
                mean_equality(f"μ = {k}/{D}", growth, law, error_probability=ERROR_PROBABILITY, reason=reason)
            )
        return instances


class MemoryTime(Claim):
    """The escape time with Rand-k and memory at one fixed step size, from the saddle itself."""

    id = "A4-memory-time"
    title = "At a fixed step size Rand-k with memory leaves a saddle ln(1 + a)/Λ(μ) times as late, whatever the noise"
    statement = (
        BASE + r",\ \mathbb E\,\xi_{t,1}^2=v\ \Rightarrow\ \mathbb E\,T="
        r"\sum_{t\ge0}\mathbb E\operatorname{erf}\frac R{\eta\sqrt{2vV_t}},\quad "
        r"V\leftarrow(1+a\tau)^2V+\tau\text{ at every sending},\qquad "
        r"\frac{\partial\,\mathbb E\,T}{\partial\ln R}\to\frac1{\Lambda(\mu)}"
    )
    reference = f"derived, beside {AVDIUKHIN}"
    kind = "identity"
    ks: ClassVar[Mapping[str, tuple[int, ...]]] = {"quick": (64, 16, 8, 4), "full": (64, 32, 16, 8, 4, 2, 1)}
    kinds: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "quick": ("not Lipschitz", "orthogonal"),
        "full": ("isotropic", "not Lipschitz", "orthogonal"),
    }
    runs: ClassVar[Mapping[str, int]] = {"quick": 48, "full": 120}

    def variance(self, kind: str) -> float:
        """Return the variance of the noise along the escape direction: of ξ, and of isotropic samples with σ² = r²."""
        return RADIUS**2 / D * (1 if kind == "orthogonal" else 2)

    def law(self, kind: str, mu: float) -> tuple[float, float]:
        """Return E T and its standard error."""
        return memory_mean(mu, ETA, 1 / (ETA * sqrt(self.variance(kind))))

    def experiments(self, level: str) -> dict[str, Experiment]:
        return {
            f"{kind}, k={k}": fixed_step(kind, k, self.runs[level])
            for kind in self.kinds[level]
            for k in self.ks[level]
        }

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        instances = []
        for kind in self.kinds[level]:
            for k in self.ks[level]:
                law, error = self.law(kind, k / D)
                reason = (
                    f"the law's standard error is {error:.2g}; ln(1 + a)/Λ = {log1p(ETA) / memory_rate(k / D, ETA):.3g}"
                )
                instances.append(
                    mean_equality(
                        f"{kind}, μ = {k}/{D}", times(data[f"{kind}, k={k}"]), law,
                        error_probability=ERROR_PROBABILITY, reason=reason,
                    )
                )  # fmt: skip
        return instances


def fixed_step(kind: str, k: int, runs: int, turned: bool = False) -> Experiment:
    """Return the escapes at η = 1/4 of Rand-k with memory; with curvatures so small that all μ are stable."""
    problem = noisy(saddle(D, 1.0, 1 / 32), RADIUS**2, kind)
    rate = memory_rate(k / D, ETA)
    return escape(
        Rotated(problem, seed=1) if turned else problem, CompressedPerturbedSGD(radius=RADIUS),
        mean=log(1e6) / rate, rate=rate / 2, compressor=RandK(k=k, common=True), stepsize=ETA, runs=runs,
    )  # fmt: skip


class MeanGrowth(Claim):
    """The mean of x_1 does not depend on the basis; spread over many coordinates, the typical run follows it."""

    id = "A4-mean-growth"
    title = "In any basis E x₁ grows by the root z of a quadratic; in a turned one so does the typical run, to 3 %"
    statement = (
        BASE + r",\ \xi=0\ \Rightarrow\ \frac{\mathbb E\langle v_1,x_t\rangle}{\langle v_1,x_0\rangle}="
        r"\begin{pmatrix}1&0\end{pmatrix}\begin{pmatrix}1+\mu a&-\mu\\-(1-\mu)a&1-\mu\end{pmatrix}^t"
        r"\begin{pmatrix}1\\0\end{pmatrix}\sim z^t,\qquad z^2-(2-\mu+\mu a)z+1-\mu=0"
    )
    reference = f"derived, beside {AVDIUKHIN}"
    kind = "identity"
    ks: ClassVar[Any] = (32, 16, 4)
    steps: ClassVar[tuple[int, ...]] = (1, 10, 40, 60, 160)
    early: ClassVar[int] = 3  # steps at which means are compared: later a few runs make up the mean
    start: ClassVar[float] = 1e-12
    margin: ClassVar[float] = 0.03
    runs: ClassVar[Mapping[str, int]] = {"quick": 100, "full": 1000}

    def law(self, mu: float) -> Array:
        """Return E x_1 at the early steps, in units of the start."""
        return mean_path(mu, ETA, self.steps[: self.early])

    def experiments(self, level: str) -> dict[str, Experiment]:
        plain, axis = saddle(D, 1.0, 1 / 32), np.eye(D)[0]
        turned = Rotated(plain, seed=1)
        return {
            basis: Experiment(
                problem, CompressedPerturbedSGD(radius=0.0), RandK(k=self.ks, common=True), stepsize=ETA,
                steps=self.steps[-1], runs=self.runs[level], record=self.steps, keep=("x",),
                x0=self.start * direction,
            )
            for basis, problem, direction in (("axes", plain, axis), ("turned", turned, turned.back(axis)))
        }  # fmt: skip

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        instances = []
        for basis, experiment in self.experiments(level).items():
            direction = experiment.x0 / self.start
            for k in self.ks:
                along = data[basis]["x"].sel(k=k).values[:, :, 0] @ direction / self.start
                law = self.law(k / D)
                one = mean_equality(
                    f"mean, {basis}, μ = {k}/{D}", along[:, : self.early], law, error_probability=ERROR_PROBABILITY
                )
                instances.append(one)
                if basis == "turned":
                    instances.append(self.typical(k, along))
        return instances

    def typical(self, k: int, along: Array) -> Instance:
        """Judge the growth of ln|x_1| in late steps."""
        steps = self.steps[-1] - self.steps[-2]
        found = _estimate(np.log(abs(along[:, -1] / along[:, -2])) / steps, 1 - ERROR_PROBABILITY)
        target = float(np.log(mean_growth(k / D, ETA)))
        reason = f"in the axes of the saddle it would be Λ = {memory_rate(k / D, ETA):.4g}"
        name = f"typical run, turned, μ = {k}/{D}"
        return agreement(name, found, target, self.margin * target, runs=len(along), reason=reason)


def _estimate(samples: Array, confidence: float) -> Estimate:
    """Return the mean of independent samples as one number with its interval."""
    found = mean_interval(samples, 1 - confidence)
    return Estimate(float(found.value), float(found.low), float(found.high), confidence, found.basis)
