"""Power-EF: an estimate of the gradient as in EF21, a memory as in EF14, and several rounds of compression."""

from __future__ import annotations

from typing import Any

from toolkit.algorithms import Algorithm, State, mean
from toolkit.algorithms._perturbation import check_radius, gaussian
from toolkit.arrays import Array
from toolkit.constants import ProblemConstants
from toolkit.kernels import sum_sq, sum_sq_difference
from toolkit.parameters import check_number


class PowerEF(Algorithm):
    r"""Power-EF, as put together here from what is known of it.

    .. math::
       & w_i = \mathrm{FCC}_p(C;\, g_i(x) - h_i), \qquad c_i = C(e_i + g_i(x) - h_i - w_i), \\
       & h_i \leftarrow h_i + w_i + c_i, \qquad e_i \leftarrow e_i + g_i(x) - h_i, \qquad
         x \leftarrow x - \gamma \Big(\tfrac1n \sum_i h_i + \xi\Big), \quad \xi \sim N\!\left(0, \tfrac{r^2}{d} I\right)

    FCC_p sends C of what is left p times; C draws anew every time.

    Parameters
    ----------
    rounds : int
        p ≥ 0.
    radius : float
        r ≥ 0, the root mean square of ‖ξ‖, which is one vector for all workers; with 0 there is no perturbation.

    Raises
    ------
    WrongUse
        If p is no whole number of at least 0, or r is negative or not finite.

    Notes
    -----
    The ingredients, FCC, a shift as in EF21, a memory per worker as in EF14 and the perturbation, are the paper's
    (recalled); how they are put together, the order of updates and the start e = h = 0 are *ours*, and the paper's rate
    is not claimed of it. No theorem is known here, so no compressor is called unproven either. In any case the virtual
    iterate x − γ·mean(e), with the e and x of one step, makes the steps of `PerturbedSGD` (derived). The price is that
    of p + 1 messages. Source: Chen, Li and Chi, AISTATS 2024, sheet saddle_escape, A5. Observed: ``estimate_error`` and
    ``memory_norm_sq``, means over the workers.

    Examples
    --------
    >>> from problems import StrictSaddle
    >>> from problems.spread import Spread
    >>> from toolkit import simulate
    >>> from toolkit.compressors import TopK
    >>> problem = Spread(StrictSaddle([-1.0, 1.0, 1.0]), workers=4, zeta_sq=4.0)
    >>> method, start = PowerEF(rounds=2, radius=1e-2), [0.0] * 3
    >>> result = simulate(problem, method, TopK(k=1), stepsize=0.05, steps=500, x0=start, runs=5)
    >>> bool((result.f_gap.isel(step=-1) < 0.01).all())
    True
    """

    rounds: int
    radius: float = 0.0

    def validate(self) -> None:
        check_radius(self)
        check_number(self, "rounds", "a whole number of at least 0", lambda p: p >= 0 and p == int(p))

    def init(self, x: Any, oracle: Any, channel: Any, draw: Any) -> State:
        nothing = 0 * oracle.per_worker(x)
        return State(x=x, memory=nothing, estimate=nothing)

    def step(self, state: State, oracle: Any, channel: Any, draw: Any) -> State:
        gradient, estimate = oracle.sample(state.x), state.estimate
        for _ in range(self.rounds):
            estimate = estimate + channel.send(gradient - estimate)
        estimate = estimate + channel.send(state.memory + gradient - estimate)
        memory = state.memory + gradient - estimate
        x = state.x - self.stepsize * (mean(estimate) + self.perturbation(draw, state.x))
        return State(x=x, memory=memory, estimate=estimate)

    def perturbation(self, draw: Any, x: Array) -> Array:
        """Return ξ, shape ``(run, 1, d)``."""
        return gaussian(draw, x, self.radius)

    def observe(self, state: State, oracle: Any, constants: ProblemConstants | None) -> dict[str, Any]:
        return {
            "estimate_error": sum_sq_difference(state.estimate, oracle.uncounted(state.x)),
            "memory_norm_sq": sum_sq(state.memory),
        }
