"""Three workers on which compressed descent without memory diverges, and error feedback does not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from figures._plate import Plate
from figures._style import LOOKS
from figures.museum._exhibit import Exhibit
from problems import ThreeWorkers as Instance
from toolkit.algorithms import EF21, SGD, CompressedSGD, ErrorFeedback
from toolkit.compressors import TopK
from toolkit.experiment import Experiment

if TYPE_CHECKING:
    import xarray

STEPSIZE = 0.05


class ThreeWorkers(Exhibit):
    """Top-1 without memory runs away at its exact rate 1 + 11γ/6 per step; with memory, EF14 and EF21 converge."""

    name = "three-workers"
    title = "Without memory, Top-1 runs away from the minimum; with memory it does not"
    claims = ("D5-divergence", "D5-repair")
    short = "three workers"
    story = (
        f"Three strongly convex quadratics, gradient descent, $\\gamma = {STEPSIZE}$, one coordinate per message. "
        "Without memory the iterate leaves $(1, 1, 1)$ at exactly the predicted rate (line). From "
        "$(1, 2, 4)$, with messages of the same size, EF14 and EF21 converge about as fast as uncompressed "
        "gradient descent."
    )

    def experiments(self, level: str) -> dict[str, Experiment]:
        problem, top = Instance(), TopK(k=1)
        settings: dict[str, Any] = {"stepsize": STEPSIZE, "steps": 150, "record": "all", "keep": ("x",)}
        elsewhere = settings | {"x0": [1.0, 2.0, 4.0]}  # on the diagonal the workers' messages are exact ties
        return {
            "no memory": Experiment(problem, CompressedSGD(), top, unproven=True, **settings),
            "EF14": Experiment(problem, ErrorFeedback(), top, **elsewhere),
            "EF21": Experiment(problem, EF21(), top, **elsewhere),
            "uncompressed": Experiment(problem, SGD(), **elsewhere),
        }

    def panel(self, plate: Plate, data: Mapping[str, xarray.Dataset], title: str = "") -> None:
        axes = plate.panel("three workers", x="step $t$", y=r"distance $\|x_t\|/\|x_0\|$", log="y", title=title)

        def curve(name: str, method: str, **how: Any) -> None:
            distance = np.linalg.norm(data[name].x.isel(run=0, server=0), axis=-1)
            plate.measured(axes, name, data[name].step, distance / distance[0], look=LOOKS[method], **how)

        curve("uncompressed", "uncompressed", label="GD, uncompressed", at=0.72)
        curve("EF14", "EF14 top-k", label="EF14 + Top-1", at=0.6, side="below")
        curve("EF21", "EF21 top-k", label="EF21 + Top-1", at=0.2)
        curve("no memory", "no memory", label="compressed GD + Top-1", at=0.5, weight="under theory")
        step = data["no memory"].step.values
        plate.theory(axes, r"$(1 + 11\gamma/6)^t$", step, Instance.growth(STEPSIZE) ** step, at=0.6, side="below")
