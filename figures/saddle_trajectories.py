"""Seven methods at a saddle in the plane, turned against the axes: who is pushed off its stable direction."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from figures._base import Drawing, Figure, Records, verdicts
from figures._pairs import Pair
from figures._plate import Plate
from figures._style import LOOKS
from problems.rotated import Rotated
from problems.saddles.strict_saddle import StrictSaddle
from toolkit.algorithms import EF21, SGD, CompressedSGD, ErrorFeedback
from toolkit.algorithms.perturbed_gd import PerturbedGD
from toolkit.arrays import Array
from toolkit.compressors import Identity, RandK, ScaledSign, TopK
from toolkit.experiment import Experiment

if TYPE_CHECKING:
    import xarray
    from matplotlib.axes import Axes

METHODS = {
    "gradient descent": Pair(SGD(), Identity(), "uncompressed"),
    "perturbed descent": Pair(PerturbedGD(radius=0.3, threshold=0.05, patience=10), Identity(), "perturbed"),
    "Top-1, no memory": Pair(CompressedSGD(), TopK(k=1), "no memory"),
    "sign, no memory": Pair(CompressedSGD(), ScaledSign(), "raw sign"),
    "Top-1, EF14": Pair(ErrorFeedback(), TopK(k=1), "EF14 top-k"),
    "Rand-1, EF14": Pair(ErrorFeedback(), RandK(k=1), "EF14 rand-k"),
    "Top-1, EF21": Pair(EF21(), TopK(k=1), "EF21 top-k"),
}
SADDLE = StrictSaddle([-1.0, 1.0], rho=4.0)  # with wells 3/2 away
RANDOM = ("perturbed descent", "Rand-1, EF14")
RUNS, STEPS, STEPSIZE = 4, 100, 0.1
ANGLE = 30  # degrees, from the first axis to the escape direction
FAR = 1.2  # of the start, along the stable direction
X, Y = (-1.75, 1.75), (-1.3, 1.3)
LEVELS = (-0.5, -0.4, -0.25, -0.1, 0.0, 0.1, 0.3, 0.6, 1.0)
GRID = 60  # even, so that the crossing of f = 0 is between points
ARRIVED = 0.1  # of the saddle's height above the minima: below it a run has escaped


def problem() -> Rotated:
    """Return the saddle in the basis of its directions (escape, stable)."""
    cosine, sine = np.cos(np.radians(ANGLE)), np.sin(np.radians(ANGLE))
    return Rotated(SADDLE, basis=[[cosine, sine], [-sine, cosine]])


class SaddleTrajectories(Figure):
    """Trajectories on contours from one start, exactly on the stable direction, and the way along the escape."""

    name = "saddle-trajectories"
    title = "Off the axes compression itself pushes off a saddle's stable direction, the more the less is remembered"
    claims = ("saddle-compression-escape", "saddle-rounding-escape", "saddle-top-1-freeze", "saddle-memory-release")

    def experiments(self, level: str) -> dict[str, Experiment]:
        turned = problem()
        return {
            name: Experiment(
                turned, pair.method, pair.compressor, stepsize=STEPSIZE, steps=STEPS,
                runs=RUNS if name in RANDOM else 1, x0=turned.basis[1] * FAR, record="all", keep=("x",), unproven=True,
            )
            for name, pair in METHODS.items()
        }  # fmt: skip

    def draw(self, data: Mapping[str, xarray.Dataset], records: Records, level: str) -> Drawing:
        turned = problem()
        contours = _contours(turned)
        times = {name: _escapes(data[name]) for name in METHODS}
        with Plate(panels=8, columns=4, height=3.7) as plate:
            for name, pair in METHODS.items():
                self.trajectories(plate, name, pair, data[name], contours, times[name])
            axes = plate.panel(
                "escape", x="step $t$", y=r"$|\langle v, x_t\rangle|$", log="y", title="along the escape"
            )
            self.escapes(plate, axes, turned, data)
        known = "; ".join(f"{name}: {_in_words(found)}" for name, found in times.items())
        caption = (
            r"$f(Qx)$, $f(u) = \frac{1}{2}(u_2^2 - u_1^2)$ with wells at $u_1 = \pm\frac{3}{2}$, escape direction "
            f"$v$ turned by {ANGLE}° from the first axis; exact gradients, $\\eta = {STEPSIZE:g}$, {STEPS} steps from "
            "exactly on the stable direction (dashed). Descent ends at the saddle (×), where rounding would need "
            "about 378 steps to push it off. One coordinate per message is a push by itself: without a memory it is "
            "large and the runs end in a well (dots) soon; with one, what was not sent returns and the runs keep to "
            f"descent's way for longer. Random ones four times. Steps until $f$ is {ARRIVED:.0%} of the "
            f"saddle's height above the minimum, $t$ in the panels: {known}. Top-1 freezes where workers differ across "
            f"the escape; here there is one. {verdicts(self.claims, records)}"
        )
        return Drawing(self.title, plate.figure, plate.table, caption)

    def trajectories(
        self, plate: Plate, name: str, pair: Pair, result: xarray.Dataset, contours: dict[str, Array], times: list[int]
    ) -> None:
        axes = plate.panel(name, x="$x_1$", y="$x_2$")
        axes.set_title(name, color=LOOKS[pair.look].ink)
        escaped = "never" if not times else "$t$ = " + " to ".join(map(str, sorted({min(times), max(times)})))
        axes.annotate(escaped, (0.03, 0.04), xycoords="axes fraction", fontsize=6.5)
        for label, path in contours.items():
            plate.theory(axes, label, *path.T, at=None, dashes=(0, (1, 2.5)))
            axes.lines[-1].set(linewidth=0.4, alpha=0.55)
        turned = problem()
        line = np.array([[-1.0], [1.0]]) * turned.basis[1] * 1.6
        plate.theory(axes, "stable direction", *line.T, at=None, dashes=(0, (4, 2)))
        for run, x in enumerate(result["x"].values[:, :, 0]):
            plate.measured(axes, f"{name}, run {run}", *x.T, look=LOOKS[pair.look], weight="thin" if run else "main")
            axes.lines[-1].set(marker="o", markersize=1.4, markeredgewidth=0)
        for side in (1, -1):
            axes.annotate("●", side * SADDLE.wells @ turned.basis, ha="center", va="center_baseline", fontsize=6)
        axes.annotate("×", (0, 0), ha="center", va="center_baseline", fontsize=9)
        axes.set_aspect("equal")
        axes.set_xlim(*X)
        axes.set_ylim(*Y)

    def escapes(self, plate: Plate, axes: Axes, turned: Rotated, data: Mapping[str, xarray.Dataset]) -> None:
        for name, pair in METHODS.items():
            look = LOOKS[pair.look]
            for run, x in enumerate(data[name]["x"].values[:, :, 0]):
                along = abs(x @ turned.basis[0])
                t, label = np.arange(len(along)), f"{name}, run {run}"
                plate.measured(axes, label, t, along, look=look, weight="thin" if run else "main")
        t = np.arange(65, 96)
        law = 0.0015 * (1 + STEPSIZE) ** (t - 65)
        plate.theory(axes, r"$\propto (1 + \eta\gamma)^t$", t, law, at=0.5, side="below")
        axes.set_ylim(1e-3, 3)


def _escapes(result: xarray.Dataset) -> list[int]:
    """Return the first steps at which runs are near the minimum, of those that come there."""
    low = result.f_gap.values <= -ARRIVED * SADDLE.f_star
    return [int(one.argmax()) for one in low if one.any()]


def _in_words(times: list[int]) -> str:
    return ", ".join(map(str, times)) or "never"


def _contours(turned: Rotated) -> dict[str, Array]:
    """Return where f has some values, as paths by name."""
    from contourpy import contour_generator

    x, y = np.linspace(*X, GRID), np.linspace(*Y, GRID)
    points = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 1, 2)
    found = contour_generator(x, y, turned.value(points).reshape(GRID, GRID))
    return {
        f"f = {level:g}, {number}": path for level in LEVELS for number, path in enumerate(found.lines(level), start=1)
    }
