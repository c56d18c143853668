"""Error feedback on gradients less those at the minimiser: what it would do without heterogeneity."""

from __future__ import annotations

from typing import Any

from toolkit.algorithms import State, mean
from toolkit.algorithms.error_feedback import ErrorFeedback
from toolkit.constants import ProblemConstants
from toolkit.kernels import sum_sq


class EFGDStar(ErrorFeedback):
    r"""EF-GD-star: error feedback on full gradients that an oracle shifts to 0 at the minimiser.

    .. math:: p_i = e_i + \gamma \big(\nabla f_i(x) - \nabla f_i(x^\star)\big), \quad \text{send } C(p_i), \quad
              e_i \leftarrow p_i - C(p_i), \quad x \leftarrow x - \tfrac1n \sum_i C(p_i) .

    Source: ALG-a3 (code). The shifts add up to 0, so it is `ErrorFeedback` on the functions
    f_i(x) − ⟨∇f_i(x*), x⟩, which have the same mean, constants and step sizes, and no heterogeneity (derived).
    Observed: as there, ``local_grad_norm_sq`` being that of the shifted gradients.

    Raises
    ------
    WrongUse
        By `simulate`, if the problem's minimiser is not known.

    Examples
    --------
    >>> from problems import Quadratic
    >>> from toolkit import simulate
    >>> from toolkit.compressors import TopK
    >>> problem = Quadratic(hessians=[[1.0, 1.0]] * 2, linear=[[8.0, 4.0], [-8.0, -4.0]])
    >>> settings = {"stepsize": 0.25, "steps": 200, "x0": [4.0, -1.0], "progress": False}
    >>> starred, plain = (simulate(problem, one, TopK(k=1), **settings) for one in (EFGDStar(), ErrorFeedback()))
    >>> bool(starred.f_gap[0, -1] < 1e-30), bool(plain.f_gap[0, -1] > 0.01)
    (True, True)
    """

    implementable = False

    def step(self, state: State, oracle: Any, channel: Any, draw: Any) -> State:
        shifted = oracle.exact(state.x) - oracle.at_minimiser(state.x)
        sent, memory = channel.send_with_memory(state.memory, shifted, self.stepsize)
        return State(x=state.x - mean(sent), memory=memory)

    def observe(self, state: State, oracle: Any, constants: ProblemConstants | None) -> dict[str, Any]:
        shifted = oracle.uncounted(state.x) - oracle.at_minimiser(state.x)
        return {"memory_norm_sq": sum_sq(state.memory), "local_grad_norm_sq": sum_sq(shifted)}
