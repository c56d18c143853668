"""Escapes with the step size that the accuracy allows: where compression begins to cost time, and how much."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, log, log1p, sqrt
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from proofs_check.claim import Claim, Instance
from proofs_check.claims.saddle.escape_time import BASE, CONFIDENCE, JIN, escape, noisy, saddle, times
from proofs_check.convergence import ERROR_PROBABILITY
from proofs_check.escape_laws import every_step_mean, gradient_sq, largest_step, memory_rate
from proofs_check.moments import Model, stationary
from proofs_check.multipliers import multipliers
from proofs_check.sides import agreement, equality, expectation
from proofs_check.statistics import decide_upper_bound, mean_interval
from toolkit.algorithms.compressed_perturbed_sgd import CompressedPerturbedSGD
from toolkit.arrays import Array
from toolkit.compressors.rand_k import RandK
from toolkit.experiment import Experiment
from toolkit.rates import Estimate, slope

if TYPE_CHECKING:
    import xarray

AVDIUKHIN = "Avdiukhin and Yaroslavtsev, NeurIPS 2021 (saddle_escape, A4)"


@dataclass(frozen=True)
class Tuned:
    """An escape with a step size that belongs to ε and μ, with L = 1, γ = √(ρε) and a share of the noise injected.

    Parameters
    ----------
    noise : str
        One of the kinds.
    d, k : int
        Dimension, and coordinates sent; with k = d the steps are those of `PerturbedSGD`.
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
    runs: ClassVar[Mapping[str, int]] = {"quick": 100, "full": 100}

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
        d, best, form = {"quick": 16, "full": 32}[level], "largest step", "step ∝ μ², orthogonal"
        found = {f"{best}, orthogonal, ε=1/2": [Tuned("orthogonal", d, d // part, 0.5) for part in (16, 8, 4, 2)]}
        if level == "full":
            found[f"{best}, not Lipschitz, ε=1/2"] = [
                Tuned("not Lipschitz", d, d // part, 0.5) for part in (16, 8, 4, 2)
            ]
            found[f"{best}, orthogonal, ε=1/4"] = [Tuned("orthogonal", d, d // part, 0.25) for part in (32, 16, 8, 4)]
            found[f"{best}, not Lipschitz, r² = dσ², ε=1/2"] = [
                Tuned("not Lipschitz", d, d // part, 0.5, injected=d * Tuned.sigma_sq) for part in (32, 16, 8)
            ]
            found[f"{form}, ε=1/2"] = [
                Tuned("orthogonal", d, d // part, 0.5, stepsize=implied_step(1 / part, 0.5)) for part in (8, 4, 2)
            ]
        found[f"{form}, ε=1"] = [
            Tuned("orthogonal", d, d // part, 1.0, stepsize=implied_step(1 / part, 1.0)) for part in (4, 2, 1)
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


class BreakEvenPower(Claim):
    """The μ at which an escape takes twice as long as without compression, as a power of ε.

    Times are those of one e-fold, as the logarithm counts for much in a narrow range of ε. With the largest steps μ_2
    is about where the step is halved, 2s/(1 + 3s) with s = ε²/σ²: a power that tends to 2. In the theorem's form for
    noise that is not Lipschitz, with r² = dσ², it is below 1/d: even one coordinate per step takes at most about
    1 + 2ε²/σ² times as long (derived).
    """

    id = "A4-break-even-power"
    title = "The share of coordinates at which an escape takes twice as long, but for its logarithm, is ∝ ε^(3/4)"
    statement = (
        r"\eta(\mu)=\max\{\eta:\mathbb E\lVert\nabla f\rVert^2\le\epsilon^2\},\ "
        r"\frac{\mathbb E\,T(\mu_2)}\log=\frac{2\,\mathbb E\,T(1)}\log"
        r"\ \Rightarrow\ \frac{d\ln\mu_2}{d\ln\epsilon}=\tfrac34\pm\tfrac14"
    )
    reference = f"{AVDIUKHIN}: inferred there from the abstract"
    status = "recalled"
    kind = "rate"
    expected = "violated"
    exponent: ClassVar[float] = 0.75
    margin: ClassVar[float] = 0.25
    confidence: ClassVar[float] = 0.99
    runs: ClassVar[Mapping[str, int]] = {"quick": 250, "full": 100}
    settings: ClassVar[Mapping[str, tuple[int, tuple[tuple[float, tuple[int, ...]], ...]]]] = {
        "quick": (16, ((0.25, (1, 2, 16)), (0.5, (4, 8, 16)))),
        "full": (64, ((0.125, (2, 4, 64)), (0.5, (16, 32, 64)))),
    }

    def experiments(self, level: str) -> dict[str, Experiment]:
        d, settings = self.settings[level]
        return {
            f"ε={epsilon:g}, k={k}": Tuned("orthogonal", d, k, epsilon).experiment(self.runs[level])
            for epsilon, ks in settings
            for k in ks
        }

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        d, settings = self.settings[level]
        of_runs = []
        for epsilon, ks in settings:
            folds = [one.mean * one.rate for one in (Tuned("orthogonal", d, k, epsilon) for k in ks)]
            of_runs.append(np.stack([times(data[f"ε={epsilon:g}, k={k}"]) for k in ks], axis=1) / folds)

        def doubles(means: list[Array]) -> Array:
            """Return μ_2 of each ε, between points on a line in logarithms."""
            return np.array(
                [
                    np.exp(np.interp(-log(2 * mean[-1]), -np.log(mean), np.log(np.array(ks) / d)))
                    for mean, (_, ks) in zip(means, settings, strict=True)
                ]
            )

        def power(means: list[Array]) -> float:
            low, high = doubles(means)
            return log(high / low) / log(settings[1][0] / settings[0][0])

        found = _jackknife(power, of_runs, self.confidence)
        at = doubles([one.mean(axis=0) for one in of_runs])
        law = [2 * epsilon**2 / (1 + 3 * epsilon**2) for epsilon, _ in settings]
        reason = "; ".join(
            f"at ε = {epsilon:g} it is {one:.3g}, the step is halved at {half:.3g}, ε^(3/4) = {epsilon**0.75:.3g}"
            for (epsilon, _), one, half in zip(settings, at, law, strict=True)
        )
        name = f"orthogonal noise, d={d}, ε from {settings[0][0]:g} to {settings[1][0]:g}"
        return [agreement(name, found, self.exponent, self.margin, runs=self.runs[level], reason=reason)]


class FactorDimension(Claim):
    """The factor d of noise that is not Lipschitz is that of the radius the theorem asks for, not of the noise.

    The theorem injects r² = ε²N, N being σ²d/ε² without a Lipschitz constant and about σ²/ε² with one; the largest step
    for E‖∇f‖² ≤ ε² is proportional to 1/(σ² + r²). On the quadratic saddle the small radius does as well.
    """

    id = "A2-factor-d"
    title = "Noise that is not Lipschitz costs a factor d only through the injected noise r² = dσ²; with r = σ none"
    statement = (
        BASE + r",\ \eta=\max\{\eta:\mathbb E\lVert\nabla f\rVert^2\le\epsilon^2\}\ \Rightarrow\ "
        r"\mathbb E\,T\propto d\log\ (r^2=d\sigma^2),\qquad\mathbb E\,T\propto\log\ (r^2=\sigma^2)"
    )
    reference = JIN
    kind = "rate"
    margin: ClassVar[float] = 0.25  # between d = 8 and 32 the step falls as d^(−0.91): σ² is there as well
    epsilon: ClassVar[float] = 0.5
    exponents: ClassVar[Mapping[str, float]] = {"r² = dσ²": 1.0, "r² = σ²": 0.0}
    dimensions: ClassVar[Mapping[str, tuple[int, ...]]] = {"quick": (8, 16, 32), "full": (8, 16, 32, 64)}
    runs: ClassVar[Mapping[str, int]] = {"quick": 120, "full": 300}

    def escapes(self, radius: str, level: str) -> list[Tuned]:
        """Return the escapes along d."""
        return [
            Tuned("not Lipschitz", d, d, self.epsilon, injected=Tuned.sigma_sq * (d if "d" in radius else 1))
            for d in self.dimensions[level]
        ]

    def experiments(self, level: str) -> dict[str, Experiment]:
        return {
            f"{radius}, d={one.d}": one.experiment(self.runs[level])
            for radius in self.exponents
            for one in self.escapes(radius, level)
        }

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        instances, d = [], np.array(self.dimensions[level], dtype=float)
        for radius, exponent in self.exponents.items():
            of_runs = np.stack([times(data[f"{radius}, d={one:g}"]) for one in d], axis=1)
            folds = np.array([one.mean * one.rate for one in self.escapes(radius, level)])
            raw, found = (slope(d, of_runs / by, confidence=CONFIDENCE) for by in (1.0, folds))
            reason = f"with its logarithm {raw.value:.3f} [{raw.low:.3f}, {raw.high:.3f}]"
            instances.append(agreement(radius, found, exponent, self.margin, runs=len(of_runs), reason=reason))
        return instances


def _jackknife(statistic: Callable[[list[Array]], float], of_runs: list[Array], confidence: float) -> Estimate:
    """Return a statistic of means over runs, of arrays that share their runs, with its jackknife interval."""
    runs, totals = len(of_runs[0]), [one.sum(axis=0) for one in of_runs]
    whole = statistic([total / runs for total in totals])
    without = np.array(
        [
            statistic([(total - one[run]) / (runs - 1) for one, total in zip(of_runs, totals, strict=True)])
            for run in range(runs)
        ]
    )
    found = mean_interval(runs * whole - (runs - 1) * without, 1 - confidence)
    return Estimate(float(found.value), float(found.low), float(found.high), confidence, "asymptotic (jackknife, t)")
