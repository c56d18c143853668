"""How close every published statement comes to what is measured."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from figures._base import Drawing, Figure, Records
from figures._plate import Plate
from figures._rows import lay_rows
from figures._style import BLACK, BLUE, GREY, VERMILLION
from proofs_check.checking import all_claims

if TYPE_CHECKING:
    import pandas
    import xarray

HEADINGS = {
    "upper bound": "upper bounds",
    "lower bound": "lower bounds",
    "tight": "upper bounds said to be attained",
    "identity": "identities",
    "rate": "rates",
    "counterexample": "counterexamples",
}
ROW = 0.13  # inches per line of type
EDGE = 1e-3  # a smaller ratio is drawn here


class Tightness(Figure):
    """Measured over bound: one dot per claim for its decisive instance, one tick per instance."""

    name = "tightness"
    title = "How much of each bound is used"
    claims = tuple(all_claims())

    def draw(self, data: Mapping[str, xarray.Dataset], records: Records, level: str) -> Drawing:
        ordered = sorted(records, key=lambda one: one["id"])
        kinds = [*HEADINGS, *{one["kind"] for one in records}.difference(HEADINGS)]
        groups = {kind: [one for one in ordered if one["kind"] == kind] for kind in kinds}
        groups = {kind: members for kind, members in groups.items() if members}
        lines = sum(1 + len(members) for members in groups.values())
        with Plate(height=0.6 + ROW * (lines + 1)) as plate:
            axes = plate.panel("tightness", x="measured / bound", y="", log="x")
            named = {HEADINGS.get(kind, kind): [one["id"] for one in members] for kind, members in groups.items()}
            places = lay_rows(axes, named)
            for heading, members in zip(named, groups.values(), strict=True):
                for y, one in zip(places[heading], members, strict=True):
                    _draw_claim(axes, y, one)
            axes.axvline(1.0, color=BLACK, linewidth=0.7, zorder=0)
            axes.set_xlim(EDGE / 1.15, max([1.4, *(1.2 * ratio for one in records for ratio in _ratios(one))]))
        return Drawing(self.title, plate.figure, _table(groups), _caption(records))


def _ratios(record: Mapping[str, Any]) -> list[float]:
    """Return the finite ratios of a claim's instances."""
    return [one["ratio"] for one in record["instances"] if isinstance(one["ratio"], float)]


def _draw_claim(axes: Any, y: int, record: Mapping[str, Any]) -> None:
    colour = BLUE if record["verdict"] == record["expected"] else VERMILLION
    ratios = [max(ratio, EDGE) for ratio in _ratios(record)]
    axes.plot(ratios, [y] * len(ratios), "|", color=colour, markersize=4.0, markeredgewidth=0.5, alpha=0.6)
    if isinstance(record["ratio"], float):
        beyond = record["ratio"] < EDGE
        axes.plot(max(record["ratio"], EDGE), y, "<" if beyond else "o", color=colour, markersize=4.0)
        if record["verdict"] == "violated":
            words = f"false: {record['ratio']:.3g}"
            axes.text(
                0.8, y, words, ha="right", va="center", fontsize=6.0, color=colour, bbox={"color": "white", "pad": 0.5}
            )
    else:
        axes.text(EDGE, y, "no ratio", va="center", fontsize=6.0, color=GREY)


def _table(groups: Mapping[str, list[Mapping[str, Any]]]) -> pandas.DataFrame:
    import pandas

    rows = [
        {"claim": one["id"], "kind": kind, "instance": case["name"], "verdict": case["verdict"]}
        | {"expected": one["expected"], "measured": case["measured"], "bound": case["bound"], "ratio": case["ratio"]}
        | {"decisive": case["ratio"] == one["ratio"]}
        for kind, members in groups.items()
        for one in members
        for case in one["instances"]
    ]
    return pandas.DataFrame(rows)


def _caption(records: Records) -> str:
    surprises = [one["id"] for one in records if one["verdict"] != one["expected"]]
    verdict = f"Not as expected: {', '.join(surprises)}." if surprises else "Every verdict is the expected one."
    refuted = [one["id"] for one in records if one["verdict"] == one["expected"] == "violated"]
    beyond = f" Beyond 1 as expected, because the statement is false as printed or recalled: {', '.join(refuted)}."
    return (
        f"Measured over bound of {len(records)} claims: dots are the decisive instances, ticks all instances. At 1 "
        f"(line) a bound is attained. {verdict}" + (beyond if refuted else "")
    )
