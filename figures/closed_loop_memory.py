"""What a run's own gradient autocorrelation says about its memory, and by what factor it is off."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from figures._base import Drawing, Figure, Records, verdicts
from figures._plate import Plate
from figures._style import LOOKS, RANGE_LOOKS
from problems.noisy import Noisy
from problems.quadratic import Quadratic
from proofs_check.claims.saddle.closed_loop_memory import Between, Simulated, gradients, prediction
from proofs_check.closed_loop import closed_loop, factor
from proofs_check.multipliers import multipliers
from proofs_check.statistics import mean_interval
from toolkit.algorithms.error_feedback import ErrorFeedback
from toolkit.compressors.rand_k import RandK
from toolkit.experiment import Experiment

if TYPE_CHECKING:
    import xarray
    from matplotlib.axes import Axes

D, K = Simulated.d, Simulated.k
MU = K / D
SHARES = (0.1, 0.25, 0.5, 0.75)  # γL/μ; the fourth moments of longer steps do not settle
CORRELATIONS = {-0.5: RANGE_LOOKS[0], 0.0: RANGE_LOOKS[3], 0.8: RANGE_LOOKS[5]}
SIZE = {"quick": (250, 120), "full": (1500, 160)}  # runs, steps
SHARE = 0.5  # of the runs shown step by step


class ClosedLoopMemory(Figure):
    """Memory over prediction, against the step size and against steps."""

    name = "closed-loop-memory"
    title = "A run's gradient autocorrelation predicts its memory up to one factor, which no noise changes"
    claims = ("A4-memory-closed-loop", "A4-memory-predicted", "A4-memory-shortfall", "A4-memory-closed-loop-simulated")

    def experiments(self, level: str) -> dict[str, Experiment]:
        runs, steps = SIZE[level]
        bowl = Quadratic(np.ones((1, D)), start=np.zeros(D))
        swept = {
            f"c = {c:g}": Experiment(
                Noisy(bowl, 1.0, autocorrelation=c), ErrorFeedback(), RandK(k=K), steps=steps, runs=runs,
                stepsize=tuple(share * MU for share in SHARES), record="all", keep=("x", "memory"),
            )
            for c in CORRELATIONS
        }  # fmt: skip
        return swept | {name: one for name, one in Simulated().experiments(level).items() if f"{SHARE:g}μ" in name}

    def draw(self, data: Mapping[str, xarray.Dataset], records: Records, level: str) -> Drawing:
        with Plate(panels=2, columns=2, height=2.9) as plate:
            axes = plate.panel(
                "step sizes", x=r"$\gamma L/\mu$", y="memory / prediction", title="a bowl, when stationary"
            )
            self.step_sizes(plate, axes, data)
            axes = plate.panel(
                "steps", x="step $t$", y="memory / prediction",
                title=rf"$\gamma L = \mu/2$, $\mu = {MU:g}$, from $x_0 = 0$",
            )  # fmt: skip
            self.steps(plate, axes, data, level)
        runs, steps = SIZE[level]
        caption = (
            r"Prediction: $v = \frac{q}{\mu}\gamma^2(c_0 + 2\sum_j q^j c_j)$, exact where gradients do not depend on "
            r"the masks, with the $c_j = E\langle g_t, g_{t-j}\rangle$ measured along the run. Error feedback with "
            f"Rand-{K} in $d = {D}$ dimensions; noise of variance 1 with autocorrelation $c^j$. Left: on "
            r"$\|x\|^2/2$ the ratio is $(1 + u)/(1 - u)$, $u = \gamma L(1 - \mu)/(\mu(2 - \mu))$, for any $c$; dashed, "
            rf"its limit for $\mu \to 0$; points: {runs} runs, second half "
            f"of {steps} steps, with 99.9 % intervals. Right: four coordinates of curvature 1 and four of "
            r"$-\frac12$, where the prediction is too high, at every step; theory by second moments. "
            f"{verdicts(self.claims, records)}"
        )
        return Drawing(self.title, plate.figure, plate.table, caption)

    def step_sizes(self, plate: Plate, axes: Axes, data: Mapping[str, xarray.Dataset]) -> None:
        for c, look in CORRELATIONS.items():
            found = [self.ratio(data[f"c = {c:g}"].sel(stepsize=share * MU), share * MU) for share in SHARES]
            value, low, high = np.transpose(found)
            x = np.array(SHARES) + 0.012 * (list(CORRELATIONS).index(c) - 1)
            plate.measured(axes, f"c = {c:g}", x, value, (low, high), look=look, weight="points", label=f"$c = {c:g}$")
        share = np.linspace(0, 1.0, 100)
        plate.theory(axes, rf"$\mu = {MU:g}$", share, factor(MU, share * MU), at=0.88, side="below")
        plate.theory(axes, r"$\mu \to 0$", share, Between().bound(share), at=0.85, dashes=(0, (4, 2)))
        plate.theory(axes, "prediction", [0, 1], [1, 1], at=0.85, dashes=(0, (1, 2)))
        axes.legend(loc="upper left", title="noise")
        axes.set_ylim(0.9, 3.1)
        axes.set_xlim(0, 1.0)

    def ratio(self, result: xarray.Dataset, stepsize: float) -> tuple[float, float, float]:
        """Return memory over prediction in the second half of the steps, with its interval."""
        v = prediction(gradients(result, stepsize), MU, stepsize).sum(axis=2)
        memory = (result["memory"].values[:, :, 0] ** 2).sum(axis=2)
        v, memory = (one[:, one.shape[1] // 2 :].mean(axis=1) for one in (v, memory))
        ratio = memory.mean() / v.mean()
        found = mean_interval((memory - ratio * v) / v.mean(), 1e-3)
        return ratio, ratio + float(found.low), ratio + float(found.high)

    def steps(self, plate: Plate, axes: Axes, data: Mapping[str, xarray.Dataset], level: str) -> None:
        gamma, curvatures = SHARE * MU, np.array(Simulated.shapes["saddle"])
        c = Simulated.correlations[level][-1]
        result = data[f"saddle, γL = {SHARE:g}μ, c = {c:g}"]
        v = prediction(gradients(result, gamma), MU, gamma).mean(axis=0)
        memory = (result["memory"].values[:, :, 0] ** 2).mean(axis=0)
        by, noise, t = multipliers(RandK(k=K), D), np.eye(D) / D, result.step.values[1:]
        law = closed_loop(by, np.diag(curvatures), noise, c, gamma, np.zeros(D), t[-1])
        sides = {
            "curvature 1": (curvatures > 0, "EF14 top-k"),
            r"curvature $-\frac{1}{2}$": (curvatures < 0, "raw sign"),
        }
        for label, (side, look) in sides.items():
            ratio = memory[1:, side].sum(axis=1) / v[1:, side].sum(axis=1)
            exact = law.memory[1:, side].sum(axis=1) / law.predicted[1:, side].sum(axis=1)
            plate.measured(axes, label, t, ratio, look=LOOKS[look], label=label)
            plate.theory(axes, f"theory, {label}", t, exact, at=None)
        measured, theory, other, _ = axes.lines
        plate.theory(axes, "prediction", [0, t[-1]], [1, 1], at=0.85, dashes=(0, (1, 2)))
        axes.legend([measured, other, theory], [*sides, "theory"], loc="center right")
