"""A figure under construction: what is drawn on it is entered into its table by the same call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from figures._numbers import Numbered, put_numbers
from figures._style import BLACK, COLUMN, TEXT, Look, style
from toolkit.arrays import Array

if TYPE_CHECKING:
    import pandas
    from matplotlib.axes import Axes

__all__ = ["Plate"]

Side = Literal["above", "below"]
Weight = Literal["main", "thin", "under theory", "points"]
WEIGHTS: dict[str, dict[str, float]] = {
    "main": {},
    "thin": {"linewidth": 0.6, "alpha": 0.8},
    "under theory": {"linewidth": 3.0},
}
NAME_SIZE = 6.5  # points
NAME_GAP = 1.5  # points between a curve and its name


class Plate:
    """Panels one below the other, or row by row in several columns, in the common look; use it as a context.

    Parameters
    ----------
    panels : int
        How many.
    height : float
        Of the whole figure, in inches.
    columns : int
        How many panels stand side by side; with one the figure is one column of a page wide, with more it is as wide as
        the text.
    shared_x : bool
        Whether the panels have the same horizontal axis.
    shares : sequence of float, optional
        How the rows of panels share the height; equally by default.

    Examples
    --------
    >>> with Plate(height=2.0) as plate:
    ...     axes = plate.panel("a line", x="step $t$", y="gap $f - f^*$")
    ...     plate.theory(axes, "$2t$", [0, 1, 2], [0, 2, 4])
    >>> plate.table[["curve", "x", "y"]].values.tolist()
    [['$2t$', 0.0, 0.0], ['$2t$', 1.0, 2.0], ['$2t$', 2.0, 4.0]]
    """

    def __init__(
        self,
        *,
        panels: int = 1,
        height: float,
        columns: int = 1,
        shared_x: bool = False,
        shares: Sequence[float] | None = None,
    ) -> None:
        self._size = (COLUMN if columns == 1 else TEXT, height)
        self._panels, self._columns, self._shared_x, self._shares = panels, columns, shared_x, shares
        self._rows: list[dict[str, Any]] = []
        self._known: dict[Axes, dict[str, str]] = {}  # what the table says of every point of a panel
        self._names: list[tuple[Any, Any, float, Side]] = []  # curve, text, where along it, which side
        self._numbers: list[Numbered] = []
        self._context = ExitStack()

    def __enter__(self) -> Plate:
        from matplotlib.figure import Figure

        self._context.enter_context(style())
        self.figure = Figure(figsize=self._size, layout="constrained")
        rows = -(-self._panels // self._columns)
        axes = self.figure.subplots(
            rows, self._columns, sharex=self._shared_x, squeeze=False, height_ratios=self._shares or [1] * rows
        )
        self._free = list(axes.flat[: self._panels])
        for spare in axes.flat[self._panels :]:
            spare.remove()
        return self

    def __exit__(self, *error: Any) -> None:
        with self._context:
            if error[0] is None:
                self.figure.draw_without_rendering()  # settles the layout, which slopes on the page depend on
                self.figure.set_layout_engine(None)  # "none" leaves one behind, for which saving draws all twice
                for curve, text, at, side in self._names:
                    _lay_along(curve, text, at, side)
                put_numbers(self._numbers)

    @property
    def table(self) -> pandas.DataFrame:
        """The numbers drawn: panel, curve, kind (measured, theory, field), x, y, ends of the band or bar, values.

        The latter are of the cells of fields, with their quantity; both columns are there if a field is.
        """
        import pandas

        return pandas.DataFrame(self._rows)

    def panel(self, name: str, *, x: str, y: str, log: str = "", title: str = "") -> Axes:
        """Return the next free panel.

        Parameters
        ----------
        name : str
            In the table.
        x, y : str
            What the axes show, with symbol and unit.
        log : {'', 'x', 'y', 'xy'}
            Which axes are logarithmic.
        title : str
            Shown above it.
        """
        axes = self._free.pop(0)
        axes.set_xscale("log" if "x" in log else "linear")
        axes.set_yscale("log" if "y" in log else "linear")
        axes.set_ylabel(y)
        axes.set_title(title)
        if not (self._shared_x and len(self._free) >= self._columns):
            axes.set_xlabel(x)
        self._known[axes] = {"panel": name, "x_quantity": x, "y_quantity": y}
        return axes

    def measured(
        self,
        axes: Axes,
        name: str,
        x: Any,
        y: Any,
        ends: tuple[Any, Any] | None = None,
        *,
        look: Look,
        weight: Weight = "main",
        label: str | None = None,
        at: float | None = None,
        side: Side = "above",
    ) -> Any:
        """Draw a measured curve with a band over its runs, or points with bars; return matplotlib's line of it.

        Parameters
        ----------
        name : str
            Of the curve, in the table.
        x, y : array, shape (point,)
            The curve; points that the axes cannot show are left out of figure and table.
        ends : pair of arrays, shape (point,)
            Lower and upper end of the band.
        look : Look
            Of the method.
        weight : {'main', 'thin', 'under theory', 'points'}
            Thin for a curve that stands behind the main one of its method, wide for one that a theory line covers, or
            markers with bars in place of a line with a band.
        label : str, optional
            Its name in the legend, or on the curve if `at` is given.
        at : float, optional
            Where its name stands, as a fraction of the curve's length on the page.
        side : {'above', 'below'}
            Of the curve.
        """
        x, y, ends = self._enter(axes, name, "measured", x, y, ends)
        in_legend = label if at is None else None
        if weight == "points":
            bars = None if ends is None else (y - ends[0], ends[1] - y)
            (curve, *_) = axes.errorbar(
                x, y, bars, fmt="o", markersize=3.0, color=look.colour, capsize=1.5, elinewidth=0.8, label=in_legend
            )
        else:
            if ends is not None:
                axes.fill_between(x, *ends, color=look.colour, alpha=0.22, linewidth=0)
            (curve,) = axes.plot(x, y, label=in_legend, **look.line(**WEIGHTS[weight]))
        if label is not None and at is not None:
            self._put_name(curve, label, look.ink, at, side)
        return curve

    def numbered(self, axes: Axes, name: str, number: str, x: Any, y: Any, *, look: Look) -> None:
        """Draw points joined by a line, with a number beside them that a key explains; the rest as in `measured`."""
        x, y, _ = self._enter(axes, name, "measured", x, y, None)
        axes.plot(
            x, y, color=look.colour, linewidth=0.5, marker=look.marker, markersize=2.4, markeredgewidth=0, alpha=0.9
        )
        self._numbers.append(Numbered(axes, number, np.column_stack([x, y]), look.ink))

    def theory(
        self,
        axes: Axes,
        name: str,
        x: Any,
        y: Any,
        *,
        at: float | None = 0.6,
        side: Side = "above",
        dashes: Any = "solid",
    ) -> None:
        """Draw a theory line, thin and black, with its name on it, or in the legend if `at` is None; see `measured`."""
        x, y, _ = self._enter(axes, name, "theory", x, y, None)
        in_legend = name if at is None else None
        (curve,) = axes.plot(x, y, color=BLACK, linewidth=0.7, linestyle=dashes, label=in_legend)
        curve.set_zorder(3)  # above what is measured
        if at is not None:
            self._put_name(curve, name, BLACK, at, side)

    def field(
        self, axes: Axes, name: str, x: Any, y: Any, values: Any, *, quantity: str, norm: Any, colours: str
    ) -> Any:
        """Draw cells in the colours of numbers, and return matplotlib's artist, for `colour_bar`.

        Parameters
        ----------
        name : str
            In the table.
        x, y : array, shape (column,) and (row,)
            The middles of the cells, in the scale of the axes.
        values : array, shape (row, column)
            The numbers; a cell without one (NaN) stays white, in the table too.
        quantity : str
            What the numbers are, in the table.
        norm, colours : matplotlib.colors.Normalize, str
            Which number has which colour of which of matplotlib's maps.
        """
        x, y, values = (np.asarray(one, dtype=float) for one in (x, y, values))
        about = self._known[axes] | {"curve": name, "kind": "field", "quantity": quantity}
        for (row, column), value in np.ndenumerate(values):
            self._rows.append(about | {"x": x[column], "y": y[row], "value": value})
        edges = (_edges(x, axes.get_xscale()), _edges(y, axes.get_yscale()))
        return axes.pcolormesh(*edges, np.ma.masked_invalid(values), norm=norm, cmap=colours, edgecolor="face", lw=0.1)

    def colour_bar(self, field: Any, beside: Sequence[Axes], *, quantity: str, ticks: Mapping[float, str]) -> Any:
        """Draw the colours of a field, which other panels may share, on the right of them all, and return its axes.

        Parameters
        ----------
        quantity : str
            What the numbers are.
        ticks : mapping of float to str
            Their names.
        """
        bar = self.figure.colorbar(field, ax=beside, location="right", aspect=50, pad=0.01, label=quantity)
        bar.set_ticks(list(ticks), labels=list(ticks.values()), minor=False)
        bar.ax.minorticks_off()
        return bar.ax

    def _put_name(self, curve: Any, name: str, colour: Any, at: float, side: Side) -> None:
        text = curve.axes.text(*curve.get_xydata()[0], name, fontsize=NAME_SIZE, color=colour, ha="center")
        text.set_rotation_mode("anchor")
        text.set_in_layout(False)
        self._names.append((curve, text, at, side))

    def _enter(
        self, axes: Axes, curve: str, kind: str, x: Any, y: Any, ends: Any
    ) -> tuple[Array, Array, tuple[Array, Array] | None]:
        """Enter the points that the axes can show into the table, and return them."""
        x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
        shown = np.isfinite(x) & np.isfinite(y)
        for values, scale in ((x, axes.get_xscale()), (y, axes.get_yscale())):
            shown &= (values > 0) | (scale != "log")
        x, y = x[shown], y[shown]
        if ends is not None:
            ends = tuple(np.asarray(end, dtype=float)[shown] for end in ends)
        low, high = (np.full(x.size, np.nan),) * 2 if ends is None else ends
        about = self._known[axes] | {"curve": curve, "kind": kind}
        for i in range(x.size):
            self._rows.append(about | {"x": x[i], "y": y[i], "y_low": low[i], "y_high": high[i]})
        return x, y, ends


def _edges(middles: Array, scale: str) -> Array:
    """Return where cells end whose middles are these."""
    if scale == "log":
        return np.exp(_edges(np.log(middles), "linear"))
    between = (middles[1:] + middles[:-1]) / 2
    return np.concatenate([[2 * middles[0] - between[0]], between, [2 * middles[-1] - between[-1]]])


def _lay_along(curve: Any, text: Any, at: float, side: Side) -> None:
    """Put a text beside a curve, turned by its slope on the page."""
    axes = curve.axes
    points = axes.transData.transform(curve.get_xydata())
    box = axes.bbox
    inside = points[(points >= [box.x0, box.y0]).all(axis=1) & (points <= [box.x1, box.y1]).all(axis=1)]
    length = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(inside, axis=0).T))])

    def point(fraction: float) -> Array:
        return np.array([np.interp(fraction * length[-1], length, coordinate) for coordinate in inside.T])

    along = point(at + 0.08) - point(at - 0.08)
    along /= np.hypot(*along)
    across = np.array([-along[1], along[0]]) * (1 if side == "above" else -1)
    size = curve.get_markersize() if curve.get_marker() != "None" else curve.get_linewidth()
    position = point(at) + across * (NAME_GAP + size / 2) * axes.figure.dpi / 72
    text.set_position(axes.transData.inverted().transform(position))
    text.set_rotation(np.degrees(np.arctan2(along[1], along[0])))
    text.set_verticalalignment("bottom" if side == "above" else "top")
