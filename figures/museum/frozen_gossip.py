"""Gossip on Top-1 values: frozen, or agreed on the wrong value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from figures._plate import Plate
from figures._style import LOOKS
from figures.museum._exhibit import Exhibit
from problems import FrozenGossip as Instance
from toolkit.algorithms import CHOCO, QuantizedGossip
from toolkit.compressors import TopK
from toolkit.experiment import Experiment
from toolkit.topology import complete

if TYPE_CHECKING:
    import xarray


class FrozenGossip(Exhibit):
    """The second coordinate of both workers, whose mean is ½."""

    name = "frozen-gossip"
    title = "Gossip on compressed values freezes or forgets the mean; on public copies it finds it"
    claims = ("frozen-gossip", "frozen-gossip-repair")
    short = "frozen gossip"
    story = (
        "Two workers at $(2, 1)$ and $(2, 0)$ want their mean and send Top-1. By differences of messages (Q2) nothing "
        "moves; towards the messages (Q1) they agree on $(2, 0)$. CHOCO ($\\theta = 1/2$) compresses what has changed. "
        "Shown is the second coordinate of both workers, and the mean (line)."
    )

    def experiments(self, level: str) -> dict[str, Experiment]:
        settings: dict[str, Any] = {
            "topology": complete(2), "stepsize": 0.0, "steps": 24, "record": "all", "keep": ("x",),
        }  # fmt: skip
        return {
            "Q2": Experiment(Instance(), QuantizedGossip(towards="differences"), TopK(k=1), **settings),
            "Q1": Experiment(Instance(), QuantizedGossip(towards="messages"), TopK(k=1), **settings),
            "CHOCO": Experiment(Instance(), CHOCO(consensus=0.5), TopK(k=1), **settings),
        }

    def panel(self, plate: Plate, data: Mapping[str, xarray.Dataset], title: str = "") -> None:
        axes = plate.panel("frozen gossip", x="step $t$", y="second coordinate", title=title)
        curves: Any = (
            ("Q2", "no memory", 0.75, "below"),
            ("Q1", "raw sign", 0.6, "above"),
            ("CHOCO", "EF14 top-k", 0.6, "above"),
        )
        for name, look, at, side in curves:
            step, (first, second) = data[name].step.values, data[name].x.values[0, :, :, 1].T
            plate.measured(axes, f"{name}, worker 2", step, second, look=LOOKS[look], weight="thin")
            plate.measured(axes, f"{name}, worker 1", step, first, look=LOOKS[look], label=name, at=at, side=side)
        plate.theory(axes, "mean", step, np.full(step.size, 0.5), at=0.85, side="below")
