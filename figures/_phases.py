"""What figures of escapes by compression noise share: cells of step sizes and compression, and lines over the noise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from figures._base import Figure
from figures._plate import Plate
from figures._style import LOOKS
from proofs_check.claims.saddle.compression_escape import E_FOLDS, GAMMA, METHODS, SCALE, START, D, saddle, starts
from toolkit.algorithms import SGD, Algorithm
from toolkit.arrays import Array
from toolkit.compressors import QSGD, Compressor, Identity, Natural, RandK, Scaled, ScaledSign, TopK
from toolkit.experiment import Experiment

if TYPE_CHECKING:
    import xarray
    from matplotlib.axes import Axes

LAST = 30.0  # e-folds, where runs end: until then rounding comes to 1 % of the scale at most
ROUNDED = 52.0  # e-folds, in which it escapes
STEPSIZES = {"quick": 2.0 ** np.arange(-4, 1), "full": 2.0 ** np.arange(-5, 0.1, 0.5)}
COUNTS = {"quick": (1, 2, 4, 8, 12, 15), "full": (1, 2, 3, 4, 5, 6, 8, 10, 12, 15)}
LEVELS = {"quick": (1, 2, 4, 8, 16), "full": (1, 2, 3, 4, 6, 8, 11, 16)}
RUNS = {"quick": 4, "full": 32}
PARAMETERLESS: dict[str, Compressor] = {"natural": Natural(), "scaled sign": ScaledSign()}
STRIPS = ("descent", *PARAMETERLESS)

OF_NOISE: dict[str, tuple[Compressor, str]] = {
    "Top-4": (TopK(k=4), "Top-k"),
    "Rand-4": (RandK(k=4), "Rand-k"),
    "QSGD, s = 2": (Scaled(QSGD(s=2)), "QSGD"),
    "scaled sign": (ScaledSign(), "scaled sign"),
    "natural": (Natural(), "natural"),
}
OF_NOISE_STEPSIZE = 0.125
FAR = 1e-40  # ρ of a saddle whose wells are out of reach

ROUNDING, ISOTROPIC = "descent: by rounding", "descent: isotropic noise"
LIKE_DESCENT = {ROUNDING: "frozen", ISOTROPIC: "uncompressed"}
SETTING = (
    f"A saddle in a random basis, $d = {D}$, $\\gamma = L = 1$, from random points of its stable subspace at "
    f"{START / SCALE:.0%} of the scale $R$; full gradients, all compressors as contractions (an unbiased one "
    "with the step $\\eta$ is this one with $\\eta(1 + \\omega)$)."
)

STEPSIZE = r"step size $\eta\gamma$"


@dataclass(frozen=True)
class Sweep:
    """A compressor with one swept number, and how the axis calls that."""

    compressor: Compressor
    values: tuple[int, ...]
    axis: str


def sweeps(level: str) -> dict[str, Sweep]:
    """Return the rows of diagrams."""
    k, s = COUNTS[level], LEVELS[level]
    return {
        "Top-k": Sweep(TopK(k=k), k, f"$k$ of {D}"),
        "Rand-k": Sweep(RandK(k=k), k, f"$k$ of {D}"),
        "QSGD": Sweep(Scaled(QSGD(s=s)), s, "levels $s$"),
    }


class Phases(Figure):
    """A figure of diagrams, one for each compressor and memory, whose colours are one number of every cell.

    Attributes
    ----------
    quantity : str
        What the number is.
    colours : str
        The colour map.
    border : str
        How the line is called on whose two sides more and less than half of the runs escape by the horizon.
    """

    quantity: ClassVar[str] = ""
    colours: ClassVar[str] = ""
    border: ClassVar[str] = ""

    def experiments(self, level: str) -> dict[str, Experiment]:
        compressors = {name: one.compressor for name, one in sweeps(level).items()} | PARAMETERLESS
        found = {
            f"{name}, {how}": _diagram(method, compressor, LAST, level)
            for name, compressor in compressors.items()
            for how, method in METHODS.items()
        }
        found |= {
            f"{name}, {how}, noise": _noisy(method, compressor, LAST, level)
            for name, (compressor, _) in OF_NOISE.items()
            for how, method in METHODS.items()
        }
        descent = SGD(), Identity()
        return found | {
            "descent": _diagram(*descent, ROUNDED, level),
            f"{ROUNDING}, noise": _noisy(*descent, 2 * LAST, level),
            f"{ISOTROPIC}, noise": _noisy(*descent, LAST, level, isotropic=True),
        }

    def cells(self, times: Array, last: float) -> Array:
        """Return the number of every cell, from when its runs escape and when runs of the panel end, in e-folds."""
        raise NotImplementedError

    def norm(self) -> Any:
        """Return which number has which place in the colours."""
        raise NotImplementedError

    def diagrams(self, plate: Plate, data: Mapping[str, xarray.Dataset], level: str) -> tuple[Any, list[Axes]]:
        """Draw all diagrams, and return one field, for its colours, and all panels."""
        panels = []
        for name, sweep in sweeps(level).items():
            for how in METHODS:
                axes = plate.panel(
                    f"{name}, {how}", x=STEPSIZE, y=sweep.axis, log="xy", title=f"{name.replace('k', '$k$')}, {how}"
                )
                times, unstable = escapes(data[f"{name}, {how}"])
                field = self._colour(plate, axes, sweep.values, self.cells(times, LAST), level)
                _border(plate, axes, sweep.values, times, level, self.border)
                _mark(plate, axes, sweep.values, unstable, level)
                _name_powers(axes, level, of_y=True)
                panels.append(axes)
        for how in METHODS:
            axes = plate.panel(f"no parameter, {how}", x=STEPSIZE, y="", log="x", title=f"no parameter, {how}")
            of_strips = [escapes(data[name if name in data else f"{name}, {how}"])[0] for name in STRIPS]
            strips = [self.cells(times, ROUNDED) for times in of_strips]
            self._colour(plate, axes, range(len(STRIPS)), np.stack(strips, axis=1), level)
            _name_powers(axes, level, of_y=False)
            axes.set_yticks(range(len(STRIPS)), STRIPS)
            panels.append(axes)
        for axes in [one for at, one in enumerate(panels) if at % len(METHODS)]:
            axes.tick_params(labelleft=False)
        return field, panels

    def with_parameter(self, data: Mapping[str, xarray.Dataset], level: str) -> dict[str, Array]:
        """Return the numbers of all cells of compressors with a parameter, by the memory."""
        return {
            how: np.concatenate(
                [self.cells(escapes(data[f"{name}, {how}"])[0], LAST) for name in sweeps(level)], axis=1
            )
            for how in METHODS
        }

    def _colour(self, plate: Plate, axes: Axes, rows: Sequence[int], values: Array, level: str) -> Any:
        return plate.field(
            axes, "runs", STEPSIZES[level], rows, values.T, quantity=self.quantity, norm=self.norm(),
            colours=self.colours,
        )  # fmt: skip


def put_legend(plate: Plate) -> None:
    """Explain below the figure what its panels have in common."""
    handles: dict[str, Any] = {}
    for axes in plate.figure.axes:
        lines, labels = axes.get_legend_handles_labels()
        handles |= dict(zip(labels, lines, strict=True))
    shown = [name for name in handles if "part" not in name]
    plate.figure.legend([handles[name] for name in shown], shown, loc="outside lower center", ncols=5)


def _diagram(method: Algorithm, compressor: Compressor, last: float, level: str) -> Experiment:
    """Return the runs of all cells of a panel, from the stable subspace; small steps are the slowest."""
    stepsizes, problem = STEPSIZES[level], saddle()
    steps = int(last / np.log1p(stepsizes[0] * GAMMA))
    return Experiment(
        problem, method, compressor, stepsize=stepsizes, steps=steps, runs=RUNS[level], x0=starts(problem, RUNS[level]),
        record=_grid(steps), unproven=True,
    )  # fmt: skip


def _noisy(method: Algorithm, compressor: Compressor, last: float, level: str, isotropic: bool = False) -> Experiment:
    """Return runs with noise σ = 1 from the saddle itself: R/σ is then only a scale, and a run tells of all of them."""
    steps = int(last / np.log1p(OF_NOISE_STEPSIZE * GAMMA))
    return Experiment(
        saddle(FAR, sigma_sq=1.0, isotropic=isotropic), method, compressor, stepsize=OF_NOISE_STEPSIZE, steps=steps,
        x0=np.zeros(D), runs=4 * RUNS[level], record=_grid(steps), unproven=True,
    )  # fmt: skip


def _grid(steps: int) -> tuple[int, ...]:
    return tuple(np.unique(np.geomspace(1, steps, 80).round().astype(int)).tolist())


def first(curves: Array, steps: Array, scale: float) -> Array:
    """Return when curves, shape ``(…, step)``, come to a scale: between recorded steps by their logarithms.

    Examples
    --------
    >>> first(np.array([[1.0, 4.0, 16.0], [1.0, 1.0, 1.0]]), np.array([0, 4, 8]), 8.0)
    array([ 6., inf])
    """
    reached = curves >= scale
    at = np.maximum(reached.argmax(axis=-1), 1)
    logs = np.log(np.maximum(curves, np.finfo(float).tiny) / scale)
    before, after = (np.take_along_axis(logs, (at - ago)[..., None], axis=-1)[..., 0] for ago in (1, 0))
    back = np.clip(after / np.where(after > before, after - before, np.inf), 0, 1)
    return np.where(reached.any(axis=-1), steps[at] - back * (steps[at] - steps[at - 1]), np.inf)


def e_folds(result: xarray.Dataset, of: str = "along") -> Array:
    """Return when runs come to the scale along v, or across it, in e-folds of descent; the first axis is η."""
    result = result.transpose("stepsize", ..., "run", "step")
    times = first(result[of].values, result.step.values, SCALE)
    return times * np.log1p(result.stepsize.values * GAMMA).reshape(-1, *[1] * (times.ndim - 1))


def escapes(result: xarray.Dataset) -> tuple[Array, Array]:
    """Return when runs escape, in e-folds, the last axis being the runs, and the share of unstable runs.

    A run whose stable part comes to the scale first is unstable, and never escapes.
    """
    along, across = e_folds(result), e_folds(result, "across")
    unstable = across < along
    return np.where(unstable, np.inf, along), unstable.mean(axis=-1)


def passages(result: xarray.Dataset, noises: Array) -> Array:
    """Return when noise of each size σ/R leads runs to the scale, in e-folds of descent, shape ``(size, run)``."""
    times = np.array([first(result.along.values, result.step.values, 1 / noise) for noise in noises])
    return times * np.log1p(OF_NOISE_STEPSIZE * GAMMA)


def _border(plate: Plate, axes: Axes, rows: Sequence[int], times: Array, level: str, words: str) -> None:
    """Draw where the median is at the horizon; a cell without one counts as late."""
    from contourpy import contour_generator

    late = np.minimum(np.median(times, axis=-1), 2 * LAST)
    found: Any = contour_generator(np.log(STEPSIZES[level]), np.log(rows), np.log(late.T)).lines(np.log(E_FOLDS))
    for number, line in enumerate(found):
        plate.theory(axes, words if number == 0 else f"{words}, part {number + 1}", *np.exp(line).T, at=None)


def _mark(plate: Plate, axes: Axes, rows: Sequence[int], unstable: Array, level: str) -> None:
    """Put dots on cells where most runs are unstable."""
    x, y = np.meshgrid(STEPSIZES[level], rows, indexing="ij")
    most, look = unstable > 0.5, LOOKS["optimum"]
    if most.any():
        plate.measured(axes, "unstable", x[most], y[most], look=look, weight="points", label="most runs unstable")


def _name_powers(axes: Axes, level: str, of_y: bool) -> None:
    """Name powers of two."""
    halvings = [j for j in (5, 4, 3, 2, 1, 0) if 2.0**-j >= STEPSIZES[level][0]]
    axes.set_xticks([2.0**-j for j in halvings], [f"1/{2**j}" if j else "1" for j in halvings])
    if of_y:
        powers = 2 ** np.arange(5)
        axes.set_yticks(powers, powers)
    axes.minorticks_off()
