"""EF21: workers send the compressed change of their gradient."""

from __future__ import annotations

from typing import Any

import numpy as np

from toolkit.algorithms import Algorithm, State, mean
from toolkit.algorithms._base import needs
from toolkit.constants import CompressorConstants, Constant, ProblemConstants, upper_bound
from toolkit.kernels import sum_sq, sum_sq_difference


class EF21(Algorithm):
    r"""EF21: server and worker keep an estimate g_i of each gradient; the compressed difference updates it.

    .. math:: g_i^0 = C(\nabla f_i(x^0)), \quad x \leftarrow x - \gamma \tfrac1n \sum_i g_i, \quad
              g_i \leftarrow g_i + C(\nabla f_i(x) - g_i) .

    Source: Richtárik, Sokolov, Fatkhullin 2021, sheet D1 (code, derived).

    Notes
    -----
    The first message is compressed, as in the paper. The step size of Theorem 1 is
    1 / (L + L̃ √(β/θ)), √(β/θ) = (1 + √(1−δ))/δ − 1. Observed: ``estimate_error`` = G = (1/n) Σ ‖g_i − ∇f_i(x)‖²
    and ``estimate_norm_sq`` = ‖(1/n) Σ g_i‖², the squared length of the next step over γ².

    Examples
    --------
    >>> from problems import Quadratic
    >>> from toolkit import simulate
    >>> from toolkit.compressors import TopK
    >>> problem = Quadratic(hessians=[[1.0, 2.0]], linear=[[1.0, 2.0]])
    >>> result = simulate(problem, EF21(), TopK(k=1), stepsize=0.25, steps=100, x0=[4.0, -1.0])
    >>> bool(result.f_gap.isel(run=0, step=-1) < 1e-9)
    True
    """

    accepts = (needs("delta"),)

    def init(self, x: Any, oracle: Any, channel: Any, draw: Any) -> State:
        return State(x=x, estimate=channel.send(oracle.sample(x)))

    def step(self, state: State, oracle: Any, channel: Any, draw: Any) -> State:
        x = state.x - self.stepsize * mean(state.estimate)
        return State(x=x, estimate=state.estimate + channel.send(oracle.sample(x) - state.estimate))

    def observe(self, state: State, oracle: Any, constants: ProblemConstants | None) -> dict[str, Any]:
        return {
            "estimate_error": sum_sq_difference(state.estimate, oracle.uncounted(state.x)),
            "estimate_norm_sq": sum_sq(mean(state.estimate))[:, 0],
        }

    def theory_stepsize(self, problem: ProblemConstants, compressor: CompressorConstants) -> Constant | None:
        return largest_stepsize(problem, compressor)


def contraction_ratio(delta: Any) -> Any:
    """Return √(β/θ) = (1 + √(1−δ))/δ − 1 of a contractive compressor.

    Examples
    --------
    >>> float(contraction_ratio(1.0))
    0.0
    """
    return (1 + np.sqrt(1 - delta)) / delta - 1


def largest_stepsize(problem: ProblemConstants, compressor: CompressorConstants) -> Constant | None:
    """Return EF21's step size 1/(L + L̃ √(β/θ)) of Theorem 1, or None if a constant is missing."""
    if problem.L is None or problem.L_tilde is None or compressor.delta is None:
        return None
    ratio = contraction_ratio(compressor.delta.value)
    return upper_bound(1 / (problem.L.value + problem.L_tilde.value * ratio), "EF21, Theorem 1")
