"""What Rand-k's memory holds on gradients that do not depend on it, exactly and in simulation."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from problems.noisy import Noisy
from problems.quadratic import Quadratic
from proofs_check.claim import Claim, Instance
from proofs_check.convergence import ERROR_PROBABILITY, curve
from proofs_check.moments import Model, moments
from proofs_check.multipliers import multipliers
from proofs_check.open_loop import open_loop_memory, rand_k_memory, stationary_rand_k_memory
from proofs_check.sides import agreement, equality
from proofs_check.statistics import mean_interval
from toolkit.algorithms.error_feedback import ErrorFeedback
from toolkit.arrays import Array
from toolkit.compressors import Compressor
from toolkit.compressors.bernoulli import Bernoulli
from toolkit.compressors.rand_k import RandK
from toolkit.experiment import Experiment
from toolkit.rates import Estimate

if TYPE_CHECKING:
    import xarray

REFERENCE = "derived, beside Avdiukhin and Yaroslavtsev, NeurIPS 2021 (saddle_escape, A4)"
LOOP = r"e_{t+1}=e_t+g_t-C(e_t+g_t),\ e_0=0,\ C=\mathrm{Rand}_k,\ \mu=\tfrac kd,\ "
SHAPES = ((2, 1), (3, 2), (4, 1), (5, 3))  # d, k


class _Memory(Claim):
    """A statement about E‖e‖²/σ² in open loop."""

    reference = REFERENCE
    kind = "identity"
    kept: ClassVar[Any] = RandK  # from which the compressor of each k is made

    def law(self, mu: Any, c: Any, steps: int) -> Array:
        """Return the right side at every step."""
        return rand_k_memory(mu, c, steps)

    def limit(self, mu: float, c: float) -> float:
        """Return the right side in the limit."""
        return stationary_rand_k_memory(mu, c)

    def long_run(self, c: float, steps: int) -> list[Instance]:
        """Judge the limit where the recursion has come to it, in floating point."""
        instances = []
        for d, k in ((8, 1), (8, 4), (16, 15)):
            found = open_loop_memory(multipliers(self.kept(k=k), d), np.eye(d) / d, c, steps)[-1]
            # A step rounds at most ten times on the way to each moment and forgets a share μ of what was rounded
            # before; what E eg' has of it comes to E ee' once more.
            rounding = 20 * d / k
            reason = f"after {steps} steps, {(1 - k / d) ** steps:.1g} of the start is left"
            instances.append(
                equality(f"limit, d={d}, k={k}, c={c:g}", found, self.limit(k / d, c), rounding=rounding, reason=reason)
            )
        return instances


class White(_Memory):
    """Uncorrelated gradients; the recursion is that of error feedback on functions without curvature."""

    id = "A4-memory"
    title = "Rand-k's memory of uncorrelated gradients of mean zero tends to (1 − μ)σ²/μ, and is known at every step"
    statement = (
        LOOP + r"\mathbb E\langle g_t,g_s\rangle=\sigma^2[t=s]\ \Rightarrow\ "
        r"\mathbb E\lVert e_t\rVert^2=\frac{1-\mu}\mu\left(1-(1-\mu)^t\right)\sigma^2\to\frac{1-\mu}\mu\sigma^2"
    )

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        steps = {"quick": 8, "full": 16}[level]
        instances = []
        for d, k in SHAPES:
            flat = np.zeros((1, d, d), dtype=int) * Fraction(1)
            noise = np.eye(d, dtype=int)[None] * Fraction(1, d)
            of = Model(flat, flat[:, 0], noise, flat[0, 0])
            run = moments(of, multipliers(self.kept(k=k), d, Fraction), [Fraction(1)] * steps)
            law = self.law(Fraction(k, d), Fraction(0), steps)
            reason = f"{steps} steps in fractions; of error feedback on f = 0 with noise"
            instances.append(equality(f"d={d}, k={k}", run.memory_norm_sq, law, rounding=0, reason=reason))
        return instances + self.long_run(0.0, 600)


class Correlated(_Memory):
    """Gradients whose correlation falls geometrically, from alternating to constant."""

    id = "A4-memory-correlated"
    title = "With autocorrelation c^j Rand-k's memory tends to (1 − μ)/μ · (1 + 2(1 − μ)c/(1 − (1 − μ)c)) σ²"
    statement = (
        LOOP + r"\mathbb E\langle g_t,g_{t-j}\rangle=c^j\sigma^2\ \Rightarrow\ "
        r"\mathbb E\lVert e_t\rVert^2\to\frac{1-\mu}\mu\left(1+\frac{2(1-\mu)c}{1-(1-\mu)c}\right)\sigma^2"
    )
    correlations: ClassVar[tuple[Fraction, ...]] = tuple(map(Fraction, ("-1", "-1/2", "1/3", "9/10", "1")))

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        steps = {"quick": 12, "full": 30}[level]
        instances = []
        for c in self.correlations:
            for d, k in SHAPES:
                covariance = np.eye(d, dtype=int) * Fraction(1, d)
                run = open_loop_memory(multipliers(self.kept(k=k), d, Fraction), covariance, c, steps)
                law, reason = self.law(Fraction(k, d), c, steps), f"{steps} steps in fractions"
                instances.append(equality(f"d={d}, k={k}, c={c}", run, law, rounding=0, reason=reason))
            instances += self.long_run(float(c), 600)
        return [*instances, *(self.constant(d, k, steps) for d, k in SHAPES)]

    def constant(self, d: int, k: int, steps: int) -> Instance:
        """Judge c = 1 on two workers with opposite constant gradients, by the moments of error feedback itself."""
        flat = np.zeros((2, d, d), dtype=int) * Fraction(1)
        residuals = np.zeros((2, d), dtype=int) * Fraction(1)
        residuals[:, 0] = 1, -1
        by = multipliers(self.kept(k=k, common=True), d, Fraction)
        run = moments(Model(flat, residuals, flat, flat[0, 0]), by, [Fraction(1)] * min(steps, 12))
        law = self.law(Fraction(k, d), Fraction(1), min(steps, 12))
        reason = "error feedback on two opposite linear functions with common coordinates"
        return equality(f"opposite workers, d={d}, k={k}", run.memory_norm_sq, law, rounding=0, reason=reason)


class Simulated(_Memory):
    """The same laws in simulated runs of the method itself."""

    id = "A4-memory-simulated"
    title = "Simulated memories of Rand-k in open loop are those of the law to 3 %, and to 1.5 % in more runs"
    statement = (
        LOOP + r"\mathbb E\langle g_t,g_{t-j}\rangle=c^j\sigma^2\ \Rightarrow\ \left|\frac"
        r"{\mathbb E\lVert e_\infty\rVert^2}{\frac{1-\mu}\mu\left(1+\frac{2(1-\mu)c}{1-(1-\mu)c}\right)\sigma^2}"
        r"-1\right|\le0.03"
    )
    d: ClassVar[int] = 64
    burn_in: ClassVar[Mapping[str, int]] = {"quick": 60, "full": 100}  # steps; for μ = 1/4 it leaves 3e-8 and 3e-13
    correlations: ClassVar[Mapping[str, tuple[float, ...]]] = {"quick": (0.5,), "full": (-0.5, 0.0, 0.5, 0.9)}
    runs: ClassVar[Mapping[str, int]] = {"quick": 500, "full": 1500}
    margin: ClassVar[Mapping[str, float]] = {"quick": 0.03, "full": 0.015}

    def compressors(self) -> dict[str, tuple[Compressor, float]]:
        """Return compressors with their μ: of coins the law is the same."""
        return {
            "rand-k, k = d/4": (self.kept(k=self.d // 4), 0.25),
            "rand-k, k = d/2": (self.kept(k=self.d // 2), 0.5),
            "coins, p = 1/4": (Bernoulli(p=0.25), 0.25),
        }

    def experiments(self, level: str) -> dict[str, Experiment]:
        burn_in = self.burn_in[level]
        steps = 3 * burn_in
        flat = Quadratic(np.zeros((1, self.d)), start=np.zeros(self.d))
        return {
            f"{name}, c = {c:g}": Experiment(
                Noisy(flat, 1.0, autocorrelation=c), ErrorFeedback(), compressor, stepsize=1.0, steps=steps,
                runs=self.runs[level], record=range(burn_in, steps + 1, 4),
            )
            for c in self.correlations[level]
            for name, (compressor, _) in self.compressors().items()
        }  # fmt: skip

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        instances = []
        for c in self.correlations[level]:
            for name, (_, mu) in self.compressors().items():
                memory = curve(data[f"{name}, c = {c:g}"], "memory_norm_sq")
                law = self.limit(mu, c)
                found = mean_interval(memory[:, 1:].mean(axis=1), ERROR_PROBABILITY)
                value, low, high = (float(one) for one in (found.value, found.low, found.high))
                judged = Estimate(value, low, high, found.confidence, found.basis)
                reason = f"mean over steps {self.burn_in[level]} to {3 * self.burn_in[level]}"
                instances.append(
                    agreement(
                        f"{name}, c = {c:g}", judged, law, self.margin[level] * law, runs=len(memory), reason=reason
                    )
                )
        return instances
