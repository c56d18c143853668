r"""Which rates two spirals leave error feedback, and when none below descent's: for all parameters, by exact algebra.

The eigenvalues of a step on a spiral have λ₁ + λ₂ = T = 2 − (1 + ηh)z and λ₁λ₂ = D = 1 − z, |D| = s. The quantity

.. math:: |R\,T - \bar T D|^2 - (R^2 - |D|^2)^2/R
          = -(R - |\lambda_1|^2)(R - |\lambda_2|^2)\,|R - \lambda_1\bar\lambda_2|^2/R

is at most 0 if both |λ|² ≤ R and, where s < R, only then. It is a parabola A a² + B a + C in a = ηh, with A, C > 0 > B.
Both ημ and ηL lie between its roots, for some η, if and only if these are real and their quotient is at least κ = L/μ,
which is B² ≥ AC(κ + 1)²/κ: what the sign of `excess` says. Where s > R, one |λ|² is above R whatever η is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from itertools import pairwise
from typing import Any

from proofs_check.worst_case.spiral import excess, spiral_stepsize
from proofs_check.worst_case.symbolic import Parametric, parameters, positive
from proofs_check.worst_case.zigzag import best_zigzag_factor

__all__ = ["order_unproved", "parabola", "unproved"]

Complex = tuple[Any, Any]


def unproved(condition: Callable[[Any, Any, Any], Any] = excess) -> list[str]:
    """Return which parts of the proof fail that both spirals keep to R where `excess` is at least 0, and only there.

    Examples
    --------
    >>> unproved()
    []
    """
    x1, y1, x2, y2, R = parameters("x1", "y1", "x2", "y2", "R")
    one, two = (x1, y1), (x2, y2)
    apart = _plus((R, 0), _times(one, _conjugate(two)), -1)
    product = (R - _square(one)) * (R - _square(two)) * _square(apart) / R
    parts = {"the quantity is that product": _outside(_plus(one, two), _times(one, two), R) == -product}
    mu, R, a, t = parameters("mu", "R", "a", "t")
    c, s = (1 - t * t) / (1 + t * t), 2 * t / (1 + t * t)  # every point of the circle but one
    z = (c * c, s * c)
    A, B, C = parabola(R, s * s)
    T, D = _plus((2, 0), z, -(1 + a)), _plus((1, 0), z, -1)
    parts |= {
        "|D| = s": _square(D) == s * s,
        "the quantity is that parabola": _outside(T, D, R) == A * a * a + B * a + C,
        "the discriminant has the sign of excess": (B * B * mu - A * C * (1 + mu) ** 2) * R
        == (1 - s * s) * (R * R - 2 * R * s * s + s * s) * (1 + mu) ** 2 * condition(mu, s, R),
        "the parabola is as high at ημ as at ηL": spiral_stepsize(mu, s, R) * (1 + mu) * A == -B,
    }
    R, epsilon = parameters("R", "epsilon")
    p, q = parameters("p", "q")
    everywhere = {"R": 1 / (1 + p), "epsilon": 1 / ((1 + p) * (1 + q))}  # 0 < s² < R < 1
    A, B, C = parabola(R, epsilon)
    signs = {"A > 0": A, "B < 0": -B, "C > 0": C, "R² − 2Rs² + s² > 0": R * R - 2 * R * epsilon + epsilon}
    parts |= {name: positive(value, everywhere) for name, value in signs.items()}
    return [name for name, holds in parts.items() if not holds]


def _outside(T: Complex, D: Complex, R: Any) -> Any:
    """Return what is above 0 if a root of λ² − Tλ + D, |D| < R, lies outside of |λ|² ≤ R, and only then."""
    turned = _plus((R * T[0], R * T[1]), _times(_conjugate(T), D), -1)
    return _square(turned) - (R * R - _square(D)) ** 2 / R


def parabola(R: Any, epsilon: Any) -> tuple[Any, Any, Any]:
    """Return A, B and C: A a² + B a + C is above 0 if a spiral with ηh = a is above the rate R, s² = ε < R², s < R."""
    turned, straight = R * R - 2 * R * epsilon + epsilon, R * R + 2 * R * epsilon + epsilon
    return (1 - epsilon) * straight, -2 * (1 - epsilon) * turned, (R - epsilon) * (1 - R) * turned / R


def order_unproved(without: Callable[[Any, Any], Any] = best_zigzag_factor) -> list[str]:
    r"""Return which parts of the proof fail that descent without memory leads beyond one s_0(κ), for every κ ≥ 2.

    With R its best factor, R > s, and `excess` vanishes at one s_0 only, being negative beyond: its numerator in
    q = s/(1 − s) has coefficients above 0 and then below. It is negative on δκ = 4 with s > 1/2, and on s = 1/2 with
    κ ≤ 16/3, so that there s > s_0, and for every larger s at the same κ: for all κ ≥ 2, s > 1/2 with δκ ≤ 4.

    Examples
    --------
    >>> order_unproved()
    []
    """
    w, q = parameters("w", "q")
    s, parts = q / (1 + q), {}
    for name, mu in {"κ > 2": 1 / (2 + w), "κ = 2": Fraction(1, 2)}.items():
        rate = without(mu, s)
        parts[f"R > s, {name}"] = positive(rate - s, {"w": w, "q": q})
        parts[f"one change of sign, {name}"] = _one_change(-excess(mu, s, rate))
    (p,) = parameters("p")
    rest = p / (1 + p)  # from 0 to 1
    s = (1 + rest) / 2
    ends = {
        "δκ = 4, s > 1/2": ((1 - s * s) / 4, s),
        "s = 1/2, 2 < κ < 16/3": (1 / (2 + Fraction(10, 3) * rest), Fraction(1, 2)),
    }
    for name, (mu, error) in ends.items():
        parts[f"negative on {name}"] = positive(-excess(mu, error, without(mu, error)), {"p": p})
    return [name for name, holds in parts.items() if not holds]


def _one_change(value: Parametric) -> bool:
    """Tell whether a function of w and q is seen to be negative up to one q and positive beyond it, at every w ≥ 0.

    By Descartes' rule: the coefficients of powers of q in the numerator are negative first, positive last, and each is
    above some multiple of the one before, coefficient of w by coefficient, so that after a positive one all are.
    """
    by_power: dict[int, dict[int, Fraction]] = {}
    for (of_w, of_q), coefficient in value.field.numer.terms():
        by_power.setdefault(of_q, {})[of_w] = Fraction(int(coefficient.numerator), int(coefficient.denominator))
    ordered = [by_power[power] for power in sorted(by_power)]
    ends = max(ordered[0].values()) < 0 < min(ordered[-1].values())
    below = min(value.field.denom.coeffs()) > 0
    return ends and below and all(_above_a_multiple(one, other) for one, other in pairwise(ordered))


def _above_a_multiple(one: Mapping[int, Fraction], other: Mapping[int, Fraction]) -> bool:
    """Tell whether, with some k ≥ 0, all coefficients of other − k·one are positive."""
    least, most = Fraction(0), None
    for power in one.keys() | other.keys():
        a, b = one.get(power, Fraction(0)), other.get(power, Fraction(0))
        if a > 0:
            most = b / a if most is None else min(most, b / a)
        elif a < 0:
            least = max(least, b / a)
        elif b <= 0:
            return False
    return most is None or least < most


def _plus(u: Complex, v: Complex, factor: Any = 1) -> Complex:
    return u[0] + factor * v[0], u[1] + factor * v[1]


def _times(u: Complex, v: Complex) -> Complex:
    return u[0] * v[0] - u[1] * v[1], u[0] * v[1] + u[1] * v[0]


def _conjugate(u: Complex) -> Complex:
    return u[0], -u[1]


def _square(u: Complex) -> Any:
    return u[0] * u[0] + u[1] * u[1]
