"""Lyapunov functions: the best rate of one step from any state, which then holds for every number of steps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from proofs_check.worst_case.certificate import Certificate
from proofs_check.worst_case.certifying import SLACK, Uncertified, certify
from proofs_check.worst_case.expressions import Expression, Vector
from proofs_check.worst_case.measures import gap
from proofs_check.worst_case.program import assemble, entries
from proofs_check.worst_case.rational import dyadic
from proofs_check.worst_case.solving import Unsolved, cone_solve, solve, svec
from proofs_check.worst_case.statements import statement
from proofs_check.worst_case.tracing import Measure, Trace
from toolkit.algorithms import State
from toolkit.arrays import Array
from toolkit.errors import WrongUse
from toolkit.parameters import scheduled

__all__ = ["LyapunovProof", "Potential", "Search", "certify_every_step"]

Run = Callable[[int], Trace]  # a symbolic run from any state, by its number of steps

FEASIBLE = 1e-8  # the margin from which on a rate counts as possible: the solver's zero is not much smaller
PRECISION = 1e-7  # of the bisection
BITS = (16, 24, 32)


@dataclass(frozen=True)
class Potential:
    r"""A quadratic function of a state and of the gradients there, with a share of the function's gap.

    .. math:: V = \sum_{j \le k} a_{jk} \langle v_j, v_k \rangle + p\,(f(x) - f^\star)

    v are the fields of the state, row by row, and then the gradients at the output. Where the model has no minimiser, x
    and f are left out: only differences of them mean something.

    Parameters
    ----------
    weights : tuple of exact numbers
        a by columns of the upper triangle: a_11, a_12, a_22, a_13, …; then p, if there is a minimiser.

    Notes
    -----
    Source: the form that Taylor, Van Scoy and Lessard 2018 search in (recalled); a form, and no claim that it falls.

    Examples
    --------
    Gradient descent has the vectors x and ∇f(x), so that these are the weights of V = ‖x‖² + 2(f(x) − f*); of it a
    step with γ = 1/L leaves (1 − μ/L)²:

    >>> from proofs_check.worst_case import Smooth, trace
    >>> from toolkit.algorithms import SGD
    >>> V = Potential((1, 0, 0, 2))
    >>> run = trace(SGD(stepsize=1), Smooth(L=1, mu=Fraction(1, 2)), steps=1, start="any")
    >>> round(solve(run.worst(V, initial=V)).value, 6)
    0.25
    """

    weights: tuple[Any, ...]

    def __call__(self, run: Trace, state: State) -> Expression:
        terms = zip(self.weights, _terms(run, state), strict=True)
        return sum((weight * term for weight, term in terms if weight), Expression())


def _variables(run: Trace, state: State) -> list[Vector]:
    rows = [row for name, value in state if name != "x" or _anchored(run) for row in value[0, :, 0]]
    return rows + list(run.oracle.uncounted(run.algorithm.output(state))[0, :, 0])


def _anchored(run: Trace) -> bool:
    """Tell whether a run knows its minimiser: then the start is not the origin."""
    return bool(run.states[0].x[0, 0, 0].coefficients)


def _terms(run: Trace, state: State) -> list[Expression]:
    """Return what a potential is a combination of."""
    v = _variables(run, state)
    products = [v[j] @ v[k] for k in range(len(v)) for j in range(k + 1)]
    return [*products, gap(run, state)] if _anchored(run) else products


def _of_any_state(run: Run) -> tuple[Trace, Trace]:
    """Return no step and one step from any state, if what holds for these holds for every step of the method."""
    traces = run(0), run(1)
    asked = f"a rate of {type(traces[1].algorithm).__name__} for every number of steps"
    if any(one.start != "any" for one in traces):
        raise WrongUse(
            asked, "its runs begin as the method does, and so say nothing of later steps", "trace with start='any'"
        )
    if scheduled(traces[1].algorithm):
        raise WrongUse(asked, "its parameters change from step to step", "give numbers in place of schedules")
    return traces


@dataclass(frozen=True)
class _Lines:
    """Arrays of a model: of the constraints (A, b), and of the expressions that were asked for (T, u)."""

    A: Array
    b: Array
    T: Array
    u: Array
    free: Array
    order: int


def _lines(run: Trace, wanted: list[Expression]) -> _Lines:
    run.model.maximise(*wanted)  # which makes a line, with the opposite sign, of each
    program = assemble(run.model)
    if program.c.any():
        asked, wrong = "a Lyapunov function of one step", "a constant bounds the model, so that no function contracts"
        raise WrongUse(asked, wrong, "take classes without absolute errors")
    A, b, m = svec(program.A, program.order), program.b[:, :-1], len(program.names) - len(wanted)
    return _Lines(A[:m], b[:m], -A[m:], -b[m:], program.equality[:m], program.order)


class Search:
    r"""The search for a Lyapunov function of one step, in floating point.

    .. math:: V(x_1) \le \rho\, V(x_0) \quad\text{and}\quad t \cdot \text{target} \le V, \qquad t > 0,

    for every state, function of the class, and message. Multipliers λ, ν ≥ 0 of what is known prove both, so that V, λ,
    ν and t solve a semidefinite program at every ρ; the smallest ρ is found by bisection.

    Parameters
    ----------
    run : callable
        ``run(steps)`` is a symbolic run from any state, as ``trace(…, steps=steps, start="any")``.
    target : Measure
        What V is to bound, such as `distance`, `gap` or `gradient`.

    Raises
    ------
    WrongUse
        If a constant other than 0 bounds the model, as an absolute error does: then nothing contracts. If a run does
        not begin in any state, or its parameters are schedules: then one step says nothing of the next.

    Notes
    -----
    Source: Taylor, Van Scoy and Lessard 2018 (recalled), with the messages of compressors added here. The rate is the
    solver's opinion, and no bound.

    Examples
    --------
    >>> from proofs_check.worst_case import Smooth, distance, trace
    >>> from toolkit.algorithms import SGD
    >>> search = Search(
    ...     lambda steps: trace(SGD(stepsize=1), Smooth(mu=Fraction(1, 2)), steps=steps, start="any"), distance
    ... )
    >>> round(search.best_rate(), 5)
    0.25
    """

    def __init__(self, run: Run, target: Measure) -> None:
        start, step = _of_any_state(run)
        first = start.states[0]
        self._start = _lines(start, [*_terms(start, first), target(start, first)])
        self._step = _lines(step, [*_terms(step, step.states[0]), *_terms(step, step.states[1])])

    def potential(self, rate: float) -> tuple[Array, float]:
        """Return the weights, in [−1, 1], of the V with the largest margin t at a rate, and t: 0 if there is none."""
        start, step = self._start, self._step
        q, m, m0 = len(step.T) // 2, len(step.A), len(start.A)
        i, j = entries(step.order)

        def stacked(weights: Array, λ: Any, ν: Any, t: Any) -> Array:
            """Return lines in the unknowns (weights, λ, ν, t), one per column of what is given."""
            width = weights.shape[1]
            parts = [np.zeros((size, width)) for size in (m, m0, 1)]
            return np.vstack(
                [weights, *(a if a is not None else zero for a, zero in zip((λ, ν, t), parts, strict=True))]
            ).T

        falls = stacked(rate * step.T[:q] - step.T[q:], step.A, None, -np.where(i == j, 1.0, 0.0)[None])
        bounds = stacked(start.T[:q], None, start.A, -start.T[q:])
        A = np.vstack([
            stacked(rate * step.u[:q] - step.u[q:], step.b, None, None),
            stacked(start.u[:q], None, start.b, -start.u[q:]),
            np.eye(q, q + m + m0 + 1),
            -np.eye(q, q + m + m0 + 1),
            -np.eye(q + m + m0 + 1)[q:-1][~np.concatenate([step.free, start.free])],
            -falls,
            -bounds,
        ])  # fmt: skip
        zero = step.u.shape[1] + start.u.shape[1]
        b = np.zeros(len(A))
        b[zero : zero + 2 * q] = 1.0
        positive = 2 * q + int((~step.free).sum() + (~start.free).sum())
        x = np.array(cone_solve(-np.eye(A.shape[1])[-1], A, b, zero, positive, step.order, start.order).x)
        return x[:q], float(x[-1])

    def possible(self, rate: float) -> bool:
        """Tell whether the solver finds a Lyapunov function at a rate."""
        try:
            return self.potential(rate)[1] > FEASIBLE
        except Unsolved:
            return False

    def best_rate(self, low: float = 0.0, high: float = 1.0) -> float:
        """Return the smallest rate at which the solver finds a Lyapunov function, by bisection.

        Raises
        ------
        Unsolved
            If there is none at the rate `high`.
        """
        if not self.possible(high):
            remedy = "take a smaller step size, or another target"
            raise Unsolved("a Lyapunov function of one step", f"none was found at the rate {high}", remedy)
        while high - low > PRECISION:
            middle = (low + high) / 2
            low, high = (low, middle) if self.possible(middle) else (middle, high)
        return high


@dataclass(frozen=True)
class LyapunovProof:
    r"""A Lyapunov function and two certificates, of what it loses in a step and of what it bounds.

    .. math:: V(x_1) \le \rho\,V(x_0), \quad \text{target}(x) \le c\,V(x)
              \quad\Rightarrow\quad \text{target}(x_N) \le c\,\rho^N V(x_0) \quad\text{for every } N

    All of it is linear in inner products and values, so that it holds for random compressors in expectation too.

    Parameters
    ----------
    run, target
        As of `Search`.
    potential : Potential
    step : Certificate
        Of V(x_1) ≤ ρ wherever V(x_0) ≤ 1; it scales, for no constant has a part in it.
    bound : Certificate
        Of its target ≤ c wherever V(x) ≤ 1.

    Notes
    -----
    Source: the usual induction over N; exact by both certificates.

    Examples
    --------
    V = ‖x‖² + ⟨x, g⟩ + ‖g‖² + f(x) − f* falls to 3/10 of itself in a step of gradient descent, and is at least 2‖x‖²:

    >>> from proofs_check.worst_case import Smooth, distance, trace
    >>> from toolkit.algorithms import SGD
    >>> functions = Smooth(mu=Fraction(1, 2), L=1)
    >>> run = lambda steps: trace(SGD(stepsize=1), functions, steps=steps, start="any")
    >>> proof = certify_every_step(run, distance, rate=Fraction(3, 10))
    >>> [float(weight) for weight in proof.potential.weights], proof.rate, round(float(proof.factor), 4)
    ([1.0, 1.0, 1.0, 1.0], Fraction(3, 10), 0.5)
    >>> proof.step.verified()[:6], proof.bound.verified()[:6]
    ('proved', 'proved')
    """

    run: Run
    target: Measure
    potential: Potential
    step: Certificate
    bound: Certificate

    @property
    def rate(self) -> Fraction:
        """ρ."""
        return self.step.bound

    @property
    def factor(self) -> Fraction:
        """c."""
        return self.bound.bound

    def verified(self) -> str:
        """Return what both certificates prove together, for every N.

        Raises
        ------
        WrongUse
            If one of them proves nothing, or is not about this run, potential and target.
        """
        start, step = _of_any_state(self.run)
        worst = step.worst(self.potential, self.potential), start.worst(self.target, self.potential)
        for certificate, model in zip((self.step, self.bound), worst, strict=True):
            certificate.verified()
            if certificate.document["statement"] != statement(model):
                raise WrongUse("a Lyapunov proof", "a certificate is about something else", "make a proof anew")
        return f"proved for every N: target(x_N) <= {self.factor} ({self.rate})^N V(x_0)"


def certify_every_step(
    run: Run, target: Measure, *, rate: Fraction | None = None, slack: float = SLACK
) -> LyapunovProof:
    """Return an exact proof of a rate for every number of steps.

    Parameters
    ----------
    run, target
        As of `Search`.
    rate : Fraction, optional
        The rate to prove; by default the best one that the search finds, and the slack.
    slack : float
        How far above the best rate, and above the best factor of the target, the bounds may lie, relative to them.

    Returns
    -------
    LyapunovProof

    Raises
    ------
    Unsolved
        If there is no such Lyapunov function.
    Uncertified
        If double precision does not suffice.

    Notes
    -----
    The V of largest margin at the rate is rounded to multiples of 2^−k; what it loses in a step, and what it bounds,
    are then worst cases of their own, which `certify` proves. Source: the search, Taylor, Van Scoy and Lessard 2018
    (recalled); its proof in exact numbers: ours.

    Examples
    --------
    Gradient descent with step size 1 on functions with μ = 1/2, L = 1 has the rate 1/4 (in squared distance):

    >>> from proofs_check.worst_case import Smooth, distance, trace
    >>> from toolkit.algorithms import SGD
    >>> functions = Smooth(mu=Fraction(1, 2), L=1)
    >>> run = lambda steps: trace(SGD(stepsize=1), functions, steps=steps, start="any")
    >>> proof = certify_every_step(run, distance, rate=Fraction(251, 1000))
    >>> proof.rate, proof.verified()[:18]
    (Fraction(251, 1000), 'proved for every N')
    """
    search = Search(run, target)
    rate = Fraction(search.best_rate() * (1 + slack)).limit_denominator(10**9) if rate is None else rate
    weights, margin = search.potential(float(rate))
    for bits in BITS if margin > 0 else ():
        potential = Potential(tuple(dyadic(weights, bits)))
        fall = run(1).worst(potential, potential)
        try:
            left = float(rate) / solve(fall).value - 1  # what the rounding of the weights leaves of the slack
            if left <= 0:
                continue
            step = certify(fall, slack=left)
            bound = certify(run(0).worst(target, potential), slack=slack)
        except (Unsolved, Uncertified):
            continue
        return LyapunovProof(run, target, potential, Certificate({**step.document, "bound": str(rate)}), bound)
    wrong = f"no rounding of a numeric one proves the rate {float(rate):.9g}"
    raise Uncertified("a Lyapunov function in exact numbers", wrong, "allow a larger rate")
