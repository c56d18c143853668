"""rTop-k from several workers: what arrives in one step, and which r is best in one step and over a run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from figures._base import Drawing, Figure, Records, verdicts
from figures._plate import Plate
from figures._style import RANGE_LOOKS
from problems import Quadratic
from proofs_check.claims.rtop_k.interior_r import (
    DIMENSION,
    EARLY,
    LATE,
    RANGES,
    SENT,
    STEPSIZE,
    ensemble,
    gaps,
    predicted,
)
from proofs_check.statistics import mean_interval
from toolkit.algorithms import ErrorFeedback
from toolkit.arrays import Array
from toolkit.compressors import RTopK
from toolkit.compressors.r_top_k import best_r
from toolkit.experiment import Experiment

if TYPE_CHECKING:
    import xarray

WORKERS = (1, 2, 4, 8, 16, 32, 64)  # of one step
SHOWN = (1, 4, 64)
RUN_WORKERS = {"quick": (1, 16), "full": (1, 4, 16, 64)}
POWER = 0.15
CONFIDENCE = 0.99
P = np.arange(1, DIMENSION + 1.0) ** -POWER


class RtopkCoverage(Figure):
    """Coverage, the error of one step, and the gap of error feedback, against workers, r and steps."""

    name = "rtopk-coverage"
    title = "Random choice in the top: an interior r is best in one step and in a window of a run"
    claims = ("S-b5-coverage", "S-b5", "S-b5-best", "S-b5-interior", "S-b5-predicts", "S-b5-interior-overall")

    def experiments(self, level: str) -> dict[str, Experiment]:
        one_step: dict[str, Any] = {"stepsize": 1.0, "steps": 1, "record": [1], "keep": ("x", "memory")}
        runs = {"quick": 48, "full": 400}[level]
        return {
            f"one step/{n}": Experiment(_constant_gradient(n), ErrorFeedback(), _swept(), runs=runs, **one_step)
            for n in WORKERS
        } | {f"runs/{n}": ensemble(n) for n in RUN_WORKERS[level]}

    def draw(self, data: Mapping[str, xarray.Dataset], records: Records, level: str) -> Drawing:
        workers = RUN_WORKERS[level]
        with Plate(panels=4, columns=2, height=5.4) as plate:
            _coverage(plate, data)
            _one_step(plate, data)
            _after_early_steps(plate, data, workers)
            _over_steps(plate, data, workers)
        window = data[f"runs/{workers[-1]}"]
        at_best = {r: float(gaps(window, r, EARLY).mean()) for r in RANGES}
        best = min(RANGES, key=at_best.__getitem__)
        caption = (
            f"$k={SENT}$ of $d={DIMENSION}$ coordinates per message. Top: workers that hold one $p$, "
            f"$p_j=j^{{-{POWER}}}$, in one step; lines are S-b5's formulas, points means of runs with bars of "
            f"{CONFIDENCE:.0%} confidence; the dotted line joins the best $r$. Bottom: EF14 on a sparse-plus-noise "
            f"quadratic, $\\gamma={STEPSIZE}$ for all $r$. After {EARLY} steps, for $n={workers[-1]}$, $r={best}$ has "
            f"the smallest gap, {at_best[SENT] / at_best[best]:.1f} times below Top-k's. The formula, from the first "
            f"gradient, says $r={predicted(workers[-1])}$ (dotted), and Top-k for one worker. Early, late and in the "
            f"mean over {LATE} steps Top-k is best, or not to be told from the best. {verdicts(self.claims, records)}"
        )
        return Drawing(self.title, plate.figure, plate.table, caption)


def _constant_gradient(n: int) -> Quadratic:
    """Return f(x) = −⟨p, x⟩: in the first step of size 1 every worker's message is made of p."""
    return Quadratic(np.zeros((n, DIMENSION)), np.tile(P, (n, 1)), start=np.zeros(DIMENSION))


def _swept() -> RTopK:
    return RTopK(k=SENT, r=RANGES)


def _interval(samples: Array) -> tuple[Array, tuple[Array, Array]]:
    """Return means and the ends of their intervals, of samples of shape ``(run, point)``."""
    found = mean_interval(samples, 1 - CONFIDENCE)
    return found.value, (found.low, found.high)


def _name(r: int) -> str:
    """Return the name of an r."""
    ends = {SENT: ", Top-k", DIMENSION: ", Rand-k"}
    return f"$r={r}$" + ends.get(r, "")


def _coverage(plate: Plate, data: Mapping[str, xarray.Dataset]) -> None:
    axes = plate.panel("coverage", x="workers $n$", y="different coordinates sent", log="xy")
    _ticks(axes, WORKERS[::2], (2, 4, 8, 16, 32, 64))
    n = np.geomspace(1, WORKERS[-1], 25)
    for r, look in zip(RANGES, RANGE_LOOKS, strict=True):
        sent = [(data[f"one step/{one}"].memory.sel(r=r).isel(step=-1).values == 0).any(axis=1) for one in WORKERS]
        mean, ends = _interval(np.stack([one.sum(axis=-1) for one in sent], axis=1).astype(float))
        plate.measured(axes, f"r = {r}, runs", WORKERS, mean, ends, look=look, weight="points")
        at = {DIMENSION: 0.5, 32: 0.9, 16: 0.8}.get(r, 0.6)
        plate.theory(axes, _name(r), n, [RTopK(k=SENT, r=r).coverage(one) for one in n], at=at)


def _one_step(plate: Plate, data: Mapping[str, xarray.Dataset]) -> None:
    axes = plate.panel("one step", x="$r$", y=r"$E\|p-\bar p\|^2/\|p\|^2$ in one step", log="x")
    _ticks(axes, RANGES, None)
    ranges, whole = np.arange(SENT, DIMENSION + 1), float((P**2).sum())
    for n, look in zip(SHOWN, (RANGE_LOOKS[0], RANGE_LOOKS[2], RANGE_LOOKS[5]), strict=True):
        result = data[f"one step/{n}"]
        errors = [((result.x.sel(r=r).isel(step=-1).values[:, 0] - P) ** 2).sum(axis=-1) / whole for r in RANGES]
        mean, ends = _interval(np.stack(errors, axis=1))
        plate.measured(axes, f"n = {n}, runs", RANGES, mean, ends, look=look, weight="points")
        formula = [_relative_error(int(r), n) for r in ranges]
        plate.theory(axes, f"$n={n}$", ranges, formula, at=0.75, side="below" if n == SHOWN[-1] else "above")
    many = range(1, WORKERS[-1] + 1)
    best = [best_r(P, SENT, n) for n in many]
    errors = [_relative_error(r, n) for r, n in zip(best, many, strict=True)]
    plate.theory(axes, f"the best $r$, $n=1$ to {WORKERS[-1]}", best, errors, at=None, dashes=(0, (1, 1)))
    axes.legend(loc="lower right")


def _relative_error(r: int, n: int) -> float:
    return float(RTopK(k=SENT, r=r).error_of_mean(P[None, None], n)[0, 0] / (P**2).sum())


def _after_early_steps(plate: Plate, data: Mapping[str, xarray.Dataset], workers: tuple[int, ...]) -> None:
    axes = plate.panel("gap against r", x="$r$", y=f"gap $f-f^*$ after {EARLY} steps", log="xy")
    _ticks(axes, RANGES, None)
    for n, look in zip(workers, RANGE_LOOKS, strict=False):
        samples = np.stack([gaps(data[f"runs/{n}"], r, EARLY) for r in RANGES], axis=1)
        mean, ends = _interval(samples)
        plate.measured(axes, f"n = {n}", RANGES, mean, ends, look=look, label=f"$n={n}$")
    low, high = axes.get_ylim()
    foretold = predicted(workers[-1])
    plate.theory(axes, "formula, $n>1$", [foretold] * 2, [low, high], at=0.75, dashes=(0, (1, 2)))
    axes.legend(loc="upper left")


def _over_steps(plate: Plate, data: Mapping[str, xarray.Dataset], workers: tuple[int, ...]) -> None:
    n = workers[-1]
    axes = plate.panel("gap against steps", x="step $t$", y="gap $f-f^*$", log="y", title=f"$n={n}$")
    result = data[f"runs/{n}"]
    steps = result.step.values
    for r, look in zip(RANGES, RANGE_LOOKS, strict=True):
        mean, ends = _interval(np.stack([gaps(result, r, int(step)) for step in steps[1:]], axis=1))
        plate.measured(axes, f"r = {r}", steps[1:], mean, ends, look=look, label=_name(r))
    axes.legend(loc="upper right", ncols=2)


def _ticks(axes: Any, x: tuple[int, ...], y: tuple[int, ...] | None) -> None:
    axes.set_xticks(x, [str(one) for one in x])
    axes.xaxis.minorticks_off()
    if y is not None:
        axes.set_yticks(y, [str(one) for one in y])
        axes.yaxis.minorticks_off()
