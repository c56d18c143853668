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
    """Return the squared norm of a symbolic array, the mean over its rows."""
    rows = v[0, :, 0]
    return sum((row**2 for row in rows), Expression()) / len(rows)


def gap(run: Trace, state: State) -> Expression:
    """Return f(x) − f* at the output of the method."""
    return run.oracle.value(run.algorithm.output(state))


def distance(run: Trace, state: State) -> Expression:
    """Return ‖x − x*‖² at the output of the method."""
    return norm_sq(run.algorithm.output(state))


def gradient(run: Trace, state: State) -> Expression:
    """Return ‖∇f(x)‖² at the output of the method."""
    return norm_sq(mean(run.oracle.uncounted(run.algorithm.output(state))))


@dataclass(frozen=True)
class ErrorFeedbackPotential:
    r"""The Lyapunov function of error feedback.

    .. math:: V = \|x - x^\star - \bar e\|^2 + \frac1s \cdot \frac1n \sum_i \|e_i\|^2, \qquad s = \sqrt{1 - \delta}

    Source: Berg Thomsen, Taylor and Dieuleveut 2025, Theorem 1 (read in the authors' repository); n > 1 with a shared
    minimiser: derived.
    """

    s: Any

    def __call__(self, run: Trace, state: State) -> Expression:
        return norm_sq(state.x - mean(state.memory)) + norm_sq(state.memory) / exact(self.s)


@dataclass(frozen=True)
class EF21Potential:
    r"""The Lyapunov function of EF21.

    .. math:: V = \frac1n \sum_i \|\nabla f_i(x) - d_i\|^2 + s\,\|\nabla f(x)\|^2, \qquad s = \sqrt{1 - \delta}

    Source: Berg Thomsen, Taylor and Dieuleveut 2025, Theorem 2 (read in the authors' repository); n > 1: derived.
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

    Source: derived here; what is compressed next is :math:`x_i - \hat x_i`.
    """

    s: Any

    def __call__(self, run: Trace, state: State) -> Expression:
        return norm_sq(state.x - mean(state.x)) + exact(self.s) * norm_sq(state.x - state.public)
