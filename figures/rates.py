"""Measured rates over the theory lines: one over the root of the steps and of the workers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from figures._base import Drawing, Figure, Records, verdicts
from figures._plate import Plate
from figures._style import LOOKS
from proofs_check.claims.total_error.rates import CONFIDENCE, Rate, in_steps, in_workers, measured
from proofs_check.statistics import mean_interval
from toolkit.experiment import Experiment
from toolkit.rates import slope

if TYPE_CHECKING:
    import xarray

AXES = {"T": "steps $T$", "n": "workers $n$"}


class Rates(Figure):
    """The mean squared gradient norm against T and against n, with γ ∝ √(n/T), and both sides of S-a6."""

    name = "rates"
    title = "Error feedback gains from steps and workers as plain SGD does"
    claims = ("T-a5-steps", "T-a5-workers", "S-a6")

    def experiments(self, level: str) -> dict[str, Experiment]:
        return {
            f"{rate.variable}/{name}": experiment
            for rate in (in_steps(level), in_workers(level))
            for name, experiment in rate.experiments.items()
        }

    def draw(self, data: Mapping[str, xarray.Dataset], records: Records, level: str) -> Drawing:
        with Plate(panels=2, height=4.6) as plate:
            for rate in (in_steps(level), in_workers(level)):
                runs = measured(rate, {name: data[f"{rate.variable}/{name}"] for name in rate.experiments})
                _draw_rate(plate, rate, runs)
        caption = (
            "EF14 with a hard threshold on a noisy, heterogeneous quadratic, $\\gamma = c\\sqrt{n/T}$: points are "
            f"means of {len(runs)} runs with bars (mostly within the points), slopes have intervals, both of "
            f"{CONFIDENCE:.0%} confidence. The memory's part of S-a6, of another slope, is small in this window. "
            f"{verdicts(self.claims, records)}"
        )
        return Drawing(self.title, plate.figure, plate.table, caption)


def _draw_rate(plate: Plate, rate: Rate, runs: np.ndarray) -> None:
    """Draw the measured points, the law through them, and the right side of S-a6 with its memory part."""
    axes = plate.panel(
        f"against {rate.variable}", x=AXES[rate.variable], y=r"mean of $\|\nabla f(x_t)\|^2$ over $t<T$", log="xy"
    )
    mean = runs.mean(axis=0)
    axes.set_xticks(rate.values, [f"{value:g}" for value in rate.values])
    axes.minorticks_off()
    level = np.exp(np.mean(np.log(mean) + np.log(rate.values) / 2))
    plate.theory(
        axes, f"$\\propto {rate.variable}^{{-1/2}}$", rate.values, level * rate.values**-0.5, at=0.9, side="below"
    )
    plate.theory(axes, "S-a6, right side", rate.values, rate.bound, at=0.7)
    plate.theory(axes, "its memory part", rate.values, rate.memory_term, at=0.7)
    interval = mean_interval(runs, 1 - CONFIDENCE)
    found = slope(rate.values, runs, confidence=CONFIDENCE)
    plate.measured(
        axes,
        "measured",
        rate.values,
        mean,
        (interval.low, interval.high),
        look=LOOKS["EF14 threshold"],
        weight="points",
        label=f"measured, slope {found.value:.3f} [{found.low:.3f}, {found.high:.3f}]".replace("-", "−"),
        at=0.4,
    )
