"""SignSGD with batch 1 on rows of one sign pattern."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from figures._plate import Plate
from figures._style import LOOKS
from figures.museum._exhibit import Exhibit
from problems import OneSign as Instance
from toolkit.algorithms import CompressedSGD, ErrorFeedback
from toolkit.compressors import RawSign, ScaledSign
from toolkit.experiment import Experiment
from toolkit.stepsizes import InverseSqrt

if TYPE_CHECKING:
    import xarray

ROWS, DIMENSION = 8, 5


class OneSign(Exhibit):
    """The gap of a random instance, which stops at the best point of a line."""

    name = "one-sign"
    title = "If all rows have one sign pattern, signSGD with batch 1 stops at the best point of a line"
    claims = ("Thm-I", "CE3-repair")
    short = "one sign pattern"
    story = (
        f"Consistent least squares, {ROWS} rows with the signs $\\pm s$, $d = {DIMENSION}$, one row per step; range of "
        "8 runs. signSGD with $\\gamma_t = 0.1/\\sqrt{t+1}$, EF-signSGD with $\\gamma = 0.02$. Line: "
        "$\\min_c f(x_0 + cs)$."
    )

    def experiments(self, level: str) -> dict[str, Experiment]:
        problem = Instance.generate(ROWS, DIMENSION)
        settings: dict[str, Any] = {"steps": 4000, "runs": 8, "batch": 1, "unproven": True}
        return {
            "signSGD": Experiment(problem, CompressedSGD(), RawSign(zero=0), stepsize=InverseSqrt(0.1), **settings),
            "EF-signSGD": Experiment(problem, ErrorFeedback(), ScaledSign(), stepsize=0.02, **settings),
        }

    def panel(self, plate: Plate, data: Mapping[str, xarray.Dataset], title: str = "") -> None:
        axes = plate.panel("one sign pattern", x="step $t$", y="gap $f(x_t) - f^*$", log="y", title=title)
        curves: Any = (("signSGD", "raw sign", "above"), ("EF-signSGD", "EF14 sign", "above"))
        for name, look, side in curves:
            self.gap(plate, axes, name, data[name], look=LOOKS[look], side=side)
        step, barrier = data["signSGD"].step.values, Instance.generate(ROWS, DIMENSION).barrier()
        plate.theory(axes, r"$\min_c f(x_0 + cs)$", step, np.full(step.size, barrier), at=0.4, side="below")
