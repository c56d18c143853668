"""When compression noise alone escapes from a saddle: against step size and compression, and against noise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from figures._base import Drawing, Records, verdicts
from figures._phases import (
    LAST,
    LIKE_DESCENT,
    OF_NOISE,
    OF_NOISE_STEPSIZE,
    RUNS,
    SETTING,
    Phases,
    e_folds,
    passages,
    put_legend,
)
from figures._plate import Plate
from figures._style import COMPRESSOR_LOOKS, LOOKS
from proofs_check.claims.saddle.compression_escape import E_FOLDS, METHODS
from toolkit.arrays import Array

if TYPE_CHECKING:
    import xarray

NOISES = np.geomspace(1e-5, 0.3, 30)  # in units of the scale
TIME = r"$t_{\rm escape}\,\ln(1 + \eta\gamma)$"


class PhaseDiagrams(Phases):
    """Escape times in the colours of diagrams, one for each compressor and memory."""

    name = "phase-diagrams"
    title = "Off the axes compression alone escapes from a saddle, long before rounding; without memory often slowly"
    claims = (
        "saddle-compression-escape",
        "saddle-rounding-escape",
        "saddle-rand-k-too-slow",
        "saddle-compressed-growth",
        "saddle-rand-k-escape-time",
        "saddle-ef21-is-ef14",
    )
    quantity = TIME
    colours = "viridis_r"
    border = "horizon"

    def cells(self, times: Array, last: float) -> Array:
        return _median(times, last)

    def norm(self) -> Any:
        from matplotlib.colors import LogNorm

        return LogNorm(7, 50)

    def draw(self, data: Mapping[str, xarray.Dataset], records: Records, level: str) -> Drawing:
        with Plate(panels=15, columns=3, height=8.4, shares=(1, 1, 1, 0.55, 1)) as plate:
            field, diagrams = self.diagrams(plate, data, level)
            rounded = e_folds(data["descent"])
            marks = {E_FOLDS: "horizon", LAST: "end of runs", float(rounded.min()): "rounding"}
            ticks = {at: f"{at:g}" for at in (8.0, 10.0, 12.0, 15.0, 24.0)}
            ticks |= {at: f"{at:.3g}\n{words}" for at, words in marks.items()}
            plate.colour_bar(field, diagrams, quantity=f"median {TIME}", ticks=ticks)
            for how in METHODS:
                self.noise(plate, data, how)
            put_legend(plate)
        counts = ", ".join(
            f"{(cells <= E_FOLDS).mean():.0%} ({how})" for how, cells in self.with_parameter(data, level).items()
        )
        caption = (
            f"{SETTING} Colours: after how many e-folds of descent, $(1 + \\eta\\gamma)^t$, the median of "
            f"{RUNS[level]} runs has $|\\langle v, x\\rangle| \\geq R$; white: most do not by {LAST:g}, when rounding "
            f"cannot matter yet. Descent is pushed off by rounding alone, and escapes after {rounded.min():.3g} to "
            f"{rounded.max():.3g}. By the horizon, {E_FOLDS:g} (line), most runs escape in {counts} "
            "of the cells with a parameter. Bottom: from the saddle itself, with noise that avoids "
            f"$v$, $\\eta\\gamma = {OF_NOISE_STEPSIZE}$; the slower $\\langle v, x\\rangle$ grows, the steeper a line. "
            f"{verdicts(self.claims, records)}"
        )
        return Drawing(self.title, plate.figure, plate.table, caption)

    def noise(self, plate: Plate, data: Mapping[str, xarray.Dataset], how: str) -> None:
        axes = plate.panel(f"noise, {how}", x=r"noise $\sigma/R$", y=TIME, log="x", title=f"noise, {how}")
        for name, (_, look) in OF_NOISE.items():
            times = _median(passages(data[f"{name}, {how}, noise"], NOISES))
            plate.measured(axes, name, NOISES, times, look=COMPRESSOR_LOOKS[look], label=name)
        for name, look in LIKE_DESCENT.items():
            times = _median(passages(data[f"{name}, noise"], NOISES))
            plate.measured(axes, name, NOISES, times, look=LOOKS[look], label=name)
        plate.theory(axes, "horizon", NOISES[[0, -1]], [E_FOLDS] * 2, at=None)
        axes.set_ylim(0, 55)
        axes.set_xticks([1e-5, 1e-3, 1e-1])
        axes.minorticks_off()


def _median(times: Array, last: float = np.inf) -> Array:
    """Return the median of the runs, NaN where most do not escape by the last time."""
    median = np.median(times, axis=-1)
    return np.where(np.isfinite(median) & (median <= last), median, np.nan)
