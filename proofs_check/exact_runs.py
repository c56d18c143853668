"""Runs of error feedback on which both sides of S-d3, and of its like, are known without a sample."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np

from problems.counterexamples.clipped_bowl import ClippedBowl
from problems.quadratic import Quadratic
from proofs_check.cases import Overshoot
from proofs_check.claim import Instance
from proofs_check.moments import line, model, moments, solve
from proofs_check.multipliers import multipliers, sure
from proofs_check.sides import inequality
from toolkit.arrays import Array
from toolkit.compressors import Compressor
from toolkit.compressors.bernoulli import Bernoulli
from toolkit.compressors.rand_k import RandK

__all__ = ["fraction_instances", "moment_instances", "second_moments", "sign_samples", "standing_instances"]

Bound = Callable[..., Any]  # of F_0, L, γ, σ², δ and T
ROUNDING = 64.0

# x₀, γ, q and T. The last two start where E x_t² settles, so that the minimum over t is near the mean.
EXACT = {
    "quick": (
        (Fraction(0), Fraction(1), Fraction(1, 12), 60),
        (Fraction(23, 25), Fraction(17, 20), Fraction(1, 13), 120),
    ),
    "full": (
        (Fraction(0), Fraction(1), Fraction(1, 12), 60),
        (Fraction(3, 5), Fraction(1, 2), Fraction(1, 13), 1000),
        (Fraction(23, 25), Fraction(17, 20), Fraction(1, 13), 500),
    ),
}
# The same of an instance that the bounds do not cover without their memory term.
REMEMBERED = (Fraction(0), Fraction(1, 10), Fraction(9, 10), 150)


def fraction_instances(bound: Bound, kind: str, level: str, *, remembered: bool = False) -> Iterator[Instance]:
    """Judge a bound on f(x) = x²/2 with noise of variance 1 and C(p) = (1 + q)p, in fractions.

    The left side is the 'mean' or the 'minimum' of E‖∇f(x_t)‖² over t ≤ T.
    """
    for x_0, gamma, q, T in (*EXACT[level], *[REMEMBERED] * remembered):
        if kind == "minimum" and x_0 == 0:
            continue  # the smallest is the first, and 0
        squares = second_moments(x_0, gamma, q, T)
        left = sum(squares) / (T + 1) if kind == "mean" else min(squares)
        right = bound(x_0**2 / 2, 1, gamma, max(squares) + 1, 1 - q**2, T)
        name = f"x²/2, overshoot with q = {q}, γ = {gamma}, x₀ = {x_0}, T = {T}: {kind} over t"
        reason = "second moments by an exact recursion in fractions"
        yield inequality(name, [float(left)], [float(right)], rounding=8, reason=reason)


@cache
def second_moments(x_0: Fraction, gamma: Fraction, q: Fraction, T: int) -> tuple[Fraction, ...]:
    """Return E x_t² for t ≤ T of error feedback on f(x) = x²/2 with noise of variance 1 and C(p) = (1 + q)p.

    Examples
    --------
    >>> second_moments(Fraction(1), Fraction(1, 2), Fraction(0), 2)
    (Fraction(1, 1), Fraction(1, 2), Fraction(3, 8))
    """
    return tuple(moments(line(x_0, 1), sure(1 + q, 1), [gamma] * T).distance_sq)


def moment_instances(bound: Bound, level: str, workers: tuple[int, ...] = (1, 3)) -> Iterator[Instance]:
    """Judge a bound on the mean at every T on quadratics with full Hessians, by their exact second moments.

    σ² is read off the run: the largest (1/n) Σ E‖g_i‖² so far.
    """
    T = {"quick": 120, "full": 400}[level]
    compressors: dict[str, Compressor] = {
        "Rand-1": RandK(k=1),
        "coins, p = 1/2": Bernoulli(p=0.5),
        "overshoot, δ = 63/64": Overshoot(delta=63 / 64),
    }
    for n in workers:
        problem = Quadratic.generate(n, 5, sigma_sq=4.0, spread=0.5 * (n > 1), heterogeneity=10.0 * (n > 1))
        of, L = model(problem), _value(problem.constants.L_i)
        for name, compressor in compressors.items():
            delta, law = _value(compressor.constants(5).delta), multipliers(compressor, 5)
            for gamma in (0.5 / L, 0.05 / L):
                run = moments(of, law, [gamma] * T)
                t = np.arange(T + 1)
                left = np.cumsum(run.grad_norm_sq) / (t + 1)
                right = bound(run.f_gap[0], L, gamma, np.maximum.accumulate(run.sample_norm_sq), delta, t)
                where = f"a noisy quadratic, n = {n}, {name}, γ = {gamma:.3g}"
                yield inequality(where, left, right, rounding=ROUNDING, reason="exact second moments, every T")


def standing_instances(bound: Bound) -> Iterator[Instance]:
    """Judge a bound on the bowl across which error feedback steps for ever: every gradient, and σ², is 1."""
    for q, walk, T in ((Fraction(1, 33), 0, 200), (Fraction(1, 11), 3, 10**6), (Fraction(3, 34), 8, 10**12)):
        problem, gamma = ClippedBowl.stepping(q, walk)
        right = bound(problem.F_0, 1, float(gamma), 1, float(1 - q**2), T)
        name = f"the clipped bowl, q = {q}, after a walk of {walk}, γ = {float(gamma):.6g}, T = {T:,}"
        yield inequality(name, [1.0], [float(right)], rounding=ROUNDING, reason="no noise, and f'(x_t)² = 1 for ever")


@cache
def sign_samples(gamma: Fraction, q: Fraction) -> Fraction:
    """Return the stationary E f'(x)² on the clipped bowl with samples ±1 and a compressor of small memory, exactly.

    C(p) = p + ε sign(p), with ε = qγ/(1 + q), leaves e = −ε sign(p). As |p| ≥ γ − ε = ε/q, it is a contraction on every
    p that occurs. Then x − e is a multiple of γ, and with the sign of e a Markov chain on finitely many states.

    Examples
    --------
    >>> sign_samples(Fraction(1), Fraction(1, 3))
    Fraction(17, 32)
    """
    epsilon = q * gamma / (1 + q)

    def slope(state: tuple[int, int]) -> Fraction:
        return max(Fraction(-1), min(Fraction(1), state[0] * gamma - state[1] * epsilon))

    found: list[tuple[int, int]] = [(0, 1)]
    for state in found:  # grows: every state that can be reached from 0
        for sign in (1, -1):
            after = (state[0] - sign, sign)
            if sign * slope(state) > -1 and after not in found:
                found.append(after)
    at = {state: i for i, state in enumerate(found)}
    balance = [[Fraction(-(i == j)) for j in range(len(found))] for i in range(len(found))]
    for state, i in at.items():
        for sign in (1, -1):
            chance = (1 + sign * slope(state)) / 2
            if chance:
                balance[at[state[0] - sign, sign]][i] += chance
    balance[-1] = [Fraction(1)] * len(found)
    right = [Fraction(0)] * (len(found) - 1) + [Fraction(1)]
    law: Array = solve(np.array(balance), np.array(right))
    return sum((law[i] * slope(state) ** 2 for state, i in at.items()), start=Fraction(0))


def _value(constant: Any) -> float:
    """Return the largest value of a constant, which must be known."""
    return float(np.max(constant.value))
