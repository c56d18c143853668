"""Graphs of decentralised methods: mixing matrices and their spectral gaps."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from toolkit.arrays import Array
from toolkit.errors import WrongUse

__all__ = ["Topology", "complete", "ring"]


class Topology:
    """A connected graph with a symmetric, doubly stochastic mixing matrix W.

    Parameters
    ----------
    matrix : array, shape (worker, worker)
        W; workers i and j are neighbours where W_ij ≠ 0.

    Attributes
    ----------
    degrees : array, shape (1, worker)
        Number of neighbours of each worker, without itself.
    spectral_gap : float
        δ = 1 − |λ_2(W)|.
    beta : float
        β = ‖I − W‖_2.

    Raises
    ------
    WrongUse
        If W is not square, symmetric and doubly stochastic, or the graph is not connected.

    Examples
    --------
    >>> ring(3).degrees
    array([[2, 2, 2]])
    >>> complete(4).spectral_gap
    1.0
    """

    def __init__(self, matrix: Any) -> None:
        W = np.array(matrix, dtype=float)
        asked, remedy = f"Topology(matrix of shape {W.shape})", "use ring(n) or complete(n), or mend the matrix"
        symmetric = W.ndim == 2 and W.shape[0] == W.shape[1] and np.allclose(W, W.T, atol=1e-14, rtol=0)
        if not (symmetric and (W >= 0).all() and np.allclose(W.sum(0), 1, atol=1e-12, rtol=0)):
            wrong = "a mixing matrix is square, symmetric and without negative entries, and its rows sum to 1"
            raise WrongUse(asked, wrong, remedy)
        if not _connected(W != 0):
            raise WrongUse(asked, "some workers cannot reach others: the graph is not connected", remedy)
        W.flags.writeable = False
        self.matrix: Array = W

    @property
    def degrees(self) -> Array:
        off_diagonal = self.matrix - np.diag(np.diag(self.matrix))
        return np.count_nonzero(off_diagonal, axis=1)[None, :]

    @cached_property
    def _eigenvalues(self) -> Array:
        return np.linalg.eigvalsh(self.matrix)

    @property
    def spectral_gap(self) -> float:
        magnitudes = np.sort(np.abs(self._eigenvalues))
        return float(np.clip(1 - magnitudes[-2], 0, 1).round(15)) if len(magnitudes) > 1 else 1.0

    @property
    def beta(self) -> float:
        return float(np.max(1 - self._eigenvalues))


def _connected(neighbours: Array) -> bool:
    reached = np.arange(len(neighbours)) == 0
    while True:
        farther = reached | neighbours[reached].any(axis=0)
        if (farther == reached).all():
            return bool(reached.all())
        reached = farther


def ring(n: int) -> Topology:
    """Return the ring of n workers with weights 1/3 (1/2 for n = 2)."""
    if n < 2:
        raise WrongUse(f"ring({n})", "a ring has at least 2 workers", "give n=2 or more")
    W = np.eye(n) + np.roll(np.eye(n), 1, axis=0) + np.roll(np.eye(n), -1, axis=0)
    return Topology((W != 0) / np.count_nonzero(W, axis=1))


def complete(n: int) -> Topology:
    """Return the complete graph of n workers with weights 1/n."""
    return Topology(np.full((n, n), 1 / n))
