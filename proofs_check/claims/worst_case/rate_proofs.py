"""The rates of EF and EF21 for all parameters at once: their proofs as identities between rational functions."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction as Q
from typing import TYPE_CHECKING, Any, ClassVar

from proofs_check.claim import Claim, Instance
from proofs_check.claims.worst_case.rate_of_error_feedback import EF, EF21, RATE, REFERENCE
from proofs_check.worst_case.feedback_proofs import Proof, domain, proof, proofs
from proofs_check.worst_case.symbolic import all_positive, parameters, positive, proves, residual

if TYPE_CHECKING:
    import xarray

AT = {"mu": Q(1, 2), "s": Q(1, 4), "r": Q(3, 4)}  # where the sides of an instance are given as numbers


class AllParameters(Claim):
    """The published multipliers prove r² for all μ, s and step sizes, and a line attains it."""

    status = "derived"
    kind = "tight"
    expected = "tight"
    method: ClassVar[str]

    def rate(self, one: Proof) -> Any:
        """Return the stated factor."""
        return one.r * one.r

    def proved(self, one: Proof) -> bool:
        """Tell whether the multipliers prove the stated factor."""
        model = one.model()
        multipliers = {**one.multipliers(model), "initial": self.rate(one)}
        return all_positive(multipliers.values(), domain()) and proves(residual(model, multipliers), domain())

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        return [self.judged(one) for one in proofs() if one.method == self.method]

    def judged(self, one: Proof) -> Instance:
        """Return the instance of one of the two step sizes with a rate."""
        before, after, fine = on_the_line(one)
        rate, above = self.rate(one), self.proved(one)
        attained = fine and positive(before, domain()) and after == rate * before
        worse = fine and positive(before, domain()) and positive(after - rate * before, domain())
        verdict = "violated" if worse else "tight" if above and attained else "holds" if above else "undecided"
        point = proof(one.method, one.active, **AT)
        start, end, _ = on_the_line(point)
        measured, bound = float(end / start), float(self.rate(point))
        why = [
            "for all parameters: " + ("the residual matrix has pivots 0 or > 0" if above else "no proof of it"),
            "a line attains it" if attained else "a line has a larger factor" if worse else "no line attains it",
            f"sides at μ = {AT['mu']}, s = {AT['s']}, r = {AT['r']}",
        ]
        name = f"{one.method}, all μ, s and γ where {one.active} decides"
        return Instance(name, verdict, measured, bound, measured / bound, reason="; ".join(why))


def on_the_line(one: Proof) -> tuple[Any, Any, bool]:
    """Return V before and after the step on the line, and whether the line belongs to the classes."""
    model = one.model()
    value = one.attained(model)
    held = {constraint.name: value(constraint.expression) for constraint in model.constraints()}
    before = held.pop("initial") + 1
    return before, value(model.metric[0]), not any(held.values())


class ErrorFeedback(AllParameters):
    """Error feedback."""

    id = "WC-EF-all"
    title = "Error feedback: its exact rate, proved for all μ, s and step sizes at once"
    statement = rf"{EF}\ \Rightarrow\ \max V^+/V=r^2\text{{ for all }}\mu,s,\gamma\text{{ with }}r<1,\quad {RATE}"
    reference = f"{REFERENCE}, Theorem 1, at the best γ; any γ: sheet worst_case_sdp 4.2 (derived)"
    method = "EF"


class OfEF21(AllParameters):
    """EF21."""

    id = "WC-EF21-all"
    title = "EF21: its exact rate, proved for all μ, s and step sizes at once"
    statement = rf"{EF21}\ \Rightarrow\ \max V^+/V=r^2\text{{ for all }}\mu,s,\gamma\text{{ with }}r<1,\quad {RATE}"
    reference = f"{REFERENCE}, Theorem 2, at the best γ; any γ: sheet worst_case_sdp 4.2 (derived)"
    method = "EF21"


class Order(Claim):
    """The order of the best factors of compressed descent and error feedback, for all parameters at once."""

    id = "WC-order-all"
    title = (
        "Contractive compressors: the best factor of compressed descent is below that of EF and EF21, for all μ and s"
    )
    statement = (
        r"\sqrt{\rho_{\mathrm{CGD}}}=\frac{k+s}{1+ks}<r,\quad r^2=(1-s)k\,r+s,\quad k=\frac{L-\mu}{L+\mu}"
        r"\qquad(0<k<1,\ 0<s<1)"
    )
    reference = f"{REFERENCE} (sheet worst_case_sdp 4.1, 4.2)"
    status = "derived"
    points: ClassVar[tuple[tuple[float, float], ...]] = ((9 / 11, 0.5), (49 / 51, 0.3), (1 / 3, 0.25), (0.999, 0.01))

    def descent(self, k: Any, s: Any) -> Any:
        """Return the square root of the factor of compressed descent at its best step size."""
        return (k + s) / (1 + k * s)

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        p, q = parameters("p", "q")
        k, s = parameters("k", "s")
        # λ is below the positive root of λ² = b λ + s where λ² < b λ + s.
        λ = self.descent(k, s)
        margin = (1 - s) * k * λ + s - λ * λ
        everything = {"k": 1 / (1 + p), "s": 1 / (1 + q)}
        verdict = "holds" if positive(margin, everything) else "undecided"
        if positive(-margin, everything):
            verdict = "violated"
        ratio, at = max(((self.descent(*one) / root(*one)) ** 2, one) for one in self.points)
        bound = root(*at) ** 2
        reason = f"sides where they are closest of {len(self.points)} points: k = {at[0]:.3g}, s = {at[1]:g}"
        return [Instance("all μ < L and 0 < s < 1", verdict, ratio * bound, bound, ratio, reason=reason)]


def root(k: float, s: float) -> float:
    """Return r, the positive root of r² = (1 − s)k r + s."""
    b = (1 - s) * k
    return float((b + (b * b + 4 * s) ** 0.5) / 2)
