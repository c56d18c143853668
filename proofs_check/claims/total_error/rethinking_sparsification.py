"""Sahu et al., 'Rethinking gradient sparsification …', NeurIPS 2021: the error of a message, and the memory."""

from __future__ import annotations

from collections.abc import Mapping
from math import comb
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from problems.quadratic import Quadratic
from proofs_check.claim import Claim, Instance
from proofs_check.ensembles import HARD_THRESHOLDS, paths
from proofs_check.forking import subsets
from proofs_check.panel import integers, panel
from proofs_check.paths import cells
from proofs_check.sides import equality, inequality
from toolkit.algorithms.error_feedback import ErrorFeedback
from toolkit.arrays import Array
from toolkit.compressors import Compressor
from toolkit.compressors.hard_threshold import HardThreshold
from toolkit.compressors.identity import Identity
from toolkit.compressors.top_k import TopK
from toolkit.experiment import Experiment
from toolkit.parameters import Schedule
from toolkit.stepsizes import InverseSqrt

if TYPE_CHECKING:
    import xarray

REFERENCE = "Sahu, Dutta, Abdelmoniem, Banerjee, Canini and Kalnis, NeurIPS 2021"


class TopKOptimal(Claim):
    """Top-k makes the smallest error that k numbers can make."""

    id = "S-a1"
    title = "Top-k is the best k-sparse message, and its error is the sum of the smallest squares"
    statement = (
        r"\lVert p-\mathrm{Top}_k(p)\rVert^2=\sum_{j>k}\lvert p\rvert_{(j)}^2=\min_{\lVert q\rVert_0\le k}"
        r"\lVert p-q\rVert^2"
    )
    reference = f"{REFERENCE} (S-a1)"
    kind = "identity"
    compressor: ClassVar[type[TopK]] = TopK

    def check(self, data: Mapping[str, Any], level: str) -> list[Instance]:
        count = {"quick": 32, "full": 2048}[level]
        instances = []
        for d, k in ((3, 1), (8, 1), (8, 4), (8, 7), (8, 8), (100, 10), (1000, 100)):
            vectors = panel(d, count)
            squares = vectors.x**2
            error = ((self.compressor(k=k).compress(vectors.x) - vectors.x) ** 2).sum(axis=(1, 2))
            tail = np.sort(squares, axis=-1)[..., : d - k].sum(axis=(1, 2))
            # Sums of at most d non-negative terms, each side good to d/2 eps.
            instances.append(equality(f"error of Top-{k}, d={d}", error, tail, rounding=d, kinds=vectors.kinds))
            if d <= 8:
                best = _errors_of_all_supports(squares, k).min(axis=-1)
                reason = f"against all {comb(d, k)} supports"
                name = f"Top-{k} is optimal, d={d}"
                instances.append(equality(name, error, best, rounding=d, kinds=vectors.kinds, reason=reason))
        return instances


class TopKUnique(Claim):
    """The best k-sparse message is unique unless non-zero magnitudes tie at rank k."""

    id = "S-a1-unique"
    title = "The best k-sparse message is unique unless a non-zero magnitude ties at rank k"
    statement = (
        r"\left\lvert\operatorname{argmin}_{\lVert q\rVert_0\le k}\lVert p-q\rVert^2\right\rvert=\binom mr,\qquad "
        r"m=\#\{j:\lvert p_j\rvert=\lvert p\rvert_{(k)}\},\quad r=k-\#\{j:\lvert p_j\rvert>\lvert p\rvert_{(k)}\}"
        r"\quad\text{if }\lvert p\rvert_{(k)}>0,\text{ else }1"
    )
    reference = f"{REFERENCE} (S-a1)"
    kind = "identity"

    def check(self, data: Mapping[str, Any], level: str) -> list[Instance]:
        count = {"quick": 128, "full": 4096}[level]
        instances = []
        for d, k in ((3, 1), (4, 2), (6, 3), (7, 6)):
            x = integers(d, count)
            found = [len(_distinct_minimisers(vector, k)) for vector in x[:, 0]]
            magnitude = np.sort(abs(x[:, 0]))[:, ::-1]
            rank_k = magnitude[:, k - 1 : k]
            tied, above = (magnitude == rank_k).sum(axis=1), (magnitude > rank_k).sum(axis=1)
            counted = [
                comb(int(m), k - int(more)) if level_k > 0 else 1
                for m, more, level_k in zip(tied, above, rank_k[:, 0], strict=True)
            ]
            reason = f"unique for {found.count(1)} of {count} vectors of integers"
            instances.append(equality(f"minimisers for k={k}, d={d}", found, counted, rounding=0, reason=reason))
        return instances


def _errors_of_all_supports(squares: Array, k: int) -> Array:
    """Return what is lost by keeping each support of size k, shape (vector, support); `squares` is (vector, 1, d)."""
    return np.where(subsets(squares.shape[-1], k), 0.0, squares).sum(axis=-1)


def _distinct_minimisers(p: Array, k: int) -> set[tuple[float, ...]]:
    """Return the best k-sparse approximations of one vector of integers, found among all supports."""
    kept = np.where(subsets(len(p), k), p, 0.0)
    errors = ((p - kept) ** 2).sum(axis=1)
    return {tuple(q) for q in kept[errors == errors.min()].tolist()}


class AbsoluteMemory(Claim):
    """The memory of error feedback with an absolute compressor, whatever the gradients are."""

    id = "S-a5"
    title = "With an absolute compressor the memory is bounded by γκ, whatever the gradients"
    statement = r"E\lVert e^i_t\rVert^2\le\gamma^2\kappa^2\quad\text{for all }t\ge1\text{ and all workers }i"
    reference = f"{REFERENCE} (S-a5)"
    kind = "tight"
    expected = "tight"
    compressors: ClassVar[Mapping[str, Compressor]] = {
        "hard threshold": HARD_THRESHOLDS,
        "no compression": Identity(),
    }

    def experiments(self, level: str) -> dict[str, Experiment]:
        just_below = np.nextafter(1.0, 0.0)
        extremal = Quadratic(hessians=np.zeros((1, 8)), linear=np.full((1, 8), just_below))
        decaying = Quadratic.generate(4, 12, spread=0.5, heterogeneity=9.0, seed=2)
        every_step: dict[str, Any] = {"steps": 100, "record": "all", "keep": ("memory",)}
        return {
            "gradients one bit below the threshold, λ = 1": Experiment(
                extremal, ErrorFeedback(), HardThreshold(lam=1.0), stepsize=0.5, **every_step
            ),
            "a heterogeneous quadratic, hard threshold λ = 1, decaying γ": Experiment(
                decaying, ErrorFeedback(), HardThreshold(lam=1.0), stepsize=InverseSqrt(scale=0.5), **every_step
            ),
        } | paths(self.compressors, level)

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        instances = []
        for name, experiment, result in cells(self.experiments(level), data):
            memory_sq = (result["memory"].values[:, 1:] ** 2).sum(axis=-1)  # (run, step, worker)
            bound = _stepsizes(experiment) ** 2 * self.kappa_sq(experiment)
            reason = f"every step of {memory_sq.shape[0] * memory_sq.shape[2]} paths, κ known before the run"
            # A square and a sum of d non-negative terms on the left, a few products on the right.
            rounding = experiment.problem.dimension + 4
            sides = memory_sq, np.broadcast_to(bound[:, None], memory_sq.shape)
            instances.append(inequality(name, *sides, rounding=rounding, reason=reason))
        return instances

    def kappa_sq(self, experiment: Experiment) -> float:
        """Return κ² in gradient units."""
        kappa_sq: Any = experiment.compressor.constants(experiment.problem.dimension).kappa_sq
        return float(kappa_sq)


def _stepsizes(experiment: Experiment) -> Array:
    """Return the step sizes of steps 1 … T."""
    gamma = experiment.stepsize
    return np.array([gamma(t) if isinstance(gamma, Schedule) else gamma for t in range(1, experiment.steps + 1)])
