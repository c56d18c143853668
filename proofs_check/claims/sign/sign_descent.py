"""Bernstein et al., ICML 2018: rates of signSGD, and of SGD beside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import sqrt
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from problems.coordinate_noise import CoordinateNoise
from proofs_check.claim import Claim, Instance
from proofs_check.claims.sign._sign_bound import (
    REFERENCE,
    RUNS,
    VOTE,
    SignBound,
    Trial,
    far,
    hills,
    parabola,
    toy,
    trial,
    valley,
)
from proofs_check.convergence import ERROR_PROBABILITY, curve
from proofs_check.sides import expectation, inequality
from proofs_check.statistics import decide_upper_bound
from toolkit.algorithms.sgd import SGD
from toolkit.arrays import Array
from toolkit.averages import uniform
from toolkit.experiment import Experiment

if TYPE_CHECKING:
    import xarray


MARKOV = "the noise term, from P(wrong sign) ≤ 1/S, is twice what any noise can do (S-s1-sharp)"


class SignRate(SignBound):
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
            trial("x²/2 without noise, K steps from the minimum", far(K), K, 0.5),
            trial(f"normal noise, σ = 1, K = {K}", valley(K, 1.0), K, 0.5),
            trial(f"normal noise, σ = 20, K = {K}", valley(K, 20.0), K, 0.5),
            trial(f"sparse noise, d = 100, K = {K}, exact", toy(), K, 0.5),
            trial(f"sparse noise, d = 100, K = {K}, run", toy(), K, 0.5, sampled=True),
            trial(f"unequal coordinates, K = {K}, run", hills(10), K, 0.5, sampled=True),
        ]

    def bound(self, trial: Trial, T: Array) -> Array:
        K = trial.steps
        return np.array([(sqrt(trial.L_1) * (trial.F_0 + 0.5) + 2 * trial.sigma_1 * sqrt(trial.batch)) / sqrt(K)])


class StepRate(SignBound):
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
            trial("x²/2 without noise, K steps from the minimum", far(K), K, 0.5),
            trial(f"x²/2, skewed noise, from S = 1, K = {K}, exact", parabola(1.0, "skewed"), K, batch=1),
            trial(f"x²/2, worst unimodal noise, from S = 1, K = {K}, exact", parabola(1.0, "unimodal"), K, batch=1),
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


class MixedNorm(SignBound):
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
