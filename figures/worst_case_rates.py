"""Exact rates against step size, without memory and with one: formulas, programs, certificates and simulated runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction as Q
from functools import cache, partial
from typing import TYPE_CHECKING, Any

import numpy as np

from figures._base import Drawing, Figure, Records, verdicts
from figures._plate import Plate
from figures._style import BLACK, LOOKS, Look
from problems.counterexamples.zigzag import Zigzag
from problems.quadratic import Quadratic
from proofs_check.worst_case.certifying import Uncertified, certify, exhibit
from proofs_check.worst_case.lyapunov import certify_every_step
from proofs_check.worst_case.measures import gap
from proofs_check.worst_case.messages import Projection
from proofs_check.worst_case.model import Model
from proofs_check.worst_case.ordering import feedback
from proofs_check.worst_case.settings import cgd, cgd_factor, ef21, error_feedback, feedback_factor
from proofs_check.worst_case.solving import Unsolved, solve_all
from proofs_check.worst_case.spiral import SpiralProjection, spiral_factor
from proofs_check.worst_case.stretch import Stretch
from proofs_check.worst_case.swept import sweep
from proofs_check.worst_case.zigzag import SteepProjection, zigzag_factor
from toolkit.algorithms import EF21, Algorithm, CompressedSGD, ErrorFeedback
from toolkit.arrays import Array
from toolkit.compressors import Compressor
from toolkit.experiment import Experiment

if TYPE_CHECKING:
    import xarray
    from matplotlib.axes import Axes

MU, S = Q(1, 10), Q(1, 2)  # L = 1
STEPS = 200  # of runs, whose factor is that of their second half
FACTORS = {"without": "factor of $f - f^*$ per step", "with": "factor of $V$ per step (projecting: of $f - f^*$)"}
EDGE = {"without": 2.0, "with": 0.8}  # the largest step size shown
# Of step sizes at which programs are solved and runs are made.
COUNT = {"without": {"quick": 8, "full": 16}, "with": {"quick": 8, "full": 10}}
EARLIER = {"EF": Q(1, 3), "EF21": Q(2, 3)}  # by which share of their distance, so that no mark lies on another
FINE = 400
Row = tuple[Array, Array]


def stepsizes(name: str, level: str) -> list[Q]:
    """Return a method's step sizes up to the edge, exact."""
    kind = "without" if name.startswith("CGD") else "with"
    count, earlier = COUNT[kind][level], EARLIER.get(name, Q(0))
    return [(k - earlier) / count * Q(str(EDGE[kind])) * Q(39, 40) for k in range(1, count + 1)]


def _runs(method: Algorithm, h: float, compressor: Compressor, name: str, level: str, start: Any) -> Experiment:
    """Return runs on a bowl of curvature h."""
    problem = Quadratic(np.full((1, len(start)), h), start=np.array(start))
    return Experiment(
        problem, method, compressor, stepsize=tuple(map(float, stepsizes(name, level))), steps=STEPS,
        record=(STEPS // 2, STEPS), limit=1e250, unproven=True,
    )  # fmt: skip


@cache
def numbers(level: str) -> dict[str, Any]:
    """Return values of programs, and exact bounds, by what they are of."""
    found: dict[str, Any] = {}
    models: dict[str, Callable[..., Model]] = {
        "CGD": cgd,
        "CGD, projecting": partial(cgd, kind=Projection),
        "EF": error_feedback,
        "EF21": ef21,
    }
    for name, model in models.items():
        etas = [one for one in stepsizes(name, level) if _factor(name, float(one)) < 1]
        found[name] = np.array(etas, dtype=float), solve_all(model(*sweep(float(MU), float(S), np.array(etas, float))))
        brackets = [_bracket(model(MU, S, one)) for one in etas[:: 1 if level == "full" else 2]]
        found[f"{name}, bracket"] = np.array(etas[:: 1 if level == "full" else 2], dtype=float), np.array(brackets).T
    proved: list[tuple[float, float]] = []
    for one in stepsizes("EF, projecting", level):
        try:
            rate = certify_every_step(feedback(MU, S, one), gap, slack=1e-4).rate
            proved.append((float(one), float(rate)))
        except (Unsolved, Uncertified):
            continue
    return found | {"EF, projecting": tuple(np.array(proved).T)}


def _bracket(model: Model) -> tuple[float, float]:
    try:
        return float(exhibit(model).bound), float(certify(model).bound)
    except (Unsolved, Uncertified):
        return np.nan, np.nan


def _factor(name: str, stepsize: Any) -> Any:
    """Return the formula of a rate."""
    of: dict[str, Callable[..., Any]] = {"CGD": cgd_factor, "CGD, projecting": zigzag_factor}
    return of.get(name, feedback_factor)(float(MU), float(S), stepsize)


class WorstCaseRates(Figure):
    """Rates against step size, for all contractive messages and for those that project."""

    name = "worst-case-rates"
    title = (
        "Exact rates against step size: formula, semidefinite program, certificate and simulated worst function agree"
    )
    claims = ("WC-CGD", "WC-CGD-projection", "WC-zigzag", "WC-EF-projection", "WC-spiral")

    def experiments(self, level: str) -> dict[str, Experiment]:
        mu, s, one, two = float(MU), float(S), (1.0,), (1.0, 0.0)
        found = {
            "CGD flat": _runs(CompressedSGD(), mu, Stretch(factor=1 - s), "CGD", level, one),
            "CGD steep": _runs(CompressedSGD(), 1.0, Stretch(factor=1 + s), "CGD", level, one),
        }
        for name, h in (("flat", mu), ("steep", 1.0)):
            over = Stretch(factor=1 + s)
            found[f"EF {name}"] = _runs(ErrorFeedback(), h, over, "EF", level, one)
            found[f"EF21 {name}"] = _runs(EF21(), h, over, "EF21", level, one)
            spiral = SpiralProjection(s=s)
            found[f"EF, projecting {name}"] = _runs(ErrorFeedback(), h, spiral, "EF, projecting", level, two)
        for eta in map(float, stepsizes("CGD", level)):
            found[f"CGD, projecting {eta}"] = Experiment(
                Zigzag(stepsize=eta, s=s, mu=mu), CompressedSGD(), SteepProjection(s=s), stepsize=(eta,), steps=STEPS,
                record=(STEPS // 2, STEPS), unproven=True,
            )  # fmt: skip
        return found

    def draw(self, data: Mapping[str, xarray.Dataset], records: Records, level: str) -> Drawing:
        found, panels = numbers(level), []
        with Plate(panels=2, columns=2, height=3.5) as plate:
            for kind, title in (("without", "without memory (CGD)"), ("with", "with memory (EF, EF21)")):
                axes = plate.panel(title, x=r"step size $\eta L$", y=FACTORS[kind], title=title)
                axes.set_xlim(0, EDGE[kind])
                axes.set_ylim(0.85, 1.005)
                panels.append(axes)
            self.without(plate, panels[0], found, data)
            self.with_memory(plate, panels[1], found, data)
            named: dict[str, Any] = {}
            for axes in panels:
                named |= dict(zip(*axes.get_legend_handles_labels()[::-1], strict=True))
            plate.figure.legend(list(named.values()), list(named), loc="outside lower center", ncols=3)
        widths = [np.nanmax(high / low - 1) for name, (_, (low, high)) in _brackets(found)]
        off = [np.nanmax(abs(values / _all(name, etas) - 1)) for name, (etas, values) in found.items() if name in NAMES]
        at = np.argmin(found["EF, projecting"][1])
        caption = (
            f"$\\mu = 1/10$, $L = 1$, $s = \\sqrt{{\\varepsilon}} = 1/2$. Lines: closed forms; for CGD whose messages "
            "project, as Top-$k$'s do, derived and proved here for all parameters. Dots: semidefinite programs, within "
            f"{max(off):.0e} of them. Squares and diamonds: exact rational bounds from both sides, at most "
            f"{max(widths):.0e} apart. EF and EF21 have one rate, each of its own $V$, and are shown at different step "
            "sizes so that no mark hides another. "
            f"Crosses: runs of {STEPS} steps of the same methods on functions that attain the rate, a parabola with "
            "stretched messages or a zigzag. For EF whose messages project no formula is known: triangles are proved "
            "upper bounds, for every number of steps, and the dashed line what a spiral attains (crosses); between "
            f"them lies the rate. The best bound, {found['EF, projecting'][1][at]:.4f} at "
            f"$\\eta L = {found['EF, projecting'][0][at]:.3g}$, is below CGD's best factor, 0.8751, which holds for "
            f"both kinds of messages. {verdicts(self.claims, records)}"
        )
        return Drawing(self.title, plate.figure, plate.table, caption)

    def without(self, plate: Plate, axes: Axes, found: Mapping[str, Any], data: Mapping[str, xarray.Dataset]) -> None:
        look, eta = LOOKS["no memory"], np.linspace(0.0, EDGE["without"], FINE)[1:]
        plate.theory(axes, "all contractive", eta, _all("CGD", eta), at=0.8, side="above")
        plate.theory(axes, "projecting", eta, _all("CGD, projecting", eta), at=0.3, side="below")
        _stamp(plate, axes, "CGD", found, _slower(data, "CGD"), look)
        zigzags = [_slope(result) for name, result in data.items() if name.startswith("CGD, projecting")]
        simulated: Row = tuple(np.concatenate(parts) for parts in zip(*zigzags, strict=True))  # type: ignore[assignment]
        _stamp(plate, axes, "CGD, projecting", found, simulated, look)

    def with_memory(
        self, plate: Plate, axes: Axes, found: Mapping[str, Any], data: Mapping[str, xarray.Dataset]
    ) -> None:
        eta = np.linspace(0.0, EDGE["with"], FINE)[1:]
        plate.theory(axes, "all contractive", eta, _all("EF", eta), at=0.79, side="below")
        _stamp(plate, axes, "EF", found, _slower(data, "EF"), LOOKS["EF14 top-k"])
        _stamp(plate, axes, "EF21", found, _slower(data, "EF21"), LOOKS["EF21 top-k"], marker="D")
        name, look = "EF, projecting", LOOKS["EF14 top-k"]
        low = np.maximum(*(spiral_factor(h, float(S), eta) for h in (float(MU), 1.0)))
        plate.theory(axes, "EF, projecting: not below", eta, low, at=None, dashes=(0, (4, 2)))
        proved = plate.measured(
            axes, f"{name}, proved", *found[name], look=look, weight="points", label="EF, projecting: proved"
        )
        proved.set(marker="v", markersize=3.2)
        simulated = plate.measured(axes, f"{name}, simulated", *_slower(data, name), look=Look(BLACK), weight="points")
        simulated.set(marker="x", markersize=3.2, markeredgewidth=0.7)


NAMES = ("CGD", "CGD, projecting", "EF", "EF21")


def _all(name: str, etas: Array) -> Array:
    return np.array([float(_factor(name, one)) for one in etas])


def _brackets(found: Mapping[str, Any]) -> list[tuple[str, Any]]:
    return [(name, values) for name, values in found.items() if name.endswith("bracket")]


def _slope(result: xarray.Dataset) -> Row:
    """Return step sizes, and by what f is multiplied per step in the second half of runs."""
    f = result.f_gap.transpose("stepsize", "run", "step").sel(step=[STEPS // 2, STEPS]).values[:, 0]
    return result.stepsize.values, (f[:, 1] / f[:, 0]) ** (2 / STEPS)


def _slower(data: Mapping[str, xarray.Dataset], name: str) -> Row:
    """Return the larger factor of two curvatures."""
    (eta, flat), (_, steep) = (_slope(data[f"{name} {one}"]) for one in ("flat", "steep"))
    return eta, np.fmax(flat, steep)


def _stamp(
    plate: Plate, axes: Axes, name: str, found: Mapping[str, Any], simulated: Row, look: Look, marker: str = "s"
) -> None:
    """Draw a rate's programs, exact brackets and runs."""
    eta, (low, high) = found[f"{name}, bracket"]
    bounds = plate.measured(
        axes, f"{name}, exact bounds", eta, (low + high) / 2, (low, high), look=look, weight="points",
        label=f"{name}: exact bounds" if "," not in name else None,
    )  # fmt: skip
    bounds.set(marker=marker, markersize=6.0, markerfacecolor="none", markeredgewidth=0.8)
    program = plate.measured(
        axes, f"{name}, program", *found[name], look=look, weight="points",
        label="semidefinite program, in each colour" if name == "CGD" else None,
    )  # fmt: skip
    program.set_markersize(3.6)
    shown = simulated[1] < 1.005
    crosses = plate.measured(
        axes, f"{name}, simulated", simulated[0][shown], simulated[1][shown], look=Look(BLACK), weight="points",
        label="simulated worst function" if name == "EF" else None,
    )  # fmt: skip
    crosses.set(marker="x", markersize=2.8, markeredgewidth=0.6)
