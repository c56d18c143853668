"""All counterexamples side by side."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from figures._base import Drawing, Figure, Records
from figures._plate import Plate
from figures.museum._exhibit import Exhibit
from toolkit import members
from toolkit.experiment import Experiment

if TYPE_CHECKING:
    import xarray

COLUMNS = 3
ROW = 2.0  # inches


class MuseumWall(Figure):
    """One panel per exhibit: what goes wrong, and what repairs it."""

    name = "museum-wall"
    title = "The museum: ways to fail, each with its exact law and its repair"

    @cached_property
    def exhibits(self) -> dict[str, Exhibit]:
        """The exhibits by name."""
        found = {name: members.load("figures", name) for name in members.groups("figures")["museum"]}
        return {name: kind() for name, kind in found.items() if issubclass(kind, Exhibit)}

    def experiments(self, level: str) -> dict[str, Experiment]:
        return {
            f"{name}/{what}": experiment
            for name, one in self.exhibits.items()
            for what, experiment in one.experiments(level).items()
        }

    def draw(self, data: Mapping[str, xarray.Dataset], records: Records, level: str) -> Drawing:
        rows = -(-len(self.exhibits) // COLUMNS)
        with Plate(panels=len(self.exhibits), columns=COLUMNS, height=ROW * rows) as plate:
            for name, one in self.exhibits.items():
                prefix = f"{name}/"
                own = {key.removeprefix(prefix): result for key, result in data.items() if key.startswith(prefix)}
                one.panel(plate, own, title=one.short)
        claims = dict.fromkeys(claim for one in self.exhibits.values() for claim in one.claims)
        checked = [record for record in records if record["id"] in claims]
        surprises = [record["id"] for record in checked if record["verdict"] != record["expected"]]
        if surprises:
            outcome = f": not as expected: {', '.join(surprises)}"
        else:
            outcome = ": every verdict is the expected one" if checked else ""
        caption = (
            "Each panel is a figure of its own, where it is explained: "
            + "; ".join(f"{one.short} ({', '.join(one.claims)})" for one in self.exhibits.values())
            + f". Black lines: exact laws and barriers. {len(checked)} of {len(claims)} claims checked{outcome}."
        )
        return Drawing(self.title, plate.figure, plate.table, caption)
