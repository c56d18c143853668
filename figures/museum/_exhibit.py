"""What a picture of the museum is: one panel, drawn alone or on the wall."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from figures._base import Drawing, Figure, Records, verdicts
from figures._plate import Plate

if TYPE_CHECKING:
    import xarray
    from matplotlib.axes import Axes

__all__ = ["Exhibit"]


class Exhibit(Figure):
    """A counterexample: subclass it, write `experiments` and `panel`, and say in `story` what is seen.

    Attributes
    ----------
    story : str
        The caption without its verdicts.
    short : str
        The title of its panel on the wall.
    """

    story: ClassVar[str] = ""
    short: ClassVar[str] = ""

    def panel(self, plate: Plate, data: Mapping[str, xarray.Dataset], title: str = "") -> None:
        """Draw the next panel of a plate."""
        raise TypeError(f"{type(self).__name__} does not say how it is drawn: define panel(plate, data, title)")

    def gap(self, plate: Plate, axes: Axes, name: str, result: xarray.Dataset, **how: Any) -> None:
        """Draw the geometric mean of the gap over runs and its range; the rest as in `Plate.measured`."""
        of_runs = result.f_gap.values
        middle, ends = np.exp(np.log(of_runs).mean(axis=0)), (of_runs.min(axis=0), of_runs.max(axis=0))
        plate.measured(axes, name, result.step.values, middle, ends, label=name, at=0.6, **how)

    def draw(self, data: Mapping[str, xarray.Dataset], records: Records, level: str) -> Drawing:
        with Plate(height=2.4) as plate:
            self.panel(plate, data)
        return Drawing(self.title, plate.figure, plate.table, f"{self.story} {verdicts(self.claims, records)}")
