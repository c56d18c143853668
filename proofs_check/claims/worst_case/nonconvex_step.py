"""EF21 on smooth functions: how long its steps may really be, against the published step sizes."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction as Q
from math import sqrt
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from proofs_check.claim import Claim, Instance
from proofs_check.worst_case.certifying import Uncertified, certify, exhibit
from proofs_check.worst_case.ef21_steps import (
    best_weight,
    contraction,
    curvature,
    descent,
    in_the_plane,
    longest,
    mean_square,
    proof_of_descent,
    published_weight,
)
from proofs_check.worst_case.rational import at_most
from proofs_check.worst_case.solving import Unsolved, solve
from toolkit.errors import WrongUse

if TYPE_CHECKING:
    import xarray

REFERENCE = "Richtárik, Sokolov and Fatkhullin, NeurIPS 2021"
FALLS = r"f(x^+)+\frac{\omega\gamma}2G^+\le f(x)+\frac{\omega\gamma}2G-\frac\gamma2\lVert\nabla f(x)\rVert^2"
# How far above the largest step quadratics have to gain, and an exact instance.
ABOVE, EXACTLY_ABOVE = Q(1000001, 1000000), Q(1001, 1000)


class Setting(NamedTuple):
    """s = √(1 − δ), the L_i (of one worker, or the same for each of both halves), and L."""

    s: Q
    smoothness: tuple[Q, ...]
    L: Q

    @property
    def name(self) -> str:
        told = ", ".join(map(str, self.smoothness))
        return f"s = {self.s}, L_i = {told}, L = {self.L}"

    @property
    def published(self) -> float:
        """The step size of Theorem 1, 1/(L + L̃ s/(1 − s))."""
        return 1 / (float(self.L) + sqrt(mean_square(self.smoothness)) * float(self.s / (1 - self.s)))

    @property
    def unsimplified(self) -> float:
        """The largest step with γL + γ²(L̃ s/(1 − s))² ≤ 1, the condition that the proof of Theorem 1 needs."""
        return longest(self.L, mean_square(self.smoothness) * (self.s / (1 - self.s)) ** 2)


def alone(t: Q) -> Setting:
    """Return one worker whose largest step size is the rational number 1 − t², where t = √(1 − γ)."""
    return Setting(t / (1 - t * t + t), (Q(1),), Q(1))


ALONE = {"quick": tuple(map(Q, ("1/2", "1/4", "3/4"))), "full": tuple(Q(k, 12) for k in range(1, 12))}
# The mean of two functions, L_1- and L_2-smooth, is exactly L-smooth for (L_2 − L_1)/2 ≤ L ≤ (L_1 + L_2)/2 only.
TOGETHER = {
    "quick": (
        Setting(Q(1, 2), (Q(1), Q(2)), Q(1)),
        Setting(Q(1, 2), (Q(1), Q(7)), Q(3)),
        Setting(Q(9, 10), (Q(1),) * 4, Q(1, 10)),
    ),
    "full": (
        *(Setting(s, (Q(1), Q(7)), L) for s in map(Q, ("1/4", "1/2", "3/4")) for L in (Q(3), Q(4))),
        *(Setting(s, (Q(1),) * n, L) for s in map(Q, ("1/2", "9/10")) for L in (Q(1, 10), Q(1, 2)) for n in (2, 6)),
        Setting(Q(1, 2), (Q(1), Q(2)), Q(1)),
        Setting(Q(3, 4), (Q(1), Q(1), Q(7), Q(7)), Q(7, 2)),
    ),
}


class Largest(Claim):
    """The largest step at which a potential f + w·G falls: proved below it, and refuted above it."""

    status = "derived"
    kind = "tight"
    expected = "tight"

    def settings(self, level: str) -> tuple[Setting, ...]:
        """Return the instances."""
        return TOGETHER[level]

    def weight(self, one: Setting) -> Q:
        """Return ω of the potential's w = ωγ/2."""
        return published_weight(one.s)

    def stated(self, one: Setting) -> float:
        """Return the largest step size."""
        return longest(one.L, curvature(one.s, one.L, mean_square(one.smoothness), self.weight(one)))

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        return [self.judged(one) for one in self.settings(level)]

    def judged(self, one: Setting) -> Instance:
        """Return the instance of a setting: measured is the step size that is proved."""
        stated, weight = self.stated(one), self.weight(one)
        # The simplest number near the float, which is the root itself where that is rational, or else below it.
        near = Q(stated).limit_denominator(1000)
        γ = near if abs(float(near) / stated - 1) < 1e-12 else Q(stated * (1 - 1e-9)).limit_denominator(10**12)
        try:
            proof_of_descent(γ, one.s, one.smoothness, one.L, weight).verified()
        except WrongUse as wrong:
            return Instance(one.name, "violated", bound=stated, reason=f"no proof at the stated step: {wrong.wrong}")
        smoothness = [float(L_i) for L_i in one.smoothness]
        fails = in_the_plane(float(ABOVE * γ), float(one.s), smoothness, float(one.L), float(weight)) > 1e-12
        reason = f"proved up to γ = {γ}" + (", refuted 1e-6 above it by quadratics in the plane" * fails)
        reason += f"; {float(γ) / one.published:.4f} times the published step, {one.published:.6g}"
        verdict = "tight" if fails else "holds"
        return Instance(one.name, verdict, float(γ), stated, float(γ) / stated, reason=reason)


class OneWorker(Largest):
    """One worker, where the published proof loses only by a simplification at its end."""

    id = "WC-EF21-step"
    title = "EF21, one worker: the largest step at which the published potential falls"
    statement = (
        rf"{FALLS}\text{{ for all }}L\text{{-smooth }}f,\ \omega=\tfrac1{{1-s}}\iff"
        r"\gamma L+\left(\frac{s}{1-s}\right)^2(\gamma L)^2\le1"
    )
    reference = f"{REFERENCE}, the condition before Theorem 1's simplification (D1); sheet worst_case_sdp 4.8"

    def settings(self, level: str) -> tuple[Setting, ...]:
        return tuple(map(alone, ALONE[level]))

    def judged(self, one: Setting) -> Instance:
        found, γ = super().judged(one), Q(self.stated(one)).limit_denominator(1000)
        if found.verdict != "tight":
            return found
        try:
            model = descent(EXACTLY_ABOVE * γ, one.s, one.smoothness, one.L, self.weight(one), bounded=True)
            worst = exhibit(model, slack=0.5).bound
        except (Unsolved, Uncertified) as lack:
            return Instance(found.name, "undecided", found.measured, found.bound, found.ratio, reason=str(lack))
        verdict = "tight" if worst > 0 else "undecided"
        reason = f"{found.reason}, and 1e-3 above it by an exact instance that gains {float(worst):.3g}"
        return Instance(found.name, verdict, found.measured, found.bound, found.ratio, reason=reason)


class Simplified(Claim):
    """What Theorem 1's simplification of its condition gives away."""

    id = "WC-EF21-step-slack"
    title = "EF21's published step gives away at most a quarter of the largest, for one worker, and that at s = 2/5"
    statement = (
        r"\frac{\gamma_{\max}}{\gamma_{\text{published}}}=\frac{2(1+y)}{1+\sqrt{1+4y^2}}\le\frac54,\quad "
        r"y=\frac{s}{1-s},\quad\text{equal at }s=\tfrac25:\ \tfrac34\text{ against }\tfrac35"
    )
    reference = f"{REFERENCE}, Theorem 1 (D1); sheet worst_case_sdp 4.8 (derived)"
    status = "derived"
    kind = "tight"
    expected = "tight"
    bound: ClassVar[Q] = Q(5, 4)

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        return [self.judged(t) for t in ALONE[level]]

    def judged(self, t: Q) -> Instance:
        """Return the instance of a largest step 1 − t²; with s = t/(1 − t² + t) the ratio is 5/4 − (t − 1/2)²."""
        one = alone(t)
        γ = 1 - t * t
        ratio = γ / (1 - one.s)
        try:
            proof_of_descent(γ, one.s, one.smoothness, one.L, published_weight(one.s)).verified()
        except WrongUse as wrong:
            return Instance(one.name, "undecided", float(ratio), float(self.bound), reason=wrong.wrong)
        verdict = "violated" if ratio > self.bound else "tight" if ratio == self.bound else "holds"
        reason = f"proved: {γ} against {1 - one.s}"
        return Instance(one.name, verdict, float(ratio), float(self.bound), float(ratio / self.bound), reason=reason)


class ManyWorkers(Largest):
    """Where workers differ, the published proof also loses in the deviations from their mean."""

    id = "WC-EF21-step-workers"
    title = (
        "EF21, unlike workers: the largest step at which the published potential falls, beyond the published condition"
    )
    statement = (
        rf"{FALLS},\ \omega=\tfrac1{{1-s}}\iff"
        r"\gamma L+\gamma^2\left(\frac{s}{1-s}\right)^2\left(L^2+\frac{\tilde L^2-L^2}{1+s}\right)\le1"
    )
    reference = f"{REFERENCE}, Theorem 1 (D1), its one-step form; the condition: derived here"


class BestWeight(Largest):
    """Another weight of G allows longer steps, up to 1 + s times longer where L is small against L̃."""

    id = "WC-EF21-step-weight"
    title = "EF21, unlike workers: the largest step at which any potential f + wG falls"
    statement = (
        rf"{FALLS},\ \omega=\frac{{1+sL/\tilde L}}{{1-s^2}}\iff"
        r"\gamma L+\gamma^2\left(\frac{s(\tilde L+sL)}{1-s^2}\right)^2\le1"
    )
    reference = f"{REFERENCE}, Theorem 1 (D1), with another weight: derived here"

    def weight(self, one: Setting) -> Q:
        near = Q(sqrt(mean_square(one.smoothness))).limit_denominator(1000)
        return best_weight(one.s, one.L, near)

    def stated(self, one: Setting) -> float:
        s, L, L_tilde = float(one.s), float(one.L), sqrt(mean_square(one.smoothness))
        return longest(L, (s * (L_tilde + s * L) / (1 - s * s)) ** 2)

    def judged(self, one: Setting) -> Instance:
        # Where L̃ is irrational the weight is only near the best one, and so is the step, to second order.
        found = super().judged(one)
        reason = f"{found.reason}; {self.stated(one) / one.unsimplified:.4f} times that of the published condition"
        return Instance(found.name, found.verdict, found.measured, found.bound, found.ratio, reason=reason)


class PolyakLojasiewicz(Claim):
    """Theorem 2's contraction also holds at longer steps than it allows."""

    id = "WC-EF21-PL"
    title = "EF21 under Polyak–Łojasiewicz: the published contraction is proved at longer steps than the published"
    statement = (
        r"\Psi^+\le(1-\gamma\mu)\Psi,\ \Psi=f-f^\star+\frac\gamma\theta G,\text{ for some }"
        r"\gamma>\min\Big\{\big(L+\tilde L\sqrt{2\beta/\theta}\big)^{-1},\ \frac\theta{2\mu}\Big\}"
    )
    reference = f"{REFERENCE}, Theorem 2 (D1), its one-step form"
    status = "derived"
    settings: ClassVar[dict[str, tuple[tuple[Setting, Q], ...]]] = {
        "quick": ((Setting(Q(1, 2), (Q(1),), Q(1)), Q(1, 10)), (Setting(Q(1, 2), (Q(1), Q(7)), Q(3)), Q(1, 10))),
        "full": tuple(
            (Setting(s, *functions), mu)
            for s in map(Q, ("1/4", "1/2", "3/4"))
            for functions in (((Q(1),), Q(1)), ((Q(1), Q(2)), Q(1)), ((Q(1), Q(7)), Q(3)))
            for mu in (Q(1, 1000), Q(1, 10), Q(1, 2))
        ),
    }

    def published(self, one: Setting, mu: Q) -> float:
        """Return the step size of Theorem 2."""
        spread = sqrt(2 * mean_square(one.smoothness)) * float(one.s / (1 - one.s))
        return min(1 / (float(one.L) + spread), float((1 - one.s) / (2 * mu)))

    def rate(self, γ: Q, mu: Q) -> Q:
        """Return the stated factor."""
        return 1 - γ * mu

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        return [self.judged(*one) for one in self.settings[level]]

    def judged(self, one: Setting, mu: Q) -> Instance:
        """Return the instance of a setting: the published step over the longest that is proved."""
        name = f"{one.name}, μ = {mu}"
        published = self.published(one, mu)
        low, high = 0.5, 3.0
        for _ in range(10):
            middle = (low + high) / 2
            low, high = (middle, high) if self.margin(one, mu, middle * published) > 0 else (low, middle)
        γ = _simple(0.99 * low * published)
        try:
            model = contraction(γ, one.s, mu, one.smoothness, one.L)
            bound = certify(model, slack=max(self.margin(one, mu, float(γ)), 1e-9)).bound
        except (Unsolved, Uncertified) as lack:
            return Instance(name, "undecided", bound=float(γ), measured=published, reason=str(lack))
        longer = published / float(γ)
        proved = bound <= self.rate(γ, mu)
        verdict = "undecided" if not proved else "holds" if longer < 1 else "violated"
        reason = f"proved: at γ = {γ} the factor is at most {at_most(bound)}, stated {float(self.rate(γ, mu)):.9g}"
        reason += f"; {1 / longer:.3f} times the published step"
        return Instance(name, verdict, published, float(γ), longer, reason=reason)

    def margin(self, one: Setting, mu: Q, stepsize: float) -> float:
        """Return by how much, relative to it, the stated factor is above the numeric worst case; −1 without one."""
        γ = _simple(stepsize)
        try:
            value = solve(contraction(γ, one.s, mu, one.smoothness, one.L)).value
        except Unsolved:
            return -1.0
        return float(self.rate(γ, mu)) / value - 1


def _simple(value: float) -> Any:
    return Q(value).limit_denominator(1000)
