"""The bits to a second-order stationary point, against the dimension and against the accuracy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from figures._base import Drawing, Figure, Records, verdicts
from figures._plate import Plate
from figures._style import LOOKS, SCHEME_LOOKS
from proofs_check.claims.saddle.communication import (
    CONFIDENCE,
    RUNS,
    GainInAccuracy,
    GainInDimension,
    LargerGain,
    Point,
    name_of,
    spent,
    with_memory,
)
from proofs_check.statistics import mean_interval
from toolkit.compressors.scaled_sign import ScaledSign
from toolkit.compressors.top_k import TopK
from toolkit.experiment import Experiment
from toolkit.rates import Estimate, slope

if TYPE_CHECKING:
    import xarray

    from toolkit.arrays import Array

METHODS = {
    "uncompressed": ("perturbed SGD", LOOKS["uncompressed"]),
    "compressed": ("Rand-k", SCHEME_LOOKS["random coordinates"]),
    "few": ("Rand-1", LOOKS["no memory"]),
    "Top-k": ("Top-k", LOOKS["EF14 top-k"]),
    "sign": ("sign", LOOKS["EF14 sign"]),
}
PAIR = ("uncompressed", "compressed")


@dataclass(frozen=True)
class _Axis:
    """What one column of panels shows.

    Attributes
    ----------
    claim : Claim
        On the gain along it.
    letter, quantity : str
        Of the horizontal axis.
    published : dict of bool to dict of str to (float, str)
        By whether the noise is Lipschitz and by method: the exponent of the bits of one escape, and its name.
    gain : dict of bool to str
        The published gain.
    """

    claim: Any
    letter: str
    quantity: str
    published: Mapping[bool, Mapping[str, tuple[float, str]]]
    gain: Mapping[bool, str]


ESCAPE = {"uncompressed": (-2.5, r"$\epsilon^{-5/2}$"), "compressed": (-1.75, r"$\epsilon^{-7/4}$")}
AXES = (
    _Axis(
        GainInDimension(),
        "d",
        "dimension $d$",
        {
            False: {"uncompressed": (2.0, "$d^2$"), "compressed": (1.5, "$d^{3/2}$")},
            True: {"uncompressed": (1.0, "$d$"), "compressed": (1.0, "$d$, of Rand-k")},
        },
        {False: "d^{1/2}", True: "d^0"},
    ),
    _Axis(
        GainInAccuracy(),
        r"\epsilon",
        r"accuracy $\epsilon$",
        {False: ESCAPE, True: ESCAPE},
        {False: r"\epsilon^{-3/4}", True: r"\epsilon^{-3/4}"},
    ),
)


class BitsToSecondOrder(Figure):
    """Bits sent from a saddle to the first second-order point, with fitted and published slopes."""

    name = "bits-to-second-order"
    title = "From a saddle to a second-order point Rand-k saves the published powers of d and ε; one coordinate, more"
    claims = ("A4-gain-d", "A4-gain-eps", "A4-gain-larger")

    def experiments(self, level: str) -> dict[str, Experiment]:
        found = LargerGain().experiments(level)
        for axis in AXES:
            found |= axis.claim.experiments(level)
            for lipschitz in (False, True):
                for point in self._beside(axis, lipschitz, level):
                    found[f"Top-k, {name_of(point)}"] = with_memory(point, TopK(k=point.k))
                    found[f"sign, {name_of(point)}"] = with_memory(point, ScaledSign())
        return found

    def _beside(self, axis: _Axis, lipschitz: bool, level: str) -> list[Point]:
        """Return the points at which the other compressors run: all but the dearest."""
        return sorted(axis.claim.points(lipschitz, level), key=lambda point: point.stepsize / point.d)[1:]

    def draw(self, data: Mapping[str, xarray.Dataset], records: Records, level: str) -> Drawing:
        experiments = self.experiments(level)
        with Plate(panels=4, columns=2, height=5.4) as plate:
            for lipschitz in (False, True):
                for axis in AXES:
                    sweep = axis.claim.points(lipschitz, level)
                    _panel(plate, axis, lipschitz, sweep, experiments, data)
        counted = self._encoded(experiments, data, level)
        caption = (
            "Bits to the server (formula count) from a strict saddle, $\\gamma = 1.25\\sqrt{\\rho\\epsilon}$, "
            "$L = \\rho = 1$, to the first point with $\\|\\nabla f\\| \\leq \\epsilon$ and $\\lambda_{\\min} \\geq "
            f"-\\sqrt{{\\rho\\epsilon}}$: means of {RUNS} runs with bands, and least-squares slopes with intervals of "
            f"{CONFIDENCE:.0%} confidence (jackknife over runs). Rand-k has one mask for all workers, and a memory, as "
            "Top-k, sign and Rand-1 have, which stand beside it at all but the dearest points. Step size, radius and "
            "$k$ are what the theory prescribes up to constants and logarithms, $\\eta \\propto "
            "\\epsilon^2/\\alpha$, $r \\propto \\sqrt\\alpha$ with $\\alpha = d$ for noise against the escape, which "
            "is not Lipschitz, and $\\alpha = 1$ for Lipschitz noise orthogonal to it. "
            "Black: the published powers through the middle of the points, of one escape; the theorem has "
            "$\\Delta/\\mathcal F \\propto \\epsilon^{-3/2}$ escapes one after the other, which drop out of the gain. "
            "The choice of $k$ puts the published powers into $d/k$: what is measured is that the steps stay the same. "
            f"They grow a little faster than the power of $d$, by a logarithm. {counted} "
            f"{verdicts(self.claims, records)}"
        )
        return Drawing(self.title, plate.figure, plate.table, caption)

    def _encoded(self, experiments: Mapping[str, Experiment], data: Mapping[str, xarray.Dataset], level: str) -> str:
        """Return the gains in encoded bytes, in words."""
        gains = []
        for axis in AXES:
            for lipschitz in (False, True):
                points = axis.claim.points(lipschitz, level)
                plain, compressed = (_bits(method, points, experiments, data, "encoded") for method in PAIR)
                found = slope(_values(axis, points), plain / compressed, confidence=CONFIDENCE)
                gains.append(f"${axis.letter}^{{{found.value:.2f}}}$ ({'Lipschitz' if lipschitz else 'not Lipschitz'})")
        return f"In encoded bytes, with 32 bits of seed a message, the gains are {', '.join(gains)}."


def _values(axis: _Axis, points: list[Point]) -> Array:
    return np.array([axis.claim.value(point) for point in points])


def _bits(
    method: str,
    points: list[Point],
    experiments: Mapping[str, Experiment],
    data: Mapping[str, xarray.Dataset],
    count: str = "formula",
) -> Array:
    """Return the bits of the runs at some points, shape ``(run, point)``."""
    names = [f"{method}, {name_of(point)}" for point in points]
    return np.stack([spent(experiments[name], data[name], count) for name in names], axis=1)


def _panel(
    plate: Plate,
    axis: _Axis,
    lipschitz: bool,
    sweep: list[Point],
    experiments: Mapping[str, Experiment],
    data: Mapping[str, xarray.Dataset],
) -> None:
    """Draw the bits of every method at the points of a sweep, and the published powers."""
    noise = "Lipschitz noise" if lipschitz else "noise not Lipschitz"
    plain, compressed = (_bits(method, sweep, experiments, data) for method in PAIR)
    gain = slope(_values(axis, sweep), plain / compressed, confidence=CONFIDENCE)
    title = f"{noise}: gain ${axis.letter}^{{{_power(gain)}}}$, published ${axis.gain[lipschitz]}$"
    axes = plate.panel(
        f"{noise}, {axis.quantity}", x=axis.quantity, y="bits to a second-order point", log="xy", title=title
    )
    backwards = axis.letter != "d"  # what is harder stands on the right
    order = slice(None, None, -1 if backwards else 1)
    for method, (label, look) in METHODS.items():
        points = [point for point in sweep if f"{method}, {name_of(point)}" in experiments]
        if len(points) < 2:
            continue
        x, bits = _values(axis, points), _bits(method, points, experiments, data)
        interval = mean_interval(bits, 1 - CONFIDENCE)
        if len(points) > 2:
            label = f"{label}: ${axis.letter}^{{{_power(slope(x, bits, confidence=CONFIDENCE))}}}$"
        mean, ends = bits.mean(axis=0)[order], (interval.low[order], interval.high[order])
        plate.measured(axes, method, x[order], mean, ends, look=look, label=label)
        if method in axis.published[lipschitz]:
            exponent, name = axis.published[lipschitz][method]
            middle = np.exp(np.mean(np.log(bits.mean(axis=0)) - exponent * np.log(x)))
            plate.theory(axes, name, x[order], middle * x[order] ** exponent, at=0.5)
    x = _values(axis, sweep)
    axes.set_xticks(x, [f"{value:.3g}" for value in x])
    axes.minorticks_off()
    if backwards:
        axes.invert_xaxis()
    axes.legend(loc="upper left")


def _power(found: Estimate) -> str:
    return f"{found.value:.2f} \\pm {(found.high - found.low) / 2:.2f}"
