"""Products of matrices that approach a target: what factorisation and linear networks have in common."""

from __future__ import annotations

from functools import cached_property, reduce
from typing import Any

import numpy as np

from problems._base import Problem
from problems.saddles._constants import of_one_worker
from toolkit import kernels
from toolkit.arrays import Array, contiguous
from toolkit.constants import ProblemConstants, exact
from toolkit.errors import WrongUse

__all__ = ["DeepLinear", "positive"]


class DeepLinear(Problem):
    r"""A product of N matrices near a target, in a weighted norm.

    .. math:: f(x) = \tfrac c2 \left\|(W_N \cdots W_1 - T)\,S^{1/2}\right\|_F^2, \qquad x = (W_1, \dots, W_N)

    with S diagonal. On the ball ‖x‖ ≤ R the largest of all derivatives is met at a product of rank one whose factors
    have the norm w = R/√N, against a target t at the largest weight s:

    .. math:: L = cs\left(N w^{2N-2} + (N-1)(w^N + t) w^{N-2}\right), \qquad
              \rho = cs\,\tfrac{N-1}{\sqrt N}\left(3N w^{2N-3} + (N-2)(w^N + t) w^{N-3}\right).

    They hold for the multilinear forms by the inequality of means, and are attained there (derived here).

    A subclass sets `shapes` (of W_1, …, W_N), `target`, `weights` (the diagonal of S), `factor` (c) and `radius`.
    """

    workers = 1
    shapes: tuple[tuple[int, int], ...]
    target: Array
    weights: Array
    factor: float
    radius: float

    def layers(self, x: Array) -> list[Array]:
        """Return W_1, …, W_N, each of shape ``(…, rows, columns)``, of points of shape ``(…, d)``.

        Views of `x` if it is contiguous.
        """
        x, found, first = contiguous(x), [], 0
        for shape in self.shapes:
            size = shape[0] * shape[1]
            found.append(contiguous(x[..., first : first + size]).reshape(*x.shape[:-1], *shape))
            first += size
        return found

    def join(self, layers: Any) -> Array:
        """Return the point, shape ``(…, d)``, with these layers."""
        return np.concatenate([layer.reshape(*layer.shape[:-2], -1) for layer in layers], axis=-1)

    def value(self, x: Array) -> Array:
        product = reduce(lambda below, layer: layer @ below, self.layers(x))
        off = (product - self.target) * np.sqrt(self.weights)
        return 0.5 * self.factor * kernels.sum_sq(off.reshape(*x.shape[:-1], -1))

    def gradient(self, x: Array) -> Array:
        layers = self.layers(x)
        below, above = _partial(layers)
        error = self.factor * (below[-1] - self.target) * self.weights
        return self.join([_t(above[j]) @ error @ _t(below[j]) for j in range(len(layers))])

    def hessian_product(self, x: Array, v: Array) -> Array:
        layers, turns = self.layers(x), self.layers(v)
        below, above = _partial(layers)
        d_below, d_above = _derivative(layers, turns, below, above)
        error = self.factor * (below[-1] - self.target) * self.weights
        d_error = self.factor * d_below[-1] * self.weights
        products = [
            _t(d_above[j]) @ error @ _t(below[j])
            + _t(above[j]) @ d_error @ _t(below[j])
            + _t(above[j]) @ error @ _t(d_below[j])
            for j in range(len(layers))
        ]
        return self.join(products)

    @property
    def dimension(self) -> int:  # type: ignore[override]
        return sum(rows * columns for rows, columns in self.shapes)

    @cached_property
    def constants(self) -> ProblemConstants:
        """L and ρ on the ball ‖x‖ ≤ `radius`."""
        N, scale = len(self.shapes), self.factor * float(self.weights.max())
        w, t = self.radius / np.sqrt(N), float(abs(self.target).max())
        L = scale * (N * w ** (2 * N - 2) + (N - 1) * (w**N + t) * w ** (N - 2))
        third = 3 * N * w ** (2 * N - 3) + (N - 2) * (w**N + t) * w ** (N - 3)
        where = "on the ball, at a product of rank one with factors of equal norm"
        rho = float(scale * (N - 1) / np.sqrt(N) * third)
        return of_one_worker(exact(float(L), where), exact(rho, where))


def positive(asked: str, numbers: Any) -> Array:
    """Return positive, decreasing numbers as a read-only array; equal neighbours are refused."""
    array = np.array(numbers, dtype=float)
    if array.ndim != 1 or array.size == 0 or not np.isfinite(array).all() or not (array > 0).all():
        raise WrongUse(asked, "these are not positive numbers", "give an array of them")
    if not (np.diff(array) < 0).all():
        raise WrongUse(asked, "the numbers do not decrease, so saddles are not isolated up to symmetry", "sort them")
    array.flags.writeable = False
    return array


def _t(matrices: Array) -> Array:
    return np.swapaxes(matrices, -1, -2)


def _partial(layers: list[Array]) -> tuple[list[Array], list[Array]]:
    """Return W_{j−1}⋯W_1 for j = 1, …, N + 1, and W_N⋯W_{j+1} for j = 1, …, N."""
    below, above = [np.eye(layers[0].shape[-1])], [np.eye(layers[-1].shape[-2])]
    for layer in layers:
        below.append(layer @ below[-1])
    for layer in layers[:0:-1]:
        above.append(above[-1] @ layer)
    return below, above[::-1]


def _derivative(
    layers: list[Array], turns: list[Array], below: list[Array], above: list[Array]
) -> tuple[list[Array], list[Array]]:
    """Return the derivatives of the partial products along the turns."""
    d_below, d_above = [np.zeros_like(below[0])], [np.zeros_like(above[-1])]
    for j, (layer, turn) in enumerate(zip(layers, turns, strict=True)):
        d_below.append(turn @ below[j] + layer @ d_below[-1])
    for j in range(len(layers) - 1, 0, -1):
        d_above.append(d_above[-1] @ layers[j] + above[j] @ turns[j])
    return d_below, d_above[::-1]
