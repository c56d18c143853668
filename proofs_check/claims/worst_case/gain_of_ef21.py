"""EF21 on smooth functions: the exact gain of its potentials in a step, for all parameters at once."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction as Q
from typing import TYPE_CHECKING, Any

from proofs_check.claim import Claim, Instance
from proofs_check.claims.worst_case.nonconvex_step import REFERENCE, TOGETHER, Setting
from proofs_check.worst_case.ef21_steps import (
    curvature,
    descent,
    in_the_plane,
    longest,
    mean_square,
    multipliers,
    published_weight,
)
from proofs_check.worst_case.feedback_proofs import split
from proofs_check.worst_case.model import Model
from proofs_check.worst_case.symbolic import all_positive, parameters, proves, residual

if TYPE_CHECKING:
    import xarray


class ExactFall(Claim):
    """The law behind: what a step gains at most, for all parameters, weights and numbers of workers at once."""

    id = "WC-EF21-fall"
    title = "EF21 on smooth functions: what the potential f + wG gains at most in a step, for all parameters at once"
    statement = (
        r"f(x^+)-f(x)+\frac{\omega\gamma}2(G^+-G)+\frac\gamma2\lVert\nabla f(x)\rVert^2"
        r"\le\frac\gamma2(\gamma L+\gamma^2K-1)\lVert\bar d\rVert^2,\quad "
        r"K=\frac{s^2}{(1-s^2)^2}\Big((1+u)\tilde L^2+s^2\big(1+\tfrac1u\big)L^2\Big),\ u=\omega(1-s^2)-1>0"
    )
    reference = f"{REFERENCE}, Theorem 1 (D1), its one-step form; the law: derived here"
    status = "derived"
    kind = "tight"
    expected = "tight"

    def law(self, γ: Any, s: Any, L: Any, L_tilde_sq: Any, weight: Any) -> Any:
        """Return the stated gain where the mean estimate has length 1."""
        return γ / 2 * (γ * L + γ * γ * curvature(s, L, L_tilde_sq, weight) - 1)

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        proved = self.proved()
        return [self.judged(one, proved) for one in TOGETHER[level]]

    def proved(self) -> bool:
        """Tell whether the multipliers prove it for all γ, s, u, every n and all L_i, in units in which L = 1."""
        γ, s, u, a, b = parameters("γ", "s", "u", "a", "b")
        p, q, w, y, z = parameters("p", "q", "w", "y", "z")
        domain = {"γ": p, "s": 1 / (1 + q), "u": w, "a": y, "b": z}
        L, ω = Q(1), (1 + u) / (1 - s * s)

        def matrix(smoothness: list[Any]) -> tuple[Any, Model, bool]:
            model = descent(γ, s, smoothness, L, ω)
            told = multipliers(model, γ, s, smoothness, L, ω)
            return residual(model, told), model, all_positive(told.values(), domain)

        # Order matters only to the signs of pivots: the last is that of the estimate.
        (alone, single, signs), order = matrix([a]), (3, 1, 2, 0)
        alone[0][0] = alone[0][0] + self.law(γ, s, L, a * a, ω)
        fine = signs and proves([[alone[i][j] for j in order] for i in order], domain)
        several = {n: matrix([a] * n) for n in (2, 3)}  # both parts are linear in 1/n
        deviations = []
        for n, (S, model, signs) in several.items():
            mean, deviation = split(S, model.vectors, single.vectors, n)
            mean[0][0] = mean[0][0] + self.law(γ, s, L, a * a, ω)
            deviations.append(deviation)
            fine = fine and signs and mean == alone and proves(deviation, domain)
        # All is linear in the L_i², so that of unlike workers only their mean counts.
        unlike, _, signs = matrix([a, b])
        rows = zip(unlike, several[2][0], matrix([b, b])[0], strict=True)
        halves = all(2 * one == x + y for parts in rows for one, x, y in zip(*parts, strict=True))
        return fine and signs and halves and deviations[0] == deviations[1]

    def judged(self, one: Setting, proved: bool) -> Instance:
        """Return the instance of a setting: the gain of quadratics in the plane, at twice the largest step."""
        s, L, smoothness = float(one.s), float(one.L), [float(L_i) for L_i in one.smoothness]
        weight = float(published_weight(s))
        γ = 2 * longest(L, curvature(s, L, mean_square(smoothness), weight))
        measured, bound = in_the_plane(γ, s, smoothness, L, weight), self.law(γ, s, L, mean_square(smoothness), weight)
        verdict = "violated" if measured > bound * (1 + 1e-9) else "tight" if measured > bound * (1 - 1e-9) else "holds"
        verdict = "undecided" if verdict != "violated" and not proved else verdict
        reason = "proved for all parameters and every n" if proved else "no proof of it"
        reason += f"; sides are the gain of quadratics in the plane at γ = {γ:.6g}"
        return Instance(one.name, verdict, measured, bound, measured / bound, reason=reason)
