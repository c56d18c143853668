"""Sahu et al., NeurIPS 2021: the limit of the total-error model. Once errors are fed back, no threshold is optimal."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any, ClassVar

import numpy as np

from problems.counterexamples.late_impulse import LateImpulse
from proofs_check.claim import Claim, Instance, not_applicable
from proofs_check.panel import integers
from proofs_check.sides import equality, inequality
from toolkit.arrays import Array
from toolkit.budget import CoupledOptimum, best_thresholds, coupled_optimum, feed_back
from toolkit.budget.brute_force import all_schedules
from toolkit.compressors import Compressor
from toolkit.compressors.bernoulli import Bernoulli
from toolkit.compressors.composition import Composition
from toolkit.compressors.hard_threshold import HardThreshold
from toolkit.compressors.qsgd import QSGD
from toolkit.compressors.rand_k import RandK
from toolkit.compressors.scaled import Scaled
from toolkit.compressors.top_k import TopK
from toolkit.draws import Draw

__all__ = ["busy_neighbour", "decaying_normal"]

REFERENCE = "Sahu, Dutta, Abdelmoniem, Banerjee, Canini and Kalnis, NeurIPS 2021"
EPS = float(np.finfo(float).eps)
ENTRIES, FEW = 16, 12  # the 65 536 schedules of 16 are tried one by one
SHAPES = [(T, d) for T in range(1, ENTRIES + 1) for d in range(1, ENTRIES // T + 1)]
VALUES: Any = ("exact", "free")


def busy_neighbour(T: int) -> Array:
    """Return `LateImpulse` with one more coordinate, which asks for a send in every step but the first: 2, −2, 2, …

    Examples
    --------
    >>> busy_neighbour(3)
    array([[ 1. ,  0. ,  0. ],
           [ 0. ,  0. ,  2. ],
           [ 0. ,  1.5, -2. ]])
    """
    busy = np.zeros(T)
    busy[1::2], busy[2::2] = 2.0, -2.0
    return np.column_stack([LateImpulse(T).gradients, busy])


def decaying_normal(T: int, d: int, runs: int, seed: int) -> Array:
    """Return sequences of normal vectors of standard deviation (1 + t/5)^(−1/2), t = 0, …; shape ``(run, T, d)``.

    Examples
    --------
    >>> decaying_normal(30, 6, 2, seed=0).shape
    (2, 30, 6)
    """
    g = Draw(seed + np.arange(runs)).of("gradients").normal(T * d).reshape(runs, T, d)
    return g / np.sqrt(1 + np.arange(T)[:, None] / 5)


class _Coupled(Claim):
    """A statement about the least total error under error feedback."""

    reference = f"{REFERENCE} (S-a4)"

    def solve(self, g: Array, budget: int, values: Any = "exact") -> CoupledOptimum:
        """Return the optimum."""
        return coupled_optimum(g, budget, values)


class NotOptimal(_Coupled):
    """One send is best spent early, and every threshold spends it late."""

    id = "S-a4"
    title = "With error feedback the constant threshold is not optimal: it pays mT where 9/4 is possible"
    statement = (
        r"g_1=(1,\dots,1,0),\ g_T=(0,\dots,0,\tfrac32),\ g_t=0\text{ else},\ K=m\ \Rightarrow\ "
        r"\min_{\text{schedules}}\sum_t\lVert e_t\rVert^2=\frac94,\qquad"
        r"\min_{\lambda}\sum_t\lVert e_t\rVert^2=mT\qquad(m\text{ early impulses},\ T\ge3)"
    )
    kind = "counterexample"
    thresholds: ClassVar[Any] = staticmethod(best_thresholds)

    def check(self, data: Mapping[str, Any], level: str) -> list[Instance]:
        sizes = [(T, m) for T in (3, 11, 100, {"quick": 300, "full": 2000}[level]) for m in (1, 5)]
        kinds = [f"T={T}, m={m}" for T, m in sizes]
        law = np.array([m * T for T, m in sizes], dtype=float)
        how: dict[str, Any] = {"rounding": 0, "kinds": kinds}
        instances = []
        for values in VALUES:
            found = [self.solve(LateImpulse(T, m).gradients, m, values).error for T, m in sizes]
            instances.append(equality(f"the optimum, {values} sends", found, np.full(len(sizes), 2.25), **how))
        best = [self.thresholds(LateImpulse(T, m).gradients, m).curve[m] for T, m in sizes]
        reason = f"{law.max() / 2.25:.0f} times the optimum for {kinds[int(law.argmax())]}, 44/9 for T=11, m=1"
        instances.append(equality("the best threshold", best, law, reason=reason, **how))
        runs = [feed_back(LateImpulse(T, m).gradients, HardThreshold(raw=1.25)) for T, m in sizes]
        instances.append(equality("a run with λ = 5/4", [run.error for run in runs], law, **how))
        exact = np.vectorize(Fraction, otypes=[object])(LateImpulse(11).gradients)
        found = [self.solve(exact, K, values).error for values in VALUES for K in range(3)]
        known = [Fraction(53, 4), Fraction(9, 4), 0] * 2
        instances.append(equality("T=11, m=1, budgets 0, 1, 2, in rational numbers", found, known, rounding=0))
        return instances


class TopKBetter(_Coupled):
    """Nor is the best threshold always better than Top-k, which spends the same."""

    id = "S-a4-top-k"
    title = "With error feedback Top-1 can pay 9/4 where every threshold that spends no more pays T"
    statement = (
        r"g_1=(1,0,0),\ g_t=(0,\tfrac32[t=T],2(-1)^t)\text{ for }t>1,\ K=T\ \Rightarrow\ "
        r"\sum_t\lVert e_t\rVert^2=\frac94\text{ with }\mathrm{Top}_1,\qquad"
        r"\min_{\lambda}\sum_t\lVert e_t\rVert^2=T\qquad(T\ge3)"
    )
    kind = "counterexample"
    compressor: ClassVar[Compressor] = TopK(k=1)

    def check(self, data: Mapping[str, Any], level: str) -> list[Instance]:
        steps = np.array([3, 10, 11, {"quick": 100, "full": 1000}[level]])
        how: dict[str, Any] = {"rounding": 0, "kinds": [f"T={T}" for T in steps]}
        runs = [feed_back(busy_neighbour(T), self.compressor) for T in steps]
        best = [best_thresholds(busy_neighbour(T), T).curve[T] for T in steps]
        return [
            equality("what Top-1 leaves", [run.error for run in runs], np.full(len(steps), 2.25), **how),
            equality("what Top-1 sends", [run.sends for run in runs], steps, **how),
            equality("what the best threshold leaves", best, steps, **how),
        ]


class DynamicProgramme(_Coupled):
    """The dynamic programme finds what enumeration finds."""

    id = "S-a4-optimum"
    title = "Reset times per coordinate and min-plus convolution give the least total error of all schedules"
    statement = (
        r"\min_{\sum_jm_j\le K}\ \sum_{j\le d}\ \min_{0=r_0<r_1<\dots<r_{m_j}<r_{m_j+1}=T+1}\ \sum_i"
        r"\sum_{t=r_i}^{r_{i+1}-1}\Big(\sum_{s=r_i+1}^tg_{s,j}-a_i\Big)^2=\min\left\{\sum_t\lVert e_t\rVert^2:\ "
        r"\sum_t\lVert q_t\rVert_0\le K\right\},\quad a_i=0\text{ or free},\ a_0=0"
    )
    kind = "identity"

    def check(self, data: Mapping[str, Any], level: str) -> list[Instance]:
        count = {"quick": 1, "full": 6}[level]
        instances = []
        for values in VALUES:
            for kind in ("integers", "Gaussian"):
                found, least, scales, kinds = [], [], [], []
                for T, d in SHAPES:
                    if level == "quick" and kind == "Gaussian" and T * d > FEW:
                        continue
                    draw = Draw(np.arange(count)).of("sequences")
                    entries = integers(T * d, count) if kind == "integers" else draw.normal(T * d)
                    for g in entries.reshape(-1, T, d):
                        found.append(self.solve(g, T * d, values).curve)
                        least.append(all_schedules(g, values))
                        scales.append(np.full(T * d + 1, (np.cumsum(abs(g), axis=0) ** 2).sum()))
                        kinds += [f"T={T}, d={d}, K={K}" for K in range(T * d + 1)]
                sides = np.concatenate(found), np.concatenate(least)
                # Resets leave sums of squares of integers; means, and sums of normal numbers, carry some roundings for
                # each of the 16 entries, in either computation.
                rounding = 0 if (kind, values) == ("integers", "exact") else 4 * ENTRIES
                how: dict[str, Any] = {"rounding": rounding, "scale": np.concatenate(scales), "kinds": kinds}
                reason = f"{len(found)} sequences of all shapes, every budget, against all schedules"
                instances.append(equality(f"{values} sends, {kind}", *sides, reason=reason, **how))
        return instances


class SegmentLaw(_Coupled):
    """What a free value saves between two sends while the gradient is constant."""

    id = "S-a4-segment"
    title = "Between sends m steps apart a constant gradient costs 2(2m−1)/(m+1) times less with free values"
    statement = (
        r"g_{r+1}=\dots=g_{r+m-1}\ne0\ \Rightarrow\ \frac{\sum_{i<m}(ig)^2}"
        r"{\min_a\sum_{i<m}(ig-a)^2}=\frac{(m-1)m(2m-1)/6}{(m-1)m(m+1)/12}=\frac{2(2m-1)}{m+1}\to4"
    )
    kind = "identity"

    def check(self, data: Mapping[str, Any], level: str) -> list[Instance]:
        small, large = range(2, 13), {"quick": (20, 100, 300), "full": (20, 100, 300, 1000, 3000)}[level]
        exact = [self._ratio([Fraction(m**2)] + [Fraction(1, 3)] * (m - 1)) for m in small]
        law = [Fraction(2 * (2 * m - 1), m + 1) for m in small]
        instances = [equality(f"m from 2 to {max(small)}, in rational numbers", exact, law, rounding=0)]
        found = [self._ratio([float(m**2)] + [1.0] * (m - 1)) for m in large]
        known = [2 * (2 * m - 1) / (m + 1) for m in large]
        # The sum of squares is that of integers; the mean's recursion rounds a few times per step.
        kinds = [f"m={m}" for m in large]
        instances.append(equality("longer segments", found, known, rounding=4 * max(large), kinds=kinds))
        return instances

    def _ratio(self, g: list[Any]) -> Any:
        """Return the ratio of the optima for one send, which a large impulse asks for in the first step."""
        column = np.array(g)[:, None]
        exact, free = (self.solve(column, 1, values).error for values in VALUES)
        return exact / free


class FreeValues(_Coupled):
    """How much less free values can cost in all.

    A segment of m steps starts from a send, so that with exact ones its first memory is 0 and the others have
    (Σ M_i)² ≤ (m − 1) Σ M_i². About the mean that leaves Σ M_i² − (Σ M_i)²/m ≥ Σ M_i²/m, and m ≤ T.
    """

    id = "S-a4-values"
    title = "Free values never cost more than exact sends, and at best T times less"
    statement = (
        r"E^{\mathrm{free}}_K\le E^{\mathrm{exact}}_K\le T\,E^{\mathrm{free}}_K,\qquad "
        r"E_K=\min\left\{\sum_t\lVert e_t\rVert^2:\ \sum_t\lVert q_t\rVert_0\le K\right\}"
    )
    reference = f"{REFERENCE} (S-a4, the bound T: own)"
    kind = "tight"
    expected = "tight"

    def factor(self, T: int) -> float:
        """Return the constant."""
        return float(T)

    def check(self, data: Mapping[str, Any], level: str) -> list[Instance]:
        instances = []
        runs = {"quick": 8, "full": 200}[level]
        for T, d in ((8, 3), (30, 6)):
            g = decaying_normal(T, d, runs, seed=10)
            K = T * d - 1  # with T·d sends nothing is left
            exact, free = (self.solve(g, K, values).curve.ravel() for values in VALUES)
            reason = f"{runs} sequences, every budget"
            how: dict[str, Any] = {"rounding": 4 * T * d, "reason": reason}
            instances.append(inequality(f"free ≤ exact, Gaussian, T={T}, d={d}", free, exact, **how))
            instances.append(inequality(f"exact ≤ T·free, Gaussian, T={T}, d={d}", exact, self.factor(T) * free, **how))
        for T in (2, 5, 30, {"quick": 100, "full": 1000}[level]):
            # An impulse that has to be sent at once, and then a single step away from 0.
            g = np.zeros((T, 1))
            g[0], g[1] = T, -1.0
            exact, free = (self.solve(g, 1, values).error for values in VALUES)
            name = f"exact ≤ T·free, an impulse and a step back, T={T}"
            instances.append(inequality(name, [exact], [self.factor(T) * free], rounding=4 * T))
        return instances


class Floor(_Coupled):
    """Whatever error feedback sends, it pays at least the optimum."""

    id = "S-a4-floor"
    title = "No run of error feedback pays less than the optimum for what it sends"
    statement = (
        r"\sum_t\lVert e_t\rVert^2\ge E_K\quad\text{for }K=\sum_t\lVert q_t\rVert_0\text{ and any }C,\ "
        r"E_K\text{ with exact sends if }C(p)_j\in\{0,p_j\},\text{ else with free values}"
    )
    kind = "tight"
    expected = "tight"
    compressors: ClassVar[Mapping[str, Compressor]] = {
        "Top-1": TopK(k=1),
        "Top-3": TopK(k=3),
        "hard threshold 1": HardThreshold(raw=1.0),
        "hard threshold 3": HardThreshold(raw=3.0),
        "Rand-2": RandK(k=2),
        "Bernoulli": Bernoulli(p=0.3),
        "scaled QSGD": Scaled(QSGD(s=2)),
        "QSGD of Top-2": Composition(outer=QSGD(s=4), inner=TopK(k=2)),
    }

    def check(self, data: Mapping[str, Any], level: str) -> list[Instance]:
        T, d, runs = 30, 6, {"quick": 8, "full": 200}[level]
        g = decaying_normal(T, d, runs, seed=20)
        curves = {values: self.solve(g, T * d, values).curve for values in VALUES}
        instances = []
        for name, compressor in self.compressors.items():
            run = feed_back(g, compressor, Draw(np.arange(runs)))
            values = "exact" if compressor.selects else "free"
            floor = curves[values][np.arange(runs), run.sends]
            reason = f"{runs} sequences, {run.sends.mean():.0f} of {T * d} sent on average, {values} sends"
            how: dict[str, Any] = {"rounding": 4 * T * d, "reason": reason}
            instances.append(inequality(f"{name}, Gaussian", floor, run.error, **how))
        for K in (6, 60):
            best = self.solve(g, K)
            paid = _replayed(g, best.sent)
            how = {"rounding": 4 * T * d, "reason": f"at most {best.sent.sum(axis=(1, 2)).max()} sends"}
            instances.append(inequality(f"its own schedule, K={K}, Gaussian", curves["exact"][:, K], paid, **how))
        return instances


def _replayed(g: Array, sent: Array) -> Array:
    """Return the total errors of schedules with exact sends, step by step."""
    e, error = 0 * g[:, 0], np.zeros(len(g))
    for t in range(g.shape[1]):
        e = np.where(sent[:, t], 0.0, e + g[:, t])
        error += (e**2).sum(axis=1)
    return error


class OneSign(_Coupled):
    """Where one price per element is enough.

    Cumulated gradients of one coordinate are then monotone, so that a segment's cost c(r, t), about its first value or
    about its mean, has c(a, d) − c(a, b) ≥ c(a′, d) − c(a′, b) for a ≤ a′ ≤ b ≤ d: the cheapest path of m segments is
    convex in m. So is the min-plus convolution of convex curves.
    """

    id = "S-a4-one-sign"
    title = "If no coordinate's gradient changes its sign, each further send saves less: one price finds every budget"
    statement = (
        r"g_{t,j}g_{s,j}\ge0\ \forall s,t,j\ \Rightarrow\ "
        r"E_K-E_{K+1}\le E_{K-1}-E_K\quad\text{for exact sends and for free values}"
    )
    reference = f"{REFERENCE} (S-a4; this statement: own)"
    kind = "tight"
    expected = "tight"

    def check(self, data: Mapping[str, Any], level: str) -> list[Instance]:
        runs = {"quick": 8, "full": 200}[level]
        sequences = {
            "normal magnitudes": abs(decaying_normal(20, 4, runs, seed=30)),
            "small integers": abs(integers(80, runs)).reshape(runs, 20, 4),
            "impulses": (integers(80, runs) == 3).astype(float).reshape(runs, 20, 4),
            "normal numbers": decaying_normal(20, 4, runs, seed=30),
        }
        instances = []
        for kind, g in sequences.items():
            if (g.min(axis=1) * g.max(axis=1) < 0).any():
                instances.append(not_applicable(kind, "gradients change their sign"))
                continue
            for values in VALUES:
                curve = self.solve(g, g[0].size, values).curve
                saved = -np.diff(curve, axis=-1)
                # Differences of sums of up to 80 squares; those of integers are exact.
                rounds = kind == "normal magnitudes" or values == "free"
                allowance = 4 * g[0].size * EPS * curve[:, :1] if rounds else 0.0
                reason = f"{runs} sequences, every budget"
                sides = saved[:, 1:].ravel(), (saved[:, :-1] + allowance).ravel()
                instances.append(inequality(f"{values} sends, {kind}", *sides, rounding=0, reason=reason))
        return instances
