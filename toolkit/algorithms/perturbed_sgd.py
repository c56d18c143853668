"""Perturbed SGD: noise of a chosen size in every step, so that no saddle holds the iterate."""

from __future__ import annotations

from typing import Any

from toolkit.algorithms import State, mean
from toolkit.algorithms._perturbation import check_radius, gaussian
from toolkit.algorithms.sgd import SGD
from toolkit.arrays import Array
from toolkit.constants import CompressorConstants, Constant, ProblemConstants


class PerturbedSGD(SGD):
    r"""PSGD, "Algorithm 2" of Jin et al.: SGD with Gaussian noise injected in every step.

    .. math:: x \leftarrow x - \gamma \Big(\tfrac1n \sum_i g_i(x) + \xi\Big), \qquad
              \xi \sim N\!\left(0, \tfrac{r^2}{d} I\right)

    With full gradients this is their plain PGD ("Algorithm 1"). The noise is one vector for all workers.

    Parameters
    ----------
    radius : float
        r ≥ 0, the root mean square of ‖ξ‖; with 0 it is SGD.

    Raises
    ------
    WrongUse
        If r is negative or not finite.

    Notes
    -----
    The theorem's step size, 1/(ι⁹LN), depends on ε and δ, so `theory_stepsize` has none. Source: Jin et al., JACM 2021,
    sheet saddle_escape, A2 (code; that "Algorithm 1" is this with full gradients is recalled).

    Examples
    --------
    >>> from problems import StrictSaddle
    >>> from toolkit import simulate
    >>> problem = StrictSaddle([-1.0, 1.0], rho=1.0)
    >>> result = simulate(problem, PerturbedSGD(radius=1e-3), stepsize=0.25, steps=100, x0=[0.0, 1.0], runs=5)
    >>> bool((result.f_gap.isel(step=-1) < 1e-4).all())
    True
    """

    radius: float

    def validate(self) -> None:
        check_radius(self)

    def step(self, state: State, oracle: Any, channel: Any, draw: Any) -> State:
        gradient = mean(channel.send(oracle.sample(state.x), exact=True))
        return State(x=state.x - self.stepsize * (gradient + self.perturbation(draw, state.x)))

    def perturbation(self, draw: Any, x: Array) -> Array:
        """Return ξ, shape ``(run, 1, d)``."""
        return gaussian(draw, x, self.radius)

    def theory_stepsize(self, problem: ProblemConstants, compressor: CompressorConstants) -> Constant | None:
        return None
