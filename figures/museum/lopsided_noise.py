"""Top-1 gives noise a mean: the floor of EF21 with an ideal estimate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from figures._plate import Plate
from figures._style import LOOKS, Look
from figures.museum._exhibit import Exhibit
from problems import LopsidedNoise as Instance
from proofs_check.statistics import mean_interval
from toolkit.algorithms import EF21, EF21Ideal, EF21Momentum, ErrorFeedback
from toolkit.compressors import TopK
from toolkit.experiment import Experiment

if TYPE_CHECKING:
    import xarray

STEPSIZES = (0.01, 0.03, 0.1, 0.3, 1.0)
STEPS, MOMENTUM = 1000, 0.01


class LopsidedNoise(Exhibit):
    """The squared gradient norm after many steps, against the step size."""

    name = "lopsided-noise"
    title = "Top-1 gives noise a mean, and no step size removes it if only the noise is sent"
    claims = ("EF21-floor-law", "EF21-floor", "EF21-floor-repair", "EF21-floor-own")
    short = "lopsided noise"
    story = (
        f"$f = \\|x\\|^2/2$ on the plane, Top-1, noise on three points, $\\sigma^2 = 1$: the mean squared gradient "
        f"norm after {STEPS} steps with its 95 % interval. EF21 with an ideal estimate stays above $\\sigma^2/30$ "
        f"(line) at every step size, and on its exact law; EF14, EF21 with momentum {MOMENTUM} and EF21 itself, whose "
        "late estimates remember, do not."
    )

    def experiments(self, level: str) -> dict[str, Experiment]:
        settings: dict[str, Any] = {
            "stepsize": STEPSIZES, "steps": STEPS, "runs": {"quick": 100, "full": 1000}[level], "record": [STEPS],
            "batch": 1,
        }  # fmt: skip
        return {
            "EF21, ideal": Experiment(Instance(), EF21Ideal(), TopK(k=1), **settings),
            "EF21": Experiment(Instance(), EF21(), TopK(k=1), **settings),
            "EF21-SGDM": Experiment(Instance(), EF21Momentum(momentum=MOMENTUM), TopK(k=1), **settings),
            "EF14": Experiment(Instance(), ErrorFeedback(), TopK(k=1), **settings),
        }

    def panel(self, plate: Plate, data: Mapping[str, xarray.Dataset], title: str = "") -> None:
        y = r"$E\|\nabla f(x_t)\|^2$"
        axes = plate.panel("lopsided noise", x=r"step size $\gamma L$", y=y, log="xy", title=title)
        looks: dict[str, tuple[Look, float | None, Any]] = {
            "EF21, ideal": (LOOKS["no memory"], None, "above"),  # the exact law is on it, and named
            "EF21": (LOOKS["EF21 top-k"], 0.78, "above"),
            "EF21-SGDM": (LOOKS["EF14 threshold"], 0.25, "below"),
            "EF14": (LOOKS["EF14 top-k"], 0.86, "below"),
        }
        for name, (look, at, side) in looks.items():
            gamma = data[name].stepsize.values
            found = mean_interval(data[name].grad_norm_sq.isel(step=-1).transpose("run", "stepsize").values, 0.05)
            ends = np.maximum(found.low, found.value / 10), found.high
            label = None if at is None else name
            plate.measured(axes, name, gamma, found.value, ends, look=look, label=label, at=at, side=side)
        exact = [Instance().law(one, STEPS)[-1] for one in STEPSIZES]
        plate.theory(axes, "EF21, ideal", STEPSIZES, exact, at=0.23, side="above", dashes=(0, (1, 1)))
        floor = Instance(start=(0.0, -1.0)).floor()
        plate.theory(axes, r"$\sigma^2/30$", STEPSIZES, np.full(len(STEPSIZES), floor), at=0.8, side="below")
