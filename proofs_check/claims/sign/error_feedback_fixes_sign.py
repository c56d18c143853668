"""Karimireddy et al., 'Error feedback fixes SignSGD', ICML 2019: the scaled sign's density, and the memory's bounds."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil, log, sqrt
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from proofs_check.claim import Claim, Instance
from proofs_check.convergence import ERROR_PROBABILITY, curve
from proofs_check.ensembles import TOP_K, constant_gradients, ensembles, paths
from proofs_check.enumeration import Script
from proofs_check.extremal import Shrink
from proofs_check.panel import integers, panel
from proofs_check.paths import cells, gradient_samples
from proofs_check.sides import equality, expectation, inequality
from proofs_check.statistics import decide_upper_bound, mean_interval
from toolkit.algorithms.error_feedback import ErrorFeedback
from toolkit.arrays import Array
from toolkit.compressors import Compressor
from toolkit.compressors.qsgd import QSGD
from toolkit.compressors.rand_k import RandK
from toolkit.compressors.scaled import Scaled
from toolkit.compressors.scaled_sign import ScaledSign
from toolkit.compressors.top_k import TopK
from toolkit.experiment import Experiment

if TYPE_CHECKING:
    import xarray

REFERENCE = "Karimireddy, Rebjock, Stich and Jaggi, ICML 2019"
DELTAS = (0.05, 0.3, 0.7)


class SignDensity(Claim):
    """The scaled sign's error in closed form, with either convention for the sign of zero."""

    id = "S-d0"
    title = "The scaled sign loses 1 − φ, φ its density, and less where exact zeros stay zero"
    statement = (
        r"\left\lVert v-\frac{\lVert v\rVert_1}d\mathrm{sign}(v)\right\rVert^2=(1-\phi(v))\lVert v\rVert^2"
        r"-\frac{z\lVert v\rVert_1^2}{d^2},\qquad\phi(v)=\frac{\lVert v\rVert_1^2}{d\lVert v\rVert_2^2},\qquad "
        r"z=\#\{j:\mathrm{sign}(v_j)=0\}"
    )
    reference = f"{REFERENCE} (S-d0)"
    kind = "identity"
    compressor: ClassVar[type[ScaledSign]] = ScaledSign

    def check(self, data: Mapping[str, Any], level: str) -> list[Instance]:
        instances = []
        for d in (2, 10, 1000):
            vectors = panel(d, _count(level), _sign_extremes(d))
            x = vectors.x[:, 0]
            norm_sq, norm_1 = (x**2).sum(axis=1), abs(x).sum(axis=1)
            for zero in (1, 0):
                error = ((self.compressor(zero=zero).compress(x[:, None])[:, 0] - x) ** 2).sum(axis=1)
                kept_zeros = 0 if zero else (x == 0).sum(axis=1)
                formula = norm_sq - norm_1**2 / d - kept_zeros * norm_1**2 / d**2
                name = f"sign(0) = {zero}, d={d}"
                # Both sides are differences of sums of d terms of this size.
                scale = norm_sq + norm_1**2 / d
                instances.append(equality(name, error, formula, rounding=d, scale=scale, kinds=vectors.kinds))
        return instances


class SignContraction(Claim):
    """The scaled sign's contraction constant 1/d, and where the density takes its two ends."""

    id = "S-d0-range"
    title = "The scaled sign has δ = 1/d, attained by 1-sparse vectors; constant magnitude loses nothing"
    statement = (
        r"\left\lVert v-\frac{\lVert v\rVert_1}d\mathrm{sign}(v)\right\rVert^2"
        r"\le\left(1-\frac1d\right)\lVert v\rVert^2,\qquad "
        r"\phi=\frac1d\text{ iff }v\text{ is 1-sparse},\qquad "
        r"\phi=1\text{ iff }\lvert v_1\rvert=\dots=\lvert v_d\rvert"
    )
    reference = f"{REFERENCE} (S-d0)"
    kind = "tight"
    expected = "tight"
    compressor: ClassVar[type[ScaledSign]] = ScaledSign

    def check(self, data: Mapping[str, Any], level: str) -> list[Instance]:
        instances = []
        for d in (2, 10, 1000):
            vectors = panel(d, _count(level), _sign_extremes(d))
            for zero in (1, 0):
                error = ((self.compressor(zero=zero).compress(vectors.x) - vectors.x) ** 2).sum(axis=(1, 2))
                bound = (1 - 1 / d) * (vectors.x**2).sum(axis=(1, 2))
                name = f"sign(0) = {zero}, d={d}"
                instances.append(inequality(name, error, bound, rounding=d, kinds=vectors.kinds))
        # For d a power of two and integers, everything is exact.
        for d in (2, 4):
            x = np.concatenate([integers(d, 32 * _count(level)), 2 * np.ones((1, 1, d)), -3.0 * np.eye(d)[:, None]])
            x = x[(x != 0).any(axis=(1, 2))]
            density = 1 - ((self.compressor(zero=1).compress(x) - x) ** 2).sum(axis=(1, 2)) / (x**2).sum(axis=(1, 2))
            ends = {
                "φ = 1/d": (density == 1 / d, (x != 0).sum(axis=(1, 2)) == 1),
                "φ = 1": (density == 1, (abs(x) == abs(x[..., :1])).all(axis=(1, 2))),
            }
            for end, (there, predicted) in ends.items():
                found, both = there.sum(), (there & predicted).sum()
                reason = f"{found} of {len(x)} vectors of integers, {both} of them as stated"
                sides = [found, both], [predicted.sum()] * 2
                instances.append(equality(f"where {end}, d={d}", *sides, rounding=0, reason=reason))
        return instances


def _count(level: str) -> int:
    return {"quick": 32, "full": 1024}[level]


def _sign_extremes(d: int) -> dict[str, Array]:
    nearly = np.full(d, 1e-12)
    nearly[0] = 1.0
    return {
        "a 1-sparse vector": 0.7 * np.eye(d)[:3],
        "constant magnitude": np.full(d, -0.3),
        "one large entry and no zero": nearly,
    }


class _MemoryBound(Claim):
    """A bound on the memory of error feedback with a relative compressor."""

    extremal: ClassVar[type[Shrink]] = Shrink
    compressors: ClassVar[Mapping[str, Compressor]] = {}

    def constant(self, delta: float) -> float:
        """Return the factor of γ²σ², or of γ²G²: q²/(1 − q)²."""
        q = sqrt(1 - delta)
        return (q / (1 - q)) ** 2

    def extremal_experiments(self) -> dict[str, Experiment]:
        """Return constant gradients with the extremal compressor, long enough to reach the limit to rounding."""
        return {
            "constant gradients, C(p) = (1 − q)p": Experiment(
                constant_gradients(2, 3),
                ErrorFeedback(),
                self.extremal(delta=DELTAS),
                stepsize=0.5,
                steps=ceil(80 / -log(1 - min(DELTAS))),  # q^T = e^−40 for the largest q
                record="all",
                keep=("x", "memory"),
            )
        }


def delta_of(experiment: Experiment) -> float:
    """Return δ of the compressor of an experiment."""
    problem = experiment.problem
    delta: Any = experiment.compressor.constants(problem.dimension, problem.workers).delta
    return float(delta)


class _ErrorLemma(_MemoryBound):
    """A bound on E‖e_t‖² from one on E‖g_t‖²; for n workers both are means over the workers."""

    reference = f"{REFERENCE}, Lemma 3 (S-d1)"
    compressors: ClassVar[Mapping[str, Compressor]] = {
        "Top-2": TopK(k=2),
        "Rand-2": RandK(k=2),
        "scaled sign": ScaledSign(),
        "scaled QSGD": Scaled(QSGD(s=1)),
    }

    def experiments(self, level: str) -> dict[str, Experiment]:
        return self.extremal_experiments() | ensembles(self.compressors, level)

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        instances = [self._aligned_rand_1({"quick": 12, "full": 18}[level])]
        for name, experiment, result in cells(self.experiments(level), data):
            gamma, constant = experiment.stepsize, self.constant(delta_of(experiment))
            memory_sq = curve(result, "memory_norm_sq")[:, 1:]
            gradient_sq = (gradient_samples(experiment, result) ** 2).sum(axis=-1).mean(axis=-1)
            if len(memory_sq) == 1:
                bound = constant * gamma**2 * np.maximum.accumulate(gradient_sq, axis=1)
                instances.append(inequality(name, memory_sq, bound, rounding=_rounding(experiment), reason="σ² exact"))
                continue
            known = _known_second_moment(experiment.problem)
            if known is not None:
                sigma_sq, spent = np.full(memory_sq.shape[1], known), 0.0
                reason = f"σ² = {known:.6g} known before the run"
            else:
                spent = ERROR_PROBABILITY / 2
                sigma_sq = np.maximum.accumulate(mean_interval(gradient_sq, spent, simultaneous=True).high)
                reason = f"σ² read off the run, upper confidence limit at most {sigma_sq[-1]:.4g}"
            bound = constant * gamma**2 * sigma_sq
            decision = decide_upper_bound(memory_sq, bound, ERROR_PROBABILITY - spent)
            instances.append(expectation(name, decision, error_probability=ERROR_PROBABILITY, reason=reason))
        return instances

    def _aligned_rand_1(self, steps: int) -> Instance:
        """Follow all 2^T paths of Rand-1 in the plane, each gradient along the memory: worst for a random C."""
        compressor, gamma, sigma = RandK(k=1), 0.5, 2.0
        path = np.arange(2**steps)
        memory = np.zeros((len(path), 1, 2))
        memory_sq, gradient_sq = [], []
        for step in range(steps):
            spread = np.sqrt((memory**2).sum(axis=-1).mean())
            gradient = sigma * memory / spread if step else np.broadcast_to([sigma, 0.0], memory.shape)
            keeps_first = (path >> step) % 2 == 0
            masks = np.stack([keeps_first, ~keeps_first], axis=-1)[:, None]
            _, memory, _ = compressor.message_with_memory(memory, gradient, gamma, Script(masks))
            memory_sq.append((memory**2).sum(axis=-1).mean())
            gradient_sq.append((gradient**2).sum(axis=-1).mean())
        bound = self.constant(0.5) * gamma**2 * np.maximum.accumulate(gradient_sq)
        reason = f"expectations over all {len(path)} paths"
        name = f"Rand-1, d=2, g = σe/√E‖e‖², T={steps}"
        return inequality(name, memory_sq, bound, rounding=len(path), reason=reason)


def _known_second_moment(problem: Any) -> float | None:
    """Return (1/n) Σ E‖g_i‖² where it is the same at every x: Hessians zero, noise declared."""
    hessians = getattr(problem, "hessians", None)
    if hessians is None or hessians.any():
        return None
    return float((problem.linear**2).sum(axis=-1).mean() + problem.sigma_sq)


def _rounding(experiment: Experiment) -> float:
    """Return the allowance of a recursion e ← q(e + γg): four roundings per step, forgotten like the memory itself."""
    return 4 / (1 - sqrt(1 - delta_of(experiment)))


class ErrorLemma(_ErrorLemma):
    """The printed bound of the memory."""

    id = "S-d1"
    title = "The memory's second moment is bounded by that of the gradients, as printed"
    statement = (
        r"E\lVert g_t\rVert^2\le\sigma^2\ \Rightarrow\ "
        r"E\lVert e_t\rVert^2\le\frac{4(1-\delta)}{\delta^2}\gamma^2\sigma^2"
    )
    kind = "upper bound"

    def constant(self, delta: float) -> float:
        return 4 * (1 - delta) / delta**2


class SharpErrorLemma(_ErrorLemma):
    """The same with the smallest constant."""

    id = "S-d1-sharp"
    title = "The memory's second moment is bounded by that of the gradients, sharp constant"
    statement = (
        r"E\lVert g_t\rVert^2\le\sigma^2\ \Rightarrow\ E\lVert e_t\rVert^2\le\frac{q^2}{(1-q)^2}\gamma^2\sigma^2,"
        r"\qquad q=\sqrt{1-\delta}"
    )
    kind = "tight"
    expected = "tight"


class PathwiseMemory(_MemoryBound):
    """The memory's bound on every path of every worker, for a deterministic compressor."""

    id = "S-d2"
    title = "On every path the memory is bounded by the largest gradient"
    statement = (
        r"\lVert g_t\rVert\le G,\ \lVert C(p)-p\rVert^2\le(1-\delta)\lVert p\rVert^2\ \Rightarrow\ "
        r"\lVert e_t\rVert\le\frac{\sqrt{1-\delta}}{1-\sqrt{1-\delta}}\gamma G"
    )
    reference = f"{REFERENCE} (S-d2)"
    kind = "tight"
    expected = "tight"
    compressors: ClassVar[Mapping[str, Compressor]] = {
        "Top-k": TOP_K,
        "scaled sign": ScaledSign(),
    }

    def experiments(self, level: str) -> dict[str, Experiment]:
        return self.extremal_experiments() | paths(self.compressors, level)

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        instances = []
        for name, experiment, result in cells(self.experiments(level), data):
            memory = np.linalg.norm(result["memory"].values[:, 1:], axis=-1)
            largest = np.maximum.accumulate(np.linalg.norm(gradient_samples(experiment, result), axis=-1), axis=1)
            bound = sqrt(self.constant(delta_of(experiment))) * experiment.stepsize * largest
            reason = f"G read off each of {memory.shape[0] * memory.shape[2]} paths"
            instances.append(inequality(name, memory, bound, rounding=_rounding(experiment), reason=reason))
        return instances
