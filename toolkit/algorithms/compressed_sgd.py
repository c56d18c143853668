"""Compressed SGD without memory: what is not sent is lost."""

from __future__ import annotations

from typing import Any

import numpy as np

from toolkit.algorithms import Algorithm, State, mean
from toolkit.algorithms._base import needs
from toolkit.constants import CompressorConstants, Constant, ProblemConstants, upper_bound


class CompressedSGD(Algorithm):
    r"""Compressed SGD without memory: every worker sends C(g_i), the server averages.

    .. math:: x \leftarrow x - \gamma \tfrac1n \sum_i C(g_i(x)) .

    It needs an unbiased compressor (ω); with a biased one it may diverge on a strongly convex problem (sheet D5), so
    that pair has to be asked for with ``unproven=True``. With a hard threshold it is the no-memory method of Sahu et
    al. (ALG-a4, code): its messages are gradients, so raw = λ, and it stands still where no entry is above λ.

    Notes
    -----
    `theory_stepsize` is 1/(L + 2ω max L_i / n), the unified theory's 1/A for convex f_i (sheet D3, derived).

    Examples
    --------
    >>> from problems import Quadratic
    >>> from toolkit import simulate
    >>> from toolkit.compressors import Natural
    >>> problem = Quadratic(hessians=[[1.0, 2.0]])
    >>> result = simulate(problem, CompressedSGD(), Natural(), stepsize=0.25, steps=50, x0=[4.0, 1.0])
    >>> bool(result.f_gap.isel(run=0, step=-1) < 1e-6)
    True
    """

    accepts = (needs("omega"),)

    def init(self, x: Any, oracle: Any, channel: Any, draw: Any) -> State:
        return State(x=x)

    def step(self, state: State, oracle: Any, channel: Any, draw: Any) -> State:
        return State(x=state.x - self.stepsize * mean(channel.send(oracle.sample(state.x))))

    def theory_stepsize(self, problem: ProblemConstants, compressor: CompressorConstants) -> Constant | None:
        if problem.L is None or problem.L_i is None or compressor.omega is None:
            return None
        largest, workers = float(np.max(problem.L_i.value)), len(problem.L_i.value)
        stepsize = 1 / (problem.L.value + 2 * compressor.omega.value * largest / workers)
        return upper_bound(stepsize, "unified theory, D3")
