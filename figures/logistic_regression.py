"""What a bit buys: six methods on two real data sets, each at its best step size."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

import problems
from figures._base import Drawing, Figure, Records, verdicts
from figures._plate import Plate
from figures._style import LOOKS
from toolkit.algorithms import EF21, SGD, Algorithm, CompressedSGD, ErrorFeedback
from toolkit.arrays import Array
from toolkit.compressors import QSGD, Compressor, HardThreshold, Identity, ScaledSign, TopK
from toolkit.experiment import Experiment
from toolkit.stepsizes import prescribed

if TYPE_CHECKING:
    import xarray

DATA, WORKERS = ("breast-cancer", "digits"), 20
ROUNDS = {"quick": 60, "full": 200}  # of uncompressed gradient descent; their bits are what everyone gets
GAP = "relative gap $(f(x_t) - f^*)/(f(x_0) - f^*)$"
LOWEST = 1e-12  # relative gap shown; below it no method is better than another


@dataclass(frozen=True)
class Contestant:
    """A method with its compressor, and the powers of two times its theory's step size that are tried."""

    label: str
    look: str
    algorithm: Algorithm
    compressor: Compressor
    powers: tuple[int, int]  # the first and the last


class LogisticRegression(Figure):
    """Relative gap against bits, each method at the best of the step sizes 2^i × theory, and at theory's."""

    name = "logistic-regression"
    title = "What a bit buys on two real data sets"
    claims = ("EF21-1", "S-a7")

    def experiments(self, level: str) -> dict[str, Experiment]:
        experiments = {}
        for data in DATA:
            problem = problems.LogisticRegression.on(data, WORKERS)
            for name, one in contestants(problem).items():
                first, last = one.powers
                factors: Any = [2.0**i for i in range(first, last + 1)]
                experiments[f"{data}/{name}"] = Experiment(
                    problem,
                    one.algorithm,
                    one.compressor,
                    stepsize=prescribed(factor=factors),
                    steps=int(budget(problem, level) / bits_per_step(one, problem)),
                    runs={"quick": 4, "full": 8}[level] if one.compressor.random else 1,
                )
        return experiments

    def draw(self, data: Mapping[str, xarray.Dataset], records: Records, level: str) -> Drawing:
        at_edge, lambdas, left_out = [], [], []
        with Plate(panels=len(DATA), height=6.2) as plate:
            for name in DATA:
                problem = problems.LogisticRegression.on(name, WORKERS)
                bits = budget(problem, level)
                lambdas.append(f"{threshold_sending(problem.dimension // 10, problem):.3g} on {name}")
                left_out.append(f"{name}: {problem.left_out}.")
                axes = plate.panel(name, x="sent per worker (Mbit)", y=GAP, log="y", title=name)
                for method, one in contestants(problem).items():
                    result = data[f"{name}/{method}"]
                    half = result.sizes["run"] // 2  # chooses the factor; a method without randomness has one run
                    factor = best_factor(result.isel(run=slice(0, max(1, half))), bits)
                    if factor in (2.0 ** one.powers[0], 2.0 ** one.powers[1]):
                        at_edge.append(f"{one.label} on {name}")
                    drawn, look = result.isel(run=slice(half, None)), LOOKS[one.look]
                    main: dict[str, Any] = {"label": f"{one.label}, {factor:g}×"}
                    for times, how in ((1.0, {"weight": "thin"}), (factor, main)):
                        x, y, ends = curve(drawn.sel(factor=times), bits)
                        plate.measured(axes, f"{method}, {times:g} × theory", x / 1e6, y, ends, look=look, **how)
                axes.set_ylim(LOWEST, 2.0)
                axes.set_xlim(0, bits / 1e6)
                axes.legend(loc="upper center", bbox_to_anchor=(0.45, -0.2), ncols=2)
        edge = f"At the edge of the factors tried: {', '.join(at_edge)}. " if at_edge else ""
        caption = (
            f"Full gradients on {WORKERS} workers; everyone gets the bits of {ROUNDS[level]} steps of uncompressed "
            "gradient descent. Step sizes are powers of two times what each method's theory gives: drawn is the "
            "factor that is best at the end of the budget (in the legend) and, thin in the same colour and dashes, "
            "the factor 1. For EF14 with Top-k and with sign no theorem limits the step size, and theory's stands for "
            "EF21's there, as in the code of EF21's authors. The threshold sends as many coordinates as Top-k where it "
            f"matters, at the minimiser: $\\lambda$ is {' and '.join(lambdas)}. "
            "QSGD is random: half of its runs chose the factor, the others are drawn, with their range. "
            f"{' '.join(left_out)} {edge}{verdicts(self.claims, records)}"
        )
        return Drawing(self.title, plate.figure, plate.table, caption)


def contestants(problem: problems.LogisticRegression) -> dict[str, Contestant]:
    """Return the methods compared on a problem; k is a tenth of its dimension, and the threshold sends as many."""
    k = problem.dimension // 10
    threshold = HardThreshold(lam=threshold_sending(k, problem))
    return {
        "GD": Contestant("GD", "uncompressed", SGD(), Identity(), (0, 6)),
        "QSGD": Contestant("compressed GD + QSGD", "no memory", CompressedSGD(), QSGD(s=4), (-2, 4)),
        "EF14 Top-k": Contestant(f"EF14 + Top-{k}", "EF14 top-k", ErrorFeedback(), TopK(k=k), (0, 8)),
        "EF14 threshold": Contestant("EF14 + threshold", "EF14 threshold", ErrorFeedback(), threshold, (0, 6)),
        "EF14 sign": Contestant("EF14 + sign", "EF14 sign", ErrorFeedback(), ScaledSign(), (0, 9)),
        "EF21 Top-k": Contestant(f"EF21 + Top-{k}", "EF21 top-k", EF21(), TopK(k=k), (0, 12)),
    }


def threshold_sending(k: int, problem: problems.LogisticRegression) -> float:
    r"""Return the λ with which every worker sends k coordinates per step at the minimiser, on average.

    .. math:: \frac1n \sum_i \sum_j \frac{1}{\lceil \lambda / |\nabla_j f_i(x^\star)| \rceil} = k .

    Source: S-a9 (derived).
    """
    magnitude = np.abs(problem.gradient(problem.x_star[None, None])[0])
    candidates = np.geomspace(magnitude.min(), problem.dimension * magnitude.max(), 2000)
    sends = [np.mean(np.sum(1 / np.ceil(lam / magnitude), axis=1)) for lam in candidates]
    return float(candidates[np.argmax(np.array(sends) <= k)])


def budget(problem: problems.LogisticRegression, level: str) -> float:
    """Return the bits that every worker may send."""
    return ROUNDS[level] * 64.0 * problem.dimension


def bits_per_step(one: Contestant, problem: problems.LogisticRegression) -> float:
    """Return the price of a step; where it depends on the message, little enough that the run reaches the budget."""
    price = one.compressor.price(WORKERS, problem.dimension, np.dtype(float))
    return 60.0 * (problem.dimension // 10) if price is None else float(price)


def relative_gap(result: xarray.Dataset) -> xarray.DataArray:
    return result.f_gap / result.f_gap.isel(step=0)


def best_factor(result: xarray.Dataset, bits: float) -> float:
    """Return the factor with the smallest gap over the last tenth of the budget, of equals the one that fell faster.

    Means over steps and runs are geometric, of gaps above `LOWEST`; a factor with a diverged run comes last.
    """
    gap: Any = np.log(relative_gap(result).clip(min=LOWEST))
    spent = result.bits_up
    at_last = gap.where((spent > 0.9 * bits) & (spent <= bits)).mean("step").mean("run", skipna=False)
    all_along = gap.where(spent <= bits).mean(("run", "step"))
    return float(gap.factor[np.lexsort((all_along.values, at_last.values))[0]])


def curve(result: xarray.Dataset, bits: float) -> tuple[Array, Array, tuple[Array, Array] | None]:
    """Return bits, mean gap over runs, and its range if there are several, up to the budget."""
    x, gap = result.bits_up.mean("run").values, relative_gap(result).values
    inside = x <= bits
    ends = None if len(gap) == 1 else (gap.min(axis=0)[inside], gap.max(axis=0)[inside])
    return x[inside], gap.mean(axis=0)[inside], ends
