"""DIANA: unbiased compression of gradients less a shift that learns them."""

from __future__ import annotations

from math import inf
from typing import Any

import numpy as np

from toolkit.algorithms import Algorithm, State, mean
from toolkit.algorithms._base import needs
from toolkit.constants import CompressorConstants, Constant, ProblemConstants, upper_bound
from toolkit.kernels import sum_sq_difference
from toolkit.parameters import check_number


class DIANA(Algorithm):
    r"""DIANA: worker and server keep a shift h_i, which the compressed difference to the gradient moves.

    .. math:: \Delta_i = C(g_i(x) - h_i), \quad x \leftarrow x - \gamma\,\tfrac1n \sum_i (h_i + \Delta_i), \quad
              h_i \leftarrow h_i + a\,\Delta_i

    Parameters
    ----------
    rate : float
        a, at most 1/(1 + ω) in its theorem; with 0 it is `CompressedSGD`.

    Raises
    ------
    WrongUse
        If a is not a finite number of at least 0.

    Notes
    -----
    h_i⁰ = 0. `theory_stepsize` is 1/((1 + 6ω/n) max L_i), the unified theory's 1/(A + CM) for convex f_i and
    a ≤ 1/(1 + ω) (sheet D3, derived). Source: Mishchenko, Gorbunov, Takáč and Richtárik 2019; Horváth et al. 2019.
    Observed: ``shift_error`` = (1/n) Σ ‖h_i − ∇f_i(x)‖².

    Examples
    --------
    >>> from problems import Quadratic
    >>> from toolkit import simulate
    >>> from toolkit.compressors import RandK
    >>> problem = Quadratic(hessians=[[1.0, 2.0]] * 2, linear=[[8.0, 4.0], [-8.0, -4.0]])
    >>> result = simulate(problem, DIANA(rate=0.5), RandK(k=1, unbiased=True), stepsize=0.1, steps=400, x0=[4.0, -1.0])
    >>> bool(result.f_gap.isel(run=0, step=-1) < 1e-12)
    True
    """

    accepts = (needs("omega"),)

    rate: float

    def validate(self) -> None:
        check_number(self, "rate", "a finite number of at least 0", lambda a: 0 <= a < inf)

    def init(self, x: Any, oracle: Any, channel: Any, draw: Any) -> State:
        return State(x=x, shift=0 * oracle.per_worker(x))

    def step(self, state: State, oracle: Any, channel: Any, draw: Any) -> State:
        sent = channel.send(oracle.sample(state.x) - state.shift)
        x = state.x - self.stepsize * mean(state.shift + sent)
        return State(x=x, shift=state.shift + self.rate * sent)

    def observe(self, state: State, oracle: Any, constants: ProblemConstants | None) -> dict[str, Any]:
        return {"shift_error": sum_sq_difference(state.shift, oracle.uncounted(state.x))}

    def theory_stepsize(self, problem: ProblemConstants, compressor: CompressorConstants) -> Constant | None:
        if problem.L_i is None or compressor.omega is None:
            return None
        workers = len(problem.L_i.value)
        largest = float(np.max(problem.L_i.value))
        return upper_bound(1 / ((1 + 6 * compressor.omega.value / workers) * largest), "unified theory, D3")
