"""How large the memory of error feedback with Top-k gets, over all sequences of gradients."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from figures._base import Drawing, Figure, Records, verdicts
from figures._plate import Plate
from figures._style import GREY, LOOKS
from proofs_check.claims.mem_sgd.memory_of_top_k import EARLIER, Conjecture, approach, run_recipe
from proofs_check.top_k_memory import contraction_bound, exact_supremum, memory_bound
from proofs_check.top_k_recipes import RECIPES, UNIT
from toolkit.arrays import Array
from toolkit.compressors import TopK

if TYPE_CHECKING:
    import xarray

LARGEST = {"quick": 7, "full": 8}  # dimension
PATH_STEPS = 5


class TopKMemory(Figure):
    """Left to what a contraction is, the bound is several times too large; in the plane the memory is known exactly."""

    name = "top-k-memory"
    title = "Top-k's memory stays far below what its contraction allows"
    claims = ("top-k-memory-exact", "top-k-memory-bound", "top-k-memory-reached", "top-k-memory-law")

    def draw(self, data: Mapping[str, xarray.Dataset], records: Records, level: str) -> Drawing:
        with Plate(panels=2, height=5.6, shares=(1.0, 1.15)) as plate:
            _draw_plane(plate)
            _draw_ratios(plate, LARGEST[level])
        reached = ", ".join(f"{value:.3g}" for value in (_reached(d, 1) for d in (3, 4, 5, 6)))
        before = ", ".join(f"{EARLIER[d, 1]:g}" for d in (3, 4, 5, 6))
        caption = (
            r"Largest $\|e_t\|^2$ of $e_{t+1} = p_t - \mathrm{Top}_k(p_t)$, $p_t = e_t + g_t$, over all "
            r"$\|g_t\| \leq 1$ from $e_0 = 0$. Above, $k = 1$ in the plane: after a step the memory lies on the "
            "axes, at most 1 from 0; so $p$ can be anywhere in the shaded set, where the smaller coordinate is at "
            "most 1, and the points are the $p_t$ of a sequence that comes as near to 1 as one likes. Below, against "
            r"$d/k$: what a contraction with $\delta = k/d$ allows depends on $d/k$ alone (upper line); crosses are a "
            f"bound that uses what Top-k is, for all $d \\leq {LARGEST[level]}$; points are sequences found by "
            f"search, run again in whole numbers ({reached} for Top-1 and $d = 3, …, 6$, where an earlier search had "
            f"{before}); up to $d = 2k$ the supremum is $d/k - 1$; the dashed formula $((3d/k - 2)/4)^2$ is a "
            f"conjecture for whole $d/k$. {verdicts(self.claims, records)}"
        )
        return Drawing(self.title, plate.figure, plate.table, caption)


def _reached(d: int, k: int) -> float:
    memories, _ = run_recipe(TopK(k=k), d, k)
    return float((memories[-1] ** 2).sum()) / UNIT**2


def _draw_plane(plate: Plate) -> None:
    """Draw the closure of what p can be: all within 1 of a memory (a, 0) or (0, a), |a| ≤ 1."""
    axes = plate.panel("the plane", x="$p_1$", y="$p_2$", title="$d = 2$, $k = 1$: what $p = e + g$ can be")
    angle = np.linspace(-np.pi / 2, np.pi / 2, 91)
    arm = np.column_stack([1 + np.cos(angle), np.sin(angle)])  # the end of the arm to the right, from (1, −1) to (1, 1)
    outline = np.concatenate([arm @ _turn(quarter) for quarter in range(4)] + [arm[:1]])
    axes.fill(*outline.T, color=LOOKS["EF14 top-k"].colour, alpha=0.15, linewidth=0)
    plate.measured(axes, "reachable p", *outline.T, look=LOOKS["EF14 top-k"])
    for end in ([-1, 1], [0, 0]), ([0, 0], [-1, 1]):
        plate.measured(axes, "reachable e", *end, look=LOOKS["EF21 top-k"])
    axes.annotate("memory $e$", (0.55, 0), (0, -4), textcoords="offset points", va="top", ha="center", fontsize=6.5)
    path = _path()
    plate.measured(axes, "p of a sequence", *path.T, look=LOOKS["no memory"], weight="points")
    axes.annotate("$p_0$", path[0], (-4, 0), textcoords="offset points", fontsize=6.5, ha="right", va="center")
    axes.annotate("$p_1$, $p_2$, …", path[1], (6, 5), textcoords="offset points", fontsize=6.5)
    axes.axhline(1, color=GREY, linewidth=0.5, linestyle=(0, (1, 2)))
    axes.axvline(1, color=GREY, linewidth=0.5, linestyle=(0, (1, 2)))
    axes.set_aspect("equal")
    axes.set_xlim(-2.15, 2.15)
    axes.set_ylim(-2.15, 2.15)


def _turn(quarter: int) -> Array:
    """Return the matrix that turns row vectors by so many right angles."""
    return np.linalg.matrix_power(np.array([[0, 1], [-1, 0]]), quarter)


def _path() -> Array:
    """Return p_t = (c, c) of the sequence that raises both coordinates to one level c, of which one stays."""
    level = np.sqrt(approach(TopK(k=1), 2, 1, PATH_STEPS))
    return np.column_stack([level, level])


def _draw_ratios(plate: Plate, largest: int) -> None:
    axes = plate.panel("all d and k", x="$d/k$", y=r"$\sup_t\,\|e_t\|^2$", log="y")
    ratio = np.linspace(1.1, largest, 300)
    few = ratio[ratio <= 2]
    generic = [contraction_bound(x, 1) for x in ratio]
    plate.theory(axes, "contraction: $q^2/(1 - q)^2$, $q^2 = 1 - k/d$", ratio, generic, at=0.6)
    pairs = [(d, k) for d in range(2, largest + 1) for k in range(1, d)]
    unknown = sorted((d / k, memory_bound(d, k)) for d, k in pairs if exact_supremum(d, k) is None)
    x, bound = np.array(unknown).T
    plate.measured(axes, "bound by sorted sums", x, bound, look=LOOKS["EF14 threshold"], label="_")
    curve = axes.lines[-1]
    curve.set(linestyle="none", marker="x", markersize=4.0, markeredgewidth=1.0, label="bound for Top-k")
    found = sorted((d / k, _reached(d, k)) for d, k in RECIPES)
    x, reached = np.array(found).T
    plate.measured(axes, "reached", x, reached, look=LOOKS["EF14 top-k"], weight="points", label="reached")
    plate.measured(axes, "exact", few, few - 1, look=LOOKS["EF21 top-k"], label="exact, $d \\leq 2k$")
    whole = np.linspace(2, largest, 100)
    law = [Conjecture().bound(x, 1) for x in whole]
    plate.theory(axes, "$((3d/k - 2)/4)^2$", whole, law, at=0.7, side="below", dashes=(0, (4, 2)))
    axes.legend(loc="lower right")
    axes.set_ylim(0.09, None)
