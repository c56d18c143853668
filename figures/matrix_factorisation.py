"""A matrix learned from the origin: one singular value after another, and what a symmetric start hides."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from figures._base import Drawing, Figure, Records, verdicts
from figures._pairs import Pair
from figures._plate import Plate, Weight
from figures._style import LOOKS
from problems.noisy import Noisy
from proofs_check.claims.saddle.matrix_modes import (
    RANK,
    SIDE,
    SINGULAR_VALUES,
    STEPSIZE,
    Modes,
    SymmetricStart,
    bases,
    plateau,
)
from toolkit.algorithms import EF21, SGD, ErrorFeedback
from toolkit.arrays import Array
from toolkit.compressors import QSGD, Identity, RandK, Scaled, ScaledSign, TopK
from toolkit.experiment import Experiment

if TYPE_CHECKING:
    import xarray
    from matplotlib.axes import Axes

K = RANK * SIDE * 2 // 8  # coordinates of Top-k and Rand-k
METHODS = {
    "uncompressed": Pair(SGD(), Identity(), "uncompressed"),
    f"Rand-{K}, EF14": Pair(ErrorFeedback(), RandK(k=K), "EF14 rand-k"),
    f"Top-{K}, EF14": Pair(ErrorFeedback(), TopK(k=K), "EF14 top-k"),
    "sign, EF14": Pair(ErrorFeedback(), ScaledSign(), "EF14 sign"),
    "QSGD, EF14": Pair(ErrorFeedback(), Scaled(QSGD(s=4)), "EF14 QSGD"),
    f"Top-{K}, EF21": Pair(EF21(), TopK(k=K), "EF21 top-k"),
}
SHOWN = ("uncompressed", f"Rand-{K}, EF14")  # whose singular values are drawn
SIGMA_SQ = 1e-4
STEPS, EVERY = 700, 5
EMERGED = 0.02  # of a singular value: from there on noise is nothing to it
RUNS = {"quick": 3, "full": 24}


def plateaus() -> list[float]:
    """Return f at the saddles where the k largest singular values are learned, k = 0, 1, …"""
    return [plateau(k) for k in range(len(SINGULAR_VALUES))]


class MatrixFactorisation(Figure):
    """f against steps and bits from the origin with noise, from a symmetric start without, and singular values."""

    name = "matrix-factorisation"
    title = "A matrix is learned one singular value after another; compression breaks the symmetry that holds descent"
    claims = ("matrix-modes", "matrix-symmetric-start", "matrix-symmetry-broken")

    def experiments(self, level: str) -> dict[str, Experiment]:
        (plain, _), (turned, basis) = bases().values()
        ones = np.full((SIDE, RANK), SymmetricStart.entry)
        symmetric = plain.point(ones, ones) @ basis
        found = {}
        for name, pair in METHODS.items():
            found[f"{name}, from the origin"] = Experiment(
                Noisy(turned, SIGMA_SQ), pair.method, pair.compressor, stepsize=STEPSIZE, steps=STEPS, runs=RUNS[level],
                x0=np.zeros(plain.dimension), record=range(0, STEPS + 1, EVERY),
                keep=("x",) if name in SHOWN else (), unproven=True,
            )  # fmt: skip
            found[f"{name}, symmetric"] = Experiment(
                turned, pair.method, pair.compressor, stepsize=STEPSIZE, steps=STEPS // 2, x0=symmetric,
                record=range(0, STEPS // 2 + 1, EVERY), unproven=True,
            )  # fmt: skip
        return found

    def draw(self, data: Mapping[str, xarray.Dataset], records: Records, level: str) -> Drawing:
        with Plate(panels=4, columns=2, height=4.6) as plate:
            axes = plate.panel(
                "steps", x="step $t$", y="$f(x_t)$", log="y", title=rf"from the origin, $\sigma^2 = {SIGMA_SQ:g}$"
            )
            self.curves(plate, axes, data, "from the origin", "step")
            plate.figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=6)
            axes = plate.panel("bits", x="bits up", y="$f(x_t)$", log="xy", title="the same, against bits")
            self.curves(plate, axes, data, "from the origin", "bits_up")
            axes = plate.panel(
                "symmetric", x="step $t$", y="$f(x_t)$", log="y", title="from equal entries, exact gradients"
            )
            self.curves(plate, axes, data, "symmetric", "step")
            axes = plate.panel("learned", x="step $t$", y=r"singular values of $UV^\top$", title="from the origin")
            self.learned(plate, axes, data)
        times = "; ".join(
            f"{name} {', '.join(f'{one:g}' for one in _stages(data[f'{name}, from the origin']))}" for name in METHODS
        )
        levels = ", ".join(f"{one:g}" for one in plateaus())
        caption = (
            f"$f = \\|UV^\\top - M\\|_F^2$, $U, V \\in \\mathbb{{R}}^{{{SIDE} \\times {RANK}}}$, singular values "
            f"{', '.join(f'{one:g}' for one in SINGULAR_VALUES)}; $\\eta = {STEPSIZE:g}$; the point "
            f"$x = (U, V)$ in a random basis. Lines: $f$ at the saddles where the largest are learned, the sum of the "
            f"squares of the others: {levels}. Above, all start at the origin, where the gradient is 0; only "
            f"noise moves them: median and quartiles of {RUNS[level]} runs. Median steps until $f$ is half-way to "
            f"the next level: {times}. Bits by formula, 64 to a number. Left below, all entries are "
            f"{SymmetricStart.entry:g} and gradients exact: all columns stay equal for descent, which ends at rank "
            "one, a saddle; in this basis every compressor breaks the symmetry. Right below: singular values of a run "
            f"with and one without compression; from {EMERGED:.0%} of $\\sigma_k$ on, the latter's grow by "
            f"$(1 + 2\\eta(\\sigma_k - s_k))^2$ each (thin). {verdicts(self.claims, records)}"
        )
        return Drawing(self.title, plate.figure, plate.table, caption)

    def curves(self, plate: Plate, axes: Axes, data: Mapping[str, xarray.Dataset], start: str, against: str) -> None:
        for name, pair in METHODS.items():
            result = data[f"{name}, {start}"]
            f = result.f.values
            x = result[against].values if against == "step" else result[against].values[0]
            low, middle, high = np.quantile(f, [0.25, 0.5, 0.75], axis=0)
            ends = (low, high) if len(f) > 1 else None
            plate.measured(axes, name, x, middle, ends, look=LOOKS[pair.look], label=name)
        low, high = (4000, 4e6) if against == "bits_up" else (0, STEPS // (2 if start == "symmetric" else 1))
        for k, one in enumerate(plateaus()):
            known = ", ".join(rf"$\sigma_{j}$" for j in range(1, k + 1)) or "none"
            at = 0.1 if against == "bits_up" else 0.92
            plate.theory(axes, f"{known}: {one:g}", [low, high], [one, one], at=at, dashes=(0, (4, 2)))
        axes.set_xlim(low, high)
        axes.set_ylim(3e-3, 60)

    def learned(self, plate: Plate, axes: Axes, data: Mapping[str, xarray.Dataset]) -> None:
        (plain, _), (_, basis) = bases().values()
        for name in SHOWN:
            result = data[f"{name}, from the origin"]
            U, V = plain.factors(result["x"].values[0, :, 0] @ basis.T)
            values = np.linalg.svd(U @ np.swapaxes(V, -1, -2), compute_uv=False)[:, : len(SINGULAR_VALUES)]
            look, t = LOOKS[METHODS[name].look], result.step.values
            for k, curve in enumerate(values.T, start=1):
                weight: Weight = "under theory" if name == SHOWN[0] else "main"
                plate.measured(axes, f"{name}, {k}", t, curve, look=look, weight=weight)
            if name == SHOWN[0]:
                emerged = (values >= EMERGED * SINGULAR_VALUES).argmax(axis=0)
                law = _recursion(values[emerged, range(len(emerged))])
                for k, first in enumerate(emerged):
                    until = STEPS - t[first] + 1
                    plate.theory(axes, f"recursion, {k + 1}", t[first] + np.arange(until), law[:until, k], at=None)
        for k, one in enumerate(SINGULAR_VALUES, start=1):
            plate.theory(axes, rf"$\sigma_{k}$", [0, STEPS], [one, one], at=0.08, dashes=(0, (4, 2)))
        axes.set_ylim(0, 4.6)
        axes.set_xlim(0, STEPS)


def _recursion(start: Array) -> Array:
    """Return singular values that grow each on its own, at t = 0 … STEPS."""
    law = [start]
    for _ in range(STEPS):
        law.append(law[-1] * Modes().growth(law[-1]))
    return np.array(law)


def _stages(result: xarray.Dataset) -> Array:
    """Return the median steps, over runs, after which f is nearer to the next level than to each."""
    levels = np.array([*plateaus(), 0.0])
    below = result.f.values[:, None] < ((levels[:-1] + levels[1:]) / 2)[:, None]
    steps = np.where(below.any(axis=2), result.step.values[below.argmax(axis=2)], np.inf)
    return np.median(steps, axis=0)
