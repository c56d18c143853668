"""Skewed noise turns the sign of a gradient sample against the gradient."""

from __future__ import annotations

from typing import Any

import numpy as np

from problems._base import Problem
from toolkit.arrays import Array
from toolkit.constants import ProblemConstants, exact

__all__ = ["SkewedNoise"]


class SkewedNoise(Problem):
    r"""A line with a slope that signSGD climbs: most samples point the wrong way, the few right ones are long.

    .. math:: \min_{x\in[-1,1]} f(x) = \tfrac14 x, \qquad
              g = \begin{cases} 4 & \text{with probability } \tfrac14,\\ -1 & \text{with probability } \tfrac34,
              \end{cases} \qquad E\,g = \tfrac14, \quad E\,\mathrm{sign}(g) = -\tfrac12 .

    Notes
    -----
    A step of signSGD raises f by γ/8 on average, so that from 0, until it can have reached an end after 1/γ steps,
    E f(x_t) = γt/8. The noise is bimodal and skewed: the rates of signSGD assume it unimodal and symmetric, or batches
    as large as the number of steps. What repairs it: the length that the sign forgets. The scaled sign of one number
    is the number, so that EF-signSGD is SGD here, with E f(x_t) = −γt/16. Source: Karimireddy et al., ICML 2019, CE1
    (instance recalled, law derived).

    Examples
    --------
    >>> SkewedNoise().law(stepsize=0.125, steps=3)
    array([0.      , 0.015625, 0.03125 , 0.046875])
    """

    workers = 1
    dimension = 1
    f_star = -0.25
    x_star = np.array([-1.0])
    start = np.zeros(1)
    default_batch = 1

    def value(self, x: Array) -> Array:
        return x[..., 0] / 4

    def gradient(self, x: Array) -> Array:
        return np.full_like(x, 0.25)

    def stochastic_gradient(self, x: Array, draw: Any, batch: int) -> Array:
        rare = draw.uniform(batch) < 0.25
        return np.where(rare, 4.0, -1.0).mean(axis=-1, keepdims=True) + 0 * x

    def prox(self, x: Array, stepsize: Any) -> Array:
        """Return the nearest point of [−1, 1]."""
        return np.clip(x, -1.0, 1.0)

    @property
    def constants(self) -> ProblemConstants:
        return ProblemConstants(sigma_sq=exact(75 / 16, "variance of the two values"), convex=True)

    def law(self, stepsize: float, steps: int) -> Array:
        """Return E f(x_t) of signSGD with batch 1 from 0 at t = 0, …, steps, valid for steps ≤ 1/stepsize."""
        return stepsize * np.arange(steps + 1) / 8

    def repaired_law(self, stepsize: float, steps: int) -> Array:
        """Return E f(x_t) of EF-signSGD from 0, valid for 4·stepsize·steps ≤ 1."""
        return -stepsize * np.arange(steps + 1) / 16
