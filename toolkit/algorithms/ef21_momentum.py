"""EF21 with momentum before the compressor: noise is averaged before it can be given a mean."""

from __future__ import annotations

from typing import Any

from toolkit.algorithms import Algorithm, State, mean
from toolkit.algorithms._base import needs
from toolkit.constants import ProblemConstants
from toolkit.kernels import sum_sq_difference
from toolkit.parameters import check_number


class EF21Momentum(Algorithm):
    r"""EF21-SGDM: workers send the compressed change of a running mean of their gradient samples.

    .. math:: x \leftarrow x - \gamma\,\tfrac1n \sum_i h_i, \quad v_i \leftarrow (1 - \eta) v_i + \eta\,g_i(x), \quad
              h_i \leftarrow h_i + C(v_i - h_i)

    Parameters
    ----------
    momentum : float
        η in (0, 1], the weight of the new sample; 1 is EF21 with stochastic gradients, but for the first message.

    Raises
    ------
    WrongUse
        If η is out of this range.

    Notes
    -----
    v_i⁰ = h_i⁰ = g_i(x⁰), sent uncompressed. The floor of EF21 with stochastic gradients falls with η. Source:
    Fatkhullin, Tyurin and Richtárik, NeurIPS 2023, sheet D2 (recalled). Observed: ``estimate_error``
    = (1/n) Σ ‖h_i − ∇f_i(x)‖².

    Examples
    --------
    >>> from problems import LopsidedNoise
    >>> from toolkit import simulate
    >>> from toolkit.compressors import TopK
    >>> result = simulate(LopsidedNoise(), EF21Momentum(momentum=0.01), TopK(k=1), stepsize=0.01, steps=2000, runs=50)
    >>> bool(result.grad_norm_sq.isel(step=-1).mean() < 1 / 30)
    True
    """

    accepts = (needs("delta"),)

    momentum: float

    def validate(self) -> None:
        check_number(self, "momentum", "a number in (0, 1]", lambda eta: 0 < eta <= 1)

    def init(self, x: Any, oracle: Any, channel: Any, draw: Any) -> State:
        velocity = oracle.sample(x)
        return State(x=x, velocity=velocity, estimate=channel.send(velocity, exact=True))

    def step(self, state: State, oracle: Any, channel: Any, draw: Any) -> State:
        x = state.x - self.stepsize * mean(state.estimate)
        velocity = (1 - self.momentum) * state.velocity + self.momentum * oracle.sample(x)
        return State(x=x, velocity=velocity, estimate=state.estimate + channel.send(velocity - state.estimate))

    def observe(self, state: State, oracle: Any, constants: ProblemConstants | None) -> dict[str, Any]:
        return {"estimate_error": sum_sq_difference(state.estimate, oracle.uncounted(state.x))}
