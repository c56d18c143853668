"""SignSGD with batch 1 conserves a sum on a smooth, strongly convex function."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from figures._plate import Plate
from figures._style import LOOKS
from figures.museum._exhibit import Exhibit
from problems import SampledPair as Instance
from toolkit.algorithms import CompressedSGD, ErrorFeedback
from toolkit.compressors import RawSign, ScaledSign
from toolkit.experiment import Experiment

if TYPE_CHECKING:
    import xarray


class SampledPair(Exhibit):
    """The gap from (1, 1)."""

    name = "sampled-pair"
    title = "On two squares of which a step sees one, signSGD never gets below its start"
    claims = ("CE3", "CE3-repair")
    short = "sampled pair"
    story = (
        "$f(x) = \\langle a_1, x\\rangle^2 + \\langle a_2, x\\rangle^2$, $a_{1,2} = \\pm(1, -1) + (1, 1)/2$, from "
        "$(1, 1)$, one term per step, $\\gamma = 0.005$; range of 8 runs. Both samples have the sign $\\pm(1, -1)$."
    )

    def experiments(self, level: str) -> dict[str, Experiment]:
        settings: dict[str, Any] = {"stepsize": 0.005, "steps": 2000, "runs": 8, "batch": 1, "unproven": True}
        return {
            "signSGD": Experiment(Instance(0.5), CompressedSGD(), RawSign(zero=0), **settings),
            "EF-signSGD": Experiment(Instance(0.5), ErrorFeedback(), ScaledSign(), **settings),
        }

    def panel(self, plate: Plate, data: Mapping[str, xarray.Dataset], title: str = "") -> None:
        axes = plate.panel("sampled pair", x="step $t$", y="gap $f(x_t) - f^*$", log="y", title=title)
        curves: Any = (("signSGD", "raw sign", "above"), ("EF-signSGD", "EF14 sign", "below"))
        for name, look, side in curves:
            self.gap(plate, axes, name, data[name], look=LOOKS[look], side=side)
        step = data["signSGD"].step.values
        plate.theory(axes, r"$8\epsilon^2$", step, np.full(step.size, 2.0), at=0.25, side="below")
