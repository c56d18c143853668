"""Curves drawn with letters, for a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

__all__ = ["chart"]

WIDTH, HEIGHT = 72, 14
MARKS = "*·+ox"


def chart(curves: Mapping[str, tuple[Any, Any]], x_name: str) -> str:
    """Return curves as lines of text, with a logarithmic y axis; points that are not positive are left out.

    Parameters
    ----------
    curves : mapping of str to pair of arrays, shape (point,)
        x and y by name, at least one point of them positive; where two meet, the first is shown.
    x_name : str
        What x is.

    Examples
    --------
    >>> print(chart({"f": ([0, 1, 2], [1.0, 0.1, 0.01])}, "step").splitlines()[0].strip())
    1 |*
    """
    points = {}
    for name, (x, y) in curves.items():
        x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
        shown = np.isfinite(y) & (y > 0)
        points[name] = x[shown], np.log10(y[shown])
    every_x, every_y = (np.concatenate([point[axis] for point in points.values()]) for axis in (0, 1))
    rows = [[" "] * WIDTH for _ in range(HEIGHT)]
    for mark, (x, y) in reversed(list(zip(MARKS, points.values(), strict=False))):
        columns = _cells(x, every_x, WIDTH)
        for column, row in zip(columns, _cells(y, every_y, HEIGHT), strict=True):
            rows[HEIGHT - 1 - row][column] = mark
    ends = f"{10 ** every_y.max():.3g}", f"{10 ** every_y.min():.3g}"
    labels = [ends[0], *[""] * (HEIGHT - 2), ends[1]]
    lines = [f"{label:>10} |{''.join(row)}".rstrip() for label, row in zip(labels, rows, strict=True)]
    low, high = f"{every_x.min():g}", f"{every_x.max():g} {x_name}"
    legend = "   ".join(f"{mark} {name}" for mark, name in zip(MARKS, points, strict=False))
    below = [f" +{'-' * WIDTH}", f"  {low}{high:>{WIDTH - len(low)}}", f"  {legend}"]
    return "\n".join([*lines, *(f"{'':10}{line}" for line in below)])


def _cells(values: Any, of: Any, count: int) -> Any:
    """Return in which of `count` equal cells between the ends of `of` each value lies."""
    low, width = of.min(), (of.max() - of.min()) or 1.0
    return np.minimum((count * (values - low) / width).astype(int), count - 1)
