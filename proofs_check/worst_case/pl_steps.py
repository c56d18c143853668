r"""How long EF21's steps may be under Polyak–Łojasiewicz, one worker, for Ψ⁺ ≤ (1 − γμ)Ψ with Ψ = f − f* + (ωγ/2)·G.

L = 1, G = ‖∇f(x) − d‖², s = √(1 − δ); the published weight is ω = 2/(1 − s). What is proved uses that f is L-smooth and
that 2μ(f − f*) ≤ ‖∇f‖² at x, at x⁺ and at some points between them; without these last, steps are shorter by up to a
seventh. What is refuted is so by parabolas hx²/2, h ≥ μ, which satisfy the condition, and C(u) = (1 ± s)u: in the
gradient g and the estimate d, (2/γ)·(Ψ⁺ − (1 − γμ)Ψ) is then the form of the matrix

.. math::
    \begin{pmatrix} \mu/h - \omega(q - s^2) & \omega(q - s^2 p) - 1 \\
    \omega(q - s^2 p) - 1 & \gamma h - \omega(q - s^2 p^2) \end{pmatrix}, \qquad p = 1 + \gamma h,\ q = 1 - \gamma\mu.

No weight, nor any other function, allows a step at which EF21's own rate on x²/2 is above 1 − γμ = τ². That rate is r²
with γ = (1 + r)(r − s)/((1 + s)r), so that (1 + s)τ² − (1 + s − μ)τ − sμ = 0 at the longest; with the weight
ω = (1 + s)τ/(s(1 + τ)(τ − s)) both parabolas allow all of it. Derived.
"""

from __future__ import annotations

from fractions import Fraction
from math import sqrt
from typing import Any

import numpy as np

from proofs_check.worst_case.functions import Smooth
from proofs_check.worst_case.measures import gap, norm_sq
from proofs_check.worst_case.messages import Contractive
from proofs_check.worst_case.model import Model
from proofs_check.worst_case.tracing import trace
from proofs_check.worst_case.unbiased_steps import Outcome, parabolas
from toolkit.algorithms import State
from toolkit.algorithms.ef21 import EF21
from toolkit.arrays import Array

__all__ = [
    "best_weight",
    "between",
    "form",
    "gain",
    "longest_on_parabolas",
    "of_rate",
    "on_parabola",
    "recedes",
    "refuted",
    "shrinking",
    "worst_direction",
]

Number = Any  # a Fraction, or a float
Matrix = tuple[tuple[Number, Number], tuple[Number, Number]]
BETWEEN = (Fraction(1, 4), Fraction(1, 2), Fraction(3, 4))  # where the condition is used on the way from x to x⁺


def between(γ: Fraction, s: Fraction, mu: Fraction, weight: Fraction) -> Model:
    """Return the model of the largest Ψ⁺ from Ψ ≤ 1; an upper bound, as the condition is asked for at points only."""
    run = trace(
        EF21(stepsize=γ), Smooth(mu=-1, L=1), Contractive(delta=1 - s * s), steps=1, start="any", minimiser="infimum"
    )
    (f,), (before, _) = run.oracle.functions, run.states
    potentials = [
        gap(run, state) + weight * γ / 2 * norm_sq(run.oracle.uncounted(state.x) - state.estimate)
        for state in run.states
    ]
    for share in BETWEEN:
        f.at(before.x[0, 0, 0] - share * γ * before.estimate[0, 0, 0])
    for k, point in enumerate(f.points):
        run.model.assume(f"condition_{k}", 2 * mu * point.f <= point.g**2)
    run.model.assume("initial", potentials[0] <= 1)
    run.model.maximise(potentials[1])
    return run.model


def on_parabola(γ: Number, s: Number, mu: Number, weight: Number, h: Number) -> Matrix:
    """Return the matrix above."""
    p, q = 1 + γ * h, 1 - γ * mu
    mixed = weight * (q - s * s * p) - 1
    return (mu / h - weight * (q - s * s), mixed), (mixed, γ * h - weight * (q - s * s * p * p))


def form(matrix: Matrix, g: Number, d: Number) -> Number:
    """Return the value of a matrix's form at (g, d)."""
    return matrix[0][0] * g * g + 2 * matrix[0][1] * g * d + matrix[1][1] * d * d


def worst_direction(matrix: Matrix) -> tuple[float, float]:
    """Return the (g, d) of length 1 at which the form is largest.

    Examples
    --------
    >>> worst_direction(((1.0, 0.0), (0.0, 2.0)))
    (0.0, 1.0)
    """
    (a, b), (_, c) = ((float(one) for one in row) for row in matrix)
    top = (a + c + sqrt((a - c) ** 2 + 4 * b * b)) / 2
    g, d = (b, top - a) if abs(top - a) > abs(top - c) else (top - c, b)
    length = sqrt(g * g + d * d)
    return g / length, d / length


def gain(γ: float, s: float, mu: float, weight: float) -> float:
    """Return the largest value of the form, of h = μ and h = 1."""
    matrices = (on_parabola(γ, s, mu, weight, h) for h in (mu, 1.0))
    return max(form(one, *worst_direction(one)) for one in matrices)


def longest_on_parabolas(s: float, mu: float, weight: float) -> float:
    """Return a step size up to which the contraction holds on both parabolas, and from which on it does not.

    Examples
    --------
    >>> round(longest_on_parabolas(0.5, 0.1, 4.0), 4)
    0.6269
    """
    if weight * (1 - s * s) <= 1:
        return 0.0  # G does not fall by as much as it delays f
    low, high = 0.0, 2.0
    while (middle := (low + high) / 2) not in (low, high):
        low, high = (middle, high) if gain(middle, s, mu, weight) <= 0 else (low, middle)
    return low


def refuted(γ: Fraction, s: Fraction, mu: Fraction, weight: Fraction) -> bool:
    """Tell, exactly, whether the contraction fails on one of the parabolas."""
    matrices = (on_parabola(γ, s, mu, weight, h) for h in (mu, Fraction(1)))
    return any(form(one, *map(_near, worst_direction(one))) > 0 for one in matrices)


def shrinking(s: float, mu: float) -> float:
    """Return τ with which EF21's exact rate is 1 − γμ = τ², at the step size of `of_rate`.

    Examples
    --------
    >>> round(of_rate(0.5, shrinking(0.5, 0.1)), 6), round(of_rate(0.5, shrinking(0.5, 1e-9)), 6)
    (0.634086, 0.666667)
    """
    half = 1 + s - mu
    return (half + sqrt(half * half + 4 * (1 + s) * mu * s)) / (2 * (1 + s))


def of_rate(s: Number, r: Number) -> Number:
    """Return the larger step at which EF21's rate on x²/2 is r²."""
    return (1 + r) * (r - s) / ((1 + s) * r)


def best_weight(s: Number, τ: Number) -> Number:
    """Return the ω for which the parabolas with h = μ and h = 1 allow the longest step, where 1 − γμ = τ²."""
    return (1 + s) * τ / (s * (1 + τ) * (τ - s))


def recedes(s: Fraction, r: Fraction) -> bool:
    """Tell, exactly, whether EF21 on x²/2 with C(u) = (1 + s)u has a state that one step at `of_rate` multiplies by −r.

    Then every quadratic function of the state and of the gradient, so Ψ for every ω, is multiplied by r².
    """
    γ = of_rate(s, r)
    before = State(x=_number(Fraction(1)), estimate=_number((1 + r) / γ))
    after = EF21(stepsize=γ).step(before, parabolas(1), Outcome(_number(1 + s)), None)
    return bool(after.x == -r * before.x and after.estimate == -r * before.estimate)


def _number(value: Fraction) -> Array:
    return np.array([[[value]]], dtype=object)


def _near(value: float) -> Fraction:
    return Fraction(value).limit_denominator(10**6)
