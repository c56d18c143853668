"""A linear autoencoder: strict saddles at depth two, and deeper a flat place at zero."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from problems.saddles._deep_linear import DeepLinear, positive
from problems.saddles._subsets import subsets
from toolkit.arrays import Array
from toolkit.errors import WrongUse

__all__ = ["LinearAutoencoder"]


class LinearAutoencoder(DeepLinear):
    r"""A network of linear layers that reproduces its input through a bottleneck.

    .. math:: f(W_1, \dots, W_N) = \tfrac12 E\|W_N \cdots W_1 z - z\|^2, \qquad
              E z z^\top = \mathrm{diag}(s_1 > \dots > s_n)

    with the layers :math:`W_1 \in \mathbb R^{h \times n}`, :math:`W_2, \dots, W_{N-1} \in \mathbb R^{h \times h}`,
    :math:`W_N \in \mathbb R^{n \times h}`. A point is x = (W_1, …, W_N), flattened row by row; see `layers`, `join`.

    Parameters
    ----------
    variances : array, shape (n,)
        The s_k, positive and decreasing.
    width : int
        h, at most n.
    depth : int
        N, at least 2.
    radius : float, optional
        The ball on which L and ρ hold; by default twice the norm of the balanced minimisers, 2√(Nh).

    Raises
    ------
    WrongUse
        If the variances are not positive and decreasing, or a size is out of its range.

    Notes
    -----
    A balanced critical point takes a set K of at most h variances: W_1 has the rows e_k, W_N the columns, and between
    them is the identity on K. All others of its kind follow by orthogonal turns between the layers. The Hessian has

    .. math:: \min_{k \notin K,\, l \in K} \tfrac12\left(s_k + s_l - \sqrt{(s_k - s_l)^2 + 4 s_k^2}\right),
              \quad -s_k \text{ for free hidden units at depth 2}, \quad 0

    for its smallest eigenvalue, whichever is the smallest: the escape exchanges l for k, or takes k. At depth 2 every
    point but the K of the h largest is a strict saddle. **At depth 3 or more zero is not strict**: ∇²f(0) = 0, so
    zero is second-order stationary for every ε without being a minimiser, and so is, with free units, every set of the
    largest variances. Source: classical (Baldi and Hornik; Kawaguchi); eigenvalues derived here.

    Examples
    --------
    >>> problem = LinearAutoencoder([2.0, 1.0], width=1)
    >>> problem.saddle_eigenvalues.round(3), problem.f_star
    (array([-2.   , -0.562]), 0.5)
    >>> LinearAutoencoder([2.0, 1.0], width=1, depth=3).saddle_eigenvalues.round(3)
    array([ 0.   , -0.562])
    """

    factor = 1.0

    def __init__(self, variances: Any, width: int, depth: int = 2, radius: float | None = None) -> None:
        asked = f"LinearAutoencoder({variances!r}, width={width!r}, depth={depth!r}, radius={radius!r})"
        self.variances, self.width, self.depth = positive(asked, variances), width, depth
        n = self.variances.size
        if not 1 <= width <= n or depth < 2 or not (radius is None or 0 < radius < np.inf):
            raise WrongUse(asked, "a number is out of its range", "give 1 ≤ width ≤ n, depth ≥ 2, a positive radius")
        self.shapes = ((width, n), *[(width, width)] * (depth - 2), (n, width))
        self.target, self.weights = np.eye(n), self.variances
        self.radius = 2 * float(np.sqrt(depth * width)) if radius is None else float(radius)
        self.f_star = float(self.variances[width:].sum() / 2)
        self.start = np.zeros(self.dimension)

    @cached_property
    def _taken(self) -> Array:
        """All sets K but that of a minimiser, as a mask of shape ``(count, n)``; the empty one is first."""
        sets = subsets(self.variances.size, range(self.width + 1), "the saddles of LinearAutoencoder")
        return sets[~sets[:, : self.width].all(axis=-1)]

    @cached_property
    def saddles(self) -> Array:  # type: ignore[override]
        """The balanced critical points that are no minimisers, one for each set K; zero is first."""
        return np.array([self._balanced(taken) for taken in self._taken])

    @cached_property
    def saddle_eigenvalues(self) -> Array:  # type: ignore[override]
        return np.array([self._eigenvalue(taken) for taken in self._taken])

    def _eigenvalue(self, taken: Array) -> float:
        s_k, s_l = self.variances[~taken][:, None], self.variances[taken]
        exchanged = (s_k + s_l - np.hypot(s_k - s_l, 2 * s_k)) / 2
        free = self.depth == 2 and taken.sum() < self.width
        return float(min(exchanged.min(initial=0.0), -s_k.max() if free else 0.0))

    @cached_property
    def minimisers(self) -> Array:  # type: ignore[override]
        """The balanced minimiser with non-negative entries, shape ``(1, d)``."""
        return self._balanced(np.arange(self.variances.size) < self.width)[None]

    def _balanced(self, taken: Array) -> Array:
        chosen = np.flatnonzero(taken)
        first = np.zeros((self.width, self.variances.size))
        first[range(len(chosen)), chosen] = 1.0
        middle = np.diag(np.arange(self.width) < len(chosen)).astype(float)
        return self.join([first, *[middle] * (self.depth - 2), first.T])

    def describe(self) -> dict[str, Any]:
        given = {"variances": self.variances, "width": self.width}
        return given | {"depth": self.depth, "radius": self.radius}
