"""When compression noise alone escapes from a saddle: against step size and compression, and against noise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from figures._base import Drawing, Figure, Records, verdicts
from figures._plate import Plate
from figures._style import COMPRESSOR_LOOKS, LOOKS
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
NOISES = np.geomspace(1e-5, 0.3, 30)  # in units of the scale
OF_NOISE_STEPSIZE = 0.125
FAR = 1e-40  # ρ of a saddle whose wells are out of reach

ROUNDING, ISOTROPIC = "descent: by rounding", "descent: isotropic noise"

STEPSIZE = r"step size $\eta\gamma$"
TIME = r"$t_{\rm escape}\,\ln(1 + \eta\gamma)$"


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


class PhaseDiagrams(Figure):
    """Escape times in the colours of diagrams, one for each compressor and memory."""

    name = "phase-diagrams"
    title = "Off the axes compression alone escapes from a saddle, long before rounding; without memory often slowly"
    claims = (
        "saddle-compression-escape",
        "saddle-rounding-escape",
        "saddle-rand-k-too-slow",
        "saddle-compressed-growth",
        "saddle-rand-k-escape-time",
        "saddle-ef21-is-ef14",
    )

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

    def draw(self, data: Mapping[str, xarray.Dataset], records: Records, level: str) -> Drawing:
        early: dict[str, list[Array]] = {how: [] for how in METHODS}
        with Plate(panels=15, columns=3, height=8.4, shares=(1, 1, 1, 0.55, 1)) as plate:
            diagrams = []
            for name, sweep in sweeps(level).items():
                for how in METHODS:
                    axes = plate.panel(
                        f"{name}, {how}", x=STEPSIZE, y=sweep.axis, log="xy", title=f"{name.replace('k', '$k$')}, {how}"
                    )
                    times, unstable = escapes(data[f"{name}, {how}"])
                    field = _colour(plate, axes, sweep.values, times, level)
                    _horizon(plate, axes, sweep.values, times, level)
                    _mark(plate, axes, sweep.values, unstable, level)
                    _name_powers(axes, level, of_y=True)
                    early[how].append(times <= E_FOLDS)
                    diagrams.append(axes)
            for how in METHODS:
                axes = plate.panel(f"no parameter, {how}", x=STEPSIZE, y="", log="x", title=f"no parameter, {how}")
                strips = [escapes(data[name if name in data else f"{name}, {how}"], ROUNDED)[0] for name in STRIPS]
                _colour(plate, axes, range(len(STRIPS)), np.stack(strips, axis=1), level)
                _name_powers(axes, level, of_y=False)
                axes.set_yticks(range(len(STRIPS)), STRIPS)
                diagrams.append(axes)
            for axes in [one for at, one in enumerate(diagrams) if at % len(METHODS)]:
                axes.tick_params(labelleft=False)
            rounded = e_folds(data["descent"])
            marks = {E_FOLDS: "horizon", LAST: "end of runs", float(rounded.min()): "rounding"}
            ticks = {at: f"{at:g}" for at in (8.0, 10.0, 12.0, 15.0, 24.0)}
            ticks |= {at: f"{at:.3g}\n{words}" for at, words in marks.items()}
            plate.colour_bar(field, diagrams, quantity=f"median {TIME}", ticks=ticks)
            for how in METHODS:
                self.noise(plate, data, how)
            handles: dict[str, Any] = {}
            for axes in plate.figure.axes:
                lines, labels = axes.get_legend_handles_labels()
                handles |= dict(zip(labels, lines, strict=True))
            shown = [name for name in handles if "part" not in name]
            plate.figure.legend([handles[name] for name in shown], shown, loc="outside lower center", ncols=5)
        counts = ", ".join(f"{np.concatenate(cells, axis=1).mean():.0%} ({how})" for how, cells in early.items())
        caption = (
            f"A saddle in a random basis, $d = {D}$, $\\gamma = L = 1$, from random points of its stable subspace at "
            f"{START / SCALE:.0%} of the scale $R$; full gradients, all compressors as contractions (an unbiased one "
            "with the step $\\eta$ is this one with $\\eta(1 + \\omega)$). Colours: after how many e-folds of descent, "
            f"$(1 + \\eta\\gamma)^t$, the median of {RUNS[level]} runs has $|\\langle v, x\\rangle| \\geq R$; white: "
            f"most do not by {LAST:g}, when rounding cannot matter yet. Descent is pushed off by rounding alone, and "
            f"escapes after {rounded.min():.3g} to {rounded.max():.3g}. By the horizon, {E_FOLDS:g} (line), most runs "
            f"escape in {counts} of the cells with a parameter. Bottom: from the saddle itself, with noise that avoids "
            f"$v$, $\\eta\\gamma = {OF_NOISE_STEPSIZE}$; the slower $\\langle v, x\\rangle$ grows, the steeper a line. "
            f"{verdicts(self.claims, records)}"
        )
        return Drawing(self.title, plate.figure, plate.table, caption)

    def noise(self, plate: Plate, data: Mapping[str, xarray.Dataset], how: str) -> None:
        axes = plate.panel(f"noise, {how}", x=r"noise $\sigma/R$", y=TIME, log="x", title=f"noise, {how}")
        for name, (_, look) in OF_NOISE.items():
            times = passages(data[f"{name}, {how}, noise"])
            plate.measured(axes, name, NOISES, times, look=COMPRESSOR_LOOKS[look], label=name)
        for name, look in {ROUNDING: "frozen", ISOTROPIC: "uncompressed"}.items():
            plate.measured(axes, name, NOISES, passages(data[f"{name}, noise"]), look=LOOKS[look], label=name)
        plate.theory(axes, "horizon", NOISES[[0, -1]], [E_FOLDS] * 2, at=None)
        axes.set_ylim(0, 55)
        axes.set_xticks([1e-5, 1e-3, 1e-1])
        axes.minorticks_off()


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


def escapes(result: xarray.Dataset, last: float = LAST) -> tuple[Array, Array]:
    """Return the median escape times in e-folds, NaN where most runs do not escape, and the share of unstable runs.

    A run whose stable part comes to the scale first is unstable, and does not count as escaped.
    """
    along, across = e_folds(result), e_folds(result, "across")
    unstable = across < along
    times = np.median(np.where(unstable, np.inf, along), axis=-1)
    return np.where(times <= last, times, np.nan), unstable.mean(axis=-1)


def passages(result: xarray.Dataset) -> Array:
    """Return the median times, in e-folds of descent, in which noise of each size leads to the scale."""
    times = np.array([np.median(first(result.along.values, result.step.values, 1 / noise)) for noise in NOISES])
    return np.where(np.isfinite(times), times, np.nan) * np.log1p(OF_NOISE_STEPSIZE * GAMMA)


def _colour(plate: Plate, axes: Axes, rows: Sequence[int], times: Array, level: str) -> Any:
    from matplotlib.colors import LogNorm

    norm = LogNorm(7, 50)
    return plate.field(axes, "median", STEPSIZES[level], rows, times.T, quantity=TIME, norm=norm, colours="viridis_r")


def _horizon(plate: Plate, axes: Axes, rows: Sequence[int], times: Array, level: str) -> None:
    """Draw where the median is at the horizon; a cell without one counts as late."""
    from contourpy import contour_generator

    late = np.where(np.isnan(times), 2 * LAST, times)
    found: Any = contour_generator(np.log(STEPSIZES[level]), np.log(rows), np.log(late.T)).lines(np.log(E_FOLDS))
    for number, line in enumerate(found):
        plate.theory(axes, "horizon" if number == 0 else f"horizon, part {number + 1}", *np.exp(line).T, at=None)


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
