"""What a picture of the museum is: one panel, drawn alone or on the wall."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from figures._base import Drawing, Figure, Records, verdicts
from figures._plate import Plate

if TYPE_CHECKING:
    import xarray

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

    def draw(self, data: Mapping[str, xarray.Dataset], records: Records, level: str) -> Drawing:
        with Plate(height=2.4) as plate:
            self.panel(plate, data)
        return Drawing(self.title, plate.figure, plate.table, f"{self.story} {verdicts(self.claims, records)}")
