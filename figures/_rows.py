"""Named rows below one another, in groups with headings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from figures._style import GREY

__all__ = ["lay_rows"]


def lay_rows(axes: Any, groups: Mapping[str, Sequence[str]]) -> dict[str, range]:
    """Give every row a place on the vertical axis, with its name beside it, and write the headings of the groups.

    Parameters
    ----------
    axes : Axes
        Its vertical axis then goes down from the first heading to the last row.
    groups : mapping of str to sequence of str
        The names of the rows, by heading; a group without rows has no heading.

    Returns
    -------
    dict of str to range
        The places of the rows of each group.
    """
    places, top = {}, 0
    for heading, names in groups.items():
        places[heading] = range(top + 1, top + 1 + len(names))
        if names:
            where = {"xycoords": ("figure fraction", "data"), "textcoords": "offset points", "in_layout": False}
            axes.annotate(heading, (0, top), (2, 0), va="center", fontsize=6.5, color=GREY, style="italic", **where)
            top += 1 + len(names)
    axes.set_yticks(
        [y for rows in places.values() for y in rows], [name for names in groups.values() for name in names]
    )
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.set_ylim(top - 0.3, -0.7)
    return places
