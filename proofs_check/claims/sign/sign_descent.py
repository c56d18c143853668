"""Bernstein et al., ICML 2018 and ICLR 2019: rates of signSGD, with majority vote and with adversaries."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from math import sqrt
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from problems import Problem
from problems.coordinate_noise import LAWS, CoordinateNoise
from proofs_check.claim import Claim, Instance, not_applicable
from proofs_check.convergence import ERROR_PROBABILITY, curve
from proofs_check.sides import expectation, inequality
from proofs_check.sign_law import lattice_means, vote_wrong, worst_vote
from proofs_check.statistics import decide_upper_bound
from toolkit.algorithms.sgd import SGD
from toolkit.algorithms.sign_sgd import SignSGD
from toolkit.arrays import Array
from toolkit.averages import uniform
from toolkit.compressors.majority_vote import MajorityVote
from toolkit.compressors.raw_sign import RawSign
from toolkit.constants import ProblemConstants
from toolkit.draws import Draw
from toolkit.experiment import Experiment
from toolkit.stepsizes import tuned

if TYPE_CHECKING:
    import xarray

REFERENCE = "Bernstein, Wang, Azizzadenesheli and Anandkumar, ICML 2018"
VOTE = "Bernstein, Zhao, Azizzadenesheli and Anandkumar, ICLR 2019"
RUNS = {"quick": 16, "full": 64}
MARKOV = "the noise term, from P(wrong sign) ≤ 1/S, is twice what any noise can do (S-s1-sharp)"


@dataclass(frozen=True)
class Trial:
    """One run of a sign method, and what is known of it.

    Parameters
    ----------
    name : str
        In words.
    problem : CoordinateNoise or Ridge
        With a start.
    steps : int
        K.
    batch : int
        n_b.
    stepsize : float
        δ.
    alpha, adversary
        As in `SignSGD`.
    sampled : bool
        Whether the method itself is run; otherwise its exact law is computed.
    """

    name: str
    problem: Any
    steps: int
    batch: int
    stepsize: float
    alpha: float = 0.0
    adversary: str = "inverting"
    sampled: bool = False

    @property
    def workers(self) -> int:
        return int(self.problem.workers)

    @property
    def L_1(self) -> float:
        """‖L‖₁, the sum of the coordinate-wise smoothness constants."""
        return float(self.problem.smoothness.sum())

    @property
    def sigma_1(self) -> float:
        """‖σ‖₁/√n_b."""
        return float(self.problem.sigma.sum()) / sqrt(self.batch)

    @property
    def F_0(self) -> float:
        return float(self.problem.value(self.problem.start[None, None])[0, 0])

    @property
    def symmetric(self) -> bool:
        """Whether the noise is symmetric and unimodal (A4)."""
        return bool(self.problem.law != "skewed")

    @cached_property
    def experiment(self) -> Experiment:
        return Experiment(
            self.problem,
            SignSGD(alpha=self.alpha, adversary=self.adversary),
            RawSign(),
            down=MajorityVote(),
            stepsize=self.stepsize,
            batch=self.batch if self.problem.sigma.any() else "full",
            steps=self.steps,
            record="all",
            keep=("x",),
        )

    def wrong(self, x: Array) -> Array:
        """Return the probability of a wrong vote at points x, shape ``(place, 1, d)``; M must be odd."""
        q, liars = self.problem.wrong_sign(x, self.batch)[:, :1], round(self.alpha * self.workers)
        error = vote_wrong(q, self.workers, liars, "inverting" if self.adversary == "inverting" else "omniscient")
        if self.adversary != "constant":
            return error
        honest = vote_wrong(q, self.workers, liars, "omniscient")  # the constant +1 is wrong where the slope is −
        helped = 1 - vote_wrong(1 - q, self.workers, liars, "omniscient")
        return np.where(x < 0, honest, helped)

    def descent(self, T: Array) -> Array:
        """Return the terms that every bound has: F_0/(Tδ) + δ‖L‖₁/2."""
        return self.F_0 / (T * self.stepsize) + self.stepsize * self.L_1 / 2


def trial(name: str, problem: Any, steps: int, r: float | None = None, batch: int | None = None, **more: Any) -> Trial:
    """Return a trial with the step size that minimises r/(Kδ) + δ‖L‖₁/2, r = F_0 by default, and batches of K."""
    made = Trial(name, problem, steps, steps if batch is None else batch, 1.0, **more)
    stepsize = tuned(made.F_0 if r is None else r, made.L_1 / 2, 0.0, 0.0, steps)
    return Trial(name, problem, steps, made.batch, stepsize, **more)


class _SignRate(Claim):
    """A bound on the mean ‖∇f(x_k)‖₁ over k < T, at every T up to K."""

    reference = f"{REFERENCE}, Theorem 1 (S-s1)"
    needs_A4: ClassVar[bool] = False
    at_end_only: ClassVar[bool] = False
    factor: ClassVar[float] = 1.0  # a smaller one makes the claim false

    def trials(self, level: str) -> list[Trial]:
        """Return what it is checked on."""
        raise NotImplementedError

    def bound(self, trial: Trial, T: Array) -> Array:
        """Return the right side at every T."""
        raise NotImplementedError

    def quantity(self, trial: Trial, gradient: Array) -> Array:
        """Return what is summed over the coordinates for the left side."""
        return abs(gradient)

    def remark(self, trial: Trial) -> str:
        return ""

    def experiments(self, level: str) -> dict[str, Experiment]:
        return {
            one.name: replace(one.experiment, runs=RUNS[level])
            for one in self.trials(level)
            if one.sampled and self._missing(one) is None
        }

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        return [self._judge(one, data) for one in self.trials(level)]

    def _missing(self, one: Trial) -> str | None:
        return "A4 fails: the noise is neither symmetric nor unimodal" if self.needs_A4 and not one.symmetric else None

    def _judge(self, one: Trial, data: Mapping[str, xarray.Dataset]) -> Instance:
        missing = self._missing(one)
        if missing is not None:
            return not_applicable(one.name, missing)
        T = np.arange(1, one.steps + 1)
        chosen = T[-1:] if self.at_end_only else T
        right = self.factor * self.bound(one, chosen)
        if not one.sampled:

            def quantity(x: Array) -> Array:
                return self.quantity(one, one.problem.gradient(x)[:, :1])

            each = lattice_means(one.problem, one.problem.start, one.stepsize, one.steps, one.wrong, quantity)[:-1]
            left = (np.cumsum(each) / T)[chosen - 1]
            reason = "; ".join(part for part in ("exact law", self.remark(one)) if part)
            return inequality(one.name, left, right, rounding=8 * one.steps, reason=reason)
        x = data[one.name]["x"].values[:, :-1, 0]
        gradient = one.problem.gradient(np.ascontiguousarray(x.reshape(-1, 1, x.shape[-1])))[:, 0].reshape(x.shape)
        samples = (self.quantity(one, gradient).sum(axis=-1).cumsum(axis=1) / T)[:, chosen - 1]
        if (samples == samples[:1]).all():  # nothing was left to chance
            return inequality(one.name, samples[0], right, rounding=8 * one.steps, reason=self.remark(one))
        decision = decide_upper_bound(samples, right, ERROR_PROBABILITY)
        return expectation(one.name, decision, reason=self.remark(one))


def hills(d: int, workers: int = 1, **more: Any) -> CoordinateNoise:
    """Return a quadratic with unequal smoothness and noise in d coordinates, one of them without noise."""
    smoothness, sigma = np.linspace(0.2, 2.0, d), np.geomspace(4.0, 0.25, d)
    sigma[-1] = 0.0
    return CoordinateNoise(smoothness, sigma, workers=workers, start=np.linspace(1.5, -1.0, d), **more)


def toy() -> CoordinateNoise:
    """Return the toy with noise in one coordinate, from one normal start."""
    made = CoordinateNoise.sparse()
    return CoordinateNoise(made.smoothness, made.sigma, start=Draw(seed=0).of("start").normal(100)[0, 0])


def valley(steps: int, sigma: float, law: str = "normal", workers: int = 1, curvature: float = 1.0) -> CoordinateNoise:
    """Return x²/2 from where it costs half of 1/‖L‖₁, whatever K is: there steps of 1/√K add as much as the start."""
    return CoordinateNoise([curvature], [sigma], law=law, workers=workers, start=[sqrt(1 / curvature)])


class SignRate(_SignRate):
    """The theorem, without its square."""

    id = "S-s1"
    title = "signSGD with the theorem's steps and batches of K: the mean ‖∇f‖₁ (both sides under a root)"
    statement = (
        r"\Big(E\Big[\frac1K\sum_{k<K}\lVert g_k\rVert_1\Big]\Big)^2\le\frac1{\sqrt N}\Big[\sqrt{\lVert\vec L\rVert_1}"
        r"\big(f_0-f_\star+\tfrac12\big)+2\lVert\vec\sigma\rVert_1\Big]^2,\qquad "
        r"\delta=\frac1{\sqrt{\lVert\vec L\rVert_1K}},\quad n_k=K,\quad N=K^2"
    )
    kind = "tight"
    expected = "tight"
    at_end_only = True

    def trials(self, level: str) -> list[Trial]:
        K = {"quick": 100, "full": 400}[level]
        return [
            trial("x²/2 without noise, K steps from the minimum", _far(K), K, 0.5),
            trial(f"normal noise, σ = 1, K = {K}", valley(K, 1.0), K, 0.5),
            trial(f"normal noise, σ = 20, K = {K}", valley(K, 20.0), K, 0.5),
            trial(f"sparse noise, d = 100, K = {K}, exact", toy(), K, 0.5),
            trial(f"sparse noise, d = 100, K = {K}, run", toy(), K, 0.5, sampled=True),
            trial(f"unequal coordinates, K = {K}, run", hills(10), K, 0.5, sampled=True),
        ]

    def bound(self, trial: Trial, T: Array) -> Array:
        K = trial.steps
        return np.array([(sqrt(trial.L_1) * (trial.F_0 + 0.5) + 2 * trial.sigma_1 * sqrt(trial.batch)) / sqrt(K)])


def _far(K: int) -> CoordinateNoise:
    """Return x²/2 from K steps of 1/√K away, so that the last step ends in the minimum."""
    return CoordinateNoise([1.0], [0.0], start=[sqrt(K)])


class StepRate(_SignRate):
    """The same for any constant step and batch."""

    id = "S-s1-step"
    title = "signSGD with any constant step and batch: the mean ‖∇f‖₁"
    statement = (
        r"\frac1K\sum_{k<K}E\lVert g_k\rVert_1\le\frac{F_0}{K\delta}+\frac{\delta\lVert\vec L\rVert_1}2"
        r"+\frac{2\lVert\vec\sigma\rVert_1}{\sqrt{n_b}}"
    )
    kind = "tight"
    expected = "tight"
    constant: ClassVar[float] = 2.0

    def trials(self, level: str) -> list[Trial]:
        K = {"quick": 100, "full": 2000}[level]
        short = {"quick": 100, "full": 400}[level]
        return [
            trial("x²/2 without noise, K steps from the minimum", _far(K), K, 0.5),
            trial(f"x²/2, skewed noise, from S = 1, K = {K}, exact", _level(1.0, "skewed"), K, batch=1),
            trial(f"x²/2, worst unimodal noise, from S = 1, K = {K}, exact", _level(1.0, "unimodal"), K, batch=1),
            trial(f"unequal coordinates, skewed noise, batch 1, K = {short}, run", hills(10, law="skewed"), short,
                  batch=1, sampled=True),
            trial(f"unequal coordinates, normal noise, batch 4, K = {short}, run", hills(10), short, batch=4,
                  sampled=True),
            trial(f"unequal coordinates, uniform noise, batch 3, K = {short}, run", hills(10, law="uniform"), short,
                  batch=3, sampled=True),
        ]  # fmt: skip

    def bound(self, trial: Trial, T: Array) -> Array:
        return trial.descent(T) + self.constant * trial.sigma_1

    def remark(self, trial: Trial) -> str:
        return MARKOV if trial.sigma_1 else ""


def _level(S: float, law: str, workers: int = 1) -> CoordinateNoise:
    """Return x²/2 with noise 1 in every sample, from where the signal-to-noise ratio is S."""
    return CoordinateNoise([1.0], [1.0], law=law, workers=workers, start=[S])


class SharpStepRate(StepRate):
    """Cantelli's inequality in the place of Markov's: S·P(wrong sign) ≤ S/(1 + S²) ≤ 1/2."""

    id = "S-s1-sharp"
    title = "The same with half the noise term, which is then the smallest possible"
    statement = (
        r"\frac1K\sum_{k<K}E\lVert g_k\rVert_1\le\frac{F_0}{K\delta}+\frac{\delta\lVert\vec L\rVert_1}2"
        r"+\frac{\lVert\vec\sigma\rVert_1}{\sqrt{n_b}}"
    )
    reference = f"{REFERENCE} (S-s1, Cantelli for Markov)"
    constant = 1.0

    def remark(self, trial: Trial) -> str:
        return ""


class VoteRate(_SignRate):
    """Majority vote with symmetric unimodal noise: the noise term falls with the number of workers."""

    id = "S-s4"
    title = "signSGD with majority vote and symmetric unimodal noise: the mean ‖∇f‖₁"
    statement = (
        r"\frac1K\sum_{k<K}E\lVert g_k\rVert_1\le\frac{F_0}{K\delta}+\frac{\delta\lVert\vec L\rVert_1}2"
        r"+\frac{2\lVert\vec\sigma\rVert_1}{\sqrt{Mn_b}}"
    )
    reference = f"{VOTE} (S-s4)"
    kind = "tight"
    expected = "tight"
    needs_A4 = True

    def trials(self, level: str) -> list[Trial]:
        K = {"quick": 100, "full": 1000}[level]
        short = {"quick": 60, "full": 300}[level]
        far = _far(K)
        quiet = CoordinateNoise(far.smoothness, far.sigma, workers=3, start=far.start)
        found = [trial("x²/2 without noise, K steps from the minimum, M = 3", quiet, K, 0.5)]
        for M in (1, 9, 99):
            found.append(_slope(M, K))
            found.append(
                trial(f"normal noise, σ = 20, M = {M}, batches of K, exact", valley(K, 20.0, workers=M), K, 0.5)
            )
        for law in ("normal", "unimodal", "skewed"):
            problem = hills(10, workers=9, law=law)
            found.append(trial(f"unequal coordinates, {law} noise, M = 9, K = {short}, run", problem, short, batch=1,
                               sampled=True))  # fmt: skip
        return found

    def noise(self, workers: int) -> float:
        """Return the factor of ‖σ‖₁/√n_b."""
        return 2 / sqrt(workers)

    def bound(self, trial: Trial, T: Array) -> Array:
        return trial.descent(T) + self.noise(trial.workers) * trial.sigma_1


def _slope(workers: int, steps: int) -> Trial:
    """Return a slope on which votes are wrong as they cost most, so long that the run ends where the slope does."""
    S, _ = worst_vote(workers)
    wrong = float(vote_wrong(LAWS["unimodal"].wrong_sign(np.array(S)), workers))
    start = [(1 - 2 * wrong) * sqrt(steps) + 1]  # the path is (1 − 2P)Kδ long, and random by about Kδ²
    problem = CoordinateNoise([S], [1.0], slopes=[S], law="unimodal", workers=workers, start=start)
    return Trial(f"slope at the worst S, M = {workers}, K = {steps}, exact", problem, steps, 1, 1 / sqrt(steps))


class VoteRateSharp(VoteRate):
    """With the number that the worst noise gives for this M in the place of 1."""

    id = "S-s4-sharp"
    title = "The same with the smallest noise term that covers M workers, at most 0.589‖σ‖₁/√(M n_b) for odd M"
    statement = (
        r"\frac1K\sum_{k<K}E\lVert g_k\rVert_1\le\frac{F_0}{K\delta}+\frac{\delta\lVert\vec L\rVert_1}2"
        r"+\frac{2c_M\lVert\vec\sigma\rVert_1}{\sqrt{Mn_b}},\qquad c_M=\sqrt M\sup_SS\,P(\text{vote wrong})"
    )
    reference = f"{VOTE} (S-s4, with S-s3 exact)"

    def noise(self, workers: int) -> float:
        return 2 * worst_vote(workers)[1] / sqrt(workers)


class VoteRateAnyShape(VoteRate):
    """Majority vote with any noise: then more workers need not help."""

    id = "S-s4-any"
    title = "signSGD with majority vote and any noise: the bound for one worker"
    statement = StepRate.statement
    needs_A4 = False

    def noise(self, workers: int) -> float:
        return 2.0

    def trials(self, level: str) -> list[Trial]:
        K, M = {"quick": (100, 99), "full": (400, 999)}[level]
        ridge = Ridge(S={"quick": 0.8, "full": 0.93}[level], workers=M)
        return [
            *super().trials(level),
            trial(f"x²/2, skewed noise, from S = 1, M = {M}, exact", _level(1.0, "skewed", M), K, batch=1),
            Trial(f"a ridge, skewed noise, M = {M}, run", ridge, K, 1, 1 / sqrt(K), sampled=True),
        ]


class Ridge(Problem):
    r"""A slope in the direction (1, 1), which moves along (1, −1) do not leave.

    .. math:: f(x) = H(x_1 + x_2), \qquad H(t) = \tfrac12 \lambda t^2 \text{ up to the slope } S, \text{ then linear}

    with skewed noise of variance 1 on the first coordinate alone. There most workers vote wrongly if S < 1, and rightly
    on the second: nothing is gained. Coordinate-wise smoothness: (2λ, 2λ).
    """

    dimension = 2
    law = "skewed"
    f_star = 0.0

    def __init__(self, S: float, workers: int, curvature: float = 1.0) -> None:
        self.workers, self.S, self.curvature = workers, S, curvature
        self.sigma, self.smoothness = np.array([1.0, 0.0]), np.full(2, 2 * curvature)
        self.start = np.array([S, S]) / curvature
        self._along = CoordinateNoise([curvature], [1.0], slopes=[S], law="skewed", workers=workers)

    def value(self, x: Array) -> Array:
        return self._along.value(x.sum(axis=-1, keepdims=True))

    def gradient(self, x: Array) -> Array:
        return np.repeat(self._along.gradient(x.sum(axis=-1, keepdims=True)), 2, axis=-1)

    def stochastic_gradient(self, x: Array, draw: Any, batch: int) -> Array:
        along = x.sum(axis=-1, keepdims=True)
        noisy = self._along.stochastic_gradient(along, draw, batch)
        return np.concatenate([noisy, self._along.gradient(along)], axis=-1)

    @property
    def constants(self) -> ProblemConstants:
        return ProblemConstants(convex=True)


class MixedNorm(_SignRate):
    """One sample per step: a norm that is quadratic where the noise is large."""

    id = "S-s6"
    title = "signSGD with batches of 1 and symmetric unimodal noise: the mixed norm, with 3√3/2"
    statement = (
        r"\frac1K\sum_{k<K}E\Big[\sum_{i\in H_k}\lvert g_i\rvert+\sum_{i\notin H_k}\frac{g_i^2}{\sigma_i}\Big]"
        r"\le\frac{3\sqrt3}2\sqrt{\frac{\lVert\vec L\rVert_1F_0}K},\qquad H_k=\{i:S_i>2/\sqrt3\},\quad "
        r"\delta=\sqrt{\frac{F_0}{\lVert\vec L\rVert_1K}}"
    )
    reference = f"{VOTE} (S-s6)"
    needs_A4 = True
    at_end_only = True
    share: ClassVar[float] = 0.5  # of F_0 for which the step size is the best
    constant: ClassVar[float] = 1.5 * sqrt(3)

    def trials(self, level: str) -> list[Trial]:
        K = {"quick": 400, "full": 3000}[level]
        short = {"quick": 100, "full": 400}[level]
        found = []
        for law in ("uniform", "normal"):
            problem = CoordinateNoise([1.0], [1.5], law=law, start=[1.5])
            found.append(self._trial(f"x²/2, {law} noise, S ≤ 1, K = {K}, exact", problem, K))
        found.append(self._trial("x²/2 without noise", CoordinateNoise([1.0], [0.0], start=[1.5]), K))
        for law in ("unimodal", "normal", "skewed"):
            name = f"unequal coordinates, {law} noise, K = {short}, run"
            found.append(self._trial(name, hills(10, law=law), short, sampled=True))
        return found

    def _trial(self, name: str, problem: CoordinateNoise, steps: int, sampled: bool = False) -> Trial:
        F_0 = float(problem.value(problem.start[None, None])[0, 0])
        return trial(name, problem, steps, self.share * F_0, batch=1, sampled=sampled)

    def quantity(self, trial: Trial, gradient: Array) -> Array:
        sigma = trial.problem.sigma
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where((abs(gradient) * sqrt(3) > 2 * sigma) | (sigma == 0), abs(gradient), gradient**2 / sigma)

    def bound(self, trial: Trial, T: Array) -> Array:
        return np.array([self.constant * sqrt(trial.L_1 * trial.F_0 / trial.steps)])


class MixedNormBest(MixedNorm):
    """The same with the step size that makes the proof's bound smallest."""

    id = "S-s6-best"
    title = "The same with the best step size, with √6"
    statement = (
        r"\frac1K\sum_{k<K}E\Big[\sum_{i\in H_k}\lvert g_i\rvert+\sum_{i\notin H_k}\frac{g_i^2}{\sigma_i}\Big]"
        r"\le\sqrt6\sqrt{\frac{\lVert\vec L\rVert_1F_0}K},\qquad\delta=\sqrt{\frac{2F_0}{\lVert\vec L\rVert_1K}}"
    )
    share = 1.0
    constant = sqrt(6)


class MixedNormPrinted(MixedNorm):
    """The same with the constant that is recalled from the paper."""

    id = "S-s6-printed"
    title = "The same with the constant 3, as it is recalled from the paper"
    statement = MixedNorm.statement.replace(r"\frac{3\sqrt3}2", "3")
    status = "recalled"
    constant = 3.0


class ByzantineRate(_SignRate):
    """Adversaries that turn their own votes: the form that is recalled, which the proof gives with 3/4 of a term."""

    id = "S-s7"
    title = "Majority vote with a fraction α of workers that invert their votes: the mean ‖∇f‖₁ (under a root)"
    statement = (
        r"\Big(E\Big[\frac1K\sum_k\lVert g_k\rVert_1\Big]\Big)^2\le\frac4{\sqrt N}\Big[\frac{\lVert\vec\sigma\rVert_1}"
        r"{(1-2\alpha)\sqrt M}+\sqrt{\lVert\vec L\rVert_1F_0}\Big]^2,\qquad "
        r"\delta=\sqrt{\frac{F_0}{\lVert\vec L\rVert_1K}},\quad n_k=K,\quad N=K^2"
    )
    reference = f"{VOTE}, Theorem 2 (S-s7); step size and batch as in its proof (derived)"
    status = "recalled"
    needs_A4 = True
    at_end_only = True
    weight: ClassVar[float] = 1.0  # of √(‖L‖₁F_0)

    def trials(self, level: str) -> list[Trial]:
        K = {"quick": 100, "full": 400}[level]
        found = [self._trial("x²/2, no noise, M = 9, α = 1/3, exact", K, 9, 1 / 3, 0.0)]
        for M, alpha, sigma in ((9, 1 / 3, 2.0), (9, 4 / 9, 20.0), (99, 49 / 99, 20.0), (99, 0.0, 20.0)):
            name = f"x²/2, normal noise, σ = {sigma:g}, M = {M}, α = {alpha:.3g}, exact"
            found.append(self._trial(name, K, M, alpha, sigma))
        for alpha in (1 / 9, 4 / 9):
            problem = hills(10, workers=9)
            F_0 = float(problem.value(problem.start[None, None])[0, 0])
            name = f"unequal coordinates, M = 9, α = {alpha:.3g}, run"
            found.append(trial(name, problem, K, F_0 / 2, alpha=alpha, sampled=True))
        return found

    def _trial(self, name: str, K: int, M: int, alpha: float, sigma: float, **more: Any) -> Trial:
        problem = CoordinateNoise([1.0], [sigma], workers=M, start=[1.0])
        return trial(name, problem, K, 0.25, alpha=alpha, **more)

    def bound(self, trial: Trial, T: Array) -> Array:
        noise = trial.sigma_1 * sqrt(trial.batch) / ((1 - 2 * trial.alpha) * sqrt(trial.workers))
        return np.array([2 / sqrt(trial.steps) * (noise + self.weight * sqrt(trial.L_1 * trial.F_0))])


class ByzantineRateDerived(ByzantineRate):
    """What the proof gives: Cantelli for the sum of votes, whose mean is M(1 − 2α)ε above M/2."""

    id = "S-s7-derived"
    title = "The same with 3/4 of the term that is not noise"
    statement = ByzantineRate.statement.replace(r"+\sqrt{\lVert", r"+\tfrac34\sqrt{\lVert")
    reference = f"{VOTE} (S-s7)"
    status = "derived"
    weight = 0.75


class ByzantineRateArbitrary(ByzantineRate):
    """Read as a statement on arbitrary adversaries it is false: enough of them decide every vote that is close.

    It also fails for adversaries that are blind and multiply their sample by 0, if the sign of zero is +1.
    """

    id = "S-s7-arbitrary"
    title = "The same for adversaries that send what they like: false"
    expected = "violated"

    def trials(self, level: str) -> list[Trial]:
        K = {"quick": 100, "full": 400}[level]
        found = []
        for adversary in ("omniscient", "constant"):
            problem = CoordinateNoise([1.0], [20.0], workers=999, start=[-1.0])
            name = f"x²/2, σ = 20, M = 999, α = 1/3, {adversary} adversaries, exact"
            found.append(trial(name, problem, K, 0.25, alpha=1 / 3, adversary=adversary))
        problem = CoordinateNoise(np.ones(2), np.full(2, 20.0), workers=499, start=[-1.0, -1.0])
        name = "½‖x‖², d = 2, σ = (20, 20), M = 499, α = 166/499, omniscient adversaries, run"
        found.append(trial(name, problem, 100, 0.5, alpha=166 / 499, adversary="omniscient", sampled=True))
        return found


class ArbitraryAdversaries(_SignRate):
    """What holds whatever the adversaries send: Markov for the number of wrong honest votes, Gauss for one."""

    id = "S-s7-sound"
    title = "Majority vote with a fraction α of arbitrary adversaries: the mean ‖∇f‖₁"
    statement = (
        r"\frac1K\sum_{k<K}E\lVert g_k\rVert_1\le\frac{F_0}{K\delta}+\frac{\delta\lVert\vec L\rVert_1}2"
        r"+\frac{\sqrt3}2\cdot\frac{1-\alpha}{1-2\alpha}\cdot\frac{\lVert\vec\sigma\rVert_1}{\sqrt{n_b}}"
    )
    reference = f"{VOTE} (S-s7, for arbitrary adversaries)"
    needs_A4 = True

    def trials(self, level: str) -> list[Trial]:
        K = {"quick": 100, "full": 1000}[level]
        found = []
        for M, liars, law in ((999, 333, "unimodal"), (999, 249, "unimodal"), (9, 4, "normal"), (9, 0, "normal")):
            name = f"x²/2, {law} noise, M = {M}, {liars} omniscient adversaries, K = {K}, exact"
            problem = _level(0.6, law, M)
            found.append(trial(name, problem, K, batch=1, alpha=liars / M, adversary="omniscient"))
        for adversary in ("inverting", "omniscient", "constant"):
            name = f"unequal coordinates, M = 9, α = 1/3, {adversary} adversaries, run"
            found.append(trial(name, hills(10, workers=9), 100, batch=1, alpha=1 / 3, adversary=adversary,
                               sampled=True))  # fmt: skip
        return found

    def bound(self, trial: Trial, T: Array) -> Array:
        weight = sqrt(3) / 2 * (1 - trial.alpha) / (1 - 2 * trial.alpha)
        return trial.descent(T) + weight * trial.sigma_1


class GradientRate(Claim):
    """Stochastic gradient descent, to compare with."""

    id = "S-s5"
    title = "SGD with steps 1/(‖L‖∞√K), to compare with: the mean ‖∇f‖²"
    statement = (
        r"E\Big[\frac1K\sum_{k<K}\lVert g_k\rVert_2^2\Big]\le\frac1{\sqrt N}\big[2\lVert\vec L\rVert_\infty F_0"
        r"+\lVert\vec\sigma\rVert_2^2\big],\qquad\delta=\frac1{\lVert\vec L\rVert_\infty\sqrt K},\quad N=K"
    )
    reference = f"{REFERENCE} (S-s5)"
    status = "recalled"
    kind = "tight"
    expected = "tight"
    factor: ClassVar[float] = 1.0

    def trials(self, level: str) -> dict[str, tuple[CoordinateNoise, int]]:
        """Return problems and K by name."""
        K = {"quick": 100, "full": 1000}[level]
        return {
            "x²/2 without noise, K = 1": (CoordinateNoise([1.0], [0.0], start=[1.0]), 1),
            f"x²/2 from the minimum, K = {K}": (CoordinateNoise([1.0], [1.0], start=[0.0]), K),
            f"unequal coordinates, K = {K}": (hills(10), K),
            f"sparse noise, d = 100, K = {K}": (toy(), K),
        }

    def experiments(self, level: str) -> dict[str, Experiment]:
        problem, K = hills(10, law="skewed"), 100
        settings: dict[str, Any] = {"steps": K, "runs": 4 * RUNS[level], "record": [K]}
        settings |= {"stepsize": 1 / (float(problem.smoothness.max()) * sqrt(K)), "average": {"grad_norm_sq": uniform}}
        return {"unequal coordinates, skewed noise, K = 100, run": Experiment(problem, SGD(), **settings)}

    def bound(self, problem: CoordinateNoise, K: int) -> float:
        """Return the right side."""
        F_0, L = float(problem.value(problem.start[None, None])[0, 0]), float(problem.smoothness.max())
        return self.factor * (2 * L * F_0 + float((problem.sigma**2).sum())) / sqrt(K)

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        found = []
        for name, (problem, K) in self.trials(level).items():
            left = float(np.mean(list(_squared_gradients(problem, K))))
            found.append(inequality(name, [left], [self.bound(problem, K)], rounding=8 * K, reason="exact moments"))
        for name, experiment in self.experiments(level).items():
            left = curve(data[name], "grad_norm_sq_average")
            right = np.array([self.bound(experiment.problem, experiment.steps)])
            found.append(expectation(name, decide_upper_bound(left, right, ERROR_PROBABILITY)))
        return found


def _squared_gradients(problem: CoordinateNoise, K: int) -> Iterator[float]:
    """Yield E‖∇f(x_k)‖² for k < K of SGD on a quadratic, whose second moments follow a recursion."""
    L, gamma = problem.smoothness, 1 / (float(problem.smoothness.max()) * sqrt(K))
    square = problem.start**2
    for _ in range(K):
        yield float((L**2 * square).sum())
        square = (1 - gamma * L) ** 2 * square + gamma**2 * problem.sigma**2
