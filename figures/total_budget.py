"""A budget of elements for the whole run: what the optimum pays, and what threshold and Top-k pay."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from figures._base import Drawing, Figure, Records, verdicts
from figures._plate import Plate
from figures._rows import lay_rows
from figures._style import LOOKS
from problems import LateImpulse
from proofs_check.claims.total_error.coupled_budget import decaying_normal
from toolkit.arrays import Array
from toolkit.budget import best_thresholds, coupled_optimum, decoupled_optimum, feed_back
from toolkit.compressors import HardThreshold, TopK

if TYPE_CHECKING:
    import xarray

T, D = 30, 6  # of the random sequences
STEPS, EARLY = 100, 8  # of the instance
SEED = 6000
THRESHOLD, TOP, OPTIMUM = LOOKS["EF14 threshold"], LOOKS["EF14 top-k"], LOOKS["optimum"]
TICKS = (0.5, 1, 2, 5, 10, 20)
DASHED, DOTTED = (0, (5, 1.5)), (0, (1, 1))
BUDGET = "budget $K$ (elements)"
ERROR = r"total error $\sum_t\|e_t\|^2$"


class TotalBudget(Figure):
    """The best schedules, and constant thresholds and Top-k for as many elements, on two kinds of gradients."""

    name = "total-budget"
    title = "With error feedback neither the constant threshold nor Top-k spends a budget best"
    claims = ("S-a3", "S-a4", "S-a4-values", "S-a4-random", "S-a4-random-top-k")

    def draw(self, data: Mapping[str, xarray.Dataset], records: Records, level: str) -> Drawing:
        g = decaying_normal(T, D, {"quick": 30, "full": 300}[level], SEED)
        paid = _paid(g)
        with Plate(panels=4, columns=2, height=6.4, shares=(1, 1.6)) as plate:
            _draw_impulses(plate)
            _draw_budgets(plate, paid)
            schedules = _schedules(g[0])
            _draw_schedules(plate, schedules)
            _draw_ratios(plate, paid)
        errors = ", ".join(f"{name} {error:.1f}" for name, (_, error) in schedules.items())
        exact, threshold, top = (paid[name].mean(axis=0) for name in ("exact", "threshold", "top"))
        caption = (
            f"Top left: {EARLY} impulses of 1 in the first of {STEPS} steps and one of 3/2 in the last, each in its "
            f"own coordinate. For {EARLY} elements the best schedule sends the early ones and leaves 9/4; the "
            f"best threshold that sends no more than {EARLY} sends the late one only, and leaves {EARLY * STEPS}. "
            "Without feedback, for given vectors (dotted), the threshold would be optimal. Top right: "
            f"{len(g)} sequences of normal gradients in {D} dimensions with variance $1/(1 + t/5)$, $T = {T}$; "
            "means. The threshold is the best one for each sequence and budget. Bottom right: the same over the "
            f"optimum with exact sends of the same sequence, median and range. At $K = {T}$ the threshold pays "
            f"{threshold[T] / exact[T]:.2f} times the optimum in the mean, and Top-1 {top[0] / exact[T]:.2f} times; "
            f"at $K = {2 * T}$ {threshold[2 * T] / exact[2 * T]:.2f} and Top-2 {top[1] / exact[2 * T]:.2f} times. "
            f"Bottom left: which coordinate (row) of the first sequence is sent when, for at most {T} elements; "
            f"total errors: {errors}. Elements are counted, not bits. {verdicts(self.claims, records)}"
        )
        return Drawing(self.title, plate.figure, plate.table, caption)


def _paid(g: Array) -> dict[str, Array]:
    """Return what is paid for each budget, shape ``(run, K)``; of Top-k for K = T, 2T, …"""
    most = (D - 1) * T
    return {
        "exact": coupled_optimum(g, most).curve,
        "free": coupled_optimum(g, most, "free").curve,
        "given": decoupled_optimum(g).curve[:, : most + 1],
        "threshold": best_thresholds(g, most).curve,
        "top": np.stack([feed_back(g, TopK(k=k)).error for k in range(1, D)], axis=-1),
    }


def _schedules(g: Array) -> dict[str, tuple[Array, float]]:
    """Return who sends what when for at most T elements of one sequence, and the total error."""
    runs = {
        "Top-1": feed_back(g, TopK(k=1)),
        "threshold": feed_back(g, HardThreshold(raw=float(best_thresholds(g, T).thresholds[T]))),
    }
    best = {"optimum, exact sends": coupled_optimum(g, T), "optimum, free values": coupled_optimum(g, T, "free")}
    found = {name: (run.messages != 0, float(run.error)) for name, run in runs.items()}
    return found | {name: (optimum.sent, float(optimum.error)) for name, optimum in best.items()}


def _draw_impulses(plate: Plate) -> None:
    g = LateImpulse(STEPS, EARLY).gradients
    budget = np.arange(EARLY + 1)
    axes = plate.panel("impulses", x=BUDGET, y=ERROR, log="y", title="impulses: eight early, one late")
    threshold = best_thresholds(g, EARLY).curve
    plate.measured(axes, "best threshold", budget, threshold, look=THRESHOLD, label="best threshold", at=0.5)
    optimum = coupled_optimum(g, EARLY).curve
    plate.theory(axes, "optimum", budget, optimum, at=0.55, side="below")
    given = decoupled_optimum(g).curve[: EARLY + 1]
    plate.theory(axes, "optimum, vectors given", budget, given, at=0.45, side="below", dashes=DOTTED)
    axes.set_ylim(0.5, 3000)


def _draw_budgets(plate: Plate, paid: Mapping[str, Array]) -> None:
    budget = np.arange(paid["exact"].shape[1])
    mean = {name: curve.mean(axis=0) for name, curve in paid.items()}
    axes = plate.panel("random", x=BUDGET, y=f"{ERROR}, mean", log="y", title="random gradients")
    axes.set_ylim(0.1, 2000)
    plate.measured(axes, "best threshold", budget, mean["threshold"], look=THRESHOLD, label="best threshold")
    at = T * np.arange(1, D)
    plate.measured(axes, "Top-k", at, mean["top"], look=TOP, weight="points", label="Top-k")
    plate.theory(axes, "optimum, exact sends", budget, mean["exact"], at=None)
    plate.theory(axes, "optimum, free values", budget, mean["free"], at=None, dashes=DASHED)
    plate.theory(axes, "optimum, vectors given", budget, mean["given"], at=None, dashes=DOTTED)
    axes.legend(loc="upper right")


def _draw_schedules(plate: Plate, schedules: Mapping[str, tuple[Array, float]]) -> None:
    axes = plate.panel("schedules", x="step $t$", y="", title="who is sent when, at most 30 sends")
    places = lay_rows(axes, {name: [str(j + 1) for j in range(D)] for name in schedules})
    for (name, (sent, _)), look in zip(schedules.items(), (TOP, THRESHOLD, OPTIMUM, OPTIMUM), strict=True):
        step, coordinate = np.nonzero(sent)
        plate.measured(axes, name, step + 1, np.array(places[name])[coordinate], look=look, weight="points")
    axes.set_xlim(0, T + 1)


def _draw_ratios(plate: Plate, paid: Mapping[str, Array]) -> None:
    budget = np.arange(1, paid["exact"].shape[1])
    title = "the same, relative to the optimum with exact sends"
    axes = plate.panel("ratio", x=BUDGET, y="total error / optimum", log="y", title=title)
    axes.set_yticks(TICKS, [f"{tick:g}" for tick in TICKS])
    axes.minorticks_off()
    exact = paid["exact"]

    def measured(name: str, at: Array, error: Array, **how: Any) -> None:
        over = error / exact[:, at]
        plate.measured(axes, name, at, np.median(over, axis=0), (over.min(axis=0), over.max(axis=0)), label=name, **how)

    measured("Top-k", T * np.arange(1, D), paid["top"], look=TOP, weight="points")
    measured("best threshold", budget, paid["threshold"][:, 1:], look=THRESHOLD)
    plate.theory(axes, "optimum, exact sends", budget, np.ones(len(budget)), at=None)
    free = np.median(paid["free"][:, 1:] / exact[:, 1:], axis=0)
    plate.theory(axes, "optimum, free values", budget, free, at=None, dashes=DASHED)
    axes.legend(loc="upper left", labelspacing=0.6)  # room for the bars
