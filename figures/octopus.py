"""The octopus: descent waits κ times as long at every saddle, perturbed descent does not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from figures._base import Drawing, Figure, Records, verdicts
from figures._plate import Plate
from figures._style import LOOKS
from problems import Octopus as Function
from proofs_check.claims.saddle.octopus import PAPER, Underflow, perturbed
from toolkit.arrays import Array
from toolkit.experiment import Experiment

if TYPE_CHECKING:
    import xarray

DIMENSIONS = (5, 10)
RUNS = {"quick": 4, "full": 20}
SETTLED = 3  # legs after which their ratio is κ on the page
BEYOND = 1.6  # times the last passage: what is shown


class Octopus(Figure):
    """The gap in units of ν, which is the number of coordinates still to pass, against steps."""

    name = "octopus"
    title = "On the octopus gradient descent waits κ times as long at every saddle; perturbed descent does not"
    claims = ("A3-leg-factor", "A3-exponential-time", "A3-linear-time", "A3-underflow")

    def experiments(self, level: str) -> dict[str, Experiment]:
        found = {f"d={d}, L={L:g}": perturbed(d, L, RUNS[level]) for d in DIMENSIONS for L in PAPER}
        return found | {f"float64, {name}": one for name, one in Underflow().experiments(level).items()}

    def draw(self, data: Mapping[str, xarray.Dataset], records: Records, level: str) -> Drawing:
        with Plate(panels=8, columns=4, height=3.7) as plate:
            for d in DIMENSIONS:
                for L in PAPER:
                    self.panel(plate, Function(d, L), data)
            handles: dict[str, Any] = {}
            for axes in plate.figure.axes:
                lines, labels = axes.get_legend_handles_labels()
                handles |= dict(zip(labels, lines, strict=True))
            plate.figure.legend(list(handles.values()), list(handles), loc="outside lower center", ncols=4)
        frozen = [name.removeprefix("float64, ") for name in data if name.startswith("float64")]
        caption = (
            "From $(1, \\dots, 1)$ with $\\eta = 1/(4L)$, $\\gamma = 1$, $\\tau = e$; $f - f^*$ in units of $\\nu$ is "
            "the number of coordinates still to pass. On the logarithmic axis plateaus that grow by $\\kappa(\\eta)$ "
            "are equally wide: the line joins the ends that legs have if each is $\\kappa$ times as long as the one "
            "before, from the third on. Descent is computed with the logarithms of waiting coordinates, so that "
            "nothing underflows. The plateaus of perturbed descent are all as long: mean and range of "
            f"{RUNS[level]} runs, $r = e/100$, $g_{{\\rm thr}} = \\gamma e/100$, $t_{{\\rm thr}} = 1$. Dotted, for "
            "$d = 10$: where a simulation in float64 is frozen for ever, an artefact of arithmetic (run here for "
            f"{', '.join(frozen)}). {verdicts(self.claims, records)}"
        )
        return Drawing(self.title, plate.figure, plate.table, caption)

    def panel(self, plate: Plate, octopus: Function, data: Mapping[str, xarray.Dataset]) -> None:
        d, L, stepsize = octopus.dimension, octopus.L, 1 / (4 * octopus.L)
        kappa = octopus.leg_factor(stepsize)
        title = f"$d = {d}$, $L/\\gamma = {L:g}$: $\\kappa = {kappa:.2f}$"
        axes = plate.panel(title, x="step $t$", y=r"$(f - f^*)/\nu$", log="x", title=title)
        passages = octopus.passages(stepsize)
        step, gap = _descent(octopus, stepsize, passages)
        name = f"float64, L={L:g}"
        if d == DIMENSIONS[-1] and name in data:
            # A step of the last two moves nothing, so that this is also the gap at all later ones.
            level = data[name].f_gap.values[0, -1] / octopus.nu
            at = [float(data[name].step[-1]), BEYOND * passages[-1]]
            plate.measured(
                axes, "descent in float64", at, [level] * 2, look=LOOKS["frozen"], label="descent in float64: frozen"
            )
        plate.measured(axes, "descent", step, gap, look=LOOKS["uncompressed"], label="gradient descent")
        runs = data[f"d={d}, L={L:g}"]
        gaps = runs.f_gap.values[:, 1:] / octopus.nu
        ends, look = (gaps.min(axis=0), gaps.max(axis=0)), LOOKS["perturbed"]
        t = runs.step.values[1:]
        plate.measured(axes, "perturbed descent", t, gaps.mean(axis=0), ends, look=look, label="perturbed descent")
        legs = np.diff(passages, prepend=0)[SETTLED - 1] * kappa ** np.arange(d - SETTLED + 1)
        ends_of_legs = passages[SETTLED - 2] + legs.cumsum()
        plate.theory(axes, r"ends of legs by $\kappa(\eta)$", ends_of_legs, d - np.arange(SETTLED, d + 1), at=None)
        axes.set_xlim(1, BEYOND * passages[-1])
        axes.set_ylim(-0.03 * d, 1.05 * d)


def _descent(octopus: Function, stepsize: float, passages: Array) -> tuple[Array, Array]:
    """Return steps that show every seam, and the gap of descent there in units of ν."""
    around = (passages[:, None] + np.arange(-12, 13)).ravel()
    steps = np.unique(np.concatenate([np.geomspace(1, BEYOND * passages[-1], 200).astype(int), around]))
    steps = steps[steps >= 1]
    points, _ = octopus.descent(stepsize, steps.tolist())
    return steps, octopus.gap(points[:, None]) / octopus.nu
