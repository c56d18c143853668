"""Numbers beside groups of points, none over another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from toolkit.arrays import Array

__all__ = ["Numbered", "put_numbers"]

SIZE = 5.5  # points of type
CLEAR = 1.5  # points around a marker
OFFSETS = np.array([3.0, 6.0, 10.0, 15.0, 21.0, 28.0])  # points from a marker to its number, tried in turn
ANGLES = np.linspace(0, 2 * np.pi, 20, endpoint=False)
LEADER = 9.0  # points: a number farther off is joined to its marker
COVERED, CROSSED = 15.0, 2.0  # points of distance that a number goes rather than cover a marker, a bit of a line
BIT = 2.0  # points of a line


@dataclass(frozen=True)
class Numbered:
    """A group of points and its number.

    Parameters
    ----------
    axes : Axes
        Where it is drawn.
    number : str
    points : array, shape (point, 2)
        In data coordinates.
    colour : tuple or str
        Of the number.
    """

    axes: Any
    number: str
    points: Array
    colour: Any


def put_numbers(groups: list[Numbered]) -> None:
    """Put every group's number beside one of its points, over no other number and as few markers as can be.

    Groups without a point inside their axes get none. The axes must have their final place on the page.
    """
    for axes in dict.fromkeys(group.axes for group in groups):
        own = [group for group in groups if group.axes is axes]
        seen = [_inside(axes, group.points) for group in own]
        markers = np.concatenate([np.empty((0, 2)), *seen])
        bits = np.concatenate([_inside(axes, _bits(line)) for line in axes.lines])
        for text in axes.texts:
            markers = np.concatenate([markers, _inside(axes, _words(text))])
        taken = _corners(axes.get_legend())  # and those of the numbers that have their place
        for i in sorted(range(len(own)), key=lambda i: _room(seen[i], markers)):
            if len(seen[i]):
                near, lines = _around(seen[i], markers), _around(seen[i], bits)
                taken = np.concatenate([taken, _put(own[i], seen[i], near, lines, taken)])


def _inside(axes: Any, points: Array) -> Array:
    """Return the points within the axes, in points of type from their lower left corner."""
    scale, box = 72 / axes.figure.dpi, axes.bbox
    pixels = axes.transData.transform(points)
    return (pixels[((pixels >= box.min - 1) & (pixels <= box.max + 1)).all(axis=1)] - box.min) * scale


def _bits(line: Any) -> Array:
    """Return points along a line of the plot, about `BIT` apart on the page, in data coordinates."""
    to_pixels = line.axes.transData
    ends = to_pixels.transform(line.get_xydata())
    length = np.append(0.0, np.cumsum(np.hypot(*np.diff(ends, axis=0).T))) * 72 / line.axes.figure.dpi
    along = np.arange(0.0, length[-1] + BIT, BIT)
    return to_pixels.inverted().transform(np.column_stack([np.interp(along, length, one) for one in ends.T]))


def _words(text: Any) -> Array:
    """Return points all over a text, turned as it is, in data coordinates."""
    angle, to_pixels = np.radians(text.get_rotation()), text.axes.transData
    text.set_rotation(0)
    box = text.get_window_extent()
    text.set_rotation(np.degrees(angle))
    anchor = to_pixels.transform(text.get_position())
    spacing = BIT * text.axes.figure.dpi / 72
    x, y = np.meshgrid(*(np.arange(low, high, spacing) for low, high in zip(box.min, box.max, strict=True)))
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    return to_pixels.inverted().transform(anchor + (np.column_stack([x.ravel(), y.ravel()]) - anchor) @ turn)


def _corners(legend: Any) -> Array:
    """Return the lower left and upper right corner of a legend, shape (1, 2, 2), or (0, 2, 2) if there is none."""
    if legend is None:
        return np.empty((0, 2, 2))
    box, own = legend.get_window_extent(), legend.axes.bbox
    return (np.array([[box.min, box.max]]) - own.min) * 72 / legend.axes.figure.dpi


def _room(points: Array, markers: Array) -> float:
    """Return minus the markers around the freest point: those with least room choose first."""
    if not len(points):
        return 0.0
    return -float((np.linalg.norm(points[:, None] - markers, axis=2) < 12).sum(axis=1).min())


def _around(points: Array, places: Array) -> Array:
    """Return the places that a number of these points could cover."""
    reach = OFFSETS[-1] + 4 * SIZE
    return places[(np.abs(points[:, None] - places) < reach).all(axis=2).any(axis=0)]


def _put(group: Numbered, points: Array, markers: Array, bits: Array, taken: Array) -> Array:
    """Write one number at its best place, and return its corners, shape (1, 2, 2), or (0, 2, 2) if there is none."""
    axes = group.axes
    scale, box = 72 / axes.figure.dpi, axes.bbox
    half = np.array([0.33 * SIZE * len(group.number) + 0.4, 0.56 * SIZE])
    way = np.stack([np.cos(ANGLES), np.sin(ANGLES)], axis=-1)
    steps = OFFSETS[:, None, None] * way + half * way
    centres = (points[:, None, None] + steps).reshape(-1, 2)
    corners = np.stack([centres - half, centres + half], axis=1)
    fits = ((corners[:, 0] >= 0) & (corners[:, 1] <= box.size * scale)).all(axis=1)
    apart = (corners[:, None, 0] >= taken[None, :, 1]) | (corners[:, None, 1] <= taken[None, :, 0])
    fits &= apart.any(axis=2).all(axis=1)
    if not fits.any():
        return np.empty((0, 2, 2))

    def covered(places: Array, clear: float) -> Array:
        inside = np.abs(centres[:, :1] - places[:, 0]) < half[0] + clear
        inside &= np.abs(centres[:, 1:] - places[:, 1]) < half[1] + clear
        return inside.sum(axis=1)

    cost = COVERED * covered(markers, CLEAR) + CROSSED * covered(bits, 0.0)
    cost += np.tile(np.repeat(OFFSETS, len(ANGLES)), len(points))
    best = int(np.argmin(np.where(fits, cost, np.inf)))
    centre, marker = centres[best], points[best // (len(OFFSETS) * len(ANGLES))]

    def to_data(position: Array) -> Any:
        return axes.transData.inverted().transform(position / scale + box.min)

    text = axes.text(*to_data(centre), group.number, fontsize=SIZE, color=group.colour, zorder=5)
    text.set(ha="center", va="center_baseline", in_layout=False)
    if np.linalg.norm(centre - marker) > LEADER:
        edge = centre - (centre - marker) * (half / np.maximum(np.abs(centre - marker), 1e-9)).min()
        axes.plot(*to_data(np.array([marker, edge])).T, color=group.colour, linewidth=0.3, zorder=4)
    return corners[best : best + 1]
