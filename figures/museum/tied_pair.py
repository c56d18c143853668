"""Always tied gradients: Top-1 without memory never moves one coordinate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from figures._plate import Plate
from figures._style import LOOKS
from figures.museum._exhibit import Exhibit
from problems import TiedPair as Instance
from toolkit.algorithms import CompressedSGD, ErrorFeedback
from toolkit.compressors import TopK
from toolkit.experiment import Experiment

if TYPE_CHECKING:
    import xarray

STEPSIZE, STEPS = 0.1, 150


class TiedPair(Exhibit):
    """The gap from (1, 1) under three ways to deal with ties."""

    name = "tied-pair"
    title = "Where gradients are always tied, the tie rule freezes a coordinate"
    claims = ("tied-pair", "tied-pair-repair")
    short = "always tied"
    story = (
        "$f_{1,2}(x) = (x_2 \\pm x_1)^2/2$, from $(1, 1)$, Top-1, $\\gamma = 0.1$. Both workers always have two equal "
        "magnitudes; with ties to the lowest index $x_2$ is never sent. Ties broken at random: range of 16 runs. "
        "Line: the exact law."
    )

    def experiments(self, level: str) -> dict[str, Experiment]:
        settings: dict[str, Any] = {"stepsize": STEPSIZE, "steps": STEPS, "record": "all", "unproven": True}
        return {
            "no memory": Experiment(Instance(), CompressedSGD(), TopK(k=1), **settings),
            "random ties": Experiment(Instance(), CompressedSGD(), TopK(k=1, ties="random"), runs=16, **settings),
            "EF14": Experiment(Instance(), ErrorFeedback(), TopK(k=1), **settings),
        }

    def panel(self, plate: Plate, data: Mapping[str, xarray.Dataset], title: str = "") -> None:
        axes = plate.panel("always tied", x="step $t$", y="gap $f(x_t) - f^*$", log="y", title=title)
        step, gap = data["no memory"].step.values, {name: result.f_gap.values for name, result in data.items()}
        law = (Instance().law(STEPSIZE, STEPS) ** 2).sum(axis=-1) / 2
        plate.measured(
            axes, "no memory", step, gap["no memory"][0], look=LOOKS["no memory"], label="no memory", at=0.75,
            weight="under theory",
        )  # fmt: skip
        random = gap["random ties"]
        ends = random.min(axis=0), random.max(axis=0)
        plate.measured(
            axes, "random ties", step, random.mean(axis=0), ends, look=LOOKS["EF21 top-k"], label="ties at random",
            at=0.8, side="above",
        )  # fmt: skip
        plate.measured(axes, "EF14", step, gap["EF14"][0], look=LOOKS["EF14 top-k"], label="EF14", at=0.5, side="below")
        plate.theory(axes, r"$(1 + (1 - \gamma)^{2t})/2$", step, law, at=0.6, side="below")
