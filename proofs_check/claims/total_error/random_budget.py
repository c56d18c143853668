"""Sahu et al., NeurIPS 2021: by how much threshold and Top-k miss the optimum on random gradients."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from proofs_check.claim import Claim, Instance
from proofs_check.claims.total_error.coupled_budget import REFERENCE, decaying_normal
from proofs_check.convergence import ERROR_PROBABILITY
from proofs_check.sides import expectation
from proofs_check.statistics import decide_upper_bound
from toolkit.arrays import Array
from toolkit.budget import best_thresholds, coupled_optimum, feed_back
from toolkit.compressors.top_k import TopK

__all__ = ["FACTOR"]

T, D = 30, 6
COUNTS = (1, 2)  # what Top-k sends per step; the budget is T times as much
SEED = 5000  # seeds on which the factor was not chosen
FACTOR = 1.3


class _Gap(Claim):
    """One way of spending a budget pays, in the mean, at least a factor more than another."""

    reference = f"{REFERENCE} (S-a4)"
    names: ClassVar[tuple[str, str]]

    def paid(self, g: Array, k: int) -> tuple[Array, Array]:
        """Return what the two ways pay for kT sends, the better one first; shape ``(run,)`` each."""
        raise NotImplementedError

    def check(self, data: Mapping[str, Any], level: str) -> list[Instance]:
        runs = {"quick": 100, "full": 2000}[level]
        g = decaying_normal(T, D, runs, SEED)
        instances = []
        for k in COUNTS:
            better, worse = self.paid(g, k)
            decision = decide_upper_bound(FACTOR * better[:, None], worse[:, None], ERROR_PROBABILITY)
            single = worse / better
            reason = (
                f"{self.names[1]} pays {worse.mean() / better.mean():.2f} times {self.names[0]} in the mean, "
                f"{single.min():.2f} to {single.max():.2f} times in single sequences"
            )
            instances.append(expectation(f"T={T}, d={D}, K={k * T}", decision, reason=reason))
        return instances


class ThresholdMisses(_Gap):
    """The best constant threshold of each sequence against the optimum."""

    id = "S-a4-random"
    title = "On random gradients the best threshold pays at least 1.3 times the optimum"
    statement = (
        r"g_t\sim N\Big(0,\tfrac{I}{1+t/5}\Big),\ T=30,\ d=6,\ K\in\{30,60\}\ \Rightarrow\ 1.3\,E[E_K]\le "
        r"E\left[\min_\lambda\left\{\sum_t\lVert e_t\rVert^2:\ \sum_t\lVert q_t\rVert_0\le K\right\}\right]"
    )
    names = ("the optimum", "the best threshold")

    def paid(self, g: Array, k: int) -> tuple[Array, Array]:
        return coupled_optimum(g, k * T).error, best_thresholds(g, k * T).curve[:, -1]


class TopKMisses(_Gap):
    """Top-k against the best constant threshold of each sequence."""

    id = "S-a4-random-top-k"
    title = "On random gradients Top-k pays at least 1.3 times what the best threshold pays for as many elements"
    statement = (
        r"g_t\sim N\Big(0,\tfrac{I}{1+t/5}\Big),\ T=30,\ d=6,\ k\in\{1,2\}\ \Rightarrow\ 1.3\,"
        r"E\left[\min_\lambda\left\{\sum_t\lVert e_t\rVert^2:\ \sum_t\lVert q_t\rVert_0\le kT\right\}\right]\le "
        r"E\sum_t\lVert e_t\rVert^2\text{ with }\mathrm{Top}_k"
    )
    names = ("the best threshold", "Top-k")

    def paid(self, g: Array, k: int) -> tuple[Array, Array]:
        return best_thresholds(g, k * T).curve[:, -1], feed_back(g, TopK(k=k)).error
