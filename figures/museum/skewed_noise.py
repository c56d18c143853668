"""SignSGD climbs on skewed noise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from figures._plate import Plate
from figures._style import LOOKS
from figures.museum._exhibit import Exhibit
from problems import SkewedNoise as Instance
from toolkit.algorithms import CompressedSGD, ErrorFeedback
from toolkit.compressors import RawSign, ScaledSign
from toolkit.experiment import Experiment

if TYPE_CHECKING:
    import xarray

STEPS, RUNS = 64, {"quick": 200, "full": 2000}
STEPSIZE = 1 / (4 * STEPS)


class SkewedNoise(Exhibit):
    """The mean of f over runs against the exact laws."""

    name = "skewed-noise"
    title = "Where most samples point the wrong way, signSGD climbs and error feedback descends"
    claims = ("CE1", "CE1-repair")
    short = "skewed noise"
    story = (
        "$f(x) = x/4$ on the line, gradient samples $4$ (probability $1/4$) and $-1$. Means over runs with "
        "ranges from the 5th to the 95th percentile, $\\gamma = 1/256$; lines: the exact laws."
    )

    def experiments(self, level: str) -> dict[str, Experiment]:
        settings: dict[str, Any] = {
            "stepsize": STEPSIZE, "steps": STEPS, "runs": RUNS[level], "record": "all", "batch": 1, "unproven": True,
        }  # fmt: skip
        return {
            "signSGD": Experiment(Instance(), CompressedSGD(), RawSign(), **settings),
            "EF-signSGD": Experiment(Instance(), ErrorFeedback(), ScaledSign(), **settings),
        }

    def panel(self, plate: Plate, data: Mapping[str, xarray.Dataset], title: str = "") -> None:
        axes = plate.panel("skewed noise", x="step $t$", y="$f(x_t) - f(x_0)$", title=title)
        laws = Instance().law(STEPSIZE, STEPS), Instance().repaired_law(STEPSIZE, STEPS)
        looks = LOOKS["raw sign"], LOOKS["EF14 sign"]
        sides: tuple[Any, Any] = "above", "below"
        formulas = r"$\gamma t/8$", r"$-\gamma t/16$"
        for (name, result), look, law, formula, side in zip(data.items(), looks, laws, formulas, sides, strict=True):
            f, step = result.f, result.step.values
            ends = f.quantile(0.05, "run").values, f.quantile(0.95, "run").values
            plate.measured(
                axes, name, step, f.mean("run"), ends, look=look, label=name, at=0.35, side=side, weight="under theory"
            )
            plate.theory(axes, formula, step, law, at=0.8, side=side)
