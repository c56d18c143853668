"""Top-1 at a saddle in the plane: frozen without memory, released with one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from figures._base import Drawing, Figure, Records, verdicts
from figures._plate import Plate
from figures._style import LOOKS
from proofs_check.claims.saddle.frozen_escape import Release, saddle
from toolkit.algorithms import EF21, SGD, Algorithm, CompressedSGD, ErrorFeedback
from toolkit.compressors import Identity
from toolkit.experiment import Experiment

if TYPE_CHECKING:
    import xarray
    from matplotlib.axes import Axes

METHODS: dict[str, tuple[Algorithm, str, str]] = {
    "descent": (SGD(), "uncompressed", "gradient descent"),
    "EF21": (EF21(), "EF21 top-k", "EF21 + Top-1"),
    "EF14": (ErrorFeedback(), "EF14 top-k", "EF14 + Top-1"),
    "no memory": (CompressedSGD(), "no memory", "Top-1 without memory"),
}
FROM_ABOVE, SLOPE = (0.02, 1.0), 1.5  # so far apart that both workers look along x_2 all the way down
FIRST = 1  # of the claim's starts (ε, 0)
X, Y = (-0.1, 1.6), (-0.5, 1.15)
LEVELS = (-0.8, -0.4, -0.15, -0.02, 0.02, 0.15, 0.4)
STEPS = 140


class FrozenEscape(Figure):
    """Trajectories on the contours of the saddle, and the escape coordinate step by step."""

    name = "frozen-escape"
    title = "Top-1 freezes the escape from a saddle; a memory releases it after h/ε steps, EF21 after one"
    claims = ("saddle-top-1-freeze", "saddle-memory-release")

    def experiments(self, level: str) -> dict[str, Experiment]:
        found = {}
        for name, (method, _, _) in METHODS.items():
            compressor = Identity() if name == "descent" else Release.compressor
            from_axis = Experiment(
                saddle(Release.slope), method, compressor, stepsize=Release.stepsize, steps=STEPS,
                x0=(Release.starts[FIRST], 0.0), record="all", keep=("x",), limit=1e290, unproven=True,
            )  # fmt: skip
            found[f"{name}, from the axis"] = from_axis
            found[f"{name}, from above"] = replace(from_axis, problem=saddle(SLOPE), x0=FROM_ABOVE)
        return found

    def draw(self, data: Mapping[str, xarray.Dataset], records: Records, level: str) -> Drawing:
        epsilon = Release.starts[FIRST]
        waits, levels = Release().waits(epsilon)
        with Plate(panels=2, columns=2, height=2.9) as plate:
            axes = plate.panel(
                "trajectories", x="$x_1$ (escape)", y="$x_2$", title=f"from $(0.02, 1)$, $h = {SLOPE:g}$"
            )
            _contours(plate, axes)
            for name in METHODS:
                x = data[f"{name}, from above"]["x"].values[0, :, 0]
                shown = x[: 1 + (abs(x[:, 0]) <= X[1]).sum()]
                self.curve(plate, axes, name, shown[:, 0], shown[:, 1])
            axes.set_xlim(*X)
            axes.set_ylim(*Y)
            axes.set_yticks([-0.5, 0, 0.5, 1], ["−½", "0", "½", "1"])
            title = f"from $(2^{{-7}}, 0)$, $h = {Release.slope:g}$"
            axes = plate.panel("escape coordinate", x="step $t$", y="$x_1$", log="y", title=title)
            for name in METHODS:
                result = data[f"{name}, from the axis"]
                self.curve(plate, axes, name, result.step.values, result["x"].values[0, :, 0, 0])
            law = np.append(np.repeat(levels[:-1], waits), levels[-1])
            plate.theory(axes, r"EF14: waits $\lceil h/y_j\rceil$", np.arange(len(law)), law, at=0.3, side="below")
            axes.set_xlim(0, sum(waits) + 20)
            axes.set_ylim(0.6 * epsilon, 4.0)
            plate.figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=4)
        caption = (
            "$f = (x_2^2 - x_1^2)/2$, given to two workers as $f \\pm h x_2$; full gradients, "
            f"$\\gamma = {Release.stepsize:g}$, one coordinate per message. Left, with contours of $f$: both workers "
            "send their larger entry, along $x_2$, and without memory nothing else ever gets through: the dotted curve "
            "ends at $(0.02, 0)$. Right: from the axis the messages cancel, and without memory no step moves at all. "
            "The memory of $-\\gamma\\varepsilon$ per step is sent when it has come to $\\gamma h$, in step "
            f"{waits[0]}, then after {', '.join(map(str, waits[1:]))} more (line); EF21, whose differences along $x_2$ "
            f"vanish, is one step behind descent. {verdicts(self.claims, records)}"
        )
        return Drawing(self.title, plate.figure, plate.table, caption)

    def curve(self, plate: Plate, axes: Axes, name: str, x: Any, y: Any) -> None:
        _, look, label = METHODS[name]
        plate.measured(axes, name, x, y, look=LOOKS[look], label=label)


def _contours(plate: Plate, axes: Axes) -> None:
    """Draw where f has some values: hyperbolas, in two branches above 0, of which one is on the page below."""
    for level in LEVELS:
        along = np.linspace(*(X if level > 0 else Y), 60)
        other = np.sqrt(along**2 + 2 * abs(level))
        for sign in (1, -1) if level > 0 else (1,):
            x, y = (along, sign * other) if level > 0 else (other, along)
            plate.theory(axes, f"f = {level:g}, {'+' if sign > 0 else '-'}", x, y, at=None, dashes=(0, (1, 2.5)))
