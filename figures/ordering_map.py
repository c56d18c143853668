"""Where error feedback is provably better than none, for messages that project: against κ and compression."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction as Q
from functools import cache
from math import log
from typing import TYPE_CHECKING, Any

import numpy as np

from figures._base import Drawing, Figure, Records, verdicts
from figures._plate import Plate
from figures._style import BLACK, GREY, LOOKS, RANGE_LOOKS, Look
from proofs_check.worst_case.certifying import Uncertified
from proofs_check.worst_case.corkscrew import PATHS, unproved
from proofs_check.worst_case.ordering import Comparison
from proofs_check.worst_case.ordering_points import ERRORS, POINTS, proved
from proofs_check.worst_case.settings import best_stepsize, feedback_factor
from proofs_check.worst_case.solving import Unsolved
from proofs_check.worst_case.spiral import error_limit, gain_limit, out_of_reach
from proofs_check.worst_case.zigzag import best_zigzag_factor
from toolkit.arrays import Array

if TYPE_CHECKING:
    import xarray
    from matplotlib.axes import Axes

KAPPAS = {"quick": (2, 6, 20, 160), "full": tuple(POINTS)}
CHOSEN = {"quick": (Q(1, 7), Q(9, 20), Q(12, 17), Q(17, 19)), "full": ERRORS}  # s
SHOWN = {"quick": (6, 20, 160), "full": (4, 12, 40, 320)}  # κ of the sections
FINE = 60  # points of curves
EPSILON = r"compression error $\varepsilon = 1 - \delta$   ($1 - k/d$)"
GAIN = r"$\ln\rho_{\rm EF}\,/\,\ln\rho_{\rm CGD}$"
OPEN = (0.375, 0.62)  # where that word stands, in the panel
BETTER, WORSE, UNKNOWN = "EF better: certificate", "CGD better: proof", "open"
MARKS = {
    BETTER: {"marker": "o", "markerfacecolor": BLACK, "markeredgecolor": BLACK},
    WORSE: {"marker": "x", "markeredgecolor": BLACK},
    UNKNOWN: {"marker": "o", "markerfacecolor": "white", "markeredgecolor": BLACK},
}


@dataclass(frozen=True)
class Cells:
    """Comparisons at the points of a grid, shape (κ, s); None where nothing was proved."""

    kappas: tuple[int, ...]
    errors: tuple[Q, ...]
    found: tuple[tuple[Comparison | None, ...], ...]

    @property
    def epsilon(self) -> Array:
        return np.array([float(s * s) for s in self.errors])

    @property
    def gain(self) -> Array:
        """Of error feedback, proved; shape (κ, s)."""
        return np.array([[np.nan if one is None else one.gain for one in row] for row in self.found])

    @property
    def better(self) -> Array:
        return np.array([[one is not None and one.better for one in row] for row in self.found])

    @property
    def certificates(self) -> dict[str, str]:
        """The certificates of every point, as `csgd verify` reads them, by the names of their files.

        That of a step is of V(x_1) ≤ ρV(x_0), that of a bound of f(x) − f* ≤ cV(x).
        """
        return {
            f"kappa-{kappa}-s-{s.numerator}_{s.denominator}-{part}.json": certificate.text
            for kappa, row in zip(self.kappas, self.found, strict=True)
            for s, one in zip(self.errors, row, strict=True)
            if one is not None
            for part, certificate in (("step", one.proof.step), ("bound", one.proof.bound))
        }

    @property
    def worse(self) -> Array:
        """Whether no step size of error feedback reaches the rate without it; decided exactly, shape (κ, s)."""
        return np.array([[_worse(kappa, s) for s in self.errors] for kappa in self.kappas])


@cache
def cells(level: str) -> Cells:
    """Return what is proved at every point of the grid, at the best step size that was found there; verified."""
    found = tuple(tuple(_proved(kappa, s) for s in CHOSEN[level]) for kappa in KAPPAS[level])
    return Cells(KAPPAS[level], CHOSEN[level], found)


def _proved(kappa: int, s: Q) -> Comparison | None:
    try:
        found = proved(kappa, s)
        found.proof.verified()
    except (Unsolved, Uncertified):
        return None
    return found


@cache
def _worse(kappa: int, s: Q) -> bool:
    mu = Q(1, kappa)
    in_space = (kappa, s) in PATHS and not unproved(mu, s, *PATHS[kappa, s])
    return in_space or bool(out_of_reach(mu, s, best_zigzag_factor(mu, s)))


class OrderingMap(Figure):
    """A map of the gain that is proved, between two boundaries, and sections through it."""

    name = "ordering-map"
    title = "For messages that project, as Top-k's do, error feedback beats none at large κ: a map with proofs"
    claims = (
        "WC-EF-projection",
        "WC-CGD-before-EF",
        "WC-CGD-projection",
        "WC-spiral-rate",
        "WC-spiral",
        "WC-corkscrew",
    )

    def draw(self, data: Mapping[str, xarray.Dataset], records: Records, level: str) -> Drawing:
        found = cells(level)
        with Plate(panels=2, columns=2, height=3.5) as plate:
            axes = plate.panel(
                "map",
                x=r"condition number $\kappa = L/\mu$",
                y=EPSILON,
                log="x",
                title="proved gain of error feedback over none",
            )
            self.map(plate, axes, found)
            self.sections(plate, found, level)
            handles, labels = axes.get_legend_handles_labels()
            shown = [at for at, one in enumerate(labels) if "part" not in one]
            plate.figure.legend(
                *([of[at] for at in shown] for of in (handles, labels)), loc="outside lower center", ncols=3
            )
        gain, count = found.gain, int(np.isfinite(found.gain).sum())
        at = np.unravel_index(int(np.nanargmax(gain)), gain.shape)
        s = found.errors[at[1]]
        caption = (
            "Smooth, strongly convex functions; one worker; messages with ⟨C(u), u − C(u)⟩ = 0 and "
            "$\\|C(u) - u\\|^2 \\leq \\varepsilon\\|u\\|^2$, as Top-$k$ and Rand-$k$ masks send with "
            "$\\varepsilon = 1 - k/d$. Colours: how many steps of compressed descent (CGD), at its best step size, one "
            "step of error feedback (EF) is worth at least, in the worst case. Proved for all $\\kappa$ and "
            "$\\varepsilon$: CGD's rate, from both sides. Proved at each of the "
            f"{count} points, by an exact rational Lyapunov certificate that holds for every number of steps (kept "
            f"beside the figure, for csgd verify): EF's rate; at the {int(found.better.sum())} dots it is below CGD's. "
            f"Proved at the {int(found.worse.sum())} crosses and everywhere beyond the dashed boundary, an algebraic "
            "curve: at every step size an explicit spiral (at crosses inside the strip a corkscrew) keeps EF from a "
            "rate below CGD's best; a spiral does so wherever $\\delta\\kappa \\leq 4$, $\\delta < 3/4$, "
            "$\\kappa \\geq 2$. "
            f"Largest gain: {gain[at]:.3f} at $\\kappa = {found.kappas[at[0]]}$, $\\varepsilon = {float(s * s):.2g}$. "
            "Numeric: the solid boundary between points, and the best step sizes. Between both boundaries, and at the "
            f"rings ({int((~(found.better | found.worse)).sum())}), the order is open. EF's bounds hold for Top-$k$ "
            "and Rand-$k$ themselves; CGD's rate is that of the worst projection, which Top-1 attains at some step "
            "sizes. Right: the same proofs (points), and the spirals' limit (lines); for all contractive messages, "
            "projecting or not, the known order is the opposite, everywhere (dotted). "
            f"{verdicts(self.claims, records)}"
        )
        return Drawing(self.title, plate.figure, plate.table, caption, found.certificates)

    def map(self, plate: Plate, axes: Axes, found: Cells) -> None:
        from matplotlib.colors import TwoSlopeNorm

        epsilon, kappas = found.epsilon, np.array(found.kappas, dtype=float)
        norm = TwoSlopeNorm(1.0, 0.6, 1.3)
        field = plate.field(
            axes, "gain", kappas, epsilon, found.gain.T, quantity="proved gain", norm=norm, colours="RdBu"
        )
        proved = _level(np.log(kappas), epsilon, found.gain.T)
        x = np.geomspace(kappas[0], kappas[-1], FINE)
        refuted = np.column_stack([np.log(x), error_limit(1 / x) ** 2])
        for number, line in enumerate(proved):
            label = "EF better, between certificates" + (f", part {number + 1}" if number else "")
            plate.theory(axes, label, np.exp(line[:, 0]), line[:, 1], at=None)
        plate.theory(axes, "CGD better beyond: proved", x, refuted[:, 1], at=None, dashes=(0, (4, 2)))
        if len(proved) == 1:
            _hatch(axes, proved[0], refuted)
        grid = np.meshgrid(kappas, epsilon, indexing="ij")
        which = {BETTER: found.better, WORSE: found.worse, UNKNOWN: ~(found.better | found.worse)}
        for name, at in which.items():
            look = LOOKS["optimum"]
            marks = plate.measured(axes, name, grid[0][at], grid[1][at], look=look, weight="points", label=name)
            marks.set(markersize=1.8, markeredgewidth=0.5, **MARKS[name])
        axes.set_ylim(-0.012, 1)
        ticks = [2, 5, 10, 20, 50, 100, 300]
        axes.set_xticks(ticks, [str(one) for one in ticks])
        axes.minorticks_off()
        for at, words in (((0.68, 0.36), "error feedback is better"), ((0.17, 0.86), "CGD is better"), (OPEN, "open")):
            box = {"boxstyle": "round,pad=0.25", "facecolor": "white", "alpha": 0.85, "linewidth": 0}
            axes.text(*at, words, transform=axes.transAxes, ha="center", va="center", fontsize=7.5, bbox=box)
        values = {0.6: "0.6", 0.8: "0.8", 1.0: "1", 1.1: "1.1", 1.2: "1.2", 1.3: "1.3"}
        plate.colour_bar(field, [axes], quantity=f"{GAIN}, at least", ticks=values)

    def sections(self, plate: Plate, found: Cells, level: str) -> None:
        axes = plate.panel("sections", x=EPSILON, y=GAIN, title=r"gain at fixed $\kappa$, between its bounds")
        s = _fine()
        looks = [RANGE_LOOKS[i] for i in (5, 3, 2, 0)]
        for look, kappa in zip(looks[-len(SHOWN[level]) :], SHOWN[level], strict=True):
            name, row = f"$\\kappa = {kappa}$", found.gain[found.kappas.index(kappa)]
            limit = gain_limit(1 / kappa, s)
            known = [_contractive_gain(1 / kappa, one) for one in s]
            solid, dotted = Look(look.colour), Look(look.colour, (0, (1, 1.5)))
            plate.measured(axes, f"{name}, at most", s * s, limit, look=solid, weight="thin")
            plate.measured(axes, f"{name}, contractive", s * s, known, look=dotted, weight="thin")
            marks = plate.measured(axes, f"{name}, proved", found.epsilon, row, look=look, weight="points", label=name)
            marks.set_markersize(2.4)
        plate.theory(axes, "equal", [0, 1], [1, 1], at=None)
        axes.set_xlim(-0.012, 1)
        handles, labels = axes.get_legend_handles_labels()
        axes.legend(handles[::-1], labels[::-1], loc="upper right")


def _fine() -> Array:
    """Return relative errors s at which curves are drawn."""
    return np.linspace(0.04, 0.975, FINE)


def _hatch(axes: Axes, proved: Array, refuted: Array) -> None:
    """Cover what lies between two boundaries, lines of (ln κ, ε)."""
    proved, refuted = (line[np.argsort(line[:, 1])] for line in (proved, refuted))
    y = np.linspace(max(proved[0, 1], refuted[0, 1]), min(proved[-1, 1], refuted[-1, 1]), 100)
    ends = [np.exp(np.interp(y, line[:, 1], line[:, 0])) for line in (refuted, proved)]
    axes.fill_betweenx(y, *ends, facecolor="white", alpha=0.7, hatch="//////", edgecolor=GREY, linewidth=0)


def _contractive_gain(mu: float, s: float) -> float:
    """Return the exact gain over all contractive messages, each at its best step size; below 1."""
    return log(feedback_factor(mu, s, best_stepsize(mu, s))) / log(best_zigzag_factor(mu, s))


def _level(x: Array, y: Array, values: Array) -> list[Any]:
    """Return the lines along which interpolated values are 1."""
    from contourpy import contour_generator

    return list(contour_generator(x, y, np.ma.masked_invalid(values)).lines(1.0))
