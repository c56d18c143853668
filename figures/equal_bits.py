"""What a bit and what an epoch buys: Top-1 and the hard threshold with error feedback, and SGD."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from figures._base import Drawing, Figure, Records, verdicts
from figures._plate import Plate, Weight
from figures._sparsified import HIGHER, RUNS, SETTINGS, K, experiments, in_words, relative_gap
from figures._style import LOOKS
from toolkit.experiment import Experiment

if TYPE_CHECKING:
    import xarray

    from toolkit.arrays import Array

GAP = "relative gap"
NAMES = {
    "SGD": ("SGD, uncompressed", LOOKS["uncompressed"]),
    "Top-k": (f"EF14 + Top-{K}", LOOKS["EF14 top-k"]),
    "threshold": ("EF14 + threshold", LOOKS["EF14 threshold"]),
    "higher threshold": (f"EF14 + threshold, {HIGHER}λ", LOOKS["EF14 threshold"]),
}
REACHED = {"quick": 0.1, "full": 0.01}  # the relative gap whose price in bits the caption tells


class EqualBits(Figure):
    """Relative gap against bits, up to what both spend, and against epochs, on three data sets."""

    name = "equal-bits"
    title = "Neither sparsifier is ahead everywhere at equal bits, and a higher threshold gets as far with fewer"
    claims = ("S-a7",)

    def experiments(self, level: str) -> dict[str, Experiment]:
        return experiments(level, *NAMES)

    def draw(self, data: Mapping[str, xarray.Dataset], records: Records, level: str) -> Drawing:
        prices = []
        with Plate(panels=2 * len(SETTINGS), columns=len(SETTINGS), height=4.4) as plate:
            for one in SETTINGS:
                results = {method: data[f"{one.data}/{method}"] for method in NAMES if method != "SGD"}
                spent = min(float(results[method].bits_up.isel(step=-1).mean()) for method in ("Top-k", "threshold"))
                axes = plate.panel(f"bits, {one.data}", x="sent per worker (kbit)", y=GAP, log="y", title=one.data)
                for method, result in results.items():
                    bits = result.bits_up.mean("run").values
                    _draw(plate, axes, method, bits / 1e3, relative_gap(result), bits <= spent)
                axes.set_xlim(0, spent / 1e3)
                prices.append(_prices(one.data, results, REACHED[level]))
            for one in SETTINGS:
                axes = plate.panel(f"epochs, {one.data}", x="epoch", y=GAP, log="y")
                for method in ("SGD", "Top-k", "threshold"):
                    result = data[f"{one.data}/{method}"]
                    epoch = result.step.values / one.share
                    _draw(plate, axes, method, epoch, relative_gap(result), epoch >= 0)
            plate.figure.legend(*_keys(plate), loc="outside lower center", ncols=len(NAMES))
        caption = (
            f"Mean and range of {RUNS[level]} runs; bits are the formula count, with positions; above, up to what both "
            f"Top-{K} and the threshold have spent. Thin: a threshold {HIGHER} times as high, which spends less, its "
            f"mean. Until the gap stays below {REACHED[level]:g}: {'; '.join(prices)}. {in_words(level)} "
            f"These step sizes are beyond the range of S-a7, as the paper's are. {verdicts(self.claims, records)}"
        )
        return Drawing(self.title, plate.figure, plate.table, caption)


def _keys(plate: Plate) -> tuple[list[Any], list[str]]:
    """Return the lines of all panels with a name, each name once, in the order of the methods."""
    lines = {line.get_label(): line for axes in plate.figure.axes for line in axes.lines}
    labels = [label for label, _ in NAMES.values()]
    return [lines[label] for label in labels], labels


def _draw(plate: Plate, axes: Any, method: str, x: Array, gaps: Array, shown: Array) -> None:
    label, look = NAMES[method]
    thin = method == "higher threshold"
    ends = None if thin else (gaps.min(axis=0)[shown], gaps.max(axis=0)[shown])
    weight: Weight = "thin" if thin else "main"
    plate.measured(axes, method, x[shown], gaps.mean(axis=0)[shown], ends, look=look, weight=weight, label=label)


def _prices(name: str, results: Mapping[str, xarray.Dataset], goal: float) -> str:
    """Return the bits that the methods spend until their mean gap stays below the goal, in words."""
    spent = []
    for method, result in results.items():
        above = np.flatnonzero(relative_gap(result).mean(axis=0) > goal)[-1]
        last = above == result.sizes["step"] - 1
        bits = result.bits_up.mean("run").values[above] / 1e3
        words = "not reached" if last else f"{bits:.3g} kbit"
        spent.append(f"{method.replace('Top-k', f'Top-{K}')} {words}")
    return f"{name}, {', '.join(spent)}"
