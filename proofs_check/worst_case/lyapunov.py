"""Lyapunov functions: the best rate of one step from any state, which holds for every number of steps."""

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
from proofs_check.worst_case.program import Program, assemble, entries
from proofs_check.worst_case.rational import dyadic
from proofs_check.worst_case.solving import Unsolved, cone_solve, svec
from proofs_check.worst_case.tracing import Measure, Trace
from toolkit.algorithms import State
from toolkit.arrays import Array
from toolkit.errors import WrongUse

__all__ = ["LyapunovProof", "Potential", "Search", "certify_every_step"]

Run = Callable[[int], Trace]  # a symbolic run from any state, by its number of steps

FEASIBLE = 1e-8  # the margin above which a rate counts as possible: what the solver's tolerance leaves of zero
PRECISION = 1e-7  # of a bisection
BITS = (16, 24, 32, 40)


@dataclass(frozen=True)
class Potential:
    r"""A quadratic function of a state and of its gradients, with a share of the function's gap.

    .. math:: V = \sum_{j,k} P_{jk} \langle v_j, v_k \rangle + p\,(f(x) - f^\star)

    v are the fields of the state, every row of each, and then the gradients at the output. Where a model has no
    minimiser, x and f are left out: only differences of them have a meaning.

    Parameters
    ----------
    P : tuple of tuples of exact numbers
        The lower triangle of the symmetric matrix.
    p : exact number
    """

    P: tuple[tuple[Any, ...], ...]
    p: Any = Fraction(0)

    def __call__(self, run: Trace, state: State) -> Expression:
        found = sum_of(monomials(run, state), [value * (1 + (j != k)) for j, k, value in self._entries()])
        return found + self.p * gap(run, state) if self.p else found

    def _entries(self) -> list[tuple[int, int, Any]]:
        return [(j, k, value) for k, row in enumerate(self.P) for j, value in enumerate(row)]


def variables(run: Trace, state: State) -> list[Vector]:
    """Return what a potential of a state is quadratic in."""
    rows = [row for name, value in state if name != "x" or anchored(run) for row in value[0, :, 0]]
    return rows + list(run.oracle.uncounted(run.algorithm.output(state))[0, :, 0])


def anchored(run: Trace) -> bool:
    """Tell whether a run knows its minimiser, so that x and f have a meaning of their own."""
    return bool(run.states[0].x[0, 0, 0].coefficients)


def monomials(run: Trace, state: State) -> list[Expression]:
    """Return the inner products of the variables, by columns of the upper triangle."""
    v = variables(run, state)
    return [v[j] @ v[k] for k in range(len(v)) for j in range(k + 1)]


def sum_of(terms: list[Expression], weights: list[Any]) -> Expression:
    return sum((weight * one for weight, one in zip(weights, terms, strict=True) if weight), Expression())


class Search:
    r"""The search for a Lyapunov function of one step, in floating point.

    .. math:: V(x_1) \le \rho\, V(x_0), \qquad V \ge t \cdot \text{target}, \quad t > 0

    for every state, function of the class, and message. Both are asked for by multipliers λ, ν ≥ 0 of what holds, so
    that (V, λ, ν, t) solves a semidefinite program at every ρ; the smallest ρ is found by bisection.

    Parameters
    ----------
    run : callable
        A symbolic run ``run(steps)`` from any state: ``trace(…, start="any", steps=steps)``.
    target : Measure
        What V is to bound, as `distance`, `gap` or `gradient`.

    Raises
    ------
    WrongUse
        If something else than 0 bounds the model, as an absolute error: then V cannot contract.

    Examples
    --------
    >>> from fractions import Fraction as Q
    >>> from proofs_check.worst_case import Smooth, distance, trace
    >>> from toolkit.algorithms import SGD
    >>> search = Search(lambda steps: trace(SGD(stepsize=1), Smooth(mu=Q(1, 2)), steps=steps, start="any"), distance)
    >>> round(search.best_rate(), 5)
    0.25
    """

    def __init__(self, run: Run, target: Measure) -> None:
        before, step = run(0), run(1)
        # Metrics make lines of the program; those of a constraint are what holds, the others −1 times a monomial.
        terms = _terms(before, before.states[0])
        before.model.maximise(*terms, target(before, before.states[0]))
        step.model.maximise(*_terms(step, step.states[0]), *_terms(step, step.states[1]))
        self._count = len(terms)
        self._size = len(variables(before, before.states[0]))
        self._before, self._known = _split(before)
        self._step, _ = _split(step)

    def potential(self, rate: float) -> tuple[Array, float]:
        """Return the weights of V with the largest margin t at a rate, and t; t ≤ 0 where there is no V.

        Returns
        -------
        array, shape (monomials,)
            Of the inner products ⟨v_j, v_k⟩, j ≤ k, by columns, and then of the gap where it has a meaning.
        float
        """
        n0, n1 = self._before.order, self._step.order
        q, m0, m1 = self._count, *(len(one.names) for one in (self._before, self._step))
        m0, m1 = m0 - q - 1, m1 - 2 * q
        A0, A1 = svec(self._before.A, n0), svec(self._step.A, n1)
        b0, b1 = self._before.b[:, :-1], self._step.b[:, :-1]
        i0, j0 = entries(n0)
        i1, j1 = entries(n1)
        # The unknowns are V's weights, λ, ν and t. Lines of metrics have the opposite sign.
        S = [A1[m1 + q :] - rate * A1[m1 : m1 + q], A1[:m1], np.zeros((m0, A1.shape[1])), -np.where(i1 == j1, 1.0, 0)]
        R = [-A0[m0 : m0 + q], np.zeros((m1, A0.shape[1])), A0[:m0], A0[m0 + q] - 1e-3 * 0 * (i0 == j0)]
        s = [b1[m1 + q :] - rate * b1[m1 : m1 + q], b1[:m1], np.zeros((m0 + 1, b1.shape[1]))]
        r = [-b0[m0 : m0 + q], np.zeros((m1, b0.shape[1])), b0[:m0], b0[m0 + q]]
        raise NotImplementedError
