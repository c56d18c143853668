r"""How long EF21's steps may be on smooth functions, for a potential f + w·G to fall by γ/2·‖∇f‖² at every step.

With G = (1/n) Σ ‖∇f_i − d_i‖², w = ωγ/2, s = √(1 − δ) and u = ω(1 − s²) − 1 > 0, the step sizes are those with

.. math:: \gamma L + \gamma^2 K \le 1, \qquad
          K = \frac{s^2}{(1-s^2)^2} \left( (1 + u) \tilde L^2 + s^2 \left( 1 + \frac1u \right) L^2 \right).

The published weight ω = 1/(1 − s), so u = s, gives K = (s/(1 − s))²·(L² + (L̃² − L²)/(1 + s)); where L̃ > L the weight of
u = sL/L̃ is better: K = (s(L̃ + sL)/(1 − s²))². The published proof bounds K by (sL̃/(1 − s))², and the root of the
quadratic condition by 1/(L + √K).

Derived (the means of the workers and their deviations from these are taken apart; only the means occur in the
descent of f), and certified at points by the claims of `nonconvex_step`.
"""

from __future__ import annotations

import cmath
from collections.abc import Sequence
from fractions import Fraction
from math import acos, atan2, sin, sqrt
from typing import Any

from proofs_check.worst_case.certificate import Certificate, upper_certificate
from proofs_check.worst_case.functions import Point, Smooth
from proofs_check.worst_case.measures import gap, norm_sq
from proofs_check.worst_case.messages import Contractive
from proofs_check.worst_case.model import Model
from proofs_check.worst_case.statements import statement
from proofs_check.worst_case.tracing import trace
from toolkit.algorithms import mean
from toolkit.algorithms.ef21 import EF21

__all__ = [
    "best_weight",
    "contraction",
    "curvature",
    "descent",
    "in_the_plane",
    "longest",
    "mean_square",
    "multipliers",
    "proof_of_descent",
    "published_weight",
]

Number = Any  # a Fraction, or a float


def published_weight(s: Number) -> Number:
    """Return ω = 1/(1 − s) of the published potential f + γ/(2θ)·G."""
    return 1 / (1 - s)


def best_weight(s: Number, L: Number, L_tilde: Number) -> Number:
    """Return ω = (1 + sL/L̃)/(1 − s²), which allows the longest steps."""
    return (1 + s * L / L_tilde) / (1 - s * s)


def mean_square(smoothness: Sequence[Number]) -> Number:
    """Return L̃², the mean of the L_i²."""
    return sum(one * one for one in smoothness) / len(smoothness)


def curvature(s: Number, L: Number, L_tilde_sq: Number, weight: Number) -> Number:
    """Return K."""
    u = weight * (1 - s * s) - 1
    return s * s / (1 - s * s) ** 2 * ((1 + u) * L_tilde_sq + s * s * (1 + 1 / u) * L * L)


def longest(L: Number, K: Number) -> float:
    """Return the largest γ with γL + γ²K ≤ 1.

    Examples
    --------
    >>> s = Fraction(2, 5)
    >>> round(longest(1, curvature(s, 1, 1, published_weight(s))), 12), float(1 - s)
    (0.75, 0.6)
    """
    return 2 / (float(L) + sqrt(float(L) ** 2 + 4 * float(K)))


def descent(
    stepsize: Number, s: Number, smoothness: Sequence[Number], L: Number, weight: Number, *, bounded: bool = False
) -> Model:
    """Return the model of one step from any state, whose metric is Φ⁺ − Φ + γ/2·‖∇f(x)‖²; it is to be at most 0.

    Parameters
    ----------
    stepsize, s : exact numbers
    smoothness : sequence of exact numbers
        L_i of every worker.
    L : exact number
        Of f itself.
    weight : exact number
        ω.
    bounded : bool
        Whether the state is assumed to be of size 1 at most, as a search for counterexamples needs.
    """
    run = trace(
        EF21(stepsize=stepsize), [Smooth(mu=-one, L=one) for one in smoothness], Contractive(delta=1 - s * s), steps=1,
        workers=len(smoothness), start="any", minimiser=None,
    )  # fmt: skip
    before, after = run.states
    gradients = {state: run.oracle.uncounted(state.x) for state in run.states}
    values = {state: gap(run, state) for state in run.states}  # up to a constant
    whole = run.model.function(Smooth(mu=-L, L=L), "mean", None)
    for state in run.states:
        whole.add(Point(state.x[0, 0, 0], mean(gradients[state])[0, 0, 0], values[state]))
    errors = [norm_sq(gradients[state] - state.estimate) for state in run.states]
    share = stepsize / 2
    falls = values[after] - values[before] + share * weight * (errors[1] - errors[0])
    if bounded:
        run.model.assume("size", norm_sq(gradients[before]) + norm_sq(before.estimate) <= 1)
    run.model.maximise(falls + share * norm_sq(mean(gradients[before])))
    return run.model


def proof_of_descent(
    stepsize: Fraction, s: Fraction, smoothness: Sequence[Fraction], L: Fraction, weight: Fraction
) -> Certificate:
    """Return the certificate that the metric of `descent` is at most 0, by multipliers in closed form.

    It is valid exactly where γL + γ²K ≤ 1.
    """
    model = descent(stepsize, s, smoothness, L, weight)
    told = {"metric 0": Fraction(1), **multipliers(model, stepsize, s, smoothness, L, weight)}
    return upper_certificate(statement(model), Fraction(0), told)


def multipliers(
    model: Model, stepsize: Number, s: Number, smoothness: Sequence[Number], L: Number, weight: Number
) -> dict[str, Number]:
    """Return the multipliers of that proof, numbers or rational functions; that of the metric is 1."""
    n, w = len(smoothness), stepsize * weight / 2
    of_means = w * s * s * (weight - 1) / (weight * (1 - s * s) - 1)
    of_deviations = w * s * s / (1 - s * s)
    told: dict[str, Number] = {"mean(0,1)": Fraction(1)}  # the descent of f from x_0 to x_1
    # Both conditions between two points together say that the gradient is Lipschitz.
    lipschitz = {"mean": 2 * L * (of_means - of_deviations)}
    for function, one in zip(model.functions, smoothness, strict=False):
        lipschitz[function.name] = 2 * one * of_deviations / n
    for name, multiplier in lipschitz.items():
        for pair in ("(0,1)", "(1,0)"):
            told[name + pair] = told.get(name + pair, Fraction(0)) + multiplier
    return told | {f"message {k}": w / n for k in range(n)}


def in_the_plane(stepsize: float, s: float, smoothness: Sequence[float], L: float, weight: float) -> float:
    r"""Return the metric of `descent` on quadratics in the plane that attain it, with the compressor C(u) = (1 − s)u.

    The Hessians are L_i times reflections, whose mean is L times a reflection that keeps the step's direction; so every
    f_i is L_i-smooth and f is L-smooth.

    Parameters
    ----------
    stepsize, s, L, weight
        As of `descent`.
    smoothness : sequence of float
        Of an even number of workers, the same for each of both halves, or of one.
    """
    n = len(smoothness)
    first, last = float(smoothness[0]), float(smoothness[-1])
    # Angles with (first·e^{iα} + last·e^{iβ})/2 = L, by the law of cosines.
    cosine = min(1.0, (4 * L * L + first * first - last * last) / (4 * L * first))
    α = acos(cosine)
    β = atan2(-first * sin(α), 2 * L - first * cosine)
    changes = [-stepsize * one * cmath.exp(1j * (α if k < (n + 1) // 2 else β)) for k, one in enumerate(smoothness)]
    mean_change = sum(changes) / n
    in_mean = s * s * weight / (weight * (1 - s * s) - 1) * mean_change
    apart = [s * s / (1 - s * s) * (change - mean_change) for change in changes]
    before = [in_mean + one for one in apart]  # ∇f_i(x) − d_i, where every d_i is 1
    after = [s * (one + change) for one, change in zip(before, changes, strict=True)]
    gradient = 1 + in_mean
    falls = (-stepsize * gradient.conjugate()).real + stepsize**2 * L / 2
    errors = [sum(abs(one) ** 2 for one in part) / n for part in (before, after)]
    return falls + stepsize / 2 * (weight * (errors[1] - errors[0]) + abs(gradient) ** 2)


def contraction(stepsize: Number, s: Number, mu: Number, smoothness: Sequence[Number], L: Number) -> Model:
    """Return the model of Theorem 2: the largest Ψ⁺ from Ψ = f − f* + γ/θ·G ≤ 1, where ‖∇f‖² ≥ 2μ(f − f*).

    It gives upper bounds only: the Polyak–Łojasiewicz condition is asked for at two points, not everywhere.
    """
    run = trace(
        EF21(stepsize=stepsize), [Smooth(mu=-one, L=one) for one in smoothness], Contractive(delta=1 - s * s), steps=1,
        workers=len(smoothness), start="any", minimiser=None,
    )  # fmt: skip
    whole = run.model.function(Smooth(mu=-L, L=L), "mean", "infimum")
    potentials, excess = [], []
    for k, state in enumerate(run.states):
        gradients = run.oracle.uncounted(state.x)
        F, value = run.model.scalar(f"F_{k}"), gap(run, state)
        excess.append(F - value)
        whole.add(Point(state.x[0, 0, 0], mean(gradients)[0, 0, 0], F))
        run.model.assume(f"condition_{k}", 2 * mu * F <= norm_sq(mean(gradients)))
        potentials.append(F + stepsize / (1 - s) * norm_sq(gradients - state.estimate))
    run.model.assume("values", excess[1].equals(excess[0]))
    run.model.assume("initial", potentials[0] <= 1)
    run.model.maximise(potentials[1])
    return run.model
