"""The exact law of sign methods on separable functions.

With a constant step δ every coordinate moves on the lattice x_0 + δℤ by one place a step, the wrong way with the
probability of a wrong vote there. So the coordinates are Markov chains whose laws are computed to rounding.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from scipy import stats
from scipy.optimize import minimize_scalar

from problems.coordinate_noise import CoordinateNoise, gauss_bound
from toolkit.arrays import Array

__all__ = ["lattice_means", "vote_wrong", "worst_vote"]


def vote_wrong(q: Any, workers: int, liars: int = 0, adversary: str = "inverting") -> Array:
    """Return the probability that half of the votes or more are wrong.

    Parameters
    ----------
    q : array
        The probability that an honest worker's vote is wrong.
    workers, liars : int
        M, and how many of them are adversaries.
    adversary : {'inverting', 'omniscient'}
        Whether adversaries turn their own votes, or all vote wrongly.

    Examples
    --------
    >>> vote_wrong(0.25, 3), vote_wrong(0.25, 3, liars=1, adversary="omniscient")
    (array(0.15625), array(0.4375))
    """
    q, enough, honest = np.asarray(q, dtype=float), -(-workers // 2), workers - liars
    if adversary == "omniscient":
        return np.asarray(stats.binom.sf(enough - liars - 1, honest, q))
    turned = np.arange(liars + 1).reshape(-1, *(1,) * q.ndim)
    of_liars = stats.binom.pmf(turned, liars, 1 - q)
    return np.asarray((of_liars * stats.binom.sf(enough - turned - 1, honest, q)).sum(axis=0))


@cache
def worst_vote(workers: int, law: Callable[[Any], Any] = gauss_bound) -> tuple[float, float]:
    """Return the S at which S·P(vote wrong) is largest, and √M times that product, for wrong signs of probability q(S).

    Examples
    --------
    >>> S, constant = worst_vote(1)
    >>> round(S**2, 6), round(constant * 8 / 3**0.5, 12)  # S = √3/2 and √3/8
    (0.75, 1.0)
    """
    scale = workers**-0.5
    coarse = scale * np.geomspace(0.05, 20, 400)
    start = int(np.argmax(coarse * vote_wrong(law(coarse), workers)))
    found = minimize_scalar(
        lambda S: -float(S * vote_wrong(law(S), workers)),
        bounds=(coarse[max(start - 1, 0)], coarse[min(start + 1, coarse.size - 1)]),
        method="bounded",
        options={"xatol": 1e-12},
    )
    return float(found.x), -float(found.fun) / scale


def lattice_means(
    problem: CoordinateNoise,
    start: Array,
    stepsize: float,
    steps: int,
    wrong: Callable[[Array], Array],
    quantity: Callable[[Array], Array],
) -> Array:
    r"""Return the exact :math:`E \sum_j \text{quantity}_j(x_k)` for k = 0, …, steps.

    Parameters
    ----------
    problem : CoordinateNoise
        The separable function.
    start : array, shape (d,)
        Where the run starts.
    stepsize, steps : float, int
        δ and K.
    wrong : callable
        The probability of a wrong vote at points x, shape ``(place, 1, d)``.
    quantity : callable
        What is summed over the coordinates, at such points.

    Returns
    -------
    array, shape (steps + 1,)

    Examples
    --------
    >>> walk = CoordinateNoise([1.0], [0.0])
    >>> lattice_means(walk, np.array([2.5]), 1.0, 4, lambda x: 0 * x, lambda x: abs(x))
    array([2.5, 1.5, 0.5, 0.5, 0.5])
    """
    places = start + stepsize * np.arange(-steps, steps + 1)[:, None]
    points = np.ascontiguousarray(places[:, None])
    error, slope = wrong(points)[:, 0], problem.gradient(points)[:, 0]
    up = np.where(slope > 0, error, 1 - error)
    values = quantity(points)[:, 0]
    law = np.zeros_like(places)
    law[steps] = 1.0
    means = [float((values * law).sum())]
    for step in range(steps):
        near = slice(steps - step, steps + step + 1)  # where the law is after so many steps
        rising, falling = law[near] * up[near], law[near] * (1 - up[near])
        law[near] = 0.0
        law[steps - step + 1 : steps + step + 2] += rising
        law[steps - step - 1 : steps + step] += falling
        reached = slice(steps - step - 1, steps + step + 2)
        means.append(float((values[reached] * law[reached]).sum()))
    return np.array(means)
