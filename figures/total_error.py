"""What the memory of error feedback holds, and what goes over the wire: Top-1 against the hard threshold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from figures._base import Drawing, Figure, Records, verdicts
from figures._plate import Plate
from figures._sparsified import RUNS, SETTINGS, K, experiments, in_words
from figures._style import LOOKS
from toolkit.experiment import Experiment

if TYPE_CHECKING:
    import xarray

NAMES = {
    "Top-k": (f"Top-{K}", LOOKS["EF14 top-k"]),
    "threshold": ("hard threshold", LOOKS["EF14 threshold"]),
}


class TotalError(Figure):
    """Bits per ten steps, the memory with the threshold's bound, and its sum over the run, on three data sets."""

    name = "total-error"
    title = "At the same bits Top-1's error bursts early, and the threshold's messages do"
    claims = ("S-a5",)

    def experiments(self, level: str) -> dict[str, Experiment]:
        return experiments(level, *NAMES)

    def draw(self, data: Mapping[str, xarray.Dataset], records: Records, level: str) -> Drawing:
        told = []
        with Plate(panels=3 * len(SETTINGS), columns=len(SETTINGS), height=6.2) as plate:
            for one in SETTINGS:
                axes = plate.panel(f"bits, {one.data}", x="step $t$", y="bits per 10 steps", log="x", title=one.data)
                for method, (label, look) in NAMES.items():
                    result = data[f"{one.data}/{method}"]
                    rate = 10 * np.diff(result.bits_up.values, axis=1) / np.diff(result.step.values)
                    ends = rate.min(axis=0), rate.max(axis=0)
                    plate.measured(axes, method, result.step[1:], rate.mean(axis=0), ends, look=look, label=label)
                axes.set_ylim(bottom=0)
            for quantity, label in (
                ("memory_norm_sq", r"memory $n^{-1}\sum_i\|e_t^i\|^2$"),
                ("total_error", r"total $\sum_{s\leq t}n^{-1}\sum_i\|e_s^i\|^2$"),
            ):
                for one in SETTINGS:
                    axes = plate.panel(f"{quantity}, {one.data}", x="step $t$", y=label, log="xy")
                    step = data[f"{one.data}/Top-k"].step.values
                    for method, (name, look) in NAMES.items():
                        runs = data[f"{one.data}/{method}"][quantity].values
                        ends = runs.min(axis=0), runs.max(axis=0)
                        plate.measured(axes, method, step, runs.mean(axis=0), ends, look=look, label=name)
                    bound = one.problem.dimension * (one.stepsize * one.lam) ** 2
                    times = step if quantity == "total_error" else np.ones(step.size)
                    plate.theory(axes, r"S-a5: $d\cdot\mathrm{raw}^2$", step, bound * times, at=None)
                    _whole_decades(axes)
            plate.figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=3)
            for one in SETTINGS:
                told.append(_told(one.data, *(data[f"{one.data}/{method}"] for method in NAMES)))
        caption = (
            f"EF14, mean and range of {RUNS[level]} runs; bits are the formula count, with positions, as means over "
            f"the 10 or 50 steps between two records. Top-{K} sends the same at every step and keeps the rest; "
            "the threshold's memory never exceeds $d\\cdot\\mathrm{raw}^2$, known before the run. "
            f"{' '.join(told)} {in_words(level)} {verdicts(self.claims, records)}"
        )
        return Drawing(self.title, plate.figure, plate.table, caption)


def _whole_decades(axes: Any) -> None:
    """Let the vertical axis begin and end at powers of ten."""
    low, high = axes.get_ylim()
    axes.set_ylim(10 ** np.floor(np.log10(low)), 10 ** np.ceil(np.log10(high)))


def _told(name: str, top: xarray.Dataset, threshold: xarray.Dataset) -> str:
    """Return what is seen on one data set, in numbers."""
    memory = top.memory_norm_sq.mean("run")
    peak, when, late = float(memory.max()), int(memory.idxmax("step")), float(memory.isel(step=-1))
    bits = float(threshold.bits_up.isel(step=-1).mean() / top.bits_up.isel(step=-1).mean())
    total = float(top.total_error.isel(step=-1).mean() / threshold.total_error.isel(step=-1).mean())
    return (
        f"On {name} Top-{K}'s memory peaks at {peak:.2g} in step {when} and ends at {late:.2g}; the threshold, with "
        f"{bits:.2f} times its bits, has {threshold.memory_norm_sq.mean('run').max():.2g} at most; in total Top-{K} "
        f"loses {total:.2g} times as much."
    )
