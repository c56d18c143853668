"""Error feedback: what was not sent is remembered and added to the next message."""

from __future__ import annotations

from typing import Any

from toolkit.algorithms import Algorithm, State, mean
from toolkit.algorithms._base import needs
from toolkit.algorithms.ef21 import largest_stepsize
from toolkit.constants import CompressorConstants, Constant, ProblemConstants, upper_bound
from toolkit.kernels import sum_sq


class ErrorFeedback(Algorithm):
    r"""EF14: every worker adds what it did not send last time to its next message.

    .. math:: p_i = e_i + \gamma g_i(x), \quad \text{send } C(p_i), \quad e_i \leftarrow p_i - C(p_i), \quad
              x \leftarrow x - \tfrac1n \sum_i C(p_i) .

    Source: ALG-a1 (code). For any map C the virtual iterate x − mean(e) makes plain SGD steps (master identity,
    derived). Observed: ``memory_norm_sq`` = (1/n) Σ ‖e_i‖² and ``local_grad_norm_sq`` = (1/n) Σ ‖∇f_i(x)‖², which with
    the noise makes up the second moment that S-d1 to S-d4 assume bounded.

    Notes
    -----
    With a relative compressor (δ) no theorem here limits the step size (S-d3, S-d4); `theory_stepsize` then gives
    EF21's, as the EF21 authors' code does. With an absolute one (κ) it is 1/(4L) for convex f_i, 1/(2L) otherwise.

    Examples
    --------
    >>> from problems import Quadratic
    >>> from toolkit import simulate
    >>> from toolkit.compressors import TopK
    >>> problem = Quadratic(hessians=[[1.0, 2.0]], linear=[[1.0, 2.0]])
    >>> result = simulate(problem, ErrorFeedback(), TopK(k=1), stepsize=0.25, steps=100, x0=[4.0, -1.0])
    >>> bool(result.f_gap.isel(run=0, step=-1) < 1e-9)
    True
    """

    unit = "iterate"
    accepts = (needs("delta"), needs("kappa_sq"))
    in_place = True

    def init(self, x: Any, oracle: Any, channel: Any, draw: Any) -> State:
        return State(x=x, memory=0 * oracle.per_worker(x))

    def step(self, state: State, oracle: Any, channel: Any, draw: Any) -> State:
        sent, memory = channel.send_with_memory(state.memory, oracle.sample(state.x), self.stepsize)
        return State(x=state.x - mean(sent), memory=memory)

    def observe(self, state: State, oracle: Any, constants: ProblemConstants | None) -> dict[str, Any]:
        return {"memory_norm_sq": sum_sq(state.memory), "local_grad_norm_sq": sum_sq(oracle.uncounted(state.x))}

    def theory_stepsize(self, problem: ProblemConstants, compressor: CompressorConstants) -> Constant | None:
        if compressor.kappa_sq is not None and problem.L_i is not None:
            L = float(max(problem.L_i.value))
            return upper_bound(1 / (4 * L), "S-a7") if problem.convex else upper_bound(1 / (2 * L), "S-a6")
        return largest_stepsize(problem, compressor)
