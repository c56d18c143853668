"""Given vectors: which K of all their entries to keep."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from toolkit.arrays import Array
from toolkit.budget._input import check_budget, sequences

__all__ = ["DecoupledOptimum", "decoupled_optimum"]


@dataclass(frozen=True)
class DecoupledOptimum:
    """The best messages made of given vectors, for every budget.

    Parameters
    ----------
    curve : array, shape (…, T·d + 1)
        The least total error for K = 0, 1, …, T·d.
    magnitudes : array, shape (…, T·d)
        |P|_(1) ≥ |P|_(2) ≥ …, those of all entries in descending order.
    order : array of int, shape (…, T·d)
        Where they stand: t·d + j; equal ones in the order of steps, then of coordinates.
    shape : (T, d)
        That of a sequence.
    """

    curve: Array
    magnitudes: Array
    order: Array
    shape: tuple[int, int]

    def thresholds(self, budget: int) -> tuple[Array, Array]:
        r"""Return the ends of the thresholds that keep exactly K entries, |P|_(K+1) and |P|_(K).

        .. math:: |P|_{(K+1)} < \lambda \le |P|_{(K)} \iff \text{exactly } K \text{ entries have } |P| \ge \lambda .

        None does if both ends are equal: then entries of this magnitude tie, and only some of them are kept. For K = 0
        the upper end is infinite; for K = T·d the lower one is 0 and belongs to the interval.

        Parameters
        ----------
        budget : int
            K, from 0 to T·d.

        Returns
        -------
        low, high : float or array, shape (run,)
        """
        K = self._checked(budget, "thresholds")
        nothing = self.magnitudes[..., :1] * 0
        ends = np.concatenate([nothing + np.inf, self.magnitudes, nothing], axis=-1)
        return ends[..., K + 1][()], ends[..., K][()]

    def unique(self, budget: int) -> Array:
        """Tell whether only one choice of messages is optimal: if no entries other than 0 tie at rank K.

        Returns
        -------
        bool or array of bool, shape (run,)
        """
        low, high = self.thresholds(budget)
        return (low < high) | (high == 0)

    def kept(self, budget: int) -> Array:
        """Mark the K entries that are kept, shape ``(…, T, d)``; ties go to the earliest step and lowest index."""
        K = self._checked(budget, "kept")
        mask = np.zeros(self.order.shape, dtype=bool)
        np.put_along_axis(mask, self.order[..., :K], True, axis=-1)
        return mask.reshape(*self.order.shape[:-1], *self.shape)

    def _checked(self, budget: Any, method: str) -> int:
        return check_budget(budget, self.magnitudes.shape[-1], f"DecoupledOptimum.{method}({budget!r})")


def decoupled_optimum(p: Any) -> DecoupledOptimum:
    r"""Return the least total error that K sent elements leave of given vectors, for every budget K.

    .. math:: \min_q \sum_{t=1}^T \|p_t - q_t\|^2 \quad\text{subject to}\quad \sum_{t=1}^T \|q_t\|_0 \le K,
              \qquad = \sum_{i > K} |P|_{(i)}^2 .

    The K largest of all T·d magnitudes are kept: a constant hard threshold, if there is no tie.

    Parameters
    ----------
    p : array, shape (T, d) or (run, T, d)
        The vectors p_1, …, p_T; a batch of sequences. Exact rationals are computed with exactly.

    Returns
    -------
    DecoupledOptimum

    Raises
    ------
    WrongUse
        If the shape is another, or a number is not finite.

    Notes
    -----
    Source: S-a3 (derived). With error feedback the vectors depend on what was sent before, and the threshold is not
    optimal: see `coupled_optimum`.

    Examples
    --------
    >>> best = decoupled_optimum([[3.0, 1.0], [-2.0, 0.5]])
    >>> best.curve
    array([14.25,  5.25,  1.25,  0.25,  0.  ])
    >>> best.thresholds(2)
    (np.float64(1.0), np.float64(2.0))
    >>> best.kept(2)
    array([[ True, False],
           [ True, False]])
    """
    batch, single = sequences(p, "decoupled_optimum(p)")
    runs, steps, d = batch.shape
    magnitude = np.abs(batch).reshape(runs, -1)
    order = np.argsort(-magnitude, axis=-1, kind="stable")
    descending = np.take_along_axis(magnitude, order, axis=-1)
    lost = np.zeros((runs, steps * d + 1), dtype=batch.dtype)
    lost[:, :-1] = np.cumsum(descending[:, ::-1] ** 2, axis=-1)[:, ::-1]
    own = 0 if single else slice(None)
    return DecoupledOptimum(lost[own], descending[own], order[own], (steps, d))
