"""What the memory of error feedback holds: Top-k against the hard threshold at the same bits."""

from __future__ import annotations

from collections.abc import Mapping
from math import sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from figures._base import Drawing, Figure, Records, verdicts
from figures._plate import Plate
from figures._style import LOOKS
from figures._watched import Watched
from problems import LogisticRegression
from toolkit.algorithms import ErrorFeedback
from toolkit.compressors import HardThreshold, TopK
from toolkit.experiment import Experiment

if TYPE_CHECKING:
    import xarray

DATA, WORKERS, K = "breast-cancer", 20, 3
LAMBDAS = tuple(round(0.1 * 2 ** (i / 4), 4) for i in range(-2, 7))  # one of these spends what Top-k spends


class TotalError(Figure):
    """Top-k's memory follows the gradients; the threshold's stays under a bound known before the run."""

    name = "total-error"
    title = "At the same bits, the hard threshold loses less than Top-k"
    claims = ("S-a5", "S-d1-sharp")

    def experiments(self, level: str) -> dict[str, Experiment]:
        problem, steps = Watched.on(DATA, WORKERS), {"quick": 1000, "full": 10000}[level]
        settings: dict[str, Any] = {
            "stepsize": 1 / (4 * float(np.max(problem.constants.L_i.value))),  # S-a7's
            "batch": 1,
            "steps": steps,
            "record": np.append(0, np.geomspace(1, steps, 60)).astype(int),
            "runs": {"quick": 4, "full": 32}[level],
        }
        return {
            "Top-k": Experiment(problem, ErrorFeedback(), TopK(k=K), **settings),
            "hard threshold": Experiment(problem, ErrorFeedback(), HardThreshold(lam=LAMBDAS), **settings),
        }

    def draw(self, data: Mapping[str, xarray.Dataset], records: Records, level: str) -> Drawing:
        top = data["Top-k"]
        threshold = _at_the_bits_of(top, data["hard threshold"])
        lam, gamma = float(threshold.lam), float(top.stepsize[0])
        problem = LogisticRegression.on(DATA, WORKERS)
        step, dimension = top.step.values, problem.dimension
        absolute = gamma**2 * dimension * lam**2
        q = sqrt(1 - K / dimension)
        sigma_sq = float(top.sample_grad_norm_sq.mean("run").max())
        relative = (q / (1 - q) * gamma) ** 2 * sigma_sq
        curves: tuple[tuple[Any, str, Any, str, float, Any], ...] = (
            (top, "Top-k", LOOKS["EF14 top-k"], f"Top-{K}", 0.14, "above"),
            (threshold, "hard threshold", LOOKS["EF14 threshold"], f"threshold, $\\lambda = {lam:.2g}$", 0.75, "below"),
        )
        with Plate(panels=2, height=4.4, shared_x=True) as plate:
            for quantity, times, label in (
                ("memory_norm_sq", np.ones(step.size), r"memory $n^{-1}\sum_i\|e_t^i\|^2$"),
                ("total_error", step, r"total error $\sum_{s\leq t}n^{-1}\sum_i\|e_s^i\|^2$"),
            ):
                axes = plate.panel(quantity, x="step $t$", y=label, log="xy")
                for result, name, look, title, at, side in curves:
                    runs = result[quantity].values
                    ends = runs.min(axis=0), runs.max(axis=0)
                    plate.measured(axes, name, step, runs.mean(axis=0), ends, look=look, label=title, at=at, side=side)
                plate.theory(axes, r"Top-k, S-d1 sharp", step, relative * times, at=0.75, side="below")
                plate.theory(axes, r"threshold, S-a5: $\gamma^2 d\lambda^2$", step, absolute * times, at=0.27)
        ratio = float(top.total_error.isel(step=-1).mean() / threshold.total_error.isel(step=-1).mean())
        bits = float(threshold.bits_up.isel(step=-1).mean() / top.bits_up.isel(step=-1).mean())
        caption = (
            f"EF14, logistic regression on {DATA} ({problem.left_out}), {WORKERS} workers, one sample per step and "
            f"worker, $\\gamma = 1/(4\\max_i L_i)$: mean and range of {top.sizes['run']} runs. The threshold is the "
            f"one of {len(LAMBDAS)} that spends about the bits of Top-{K} ({bits:.2f} times). Top-{K}'s memory bursts "
            f"while the gradients are large, and only their size bounds it: $\\sigma^2 = {sigma_sq:.3g}$ is read off "
            "these runs, the largest mean over them at a recorded step, without a confidence limit. The threshold's "
            f"never exceeds $\\gamma^2 d\\lambda^2$. In total Top-{K} loses {ratio:.1f} times as much. "
            f"{verdicts(self.claims, records)}"
        )
        return Drawing(self.title, plate.figure, plate.table, caption)


def _at_the_bits_of(reference: xarray.Dataset, sweep: xarray.Dataset) -> xarray.Dataset:
    """Return the threshold of the sweep that spends, over the whole run, about what the reference spends."""
    spent = sweep.bits_up.isel(step=-1).mean("run").values
    wanted = float(reference.bits_up.isel(step=-1).mean())
    return sweep.isel(lam=int(np.argmin(np.abs(np.log(spent / wanted)))))
