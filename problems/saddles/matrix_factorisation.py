"""Factorisation of a matrix: a strict saddle where both factors are zero."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from problems.saddles._deep_linear import DeepLinear, positive
from problems.saddles._subsets import subsets
from toolkit.arrays import Array
from toolkit.errors import WrongUse

__all__ = ["MatrixFactorisation"]


class MatrixFactorisation(DeepLinear):
    r"""Two factors whose product approaches a matrix.

    .. math:: f(U, V) = \|U V^\top - M\|_F^2, \qquad
              M = \sum_k \sigma_k e_k e_k^\top \in \mathbb R^{m \times n}, \quad
              U \in \mathbb R^{m \times r},\ V \in \mathbb R^{n \times r}

    A point is x = (Vᵀ, U), flattened row by row; see `point` and `factors`.

    Parameters
    ----------
    singular_values : array, shape (q,)
        The σ_k, positive and decreasing, q ≤ min(m, n).
    rank : int
        r, the number of columns of the factors.
    shape : pair of int, optional
        (m, n); by default (q, q).
    radius : float, optional
        The ball on which L and ρ hold; by default twice the norm of the balanced minimisers.

    Raises
    ------
    WrongUse
        If the singular values are not positive and decreasing, or the sizes do not fit.

    Notes
    -----
    A balanced critical point takes a set K of at most r singular values: U and V have the columns √σ_k e_k, k ∈ K. All
    others with U ᵀU = V ᵀV follow by U, V → UQ, VQ with Q orthogonal (and unbalanced ones by any invertible Q, with the
    same f). Its smallest Hessian eigenvalue is :math:`2(\sigma_K - \sigma_{\notin K})`, the largest value left out
    against the smallest taken, which counts as 0 while a column is free; a set of the r largest is a minimiser. So at
    the origin :math:`\lambda_{\min} = -2\sigma_1`, and the escape direction is (e_1, e_1)/√2 in any column. For an M in
    another basis, turn the problem (`Rotated`). Source: classical; eigenvalues derived here.

    Examples
    --------
    >>> problem = MatrixFactorisation([2.0, 1.0], rank=1)
    >>> problem.saddle_eigenvalues, problem.f_star
    (array([-4., -2.]), 1.0)
    >>> U, V = problem.factors(problem.minimisers[0])
    >>> (U @ V.T).round(12)
    array([[2., 0.],
           [0., 0.]])
    """

    factor = 2.0

    def __init__(
        self, singular_values: Any, rank: int, shape: tuple[int, int] | None = None, radius: float | None = None
    ) -> None:
        asked = f"MatrixFactorisation({singular_values!r}, rank={rank!r}, shape={shape!r}, radius={radius!r})"
        self.singular_values, self.rank = positive(asked, singular_values), rank
        q = self.singular_values.size
        rows, columns = self.shape = (q, q) if shape is None else (int(shape[0]), int(shape[1]))
        if rank < 1 or min(rows, columns) < q or not (radius is None or 0 < radius < np.inf):
            raise WrongUse(asked, "the sizes do not fit", "give rank ≥ 1, m and n of at least q, and a positive radius")
        self.shapes = ((rank, columns), (rows, rank))
        self.target = np.zeros((rows, columns))
        self.target[range(q), range(q)] = self.singular_values
        self.weights = np.ones(columns)
        taken = self.singular_values[:rank].sum()
        self.radius = 2 * float(np.sqrt(2 * taken)) if radius is None else float(radius)
        self.f_star = float((self.singular_values[rank:] ** 2).sum())
        self.start = np.zeros(self.dimension)

    def factors(self, x: Array) -> tuple[Array, Array]:
        """Return U, shape ``(…, m, r)``, and V, shape ``(…, n, r)``, of points of shape ``(…, d)``."""
        first, second = self.layers(x)
        return second, np.swapaxes(first, -1, -2)

    def point(self, U: Array, V: Array) -> Array:
        """Return x, shape ``(…, d)``, of factors."""
        return self.join([np.swapaxes(V, -1, -2), U])

    @cached_property
    def _taken(self) -> Array:
        """All sets K but that of a minimiser, as a mask of shape ``(count, q)``; the empty one is first."""
        q = self.singular_values.size
        sets = subsets(q, range(min(self.rank, q) + 1), "the saddles of MatrixFactorisation")
        return sets[~sets[:, : self.rank].all(axis=-1)]

    @cached_property
    def saddles(self) -> Array:  # type: ignore[override]
        """The balanced saddles, one for each set K, shape ``(count, d)``; the origin is first."""
        return np.array([self._balanced(taken) for taken in self._taken])

    @cached_property
    def saddle_eigenvalues(self) -> Array:  # type: ignore[override]
        left_out = np.where(self._taken, 0.0, self.singular_values).max(axis=-1)
        smallest = np.where(self._taken, self.singular_values, np.inf).min(axis=-1)
        return 2 * (np.where(self._taken.sum(axis=-1) < self.rank, 0.0, smallest) - left_out)

    @cached_property
    def minimisers(self) -> Array:  # type: ignore[override]
        """The balanced minimiser with non-negative entries, shape ``(1, d)``."""
        return self._balanced(np.arange(self.singular_values.size) < self.rank)[None]

    def _balanced(self, taken: Array) -> Array:
        chosen = np.flatnonzero(taken)
        U, V = np.zeros((self.shape[0], self.rank)), np.zeros((self.shape[1], self.rank))
        for factor in (U, V):
            factor[chosen, range(len(chosen))] = np.sqrt(self.singular_values[chosen])
        return self.point(U, V)

    def describe(self) -> dict[str, Any]:
        given = {"singular_values": self.singular_values, "rank": self.rank}
        return given | {"shape": self.shape, "radius": self.radius}
