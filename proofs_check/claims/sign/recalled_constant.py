"""How far the recalled rate of error feedback is from the truth: its worst case, exactly.

Units are such that L = σ = 1; then γ stands for γL, w² for the mean of E‖∇f(x_t)‖² over t ≤ T, s₀ for F_0/(γ(T+1)),
K = q²/δ with q² = 1 − δ, and the recalled right side is X = 2s₀ + γ/2 + 4γ²K/δ.

**Upper bound.** The virtual iterate makes SGD's steps, so with a = mean of E‖e_t‖² and v = √(aw²)/γ the descent lemma
gives w² ≤ s₀ + γ/2 + γv. Because samples are unbiased, E⟨e_t, g_t⟩ = E⟨e_t, ∇f(x_t)⟩, so the contraction gives
aδ ≤ q²(2γ²v + γ²). With s = 1 + 2v and M = s₀ + γs/2 these say w² ≤ M and (s − 1)² ≤ 4KsM; and w² ≤ 1. Largest s:
equality, `least_root`. Compare S-d3, which bounds a without asking whether the noise can be aligned with the memory.

**It is attained** in the long run (s₀ → 0). There 1 − 1/s = q√(2γ/δ) =: k. If γ ≤ 2(1 − k): f = x²/2, every e_t = kx_t,
and the next x̃ = x − p is x/(1 + c) or −x/(c − 1), c = k/(q(1 − k)), with the probabilities that make samples unbiased,
e being q|p| in its direction (`Multiplicative`; other values of c lead there from e = 0 and to any E x² first).
Otherwise every gradient can have length 1 (`ClippedBowl`).

**The recalled constant.** With r = 1/s and θ = γs/(2M), if M ≤ 1: K ≥ (1 − r)²/(4r), hence
X/M = 2 − θ(2 − r) + 4θ²r(1 − r)²/δ ≥ Φ(θ, r) = 2 − θ(2 − r) + θ²(1 − r²)². If M > 1, the same holds for smaller s₀ and
γ with M = 1, where X is smaller. Now Φ ≥ 1 for r ≤ 1/2, Φ(θ, r) ≥ Φ(1, r) = φ(r) = r + (1 − r²)² for r ≥ 1/2, and
φ(r) ≥ φ(ρ) where 4ρ³ − 4ρ + 1 = 0, ρ = 0.83757. So w² ≤ X/φ(ρ) = 1.07915 X, and no smaller factor does.
`CERTIFICATE` has every step of this that is algebra, as identities of polynomials.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from problems.quadratic import Quadratic
from proofs_check.cases import Case
from proofs_check.claim import Claim, Instance
from proofs_check.claims.sign.error_feedback_sgd import (
    REFERENCE,
    Smooth,
    recalled_bound,
)
from proofs_check.exact_runs import moment_instances, standing_instances
from proofs_check.moments import line, model, stationary
from proofs_check.multipliers import mixture, sure
from proofs_check.sides import equality, inequality

if TYPE_CHECKING:
    import xarray

RHO = 0.8375654352833230  # the larger root of 4ρ³ − 4ρ + 1 in (0, 1)
CAP = 1 / (RHO + (1 - RHO**2) ** 2)
ROUNDING = 64.0


def least_root(s_0: Any, gamma: Any, q: Any) -> Any:
    """Return the largest s with (s − 1)² ≤ 4Ks(s₀ + γs/2), infinite if all are.

    Examples
    --------
    >>> round(float(least_root(0.0, 5 / 3, 1 / 11)), 12)
    1.2
    """
    K = q**2 / (1 - q**2)
    rest, half = 1 - 2 * K * gamma, 1 + 2 * K * s_0
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(rest > 0, (half + np.sqrt(np.maximum(half**2 - rest, 0))) / rest, np.inf)


def worst_case(s_0: Any, gamma: Any, q: Any) -> Any:
    """Return the bound min(1, M) on the mean of E‖∇f(x_t)‖², in units of σ²; with s₀ = 0 it is attained."""
    return np.minimum(1.0, s_0 + gamma * least_root(s_0, gamma, q) / 2)


def recalled(s_0: Any, gamma: Any, q: Any) -> Any:
    """Return the recalled right side X, in units of σ²."""
    return 2 * s_0 + gamma / 2 + 4 * (gamma * q / (1 - q**2)) ** 2


def by_semidefinite_programme(gamma: float, q: float) -> float:
    """Return the largest E‖∇f‖² that the inequalities of the upper bound leave to second moments, computed by Clarabel.

    A number computed in floating point, not a proof; it agrees with `worst_case`, which is one.
    """
    import cvxpy

    moments = cvxpy.Variable((3, 3), PSD=True)  # of e, ∇f(x) and ∇f(x̃)
    (a, v, _), (_, squared, descent), (_, _, virtual) = ([moments[i, j] for j in range(3)] for i in range(3))
    constraints = [
        squared - 2 * descent + virtual <= a,  # L = 1
        descent <= gamma / 2,  # the virtual iterate descends
        (1 - q**2) * a <= q**2 * (2 * gamma * v + gamma**2),  # the contraction
        squared <= 1,  # σ = 1
    ]
    return float(cvxpy.Problem(cvxpy.Maximize(squared), constraints).solve(solver=cvxpy.CLARABEL))


@dataclass(frozen=True)
class Multiplicative:
    r"""The adversary that attains the worst case on f(x) = x²/2 for all but long steps, in fractions.

    With e = kx the sample has one of two values, so that x̃ = x − p is `stay`·x or `turn`·x; p being c times as long as
    x̃, a message C(p) = p ∓ qp leaves e = qcx̃, and again e = kx for the next x.

    Parameters
    ----------
    q, k : Fraction
        √(1 − δ), and q√(2γ/δ).
    """

    q: Fraction
    k: Fraction

    @property
    def gamma(self) -> Fraction:
        return self.k**2 * (1 - self.q**2) / (2 * self.q**2)

    @property
    def c(self) -> Fraction:
        return self.k / (self.q * (1 - self.k))

    @property
    def possible(self) -> bool:
        """Whether the two values surround the mean; at c = 1 one of them is infinite."""
        return self.c != 1 and self.gamma <= 2 * (1 - self.k)

    def outcomes(self) -> list[tuple[Fraction, Fraction]]:
        """Return x̃/x with its probability."""
        stay, turn, mean = 1 / (1 + self.c), 1 / (1 - self.c), 1 - self.k - self.gamma
        often = (mean - turn) / (stay - turn)
        return [(stay, often), (turn, 1 - often)]

    def step(self) -> list[tuple[Fraction, Fraction, Fraction, Fraction]]:
        """Return what happens from x = 1, e = k: probability, sample g, next x, next e."""
        found = []
        for virtual, probability in self.outcomes():
            p = 1 - virtual
            e = self.q * abs(p) * (1 if virtual > 0 else -1)
            found.append((probability, (p - self.k) / self.gamma, virtual + e, e))
        return found

    def ratio(self) -> Fraction:
        """Return E‖∇f(x)‖²/E‖g‖², the same at all times, once a step is seen to be what it has to be."""
        step = self.step()
        assert all(probability >= 0 for probability, *_ in step)
        assert sum(probability * g for probability, g, _, _ in step) == 1  # ∇f(1)
        assert sum(probability * x**2 for probability, _, x, _ in step) == 1
        assert all(e == self.k * x for _, _, x, e in step)
        return 1 / sum((probability * g**2 for probability, g, _, _ in step), start=Fraction(0))


def adversaries(level: str) -> list[Multiplicative]:
    """Return such adversaries, for q from 1/20 and step sizes up to where the slope can be 1 at all times."""
    parts = {"quick": 8, "full": 24}[level]
    qs = [Fraction(1, 20), Fraction(1, 11), Fraction(1, 4), Fraction(1, 2), Fraction(9, 10)]
    edges = {q: 2 * q / (1 + q) for q in qs}  # where 2(1 − k) = γ
    found = [Multiplicative(q, edge * Fraction(i, parts)) for q, edge in edges.items() for i in range(1, parts + 1)]
    return [one for one in found if one.possible]


@dataclass(frozen=True)
class Identity:
    """Two polynomials that are equal: of these degrees at most, they are if they agree on a grid with more points.

    Parameters
    ----------
    what : str
        What it is in the proof.
    left, right : callable
        The polynomials.
    degrees : tuple of int
        In each variable, at most.
    """

    what: str
    left: Callable[..., Any]
    right: Callable[..., Any]
    degrees: tuple[int, ...]

    @property
    def holds(self) -> bool:
        grid = product(*(range(degree + 1) for degree in self.degrees))
        points = [[Fraction(number) for number in point] for point in grid]
        return all(self.left(*point) == self.right(*point) for point in points)


def certified(identities: tuple[Identity, ...]) -> Instance:
    """Return the instance that says whether every identity of a proof holds."""
    false = [one.what for one in identities if not one.holds]
    name = f"{len(identities)} identities of the proof, in fractions"
    return Instance(name, "violated" if false else "holds", reason="; ".join(false) or "all hold")


def phi(r: Any) -> Any:
    return r + (1 - r**2) ** 2


def big_phi(theta: Any, r: Any) -> Any:
    return 2 - theta * (2 - r) + theta**2 * (1 - r**2) ** 2


# After what each says, why what is left is not negative for θ, r in [0, 1].
CERTIFICATE = (
    Identity(
        "M ≤ 1: 4K = s(1 − r)² is least, so 1/δ = 1 + K ≥ (1 + r)²/(4r), times r",
        lambda r: 4 * r + (1 - r) ** 2,
        lambda r: (1 + r) ** 2,
        (2,),
    ),
    Identity(
        "Φ ≥ 1 for r ≤ 1/2: 1 − r² ≥ 1 − r/2 makes Φ − 1 ≥ (1 − θ(2 − r)/2)²",
        lambda r: 2 * (1 - r**2) - (2 - r),
        lambda r: r * (1 - 2 * r),
        (2,),
    ),
    Identity(
        "Φ ≥ φ for r ≥ 1/2: Φ − φ = (1 − θ)(2 − r − (1 + θ)(1 − r²)²)",
        lambda theta, r: big_phi(theta, r) - phi(r),
        lambda theta, r: (1 - theta) * (2 - r - (1 + theta) * (1 - r**2) ** 2),
        (2, 4),
    ),
    Identity(
        "2 − r − 2(1 − r²)² = r(4r − 1 − 2r³), where the concave bracket is 3/4 at r = 1/2 and 1 at r = 1",
        lambda r: 2 - r - 2 * (1 - r**2) ** 2,
        lambda r: r * (4 * r - 1 - 2 * r**3),
        (4,),
    ),
    Identity(
        "φ(r) ≥ φ(ρ): a square times r² + 2ρr + 3ρ² − 2 > 0, for 3ρ² > 2, and a multiple of 4ρ³ − 4ρ + 1 = 0",
        lambda r, rho: phi(r) - phi(rho),
        lambda r, rho: (r - rho) ** 2 * (r**2 + 2 * rho * r + 3 * rho**2 - 2) + (r - rho) * (4 * rho**3 - 4 * rho + 1),
        (4, 4),
    ),
)


class Unbiased(Smooth):
    """S-d3 with the memory that unbiased samples allow: nothing can be aligned with noise before it is drawn."""

    id = "S-d3-unbiased"
    title = "Error feedback, one worker, unbiased samples: the mean squared gradient norm, sharp in the long run"
    statement = (
        r"\frac1{T+1}\sum_{t\le T}E\lVert\nabla f(x_t)\rVert^2\le\min(\sigma^2,A),\qquad "
        r"A=\frac{F_0}{\gamma(T+1)}+\frac{L\gamma\sigma^2}2s,\qquad "
        r"(s-1)^2=\frac{4(1-\delta)}\delta\,\frac{A}{\sigma^2}\,s,\quad s\ge1"
    )
    reference = f"{REFERENCE} (S-d3 sharpened, derived here)"
    workers = (1,)
    kind = "tight"
    expected = "tight"

    @staticmethod
    def bound(F_0: Any, L: Any, gamma: Any, sigma_sq: Any, delta: Any, T: Any) -> Any:
        start = F_0 / (gamma * (T + 1) * sigma_sq)
        return sigma_sq * worst_case(start, gamma * L, np.sqrt(float(1 - delta)))

    def missing(self, case: Case) -> str | None:
        return None if case.setting.problem.workers == 1 else "there are several workers"


class LongRun(Claim):
    """The exact worst case of error feedback with a constant step size, over everything that its theorem allows."""

    id = "S-d3-long-run"
    title = "The long-run worst case of error feedback with a contraction, over all smooth f and unbiased samples"
    statement = (
        r"\sup\,\limsup_{T\to\infty}\frac1{T+1}\sum_{t\le T}\frac{E\lVert\nabla f(x_t)\rVert^2}{\sigma^2}"
        r"=\min\Big(1,\frac{\gamma L/2}{1-k}\Big),\qquad k=\sqrt{\frac{2(1-\delta)\gamma L}{\delta}}<1"
    )
    reference = f"{REFERENCE} (S-d3 sharpened, derived here)"
    kind = "tight"
    expected = "tight"

    @staticmethod
    def bound(gamma: Any, q: Any) -> Any:
        return worst_case(0.0, gamma, q)

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        chosen = adversaries(level)
        left = [float(one.ratio()) for one in chosen]
        right = [self.bound(float(one.gamma), float(one.q)) for one in chosen]
        kinds = [f"γL = {one.gamma}, q = {one.q}" for one in chosen]
        reason = "E∇f = Eg, E x² and e = kx are the same after a step, exactly in fractions"
        found = [inequality("x²/2, samples of two values", left, right, rounding=ROUNDING, kinds=kinds, reason=reason)]
        # Near the edge M is (1 + q)/(1 − q) times as sensitive to rounding as γ is, 19 times at most.
        q, one = np.linspace(0.01, 0.9, 90), np.ones(90)
        longer = [(2 * (1 - q) / (1 + q) * factor, factor) for factor in (1.0, 1.1, 2.0)]
        found += [
            inequality(f"±1 for ever, γL = {factor} · 2(1 − q)/(1 + q)", one, self.bound(gamma, q), rounding=ROUNDING)
            for gamma, factor in longer
        ]
        return [*found, *stationary_instances(self.bound, level)]


def stationary_instances(bound: Callable[[Any, Any], Any], level: str) -> Iterator[Instance]:
    """Judge it on exact stationary moments: full Hessians, and compressors that stretch or shrink at random."""
    models = {"x²/2": line(0.0, 1.0), "x/2, flatter": line(0.0, 1.0, 0.5)}
    models |= {"a quadratic in the plane": model(Quadratic.generate(1, 2, spectrum=(0.3, 1.0), sigma_sq=1.0))}
    chances = {"quick": (0.0, 1.0), "full": (0.0, 0.5, 0.9, 1.0)}[level]
    for name, of in models.items():
        left, right, kinds = [], [], []
        d = of.shape[1]
        for q, gamma, stretched in product((0.02, 0.09, 0.3, 0.6), (0.1, 0.5, 1.0, 1.6), chances):
            if gamma >= 2 * (1 - q) / (1 + q):
                continue
            law = mixture((stretched, sure(1 + q, d)), (1 - stretched, sure(1 - q, d)))
            limit = stationary(of, law, gamma)
            left.append(limit.grad_norm_sq[0] / limit.sample_norm_sq[0])
            right.append(float(bound(gamma, q)))
            kinds.append(f"γL = {gamma}, q = {q}, stretched with probability {stretched}")
        yield inequality(f"{name}, stationary", left, right, rounding=ROUNDING, kinds=kinds, reason="exact moments")


class Cap(Claim):
    """By how much the recalled bound can fail at most, and does."""

    id = "S-d3-cap"
    title = "The recalled bound of S-d3, one worker, fails by a factor of 1.07915 at most; nearly attained"
    statement = (
        r"\frac1{T+1}\sum_{t\le T}E\lVert\nabla f(x_t)\rVert^2\le\frac1{\rho+(1-\rho^2)^2}\Big("
        r"\frac{2F_0}{\gamma(T+1)}+\frac{L\gamma\sigma^2}2+\frac{4(1-\delta)}{\delta^2}L^2\gamma^2\sigma^2\Big),\qquad "
        r"4\rho^3-4\rho+1=0,\ \rho=0.8376"
    )
    reference = f"{REFERENCE} (S-d3; the factor is derived here, the constant in brackets recalled)"
    cap: ClassVar[float] = CAP
    certificate: ClassVar[tuple[Identity, ...]] = CERTIFICATE

    def bound(self, *where: Any) -> Any:
        return self.cap * recalled_bound(*where)

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        root = 4 * RHO**3 - 4 * RHO + 1
        rho = equality("ρ", [root], [0.0], rounding=8, scale=1.0, reason=f"3ρ² − 2 = {3 * RHO**2 - 2:.3g}")
        found = [certified(self.certificate), rho]
        count = {"quick": 60, "full": 300}[level]
        s_0, gamma, q = np.meshgrid(
            np.append(0.0, np.geomspace(1e-4, 1, 12)), np.geomspace(1e-3, 3, count), np.linspace(0.004, 0.996, count)
        )
        left, right = worst_case(s_0, gamma, q), self.cap * recalled(s_0, gamma, q)
        found.append(inequality("S-d3-unbiased on a grid", left.ravel(), right.ravel(), rounding=ROUNDING))
        return [*found, *standing_instances(self.bound), *moment_instances(self.bound, level, (1,))]


class Third(Claim):
    """The weaker factor that holds for any number of workers."""

    id = "S-d3-cap-third"
    title = "The recalled bound of S-d3 fails by a third at most, with any number of workers"
    statement = (
        r"\frac14\big(\sqrt E+\sqrt{E+4S}\big)^2\le\frac43(S+s_0+E),\qquad "
        r"E=\frac{4(1-\delta)}{\delta^2}L^2\gamma^2\sigma^2,\quad s_0=\frac{F_0}{\gamma(T+1)},\quad "
        r"S=s_0+\frac{L\gamma\sigma^2}2"
    )
    reference = f"{REFERENCE} (S-d3; the left side is derived there, the right side recalled)"
    kind = "tight"
    expected = "tight"
    factor: ClassVar[float] = 4 / 3
    # With S = 1 and w² on the left, w² = 1 + √E·w, so that S + E = (w⁴ − w² + 1)/w².
    certificate: ClassVar[tuple[Identity, ...]] = (
        Identity(
            "4(A² − A + 1) − 3A² is a square",
            lambda A: 4 * (A**2 - A + 1) - 3 * A**2,
            lambda A: (A - 2) ** 2,
            (2,),
        ),
    )

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        E = np.append(np.geomspace(1e-6, 1e6, 999), 0.5)
        left = (np.sqrt(E) + np.sqrt(E + 4)) ** 2 / 4
        kinds = [f"E = {one:.3g} S" for one in E]
        return [
            certified(self.certificate),
            inequality("F_0 = 0, in units of S", left, self.factor * (1 + E), rounding=ROUNDING, kinds=kinds),
        ]


class Region(Claim):
    """Where the recalled bound is true in spite of all."""

    id = "S-d3-region"
    title = "Where the recalled bound of S-d3 holds, one worker: exactly, in the long run"
    statement = (
        r"T\to\infty:\quad\text{the recalled bound holds for all }f,g,C\iff\begin{cases}"
        r"\gamma L\ge\frac{(1-q)^3(1+q)}{8q^2},&q\ge\sqrt5-2,\\ "
        r"\frac{\gamma L}2+\frac{4q^2}{(1-q^2)^2}(\gamma L)^2\ge1,&q\le\sqrt5-2;\end{cases}\qquad "
        r"\text{with several workers it does if }\gamma L\ge\frac{(1-q)(1+q)^4}{8q^2(3+q)}"
    )
    reference = f"{REFERENCE} (S-d3; the second region is the sheet's, the first derived here)"
    certificate: ClassVar[tuple[Identity, ...]] = (
        Identity(
            "X/M − 1 = (1 − θ)(1 − θ(1 − r)) + θ²(1 − r)(h − 1), h = 4r(1 − r)/δ ≥ 1",
            lambda theta, r, h: 1 - theta * (2 - r) + theta**2 * h * (1 - r),
            lambda theta, r, h: (1 - theta) * (1 - theta * (1 - r)) + theta**2 * (1 - r) * (h - 1),
            (2, 1, 1),
        ),
        Identity(
            "h ≥ 1 iff |1 − 2r| ≤ q",
            lambda r, q: 4 * r * (1 - r) - (1 - q**2),
            lambda r, q: q**2 - (1 - 2 * r) ** 2,
            (2, 2),
        ),
    )

    @staticmethod
    def holds(gamma: Any, q: Any) -> Any:
        """Return whether the recalled bound holds in the long run, whatever f, samples and compressor are."""
        by_memory = gamma >= (1 - q) ** 3 * (1 + q) / (8 * q**2)
        return np.where(q >= np.sqrt(5) - 2, by_memory, recalled(0.0, gamma, q) >= 1)

    @staticmethod
    def sheet(gamma: Any, q: Any) -> Any:
        """Return whether it does by the sharp error lemma alone, which also covers several workers."""
        return gamma >= (1 - q) * (1 + q) ** 4 / (8 * q**2 * (3 + q))

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        found = [certified(self.certificate)]
        count = {"quick": 120, "full": 600}[level]
        s_0, gamma, q = (
            array.ravel()
            for array in np.meshgrid(
                [0.0, 1e-3, 0.1], np.geomspace(1e-4, 4, count), np.linspace(0.001, 0.999, count), indexing="ij"
            )
        )
        left, right = worst_case(s_0, gamma, q), recalled(s_0, gamma, q)
        inside, outside = self.holds(gamma, q), ~self.holds(gamma, q) & (s_0 == 0)
        found.append(inequality("inside, any F_0", left[inside], right[inside], rounding=ROUNDING))
        found.append(inequality("outside it fails", right[outside], left[outside], rounding=ROUNDING))
        far = self.sheet(gamma, q)
        E, S = (gamma * q / (1 - q)) ** 2, s_0 + gamma / 2  # with the sharp error lemma
        several = (np.sqrt(E) + np.sqrt(E + 4 * S)) ** 2 / 4
        found.append(inequality("the sheet's region, S-d3-best", several[far], right[far], rounding=ROUNDING))
        return found


class Start(Claim):
    """A start that is far enough makes up for the missing half."""

    id = "S-d3-start"
    title = "The recalled bound of S-d3 holds if F_0 is large enough, with any number of workers"
    statement = (
        r"s_0^2\ge E\cdot\frac{L\gamma\sigma^2}2\ \Rightarrow\ "
        r"\frac14\big(\sqrt E+\sqrt{E+4S}\big)^2\le S+s_0+E\qquad(s_0,S,E\text{ as in S-d3-cap-third})"
    )
    reference = f"{REFERENCE} (S-d3)"
    kind = "tight"
    expected = "tight"
    factor: ClassVar[float] = 1.0

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        E, middle, more = (
            array.ravel()
            for array in np.meshgrid(np.geomspace(1e-3, 1e3, 31), np.geomspace(1e-3, 1e3, 31), [1, 1.1, 2, 10])
        )
        s_0 = self.factor * more * np.sqrt(E * middle)
        S = s_0 + middle
        left = (np.sqrt(E) + np.sqrt(E + 4 * S)) ** 2 / 4
        kinds = [f"s₀² = {one**2:g} · the least" for one in more]
        return [inequality("on a grid", left, S + s_0 + E, rounding=ROUNDING, kinds=kinds)]
