"""SignSGD conserves a sum, and with it the gap."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from figures._plate import Plate
from figures._style import LOOKS
from figures.museum._exhibit import Exhibit
from problems import ConservedSum as Instance
from toolkit.algorithms import CompressedSGD, ErrorFeedback
from toolkit.compressors import RawSign, ScaledSign
from toolkit.experiment import Experiment
from toolkit.stepsizes import InverseSqrt

if TYPE_CHECKING:
    import xarray


class ConservedSum(Exhibit):
    """The gap from (1, 1), with a constant and with decaying step sizes."""

    name = "conserved-sum"
    title = "With exact subgradients signSGD stays on a line for ever, whatever the step sizes"
    claims = ("CE2", "CE2-any-steps", "CE2-repair")
    short = "conserved sum"
    story = (
        "$f(x) = \\epsilon|x_1 + x_2| + |x_1 - x_2|$, $\\epsilon = 1/2$, from $(1, 1)$; "
        "$\\gamma_t = 0.1/\\sqrt{t+1}$ for both methods. The sign of every subgradient is "
        "$\\pm(1, -1)$, so that $x_1 + x_2 = 2$ and the gap is at least $2\\epsilon$."
    )

    def experiments(self, level: str) -> dict[str, Experiment]:
        settings: dict[str, Any] = {
            "stepsize": InverseSqrt(0.1), "steps": 1000, "unproven": True,
            "record": np.unique(np.geomspace(1, 1000, 60).astype(int)).tolist(),
        }  # fmt: skip
        return {
            "signSGD": Experiment(Instance(0.5), CompressedSGD(), RawSign(), **settings),
            "EF-signSGD": Experiment(Instance(0.5), ErrorFeedback(), ScaledSign(), **settings),
        }

    def panel(self, plate: Plate, data: Mapping[str, xarray.Dataset], title: str = "") -> None:
        axes = plate.panel("conserved sum", x="step $t$", y="gap $f(x_t) - f^*$", log="xy", title=title)
        curves: Any = (("signSGD", "raw sign", 0.4, "above"), ("EF-signSGD", "EF14 sign", None, "below"))
        for name, look, at, side in curves:
            step, f = data[name].step.values, data[name].f.values[0]
            plate.measured(axes, name, step, f, look=LOOKS[look], label=name, at=at, side=side)
        plate.theory(axes, r"$2\epsilon$", step, np.ones(step.size), at=0.85, side="below")
        axes.legend(loc="lower left")  # a name along the zigzag would lie on it
