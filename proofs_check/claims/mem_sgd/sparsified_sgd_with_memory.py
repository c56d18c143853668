"""Stich, Cordonnier and Jaggi, 'Sparsified SGD with memory', NeurIPS 2018: when the contraction is an equality."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from proofs_check.claim import Claim, Instance
from proofs_check.outcomes import outcomes
from proofs_check.panel import integers, panel
from proofs_check.sides import equality, inequality
from toolkit.arrays import Array
from toolkit.compressors.rand_k import RandK
from toolkit.compressors.top_k import TopK

REFERENCE = "Stich, Cordonnier and Jaggi, NeurIPS 2018 (S-m5)"
LIMIT = 1 << 20  # outcomes of all vectors together


class TopKContraction(Claim):
    """Top-k's contraction constant k/d is attained, by vectors of constant magnitude and no others."""

    id = "S-m5-top-k"
    title = "Top-k contracts by 1 − k/d, with equality exactly for constant magnitude"
    statement = (
        r"\lVert x-\mathrm{Top}_k(x)\rVert^2\le\left(1-\frac kd\right)\lVert x\rVert^2,\qquad "
        r"\text{with equality iff }\lvert x_1\rvert=\dots=\lvert x_d\rvert\quad(k<d)"
    )
    reference = REFERENCE
    kind = "tight"
    expected = "tight"
    compressor: ClassVar[type[TopK]] = TopK

    def check(self, data: Mapping[str, Any], level: str) -> list[Instance]:
        count = {"quick": 64, "full": 4096}[level]
        instances = []
        for d, k in ((2, 1), (10, 1), (10, 9), (100, 10), (1000, 10)):
            vectors = panel(d, count, {"constant magnitude": np.where(np.arange(d) % 3, 0.7, -0.7)})
            error = ((self.compressor(k=k).compress(vectors.x) - vectors.x) ** 2).sum(axis=(1, 2))
            bound = (1 - k / d) * (vectors.x**2).sum(axis=(1, 2))
            # Sums of d non-negative terms, each side good to d/2 eps.
            instances.append(inequality(f"Top-{k}, d={d}", error, bound, rounding=d, kinds=vectors.kinds))
        # On integers both sides times d are exact, so that equality can be told from near-equality.
        for d, k in ((2, 1), (3, 1), (3, 2), (4, 2)):
            x = np.concatenate([integers(d, 32 * count), 2.0 * np.ones((1, 1, d)), -np.ones((1, 1, d))])
            error = ((self.compressor(k=k).compress(x) - x) ** 2).sum(axis=(1, 2))
            attained = d * error == (d - k) * (x**2).sum(axis=(1, 2))
            constant = (abs(x) == abs(x[..., :1])).all(axis=(1, 2))
            name = f"where Top-{k} attains it, d={d}"
            found, both = attained.sum(), (attained & constant).sum()
            reason = f"{found} of {len(x)} vectors of integers attain it, {both} of them have constant magnitude"
            instances.append(equality(name, [found, both], [constant.sum()] * 2, rounding=0, reason=reason))
        return instances


class RandKContraction(Claim):
    """Rand-k's error is an equality for every vector."""

    id = "S-m5-rand-k"
    title = "Rand-k loses exactly 1 − k/d on average, and d/k − 1 when it is made unbiased"
    statement = (
        r"E\lVert x-\mathrm{Rand}_k(x)\rVert^2=\left(1-\frac kd\right)\lVert x\rVert^2,\qquad "
        r"E\,\frac dk\mathrm{Rand}_k(x)=x,\qquad "
        r"E\left\lVert x-\frac dk\mathrm{Rand}_k(x)\right\rVert^2=\left(\frac dk-1\right)\lVert x\rVert^2"
    )
    reference = REFERENCE
    kind = "identity"
    compressor: ClassVar[type[RandK]] = RandK

    def check(self, data: Mapping[str, Any], level: str) -> list[Instance]:
        count = {"quick": 32, "full": 1024}[level]
        instances = []
        for d, k in ((2, 1), (6, 1), (6, 3), (9, 4), (9, 8)):
            vectors = panel(d, count)
            x, norm_sq = vectors.x, (vectors.x**2).sum(axis=(1, 2))
            kept = _messages(self.compressor(k=k), x)
            scaled = _messages(self.compressor(k=k, unbiased=True), x)
            each_coordinate = np.repeat(vectors.kinds, d).tolist()
            sides = {
                f"error of Rand-{k}": (_mean_error(kept, x), (1 - k / d) * norm_sq, vectors.kinds),
                f"error of unbiased Rand-{k}": (_mean_error(scaled, x), (d / k - 1) * norm_sq, vectors.kinds),
                f"mean of unbiased Rand-{k}": (scaled.mean(axis=1, keepdims=True), x, each_coordinate),
            }
            # Means over subsets of sums of d terms, against sums of d terms: half an eps for each term.
            count_of_subsets = kept.shape[1]
            rounding = d + count_of_subsets / 2 + 2
            reason = f"all {count_of_subsets} subsets"
            instances += [
                equality(f"{what}, d={d}", left, right, rounding=rounding, kinds=kinds, reason=reason)
                for what, (left, right, kinds) in sides.items()
            ]
        return instances


def _messages(compressor: RandK, x: Array) -> Array:
    """Return the messages for every subset, all of the same probability, shape (vector, C(d, k), d)."""
    return outcomes(compressor, x, limit=LIMIT).sent.reshape(len(x), -1, x.shape[-1])


def _mean_error(messages: Array, x: Array) -> Array:
    """Return the mean over all outcomes of ‖C(x) − x‖², for messages of shape (vector, outcome, d)."""
    return ((messages - x) ** 2).sum(axis=2).mean(axis=1)
