"""EF-GD-star: without heterogeneity and noise, Top-k and a fixed raw threshold come down to rounding."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from figures._base import Drawing, Figure, Records, verdicts
from figures._plate import Plate
from figures._sparsified import logistic, relative_gap
from figures._style import LOOKS
from toolkit.algorithms import EFGDStar
from toolkit.compressors import HardThreshold, TopK
from toolkit.experiment import Experiment

if TYPE_CHECKING:
    import xarray

DATA, CONDITION, SHIFT, RAW = "madelon-like", 100, 0.005, 1e-7
COUNTS = {20: 1, 100: 5}  # workers, and the k of Top-k
STEPS = {
    "quick": {(20, "Top-k"): 120, (100, "Top-k"): 80, (20, "threshold"): 80, (100, "threshold"): 60},
    "full": {(20, "Top-k"): 5600, (100, "Top-k"): 2800, (20, "threshold"): 1500, (100, "threshold"): 1000},
}
DEEP = 1e-13  # the relative gap whose price in bits the caption tells
LOWEST = 1e-16  # relative gap shown: below it is rounding


class WithoutHeterogeneity(Figure):
    """Relative gap against bits, and the memory with the threshold's bound, with 20 and with 100 workers."""

    name = "without-heterogeneity"
    title = "With gradients shifted to 0 at the minimiser both converge: Top-k step by step, the threshold in one burst"
    claims = ("S-a5",)

    def experiments(self, level: str) -> dict[str, Experiment]:
        return {
            f"{n}/{name}": _experiment(n, compressor, STEPS[level][n, name])
            for n, k in COUNTS.items()
            for name, compressor in (("Top-k", TopK(k=k)), ("threshold", HardThreshold(raw=RAW)))
        }

    def draw(self, data: Mapping[str, xarray.Dataset], records: Records, level: str) -> Drawing:
        looks = {"Top-k": LOOKS["EF14 top-k"], "threshold": LOOKS["EF14 threshold"]}
        prices = []
        with Plate(panels=4, columns=2, height=4.6) as plate:
            for n, k in COUNTS.items():
                labels = {"Top-k": f"Top-{k}", "threshold": "hard threshold"}
                axes = plate.panel(
                    f"gap, n = {n}", x="sent per worker (Mbit)", y="relative gap", log="y", title=f"{n} workers"
                )
                for name, look in looks.items():
                    result = data[f"{n}/{name}"]
                    gap = relative_gap(result)[0]
                    bits = result.bits_up.values[0] / 1e6
                    plate.measured(axes, name, bits, gap, look=look, label=labels[name])
                    prices.append(f"{labels[name]} with {n} workers {_price(gap, bits)}")
                axes.set_ylim(bottom=max(LOWEST, axes.get_ylim()[0]))
                axes.legend(loc="lower left")
            for n in COUNTS:
                axes = plate.panel(f"memory, n = {n}", x="step $t$", y=r"memory $n^{-1}\sum_i\|e_t^i\|^2$", log="y")
                for name, look in looks.items():
                    result = data[f"{n}/{name}"]
                    plate.measured(axes, name, result.step, result.memory_norm_sq.values[0], look=look)
                longest = data[f"{n}/Top-k"].step.values[[0, -1]]
                bound = logistic(DATA, n, CONDITION).dimension * RAW**2
                plate.theory(axes, r"S-a5: $d\cdot\mathrm{raw}^2$", longest, [bound, bound], at=0.5, side="below")
        problem = logistic(DATA, 20, CONDITION)
        gamma = _stepsize(20)
        caption = (
            f"EF-GD-star on the Madelon-like logistic regression ({problem.left_out}), whose features are far from "
            f"centred: $d = {problem.dimension}$, $\\ell_2 = L/{CONDITION}$ (a hundred times the paper's, so that a "
            f"tenth of its steps are enough), $\\gamma = 1/(L + \\ell_2) = {gamma:.3g}$, start "
            f"$x^* + {SHIFT:g}\\cdot(1, \\dots, 1)$, raw threshold {RAW:g} ($\\lambda = {RAW / gamma:.3g}$). Bits are "
            f"the formula count, with positions. Until the gap stays below {DEEP:g}: {'; '.join(prices)}. "
            "The threshold sends nearly everything at first, then nearly nothing; its memory stays at the level of "
            f"its bound, and the gap with it. {verdicts(self.claims, records)}"
        )
        return Drawing(self.title, plate.figure, plate.table, caption)


def _experiment(n: int, compressor: HardThreshold | TopK, steps: int) -> Experiment:
    problem = logistic(DATA, n, CONDITION)
    x_star: Any = problem.x_star
    every_step, later = np.arange(min(steps, 40)), np.linspace(min(steps, 40), steps, 120).astype(int)
    return Experiment(
        problem,
        EFGDStar(),
        compressor,
        stepsize=_stepsize(n),
        steps=steps,
        x0=x_star + SHIFT,
        record=np.union1d(every_step, later).tolist(),
    )


def _stepsize(n: int) -> float:
    """Return 1/(L + ℓ2)."""
    L: Any = logistic(DATA, n, CONDITION).constants.L
    return 1 / float(L)


def _price(gap: np.ndarray, bits: np.ndarray) -> str:
    """Return the bits until the gap stays below the goal, in words."""
    above = np.flatnonzero(gap > DEEP)[-1]
    return "not reached" if above == gap.size - 1 else f"{bits[above + 1]:.3g} Mbit"
