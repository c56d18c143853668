"""The best levels for a source: Lloyd's two conditions, solved."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist

import numpy as np

from toolkit.arrays import Array

__all__ = ["SOURCES", "BestLevels", "best_levels"]

TOLERANCE = 1e-12  # of the levels, for a source of variance 1
NODES, WEIGHTS = np.polynomial.legendre.leggauss(20)


@dataclass(frozen=True)
class _Source:
    """A symmetric law of variance 1 on the positive half-line, in functions of t ≥ 0.

    Parameters
    ----------
    density : callable
    mass : callable
        P(Z > t).
    moment : callable
        E[Z; Z > t].
    spread : callable
        The quantile, from ½ to 1, of the law whose density is the cube root: where many levels lie (Panter and Dite).
    """

    density: Callable[[Array], Array]
    mass: Callable[[float], float]
    moment: Callable[[float], float]
    spread: Callable[[float], float]


SOURCES = {
    "gaussian": _Source(
        density=lambda t: np.exp(-t * t / 2) / math.sqrt(2 * math.pi),
        mass=lambda t: math.erfc(t / math.sqrt(2)) / 2,
        moment=lambda t: math.exp(-t * t / 2) / math.sqrt(2 * math.pi),
        spread=lambda q: NormalDist(sigma=math.sqrt(3)).inv_cdf(q),
    ),
    "laplace": _Source(
        density=lambda t: np.exp(-math.sqrt(2) * t) / math.sqrt(2),
        mass=lambda t: math.exp(-math.sqrt(2) * t) / 2,
        moment=lambda t: math.exp(-math.sqrt(2) * t) * (t + math.sqrt(0.5)) / 2,
        spread=lambda q: -3 / math.sqrt(2) * math.log(2 * (1 - q)),
    ),
}


@dataclass(frozen=True)
class BestLevels:
    """The best levels for a source: the positive ones, in order.

    Parameters
    ----------
    count : int
        How many levels there are; if odd, one is 0.
    positive : array
        The positive levels.
    distortion : float
        E(C(Z) − Z)².
    """

    count: int
    positive: Array
    distortion: float

    @property
    def levels(self) -> Array:
        """All levels, in order."""
        return np.concatenate([-self.positive[::-1], [0.0] * (self.count % 2), self.positive])

    @property
    def thresholds(self) -> Array:
        """All thresholds, in order; the middle one of an even number of levels is 0."""
        levels = self.levels
        return (levels[:-1] + levels[1:]) / 2

    def most_lost(self, d: int) -> float:
        """Return the largest ‖C(x) − x‖²/‖x‖² in dimension d at the scale 'max'."""
        t, gap = self.thresholds, np.diff(self.levels) / 2
        return float(((d - 1) * gap**2 / (self.positive[-1] ** 2 + (d - 1) * t**2)).max())


@lru_cache(maxsize=256)
def best_levels(name: str, count: int) -> BestLevels:
    """Solve Lloyd's conditions c_i = E[Z | cell i] for the positive levels by Newton's method."""
    source = SOURCES[name]
    first = count // 2 + count % 2  # of the levels, in order, the first positive one
    c = np.array([source.spread((i + 0.5) / count) for i in range(first, count)])
    while True:
        inner = (c[:-1] + c[1:]) / 2
        start = c[0] / 2 if count % 2 else 0.0
        edges = np.array([start, *inner])  # the lower ends of the cells
        mass, away = _cells(source, c, edges)  # away: how far the mean of each cell is from its level
        density = source.density(edges)
        # How a mean moves with the ends of its cell, each of which moves half as far as the two levels beside it.
        lower = density * (c + away - edges) / mass / 2
        upper = density[1:] * (inner - c[:-1] - away[:-1]) / mass[:-1] / 2
        if count % 2 == 0:
            lower[0] = 0  # the end at 0 stays
        jacobian = np.diag(lower + np.append(upper, 0.0)) + np.diag(lower[1:], -1) + np.diag(upper, 1)
        move = np.linalg.solve(np.eye(len(c)) - jacobian, away)
        c = c + move
        if np.abs(move).max() <= TOLERANCE:
            mean = c + away
            return BestLevels(count, c, float(1 - 2 * (mass * mean * mean).sum()))


def _cells(source: _Source, c: Array, edges: Array) -> tuple[Array, Array]:
    """Return the mass of each cell, the last one without an upper end, and E[Z | cell] − c, by Gauss's quadrature."""
    half = (edges[1:] - edges[:-1])[:, None] / 2
    z = edges[:-1, None] + half * (1 + NODES)
    weight = half * WEIGHTS * source.density(z)
    mass = np.append(weight.sum(axis=1), source.mass(edges[-1]))
    first = np.append((weight * (z - c[:-1, None])).sum(axis=1), source.moment(edges[-1]) - c[-1] * mass[-1])
    return mass, first / mass
