"""Uncompressed distributed SGD, the reference of every comparison."""

from __future__ import annotations

from typing import Any

from toolkit.algorithms import Algorithm, State, mean
from toolkit.compressors.identity import Identity
from toolkit.constants import CompressorConstants, Constant, ProblemConstants, upper_bound


class SGD(Algorithm):
    r"""Distributed SGD: every worker sends its whole gradient.

    .. math:: x \leftarrow x - \gamma \tfrac1n \sum_i g_i(x) .

    With full gradients this is gradient descent; its step size 1/L is the standard one for L-smooth f.

    Examples
    --------
    >>> from problems import Quadratic
    >>> from toolkit import simulate
    >>> result = simulate(Quadratic(hessians=[[1.0, 2.0]]), SGD(), stepsize=0.5, steps=1, x0=[4.0, 4.0], keep=("x",))
    >>> result.x.isel(run=0, step=-1, worker=0).values
    array([2., 0.])
    """

    def init(self, x: Any, oracle: Any, channel: Any, draw: Any) -> State:
        return State(x=x)

    def step(self, state: State, oracle: Any, channel: Any, draw: Any) -> State:
        return State(x=state.x - self.stepsize * mean(channel.send(oracle.sample(state.x), exact=True)))

    def theory_stepsize(self, problem: ProblemConstants, compressor: CompressorConstants) -> Constant | None:
        return None if problem.L is None else upper_bound(1 / problem.L.value, "descent lemma")

    def impossible(self, compressor: Any) -> str | None:
        return None if isinstance(compressor, Identity) else "SGD sends whole gradients; CompressedSGD compresses them"
