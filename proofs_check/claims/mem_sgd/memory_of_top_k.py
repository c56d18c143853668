"""How large the memory of error feedback with Top-k really gets, over all sequences of bounded gradients."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from math import sqrt
from typing import Any, ClassVar

import numpy as np

from proofs_check.claim import Claim, Instance
from proofs_check.sides import inequality
from proofs_check.top_k_memory import contraction_bound, exact_supremum, memory_bound
from proofs_check.top_k_recipes import RECIPES, UNIT, recipe
from toolkit.arrays import Array
from toolkit.compressors import Compressor
from toolkit.compressors.top_k import TopK
from toolkit.draws import Draw

REFERENCE = "derived, beside Lemma 3 of Karimireddy, Rebjock, Stich and Jaggi, ICML 2019 (S-d1, S-d2)"
QUESTION = r"e_{t+1}=e_t+g_t-\mathrm{Top}_k(e_t+g_t),\ e_0=0,\ \lVert g_t\rVert\le G\ \Rightarrow\ "
FEW = ((2, 1), (3, 2), (4, 2), (4, 3), (5, 3), (6, 3), (6, 4), (6, 5))  # d ≤ 2k
# What the recipes are known to reach, rounded down: nothing that was found before reached more.
REACHED = {
    (3, 1): 3.260,
    (4, 1): 6.281,
    (5, 1): 10.937,
    (5, 2): 1.812,
    (6, 1): 16.374,
    (6, 2): 3.259,
    (7, 1): 22.993,
    (7, 2): 4.706,
    (7, 3): 1.462,
    (8, 1): 31.073,
    (8, 3): 2.256,
}
EARLIER = {(3, 1): 3.14, (4, 1): 6.04, (5, 1): 9.77, (6, 1): 13.8}  # of an earlier search


@cache
def run_recipe(compressor: Compressor, d: int, k: int) -> tuple[Array, int]:
    """Return all memories of a recipe in whole numbers, shape (step, d), and the smallest lead of what is dropped.

    Examples
    --------
    >>> memories, lead = run_recipe(TopK(k=1), 3, 1)
    >>> int((memories[-1] ** 2).sum()) / UNIT**2, lead
    (3.26027585, 2)
    """
    memories, memory, lead = [], np.zeros(d), UNIT
    for gradient in recipe(d, k):
        message = memory + gradient
        magnitude = np.sort(abs(message))
        lead = min(lead, int(magnitude[-k] - magnitude[-k - 1]))
        memory = message - compressor.compress(message)
        memories.append(memory)
    return np.array(memories), lead


def approach(compressor: Compressor, d: int, k: int, steps: int) -> Array:
    """Return ‖e_t‖² of the sequence that raises k zeros to the level of the others: all are equal before each drop."""
    memory, squares = np.zeros(d), []
    for _ in range(steps):
        there = memory != 0
        a = abs(memory[there]).min() if there.any() else 0.0
        kept = int(there.sum())
        # k c² + (d − k)(c − a)² = 1 with so many entries a as there are; at the start all are zero.
        n = d
        c = (kept * a + sqrt(max((kept * a) ** 2 - n * (kept * a**2 - 1), 0.0))) / n
        message = memory + np.where(there, c - a, c)
        memory = message - compressor.compress(message)
        squares.append(float((memory**2).sum()))
    return np.array(squares)


def typical(compressor: Compressor, d: int, runs: int, steps: int) -> dict[str, Array]:
    """Return the largest ‖e_t‖² of each of some runs with random directions, and with those along the memory."""
    draw = Draw(np.arange(runs)).of("gradients")
    memories = {"random gradients": np.zeros((runs, 1, d)), "gradients along the memory": np.zeros((runs, 1, d))}
    largest = {name: np.zeros(runs) for name in memories}
    for step in range(steps):
        normal = draw.of("direction", step).normal(d)
        directions = {
            "random gradients": normal,
            "gradients along the memory": 0.3 * normal / np.linalg.norm(normal, axis=-1, keepdims=True)
            + _unit(memories["gradients along the memory"]),
        }
        for name, memory in memories.items():
            message = memory + _unit(directions[name])
            memories[name] = message - compressor.compress(message)
            np.maximum(largest[name], (memories[name] ** 2).sum(axis=(1, 2)), out=largest[name])
    return largest


def _unit(v: Array) -> Array:
    norm = np.linalg.norm(v, axis=-1, keepdims=True)
    return v / np.where(norm > 0, norm, 1.0)


class _TopKMemory(Claim):
    """A statement about ‖e‖² over all sequences of gradients, in units of γ²G²."""

    reference = REFERENCE
    compressor: ClassVar[Callable[..., Compressor]] = TopK

    def bound(self, d: int, k: int) -> float:
        """Return the right side."""
        raise NotImplementedError

    def _typical(self, d: int, k: int, level: str) -> list[Instance]:
        runs, steps = {"quick": (16, 60), "full": (128, 300)}[level]
        found = typical(self.compressor(k=k), d, runs, steps)
        return [
            inequality(f"{name}, d={d}, k={k}", squares, self.bound(d, k), rounding=8 * steps)
            for name, squares in found.items()
        ]


class FewZeros(_TopKMemory):
    """The supremum where at least half of the coordinates are sent; `exact_supremum` has the proof."""

    id = "top-k-memory-exact"
    title = "Top-k's memory where d ≤ 2k: at most (d − k)/k, and G² for Top-1 in the plane"
    statement = QUESTION + r"\sup_t\lVert e_t\rVert^2=\frac{d-k}kG^2\qquad(d\le2k)"
    kind = "tight"
    expected = "tight"

    def bound(self, d: int, k: int) -> float:
        known = exact_supremum(d, k)
        assert known is not None
        return known

    def check(self, data: Mapping[str, Any], level: str) -> list[Instance]:
        instances = []
        for d, k in FEW:
            squares = approach(self.compressor(k=k), d, k, 60)
            reason = f"a contraction has {contraction_bound(d, k):.4g}"
            name = f"all coordinates raised to one level, d={d}, k={k}"
            # A level is good to some eps of the gradient, and the recursion contracts.
            instances.append(inequality(name, squares, self.bound(d, k), rounding=64, reason=reason))
            instances += self._typical(d, k, level)
        return instances


class SortedSums(_TopKMemory):
    """The bound by the recursion of the reachable set in sums of sorted magnitudes."""

    id = "top-k-memory-bound"
    title = "Top-k's memory is at most 1 + 3(d − 1)(d − 2)/2 for k = 1, below 3/8 of what its contraction gives"
    statement = (
        QUESTION + r"\lVert e_t\rVert^2\le\sum_j(c_j-c_{j-1})^2G^2,\qquad "
        r"\lVert e_t\rVert^2\le\Big(1+\tfrac32(d-1)(d-2)\Big)G^2\quad(k=1)"
    )
    kind = "upper bound"

    def bound(self, d: int, k: int) -> float:
        return memory_bound(d, k)

    def check(self, data: Mapping[str, Any], level: str) -> list[Instance]:
        instances = []
        for d, k in RECIPES:
            memories, lead = run_recipe(self.compressor(k=k), d, k)
            squares = (memories**2).sum(axis=1) / UNIT**2
            reason = f"dropped by a lead of {lead / UNIT:g} at least; a contraction has {contraction_bound(d, k):.4g}"
            instances.append(inequality(f"recipe, d={d}, k={k}", squares, self.bound(d, k), rounding=8, reason=reason))
            if k == 1 and d <= 6:
                instances += self._typical(d, k, level)
        dimensions = np.arange(2, {"quick": 6, "full": 9}[level])
        closed = 1 + 1.5 * (dimensions - 1) * (dimensions - 2)
        recursion = [self.bound(int(d), 1) for d in dimensions]
        reason = "the shares tried contain the best ones, and the limit is raised by 1e-11"
        formula = inequality("k = 1: the recursion is the formula", recursion, closed, rounding=2.0**20, reason=reason)
        instances.append(replace(formula, ratio=None))  # it says nothing of how near the memory comes
        return [replace(one, verdict="holds") if one.verdict == "tight" else one for one in instances]


class Recipes(_TopKMemory):
    """What sequences are known to reach: short ones, in whole numbers, run with the compressor itself."""

    id = "top-k-memory-reached"
    title = "Gradients with which Top-k's memory gets as large as is known"
    statement = (
        QUESTION + r"\sup_t\frac{\lVert e_t\rVert^2}{G^2}\ge3.260,\ 6.281,\ 10.937,\ 16.374,\ 22.993,\ 31.073"
        r"\quad(k=1,\ d=3,\dots,8)"
    )
    kind = "lower bound"

    def bound(self, d: int, k: int) -> float:
        return REACHED[d, k]

    def check(self, data: Mapping[str, Any], level: str) -> list[Instance]:
        instances = []
        for d, k in RECIPES:
            longest = int((recipe(d, k) ** 2).sum(axis=1).max())
            memories, lead = run_recipe(self.compressor(k=k), d, k)
            reached = float((memories[-1] ** 2).sum()) / UNIT**2
            name = f"{len(memories)} steps, d={d}, k={k}"
            judged = inequality(name, [self.bound(d, k), longest / UNIT**2], [reached, 1.0], rounding=0)
            before = f"; an earlier search had {EARLIER[d, k]:g}" if (d, k) in EARLIER else ""
            reason = f"‖g‖ ≤ 1 and all in whole numbers, dropped by a lead of {lead} of them at least{before}"
            verdict = "holds" if judged.verdict == "tight" else judged.verdict
            ratio = reached / self.bound(d, k)
            instances.append(
                replace(judged, verdict=verdict, measured=reached, bound=self.bound(d, k), ratio=ratio, reason=reason)
            )
        return instances


class Conjecture(_TopKMemory):
    """A formula found on d ≤ 6 and tried on d = 7 and 8; nobody has shown that no sequence reaches more."""

    id = "top-k-memory-law"
    title = "Conjecture: where k divides d, Top-k's memory reaches ((3d/k − 2)/4)² and no more than 7 % above"
    statement = (
        QUESTION + r"\left(\frac{3d/k-2}4\right)^2\le\sup_t\frac{\lVert e_t\rVert^2}{G^2}"
        r"\le1.07\left(\frac{3d/k-2}4\right)^2\qquad(k\mid d)"
    )
    kind = "rate"
    expected = "undecided"
    unseen: ClassVar[tuple[tuple[int, int], ...]] = ((7, 1), (8, 1), (6, 2))  # on which it was not found

    def bound(self, d: float, k: int) -> float:
        return ((3 * d / k - 2) / 4) ** 2

    def check(self, data: Mapping[str, Any], level: str) -> list[Instance]:
        instances = []
        for d, k in [(2, 1), (4, 2), (6, 3), *(pair for pair in RECIPES if pair[0] % pair[1] == 0)]:
            exact = exact_supremum(d, k)
            law = self.bound(d, k)
            if exact is not None:
                judged = inequality(f"exact, d={d}, k={k}", [law, exact], [exact, 1.07 * law], rounding=8)
                instances.append(replace(judged, verdict="holds", measured=exact, bound=law, ratio=exact / law))
                continue
            memories, _ = run_recipe(self.compressor(k=k), d, k)
            reached = float((memories[-1] ** 2).sum()) / UNIT**2
            judged = inequality(f"d={d}, k={k}", [law, reached], [reached, 1.07 * law], rounding=0)
            seen = ", not used to find the formula" if (d, k) in self.unseen else ""
            reason = (
                f"a sequence reaches {reached:.5g}, between 1 and 1.07 times the formula{seen}; none may reach more "
            )
            reason += f"than {memory_bound(d, k):.4g}, and whether one does is open"
            verdict = "violated" if judged.verdict == "violated" else "undecided"
            instances.append(
                replace(judged, verdict=verdict, measured=reached, bound=law, ratio=reached / law, reason=reason)
            )
        return instances
