"""Classical methods without compression, for worst cases known from elsewhere: written as any user would write them."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import sqrt
from typing import Any

from toolkit.algorithms import Algorithm, State, mean
from toolkit.arrays import Array
from toolkit.parameters import Schedule

__all__ = [
    "Accelerated",
    "HeavyBall",
    "InformationTheoretic",
    "Listed",
    "OptimisticGradient",
    "ProximalGradient",
    "TripleMomentum",
    "thetas",
]


@dataclass(frozen=True)
class Listed(Schedule):
    """A schedule that is a list of numbers, for steps 1, 2, …; step 0, the start, has the first.

    Examples
    --------
    >>> Listed((1, 2))(2)
    2
    """

    numbers: tuple[Any, ...]

    def __call__(self, step: int) -> Any:
        return self.numbers[max(step - 1, 0)]

    @classmethod
    def floats(cls, *numbers: float) -> Listed:
        """Return a schedule of these doubles, each taken as the fraction that it is."""
        return cls(tuple(Fraction(value) for value in numbers))


def thetas(steps: int, *, last: bool = True) -> list[float]:
    """Return θ_0, …, θ_N of the fast and, by the formula of its last one, of the optimised gradient method."""
    found = [1.0]
    for k in range(steps):
        found.append((1 + sqrt((8 if last and k == steps - 1 else 4) * found[-1] ** 2 + 1)) / 2)
    return found


class HeavyBall(Algorithm):
    r"""Polyak's heavy ball: :math:`x \leftarrow x - \gamma g(x) + \beta (x - x_{\text{before}})`."""

    momentum: Any

    def init(self, x: Array, oracle: Any, channel: Any, draw: Any) -> State:
        return State(x=x, before=x)

    def step(self, state: State, oracle: Any, channel: Any, draw: Any) -> State:
        x = state.x - self.stepsize * mean(oracle.sample(state.x)) + self.momentum * (state.x - state.before)
        return State(x=x, before=state.x)


class Accelerated(Algorithm):
    r"""Nesterov's gradient method and, with a correction, the optimised one; with a prox their composite forms.

    .. math:: x_+ = \mathrm{prox}(y - \gamma g(y)), \qquad y_+ = x_+ + \alpha_t (x_+ - x) + \beta_t (x_+ - y)
    """

    momentum: Any
    correction: Any = 0
    at_ahead: bool = False  # whether f is measured at y

    def init(self, x: Array, oracle: Any, channel: Any, draw: Any) -> State:
        return State(x=x, ahead=x)

    def step(self, state: State, oracle: Any, channel: Any, draw: Any) -> State:
        x = oracle.prox(state.ahead - self.stepsize * mean(oracle.sample(state.ahead)), self.stepsize)
        ahead = x + self.momentum * (x - state.x) + self.correction * (x - state.ahead)
        return State(x=x, ahead=ahead)

    def output(self, state: State) -> Array:
        return mean(state.ahead if self.at_ahead else state.x)


class TripleMomentum(Algorithm):
    """The triple momentum method of Van Scoy, Freeman and Lynch 2018, by its four parameters."""

    beta: Any
    gamma: Any
    delta: Any

    def init(self, x: Array, oracle: Any, channel: Any, draw: Any) -> State:
        return State(x=x, before=x, ahead=x, out=x)

    def step(self, state: State, oracle: Any, channel: Any, draw: Any) -> State:
        x = (1 + self.beta) * state.x - self.beta * state.before - self.stepsize * mean(oracle.sample(state.ahead))
        ahead = (1 + self.gamma) * x - self.gamma * state.x
        return State(x=x, before=state.x, ahead=ahead, out=(1 + self.delta) * x - self.delta * state.x)

    def output(self, state: State) -> Array:
        return mean(state.out)


class InformationTheoretic(Algorithm):
    """The information-theoretic exact method of Taylor and Drori 2022, by its weights β_t and δ_t, and q = μ/L."""

    q: Any
    beta: Any
    delta: Any

    def init(self, x: Array, oracle: Any, channel: Any, draw: Any) -> State:
        return State(x=x, z=x)

    def step(self, state: State, oracle: Any, channel: Any, draw: Any) -> State:
        y = (1 - self.beta) * state.z + self.beta * state.x
        g = mean(oracle.sample(y))
        z = (1 - self.q * self.delta) * state.z + self.q * self.delta * y - self.delta * self.stepsize * g
        return State(x=y - self.stepsize * g, z=z)

    def output(self, state: State) -> Array:
        return mean(state.z)


class OptimisticGradient(Algorithm):
    r"""Optimistic mirror descent in Euclidean space: :math:`x \leftarrow x - \gamma (2 g(x) - g(x_{\text{before}}))`.

    Source: Popov 1980; Rakhlin and Sridharan 2013 (recalled). Its first step is one of gradient descent.
    """

    def init(self, x: Array, oracle: Any, channel: Any, draw: Any) -> State:
        return State(x=x, before=mean(oracle.sample(x)))

    def step(self, state: State, oracle: Any, channel: Any, draw: Any) -> State:
        g = mean(oracle.sample(state.x))
        return State(x=state.x - self.stepsize * (2 * g - state.before), before=g)


class ProximalGradient(Algorithm):
    r"""Proximal gradient descent: :math:`x \leftarrow \mathrm{prox}(x - \gamma g(x))`; or the prox alone."""

    smooth: bool = True  # whether there is a gradient step before the prox

    def step(self, state: State, oracle: Any, channel: Any, draw: Any) -> State:
        half = state.x - self.stepsize * mean(oracle.sample(state.x)) if self.smooth else state.x
        return State(x=oracle.prox(half, self.stepsize))
