"""What a worst case is measured by: functions of a symbolic run and one of its states."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from proofs_check.worst_case.expressions import Expression, exact
from proofs_check.worst_case.tracing import Trace
from toolkit.algorithms import State, mean
from toolkit.arrays import Array

__all__ = ["EF21Potential", "ErrorFeedbackPotential", "GossipPotential", "distance", "gap", "gradient", "norm_sq"]


def norm_sq(v: Array) -> Expression:
    r"""Return the squared norm of a symbolic array, the mean over its rows, :math:`\tfrac1n \sum_i \|v_i\|^2`.

    Parameters
    ----------
    v : array of Vector, shape (1, n, 1)
        A field of a state, or gradients.

    Returns
    -------
    Expression

    Notes
    -----
    Source: a definition of ours; for one row per worker it is the mean that potentials of n workers have.

    Examples
    --------
    >>> from proofs_check.worst_case import Smooth, trace
    >>> from toolkit.algorithms import SGD
    >>> run = trace(SGD(stepsize=1), Smooth(L=1), steps=0, workers=2, minimiser="shared")
    >>> norm_sq(run.oracle.exact(run.states[0].x)).gram(), run.model.vectors
    ({(1, 1): Fraction(1, 2), (2, 2): Fraction(1, 2)}, ['x_0', 'g_0[0]', 'g_0[1]'])
    """
    rows = v[0, :, 0]
    return sum((row**2 for row in rows), Expression()) / len(rows)


def gap(run: Trace, state: State) -> Expression:
    """Return f(x) − f* at the output of the method.

    Parameters
    ----------
    run : Trace
        Of functions with a minimiser or a lower bound; without one f* means the value where f was first evaluated.
    state : State
        One of ``run.states``.

    Returns
    -------
    Expression

    Notes
    -----
    Source: the usual measure of convex functions; f is the mean of the workers' functions.

    Examples
    --------
    N steps of gradient descent on convex functions have f(x_N) − f* ≤ L‖x_0 − x*‖²/(4N + 2):

    >>> from proofs_check.worst_case import Smooth, solve, trace
    >>> from toolkit.algorithms import SGD
    >>> round(solve(trace(SGD(stepsize=1), Smooth(L=1), steps=2).worst(gap, initial=distance)).value, 6)
    0.1
    """
    return run.oracle.value(run.algorithm.output(state))


def distance(run: Trace, state: State) -> Expression:
    """Return ‖x − x*‖² at the output of the method.

    Parameters
    ----------
    run : Trace
        Of functions with a minimiser, which is the origin.
    state : State
        One of ``run.states``.

    Returns
    -------
    Expression

    Notes
    -----
    Source: the usual measure of strongly convex functions.

    Examples
    --------
    N steps of gradient descent with γ = 1/L take it to (1 − μ/L)^(2N), here with μ/L = 1/2:

    >>> from proofs_check.worst_case import Smooth, solve, trace
    >>> from toolkit.algorithms import SGD
    >>> run = trace(SGD(stepsize=1), Smooth(L=1, mu=exact("1/2")), steps=2)
    >>> round(solve(run.worst(distance, initial=distance)).value, 6)
    0.0625
    """
    return norm_sq(run.algorithm.output(state))


def gradient(run: Trace, state: State) -> Expression:
    """Return ‖∇f(x)‖² at the output of the method, which costs the method no call.

    Parameters
    ----------
    run : Trace
        With several workers ∇f is the mean of their gradients.
    state : State
        One of ``run.states``.

    Returns
    -------
    Expression

    Notes
    -----
    Source: the usual measure of functions that are not convex; for those `Trace.worst` may ask for the smallest.

    Examples
    --------
    On convex functions it falls like 1/(N + 1)², faster than the gap:

    >>> from proofs_check.worst_case import Smooth, solve, trace
    >>> from toolkit.algorithms import SGD
    >>> for N in (1, 2):
    ...     round(solve(trace(SGD(stepsize=1), Smooth(L=1), steps=N).worst(gradient, initial=distance)).value, 4)
    0.25
    0.1111
    """
    return norm_sq(mean(run.oracle.uncounted(run.algorithm.output(state))))


@dataclass(frozen=True)
class ErrorFeedbackPotential:
    r"""The Lyapunov function of error feedback.

    .. math:: V = \|x - x^\star - \bar e\|^2 + \frac1s \cdot \frac1n \sum_i \|e_i\|^2, \qquad s = \sqrt{1 - \delta}

    Parameters
    ----------
    s : exact number in (0, 1]
        The relative error of the compressor; another weight of the memory is allowed, and gives a worse rate.

    Notes
    -----
    Source: Berg Thomsen, Taylor and Dieuleveut 2025, Theorem 1 (read in the authors' repository); n > 1 with a shared
    minimiser: derived.

    Examples
    --------
    The rate r² with r² = (1 − s)(1 − μ/L)/(1 + μ/L)·r + s at the best step size, here 4/9, and with another weight:

    >>> from fractions import Fraction as Q
    >>> from proofs_check.worst_case import Contractive, Smooth, solve, trace
    >>> from toolkit.algorithms import ErrorFeedback
    >>> for s in (Q(1, 3), Q(1, 2)):
    ...     method, V = ErrorFeedback(stepsize=Q(5, 8)), ErrorFeedbackPotential(s=s)
    ...     run = trace(method, Smooth(mu=Q(3, 5)), Contractive(delta=Q(8, 9)), steps=1, start="any")
    ...     round(solve(run.worst(V, initial=V)).value, 4)
    0.4444
    0.4889
    """

    s: Any

    def __call__(self, run: Trace, state: State) -> Expression:
        return norm_sq(state.x - mean(state.memory)) + norm_sq(state.memory) / exact(self.s)


@dataclass(frozen=True)
class EF21Potential:
    r"""The Lyapunov function of EF21.

    .. math:: V = \frac1n \sum_i \|\nabla f_i(x) - d_i\|^2 + s\,\|\nabla f(x)\|^2, \qquad s = \sqrt{1 - \delta}

    Parameters
    ----------
    s : exact number in (0, 1]
        The relative error of the compressor; another weight of the gradient is allowed.

    Notes
    -----
    It speaks of no minimiser, so that a run without one will do.

    Source: Berg Thomsen, Taylor and Dieuleveut 2025, Theorem 2 (read in the authors' repository); n > 1: derived.

    Examples
    --------
    The rate of error feedback, proved for two workers whose functions need not have a minimiser in common:

    >>> from fractions import Fraction as Q
    >>> from proofs_check.worst_case import Contractive, Smooth, certify, trace
    >>> from toolkit.algorithms import EF21
    >>> method, functions, messages = EF21(stepsize=Q(5, 8)), Smooth(mu=Q(3, 5)), Contractive(delta=Q(8, 9))
    >>> run = trace(method, functions, messages, steps=1, workers=2, start="any", minimiser=None)
    >>> V = EF21Potential(s=Q(1, 3))
    >>> 0 <= certify(run.worst(V, initial=V)).bound - Q(4, 9) < 1e-5
    True
    """

    s: Any

    def __call__(self, run: Trace, state: State) -> Expression:
        gradients = run.oracle.uncounted(state.x)
        return norm_sq(gradients - state.estimate) + exact(self.s) * norm_sq(mean(gradients))


@dataclass(frozen=True)
class GossipPotential:
    r"""A Lyapunov function of CHOCO-Gossip.

    .. math:: V = \frac1n \sum_i \left( \|x_i - \bar x\|^2 + s\,\|x_i - \hat x_i\|^2 \right),
              \qquad s = \sqrt{1 - \delta}

    Parameters
    ----------
    s : exact number in (0, 1]
        The relative error of the compressor; what is compressed next is :math:`x_i - \hat x_i`.

    Notes
    -----
    Source: derived here.

    Examples
    --------
    Three workers who all hear each other agree by a factor r² = s a step at the best consensus step size:

    >>> from fractions import Fraction as Q
    >>> from proofs_check.worst_case import Contractive, solve, trace
    >>> from toolkit.algorithms import CHOCO
    >>> from toolkit.topology import ring
    >>> method, messages = CHOCO(consensus=Q(3, 5), stepsize=0), Contractive(delta=Q(15, 16))
    >>> run = trace(method, None, messages, steps=1, workers=3, start="any", minimiser=None, topology=ring(3))
    >>> V = GossipPotential(s=Q(1, 4))
    >>> round(solve(run.worst(V, initial=V)).value, 6)
    0.25
    """

    s: Any

    def __call__(self, run: Trace, state: State) -> Expression:
        return norm_sq(state.x - mean(state.x)) + exact(self.s) * norm_sq(state.x - state.public)
