"""How Rand-k with memory leaves a saddle: its growth, its time at a fixed step size, and at the largest allowed one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, log, log1p, sqrt
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from problems.rotated import Rotated
from proofs_check.claim import Claim, Instance
from proofs_check.claims.saddle.escape_time import BASE, CONFIDENCE, ETA, RADIUS, escape, noisy, saddle, times
from proofs_check.convergence import ERROR_PROBABILITY
from proofs_check.escape_laws import (
    every_step_mean,
    gradient_sq,
    largest_step,
    log_growth,
    mean_growth,
    mean_path,
    memory_mean,
    memory_rate,
)
from proofs_check.moments import Model, stationary
from proofs_check.multipliers import multipliers
from proofs_check.sides import agreement, equality, expectation, mean_equality
from proofs_check.statistics import decide_upper_bound, mean_interval
from toolkit.algorithms.compressed_perturbed_sgd import CompressedPerturbedSGD
from toolkit.arrays import Array
from toolkit.compressors.rand_k import RandK
from toolkit.experiment import Experiment
from toolkit.rates import Estimate, slope

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
    runs: ClassVar[Mapping[str, int]] = {"quick": 48, "full": 200}

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


@dataclass(frozen=True)
class Tuned:
    """An escape with a step size that belongs to ε and μ, with L = 1, γ = √(ρε) and a share of the noise injected.

    Parameters
    ----------
    noise : str
        One of the kinds.
    d, k : int
        Dimension, and coordinates sent.
    epsilon : float
        ε.
    injected : float
        r², beside σ² = 1/2.
    stepsize : float, optional
        η; by default the largest for which E‖∇f‖² ≤ ε².
    """

    noise: str
    d: int
    k: int
    epsilon: float
    injected: float = 0.5
    stepsize: float | None = None

    rho: ClassVar[float] = 1 / 16
    sigma_sq: ClassVar[float] = 0.5
    near: ClassVar[float] = 0.5  # R in γ/ρ, where the quartic has cost 0.3 % of an e-fold

    @property
    def gamma(self) -> float:
        return sqrt(self.rho * self.epsilon)

    @property
    def eta(self) -> float:
        share = self.epsilon**2 / (self.sigma_sq + self.injected)
        return float(largest_step(self.k / self.d, share)) if self.stepsize is None else self.stepsize

    @property
    def reach(self) -> float:
        """R/(η√v)."""
        variance = (self.injected + (0 if self.noise == "orthogonal" else self.sigma_sq)) / self.d
        return self.near * self.gamma / self.rho / (self.eta * sqrt(variance))

    @property
    def rate(self) -> float:
        """Λ."""
        return memory_rate(self.k / self.d, self.eta * self.gamma)

    @property
    def mean(self) -> float:
        """About E T: that without a compressor, at the growth with one, which is right to 5 % while ηγ < μ/4."""
        a = self.eta * self.gamma
        return float(every_step_mean(a, self.reach)) * log1p(a) / self.rate

    def experiment(self, runs: int) -> Experiment:
        return escape(
            noisy(saddle(self.d, self.gamma, 1.0, self.rho), self.sigma_sq, self.noise),
            CompressedPerturbedSGD(radius=sqrt(self.injected)), mean=self.mean, rate=self.rate,
            distance=self.near * self.gamma / self.rho, compressor=RandK(k=self.k, common=True), stepsize=self.eta,
            runs=runs,
        )  # fmt: skip


class LargestStep(Claim):
    """The stationary gradient of Rand-k with memory, which says how large a step may be: smaller from μ ≈ 2ε²/σ² on."""

    id = "A4-largest-step"
    title = "Where it settles, Rand-k with memory has E‖∇f‖² = bσ²/(2 − b(2 − μ)/μ), b = ηL: exactly"
    statement = (
        r"\nabla^2f=L\,I,\ b=\eta L<\tfrac{2\mu}{2-\mu}\ \Rightarrow\ "
        r"\mathbb E\lVert\nabla f(x_\infty)\rVert^2=\frac{b\,\sigma^2}{2-b\frac{2-\mu}\mu},\quad\text{so}\quad"
        r"\mathbb E\lVert\nabla f\rVert^2\le\epsilon^2\iff\eta L\le"
        r"\frac{2\epsilon^2}{\sigma^2+\epsilon^2\frac{2-\mu}\mu}"
    )
    reference = f"derived, beside {AVDIUKHIN}"
    kind = "identity"
    shapes: ClassVar[tuple[tuple[int, int], ...]] = ((2, 1), (3, 1), (3, 2), (4, 1), (4, 4))  # d, k

    def law(self, mu: Any, step: Any) -> Any:
        """Return E‖∇f‖²/σ²."""
        return gradient_sq(mu, step)

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        instances = []
        for d, k in self.shapes[: None if level == "full" else 3]:
            mu, one = Fraction(k, d), np.eye(d, dtype=int)[None] * Fraction(1)
            of = Model(one, one[:, 0] * 0, one / d, one[0, 0])
            found, law, back = [], [], []
            for part in (Fraction(1, 10), Fraction(1, 2), Fraction(9, 10)):  # of the largest stable step
                step = part * 2 * mu / (2 - mu)
                found.append(stationary(of, multipliers(RandK(k=k), d, Fraction), step).grad_norm_sq[-1])
                law.append(self.law(mu, step))
                back.append(largest_step(mu, law[-1]) - step)
            reason = "in fractions, at 0.1, 0.5 and 0.9 of the largest stable step"
            name = f"d={d}, k={k}"
            instances.append(equality(name, [*found, *back], [*law, 0, 0, 0], rounding=0, reason=reason))
        return instances


class BreakEven(Claim):
    """Down to the published break-even Rand-k takes as many steps as without compression, both with their best step.

    The largest step that keeps E‖∇f‖² ≤ ε² falls with μ only from about 2ε²/σ² on, far below ε^(3/4): so the time is at
    most 1 + O(ε^(5/4)) times as long at the break-even (derived). Not Lipschitz, with the theorem's r² = dσ², both
    sides are slower by the factor d, which the radius brings in and not the noise.
    """

    id = "A4-break-even"
    title = "Above the inferred break-even Rand-k leaves a saddle at most twice as late as without compression"
    statement = (
        r"\mu\ge\alpha_0^{-1/2}\epsilon^{3/4},\ \eta(\mu)=\max\{\eta:\mathbb E\lVert\nabla f\rVert^2\le\epsilon^2\}"
        r"\ \Rightarrow\ \mathbb E\,T(\mu)\le2\,\mathbb E\,T(1),\qquad"
        r"\alpha_0=1,\ r^2=\sigma^2\ \text{(Lipschitz)}\quad\text{or}\quad\alpha_0=d,\ r^2=d\sigma^2"
    )
    reference = f"{AVDIUKHIN}: inferred there from the abstract"
    status = "recalled"
    kind = "upper bound"
    factor: ClassVar[float] = 2.0
    runs: ClassVar[Mapping[str, int]] = {"quick": 100, "full": 150}

    def pairs(self, level: str) -> dict[str, tuple[Tuned, Tuned]]:
        """Return the escapes at the break-even, and those without compression."""
        found = {}
        settings: list[tuple[str, int, float]] = [("orthogonal", 16, 0.5), ("not Lipschitz", 16, 0.5)]
        if level == "full":
            settings += [("isotropic", 16, 0.5), ("orthogonal", 64, 0.25), ("not Lipschitz", 64, 0.5)]
        for noise, d, epsilon in settings:
            alpha = d if noise == "not Lipschitz" else 1
            k = ceil(d * epsilon**0.75 / sqrt(alpha))
            one = Tuned(noise, d, k, epsilon, injected=alpha * Tuned.sigma_sq)
            name = f"{noise}, d={d}, ε={epsilon:g}, μ = {k}/{d}"
            found[name] = one, Tuned(noise, d, d, epsilon, injected=one.injected)
        return found

    def experiments(self, level: str) -> dict[str, Experiment]:
        return {
            f"{name}, {which}": tuned.experiment(self.runs[level])
            for name, pair in self.pairs(level).items()
            for which, tuned in zip(("compressed", "not"), pair, strict=True)
        }

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        instances = []
        for name, pair in self.pairs(level).items():
            left, right = (times(data[f"{name}, {which}"]) for which in ("compressed", "not"))
            decision = decide_upper_bound(left[:, None], self.factor * right[:, None], ERROR_PROBABILITY)
            reason = (
                f"E T = {left.mean():.4g} against {right.mean():.4g}: {left.mean() / right.mean():.3g} times; "
                f"by the law {pair[0].mean / pair[1].mean:.3g} times"
            )
            instances.append(expectation(name, decision, reason=reason))
        return instances


class TwoTerms(Claim):
    """Below the break-even the inferred form has T ∝ μ⁻²; it is seen only if the step size is chosen so.

    With the largest step, η = 2ε²/(σ² + ε²(2 − μ)/μ), T stays flat down to μ ≈ 2ε²/σ² and has the slope −1 below, but
    for its logarithm. A step η ∝ μ², which the second term stands for, gives −2 of course.
    """

    id = "A4-two-terms"
    title = "Below the inferred break-even the time to leave a saddle has the slope −2 in μ"
    statement = (
        r"T=\tilde O\Big(\frac{\alpha_0}{\epsilon^4}+\frac1{\mu^2\epsilon^{5/2}}\Big):\qquad"
        r"\mu\le\alpha_0^{-1/2}\epsilon^{3/4}\ \Rightarrow\ \frac{d\ln\mathbb E\,T}{d\ln\mu}=-2\pm\tfrac12"
    )
    reference = f"{AVDIUKHIN}: inferred there from the abstract"
    status = "recalled"
    kind = "rate"
    expected = "violated"
    exponent: ClassVar[float] = -2.0
    margin: ClassVar[float] = 0.5
    runs: ClassVar[Mapping[str, int]] = {"quick": 48, "full": 64}

    def series(self, level: str) -> dict[str, list[Tuned]]:
        """Return escapes along μ, from the smallest on: with the largest step, and with the one of the form."""
        d = {"quick": 16, "full": 64}[level]
        best = "largest step"
        found = {f"{best}, orthogonal, ε=1/2": [Tuned("orthogonal", d, d // part, 0.5) for part in (16, 8, 4, 2)]}
        if level == "full":
            found[f"{best}, not Lipschitz, ε=1/2"] = [
                Tuned("not Lipschitz", d, d // part, 0.5) for part in (16, 8, 4, 2)
            ]
            found[f"{best}, orthogonal, ε=1/4"] = [Tuned("orthogonal", d, d // part, 0.25) for part in (64, 16, 4)]
            found[f"{best}, not Lipschitz, r² = dσ², ε=1/2"] = [
                Tuned("not Lipschitz", d, d // part, 0.5, injected=d * Tuned.sigma_sq) for part in (64, 32, 16)
            ]
        found["step ∝ μ², orthogonal, ε=1/2"] = [
            Tuned("orthogonal", d, d // part, 0.5, stepsize=implied_step(1 / part, 0.5)) for part in (8, 4, 2)
        ]
        return found

    def experiments(self, level: str) -> dict[str, Experiment]:
        return {
            f"{name}, k={one.k}": one.experiment(self.runs[level])
            for name, series in self.series(level).items()
            for one in series
        }

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        instances = []
        for name, series in self.series(level).items():
            of_runs = np.stack([times(data[f"{name}, k={one.k}"]) for one in series], axis=1)
            mu, law = np.array([one.k / one.d for one in series]), np.array([one.mean for one in series])
            found, foretold = slope(mu, of_runs, confidence=CONFIDENCE), slope(mu, law).value
            reason = f"by the law {foretold:.3f}"
            instances.append(agreement(name, found, self.exponent, self.margin, runs=len(of_runs), reason=reason))
        return instances


def implied_step(mu: float, epsilon: float) -> float:
    """Return the step size that the two terms stand for: the one without compression, times μ² below the break-even."""
    return float(largest_step(1.0, epsilon**2)) * min(1.0, mu / epsilon**0.75) ** 2


def _estimate(samples: Array, confidence: float) -> Estimate:
    """Return the mean of independent samples as one number with its interval."""
    found = mean_interval(samples, 1 - confidence)
    return Estimate(float(found.value), float(found.low), float(found.high), confidence, found.basis)
