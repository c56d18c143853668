"""How probable it is that compression noise alone escapes from a saddle before rounding could."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from figures._base import Drawing, Records, verdicts
from figures._phases import (
    LIKE_DESCENT,
    OF_NOISE,
    OF_NOISE_STEPSIZE,
    RUNS,
    SETTING,
    Phases,
    passages,
    put_legend,
)
from figures._plate import Plate
from figures._style import COMPRESSOR_LOOKS, LOOKS
from proofs_check.claims.saddle.compression_escape import E_FOLDS, METHODS
from proofs_check.statistics import proportion_interval
from toolkit.arrays import Array

if TYPE_CHECKING:
    import xarray

NOISES = np.geomspace(1e-8, 1, 25)  # in units of the scale
ERROR_PROBABILITY = 0.05  # of a band, at each noise
PROBABILITY = r"$\mathrm{P}(\mathrm{escape})$"


class EscapeProbability(Phases):
    """Shares of the runs that have escaped at the horizon, for each compressor and memory."""

    name = "escape-probability"
    title = "Compression alone escapes from a saddle almost always or hardly ever, with a narrow border between"
    claims = ("saddle-compression-escape", "saddle-rand-k-too-slow")
    quantity = PROBABILITY
    colours = "viridis"
    border = "one half"

    def cells(self, times: Array, last: float) -> Array:
        return (times <= E_FOLDS).mean(axis=-1)

    def norm(self) -> Any:
        from matplotlib.colors import Normalize

        return Normalize(0, 1)

    def draw(self, data: Mapping[str, xarray.Dataset], records: Records, level: str) -> Drawing:
        with Plate(panels=15, columns=3, height=8.4, shares=(1, 1, 1, 0.55, 1)) as plate:
            field, diagrams = self.diagrams(plate, data, level)
            shares = (0.0, 0.1, 0.5, 0.9, 1.0)
            plate.colour_bar(
                field, diagrams, quantity=f"{PROBABILITY} by the horizon", ticks={at: f"{at:.0%}" for at in shares}
            )
            for how in METHODS:
                self.noise(plate, data, how)
            put_legend(plate)
        between = ", ".join(
            f"{((cells > 0.1) & (cells < 0.9)).mean():.0%} ({how}; mean {cells.mean():.2f})"
            for how, cells in self.with_parameter(data, level).items()
        )
        caption = (
            f"{SETTING} Colours: the share of {RUNS[level]} runs with $|\\langle v, x\\rangle| \\geq R$ before the "
            f"horizon, {E_FOLDS:g} e-folds of descent, $(1 + \\eta\\gamma)^t$, half of those that rounding needs; an "
            f"unstable run does not count. Between 10 and 90 % are {between} of the cells with a parameter. Bottom: "
            "the same probability from the saddle itself, with noise that avoids $v$, "
            f"$\\eta\\gamma = {OF_NOISE_STEPSIZE}$, {4 * RUNS[level]} runs; bands: exact intervals, each right with "
            f"probability {1 - ERROR_PROBABILITY:.0%}. {verdicts(self.claims, records)}"
        )
        return Drawing(self.title, plate.figure, plate.table, caption)

    def noise(self, plate: Plate, data: Mapping[str, xarray.Dataset], how: str) -> None:
        axes = plate.panel(f"noise, {how}", x=r"noise $\sigma/R$", y=PROBABILITY, log="x", title=f"noise, {how}")
        curves = {name: (f"{name}, {how}, noise", COMPRESSOR_LOOKS[look]) for name, (_, look) in OF_NOISE.items()}
        curves |= {name: (f"{name}, noise", LOOKS[look]) for name, look in LIKE_DESCENT.items()}
        for name, (key, look) in curves.items():
            escaped = passages(data[key], NOISES) <= E_FOLDS
            found = [proportion_interval(int(one.sum()), one.size, ERROR_PROBABILITY) for one in escaped]
            ends = np.array([one.low for one in found]), np.array([one.high for one in found])
            plate.measured(axes, name, NOISES, escaped.mean(axis=1), ends, look=look, label=name)
        axes.set_ylim(-0.03, 1.03)
        axes.set_xticks([1e-8, 1e-6, 1e-4, 1e-2, 1])
        axes.minorticks_off()
