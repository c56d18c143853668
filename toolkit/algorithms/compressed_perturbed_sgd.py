"""Compressed perturbed SGD: error feedback whose gradients carry noise against saddles."""

from __future__ import annotations

from typing import Any

from toolkit.algorithms import State, mean
from toolkit.algorithms._base import needs
from toolkit.algorithms._perturbation import check_radius, gaussian
from toolkit.algorithms.gradient_memory import GradientMemory
from toolkit.arrays import Array
from toolkit.constants import CompressorConstants, Constant, ProblemConstants
from toolkit.parameters import check_number


class CompressedPerturbedSGD(GradientMemory):
    r"""Compressed SGD of Avdiukhin and Yaroslavtsev: error feedback on perturbed gradients.

    .. math:: p_i = e_i + g_i(x) + \xi, \quad \xi \sim N\!\left(0, \tfrac{r^2}{d} I\right), \quad
              \text{send } C(p_i), \quad e_i \leftarrow p_i - C(p_i), \quad
              x \leftarrow x - \gamma \tfrac1n \sum_i C(p_i) .

    Parameters
    ----------
    radius : float
        r ≥ 0, the root mean square of ‖ξ‖; ξ is one vector for all workers.
    reset : int, optional
        Every so many steps the whole p_i is sent, at full price, so that the memory is 0 again; by default never.

    Raises
    ------
    WrongUse
        If r is negative or not finite, or the period is no whole number of at least 1.

    Notes
    -----
    In the paper Rand-k has a mask that all workers share, ``RandK(k, common=True)``: it is linear and needs no reset;
    for any other compressor the analysis resets the memory (uncertain; how often is not known). Without noise and
    resets it is `GradientMemory`, and for a constant γ and a homogeneous C thus `ErrorFeedback`: that is the same
    method without injected noise. For a constant γ the virtual iterate x − γ·mean(e) makes the steps of `PerturbedSGD`
    (derived). Source: NeurIPS 2021, sheet saddle_escape, A4 (recalled for the details; that ξ is shared is ours).

    Examples
    --------
    >>> from problems import StrictSaddle
    >>> from toolkit import simulate
    >>> from toolkit.compressors import RandK
    >>> problem, method = StrictSaddle([-1.0, 1.0, 1.0]), CompressedPerturbedSGD(radius=1e-2)
    >>> result = simulate(problem, method, RandK(k=1, common=True), stepsize=0.1, steps=300, x0=[0.0] * 3, runs=5)
    >>> bool((result.f_gap.isel(step=-1) < 0.01).all())
    True
    """

    accepts = (needs("delta"),)  # type: ignore[assignment]

    radius: float
    reset: int | None = None

    def validate(self) -> None:
        check_radius(self)
        if self.reset is not None:
            check_number(
                self, "reset", "a whole number of at least 1", lambda steps: steps >= 1 and steps == int(steps)
            )

    def step(self, state: State, oracle: Any, channel: Any, draw: Any) -> State:
        perturbed = oracle.sample(state.x) + self.perturbation(draw, state.x)
        sent, memory = channel.send_with_memory(state.memory, perturbed, 1.0, exact=self.resets(draw))
        return State(x=state.x - self.stepsize * mean(sent), memory=memory)

    def perturbation(self, draw: Any, x: Array) -> Array:
        """Return ξ, shape ``(run, 1, d)``."""
        return gaussian(draw, x, self.radius)

    def resets(self, draw: Any) -> Any:
        """Return whether this step sends everything."""
        return False if self.reset is None else draw.address[1] % self.reset == 0

    def theory_stepsize(self, problem: ProblemConstants, compressor: CompressorConstants) -> Constant | None:
        return None
