r"""The worst case of compressed descent whose messages project, for all parameters at once, by rational functions.

With L = 1, δ as a function of (μ, η, λ) and the multipliers of `descent_multipliers`, the residual matrix over
(x_0, g_0, c_0, g_1) is one of rational functions. It is positive semidefinite of rank 2 wherever (1 − μ)/(1 + μ) < λ <
1: it vanishes on both coordinates of the zigzag, which are independent, and two of its principal minors are positive.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from proofs_check.worst_case.zigzag import descent_multipliers, zigzag_delta

__all__ = ["unproved"]

Row = tuple[Any, ...]
Multipliers = Callable[[Any, Any, Any], Mapping[str, Any]]


def unproved(multipliers: Multipliers = descent_multipliers) -> list[str]:
    """Return which of the identities of the proof fail, in words; the proof needs that none does.

    Examples
    --------
    >>> unproved()
    []
    """
    from sympy import QQ, field

    _, mu, stepsize, root = field("mu,eta,lambda", QQ)
    delta, weights = zigzag_delta(mu, root, stepsize), multipliers(mu, root, stepsize)
    S = _residual(mu, delta, stepsize, weights)
    # Along the flat and along the steep direction, the former in units of √(δ(1 − δ)).
    along, across = stepsize, root - 1 + stepsize * delta * mu
    flat = (along, mu * along, delta * mu * along - across, root * mu * along)
    steep = (across, across, delta * (across + (1 - delta) * mu * along), -root * across)
    identities = {
        f"row {i} of the residual vanishes on the {name} coordinate": sum(
            a * b for a, b in zip(row, vector, strict=True)
        )
        for name, vector in {"flat": flat, "steep": steep}.items()
        for i, row in enumerate(S)
    }
    bent = (1 - root) * ((1 + mu) * root - (1 - mu))
    identities |= {
        "the minor of g_1 is 1/(2(1 − μ))": S[3][3] - 1 / (2 * (1 - mu)),
        "the minor of x_0 and g_1 is as stated": S[0][0] * S[3][3] - S[0][3] ** 2 - bent / (4 * (1 - mu) ** 2),
        "the value is λ²": weights["initial"] - root**2,
        "f(x_0) cancels": weights["initial"] + weights["f(*,0)"] - weights["f(0,1)"],
        "f(x_1) cancels": weights["f(*,1)"] + weights["f(0,1)"] - 1,
    }
    return [name for name, value in identities.items() if value != 0]


def _residual(mu: Any, delta: Any, stepsize: Any, weights: Mapping[str, Any]) -> list[list[Any]]:
    """Return the weighted sum of the inequalities' matrices, over (x_0, g_0, c_0, g_1)."""
    one, none = mu / mu, mu - mu
    x0, g0, c0, g1 = (tuple(one if i == j else none for j in range(4)) for i in range(4))
    zero = (none,) * 4
    x1 = _sum(x0, c0, -stepsize)
    points = {"*": (zero, zero), "0": (x0, g0), "1": (x1, g1)}
    S = [[none] * 4 for _ in range(4)]

    def add(weight: Any, u: Row, v: Row) -> None:
        for i in range(4):
            for j in range(4):
                S[i][j] += weight * (u[i] * v[j] + v[i] * u[j]) / 2

    for i, j in ("*0", "*1", "01"):
        weight = weights[f"f({i},{j})"]
        step, change = _sum(points[i][0], points[j][0], -1), _sum(points[i][1], points[j][1], -1)
        bent = _sum(change, step, -mu)
        add(weight, points[j][1], step)
        add(weight * mu / 2, step, step)
        add(weight / (2 * (1 - mu)), bent, bent)
    error = _sum(c0, g0, -1)
    add(weights["message 0"], error, error)
    add(weights["message 0"] * (delta - 1), g0, g0)
    add(-weights["message 0 projection"], c0, error)
    return S


def _sum(u: Row, v: Row, factor: Any) -> Row:
    return tuple(a + factor * b for a, b in zip(u, v, strict=True))
