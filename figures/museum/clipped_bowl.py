"""Error feedback steps across a bowl for ever, above the bound that is recalled for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from figures._plate import Plate
from figures._style import LOOKS
from figures.museum._exhibit import Exhibit
from problems import ClippedBowl as Instance
from proofs_check.claims.museum.clipped_bowl import stepping
from proofs_check.claims.sign.error_feedback_sgd import recalled_bound, simple_bound
from toolkit.algorithms import SGD
from toolkit.compressors import Identity
from toolkit.experiment import Experiment

if TYPE_CHECKING:
    import xarray

Q, WALK, STEPS = Fraction(1, 11), 3, 1000
FIRST = 8  # step from which it is drawn: earlier bounds are far above


class ClippedBowl(Exhibit):
    """The smallest squared gradient so far, and what bounds it."""

    name = "clipped-bowl"
    title = "Error feedback with hardly any compression steps across a bowl for ever; a recalled bound says it cannot"
    claims = ("clipped-bowl", "clipped-bowl-repair", "S-d3-cap")
    short = "clipped bowl"
    story = (
        "$x^2/2$ with sides of slope 1, full gradients. $C(p) = (1 \\pm q)p$ with $q = 1/11$, so $1 - \\delta = q^2$: "
        f"the first {WALK} messages are shrunk, all others stretched, and $\\gamma$ is such that from then on every "
        "step ends on the other side. The bound that is recalled falls below what is; with the middle term that the "
        "proof gives, S-d3, it does not. SGD with this $\\gamma$ and error feedback with half of it converge."
    )

    def experiments(self, level: str) -> dict[str, Experiment]:
        one = stepping(Q, WALK, STEPS)
        return {
            "EF14": one,
            "EF14, half the step": replace(one, stepsize=one.stepsize / 2),
            "SGD": replace(one, algorithm=SGD(), compressor=Identity()),
        }

    def panel(self, plate: Plate, data: Mapping[str, xarray.Dataset], title: str = "") -> None:
        y = r"$\min_{t\leq T}\|\nabla f(x_t)\|^2/\sigma^2$"
        axes = plate.panel("clipped bowl", x="step $T$", y=y, log="x", title=title)
        looks: dict[str, Any] = {
            "EF14": (LOOKS["EF14 top-k"], "EF14", 0.25, "below"),
            "EF14, half the step": (LOOKS["EF14 threshold"], "EF14, $\\gamma/2$", 0.75, "above"),
            "SGD": (LOOKS["uncompressed"], "SGD", 0.35, "above"),
        }
        for name, (look, label, at, side) in looks.items():
            T = data[name].step.values[FIRST:]
            smallest = np.minimum.accumulate(data[name].grad_norm_sq.values[0])[FIRST:]
            plate.measured(axes, name, T, smallest, look=look, label=label, at=at, side=side)
        problem, gamma = Instance.stepping(Q, WALK)
        where = problem.F_0, 1, float(gamma), 1, float(1 - Q**2), T
        plate.theory(axes, "recalled bound", T, recalled_bound(*where), at=0.78, side="below")
        plate.theory(axes, "S-d3", T, simple_bound(*where), at=0.7, dashes=(0, (5, 1.5)))
        axes.set_ylim(-0.1, 2.4)
