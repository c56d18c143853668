"""Measured rates over the theory lines: one over the root of the steps and of the workers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from figures._base import Drawing, Figure, Records, verdicts
from figures._plate import Plate
from figures._style import LOOKS
from proofs_check.claims.total_error.rates import CONFIDENCE, Rate, in_steps, in_workers, measured
from proofs_check.moments import model
from proofs_check.statistics import mean_interval
from toolkit.experiment import Experiment
from toolkit.rates import Estimate, slope

if TYPE_CHECKING:
    import xarray

AXES = {"T": "steps $T$", "n": "workers $n$"}


class Rates(Figure):
    """The mean squared gradient norm against T and against n, with γ ∝ √(n/T), and both sides of S-a6."""

    name = "rates"
    title = "Error feedback gains from steps and workers as plain SGD does"
    claims = ("T-a5-steps", "T-a5-workers", "S-a6")

    def experiments(self, level: str) -> dict[str, Experiment]:
        return {
            f"{rate.variable}/{name}": experiment
            for rate in (in_steps(level), in_workers(level))
            for name, experiment in rate.experiments.items()
        }

    def draw(self, data: Mapping[str, xarray.Dataset], records: Records, level: str) -> Drawing:
        with Plate(panels=2, height=4.6) as plate:
            slopes = []
            for rate in (in_steps(level), in_workers(level)):
                runs = measured(rate, {name: data[f"{rate.variable}/{name}"] for name in rate.experiments})
                slopes.append(_draw_rate(plate, rate, runs))
        words = "; in ".join(
            f"${variable}$ {_text(found)}, plain SGD's {plain:.3f}".replace("-", "−")
            for variable, (found, plain) in zip(AXES, slopes, strict=True)
        )
        caption = (
            "EF14 with a hard threshold on a noisy, heterogeneous quadratic, $\\gamma = c\\sqrt{n/T}$: points are "
            f"means of {len(runs)} runs with bars (mostly within the points), slopes have intervals, both of "
            f"{CONFIDENCE:.0%} confidence. The line through them is not fitted: it is the exact mean of plain SGD with "
            "these step sizes and this noise. Its slope is −1/2 only in the limit, since a share $1/(\\gamma T)$ of "
            f"the noise has not come in yet and steps are not infinitely short. Slopes in {words}. The memory's part "
            f"of S-a6, of another slope, is small in this window. {verdicts(self.claims, records)}"
        )
        return Drawing(self.title, plate.figure, plate.table, caption)


def plain_sgd(experiment: Experiment) -> float:
    r"""Return the exact mean of :math:`E\|\nabla f(x_t)\|^2` over the steps t < T of SGD that is not compressed.

    On an axis of curvature h, with noise of variance v of the mean gradient, :math:`q = (1 - \gamma h)^2` and
    :math:`S = \tfrac1T \sum_{t<T} q^t`, the mean is :math:`h^2 (u_0^2 S + \gamma^2 v (1 - S)/(1 - q))`.
    """
    problem = model(experiment.problem)
    h, v = problem.hessians[0].diagonal(), problem.noise[0].diagonal() / problem.shape[0]
    gamma, steps = float(experiment.stepsize), experiment.steps
    q = (1 - gamma * h) ** 2
    S = (1 - q**steps) / (1 - q) / steps
    return float(h**2 @ (problem.start**2 * S + gamma**2 * v * (1 - S) / (1 - q)))


def _text(found: Estimate) -> str:
    return f"{found.value:.3f} [{found.low:.3f}, {found.high:.3f}]"


def _draw_rate(plate: Plate, rate: Rate, runs: np.ndarray) -> tuple[Estimate, float]:
    """Draw the measured points, plain SGD, and the right side of S-a6 with its memory part; return both slopes."""
    axes = plate.panel(
        f"against {rate.variable}", x=AXES[rate.variable], y=r"mean of $\|\nabla f(x_t)\|^2$ over $t<T$", log="xy"
    )
    mean = runs.mean(axis=0)
    axes.set_xticks(rate.values, [f"{value:g}" for value in rate.values])
    axes.minorticks_off()
    plain = np.array([plain_sgd(one) for one in rate.experiments.values()])
    plate.theory(axes, "plain SGD, exact", rate.values, plain, at=0.85, side="below")
    plate.theory(axes, "S-a6, right side", rate.values, rate.bound, at=0.7)
    plate.theory(axes, "its memory part", rate.values, rate.memory_term, at=0.7)
    interval = mean_interval(runs, 1 - CONFIDENCE)
    found = slope(rate.values, runs, confidence=CONFIDENCE)
    plate.measured(
        axes,
        "measured",
        rate.values,
        mean,
        (interval.low, interval.high),
        look=LOOKS["EF14 threshold"],
        weight="points",
        label=f"EF14 measured, slope {_text(found)}".replace("-", "−"),
        at=0.4,
    )
    return found, float(slope(rate.values, plain).value)
