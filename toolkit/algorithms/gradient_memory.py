"""Error feedback whose memory is in the unit of gradients."""

from __future__ import annotations

from typing import Any

from toolkit.algorithms import State, mean
from toolkit.algorithms.error_feedback import ErrorFeedback


class GradientMemory(ErrorFeedback):
    r"""EF14 with the step size outside: memory and messages are gradients, and the server takes the step.

    .. math:: p_i = m_i + g_i(x), \quad \text{send } C(p_i), \quad m_i \leftarrow p_i - C(p_i), \quad
              x \leftarrow x - \gamma_t \tfrac1n \sum_i C(p_i) .

    Source: ALG-b2, distributed SGD with rTop-k and memory (formulas from a public summary of the paper): the compressor
    is then `RTopK`, with fresh draws per worker and step, and nothing is scaled by r/k.

    Notes
    -----
    For a constant γ and a homogeneous C, such as rTop-k, it makes the steps of `ErrorFeedback`, whose memory is then
    e = γm (derived). For a γ that changes it does not: what waited in the memory is sent with the step size of the day
    on which it is sent, not of that on which it was computed, and the virtual iterate x − γ_t·mean(m) is moved by
    (γ_t − γ_{t+1})·mean(m) besides (derived). The theorems of `ErrorFeedback` then do not cover it. Its
    ``memory_norm_sq`` is in the unit of gradients.

    Examples
    --------
    >>> from problems import Quadratic
    >>> from toolkit import simulate
    >>> from toolkit.compressors import RTopK
    >>> problem = Quadratic(hessians=[[1.0, 2.0, 2.0]], linear=[[1.0, 2.0, 4.0]])
    >>> result = simulate(problem, GradientMemory(), RTopK(k=1, r=2), stepsize=0.125, steps=300)
    >>> bool(result.f_gap.isel(run=0, step=-1) < 1e-9)
    True
    """

    unit = "gradient"

    def step(self, state: State, oracle: Any, channel: Any, draw: Any) -> State:
        sent, memory = channel.send_with_memory(state.memory, oracle.sample(state.x), 1.0)
        return State(x=state.x - self.stepsize * mean(sent), memory=memory)
