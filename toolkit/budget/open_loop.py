"""What error feedback pays on given gradients: with any compressor, and with the best constant threshold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from toolkit.arrays import Array
from toolkit.budget._input import check_budget, sequences
from toolkit.compressors import Compressor
from toolkit.errors import WrongUse

__all__ = ["BestThresholds", "OpenLoop", "best_thresholds", "feed_back"]


@dataclass(frozen=True)
class OpenLoop:
    """A run of error feedback on given gradients.

    Parameters
    ----------
    messages : array, shape (…, T, d)
        q_t.
    memory : array, shape (…, T, d)
        e_t, what they leave.
    """

    messages: Array
    memory: Array

    @property
    def sends(self) -> Array:
        """The number of elements sent, Σ_t ‖q_t‖_0: a number, or one for each run."""
        return np.count_nonzero(self.messages, axis=(-2, -1))

    @property
    def error(self) -> Array:
        """The total error, Σ_t ‖e_t‖²: a number, or one for each run."""
        return (self.memory**2).sum(axis=(-2, -1))


def feed_back(g: Any, compressor: Any, draw: Any = None) -> OpenLoop:
    r"""Run error feedback on given gradients, which do not depend on what was sent.

    .. math:: q_t = C(e_{t-1} + g_t), \qquad e_t = e_{t-1} + g_t - q_t, \qquad e_0 = 0 .

    Parameters
    ----------
    g : array, shape (T, d) or (run, T, d)
        The gradients g_1, …, g_T, in the unit of the messages; a batch of sequences.
    compressor : Compressor
        C, without a state.
    draw : Draw, optional
        For a random compressor.

    Returns
    -------
    OpenLoop

    Raises
    ------
    WrongUse
        If the shape is another or a number is not finite, or as by the compressor.

    Examples
    --------
    >>> from toolkit.compressors import HardThreshold
    >>> run = feed_back([[1.0, 0.0], [1.0, 1.5]], HardThreshold(raw=1.5))
    >>> float(run.error), int(run.sends)
    (1.0, 2)
    """
    asked = f"feed_back(g, {compressor!r})"
    batch, single = sequences(g, asked)
    if not isinstance(compressor, Compressor):
        raise WrongUse(asked, "this is no compressor", "give one such as TopK(k=1)")
    if compressor.state:
        raise WrongUse(asked, "the compressor carries a state", "use one without, or `simulate`")
    batch = batch.astype(float)
    messages, memory = np.empty_like(batch), np.empty_like(batch)
    e = np.zeros_like(batch[:, :1])
    for t in range(batch.shape[1]):
        p = e + batch[:, t : t + 1]
        q = compressor.compress(p, None if draw is None else draw.of("step", index=t))
        e = p - q
        messages[:, t], memory[:, t] = q[:, 0], e[:, 0]
    own = 0 if single else slice(None)
    return OpenLoop(messages[own], memory[own])


@dataclass(frozen=True)
class BestThresholds:
    """The best constant threshold, for every budget.

    Parameters
    ----------
    curve : array, shape (…, K + 1)
        The least total error of all thresholds above 0 that send at most 0, 1, …, K elements.
    thresholds : array, shape (…, K + 1)
        A threshold that attains it, the largest that acts so; infinite if nothing is sent.
    """

    curve: Array
    thresholds: Array


def best_thresholds(g: Any, budget: int) -> BestThresholds:
    r"""Return the least total error of error feedback with a constant hard threshold that sends at most K elements.

    .. math:: \min_{\lambda > 0} \sum_{t=1}^T \|e_t\|^2 \quad\text{subject to}\quad
              q_t = C_\lambda(e_{t-1} + g_t), \quad \sum_{t=1}^T \|q_t\|_0 \le K .

    All thresholds are looked at: a run changes only where λ passes a magnitude that it sends, so that there are at
    most d·T(T + 1)/2 + 1 different ones.

    Parameters
    ----------
    g : array, shape (T, d) or (run, T, d)
        The gradients g_1, …, g_T, in the unit of the messages; a batch of sequences.
    budget : int
        K, from 0 to T·d.

    Returns
    -------
    BestThresholds

    Raises
    ------
    WrongUse
        If the shape is another, a number is not finite, or the budget is impossible.

    Notes
    -----
    The threshold is chosen in view of the whole sequence, so that no constant threshold does better.

    Examples
    --------
    The early impulse is below every threshold that sends one element:

    >>> g = np.zeros((11, 2))
    >>> g[0, 0], g[10, 1] = 1.0, 1.5
    >>> best = best_thresholds(g, budget=2)
    >>> best.curve, best.thresholds
    (array([13.25, 11.  ,  0.  ]), array([inf, 1.5, 1. ]))
    """
    asked = f"best_thresholds(g, budget={budget!r})"
    batch, single = sequences(g, asked)
    K = check_budget(budget, batch[0].size, asked)
    found = [_best_of_one(np.ascontiguousarray(one.T, dtype=float), K) for one in batch]
    curve, thresholds = (np.stack(part) for part in zip(*found, strict=True))
    own = 0 if single else slice(None)
    return BestThresholds(curve[own], thresholds[own])


def _best_of_one(rows: Array, budget: int) -> tuple[Array, Array]:
    from toolkit.kernels.segmentation import threshold_runs

    runs = [threshold_runs(row) for row in rows]
    ends = np.unique(np.concatenate([end for end, _, _ in runs]))
    sends, errors = np.zeros(len(ends), dtype=int), np.zeros(len(ends))
    for end, own_sends, own_errors in runs:
        at = np.searchsorted(end, ends)  # the way in which this coordinate is treated up to each end
        sends += own_sends[at]
        errors += own_errors[at]
    curve, thresholds = np.full(budget + 1, np.inf), np.empty(budget + 1)
    worst_first = np.lexsort([ends, -errors])  # of equal errors the largest threshold comes last, and stays
    worst_first = worst_first[sends[worst_first] <= budget]
    curve[sends[worst_first]], thresholds[sends[worst_first]] = errors[worst_first], ends[worst_first]
    best = np.minimum.accumulate(curve)
    source = np.maximum.accumulate(np.where(curve <= best, np.arange(budget + 1), 0))
    return best, thresholds[source]
