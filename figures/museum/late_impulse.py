"""A constant threshold holds on to an impulse until the end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from figures._plate import Plate
from figures._style import LOOKS
from figures.museum._exhibit import Exhibit
from problems import LateImpulse as Instance
from proofs_check.claims.museum.late_impulse import AtOnce
from toolkit.algorithms import ErrorFeedback
from toolkit.compressors import HardThreshold
from toolkit.experiment import Experiment

if TYPE_CHECKING:
    import xarray

STEPS = 11


class LateImpulse(Exhibit):
    """The total error so far, of a constant threshold and of one that knows when."""

    name = "late-impulse"
    title = "With error feedback a constant threshold is not optimal: 11 where 9/4 is enough"
    claims = ("late-impulse", "late-impulse-repair", "S-a4")
    short = "late impulse"
    story = (
        f"Gradients $(1, 0)$ in the first and $(0, 3/2)$ in the last of {STEPS} steps, one send in all. The constant "
        "threshold $\\lambda = 5/4$ keeps the first in memory, at a price of 1 per step; sending it at once costs "
        "$9/4$, the optimum."
    )

    def experiments(self, level: str) -> dict[str, Experiment]:
        settings: dict[str, Any] = {"stepsize": 1.0, "steps": STEPS, "batch": 1, "record": "all"}
        return {
            "constant": Experiment(Instance(STEPS), ErrorFeedback(), HardThreshold(raw=1.25), **settings),
            "at once": Experiment(Instance(STEPS), ErrorFeedback(), HardThreshold(raw=AtOnce()), **settings),
        }

    def panel(self, plate: Plate, data: Mapping[str, xarray.Dataset], title: str = "") -> None:
        y = r"total error $\sum_{s\leq t}\|e_s\|^2$"
        axes = plate.panel("late impulse", x="step $t$", y=y, title=title)
        axes.set_xticks(range(0, STEPS + 1, 5))
        step = data["constant"].step.values
        curves: Any = (
            ("constant", "constant threshold", "EF14 threshold", "above"),
            ("at once", "first impulse at once", "EF14 top-k", "above"),
        )
        for name, label, look, side in curves:
            plate.measured(
                axes, name, step, data[name].total_error.values[0], look=LOOKS[look], label=label, at=0.5, side=side
            )
        plate.theory(axes, "optimum 9/4", step, 0 * step + Instance(STEPS).optimum(), at=0.8, side="above")
