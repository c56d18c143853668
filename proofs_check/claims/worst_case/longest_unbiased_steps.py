"""Unbiased compressors, without shifts and with DIANA's: the longest steps of the published one-step bounds."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction as Q
from functools import cache, cached_property
from itertools import product
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np

from proofs_check.claim import Claim, Instance
from proofs_check.worst_case.certificate import Certificate
from proofs_check.worst_case.model import Model
from proofs_check.worst_case.symbolic import all_positive, parameters, positive, proves, residual
from proofs_check.worst_case.unbiased_steps import (
    Bowls,
    apart,
    at_parabolas,
    best_shift_weight,
    certificate,
    diana,
    diana_growth,
    diana_longest,
    diana_longest_of_weights,
    diana_rate,
    expected,
    farthest,
    floor_longest,
    multipliers,
    on_functions,
    parabolas,
    reflections,
    shared,
    shift_terms,
    with_floor,
)
from toolkit.algorithms import State
from toolkit.algorithms.compressed_sgd import CompressedSGD
from toolkit.algorithms.diana import DIANA
from toolkit.errors import WrongUse

if TYPE_CHECKING:
    import xarray

THEORY = "Gorbunov, Hanzely and Richtárik 2020, unified theory (sheet D3, derived)"
ABOVE = Q(1000001, 1000000)  # how far above the longest step an exact instance has to exceed the bound
Matrix = list[list[Any]]


class Setting(NamedTuple):
    """Number of workers n, ω and μ; L = 1."""

    n: int
    omega: Q
    mu: Q

    @property
    def name(self) -> str:
        return f"n = {self.n}, ω = {self.omega}, μ = {self.mu}"

    @property
    def v(self) -> Q:
        """ω/n."""
        return self.omega / self.n


def settings(*workers: int) -> dict[str, tuple[Setting, ...]]:
    """Return the instances of a claim by level."""
    wide = product(workers, map(Q, (1, 4, 20)), map(Q, ("1/100", "1/10", "1/2")))
    return {
        "quick": tuple(Setting(n, omega, Q(1, 10)) for n in workers[:2] for omega in (Q(1), Q(4))),
        "full": tuple(Setting(*one) for one in wide),
    }


class Longest(Claim):
    """The longest step of a published bound: proved up to it, for all parameters too, and exceeded above it."""

    status = "derived"
    kind = "tight"
    expected = "tight"
    settings: ClassVar[dict[str, tuple[Setting, ...]]]

    def published(self, one: Setting) -> Q:
        """Return the largest step of the theorem."""
        return 1 / (1 + 2 * one.v)

    def stated(self, one: Setting) -> Any:
        """Return the longest step."""
        raise NotImplementedError

    def proof(self, one: Setting, γ: Q) -> Certificate:
        """Return a certificate of the bound at a step."""
        raise NotImplementedError

    def excess(self, one: Setting, γ: Q) -> Q:
        """Return, exactly, by how much the left side of the bound is above the right one on the worst functions."""
        raise NotImplementedError

    @cached_property
    def proved(self) -> bool:
        """Whether it is proved at the longest step for all parameters and every n."""
        raise NotImplementedError

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        return [self.judged(one) for one in self.settings[level]]

    def step(self, one: Setting) -> Q:
        """Return the longest step itself if it is a simple number, else one just below it."""
        stated = self.stated(one)
        near = Q(stated).limit_denominator(1000)
        if stated == near or abs(float(near) / float(stated) - 1) < 1e-12:
            return near
        return stated if isinstance(stated, Q) else Q(stated * (1 - 1e-9)).limit_denominator(10**12)

    def judged(self, one: Setting) -> Instance:
        """Return the instance of a setting: measured is the step up to which it is proved."""
        stated, γ = float(self.stated(one)), self.step(one)
        try:
            self.proof(one, γ).verified()
        except WrongUse as wrong:
            return Instance(one.name, "violated", bound=stated, reason=f"at the stated step {wrong.wrong}")
        exceeds = self.excess(one, ABOVE * γ) > 0
        verdict = "undecided" if not self.proved else "tight" if exceeds else "holds"
        reason = f"proved at γ = {γ}, for all parameters and every n" if self.proved else "no general proof"
        reason += ", exceeded 1e-6 above it by exact quadratics with C(u) = 0 or (1 + ω)u" * exceeds
        reason += f"; {float(γ / self.published(one)):.4f} times the published step"
        return Instance(one.name, verdict, float(γ), stated, float(γ) / stated, reason=reason)


def _blocks(model: Model, n: int, mu: Any, rate: Any, of_functions: Any) -> tuple[Matrix, Matrix]:
    """Return the residual matrix of a proof where all workers are equal, and where two are opposite."""
    S = residual(model, multipliers(model, n, mu, rate, of_functions))
    return apart(S, model.vectors, n) if n > 1 else (S, [])


class _WithoutShifts(Longest):
    """Compressed gradient descent, at x = (1, 0, …)."""

    def bowls(self, one: Setting) -> Bowls:
        """Return the worst functions."""
        return parabolas(one.n)

    def excess(self, one: Setting, γ: Q) -> Q:
        bowls = self.bowls(one)
        x = np.array([[[Q(int(not j)) for j in range(len(bowls.metric))]]], dtype=object)
        after = expected(CompressedSGD(stepsize=γ), State(x=x), bowls, one.omega, lambda s: bowls.norm_sq(s.x[0]))
        return after - (1 - γ * one.mu) - 2 * γ * γ * one.v * bowls.norm_sq(bowls.linear)

    def model(self, n: int, omega: Any, mu: Any, γ: Any) -> tuple[Model, Any]:
        """Return the model of one step, and the value that the bound allows it."""
        raise NotImplementedError

    def same(self, numbers: tuple[int, ...], v: Any, mu: Any, γ: Any, of_functions: Any) -> list[Matrix]:
        """Return the parts of the residual matrix if they are the same for all these n; else none."""
        found = []
        for n in numbers:
            model, rate = self.model(n, n * v, mu, γ)
            found.append(_blocks(model, n, mu, rate, of_functions))
        equal, opposite = ([part for part in parts if part] for parts in zip(*found, strict=True))
        alike = all(part == equal[0] for part in equal) and all(part == opposite[0] for part in opposite)
        return [equal[0], *opposite[:1]] if alike else []


class SharedMinimiser(_WithoutShifts):
    """One worker, or several with a minimiser in common."""

    id = "WC-DCGD-longest-shared"
    title = "Unbiased compressors, workers with a shared minimiser: the longest step of the published contraction"
    statement = (
        r"\nabla f_i(x^\star)=0:\quad E\lVert x^+-x^\star\rVert^2\le(1-\gamma\mu)\lVert x-x^\star\rVert^2"
        r"\iff\gamma\le\frac{2-\mu/L}{(1+\omega/n)L}"
    )
    reference = f"{THEORY}, its one-step form; the longest step: derived here"
    settings: ClassVar[dict[str, tuple[Setting, ...]]] = settings(1, 2, 3)

    def stated(self, one: Setting) -> Any:
        return floor_longest(one.v, one.mu, Q(1))

    def model(self, n: int, omega: Any, mu: Any, γ: Any) -> tuple[Model, Any]:
        return shared(n, omega, mu, γ), 1 - γ * mu

    def proof(self, one: Setting, γ: Q) -> Certificate:
        model, rate = self.model(one.n, one.omega, one.mu, γ)
        return certificate(model, one.n, one.mu, rate, on_functions(γ * γ * (1 + one.v), one.mu, γ))

    @cached_property
    def proved(self) -> bool:
        mu, v, w = parameters("mu", "v", "w")
        γ = floor_longest(v, mu, 1)
        of_functions = at_parabolas(γ * γ * (1 + v), mu, γ)
        parts, domain = self.same((1, 2, 3), v, mu, γ, of_functions), {"mu": 1 / (1 + w), "v": v, "w": w}
        return bool(parts) and positive(of_functions, domain) and all(proves(part, domain) for part in parts)


class UnlikeWorkers(_WithoutShifts):
    """Several workers with their own minimisers, and the published floor."""

    id = "WC-DCGD-longest"
    title = "Unbiased compressors, unlike workers: the longest step of the published bound with its floor"
    statement = (
        r"E\lVert x^+-x^\star\rVert^2\le(1-\gamma\mu)\lVert x-x^\star\rVert^2"
        r"+\frac{2\gamma^2\omega}n\cdot\frac1n\sum_i\lVert\nabla f_i(x^\star)\rVert^2\iff"
        r"\gamma\le\min_{\mu\le h\le L}\frac{2h-\mu}{(1-v)h^2+2v((L+\mu)h-\mu L)},\ v=\frac\omega n,\ n\ge2"
    )
    reference = f"{THEORY}, its one-step form; the longest step: derived here"
    settings: ClassVar[dict[str, tuple[Setting, ...]]] = settings(2, 3)

    def farthest(self, one: Setting) -> Q:
        """Return the h of the worst functions."""
        return Q(farthest(float(one.v), float(one.mu))).limit_denominator(10**6)

    def stated(self, one: Setting) -> Any:
        h = self.farthest(one)
        return floor_longest(one.v, one.mu, h if h == 1 else farthest(float(one.v), float(one.mu)))

    def bowls(self, one: Setting) -> Bowls:
        h = self.farthest(one)
        return super().bowls(one) if h == 1 else reflections(one.n, one.mu, h)

    def model(self, n: int, omega: Any, mu: Any, γ: Any) -> tuple[Model, Any]:
        return with_floor(n, omega, mu, γ), γ / γ

    def proof(self, one: Setting, γ: Q) -> Certificate:
        model, rate = self.model(one.n, one.omega, one.mu, γ)
        of_functions = max(2 * γ * γ * one.v, on_functions(γ * γ * (1 + one.v), one.mu, γ))
        return certificate(model, one.n, one.mu, rate, of_functions)

    @cached_property
    def proved(self) -> bool:
        domain, *found = cases()
        parts = [(case, self.same((2, 3), *case)) for case in found]
        return all(
            same and all_positive(case, domain) and all(proves(part, domain) for part in same) for case, same in parts
        )


@cache
def cases() -> tuple[Any, ...]:
    """Return two positive numbers, and by them v, μ, the longest step of unlike workers, and its proof's multiplier."""
    p, q = parameters("p", "q")
    domain = {"p": p, "q": q}
    # Noise that is small, v < 1/(1 − μ); and large: in v and m = h/μ > v/(v − 1) the worst h and μ are rational.
    mu, v = 1 / (1 + p), (1 + p) / (p * (1 + q))
    γ = floor_longest(v, mu, 1)
    small = v, mu, γ, at_parabolas(γ * γ * (1 + v), mu, γ)
    v, m = 1 + q, (1 + p) * (1 + q) / q
    mu = 1 / ((1 - 1 / v) * m * (m - 1) + 1)
    γ = floor_longest(v, mu, m * mu)
    return domain, small, (v, mu, γ, 2 * γ * γ * v)


class OfDiana(Longest):
    """DIANA with the largest a; the worst functions are equal parabolas, at x = 1."""

    id = "WC-DIANA-longest"
    title = "DIANA: the longest step of the published contraction of its Lyapunov function"
    statement = (
        r"E\,V^+\le\rho V,\ \rho=\max\{1-\gamma\mu,1-a/2\},\ a=\frac1{1+\omega}\iff"
        r"(1-\gamma L)^2+\gamma^2L^2\frac\omega n\Big(4+\frac\beta{\beta-1}\Big)\le\rho,\ "
        r"\beta=4-\frac{4(1-\rho)}a;\quad E\,V^+\le\rho V+\big((1-\gamma L)^2+\ldots-\rho\big)\lVert x-x^\star\rVert^2"
    )
    reference = f"{THEORY}; the longest step: derived here"
    settings: ClassVar[dict[str, tuple[Setting, ...]]] = settings(1, 2, 3)

    def rate(self, one: Setting) -> Q:
        """Return a."""
        return 1 / (1 + one.omega)

    def published(self, one: Setting) -> Q:
        return 1 / (1 + 6 * one.v)

    def stated(self, one: Setting) -> Any:
        return diana_longest(one.n, float(one.omega), float(one.mu), float(self.rate(one)))

    def factor(self, one: Setting, γ: Q) -> Q:
        """Return ρ."""
        return diana_rate(γ, one.mu, self.rate(one))

    def weight(self, one: Setting) -> Q:
        """Return c."""
        return Q(4)

    def proof(self, one: Setting, γ: Q) -> Certificate:
        a, c, ρ = self.rate(one), self.weight(one), self.factor(one, γ)
        of_functions = on_functions(γ * γ * (1 + one.v * diana_growth(ρ, a, one.omega, c)), one.mu, γ)
        return certificate(diana(one.n, one.omega, one.mu, γ, a, c), one.n, one.mu, ρ, of_functions)

    def excess(self, one: Setting, γ: Q) -> Q:
        a, c, ρ, bowls = self.rate(one), self.weight(one), self.factor(one, γ), parabolas(one.n)
        β, κ = shift_terms(ρ, a, one.omega, c)
        shift = np.full((1, one.n, 1), -κ / (β - κ), dtype=object)  # where it is worst
        state = State(x=np.array([[[Q(1)]]], dtype=object), shift=shift)

        def potential(state: State) -> Any:
            return bowls.norm_sq(state.x[0]) + c * one.v * γ * γ / a * bowls.norm_sq(state.shift[0])

        method: Any = DIANA
        after = expected(method(stepsize=γ, rate=a), state, bowls, one.omega, potential)
        return after - ρ * potential(state)

    @cached_property
    def proved(self) -> bool:
        return diana_proved()


@cache
def diana_proved() -> bool:
    """Return whether DIANA's law, and so the longest step, is proved for all parameters, weights and rates."""
    γ, mu, v, κ, e, c = parameters("γ", "mu", "v", "κ", "e", "c")
    β = κ + e
    A = γ * γ * (1 + v * (c + κ * β / e))
    parts = []
    for n in (1, 2, 3):
        a = (1 - (1 - κ) / c) / (1 + n * v)
        ρ = 1 - a * (1 - β / c)
        equal, opposite = _blocks(diana(n, n * v, mu, γ, a, c), n, mu, ρ, at_parabolas(A, mu, γ))
        equal[0][0] = equal[0][0] + A - 2 * γ + 1 - ρ  # (1 − γ)² + γ²vK − ρ on ‖x‖²
        parts.append((equal, opposite))
    (alone, _), (equal, opposite), (again, other) = parts
    # Any κ in (1 − c, 1), β and c > 1, γ(1 + vK) > 2/(1 + μ); at the ends, as at κ = 1 of the largest a, by continuity.
    p, q, w, y, z, x = parameters("p", "q", "w", "y", "z", "x")
    at = {"mu": 1 / (1 + w), "v": q, "κ": 1 - (1 + x) / (1 + y), "e": z + (1 + x) / (1 + y), "c": 1 + x}
    K = at["c"] + at["κ"] * (at["κ"] + at["e"]) / at["e"]
    domain = at | {"γ": 2 * (1 + p) / ((1 + at["mu"]) * (1 + q * K))}
    fine = positive(at_parabolas(A, mu, γ), domain)
    for part, order in ((alone, (1, 2, 0, 3)), (opposite, (0, 2, 1, 3))):  # which matters to the signs only
        fine = fine and proves([[part[i][j] for j in order] for i in order], domain)
    return fine and alone == equal == again and opposite == other


class OfDianaAnyWeight(OfDiana):
    """DIANA with the weight of the shifts that allows the longest steps."""

    id = "WC-DIANA-weight"
    title = "DIANA: the longest step of the rate 1 − γμ for any weight of the shifts"
    statement = (
        r"E\,V_c^+\le(1-\gamma\mu)V_c,\ V_c=\lVert x-x^\star\rVert^2"
        r"+\frac{c\,\omega\gamma^2}{na}\cdot\frac1n\sum_i\lVert h_i-\nabla f_i(x^\star)\rVert^2,\ a=\frac1{1+\omega}"
        r"\text{ for some }c\iff\gamma L\Big(1+\frac\omega n\Big(1+\frac1q\Big)^2\Big)\le2-\frac\mu L,\ "
        r"q^2=1-\frac{\gamma\mu}a;\quad c=\frac{1+q}{q^2}"
    )
    reference = f"{THEORY}, with another weight: derived here"

    def stated(self, one: Setting) -> Any:
        return diana_longest_of_weights(one.n, float(one.omega), float(one.mu))

    def factor(self, one: Setting, γ: Q) -> Q:
        return 1 - γ * one.mu

    def weight(self, one: Setting) -> Q:
        # K is least there, so that it is as small at the nearest simple number to a second order.
        share = self.stated(one) * float(one.mu) * (1 + float(one.omega))
        return Q(best_shift_weight(share)).limit_denominator(10**5)

    @cached_property
    def proved(self) -> bool:
        return diana_proved() and least_growth()


def least_growth() -> bool:
    """Return whether K of any weight is that of the best one and a square over positive numbers."""
    q, t = parameters("q", "t")  # q² = 1 − γμ/a, t = β − 1 = cq² − 1
    K = diana_growth(q * q, q / q, 0 * q, (1 + t) / (q * q))  # in units in which a = 1, so that ω = 0
    return bool(K - (1 + 1 / q) ** 2 == (t - q) ** 2 / (q * q * t))


class Slack(Claim):
    """How much longer than the published step the longest can be: proved for all parameters, and nearly reached."""

    status = "derived"
    longest: ClassVar[Longest]
    limit: ClassVar[Q]
    settings: ClassVar[tuple[Setting, ...]]

    @cached_property
    def proved(self) -> bool:
        """Whether the longest step is seen to be shorter than so many published ones, for all parameters."""
        raise NotImplementedError

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        return [self.judged(one) for one in self.settings]

    def judged(self, one: Setting) -> Instance:
        """Return the instance of a setting: measured is the ratio of a step that is proved to the published."""
        γ, published = self.longest.step(one), self.longest.published(one)
        ratio = γ / published
        try:
            self.longest.proof(one, γ).verified()
        except WrongUse as wrong:
            return Instance(one.name, "undecided", float(ratio), float(self.limit), reason=wrong.wrong)
        verdict = "violated" if ratio > self.limit else "tight" if ratio == self.limit else "holds"
        verdict = "undecided" if verdict != "violated" and not self.proved else verdict
        reason = f"proved at γ = {γ} against {published}"
        reason += "; the bound for all parameters" if self.proved else "; no general proof"
        return Instance(one.name, verdict, float(ratio), float(self.limit), float(ratio / self.limit), reason=reason)


class SlackShared(Slack):
    """With a shared minimiser: most for much noise and an ill-conditioned problem."""

    id = "WC-DCGD-slack-shared"
    title = "Unbiased compressors, a shared minimiser: the longest step is less than four times the published"
    statement = r"\frac{(2-\mu/L)(1+2\omega/n)}{1+\omega/n}<4"
    reference = f"{THEORY}; the longest step: derived here"
    longest = SharedMinimiser()
    limit = Q(4)
    settings = (Setting(1, Q(1), Q(1, 10)), Setting(1, Q(1000), Q(1, 10**6)))

    @cached_property
    def proved(self) -> bool:
        v, mu, w = parameters("v", "mu", "w")
        return positive(self.limit - floor_longest(v, mu, 1) * (1 + 2 * v), {"v": v, "mu": 1 / (1 + w), "w": w})


class SlackUnlike(Slack):
    """With unlike workers: most for ω = n and an ill-conditioned problem."""

    id = "WC-DCGD-slack"
    title = "Unbiased compressors, unlike workers: the longest step is less than three times the published"
    statement = (
        r"\Big(1+\frac{2\omega}n\Big)\min_{\mu\le h\le L}\frac{L(2h-\mu)}{(1-v)h^2+2v((L+\mu)h-\mu L)}<3,"
        r"\ v=\frac\omega n"
    )
    reference = f"{THEORY}; the longest step: derived here"
    longest = UnlikeWorkers()
    limit = Q(3)
    settings = (Setting(2, Q(4), Q(1, 10)), Setting(2, Q(2), Q(1, 10**6)))

    @cached_property
    def proved(self) -> bool:
        domain, *both = cases()
        p = domain["p"]
        values = [self.limit - γ * (1 + 2 * v) for v, _, γ, _ in both]
        return all(all_positive(values, {**domain, "p": part}) for part in (1 + p, 1 / (1 + p)))


class SlackOfDiana(Slack):
    """DIANA: most for much noise and a problem that is ill-conditioned even against it."""

    id = "WC-DIANA-slack"
    title = "DIANA: the longest step is less than 9/4 of the published"
    statement = (
        r"\gamma_{\max}(1+6\omega/n)L<\tfrac94,\quad"
        r"\gamma_{\max}L=\frac{2-\mu/L}{1+K\omega/n}\text{ with }K>\tfrac{16}3"
        r"\text{ where }\gamma_{\max}\mu<\tfrac a2,\text{ else at most }\frac2{1+6\omega/n}"
    )
    reference = f"{THEORY}; the longest step: derived here"
    longest = OfDiana()
    limit = Q(9, 4)
    settings = (Setting(1, Q(4), Q(1, 10)), Setting(3, Q(20), Q(1, 2)), Setting(1, Q(1000), Q(1, 10**6)))

    @cached_property
    def proved(self) -> bool:
        v, mu, β, w, y = parameters("v", "mu", "β", "w", "y")
        # β from 2, where both rates are equal, to 4; where 1 − a/2 is the rate, γ(1 + 6v) = 1 + √… ≤ 2 at the longest.
        ratio = (2 - mu) * (1 + 6 * v) / (1 + v * (4 + β / (β - 1)))
        domain = {"v": v, "mu": 1 / (1 + w), "β": (2 + 4 * y) / (1 + y), "w": w, "y": y}
        return positive(self.limit - ratio, domain)


class SlackOfWeights(SlackOfDiana):
    """DIANA with the best weight: again most for much noise and an ill-conditioned problem."""

    id = "WC-DIANA-weight-slack"
    title = "DIANA: with another weight of the shifts the longest step is up to three times the published"
    statement = r"\gamma_{\max}(1+6\omega/n)L<3,\quad\gamma_{\max}L=\frac{2-\mu/L}{1+K\omega/n}\text{ with }K>4"
    reference = f"{THEORY}, with another weight: derived here"
    longest = OfDianaAnyWeight()
    limit = Q(3)

    @cached_property
    def proved(self) -> bool:
        v, mu, q, w, y = parameters("v", "mu", "q", "w", "y")
        ratio = (2 - mu) * (1 + 6 * v) / (1 + v * (1 + 1 / q) ** 2)
        return positive(self.limit - ratio, {"v": v, "mu": 1 / (1 + w), "q": 1 / (1 + y), "w": w, "y": y})
