"""CHOCO: gossip on public copies, which compress differences that vanish."""

from __future__ import annotations

from math import inf
from typing import Any

from toolkit.algorithms import Algorithm, State, mean
from toolkit.algorithms._base import needs
from toolkit.constants import ProblemConstants
from toolkit.kernels import sum_sq_difference
from toolkit.parameters import check_number


class CHOCO(Algorithm):
    r"""CHOCO-SGD; with step size 0 CHOCO-Gossip, which averages the starting points of the workers.

    .. math:: x_i^{1/2} = x_i - \gamma g_i(x_i), \quad \hat x_i \leftarrow \hat x_i + C(x_i^{1/2} - \hat x_i), \quad
              x_i \leftarrow x_i^{1/2} + \theta \textstyle\sum_j w_{ij} (\hat x_j - \hat x_i)

    Parameters
    ----------
    consensus : float
        θ, the step size of the gossip, above 0.

    Raises
    ------
    WrongUse
        If θ is not a finite number above 0.

    Notes
    -----
    It needs a topology, whose W is symmetric and doubly stochastic; then gossip keeps the mean of the x_i exactly.
    Source: Koloskova, Stich and Jaggi, ICML 2019, sheet D4 (recalled; derived). Observed: ``disagreement``
    = (1/n) Σ ‖x_i − x̄‖².

    Examples
    --------
    >>> from problems import FrozenGossip
    >>> from toolkit import simulate
    >>> from toolkit.compressors import TopK
    >>> from toolkit.topology import complete
    >>> gossip, pair = CHOCO(consensus=0.5), complete(2)
    >>> result = simulate(FrozenGossip(), gossip, TopK(k=1), topology=pair, stepsize=0.0, steps=100)
    >>> bool(result.disagreement.isel(run=0, step=-1) < 1e-12)
    True
    """

    unit = "iterate"
    accepts = (needs("delta"),)

    consensus: float

    def validate(self) -> None:
        check_number(self, "consensus", "a finite number above 0", lambda theta: 0 < theta < inf)

    def init(self, x: Any, oracle: Any, channel: Any, draw: Any) -> State:
        x = oracle.per_worker(x)
        return State(x=x, public=0 * x)

    def step(self, state: State, oracle: Any, channel: Any, draw: Any) -> State:
        half = state.x - self.stepsize * oracle.sample(state.x)
        public = state.public + channel.exchange(half - state.public)
        return State(x=oracle.prox(half + self.consensus * channel.mix(public), self.stepsize), public=public)

    def observe(self, state: State, oracle: Any, constants: ProblemConstants | None) -> dict[str, Any]:
        return {"disagreement": sum_sq_difference(state.x, mean(state.x))}
