"""How long it takes to leave a saddle: against the dimension, and against the share of coordinates that are sent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from math import log1p, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from figures._base import Drawing, Figure, Records, verdicts
from figures._plate import Plate
from figures._style import BLACK, GREY, NOISE_LOOKS, Look
from proofs_check.claims.saddle.escape_memory import D, MemoryTime, fixed_step
from proofs_check.claims.saddle.escape_time import ETA, LogDimension, times
from proofs_check.claims.saddle.escape_tuned import Tuned, implied_step
from proofs_check.escape_laws import mean_growth, memory_mean
from proofs_check.statistics import mean_interval
from toolkit.arrays import Array
from toolkit.experiment import Experiment
from toolkit.rates import slope

if TYPE_CHECKING:
    import xarray
    from matplotlib.axes import Axes

EPSILON = 1 / 4  # in units of the root of σ² + r²
CONFIDENCE = 0.99
NAMES = {
    "one step": "one perturbation",
    "isotropic": "isotropic noise",
    "not Lipschitz": "not Lipschitz",
    "orthogonal": "orthogonal to the escape",
}
LARGEST, IMPLIED = "largest step", "step ∝ μ²"
CURVES = {  # look, and name with the slope far below the break-even
    LARGEST: (Look(BLACK, marker="P"), r"(c) largest step: slope $\to -1$"),
    IMPLIED: (Look(GREY, marker="<"), r"(c) step $\propto \mu^2$: slope $\to -2$"),
}
MARKERS = {"one step": "D", "isotropic": "^", "not Lipschitz": "v", "orthogonal": "o", "orthogonal, turned": "s"}
BESIDE = 2.5  # how far points of one place stand apart, in typographic points


class EscapeTime(Figure):
    """Mean escape times with their laws; both break-evens are marked."""

    name = "escape-time"
    title = "A saddle holds for ln d/2 e-folds more in d dimensions, and Rand-k is late only below its break-even"
    claims = ("A2-escape-log-d", "A4-memory-time", "A4-mean-growth", "A4-break-even", "A4-two-terms")

    def experiments(self, level: str) -> dict[str, Experiment]:
        found = {f"log d, {name}": one for name, one in LogDimension().experiments(level).items()}
        fixed = MemoryTime()
        found |= {f"fixed, {name}": one for name, one in fixed.experiments(level).items()}
        for k in fixed.ks[level]:
            found[f"fixed, turned, k={k}"] = fixed_step("orthogonal", k, 32, turned=True)
        for name, series in _tuned(level).items():
            found |= {f"{name}, k={one.k}": one.experiment({"quick": 32, "full": 64}[level]) for one in series}
        return found

    def draw(self, data: Mapping[str, xarray.Dataset], records: Records, level: str) -> Drawing:
        with Plate(panels=3, columns=3, height=3.0) as plate:
            self.against_dimension(plate, data, level)
            slopes = self.at_a_fixed_step(plate, data, level)
            slopes |= self.at_the_best_step(plate, data, level)
            handles: dict[str, Any] = {}
            for axes in plate.figure.axes:
                lines, labels = axes.get_legend_handles_labels()
                for line, label in zip(lines, labels, strict=True):
                    handles.setdefault("law" if label.startswith("law") else label, line)
            plate.figure.legend(list(handles.values()), list(handles), loc="outside lower center", ncols=4)
        caption = (
            "Steps until $|x_1| \\geq R$ from the saddle: means of runs with intervals of "
            f"{CONFIDENCE:.0%} confidence, those of one place side by side, and laws. (a) $\\eta\\gamma = 1/4$: the "
            "component of a perturbation along the escape is $r/\\sqrt d$, so the time grows by "
            "$\\frac12 \\ln d/\\ln(1 + \\eta\\gamma)$, whatever the noise; the lower line is that of noise in all "
            "directions, Lipschitz or not. (b) The same step, Rand-k with memory: a coordinate waits $1/\\mu$ steps, "
            "which matters from $\\mu = \\eta\\gamma$ on; in the axes of the saddle the growth is "
            "$\\Lambda = \\mu\\,E\\ln(1 + \\eta\\gamma\\tau)$, in a turned basis "
            "$\\ln z \\approx \\sqrt{\\mu\\eta\\gamma}$ for small $\\mu$ (line anchored at $\\mu = 1$); fitted slopes "
            f"for $\\mu \\leq 1/4$: {slopes['axes']} and {slopes['turned']}. (c) Orthogonal noise, $\\sigma^2$ with "
            "$r^2$. The largest step that keeps $E\\|\\nabla f\\|^2 \\leq \\epsilon^2$ is half of what it is without "
            "compression at $\\mu \\approx 2\\epsilon^2/\\sigma^2$, below the inferred break-even $\\epsilon^{3/4}$, "
            f"and about $\\mu/L$ far below: the slope tends to −1 (fitted for $\\mu \\leq 1/4$: {slopes[LARGEST]}). "
            "The slope −2 is that of a step $\\propto \\mu^2$, which the inferred form asks for and this saddle not. "
            f"{verdicts(self.claims, records)}"
        )
        return Drawing(self.title, plate.figure, plate.table, caption)

    def against_dimension(self, plate: Plate, data: Mapping[str, xarray.Dataset], level: str) -> None:
        claim = LogDimension()
        axes = plate.panel("a", x="dimension $d$", y=r"escape time $E\,T$, steps", log="x", title="(a) dimension")
        dimensions = np.array(claim.dimensions[level])
        place = _side_by_side(claim.kinds)
        for kind in claim.kinds:
            runs = [times(data[f"log d, {kind}, d={d}"]) for d in dimensions]
            _points(plate, axes, kind, dimensions, runs, _look(kind), NAMES[kind], place[kind])
        for kind in ("one step", "orthogonal", "isotropic"):
            law = [claim.law(kind, int(d)) for d in dimensions]
            plate.theory(axes, f"law, {kind}", dimensions, law, at=None)
        axes.set_xticks(dimensions, [str(d) for d in dimensions])
        axes.set_yticks(range(42, 60, 4))
        axes.minorticks_off()

    def at_a_fixed_step(self, plate: Plate, data: Mapping[str, xarray.Dataset], level: str) -> dict[str, str]:
        claim, slopes = MemoryTime(), {}
        axes = plate.panel("b", x=r"$\mu = k/d$", y="", log="xy", title=r"(b) one step size, $\eta\gamma = 1/4$")
        mu = np.array(sorted(claim.ks[level])) / D
        series = {kind: (kind, NAMES[kind]) for kind in claim.kinds[level]}
        series["turned"] = ("orthogonal, turned", "(b) orthogonal, turned basis")
        place = _side_by_side(series)
        for kind, (look, label) in series.items():
            runs = [times(data[f"fixed, {kind}, k={round(one * D)}"]) for one in mu]
            _points(plate, axes, kind, mu, runs, _look(look), label, place[kind])
            if kind in ("orthogonal", "turned"):
                low = mu <= ETA
                slopes["axes" if kind == "orthogonal" else kind] = _slope(mu[low], np.stack(runs, axis=1)[:, low])
        reach = 1 / (ETA * sqrt(claim.variance("orthogonal")))
        law = np.array([memory_mean(one, ETA, reach, samples=400)[0] for one in mu])
        plate.theory(axes, r"in the axes: $\sim 1/\Lambda$", mu, law, at=0.3)
        grid = np.geomspace(mu[0], 1, 30)
        turned = law[-1] * log1p(ETA) / np.log(mean_growth(grid, ETA))
        plate.theory(axes, r"turned: $\propto 1/\ln z$", grid, turned, at=0.3, side="below")
        _mark(plate, axes, r"$\mu = \eta\gamma$", ETA, law, at=0.85)
        _ticks(axes, mu)
        return slopes

    def at_the_best_step(self, plate: Plate, data: Mapping[str, xarray.Dataset], level: str) -> dict[str, str]:
        slopes = {}
        axes = plate.panel("c", x=r"$\mu = k/d$", y="", log="xy", title=r"(c) tuned steps, $\epsilon = \sigma/4$")
        for name, series in _tuned(level).items():
            runs = [times(data[f"{name}, k={one.k}"]) for one in series]
            mu, law = (np.array(values) for values in zip(*((one.k / one.d, one.mean) for one in series), strict=True))
            look, label = CURVES[name]
            _points(plate, axes, name, mu, runs, look, label, {LARGEST: -BESIDE / 2, IMPLIED: BESIDE / 2}[name])
            plate.theory(axes, f"law, {name}", mu, law, at=None)
            if name == LARGEST:
                low, all_mu, highest = mu <= 1 / 4, mu, law
                slopes[name] = _slope(mu[low], np.stack(runs, axis=1)[:, low])
        _mark(plate, axes, r"$2\epsilon^2/\sigma^2$", 2 * EPSILON**2, highest, at=0.12)
        _mark(plate, axes, r"$\epsilon^{3/4}$", EPSILON**0.75, highest, at=0.88)
        _ticks(axes, all_mu)
        return slopes


def _tuned(level: str) -> dict[str, list[Tuned]]:
    """Return the escapes along μ, from the smallest on."""
    d, parts = {"quick": (16, (16, 8, 4, 2, 1)), "full": (64, (64, 32, 16, 8, 4, 2, 1))}[level]
    few = (d // 8, d // 4, round(d * EPSILON**0.75), d)
    return {
        LARGEST: [Tuned("orthogonal", d, d // part, EPSILON) for part in parts],
        IMPLIED: [Tuned("orthogonal", d, k, EPSILON, stepsize=implied_step(k / d, EPSILON)) for k in few],
    }


def _look(kind: str) -> Look:
    """Return the look of a kind of noise, with a marker of its own."""
    return replace(NOISE_LOOKS[kind], marker=MARKERS[kind])


def _side_by_side(kinds: Iterable[str]) -> dict[str, float]:
    """Return how far right of their place the points of every kind stand."""
    names = list(kinds)
    return {kind: BESIDE * (at - (len(names) - 1) / 2) for at, kind in enumerate(names)}


def _points(
    plate: Plate, axes: Axes, name: str, x: Array, runs: list[Array], look: Look, label: str, right: float
) -> None:
    """Draw means over runs with their intervals, to the right of their place by so many typographic points."""
    from matplotlib.transforms import ScaledTranslation

    axes.margins(x=0.08)  # room for those that stand beside the first and the last place
    found = [mean_interval(one, 1 - CONFIDENCE) for one in runs]
    mean, low, high = (np.array([float(getattr(one, end)) for one in found]) for end in ("value", "low", "high"))
    plate.measured(axes, name, x, mean, (low, high), look=look, weight="points", label=label).set_marker(look.marker)
    beside = ScaledTranslation(right / 72, 0, plate.figure.dpi_scale_trans)
    for artist in axes.containers[-1].get_children():
        artist.set_transform(artist.get_transform() + beside)


def _ticks(axes: Axes, mu: Array) -> None:
    """Put μ on the axis, or every other one if they are many, and times at 1, 2 and 5."""
    shown_mu = mu[:: -2 if len(mu) > 5 else 1]
    axes.set_xticks(shown_mu, [f"1/{round(1 / one)}" if one < 1 else "1" for one in shown_mu])
    low, high = axes.get_ylim()
    shown = [m * 10**e for e in range(1, 5) for m in (1, 2, 5) if low <= m * 10**e <= high]
    axes.set_yticks(shown, [f"{one:g}" for one in shown])
    axes.minorticks_off()


def _slope(x: Array, runs: Array) -> str:
    found = slope(x, runs, confidence=CONFIDENCE)
    return f"{found.value:.2f} [{found.low:.2f}, {found.high:.2f}]".replace("-", "−")


def _mark(plate: Plate, axes: Axes, name: str, place: float, y: Array, *, at: float) -> None:
    """Mark a break-even by an upright line."""
    plate.theory(axes, name, [place, place], [0.8 * y.min(), 1.1 * y.max()], at=at, dashes=(0, (1, 2)))
