"""Spirals of error feedback where messages project: which rates they leave it, and where none below descent's."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction as Q
from typing import TYPE_CHECKING

import numpy as np

from problems.quadratic import Quadratic
from proofs_check.claim import Claim, Instance
from proofs_check.sides import equality, inequality
from proofs_check.worst_case import spiral_proof
from proofs_check.worst_case.settings import best_stepsize
from proofs_check.worst_case.spiral import (
    SpiralProjection,
    out_of_reach,
    spiral_factor,
    spiral_law,
    spiral_rate,
    spiral_stepsize,
)
from proofs_check.worst_case.zigzag import best_zigzag_factor
from toolkit.algorithms.error_feedback import ErrorFeedback
from toolkit.arrays import Array
from toolkit.compressors import Compressor
from toolkit.experiment import Experiment

if TYPE_CHECKING:
    import xarray

STEPS = 60
FACTORS = r"\max_{h\in\{\mu,L\}}|\lambda_h(\eta)|^2"
# κ and s where no step size helps error feedback, the last ones just beyond the first such s.
LED = [
    (2, Q(1, 20)), (2, Q(1, 2)), (2, Q(9, 10)), (3, Q(1, 5)), (3, Q(1, 2)), (5, Q(1, 2)), (5, Q(9, 10)), (10, Q(4, 5)),
    (30, Q(19, 20)), (2, Q(4, 125)), (3, Q(143, 1000)), (10, Q(379, 500)), (100, Q(49, 50)), (320, Q(497, 500)),
]  # fmt: skip


class Spiral(Claim):
    """Messages that are always turned to the same side."""

    id = "WC-spiral"
    title = (
        "Error feedback on a round bowl in the plane, with projections turned to one side: f falls by a known factor"
    )
    statement = (
        r"f=\tfrac h2|x|^2,\ C(u)=zu,\ z=\sqrt{1-s^2}(\sqrt{1-s^2}+is):\quad "
        r"\begin{pmatrix}x_{t+1}\\e_{t+1}\end{pmatrix}=\begin{pmatrix}1-z\eta h&-z\\(1-z)\eta h&1-z\end{pmatrix}"
        r"\begin{pmatrix}x_t\\e_t\end{pmatrix},\quad \frac{f_{t+1}}{f_t}\to|\lambda|^2,\ "
        r"\lambda^2-(2-z-\eta hz)\lambda+1-z=0"
    )
    reference = "derived here"
    status = "derived"
    kind = "identity"

    def compressor(self, s: float) -> Compressor:
        """Return what turns messages."""
        return SpiralProjection(s=s)

    def points(self) -> list[tuple[float, float, float]]:
        """Return h, s and η."""
        return [(h, s, float(1.2 * best_stepsize(0.1, s))) for h in (0.1, 1.0) for s in (0.1, 0.5, 0.9)]

    def experiments(self, level: str) -> dict[str, Experiment]:
        return {
            f"h = {h}, s = {s}, η = {stepsize:.4g}": Experiment(
                Quadratic(np.full((1, 2), h), start=np.array([1.0, 0.0])), ErrorFeedback(), self.compressor(s),
                stepsize=stepsize, steps=STEPS, record="all", unproven=True,
            )
            for h, s, stepsize in self.points()
        }  # fmt: skip

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        found = []
        for name, (h, s, stepsize) in zip(self.experiments(level), self.points(), strict=True):
            f = data[name].f_gap.values[0]
            law = spiral_law(h, s, stepsize, STEPS) * f[0]
            found.append(equality(name, f, law, rounding=64 * STEPS))
            # The other root is 1 − z over this one: what it adds falls like (s/|λ|²)^t.
            factor = float(spiral_factor(h, s, stepsize))
            left = (s / factor) ** (STEPS - 1) / np.finfo(float).eps if s < factor else np.inf
            if left < 1e6:
                found.append(equality(f"{name}: f(x_60)/f(x_59)", f[-1] / f[-2], factor, rounding=1e4 + 64 * left))
        return found


class SpiralRate(Claim):
    """At every step size one of the spirals with h = μ and h = L is at least as bad as both at the best one."""

    id = "WC-spiral-rate"
    title = "Where messages project, spirals leave error feedback no better rate than the root of a quartic"
    statement = (
        rf"\min_{{\eta>0}}{FACTORS}=R,\quad \tfrac{{4L\mu}}{{(L+\mu)^2}}R(1-s^2)(R^2-2Rs^2+s^2)="
        r"(R^2+2Rs^2+s^2)(R-s^2)(1-R),\ s<R<1,\quad \text{at}\ \eta=\tfrac2{L+\mu}\,"
        r"\tfrac{R^2-2Rs^2+s^2}{R^2+2Rs^2+s^2}"
    )
    reference = "derived here"
    status = "derived"
    kind = "tight"
    expected = "tight"

    def failed(self) -> list[str]:
        """Return which parts of the proof for all parameters fail."""
        return spiral_proof.unproved()

    def rate(self, mu: float, s: float) -> float:
        """Return the root of the quartic."""
        return float(spiral_rate(mu, s))

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        failed = self.failed()
        reason = "every part of the proof holds" if not failed else f"not so: {', '.join(failed)}"
        found = [Instance("0 < μ < L, 0 < s < 1", "violated" if failed else "tight", ratio=1.0, reason=reason)]
        for mu in (0.5, 0.1, 0.01):
            for s in (0.02, 0.3, 0.6, 0.95):
                rate = self.rate(mu, s)
                scales = np.append(np.linspace(0.02, 2.5, 400), 1.0)
                factors = _worst(mu, s, scales * spiral_stepsize(mu, s, rate))
                kinds = [f"{scale:.3g} of the best step size" for scale in scales]
                best = np.full(scales.size, rate)
                found.append(inequality(f"μ = {mu}, s = {s}", best, factors, rounding=64, kinds=kinds))
        return found


class DescentFirst(Claim):
    """The spirals against the exact worst case without memory at its best step size, in exact numbers."""

    id = "WC-CGD-before-EF"
    title = "At small κ, or strong compression, no step size of error feedback reaches the rate without it"
    statement = (
        rf"\kappa\ge2:\ \exists s_0(\kappa):\quad s>s_0\iff {FACTORS}>\Big(\tfrac{{K-1}}{{K+1}}\Big)^2"
        r"\ \forall\eta>0,\ K=\kappa\,\tfrac{1+s}{1-s};\qquad "
        r"s>\tfrac12,\ \kappa\,(1-s^2)\le4\ \Rightarrow\ s>s_0(\kappa)"
    )
    reference = "derived here"
    status = "derived"
    kind = "upper bound"

    def points(self, level: str) -> list[tuple[int, Q]]:
        """Return κ and s."""
        return LED

    def without(self, mu: Q, s: Q) -> Q:
        """Return the best factor without memory; numbers or rational functions alike."""
        return best_zigzag_factor(mu, s)

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        failed = spiral_proof.order_unproved(self.without)
        reason = "every part of the proof holds" if not failed else f"not so: {', '.join(failed)}"
        found = [Instance("κ ≥ 2", "violated" if failed else "holds", reason=reason)]
        for kappa, s in self.points(level):
            mu = Q(1, kappa)
            without, rate = self.without(mu, s), float(spiral_rate(mu, s))
            led = out_of_reach(mu, s, without)
            told = "decided in exact numbers, for every step size"
            name, verdict = f"κ = {kappa}, s = {s}", "holds" if led else "violated"
            found.append(Instance(name, verdict, float(without), rate, float(without) / rate, reason=told))
        return found


def _worst(mu: float, s: float, stepsizes: Array) -> Array:
    return np.maximum(spiral_factor(mu, s, stepsizes), spiral_factor(1.0, s, stepsizes))
