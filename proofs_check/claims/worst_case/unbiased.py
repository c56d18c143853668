"""Unbiased compressors without memory: the exact law for all parameters and workers, and the published step sizes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction as Q
from functools import cached_property
from itertools import product
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from proofs_check.claim import Claim, Instance
from proofs_check.worst_case.certifying import Uncertified, certify
from proofs_check.worst_case.feedback_proofs import split
from proofs_check.worst_case.model import Model
from proofs_check.worst_case.rational import at_most
from proofs_check.worst_case.solving import Unsolved, solve
from proofs_check.worst_case.symbolic import all_positive, parameters, proves, residual
from proofs_check.worst_case.unbiased_steps import diana, shared, with_floor

if TYPE_CHECKING:
    import xarray


class Point(NamedTuple):
    """μ, the compressor's ω, the number of workers n, the step size γ, and which curvature decides; L = 1."""

    mu: Any
    omega: Any
    workers: int
    stepsize: Any
    active: str


class Law(Claim):
    """The exact factor of E‖x − x*‖², at every step size, for any number of workers with a shared minimiser."""

    id = "WC-CGD-unbiased-all"
    title = "Independent unbiased compressors, n workers with a shared minimiser: the exact factor, for all parameters"
    statement = (
        r"\nabla f_i(x^\star)=0\ \Rightarrow\ \max\frac{E\lVert x^+-x^\star\rVert^2}{\lVert x-x^\star\rVert^2}"
        r"=\max_{h\in\{\mu,L\}}(1-\gamma h)^2+\frac{\gamma^2\omega h^2}n\quad\text{for every }n,\mu,\omega,\gamma"
    )
    reference = "sheet worst_case_sdp 4.7, one worker at its best γ (measured there); this form: derived"
    status = "derived"
    kind = "tight"
    expected = "tight"
    numbers: ClassVar[tuple[int, int]] = (2, 3)

    def factor(self, one: Point) -> Any:
        """Return the stated factor."""
        h = one.mu if one.active == "μ" else one.mu / one.mu
        return 1 - 2 * one.stepsize * h + one.stepsize * one.stepsize * (1 + one.omega / one.workers) * h * h

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        return [self.judged(active) for active in ("μ", "L")]

    def judged(self, active: str) -> Instance:
        """Return the instance where one of the two curvatures decides."""
        mu, omega, γ = parameters("mu", "omega", "gamma")
        # With nω for each of n workers the part of the means is one worker's, that of the deviations one matrix over n.
        parts = [self.parts(Point(mu, n * omega, n, γ, active)) for n in self.numbers]
        (mean, deviation), (other_mean, other_deviation) = parts
        alone = Point(mu, omega, 1, γ, active)
        single, _ = self.matrix(alone)
        same = mean == other_mean == single and deviation == other_deviation
        domain = self.domains[active]
        signs = all_positive((self.on_functions(alone), self.factor(alone)), domain)
        proved = signs and same and proves(mean, domain) and proves(deviation, domain)
        ratios = []
        for n, root in product((1, 2, 3), (1, 3)):
            point = Point(Q(1, 10), Q(root**2), n, self.at(Q(1, 10), Q(root**2) / n, active), active)
            ratios.append(_two_values(point, root) / self.factor(point))
        attained, more = all(one == 1 for one in ratios), max(ratios) > 1
        verdict = "violated" if more else "tight" if proved and attained else "holds" if proved else "undecided"
        reason = "for all parameters and every n: both parts of the residual matrix have pivots 0 or > 0"
        reason = reason if proved else "no proof of it"
        reason += "; sides over the stated factor, where n workers on a line draw C(u) = (1 ± √ω)u"
        return Instance(f"{active} decides", verdict, float(max(ratios)), 1.0, float(max(ratios)), reason=reason)

    def at(self, mu: Q, omega: Q, active: str) -> Q:
        """Return a step size at which a curvature decides: 3/4 or 5/4 of the best one."""
        return 2 / ((1 + omega) * (1 + mu)) * (Q(3, 4) if active == "μ" else Q(5, 4))

    @cached_property
    def domains(self) -> dict[str, Mapping[str, Any]]:
        """μ, ω and γ as functions of three positive numbers; γ is below, or above, the best step size."""
        p, q, w = parameters("p", "q", "w")
        mu = 1 / (1 + w)
        best = 2 / ((1 + p) * (1 + mu))
        return {
            active: {"mu": mu, "omega": p, "gamma": best * scale}
            for active, scale in (("μ", 1 / (1 + q)), ("L", 1 + q))
        }

    def on_functions(self, one: Point) -> Any:
        """Return the multiplier of both conditions between a worker's gradient and the minimiser."""
        γ, longer = one.stepsize, one.stepsize * (1 + one.omega / one.workers)
        return 2 * γ * (1 - longer * one.mu if one.active == "μ" else longer - 1) / one.workers

    def matrix(self, one: Point) -> tuple[list[list[Any]], list[str]]:
        """Return the residual matrix of the proof, and the names of its vectors."""
        model = shared(one.workers, one.omega, one.mu, one.stepsize)
        share = one.stepsize / one.workers
        told = {"initial": self.factor(one)}
        cross = model.metric[0].gram()
        for constraint in model.constraints():
            words = constraint.name.split()
            if "noise" in words:  # what is orthogonal takes the noise's products out of ‖x⁺‖²
                pair = next(iter(constraint.expression.gram()))
                told[constraint.name] = cross.get(pair, Q(0))
            elif words[0] == "message":
                told[constraint.name] = share * share
            elif constraint.name != "initial":
                told[constraint.name] = self.on_functions(one)
        return residual(model, told), model.vectors

    def parts(self, one: Point) -> tuple[Any, Any]:
        """Return the parts of the means and of the deviations."""
        S, names = self.matrix(one)
        return split(S, names, ["x_0", "g_0", "c_0"], one.workers)


def _two_values(one: Point, root: int) -> Q:
    """Return E x₊²/x² on f_i = hx²/2 over all outcomes of n independent C(u) = (1 ± √ω)u."""
    h = one.mu if one.active == "μ" else Q(1)
    total = Q(0)
    for signs in product((-1, 1), repeat=one.workers):
        sent = sum(1 + sign * root for sign in signs) * h / Q(one.workers)
        total += (1 - one.stepsize * sent) ** 2
    return total / 2**one.workers


class _Longer(Claim):
    """A published one-step bound, which holds at longer steps than it is stated for."""

    status = "derived"
    settings: ClassVar[dict[str, tuple[tuple[int, Q, Q], ...]]] = {
        "quick": ((1, Q(4), Q(1, 10)), (2, Q(4), Q(1, 10))),
        "full": tuple(product((1, 2, 3), (Q(1), Q(4), Q(20)), (Q(1, 100), Q(1, 10)))),
    }

    def published(self, n: int, omega: Q, mu: Q) -> Q:
        """Return the largest step size of the theorem."""
        raise NotImplementedError

    def model(self, n: int, omega: Q, mu: Q, stepsize: Q) -> tuple[Model, Q]:
        """Return the model, and the value that the theorem allows it."""
        raise NotImplementedError

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        return [self.judged(*one) for one in self.settings[level]]

    def judged(self, n: int, omega: Q, mu: Q) -> Instance:
        """Return the instance of a setting: the published step over the longest that is proved."""
        name = f"n = {n}, ω = {omega}, μ = {mu}"
        published = self.published(n, omega, mu)
        longest = _longest(lambda stepsize: _margin(*self.model(n, omega, mu, stepsize)), published)
        γ = (Q(99, 100) * longest).limit_denominator(1000)
        model, allowed = self.model(n, omega, mu, γ)
        try:
            bound = certify(model, slack=max(_margin(model, allowed), 1e-9)).bound
        except (Unsolved, Uncertified) as lack:
            return Instance(name, "undecided", float(published), float(γ), reason=str(lack))
        verdict = "undecided" if bound > allowed else "holds" if published < γ else "violated"
        ratio = float(published / γ)
        reason = f"proved: at γ = {γ} at most {at_most(bound, 7)}, stated {float(allowed):.7g}"
        reason += f"; {1 / ratio:.3f} times the published step"
        return Instance(name, verdict, float(published), float(γ), ratio, reason=reason)


def _margin(model: Model, allowed: Q) -> float:
    """Return by how much what is allowed is above the numeric worst case, relative to it; −1 without one."""
    try:
        return float(allowed) / solve(model).value - 1
    except Unsolved:
        return -1.0


def _longest(margin: Callable[[Q], float], published: Q) -> Q:
    """Return the longest step, up to five times the published, at which the margin is positive, by bisection."""
    low, high = Q(1, 2), Q(5)
    for _ in range(9):
        middle = (low + high) / 2
        low, high = (middle, high) if margin(middle * published) > 0 else (low, middle)
    return low * published


class WithoutShifts(_Longer):
    """Compressed gradient descent with its floor."""

    id = "WC-DCGD-step"
    title = "Unbiased compressors, unlike workers: the published bound with its floor is proved at longer steps"
    statement = (
        r"E\lVert x^+-x^\star\rVert^2\le(1-\gamma\mu)\lVert x-x^\star\rVert^2"
        r"+\frac{2\gamma^2\omega}n\cdot\frac1n\sum_i\lVert\nabla f_i(x^\star)\rVert^2"
        r"\text{ for some }\gamma>\frac1{(1+2\omega/n)L}"
    )
    reference = "Gorbunov, Hanzely and Richtárik 2020, unified theory (sheet D3, derived), its one-step form"

    def published(self, n: int, omega: Q, mu: Q) -> Q:
        return 1 / (1 + 2 * omega / n)

    def model(self, n: int, omega: Q, mu: Q, stepsize: Q) -> tuple[Model, Q]:
        return with_floor(n, omega, mu, stepsize), Q(1)


class OfDiana(_Longer):
    """DIANA with the same Lyapunov function."""

    id = "WC-DIANA-step"
    title = "DIANA: the published contraction of its Lyapunov function is proved at longer steps"
    statement = (
        r"E\,V^+\le\max\{1-\gamma\mu,1-a/2\}\,V,\ a=\frac1{1+\omega},\text{ for some }\gamma>\frac1{(1+6\omega/n)L}"
    )
    reference = "Gorbunov, Hanzely and Richtárik 2020, unified theory (sheet D3, derived), its one-step form"

    def published(self, n: int, omega: Q, mu: Q) -> Q:
        return 1 / (1 + 6 * omega / n)

    def model(self, n: int, omega: Q, mu: Q, stepsize: Q) -> tuple[Model, Q]:
        a = 1 / (1 + omega)
        return diana(n, omega, mu, stepsize, a), max(1 - stepsize * mu, 1 - a / 2)
