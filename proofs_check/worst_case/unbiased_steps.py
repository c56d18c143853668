r"""How long the steps of methods with unbiased compressors may be, for the published one-step bounds to hold.

L = 1, ρ = 1 − γμ, v = ω/n, and D is the mean of ∇f_i(x) − ∇f_i(x*).

Without shifts, with the published floor 2γ²v·mean ‖∇f_i(x*)‖², what remains for the worst ∇f_i(x*) is
γμ‖x‖² − 2γ⟨x, D⟩ + γ²(1 + v)‖D‖² + 2γ²v·mean ‖∇f_i(x) − ∇f_i(x*) − D‖². Where n = 1, or v ≤ 1/(1 − μ), equal parabolas
are the worst functions, else reflections that have D = hx with some h < 1:

.. math:: \gamma \le \min_{h \in H} \frac{2h - \mu}{(1 - v)h^2 + 2v((1 + \mu)h - \mu)}, \qquad H = [\mu, 1],

and H = {1} where the workers share their minimiser, or where there is one: γ ≤ (2 − μ)/(1 + v).

DIANA with a ≤ 1/(1 + ω) and V = ‖x − x*‖² + (cωγ²/(na))·mean ‖h_i − ∇f_i(x*)‖²; published are c = 4 and the rate
ρ = max(1 − γμ, 1 − a/2). With β = c − c(1 − ρ)/a, κ = 1 − c + ca(1 + ω) and K = c + κβ/(β − κ) the worst shifts leave
(1 − ρ)‖x‖² − 2γ⟨x, D⟩ + γ²‖D‖² + γ²vK·mean ‖∇f_i(x) − ∇f_i(x*)‖², for which equal parabolas are the worst:

.. math:: (1 - \gamma)^2 + \gamma^2 v K \le \rho .

Shorter steps are included: divided by γ, what is to be at most 0 is convex in γ, and negative near 0 (for DIANA convex
on either side of the step at which both rates are equal). For a = 1/(1 + ω) and ρ = 1 − γμ the best weight is
c = (1 + q)/q², q = √(1 − γμ/a), and K = (1 + 1/q)²: of any other c, K is larger by (β − 1 − q)²/(q²(β − 1)).
Derived; proved for all parameters and certified at points by the claims of `longest_unbiased_steps`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import product
from math import sqrt
from typing import Any, NamedTuple

import numpy as np

from proofs_check.worst_case.certificate import Certificate, upper_certificate
from proofs_check.worst_case.expressions import Expression
from proofs_check.worst_case.functions import Smooth
from proofs_check.worst_case.measures import distance, norm_sq
from proofs_check.worst_case.messages import Unbiased
from proofs_check.worst_case.model import Model
from proofs_check.worst_case.statements import statement
from proofs_check.worst_case.tracing import Trace, trace
from toolkit.algorithms import Algorithm, State
from toolkit.algorithms.compressed_sgd import CompressedSGD
from toolkit.algorithms.diana import DIANA
from toolkit.arrays import Array

__all__ = [
    "Bowls",
    "Outcome",
    "apart",
    "at_parabolas",
    "best_shift_weight",
    "certificate",
    "diana",
    "diana_growth",
    "diana_longest",
    "diana_longest_of_weights",
    "diana_rate",
    "expected",
    "farthest",
    "floor_longest",
    "multipliers",
    "on_functions",
    "parabolas",
    "reflections",
    "shared",
    "shift_terms",
    "with_floor",
]

Number = Any  # a Fraction, or a rational function; of a formula also a float


def farthest(v: float, mu: float) -> float:
    """Return the h of the worst functions of unlike workers.

    Examples
    --------
    >>> farthest(1.0, 0.1), round(farthest(4.0, 0.1), 6)
    (1.0, 0.4)
    """
    if v * (1 - mu) <= 1:
        return 1.0
    # Where the bound's derivative vanishes: (v − 1)h(h − μ) = vμ(1 − μ).
    return (mu + sqrt(mu * mu + 4 * v / (v - 1) * mu * (1 - mu))) / 2


def floor_longest(v: Number, mu: Number, h: Number) -> Number:
    """Return the largest γ for functions with D = hx, without shifts."""
    return (2 * h - mu) / ((1 - v) * h * h + 2 * v * ((1 + mu) * h - mu))


def diana_rate(γ: Number, mu: Number, a: Number) -> Number:
    """Return ρ."""
    return max(1 - γ * mu, 1 - a / 2)


def shift_terms(ρ: Number, a: Number, omega: Number, weight: Number = 4) -> tuple[Number, Number]:
    """Return β and κ."""
    return weight * (1 - (1 - ρ) / a), 1 - weight * (1 - a * (1 + omega))


def diana_growth(ρ: Number, a: Number, omega: Number, weight: Number = 4) -> Number:
    """Return K; it is 6 for a = 1/(1 + ω) = 2(1 − ρ), and 16/3 for that a where 1 − ρ is small against it."""
    β, κ = shift_terms(ρ, a, omega, weight)
    return weight + κ * β / (β - κ)


def best_shift_weight(share: float) -> float:
    """Return the c that makes K least for a = 1/(1 + ω) and 1 − ρ = share·a; K is (1 + 1/√(1 − share))² then.

    Examples
    --------
    >>> best_shift_weight(0.0), diana_growth(1.0, 0.2, 4.0, 2.0)
    (2.0, 4.0)
    """
    q = sqrt(1 - share)
    return (1 + q) / (q * q)


def diana_longest_of_weights(n: int, omega: float, mu: float) -> float:
    """Return the largest γ at which DIANA with a = 1/(1 + ω) has the rate 1 − γμ for some c, by bisection.

    Examples
    --------
    In units of the published step:

    >>> round(diana_longest_of_weights(1, 4.0, 1e-6) * 25, 4)
    2.9412
    """
    low, high = 0.0, min(2.0, 1 / (mu * (1 + omega)))
    while (middle := (low + high) / 2) not in (low, high):
        K = (1 + 1 / sqrt(1 - middle * mu * (1 + omega))) ** 2
        low, high = (middle, high) if middle * (1 + omega / n * K) <= 2 - mu else (low, middle)
    return low


def diana_longest(n: int, omega: float, mu: float, a: float) -> float:
    """Return the largest γ of DIANA, by bisection: the condition holds exactly up to it.

    Examples
    --------
    In units of the published step, with one worker, ω = 4, μ = 1/10 and a = 1/5:

    >>> round(diana_longest(1, 4.0, 0.1, 0.2) * 25, 6)
    2.119287
    """

    def holds(γ: float) -> bool:
        ρ = diana_rate(γ, mu, a)
        return (1 - γ) ** 2 + γ * γ * omega / n * diana_growth(ρ, a, omega) <= ρ

    low, high = 0.0, 2.0
    while (middle := (low + high) / 2) not in (low, high):
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low


def shared(n: int, omega: Number, mu: Number, stepsize: Number) -> Model:
    """Return the model of E‖x⁺‖² after one step without shifts, from ‖x‖ ≤ 1; workers share their minimiser."""
    run = trace(
        CompressedSGD(stepsize=stepsize), Smooth(mu=mu, L=1), Unbiased(omega=omega), steps=1, workers=n,
        minimiser="own" if n == 1 else "shared",
    )  # fmt: skip
    return run.worst(distance, distance)


def with_floor(n: int, omega: Number, mu: Number, stepsize: Number) -> Model:
    """Return the model of one step without shifts, from ρ‖x‖² + floor ≤ 1; the largest E‖x⁺‖² is to be at most 1."""
    run = trace(CompressedSGD(stepsize=stepsize), Smooth(mu=mu, L=1), Unbiased(omega=omega), steps=1, workers=n)
    first = run.states[0].x
    floor = 2 * stepsize * stepsize * omega / n * norm_sq(run.oracle.at_minimiser(first))
    run.model.assume("initial", (1 - stepsize * mu) * norm_sq(first) + floor <= 1)
    run.model.maximise(norm_sq(run.states[1].x))
    return run.model


class _Diana(DIANA):
    """DIANA with any rate, also a rational function, of which no check can see that it is positive."""

    def validate(self) -> None:
        pass


def diana(n: int, omega: Number, mu: Number, stepsize: Number, a: Number, weight: Number = 4) -> Model:
    """Return the model of E V⁺ after one step of DIANA from any state with V ≤ 1; `weight` is c."""
    share = weight * omega * stepsize * stepsize / (n * a)

    def potential(run: Trace, state: State) -> Expression:
        learned = run.oracle.at_minimiser(state.x)
        return norm_sq(state.x) + share * norm_sq(state.shift - learned)

    method = _Diana(stepsize=stepsize, rate=a)
    run = trace(method, Smooth(mu=mu, L=1), Unbiased(omega=omega), steps=1, workers=n, start="any")
    return run.worst(potential, potential)


def on_functions(A: Fraction, mu: Fraction, γ: Fraction) -> Fraction:
    """Return the multiplier of mean ‖d_i‖² − (1 + μ)⟨x, d_i⟩ + μ‖x‖² ≤ 0, d_i = ∇f_i(x) − ∇f_i(x*), in a proof.

    It proves (1 − ρ)‖x‖² − 2γ⟨x, D⟩ + A‖D‖² ≤ 0 where D = x, or else D = μx, is the worst; unlike workers without
    shifts need 2γ²v at least.
    """
    return 2 * γ / (1 + mu) if A * (1 + mu) <= 2 * γ else at_parabolas(A, mu, γ)


def at_parabolas(A: Number, mu: Number, γ: Number) -> Number:
    """Return that multiplier where A(1 + μ) ≥ 2γ: what it leaves vanishes at D = x."""
    return 2 * (A - γ) / (1 - mu)


def multipliers(model: Model, n: int, mu: Number, rate: Number, of_functions: Number) -> dict[str, Number]:
    """Return all multipliers of a proof of one step, numbers or rational functions; that of the start is the rate."""
    told: dict[str, Number] = {"initial": rate}
    products, squares = model.metric[0].gram(), {}
    for k, message in enumerate(model.messages):
        (at,) = (message.arrived - message.given).coefficients
        squares[f"message {k}"] = products[at, at]
    for constraint in model.constraints():
        if "noise" in constraint.name.split():  # what is orthogonal takes the noise's products out of the metric
            told[constraint.name] = products.get(next(iter(constraint.expression.gram())), Fraction(0))
        elif constraint.name in squares:
            told[constraint.name] = squares[constraint.name]
        elif constraint.name != "initial":
            told[constraint.name] = of_functions * (1 - mu) / n
    return told


def certificate(model: Model, n: int, mu: Fraction, rate: Fraction, of_functions: Fraction) -> Certificate:
    """Return the certificate that the metric of a model is at most a rate."""
    told = {"metric 0": Fraction(1), **multipliers(model, n, mu, rate, of_functions)}
    return upper_certificate(statement(model), rate, told)


def apart(matrix: Sequence[Sequence[Number]], names: Sequence[str], n: int) -> tuple[list[Any], list[Any]]:
    """Return the parts of n ≥ 2 workers' residual matrix: where all are equal, and n/2 times where two are opposite.

    A matrix that is the same for every order of the workers is positive semidefinite if both parts are.
    """
    kinds = list(dict.fromkeys(name.split("[")[0] for name in names))

    def directions(values: Sequence[int], wanted: Sequence[str]) -> list[dict[int, int]]:
        found = []
        for kind in wanted:
            at = {f"{kind}[{i}]": value for i, value in enumerate(values)} | {kind: 1}
            found.append({k: at[name] for k, name in enumerate(names) if at.get(name)})
        return found

    def within(chosen: list[dict[int, int]], scale: Fraction) -> list[list[Number]]:
        return [
            [scale * sum(a * b * matrix[i][j] for i, a in one.items() for j, b in other.items()) for other in chosen]
            for one in chosen
        ]

    # The gradients at the minimiser add up to 0, so that they have no mean; the last is not among the vectors.
    equal = directions([1] * n, [kind for kind in kinds if kind != "g_star"])
    opposite = directions([1, -1] + [0] * (n - 2), [kind for kind in kinds if f"{kind}[0]" in names])
    return within(equal, Fraction(1)), within(opposite, Fraction(n, 2))


class Bowls(NamedTuple):
    """Quadratics ⟨x, H_i x⟩/2 + ⟨b_i, x⟩ with exact numbers, ⟨u, v⟩ = Σ_j m_j u_j v_j, minimised at 0 by their mean.

    Parameters
    ----------
    hessians : array, shape (worker, coordinate, coordinate)
    linear : array, shape (worker, coordinate)
        b_i, the gradients at the minimiser.
    metric : array, shape (coordinate,)
        m.
    """

    hessians: Array
    linear: Array
    metric: Array

    def sample(self, x: Array) -> Array:
        """Return the gradients, the exact ones."""
        rows = np.broadcast_to(x[0], self.linear.shape)
        return (self.hessians @ rows[:, :, None])[None, :, :, 0] + self.linear

    def norm_sq(self, rows: Array) -> Any:
        """Return the mean of the squared norms of rows."""
        return (self.metric * rows * rows).sum() / Fraction(rows.shape[-2])


def parabolas(n: int) -> Bowls:
    """Return x²/2 for every worker."""
    one = np.array([[[Fraction(1)]]] * n, dtype=object)
    return Bowls(one, 0 * one[:, 0], one[0, 0])


def reflections(n: int, mu: Fraction, h: Fraction) -> Bowls:
    """Return quadratics with curvatures μ and 1 whose gradients at x = (1, 0, …) have the mean hx; n ≥ 2, μ < h < 1.

    Each Hessian is (1 + μ)/2 + (1 − μ)/2·R with a reflection R, and the gradient at the minimiser is the difference of
    H_i x and hx, which is where the noise is large against the floor.
    """
    c, r = (1 + mu) / 2, (1 - mu) / 2
    t = (h - c) / r
    # R takes x to (t, e_i), where the e_i are the corners of a simplex, of length √(1 − t²) in the metric.
    metric = np.array([Fraction(1)] + [(1 - t * t) * Fraction(n, n - 1)] * n, dtype=object)
    identity = np.array([[Fraction(int(i == j)) for j in range(n + 1)] for i in range(n + 1)], dtype=object)
    hessians, linear = [], []
    for i in range(n):
        image = np.array([t, *(identity[i, :n] - Fraction(1, n))], dtype=object)
        half = identity[0] + image
        reflection = 2 * np.outer(half, half * metric) / (metric * half * half).sum() - identity
        hessians.append(c * identity + r * reflection)
        linear.append(hessians[-1][:, 0] - h * identity[0])
    return Bowls(np.array(hessians), np.array(linear), metric)


class Outcome(NamedTuple):
    """A channel on which every message is multiplied by a number of its own: one outcome of random compressors.

    Parameters
    ----------
    factors : array, shape (1, worker, 1)
    """

    factors: Array

    def send(self, v: Array) -> Array:
        return self.factors * v


def expected(method: Algorithm, state: State, bowls: Bowls, omega: Fraction, measure: Callable[[State], Any]) -> Any:
    """Return the exact expectation of a measure after a step, where C(u) is (1 + ω)u with probability 1/(1 + ω), or 0.

    This compressor is unbiased, and E‖C(u) − u‖² = ω‖u‖². It is the method's own step that is taken, at every outcome.
    """
    n, chance, total = len(bowls.linear), 1 / (1 + omega), Fraction(0)
    for sent in product((0, 1), repeat=n):
        channel = Outcome(np.array([one * (1 + omega) for one in sent], dtype=object)[None, :, None])
        probability = chance ** sum(sent) * (1 - chance) ** (n - sum(sent))
        total += probability * measure(method.step(state, bowls, channel, None))
    return total
