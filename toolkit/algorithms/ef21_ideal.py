"""EF21 with a perfect estimate: only the noise of the gradients is compressed."""

from __future__ import annotations

from typing import Any

from toolkit.algorithms import Algorithm, State, mean
from toolkit.algorithms._base import needs


class EF21Ideal(Algorithm):
    r"""EF21-SGD-ideal: the exact gradient in the place of EF21's estimate, and its message on top of that.

    .. math:: x \leftarrow x - \gamma\,\tfrac1n \sum_i \big(\nabla f_i(x) + C(g_i(x) - \nabla f_i(x))\big)

    Notes
    -----
    No method; a thought experiment: whatever is lost here is lost to the noise, not to late estimates. With a biased C
    the mean of C(g − ∇f) is not zero and nothing averages it out (problem `lopsided-noise`). It is no lower bound of
    EF21, whose own estimates remember what was not sent. Source: Fatkhullin et al., NeurIPS 2023, sheet D2 (attribution
    recalled).

    Examples
    --------
    >>> from problems import LopsidedNoise
    >>> from toolkit import simulate
    >>> from toolkit.compressors import TopK
    >>> result = simulate(LopsidedNoise(), EF21Ideal(), TopK(k=1), stepsize=0.5, steps=60, runs=100)
    >>> bool(result.grad_norm_sq.isel(step=-1).mean() > 1 / 30)
    True
    """

    accepts = (needs("delta"),)
    implementable = False  # no worker sends its exact gradient for nothing

    def init(self, x: Any, oracle: Any, channel: Any, draw: Any) -> State:
        return State(x=x)

    def step(self, state: State, oracle: Any, channel: Any, draw: Any) -> State:
        gradient = oracle.exact(state.x)
        estimate = gradient + channel.send(oracle.sample(state.x) - gradient)
        return State(x=state.x - self.stepsize * mean(estimate))
