"""Gossip on compressed values, without public copies: what it was before CHOCO."""

from __future__ import annotations

from math import inf
from typing import Any

from toolkit.algorithms import Algorithm, State, mean
from toolkit.constants import ProblemConstants
from toolkit.errors import WrongUse
from toolkit.kernels import sum_sq_difference
from toolkit.parameters import check_number


class QuantizedGossip(Algorithm):
    r"""Averaging where neighbours see Q(x_j) in the place of x_j.

    .. math:: \text{Q1, towards the messages:} \quad
              x_i \leftarrow x_i + \theta \sum_{j \ne i} w_{ij} (Q(x_j) - x_i), \\
              \text{Q2, by their differences:} \quad
              x_i \leftarrow x_i + \theta \sum_j w_{ij} (Q(x_j) - Q(x_i)) .

    Parameters
    ----------
    towards : {'differences', 'messages'}
        Q2, which keeps the mean of the workers, or Q1, which does not.
    consensus : float
        θ; 1 is the plain average of the neighbours.

    Raises
    ------
    WrongUse
        If `towards` is something else, or θ is not a finite number above 0.

    Notes
    -----
    It needs a topology; the step size of gradients plays no part. The values do not vanish, so neither does their
    compression error: with an unbiased Q of relative variance ω it feeds noise of variance ω‖x_i‖² into every step;
    with Top-k it may not move at all (problem `frozen-gossip`). Source: the baselines of Koloskova, Stich and Jaggi,
    ICML 2019, sheet D4 (recalled). Observed: ``disagreement`` = (1/n) Σ ‖x_i − x̄‖².

    Examples
    --------
    >>> from problems import FrozenGossip
    >>> from toolkit import simulate
    >>> from toolkit.compressors import TopK
    >>> from toolkit.topology import complete
    >>> method, pair = QuantizedGossip(), complete(2)
    >>> result = simulate(FrozenGossip(), method, TopK(k=1), topology=pair, stepsize=0.0, steps=100)
    >>> float(result.disagreement.isel(run=0, step=-1))
    0.25
    """

    unit = "iterate"

    towards: str = "differences"
    consensus: float = 1.0

    def validate(self) -> None:
        check_number(self, "consensus", "a finite number above 0", lambda theta: 0 < theta < inf)
        if self.towards not in ("differences", "messages"):
            asked = f"QuantizedGossip(towards={self.towards!r})"
            raise WrongUse(asked, "there are two schemes", "give 'differences' (Q2) or 'messages' (Q1)")

    def init(self, x: Any, oracle: Any, channel: Any, draw: Any) -> State:
        return State(x=oracle.per_worker(x))

    def step(self, state: State, oracle: Any, channel: Any, draw: Any) -> State:
        seen = channel.exchange(state.x)
        pull = channel.mix(seen) if self.towards == "differences" else channel.mix(seen, own=state.x)
        return State(x=state.x + self.consensus * pull)

    def observe(self, state: State, oracle: Any, constants: ProblemConstants | None) -> dict[str, Any]:
        return {"disagreement": sum_sq_difference(state.x, mean(state.x))}
