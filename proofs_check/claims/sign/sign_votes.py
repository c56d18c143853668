"""Bernstein et al., ICLR 2019: rates of signSGD with majority vote, also with adversaries among the voters."""

from __future__ import annotations

from math import sqrt
from typing import Any, ClassVar

import numpy as np

from problems import Problem
from problems.coordinate_noise import LAWS, CoordinateNoise
from proofs_check.claims.sign._sign_bound import VOTE, SignBound, Trial, far, hills, parabola, trial, valley
from proofs_check.claims.sign.sign_descent import StepRate
from proofs_check.sign_law import vote_wrong, worst_vote
from toolkit.arrays import Array
from toolkit.constants import ProblemConstants


class VoteRate(SignBound):
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
        origin = far(K)
        quiet = CoordinateNoise(origin.smoothness, origin.sigma, workers=3, start=origin.start)
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
            trial(f"x²/2, skewed noise, from S = 1, M = {M}, exact", parabola(1.0, "skewed", M), K, batch=1),
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


class ByzantineRate(SignBound):
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


class ArbitraryAdversaries(SignBound):
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
            problem = parabola(0.6, law, M)
            found.append(trial(name, problem, K, batch=1, alpha=liars / M, adversary="omniscient"))
        for adversary in ("inverting", "omniscient", "constant"):
            name = f"unequal coordinates, M = 9, α = 1/3, {adversary} adversaries, run"
            found.append(trial(name, hills(10, workers=9), 100, batch=1, alpha=1 / 3, adversary=adversary,
                               sampled=True))  # fmt: skip
        return found

    def bound(self, trial: Trial, T: Array) -> Array:
        weight = sqrt(3) / 2 * (1 - trial.alpha) / (1 - 2 * trial.alpha)
        return trial.descent(T) + weight * trial.sigma_1
