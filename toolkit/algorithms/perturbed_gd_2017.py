"""Perturbed gradient descent in its first form, which ends where a perturbation did not help."""

from __future__ import annotations

from math import inf
from typing import Any

import numpy as np

from toolkit.algorithms import State, mean, where
from toolkit.algorithms._perturbation import ball, sphere
from toolkit.algorithms.perturbed_gd import PerturbedGD
from toolkit.arrays import Array
from toolkit.errors import WrongUse
from toolkit.kernels import norm
from toolkit.parameters import check_number

LAWS = {"ball": ball, "sphere": sphere}


class PerturbedGD2017(PerturbedGD):
    r"""PGD of Jin et al. 2017: perturb where the gradient is small, and return where f did not fall enough since.

    .. math::
       & \text{if } \|\nabla f(x)\| \le g_{\rm thr} \text{ and } t - t_{\rm noise} > t_{\rm thr}: \quad
         \tilde x \leftarrow x, \; t_{\rm noise} \leftarrow t, \; x \leftarrow \tilde x + \xi \\
       & \text{if } t - t_{\rm noise} = t_{\rm thr} \text{ and } f(x) - f(\tilde x) > -f_{\rm thr}: \quad
         \text{return } \tilde x \\
       & x \leftarrow x - \gamma \nabla f(x)

    Here a run that returns stays at x̃ for the rest of the steps, and its ``returned`` is 1.

    Parameters
    ----------
    radius, threshold
        r and g_thr, as in `PerturbedGD`; ξ is not multiplied by γ.
    patience : int
        t_thr, a whole number: it is compared with the number of steps.
    fall : float
        f_thr, by how much f has to fall in t_thr steps.
    law : {'ball', 'sphere'}
        Where ξ is uniform: in the ball of radius r, as published, or on its sphere, as in the known octopus code.

    Raises
    ------
    WrongUse
        If a number is negative or not finite, t_thr is not whole, or there is no such law.

    Notes
    -----
    The numbers of the paper are functions of c, δ and Δ_f: sheet saddle_escape, A1 (parameters: code; loop: recalled).
    Second gradients are counted as in `PerturbedGD`. Source: Jin et al., ICML 2017.

    Examples
    --------
    >>> from problems import StrictSaddle
    >>> from toolkit import simulate
    >>> problem = StrictSaddle([-1.0, 1.0], rho=1.0)
    >>> method = PerturbedGD2017(radius=1e-2, threshold=1e-2, patience=50, fall=0.1)
    >>> result = simulate(problem, method, stepsize=0.25, steps=200, x0=[0.0, 0.0], runs=5, record=[0, 50, 200])
    >>> result.returned.values[0].tolist(), bool((result.f_gap.isel(step=-1) < 1e-4).all())
    ([0.0, 0.0, 1.0], True)
    """

    patience: int
    fall: float
    law: str = "ball"

    def validate(self) -> None:
        super().validate()
        check_number(self, "patience", "a whole number", lambda steps: steps == int(steps))
        check_number(self, "fall", "a finite number of at least 0", lambda fall: 0 <= fall < inf)
        if self.law not in LAWS:
            raise WrongUse(f"law={self.law!r}", "there is none", f"choose {', '.join(LAWS)}")

    def init(self, x: Any, oracle: Any, channel: Any, draw: Any) -> State:
        nothing = 0 * x[..., :1]
        return State(x=x, waited=nothing + self.patience + 1, before=x, returned=nothing)

    def step(self, state: State, oracle: Any, channel: Any, draw: Any) -> State:
        gradient = mean(channel.send(oracle.exact(state.x), exact=True))
        stuck = (norm(gradient) <= self.threshold) & (state.waited > self.patience)
        before = where(stuck, state.x, state.before)
        x = where(stuck, before + LAWS[self.law](draw, state.x, self.radius), state.x)
        waited = where(stuck, 0 * state.waited, state.waited)
        returned = where(self._in_vain(x, before, waited, oracle), 1.0, state.returned)
        moved = x - self.stepsize * self.gradient_at(x, stuck, gradient, oracle)
        return State(x=where(returned > 0, before, moved), waited=waited + 1, before=before, returned=returned)

    def _in_vain(self, x: Array, before: Array, waited: Array, oracle: Any) -> Array:
        """Return where t_thr steps have passed since the perturbation and f has not fallen by f_thr."""
        judged = waited == self.patience
        if not judged.any():
            return judged
        after, earlier = (np.mean(oracle.problem.value(point), axis=1)[:, None, None] for point in (x, before))
        return judged & (after - earlier > -np.asarray(self.fall))

    def observe(self, state: State, oracle: Any, constants: Any) -> dict[str, Any]:
        return {"returned": state.returned[:, 0, 0]}
