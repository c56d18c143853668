"""Perturbed gradient descent: one random step aside wherever the gradient is small, but not too often."""

from __future__ import annotations

from math import inf
from typing import Any

from toolkit.algorithms import State, mean, where
from toolkit.algorithms._perturbation import ball, check_radius
from toolkit.algorithms.sgd import SGD
from toolkit.arrays import Array
from toolkit.kernels import norm
from toolkit.parameters import check_number


class PerturbedGD(SGD):
    r"""PGD of Jin et al. 2021, "Algorithm 4".

    .. math:: \text{if } \|\nabla f(x)\| \le \varepsilon \text{ and } t - t_{\rm perturb} > \mathcal T: \quad
              x \leftarrow x - \gamma\xi, \; t_{\rm perturb} \leftarrow t; \qquad x \leftarrow x - \gamma \nabla f(x),

    with ξ uniform in the ball of radius r, and :math:`t_{\rm perturb} = 0` at first.

    Parameters
    ----------
    radius : float
        r ≥ 0.
    threshold : float
        ε, the length up to which a gradient counts as small.
    patience : float
        𝒯, the steps that have to pass between two perturbations.

    Raises
    ------
    WrongUse
        If one of them is negative or not finite.

    Notes
    -----
    A step that perturbs needs a second gradient, at the new point; it is not among the ``oracle_calls``, which are one
    per step, nor its message among the bits: at most one in 𝒯 steps. The paper's numbers are Eq. 6: γ = 1/L,
    r = ε/(400ι³), 𝒯 = Lι/√(ρε). Source: Jin et al., JACM 2021, sheet saddle_escape, A2 (code). For the
    noise in every step, their "Algorithm 1", see `PerturbedSGD`; for the form of 2017, `PerturbedGD2017`.

    Examples
    --------
    >>> from problems import StrictSaddle
    >>> from toolkit import simulate
    >>> problem, method = StrictSaddle([-1.0, 1.0], rho=1.0), PerturbedGD(radius=1e-3, threshold=1e-2, patience=50)
    >>> result = simulate(problem, method, stepsize=0.25, steps=150, x0=[0.0, 0.0], runs=5, record=[51, 150])
    >>> result.f_gap.values[:, 0].tolist(), bool((result.f_gap[:, 1] < 1e-4).all())
    ([9.0, 9.0, 9.0, 9.0, 9.0], True)
    """

    symbolic = False

    radius: float
    threshold: float
    patience: float

    def validate(self) -> None:
        check_radius(self)
        for field in ("threshold", "patience"):
            check_number(self, field, "a finite number of at least 0", lambda value: 0 <= value < inf)

    def init(self, x: Any, oracle: Any, channel: Any, draw: Any) -> State:
        return State(x=x, waited=0 * x[..., :1])

    def step(self, state: State, oracle: Any, channel: Any, draw: Any) -> State:
        gradient = mean(channel.send(oracle.exact(state.x), exact=True))
        stuck = (norm(gradient) <= self.threshold) & (state.waited > self.patience)
        x = where(stuck, state.x - self.stepsize * ball(draw, state.x, self.radius), state.x)
        waited = where(stuck, 0 * state.waited, state.waited)
        return State(x=x - self.stepsize * self.gradient_at(x, stuck, gradient, oracle), waited=waited + 1)

    def gradient_at(self, x: Array, moved: Array, gradient: Array, oracle: Any) -> Array:
        """Return the gradient at x, which is `gradient` wherever x was not moved."""
        return mean(oracle.uncounted(x)) if moved.any() else gradient
