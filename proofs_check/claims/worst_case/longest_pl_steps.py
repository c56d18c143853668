"""EF21 under Polyak–Łojasiewicz: the longest step of the published contraction, between certificates and parabolas."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction as Q
from itertools import product
from math import sqrt
from typing import TYPE_CHECKING, ClassVar

from proofs_check.claim import Claim, Instance
from proofs_check.claims.worst_case.nonconvex_step import REFERENCE
from proofs_check.worst_case.certifying import Uncertified, certify
from proofs_check.worst_case.pl_steps import (
    best_weight,
    between,
    longest_on_parabolas,
    of_rate,
    recedes,
    refuted,
    shrinking,
)
from proofs_check.worst_case.rational import at_most
from proofs_check.worst_case.solving import Unsolved, solve

if TYPE_CHECKING:
    import xarray

# s and μ, of one worker; L = 1.
POINTS = {
    "quick": ((Q(1, 2), Q(1, 10)), (Q(3, 4), Q(1, 10))),
    "full": tuple(product(map(Q, ("1/4", "1/2", "3/4", "9/10")), map(Q, ("1/1000", "1/10", "1/2")))),
}
ABOVE = Q(10001, 10000)  # how far above the longest exact instances refute


def published(s: Q, mu: Q) -> float:
    """Return the step size of Theorem 2 for one worker, L = 1."""
    return min(1 / (1 + sqrt(2) * float(s / (1 - s))), float((1 - s) / (2 * mu)))


class LongestUnderPL(Claim):
    """The published potential: proved up to nearly the step above which it fails on a parabola."""

    id = "WC-EF21-PL-longest"
    title = "EF21 under Polyak–Łojasiewicz: the longest step of the published contraction, to within a twentieth"
    statement = (
        r"\Psi^+\le(1-\gamma\mu)\Psi,\ \Psi=f-f^\star+\frac\gamma\theta G:\quad"
        r"\text{true at a }\gamma\ge\tfrac{19}{20}\gamma_p,\text{ false just above }\gamma_p,"
        r"\text{ up to which it is true of }f=\tfrac h2x^2,\ h\in\{\mu,L\}"
    )
    reference = f"{REFERENCE}, Theorem 2 (D1), its one-step form; the longest step: derived here"
    status = "derived"
    kind = "upper bound"
    expected = "holds"
    least: ClassVar[float] = 0.95

    def weight(self, s: Q, mu: Q) -> Q:
        """Return ω of the potential's ωγ/2."""
        return 2 / (1 - s)

    def limit(self, s: Q, mu: Q, weight: Q) -> float:
        """Return the step above which it fails."""
        return longest_on_parabolas(float(s), float(mu), float(weight))

    def refuted(self, s: Q, mu: Q, weight: Q) -> tuple[Q, bool]:
        """Return a step just above that one, and whether it is refuted there, exactly."""
        γ = Q(self.limit(s, mu, weight)).limit_denominator(10**9) * ABOVE
        return γ, refuted(γ, s, mu, weight)

    def rate(self, γ: Q, mu: Q) -> Q:
        """Return the stated factor."""
        return 1 - γ * mu

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        return [self.judged(*one) for one in POINTS[level]]

    def judged(self, s: Q, mu: Q) -> Instance:
        """Return the instance of a setting: the step at which it is proved, and that above which it fails."""
        weight, name = self.weight(s, mu), f"s = {s}, μ = {mu}"
        limit = self.limit(s, mu, weight)
        try:
            γ, bound = self.certified(s, mu)
        except (Unsolved, Uncertified) as lack:
            return Instance(name, "undecided", bound=limit, reason=str(lack))
        above, false = self.refuted(s, mu, weight)
        ratio = float(γ) / limit
        verdict = "violated" if not false or ratio > 1 else "holds" if ratio >= self.least else "undecided"
        verdict = "undecided" if bound > self.rate(γ, mu) else verdict
        reason = f"proved at γ = {γ}: the factor is at most {at_most(bound)}, stated {float(self.rate(γ, mu)):.9g}"
        reason += f"; refuted exactly at {float(above):.6g} on a parabola" if false else "; not refuted just above it"
        reason += f"; ω = {weight}, {float(γ) / published(s, mu):.3f} times the published step"
        return Instance(name, verdict, float(γ), limit, ratio, reason=reason)

    def certified(self, s: Q, mu: Q) -> tuple[Q, Q]:
        """Return a step, and a certified bound of the factor there, which is at most the stated one if it is proved."""
        weight = self.weight(s, mu)
        γ = self.provable(s, mu, weight, self.limit(s, mu, weight))
        slack = max(self.margin(γ, s, mu, weight), 1e-9)
        return γ, certify(between(γ, s, mu, weight), slack=slack).bound

    def provable(self, s: Q, mu: Q, weight: Q, limit: float) -> Q:
        """Return a simple step just below the longest at which the program allows the stated factor."""
        low, high = 0.5, 1.0
        for _ in range(10):
            middle = (low + high) / 2
            fits = self.margin(_simple(middle * limit), s, mu, weight) > 1e-7
            low, high = (middle, high) if fits else (low, middle)
        return _simple(0.9998 * low * limit)

    def margin(self, γ: Q, s: Q, mu: Q, weight: Q) -> float:
        """Return by how much, relative to it, the stated factor is above the numeric worst case; −1 without one."""
        try:
            return float(self.rate(γ, mu)) / solve(between(γ, s, mu, weight)).value - 1
        except Unsolved:
            return -1.0


class AnyWeight(LongestUnderPL):
    """All potentials f − f* + ωγ/2·G: the best is proved up to nearly where EF21 itself is slower than the rate."""

    id = "WC-EF21-PL-weight"
    title = "EF21 under Polyak–Łojasiewicz: with another weight of G the published rate holds nearly as long as it can"
    statement = (
        r"\Psi_\omega=f-f^\star+\frac{\omega\gamma}2G,\ \omega=\frac{(1+s)\tau}{s(1+\tau)(\tau-s)}:\quad"
        r"\Psi_\omega^+\le(1-\gamma\mu)\Psi_\omega\text{ at a }\gamma\ge0.97\,\gamma_p;\quad"
        r"\text{at no }\gamma>\gamma_p\text{ is any rate }1-\gamma\mu\text{ true},\ "
        r"\gamma_pL=\frac{(1+\tau)(\tau-s)}{(1+s)\tau},\ \tau^2=1-\gamma_p\mu"
    )
    least = 0.97

    def weight(self, s: Q, mu: Q) -> Q:
        return Q(best_weight(float(s), shrinking(float(s), float(mu)))).limit_denominator(1000)

    def limit(self, s: Q, mu: Q, weight: Q) -> float:
        return of_rate(float(s), shrinking(float(s), float(mu)))

    def refuted(self, s: Q, mu: Q, weight: Q) -> tuple[Q, bool]:
        r = Q(shrinking(float(s), float(mu))).limit_denominator(10**9) * ABOVE
        γ = of_rate(s, r)
        return γ, r * r > self.rate(γ, mu) and recedes(s, r)


def _simple(value: float) -> Q:
    return Q(value).limit_denominator(10**4)
