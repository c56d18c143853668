"""SGD with an unbiased quantiser: the rates of SGD with a second moment that is 1 + ω times as large."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from problems.quadratic import Quadratic
from proofs_check.claim import Claim, Instance
from proofs_check.moments import Model, Moments, line, model, moments
from proofs_check.multipliers import Multipliers, multipliers
from proofs_check.sides import inequality
from toolkit.arrays import Array
from toolkit.compressors import Compressor
from toolkit.compressors.bernoulli import Bernoulli
from toolkit.compressors.identity import Identity
from toolkit.compressors.rand_k import RandK

if TYPE_CHECKING:
    import xarray

REFERENCE = "Alistarh, Grubic, Li, Tomioka and Vojnovic, NIPS 2017 (S-q4)"
ROUNDING = 64.0  # sums of squares that are not negative, of some hundreds of steps that forget


@dataclass(frozen=True)
class Run:
    """A run whose second moments are known exactly.

    Parameters
    ----------
    name : str
        Problem, compressor and step size, in words.
    of : Model
        The problem.
    by : Multipliers
        The compressor.
    omega : float or Fraction
        Its relative variance: E‖Q(g)‖² = (1 + ω)‖g‖² for every g.
    L, gamma : float or Fraction
        Smoothness and step size.
    """

    name: str
    of: Model
    by: Multipliers
    omega: Any
    L: Any
    gamma: Any

    def moments(self, T: int) -> Moments:
        return moments(self.of, self.by, [self.gamma] * T, memory=False, weights=[1] * T)


def runs() -> Iterator[Run]:
    """Return stationary lines, on which E x_t² is the same from the start, and noisy quadratics."""
    for p in (1, Fraction(1, 2)):
        # γ(1 + ω) = 1 and E ξ² = 1 make x_0 = ±1 stationary.
        law = multipliers(Bernoulli(p=float(p), unbiased=True), 1, Fraction)
        name = f"x²/2 from 1, noise ±1, coins with p = {p}, γ = {p}"
        yield Run(name, line(Fraction(1), Fraction(1)), law, Fraction(1) / p - 1, Fraction(1), Fraction(p))
    one = Fraction(1)
    yield Run(
        "x²/2 from 1 without noise or compression, γ = 1",
        line(one, 0 * one),
        multipliers(Identity(), 1, Fraction),
        0,
        one,
        one,
    )
    problem = Quadratic.generate(1, 5, sigma_sq=4.0)
    compressors: dict[str, Compressor] = {
        "Rand-1": RandK(k=1, unbiased=True),
        "Rand-3": RandK(k=3, unbiased=True),
        "coins with p = 1/2": Bernoulli(p=0.5, unbiased=True),
    }
    L = float(np.linalg.norm(problem.hessians[0], 2))
    for name, compressor in compressors.items():
        omega = compressor.constants(5).omega
        assert omega is not None
        for factor in (0.5, 0.05):
            gamma = factor / (L * (1 + float(omega)))
            of, by = model(problem), multipliers(compressor, 5)
            yield Run(f"a noisy quadratic, {name}, γ = {gamma:.3g}", of, by, float(omega), L, gamma)


class Quantised(Claim):
    """The mean squared gradient norm."""

    id = "S-q4"
    title = "SGD with an unbiased ω-quantiser is SGD with (1 + ω)B in the place of B, smooth f"
    statement = (
        r"E\lVert g_t\rVert^2\le B\ \Rightarrow\ \frac1T\sum_{t<T}E\lVert\nabla f(x_t)\rVert^2\le"
        r"\frac{F_0}{\gamma T}+\frac{L\gamma}2(1+\omega)B\qquad"
        r"(\text{the descent lemma; S-d3 with }\delta=1,\ \rho\to0)"
    )
    reference = REFERENCE
    kind = "tight"
    expected = "tight"

    def left(self, run: Moments, T: Array) -> Array:
        return np.cumsum(run.grad_norm_sq)[:-1] / T

    def bound(self, one: Run, run: Moments, B: Array, T: Array) -> Array:
        """Return the right side at every T."""
        return run.f_gap[0] / (one.gamma * T) + one.L * one.gamma / 2 * (1 + one.omega) * B

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        steps = {"quick": 200, "full": 1000}[level]
        found = []
        for one in runs():
            exact = one.of.start.dtype == object
            run = one.moments(steps)
            T = np.array([Fraction(t) if exact else t for t in range(1, steps + 1)])
            B = np.maximum.accumulate(run.sample_norm_sq)[:-1]
            left, right = self.left(run, T), self.bound(one, run, B, T)
            kinds = [f"T = {t}" for t in range(1, steps + 1)]
            reason = "second moments in fractions" if exact else "exact second moments"
            reason += f"; B = {float(B[-1]):.4g} is the largest E‖g_t‖² of the run"
            sides = left.astype(float), right.astype(float)
            found.append(inequality(one.name, *sides, rounding=ROUNDING, kinds=kinds, reason=reason))
        return found


class QuantisedConvex(Quantised):
    """The gap at the mean iterate."""

    id = "S-q4-convex"
    title = "SGD with an unbiased ω-quantiser is SGD with (1 + ω)B in the place of B, convex f"
    statement = (
        r"E\lVert g_t\rVert^2\le B\ \Rightarrow\ Ef(\bar x_T)-f^\star\le"
        r"\frac{R_0^2}{2\gamma T}+\frac\gamma2(1+\omega)B,\qquad \bar x_T=\frac1T\sum_{t<T}x_t\qquad"
        r"(\text{S-d4 with }\delta=1)"
    )
    kind = "upper bound"
    expected = "holds"

    def left(self, run: Moments, T: Array) -> Array:
        return run.f_gap_at_average

    def bound(self, one: Run, run: Moments, B: Array, T: Array) -> Array:
        return run.distance_sq[0] / (2 * one.gamma * T) + one.gamma / 2 * (1 + one.omega) * B
