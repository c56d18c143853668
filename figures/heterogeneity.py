"""What workers that differ cost: Top-k error, which grows with the square; the hard threshold bits, up to all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from figures._base import Drawing, Figure, Records, verdicts
from figures._plate import Plate
from figures._style import LOOKS
from proofs_check.claims.total_error.heterogeneity import (
    STEPS,
    STEPSIZE,
    THRESHOLD,
    K,
    floor_bound,
    late_gap,
    late_sends,
    threshold_runs,
    top_k_runs,
    unlike_workers,
)
from proofs_check.claims.total_error.price_in_bits import predicted_sends
from toolkit.experiment import Experiment

if TYPE_CHECKING:
    import xarray

SCALES = {
    "quick": (0.1, 0.3, 1.0, 3.0, 10.0),
    "full": (0.01, 0.03, 0.1, 0.2, 0.3, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 30.0, 100.0),
}


class Heterogeneity(Figure):
    """The gap at which Top-2 and the threshold stay, and what the threshold sends, against s in ∇f_i(x*) = s·b_i."""

    name = "heterogeneity"
    title = "Heterogeneity costs Top-2 error, which grows with its square, and the threshold bits"
    claims = ("S-a10-top-k", "S-a10-threshold", "S-a9-closed", "S-a10-reversal")

    def experiments(self, level: str) -> dict[str, Experiment]:
        scales, steps = SCALES[level], STEPS[level]
        return {"threshold": threshold_runs(scales, steps), "Top-k": top_k_runs(scales, steps)}

    def draw(self, data: Mapping[str, xarray.Dataset], records: Records, level: str) -> Drawing:
        scales = SCALES[level]
        s, problem = np.array(scales), unlike_workers()
        floors = {name: late_gap(result, scales) for name, result in data.items()}
        sends = late_sends(data["threshold"])
        fine = np.geomspace(s[0], s[-1], 400)
        with Plate(panels=2, height=4.6) as plate:
            axes = plate.panel("floors", x="heterogeneity $s$", y="gap, mean over the second half", log="xy")
            for name, look, label, at in (
                ("Top-k", LOOKS["EF14 top-k"], f"Top-{K}", 0.9),
                ("threshold", LOOKS["EF14 threshold"], "threshold", 0.75),
            ):
                runs = floors[name]
                ends = runs.min(axis=0), runs.max(axis=0)
                plate.measured(axes, name, s, runs.mean(axis=0), ends, look=look, weight="points", label=label, at=at)
            level_of_square = np.exp(np.mean(np.log(floors["Top-k"].mean(axis=0) / s**2)))
            plate.theory(axes, r"$\propto s^2$", s, level_of_square * s**2, at=0.2, side="below")
            bound = floor_bound(1.0, STEPSIZE, problem.dimension * THRESHOLD**2)
            plate.theory(axes, r"S-a7: $6L\gamma^2\kappa^2$", s[[0, -1]], [bound, bound], at=0.25)
            axes = plate.panel("sends", x="heterogeneity $s$", y="entries sent per step and worker", log="x")
            law = [predicted_sends(THRESHOLD, one * problem.linear) for one in fine]
            plate.theory(axes, "S-a9", fine, law, at=0.55)
            ends = sends.min(axis=0), sends.max(axis=0)
            look = LOOKS["EF14 threshold"]
            plate.measured(axes, "threshold", s, sends.mean(axis=0), ends, look=look, weight="points")
            plate.measured(axes, "Top-k", s[[0, -1]], [K, K], look=LOOKS["EF14 top-k"], label=f"Top-{K}", at=0.8)
            axes.set_ylim(0, problem.dimension)
        told = ", ".join(f"{sends[:, scales.index(one)].mean():.2f} at $s = {one:g}$" for one in (1.0, 3.0, 10.0))
        caption = (
            "Error feedback with full gradients on $f_i(x) = \\frac{1}{2}x^\\top\\mathrm{diag}(h)x + s\\,b_i^\\top x$, "
            f"{problem.workers} workers, $d = {problem.dimension}$, $h \\in [0.5, 1]$, $\\gamma = {STEPSIZE:g}$, "
            f"$\\lambda = {THRESHOLD:g}$, {STEPS[level]} steps: means over the second half, over {len(sends)} starts, "
            f"with their range. The threshold sends {told}, as S-a9 says of a resting iterate. Among equal workers, "
            f"$s = 0$, Top-{K} converges and the threshold runs in a cycle, at a gap of some $10^{{-2}}$. "
            f"{verdicts(self.claims, records)}"
        )
        return Drawing(self.title, plate.figure, plate.table, caption)
