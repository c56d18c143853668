"""Sahu et al., NeurIPS 2021: what is optimal if the vectors are given: a price per element, and a budget for all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from proofs_check.claim import Claim, Instance
from proofs_check.panel import integers, panel
from proofs_check.sides import equality, inequality
from toolkit.arrays import Array
from toolkit.budget import DecoupledOptimum, LinearOptimum, decoupled_optimum, linear_optimum
from toolkit.budget.brute_force import all_kept
from toolkit.compressors.hard_threshold import HardThreshold

REFERENCE = "Sahu, Dutta, Abdelmoniem, Banerjee, Canini and Kalnis, NeurIPS 2021"
EPS = float(np.finfo(float).eps)
ENTRIES, FEW = 16, 12  # the 65 536 sets of 16 are tried one by one
SHAPES = [(T, d) for T in range(1, ENTRIES + 1) for d in range(1, ENTRIES // T + 1)]
SOLVER = 1e-8  # what the value and the multiplier of a linear program may be wrong by, relative to the largest square


def _costs(p: Array, lam: float) -> Array:
    """Return ‖p − q‖² + λ²‖q‖_0 for every q that agrees with p on a set and is 0 elsewhere, shape (vector, set)."""
    d = p.shape[-1]
    kept = (np.arange(2**d)[:, None] >> np.arange(d) & 1).astype(bool)
    return np.where(kept, lam**2 * (p != 0), p**2).sum(axis=-1)


class PenalisedForm(Claim):
    """The hard threshold minimises the error plus a price for every element sent."""

    id = "S-a2"
    title = "The hard threshold is the best message if an element costs λ²"
    statement = (
        r"\min_q\ \lVert p-q\rVert^2+\lambda^2\lVert q\rVert_0"
        r"=\lVert p-C_\lambda(p)\rVert^2+\lambda^2\lVert C_\lambda(p)\rVert_0=\sum_j\min(p_j^2,\lambda^2)"
    )
    reference = f"{REFERENCE} (S-a2)"
    kind = "identity"
    compressor: ClassVar[type[HardThreshold]] = HardThreshold

    def check(self, data: Mapping[str, Any], level: str) -> list[Instance]:
        count = {"quick": 8, "full": 64}[level]
        larger = {"quick": (FEW, ENTRIES), "full": range(9, ENTRIES + 1)}[level]
        instances = []
        for d, lam in ((1, 1.0), (4, 0.0), (7, 1.0), (8, 0.5), (8, 2.0), (8, 1e4), *((d, 1.0) for d in larger)):
            vectors = panel(d, max(1, count >> max(0, d - 8)))
            message = self.compressor(raw=lam).compress(vectors.x)
            spent = np.count_nonzero(message, axis=-1)
            cost = (((vectors.x - message) ** 2).sum(axis=-1) + lam**2 * spent)[:, 0]
            closed = np.minimum(vectors.x**2, lam**2).sum(axis=(1, 2))
            best = _costs(vectors.x, lam).min(axis=-1)
            # Sums of d non-negative terms, or of d + 1, each good to (d + 1)/2 eps.
            how: dict[str, Any] = {"rounding": d + 1, "kinds": vectors.kinds}
            instances.append(equality(f"its cost, d={d}, λ={lam:g}", cost, closed, **how))
            reason = f"against all {2**d} sets of elements"
            instances.append(equality(f"it is optimal, d={d}, λ={lam:g}", cost, best, reason=reason, **how))
        return instances


class PenalisedTies(Claim):
    """Elements of magnitude λ may be kept or not, and nothing else is free."""

    id = "S-a2-ties"
    title = "Elements of magnitude λ are indifferent, and no others"
    statement = (
        r"\left\lvert\operatorname{argmin}_q\ \lVert p-q\rVert^2+\lambda^2\lVert q\rVert_0\right\rvert=2^m,\qquad "
        r"m=\#\{j:\lvert p_j\rvert=\lambda\},\quad\lambda>0"
    )
    reference = f"{REFERENCE} (S-a2)"
    kind = "identity"

    def check(self, data: Mapping[str, Any], level: str) -> list[Instance]:
        count = {"quick": 64, "full": 1024}[level]
        instances = []
        for d, lam in ((3, 1.0), (5, 2.0), (6, 1.0), (6, 2.5)):
            p = integers(d, count)
            cost = _costs(p, lam)
            # A set that holds zeros of p gives the message of the set without them: count each message once.
            repeats = 2 ** (p == 0).sum(axis=(1, 2))
            found = (cost == cost.min(axis=-1, keepdims=True)).sum(axis=-1) / repeats
            tied = (abs(p) == lam).sum(axis=(1, 2))
            reason = f"up to {2 ** tied.max()} minimisers of {count} vectors of integers"
            instances.append(equality(f"minimisers, d={d}, λ={lam:g}", found, 2.0**tied, rounding=0, reason=reason))
        return instances


def _sequences(shape: tuple[int, int], count: int) -> dict[str, Array]:
    """Return sequences of one shape by kind, each array of shape ``(sequence, T, d)``."""
    vectors = panel(shape[0] * shape[1], count)
    names = {"a dense vector": "Gaussian", "a vector of small integers": "integers", "a vector of wide range": "wide"}
    kinds = np.array(vectors.kinds)
    return {name: vectors.x[kinds == kind].reshape(-1, *shape) for kind, name in names.items()}


class _GivenVectors(Claim):
    """A statement about the messages of least total error that are made of given vectors."""

    reference = f"{REFERENCE} (S-a3)"

    def solve(self, p: Array) -> DecoupledOptimum:
        """Return the optimum."""
        return decoupled_optimum(p)


class TotalError(_GivenVectors):
    """The K largest of all entries are kept."""

    id = "S-a3"
    title = "If the vectors are given, the K largest of all T·d entries are kept"
    statement = (
        r"\min\left\{\sum_{t\le T}\lVert p_t-q_t\rVert^2:\ \sum_{t\le T}\lVert q_t\rVert_0\le K\right\}"
        r"=\sum_{i>K}\lvert P\rvert_{(i)}^2"
    )
    kind = "identity"

    def check(self, data: Mapping[str, Any], level: str) -> list[Instance]:
        count = {"quick": 1, "full": 12}[level]
        sides: dict[str, list[tuple[Any, ...]]] = {}
        for shape in SHAPES:
            for kind, sequences in _sequences(shape, count).items():
                if level == "quick" and kind != "integers" and shape[0] * shape[1] > FEW:
                    continue
                for p in sequences:
                    best = self.solve(p)
                    left = [(np.where(best.kept(K), 0, p) ** 2).sum() for K in range(p.size + 1)]
                    about = f"T={shape[0]}, d={shape[1]}"
                    sides.setdefault(kind, []).append((best.curve, np.array(left), all_kept(p), about))
        instances = []
        for kind, found in sides.items():
            curve, lost, least = (np.concatenate([one[i] for one in found]) for i in range(3))
            kinds = [f"{about}, K={K}" for own, _, _, about in found for K in range(len(own))]
            # Sums of at most 16 squares; those of integers are exact.
            how: dict[str, Any] = {"rounding": 0 if kind == "integers" else ENTRIES, "kinds": kinds}
            reason = f"{len(found)} sequences of all shapes, every budget, against all sets of entries"
            instances.append(equality(f"the least total error, {kind}", curve, least, reason=reason, **how))
            instances.append(equality(f"what the kept entries leave, {kind}", lost, least, **how))
        return instances


class ConstantThreshold(_GivenVectors):
    """Which constant thresholds keep exactly K entries."""

    id = "S-a3-threshold"
    title = "A constant threshold attains it, if it is in (|P|_(K+1), |P|_(K)]; with a tie at rank K none does"
    statement = (
        r"\sum_t\lVert C_\lambda(p_t)\rVert_0=K\iff\lvert P\rvert_{(K+1)}<\lambda\le\lvert P\rvert_{(K)},"
        r"\qquad\text{and then}\quad\sum_t\lVert p_t-C_\lambda(p_t)\rVert^2=\sum_{i>K}\lvert P\rvert_{(i)}^2"
        r"\qquad(0<K<Td)"
    )
    kind = "identity"
    compressor: ClassVar[type[HardThreshold]] = HardThreshold

    def check(self, data: Mapping[str, Any], level: str) -> list[Instance]:
        count = {"quick": 2, "full": 32}[level]
        instances = []
        for kind in ("Gaussian", "integers", "wide"):
            exactly, inside, lost, least = [], [], [], []
            for shape in ((1, 12), (6, 3), (40, 2)):
                for p in _sequences(shape, count)[kind]:
                    best = self.solve(p)
                    for K in range(1, p.size, max(1, p.size // 16)):
                        low, high = (float(end) for end in best.thresholds(K))
                        if high == 0:
                            continue  # a threshold is a positive number
                        for lam in {low, np.nextafter(low, np.inf), high, np.nextafter(high, np.inf)} - {0.0}:
                            message = self.compressor(raw=lam).compress(p)
                            exactly.append(np.count_nonzero(message) == K)
                            inside.append(low < lam <= high)
                            if inside[-1]:
                                lost.append(((p - message) ** 2).sum())
                                least.append(best.curve[K])
            reason = f"{len(inside)} thresholds at the ends of the intervals, one bit inside and one bit outside"
            instances.append(equality(f"which keep K, {kind}", exactly, inside, rounding=0, reason=reason))
            rounding = 0 if kind == "integers" else 80  # sums of at most 80 squares
            instances.append(equality(f"what they leave, {kind}", lost, least, rounding=rounding))
        return instances


class _LinearProgram(_GivenVectors):
    """A statement about the linear program."""

    def solve_program(self, p: Array, budget: int) -> LinearOptimum:
        """Return the solution of the linear program of several sequences."""
        return linear_optimum(p, budget)

    def problems(self, level: str) -> dict[str, tuple[Array, Sequence[int]]]:
        """Return sequences, shape ``(sequence, T, d)``, and budgets, by name."""
        count = {"quick": 4, "full": 32}[level]
        found: dict[str, tuple[Array, Sequence[int]]] = {}
        for shape, budgets in (((4, 4), (0, 1, 8, 15, 16)), ((30, 6), (1, 45, 179))):
            for kind in ("Gaussian", "integers"):
                name = f"{kind}, T={shape[0]}, d={shape[1]}"
                found[name] = _sequences(shape, count)[kind], budgets[: 5 if kind == "Gaussian" else 3]
        return found


class LinearProgramValue(_LinearProgram):
    """The relaxation to shares loses nothing."""

    id = "S-a3-lp"
    title = "The linear program with shares of entries has the same value"
    statement = (
        r"\min\left\{\sum_{t,j}(1-s_{tj})p_{tj}^2:\ \sum_{t,j}s_{tj}\le K,\ 0\le s\le1\right\}"
        r"=\sum_{i>K}\lvert P\rvert_{(i)}^2"
    )
    kind = "identity"

    def check(self, data: Mapping[str, Any], level: str) -> list[Instance]:
        instances = []
        for name, (p, budgets) in self.problems(level).items():
            value = np.stack([self.solve_program(p, K).error for K in budgets])
            least = np.stack([self.solve(p).curve[:, K] for K in budgets])
            reason = f"budgets {', '.join(map(str, budgets))}; allowed is {SOLVER:g} of the largest square"
            sides = value.ravel(), least.ravel()
            instances.append(equality(name, *sides, rounding=SOLVER / EPS, scale=(p**2).max(), reason=reason))
        return instances


class Multiplier(_LinearProgram):
    """What one more element would save is a squared threshold, and not unique."""

    id = "S-a3-multiplier"
    title = "The budget's multiplier is a squared threshold that keeps K entries: anything between two neighbours"
    statement = (
        r"\lvert P\rvert_{(K+1)}^2\le\mu\le\lvert P\rvert_{(K)}^2\qquad"
        r"\text{for the multiplier }\mu\text{ of }\sum_{t,j}s_{tj}\le K\qquad(0\le K\le Td)"
    )
    kind = "upper bound"

    def check(self, data: Mapping[str, Any], level: str) -> list[Instance]:
        instances = []
        for name, (p, budgets) in self.problems(level).items():
            best, allowance = self.solve(p), SOLVER * (p**2).max()
            multiplier = np.stack([self.solve_program(p, K).multiplier for K in budgets])
            low, high = (np.stack([best.thresholds(K)[end] for K in budgets]) ** 2 for end in range(2))
            tied = int((low == high).sum())
            reason = f"{tied} of {low.size} intervals are points; allowed is {SOLVER:g} of the largest square"
            bounded = np.isfinite(high)
            for side, left, right in (("upper", multiplier[bounded], high[bounded]), ("lower", low, multiplier)):
                one = inequality(f"{side} end, {name}", left, right + allowance, rounding=0, reason=reason)
                instances.append(one)
        return instances
