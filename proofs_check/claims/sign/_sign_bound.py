"""What bounds on the mean ℓ1 norm of the gradient have in common, and the problems they are checked on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from math import sqrt
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from problems.coordinate_noise import CoordinateNoise
from proofs_check.claim import Claim, Instance, not_applicable
from proofs_check.convergence import ERROR_PROBABILITY
from proofs_check.sides import expectation, inequality
from proofs_check.sign_law import lattice_means, vote_wrong
from proofs_check.statistics import decide_upper_bound
from toolkit.algorithms.sign_sgd import SignSGD
from toolkit.arrays import Array
from toolkit.compressors.majority_vote import MajorityVote
from toolkit.compressors.raw_sign import RawSign
from toolkit.draws import Draw
from toolkit.experiment import Experiment
from toolkit.stepsizes import tuned

if TYPE_CHECKING:
    import xarray

REFERENCE = "Bernstein, Wang, Azizzadenesheli and Anandkumar, ICML 2018"
VOTE = "Bernstein, Zhao, Azizzadenesheli and Anandkumar, ICLR 2019"
RUNS = {"quick": 16, "full": 64}


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


class SignBound(Claim):
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


def far(K: int) -> CoordinateNoise:
    """Return x²/2 from K steps of 1/√K away, so that the last step ends in the minimum."""
    return CoordinateNoise([1.0], [0.0], start=[sqrt(K)])


def parabola(S: float, law: str, workers: int = 1) -> CoordinateNoise:
    """Return x²/2 with noise 1 in every sample, from where the signal-to-noise ratio is S."""
    return CoordinateNoise([1.0], [1.0], law=law, workers=workers, start=[S])
