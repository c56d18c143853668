"""One experiment drawn: its gap, and what published bounds say of it."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import fill
from typing import TYPE_CHECKING

from figures._base import Drawing
from figures._plate import Plate
from figures._style import LOOKS
from proofs_check.lines import Line

if TYPE_CHECKING:
    import xarray

__all__ = ["draw_one_run"]

QUANTITIES = {"f_gap": "gap $f - f^*$", "grad_norm_sq": r"$\|\nabla f\|^2$"}
PANEL_HEIGHT = 1.9  # inches


def draw_one_run(title: str, result: xarray.Dataset, lines: Sequence[Line]) -> Drawing:
    """Return the drawing of one experiment.

    Parameters
    ----------
    title : str
        One line.
    result : xarray.Dataset
        Of an experiment without swept fields.
    lines : sequence of Line
        The bounds that cover it; each gets a panel with the quantity it bounds.
    """
    name = "f_gap" if "f_gap" in result else "grad_norm_sq"
    curves = result[name].transpose("run", "step").values
    look = LOOKS["EF14 top-k"]
    with Plate(panels=1 + len(lines), height=PANEL_HEIGHT * (1 + len(lines))) as plate:
        axes = plate.panel(name, x="step $t$", y=QUANTITIES[name], log="y")
        ends = (curves.min(axis=0), curves.max(axis=0)) if len(curves) > 1 else None
        plate.measured(axes, "mean over the runs", result.step, curves.mean(axis=0), ends, look=look)
        for line in lines:
            claim = line.claim
            axes = plate.panel(claim.id, x="step $T$", y="", log="y", title=fill(claim.title.rpartition(": ")[2], 50))
            plate.measured(
                axes, "measured", line.step, line.measured, look=look, label="measured", at=0.5, side="below"
            )
            plate.theory(axes, claim.id, line.step, line.bound, at=0.5)
    return Drawing(title, plate.figure, plate.table, title)
