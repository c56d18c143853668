"""Every declared constant of every compressor against the worst input that was found."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from figures._base import Drawing, Figure, Records, verdicts
from figures._instances import compressors
from figures._plate import Plate
from figures._rows import lay_rows
from figures._style import BLACK, BLUE, GREY, VERMILLION
from figures._worst_inputs import DIMENSION, EVERY, PRINTED, TOGETHER, WORKERS, Row, held_against
from toolkit.arrays import Array

if TYPE_CHECKING:
    import pandas
    import xarray

HEADINGS = {
    "omega": r"relative variance $\omega$",
    "delta": r"contraction, $1 - \delta$",
    "kappa_sq": r"absolute error $\kappa^2$",
    "ab": "$A$ of the $AB$ inequality",
}
KINDS = {"exact": (BLUE, "o", BLUE), "upper bound": (BLUE, "o", "white"), PRINTED: (GREY, "D", "white")}
ROW = 0.135  # inches per line of type
MOST = 1.12  # a larger ratio is drawn here
REACHED = 1 - 1e-6  # of a constant that is approached and nowhere attained
EDGE = 0.02  # widths of the figure: left free, because type is a little wider at other resolutions
# What is beside the axes, in widths of the figure: where the axes, then numbers, end, and where bars and words begin.
AXES, DECLARED, SKETCH, WORDS = 0.59, 0.665, 0.685, 0.785
TALL, LEAST = 0.84, 0.07  # the bars of an input, of a row; the bar of an entry that is not 0, of the largest one


class DeclaredConstants(Figure):
    """Measured over declared: one dot per constant, and the input that it was measured on."""

    name = "declared-constants"
    title = "Declared constants against the worst inputs that an adversary finds"
    claims = ("S-q1-printed", "S-q1-sharp")

    def draw(self, data: Mapping[str, xarray.Dataset], records: Records, level: str) -> Drawing:
        known, unknown = compressors(level)
        rows = held_against(known, level)
        groups = {
            heading: [row for row in rows if row["constant"] == constant and (row["declared"] or row["violated"])]
            for constant, heading in HEADINGS.items()
        }
        lines = sum(1 + len(members) for members in groups.values())
        with Plate(height=0.75 + ROW * lines) as plate:
            axes = plate.panel("declared constants", x="measured / declared", y="")
            plate.figure.set_layout_engine("constrained", rect=(EDGE, 0, AXES - EDGE, 1))
            places = lay_rows(axes, {heading: [_name(row) for row in own] for heading, own in groups.items()})
            for heading, own in groups.items():
                for y, row in zip(places[heading], own, strict=True):
                    _draw_row(axes, y, row)
            axes.axvline(1.0, color=BLACK, linewidth=0.7, zorder=0)
            axes.tick_params(axis="y", labelsize=6)
            axes.set_xlim(0, MOST)
            axes.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
            _beside(axes, DECLARED, 0, "declared", "right", GREY)
            _beside(axes, SKETCH, 0, "worst input found", "left", GREY)
            _draw_key(plate.figure)
        caption = f"{_caption(rows, known, unknown, level)} {verdicts(self.claims, records)}"
        return Drawing(self.title, plate.figure, _table(rows), caption)


def _name(row: Row) -> str:
    return "as printed" if row["kind"] == PRINTED else str(row["compressor"])


def _draw_row(axes: Any, y: int, row: Row) -> None:
    """Draw one constant: the dot, what is declared, and the input as bars and in words."""
    colour, marker, face = KINDS.get(row["kind"], KINDS["upper bound"])
    ink = BLACK
    if row["violated"]:
        colour = face = ink = VERMILLION
        words = "violated" if row["used"] is None else f"violated: {row['used']:.3g}×"
        axes.text(0.93, y, words, ha="right", va="center_baseline", fontsize=6, color=ink)
    beyond = row["used"] is None or row["used"] > MOST
    used = MOST if beyond else row["used"]
    axes.plot([used, 1], [y, y], color=colour, linewidth=0.8, zorder=1)
    look: dict[str, Any] = {"color": colour, "markerfacecolor": face, "markersize": 3.4, "markeredgewidth": 0.8}
    axes.plot(used, y, marker=">" if beyond else marker, clip_on=False, **look)
    _beside(axes, DECLARED, y, _short(row["declared"]), "right", ink)
    _beside(axes, WORDS, y, row["input"], "left", ink)
    if row["input"] != EVERY and row["x"].any():
        _draw_input(axes, y, np.atleast_2d(row["x"]), colour)


def _draw_input(axes: Any, y: int, x: Array, colour: str) -> None:
    """Draw the workers' vectors as bars, beside one another; what is not 0 can be seen not to be."""
    from matplotlib.collections import PolyCollection

    n, d = x.shape
    bars = x / np.abs(x).max()
    bars = np.where(bars == 0, 0, np.copysign(np.maximum(np.abs(bars), LEAST), bars))
    low = min(0.0, bars.min())
    unit = TALL / (max(0.0, bars.max()) - low)
    zero = y + TALL / 2 + unit * low  # the vertical axis goes down
    step = (WORDS - SKETCH - 0.02) / max(n * (d + 1) - 1, 8)
    left = SKETCH + step * (np.arange(n)[:, None] * (d + 1) + np.arange(d))
    right = left + 0.75 * step
    corners = [
        [(begin, zero), (begin, zero - unit * bar), (end, zero - unit * bar), (end, zero)]
        for begin, end, bar in zip(left.ravel(), right.ravel(), bars.ravel(), strict=True)
    ]
    where = {"transform": _columns(axes), "clip_on": False, "in_layout": False}
    axes.add_collection(PolyCollection(corners, facecolor=colour, edgecolor="none", **where), autolim=False)
    for begin, end in zip(left[:, 0], right[:, -1], strict=True):
        axes.plot([begin, end], [zero, zero], color=GREY, linewidth=0.3, **where)


def _draw_key(figure: Any) -> None:
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], linestyle="", color=edge, marker=marker, markerfacecolor=face, markersize=3.4, label=kind)
        for kind, (edge, marker, face) in KINDS.items()
    ]
    names = ["declared as exact", "as an upper bound", "printed, recalled"]
    key = figure.legend(handles, names, loc="lower right", fontsize=6, handlelength=1.0, borderaxespad=0.2)
    key.set_in_layout(False)


def _short(value: float) -> str:
    """Return a number in few characters.

    Examples
    --------
    >>> _short(0.4286), _short(1.5e-05)
    ('0.429', '1.5e-5')
    """
    return f"{value:.3g}" if value == 0 or value >= 1e-3 else f"{value:.1e}".replace("e-0", "e-")


def _beside(axes: Any, x: float, y: float, words: str, side: str, colour: str) -> None:
    text = axes.text(x, y, words, transform=_columns(axes), ha=side, fontsize=6, color=colour)
    text.set_va("center_baseline")
    text.set_in_layout(False)


def _columns(axes: Any) -> Any:
    """Return the transform of widths of the figure and places of rows."""
    from matplotlib.transforms import blended_transform_factory

    return blended_transform_factory(axes.figure.transFigure, axes.transData)


def _table(rows: Sequence[Row]) -> pandas.DataFrame:
    import pandas

    return pandas.DataFrame([row | {"x": " ".join(f"{value:.17g}" for value in np.ravel(row["x"]))} for row in rows])


def _caption(rows: Sequence[Row], known: Iterable[str], unknown: Sequence[str], level: str) -> str:
    sizes = f"$d = {DIMENSION[level]}$; $d = {TOGETHER}$ and $n = {WORKERS[level]}$ where workers draw together"
    words = [
        r"The largest $E\|C(x) - x\|^2/\|x\|^2$ that was found, over the declared $\omega$ or $1 - \delta$; the "
        r"largest $E\|C(x) - x\|^2$ over $\kappa^2$; and of the $AB$ inequality the largest $A$ that its $B$ leaves "
        f"necessary, over the declared one ({sizes}). Beside the dots the declared value and the input, as bars and in "
        f"words: 3×1 is three entries of magnitude 1, ‘{EVERY}’ that all were as bad. "
        r"$\delta = 1 - \omega$, and $A = \omega/n$ of workers that draw independently, are not drawn again."
    ]
    exceeded = [row for row in rows if row["violated"]]
    less = [row for row in rows if row["kind"] == "exact" and row["used"] is not None and row["used"] < REACHED]
    if exceeded:
        told = (f"{row['compressor']}, {row['declared']:.4g} by {-row['gap']:.2g}" for row in exceeded)
        words.append(f"VIOLATED, in red: {'; '.join(told)}.")
    else:
        words.append("No input exceeds what is declared.")
    if less:
        told = (f"{row['compressor']} ({row['used']:.4f})" for row in less)
        words.append(f"Declared as exact, and not reached in full: {'; '.join(told)}.")
    elif not exceeded:
        words.append("All that is declared as exact is reached, or approached to a millionth.")
    drawn = dict.fromkeys(row["compressor"] for row in rows if row["error_probability"])
    if drawn:
        (risk,) = {row["error_probability"] for row in rows if row["error_probability"]}
        words.append(
            f"Estimated from draws, a lower limit that is wrong with probability {risk:g}: {', '.join(drawn)}."
        )
    declaring = {row["compressor"] for row in rows}
    silent = [label for label in known if label not in declaring]
    zero = dict.fromkeys(row["compressor"] for row in rows if not row["declared"] and not row["violated"])
    words += [f"No error declared, and none found: {'; '.join(zero)}."] if zero else []
    words += [f"No constant declared: {'; '.join(silent)}."] if silent else []
    words += [f"Without parameters here: {', '.join(unknown)}."] if unknown else []
    return " ".join(words)
