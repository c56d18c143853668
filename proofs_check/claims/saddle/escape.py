"""Jin et al., JACM 2021, Lemmas 20 and 22 at their own constants: one small random step, then descent, escapes."""

from __future__ import annotations

from collections.abc import Mapping
from math import sqrt
from typing import Any, ClassVar

import numpy as np
from scipy import stats

from problems.saddles.strict_saddle import StrictSaddle
from proofs_check.claim import Claim, Instance
from proofs_check.eq_6 import Eq6
from proofs_check.sides import inequality, proportion
from toolkit.algorithms._perturbation import ball
from toolkit.arrays import Array
from toolkit.draws import Draw

REFERENCE = "Jin, Netrapalli, Ge, Kakade and Jordan, JACM 2021"
IOTAS = (20, 22, 24)
ERROR_PROBABILITY = 1e-6  # of one instance that rests on chance
L, RHO = 2.0, 0.5


def saddle(d: int) -> StrictSaddle:
    """Return a saddle with λ_min = −ℓ in one direction and ℓ in all others: what √(ρε) = ℓ asks for."""
    return StrictSaddle([-L] + [L] * (d - 1), rho=RHO, top=L)


def numbers(iota: float) -> Eq6:
    """Return Eq. 6 at √(ρε) = ℓ, where 𝒯 = ι."""
    return Eq6(L=L, rho=RHO, epsilon=L**2 / RHO, iota=iota)


def fallen(problem: StrictSaddle, of: Eq6, x: Array) -> Array:
    """Return f(x̃) − f(x_𝒯) at x̃ = 0, of runs of descent from some points, shape ``(run,)``; 𝒯 steps."""
    for _ in range(round(of.patience)):
        x = x - of.stepsize * problem.gradient(x)
    return -problem.value(x)[:, 0]


class Escape(Claim):
    """A perturbation at a strict saddle makes f fall by 𝓕/2, but for a small probability."""

    id = "A2-20"
    title = "At its own constants, a perturbation escapes a strict saddle in 𝒯 steps; how loose its probability is"
    statement = (
        r"\lVert\nabla f(\tilde x)\rVert\le\epsilon,\ \lambda_{\min}\le-\sqrt{\rho\epsilon},\ x_0=\tilde x+\eta\xi"
        r"\ \Rightarrow\ \mathbb P\left(f(x_{\mathcal T})-f(\tilde x)>-\tfrac{\mathcal F}2\right)"
        r"\le\frac{\ell\sqrt d}{\sqrt{\rho\epsilon}}\iota^22^{8-\iota}"
    )
    reference = f"{REFERENCE}, Lemma 20 (A2)"
    kind = "upper bound"
    share: ClassVar[float] = 0.5  # of 𝓕

    def check(self, data: Mapping[str, Any], level: str) -> list[Instance]:
        runs = {"quick": 4000, "full": 100_000}[level]
        instances = [one for iota in IOTAS for one in self._exactly(numbers(iota))]
        instances += [self._sampled(d, numbers(iota), runs) for iota in IOTAS for d in (2, 10)]
        return instances

    def bound(self, of: Eq6, d: int) -> float:
        """Return the right side."""
        return of.failure(d)

    def stuck_within(self, of: Eq6) -> float:
        """Return how near to the stable subspace a start is stuck, in units of ηr: by bisection on the line.

        The other coordinates are 0 after one step, since η = 1/ℓ, and f falls the more the farther the start is.
        """
        line, low, high = saddle(1), 0.0, 1.0
        for _ in range(60):
            middle = (low + high) / 2
            start = np.full((1, 1, 1), middle * of.stepsize * of.radius)
            enough = fallen(line, of, start)[0] >= self.share * of.fall
            low, high = (low, middle) if enough else (middle, high)
        return high

    def _exactly(self, of: Eq6) -> list[Instance]:
        """Judge by the law of a coordinate in the ball: its square is Beta(1/2, (d + 1)/2)."""
        within, instances = self.stuck_within(of), []
        for d in (2, 10, 100):
            probability, bound = float(stats.beta.cdf(within**2, 0.5, (d + 1) / 2)), self.bound(of, d)
            reason = f"{bound / probability:.3g} times below its bound; stuck within {within:.3g} ηr"
            name = f"exact law, ι = {of.iota}, d = {d}"
            instances.append(inequality(name, [probability], [bound], rounding=1e3, reason=reason))
        return instances

    def perturbation(self, draw: Draw, x: Array, of: Eq6) -> Array:
        """Return ξ."""
        return ball(draw, x, of.radius)

    def _sampled(self, d: int, of: Eq6, runs: int) -> Instance:
        problem, origin = saddle(d), np.zeros((1, 1, d))
        x = origin + of.stepsize * self.perturbation(Draw(np.arange(runs)), origin, of)
        failures = int((fallen(problem, of, x) < self.share * of.fall).sum())
        name = f"sampled, ι = {of.iota}, d = {d}"
        return proportion(
            name, failures, runs, self.bound(of, d), at_least=False, error_probability=ERROR_PROBABILITY, reason="stuck"
        )


class Coupling(Claim):
    """Of two starts that are ω apart along the escape direction, one escapes."""

    id = "A2-22"
    title = "Of two runs that start more than ηω apart along the escape direction one falls by 𝓕 in 𝒯 steps"
    statement = (
        r"x_0-x_0'=\eta r_0e_1,\ r_0>\omega,\ \lVert x_0-\tilde x\rVert,\lVert x_0'-\tilde x\rVert\le\eta r"
        r"\ \Rightarrow\ \min\{f(x_{\mathcal T})-f(x_0),f(x'_{\mathcal T})-f(x_0')\}\le-\mathcal F"
    )
    reference = f"{REFERENCE}, Lemma 22 (A2)"
    kind = "upper bound"
    apart: ClassVar[float] = 1.0001  # r_0, in ω

    def check(self, data: Mapping[str, Any], level: str) -> list[Instance]:
        return [self._compare(numbers(iota), d) for iota in IOTAS for d in (2, 10)]

    def _compare(self, of: Eq6, d: int) -> Instance:
        """Compare pairs: in the middle, which is the worst place, and elsewhere."""
        problem, gap = saddle(d), of.stepsize * self.apart * of.width
        middles = of.stepsize * of.radius * np.array([0.0, 0.01, -0.1, 0.5, 0.0])
        aside = of.stepsize * of.radius * np.array([0.0, 0.0, 0.3, -0.3, 0.9])
        falls = []
        for sign in (-0.5, 0.5):
            x = np.zeros((len(middles), 1, d))
            x[:, 0, 0], x[:, 0, 1] = middles + sign * gap, aside
            falls.append(fallen(problem, of, x) + problem.value(x)[:, 0])
        larger = np.maximum(*falls)
        kinds = ["the symmetric pair", "1 % off", "10 % off", "half-way", "far along a stable direction"]
        reason = f"the pair falls by at least {larger.min() / of.fall:.3g} 𝓕"
        sides = np.full(len(larger), of.fall), larger
        return inequality(f"ι = {of.iota}, d = {d}", *sides, rounding=64, kinds=kinds, reason=reason)


def volume_bound(of: Eq6, d: int) -> float:
    """Return (ω/r)√(d/π), what the proof of Lemma 20 says of the part of the ball that is stuck."""
    return of.width / of.radius * sqrt(d / np.pi)


class StuckVolume(Escape):
    """The step in the proof of Lemma 20 from the width of a band to its share of the ball."""

    id = "A2-20-volume"
    title = "The stuck part of the ball is at most the band of width ω through its middle"
    statement = (
        r"\mathbb P\left(f(x_{\mathcal T})-f(\tilde x)>-\tfrac{\mathcal F}2\right)\le\frac\omega r\sqrt{\frac d\pi}"
    )
    reference = f"{REFERENCE}, proof of Lemma 20 (A2)"

    def bound(self, of: Eq6, d: int) -> float:
        return volume_bound(of, d)
