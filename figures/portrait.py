"""Every compressor by its bits and its error, beside what is possible."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from figures._base import Drawing, Figure, Records
from figures._families import Family, families
from figures._limits import Limits, Line, limits
from figures._messages import BEFORE, SOURCES, D, P, measure, worst_case
from figures._plate import Plate
from figures._style import GREY, GROUP_LOOKS
from toolkit.draws import Draw
from toolkit.information.universal_law import least_worst_error

if TYPE_CHECKING:
    import pandas
    import xarray

WORKERS = 4
BITS, ERROR = (0.05, 45.0), (3e-4, 45.0)  # what the panels show
SIDE_BY_SIDE = 2  # panels
PANEL, KEY_ROW, KEY_COLUMNS = 2.9, 0.118, 6  # inches, inches
TITLES = {
    "gaussian": "Gaussian vectors",
    "laplace": "Laplace vectors",
    "sparse": f"sparse vectors: $N(0, {1 / P:.0f})$ with probability {P}, else 0",
    "worst": "worst case over the unit ball: declared constants",
}
SURE = 5.0  # standard errors
ALL_BITS = np.geomspace(*BITS, 300)
LAW = (Line("universal law $4^{-b/d}$", ALL_BITS, least_worst_error(ALL_BITS * D, D), "solid"),)


class Portrait(Figure):
    """All compressors on the plane of bits and errors, and the lines that nothing can be below."""

    name = "portrait"
    title = "What every compressor pays in bits for its error, and what is possible"

    def draw(self, data: Mapping[str, xarray.Dataset], records: Records, level: str) -> Drawing:
        found = list(families())
        shown = [family for family in found if family.compressors]
        possible = {source: limits(source, ERROR[0]) for source in SOURCES}
        draw = Draw(seed=np.arange({"quick": 1, "full": 8}[level]), workers=WORKERS)
        points = _points(shown, draw, possible)
        entries = _key_entries(shown)
        rows, places = _key_places([look is None for _, look in entries])
        heights = [PANEL] * (len(TITLES) // SIDE_BY_SIDE) + [KEY_ROW * rows]
        height = sum(heights) + 0.3
        with Plate(panels=len(TITLES) + 1, height=height, columns=SIDE_BY_SIDE, shares=heights) as plate:
            for place, panel in enumerate(TITLES):
                axes = _plane(plate, panel)
                if place >= len(TITLES) - SIDE_BY_SIDE:
                    axes.set_xlabel("bits per coordinate")
                for (number, name), own in points[points.panel == panel].groupby(["number", "curve"]):
                    x, y = np.clip(np.asarray(own.x), *BITS), np.clip(np.asarray(own.y), *ERROR)
                    plate.numbered(axes, str(name), str(number), x, y, look=GROUP_LOOKS[own.group.iloc[0]])
                lines = LAW if panel == "worst" else possible[panel].lines
                for line in lines:
                    where: Any = {"at": line.at, "side": line.side, "dashes": line.dashes}
                    plate.theory(axes, line.name, line.bits, line.error, **where)
                if any(line.at is None for line in lines):
                    axes.legend(loc="lower left")
            _draw_key(plate.panel("key", x="", y=""), entries, rows, places)
        theory = plate.table[plate.table.kind == "theory"]
        left_out = [family.name for family in found if not family.compressors]
        caption = _caption(points, possible, draw.shape[0] * WORKERS, left_out)
        return Drawing(self.title, plate.figure, _joined(points, theory), caption)


def _plane(plate: Plate, panel: str) -> Any:
    """Return the next panel with the plane of bits and errors, which all panels share."""
    from matplotlib.ticker import NullLocator

    y = "worst error" if panel == "worst" else r"error $E\|C(x) - x\|^2/E\|x\|^2$"
    axes = plate.panel(panel, x="", y=y, log="xy", title=TITLES[panel])
    axes.set_xlim(*BITS)
    axes.set_ylim(*ERROR)
    axes.set_xticks([0.1, 1, 10], ["0.1", "1", "10"])
    axes.set_yticks([0.001, 0.01, 0.1, 1, 10], ["0.001", "0.01", "0.1", "1", "10"])
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_minor_locator(NullLocator())
    return axes


def _points(shown: Sequence[Family], draw: Draw, possible: Mapping[str, Limits]) -> pandas.DataFrame:
    """Return a row for every compressor and source, and for every worst case that is known.

    `margin` is how many bits per coordinate a point lies right of the line that bounds it, `deviation` its standard
    error, and `entropy_margin` the same for the ledger's entropy.
    """
    import pandas

    rows: list[dict[str, Any]] = []
    for number, family in enumerate(shown, 1):
        for compressor in family.compressors:
            about = {"number": number, "curve": family.name, "group": family.group, "compressor": repr(compressor)}
            for source in SOURCES:
                found = measure(compressor, source, draw)
                means = {count: float(getattr(found, count).mean()) for count in ("formula", "entropy", "encoded")}
                margin, deviation = found.margin("encoded", possible[source].least_bits)
                by_entropy, _ = found.margin("entropy", possible[source].least_bits)
                means |= {"margin": margin, "deviation": deviation, "entropy_margin": by_entropy}
                rows.append(about | {"panel": source, "x": means["encoded"], "y": found.error} | means)
            worst = worst_case(compressor, WORKERS)
            if worst is not None:
                bits, error = worst
                constant = least_worst_error(0, D, shared_randomness=compressor.random)
                margin = bits - 0.5 * np.log2(constant / error)
                rows.append(about | {"panel": "worst", "x": bits, "y": error, "formula": bits, "margin": margin})
    return pandas.DataFrame(rows).assign(kind="measured")


def _joined(points: pandas.DataFrame, theory: pandas.DataFrame) -> pandas.DataFrame:
    import pandas

    own = ["panel", "curve", "kind", "x", "y"]
    return pandas.concat([points, theory[own]], ignore_index=True)


def _key_entries(shown: Sequence[Family]) -> list[tuple[str, Any]]:
    """Return the lines of the key: the name of a group, or number and name of a family, with its look."""
    entries: list[tuple[str, Any]] = []
    for number, family in enumerate(shown, 1):
        if not entries or family.group != shown[number - 2].group:
            entries.append((family.group, None))
        entries.append((f"{number}  {family.name}", GROUP_LOOKS[family.group]))
    return entries


def _key_places(headings: Sequence[bool]) -> tuple[int, list[tuple[int, int]]]:
    """Return the rows of the key, and the column and row of each line; a heading is never the last of its column.

    Examples
    --------
    >>> _key_places([True, False, True] + 4 * [False] + [True] + 5 * [False])
    (3, [(0, 0), (0, 1), (1, 0), (1, 1), (1, 2), (2, 0), (2, 1), (3, 0), (3, 1), (3, 2), (4, 0), (4, 1), (4, 2)])
    """
    rows = -(-len(headings) // KEY_COLUMNS)
    while True:
        places: list[tuple[int, int]] = []
        slot = 0
        for heading in headings:
            slot += heading and slot % rows == rows - 1
            places.append(divmod(slot, rows))
            slot += 1
        if slot <= rows * KEY_COLUMNS:
            return rows, places
        rows += 1


def _draw_key(axes: Any, entries: Sequence[tuple[str, Any]], rows: int, places: Sequence[tuple[int, int]]) -> None:
    """Write the key over the whole width of the figure, in columns as wide as what they hold."""
    from matplotlib.transforms import blended_transform_factory

    where: Any = {"transform": blended_transform_factory(axes.figure.transFigure, axes.transAxes), "in_layout": False}
    axes.set_axis_off()
    widths = np.zeros(KEY_COLUMNS)  # in letters
    for (words, _), (column, _) in zip(entries, places, strict=True):
        widths[column] = max(widths[column], len(words) + 4)
    lefts = 0.015 + 0.985 * (np.cumsum(widths) - widths) / widths.sum()
    for (words, look), (column, row) in zip(entries, places, strict=True):
        x, y = lefts[column], 1 - (row + 0.5) / rows
        colour, style = (GREY, "italic") if look is None else (look.ink, "normal")
        left = x + 0.01 * (look is not None)
        axes.text(left, y, words, fontsize=6, va="center", color=colour, style=style, **where)
        if look is not None:
            axes.plot([x], [y], marker=look.marker, color=look.colour, markersize=3, clip_on=False, **where)


def _caption(points: pandas.DataFrame, possible: Mapping[str, Limits], messages: int, left_out: Sequence[str]) -> str:
    gap = max(one.gap for one in possible.values())
    by_entropy = points[(points.panel == "gaussian") & (points.entropy_margin < 0)].compressor
    absent = f" Not shown, because its parameters are not known here: {', '.join(left_out)}." if left_out else ""
    return (
        f"Means over {messages} messages of $d = {D}$ coordinates in float32, and after {BEFORE} others where a "
        "compressor carries state. Bits are those of the bytes sent, by its own codec or with its levels in a range "
        "code, whichever is shorter. Points on the edge lie beyond it. Markers of one number are one compressor at "
        f"several parameters, which are in the data with the other counts.{absent} No point can lie left of its "
        "source's own $R(D)$: for mean bits of self-delimiting messages this is a theorem. "
        f"{' '.join(_verdict(points, source) for source in SOURCES)} The ledger's entropy is no such count, because it "
        f"is told all frequencies; by it, left of the Gaussian's line: {', '.join(by_entropy) or 'none'}. $R(D)$ of "
        f"Laplace and sparse vectors is drawn where it is certified (to {gap:.1g} bits); dashed lines left of it are "
        "lower bounds. The Gaussian's line is no bound there. Last panel: declared $1 - \\delta$ or $\\omega$ against "
        "formula bits, where both are known and every message is as long; the universal law is a theorem for the "
        "longest message with the scale charged, up to the factor $d/(d + 2)$ where randomness is shared. "
        f"{_verdict(points, 'worst')}"
    )


def _verdict(points: pandas.DataFrame, panel: str) -> str:
    """Say in words whether a point lies left of the line of its panel, and which comes closest."""
    own = points[points.panel == panel]
    margin, deviation = own.margin, own.deviation.fillna(0.0)
    name = {"worst": "Declared constants", "gaussian": "Gaussian", "laplace": "Laplace", "sparse": "Sparse"}[panel]
    left = own[margin < -SURE * deviation]
    if len(left):
        return f"{name}: LEFT of it by more than {SURE:.0f} standard errors: {', '.join(left.compressor)}."
    unsure = int((margin < SURE * deviation).sum())
    rest = f" ({unsure} within {SURE:.0f} standard errors of it)" if unsure else ""
    closest = own.compressor.iloc[int(np.argmin(margin))]
    return f"{name}: 0 of {len(own)} points left of it{rest}; the closest, {closest}, is {margin.min():.2g} bits right."
