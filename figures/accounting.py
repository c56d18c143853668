"""What one Top-k message costs, depending on who counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from figures._base import Drawing, Figure, Records
from figures._plate import Plate
from figures._style import BLACK, BLUE, CODE_LOOKS, GREEN, GREY, VERMILLION
from toolkit.accounting import POSITION_BITS, Charge, rules_for
from toolkit.compressors import TopK
from toolkit.draws import Draw
from toolkit.ledger import ledger

if TYPE_CHECKING:
    import pandas
    import xarray

D, K, DTYPE = 1000, 10, "float32"
ROW = 0.255  # inches: a line of type and a bar
SHOWN = 1400  # bits; what is longer is told in the caption


class Accounting(Figure):
    """One message under every rule of accounting, and what positions cost under every code."""

    name = "accounting"
    title = "One and the same Top-k message is charged from 320 to 960 bits"

    def draw(self, data: Mapping[str, xarray.Dataset], records: Records, level: str) -> Drawing:
        charges = _charges()
        shown = [charge for charge in charges if charge.bits <= SHOWN]
        heights = [ROW * len(shown), 2.0]
        with Plate(panels=2, height=sum(heights) + 0.8, shares=heights) as plate:
            axes = plate.panel("rules", x=f"bits of one message, Top-{K} of $d = {D}$, {DTYPE}", y="")
            _draw_bars(axes, shown)
            axes = plate.panel("codes", x="fraction kept $k/d$", y="bits per kept position", log="xy")
            _draw_codes(plate, axes)
        longest = charges[-1]
        caption = (
            f"Above: the bits of one message of Top-{K}, $d = {D}$, values of 32 bits, under the rules found in papers "
            "and public code; codes of varying length with their mean over uniform supports. Orange: the receiver "
            "could not decode, because positions are not counted or values were rounded before. Green: the bytes that "
            "are sent here, of one normal vector. Grey: from values alone to values with 64-bit positions, which code "
            f"in use charges for the same message. Not shown: {longest.name} ({longest.who}), {longest.bits:,.0f} "
            f"bits. Below: positions alone, $d = {D}$, uniform supports; no code of all sets can be below the black "
            "line on average."
        )
        return Drawing(self.title, plate.figure, _table(charges, plate.table), caption)


def _charges() -> list[Charge]:
    """Return all charges for one message, and what is sent here."""
    x = Draw(seed=0).of("vector").normal(D).astype(DTYPE)
    sent = float(ledger(TopK(k=K), x).encoded[0, 0])
    own = Charge("values, Golomb-coded gaps, their number, padding", "sent here", "encoded bytes × 8", sent)
    return sorted([*rules_for(TopK(k=K), D, DTYPE), own], key=lambda charge: charge.bits)


def _draw_bars(axes: Any, charges: Sequence[Charge]) -> None:
    for y, charge in enumerate(charges):
        colour = GREEN if charge.who == "sent here" else VERMILLION if charge.lacks else BLUE
        axes.barh(y + 0.22, charge.bits, height=0.36, color=colour, alpha=0.85)
        axes.text(charge.bits + 12, y + 0.22, f"{charge.bits:.0f}", va="center", fontsize=6.5, color=BLACK)
        where = {"textcoords": "offset points", "va": "center", "in_layout": False}
        words = axes.annotate(charge.name, (0, y - 0.17), (1, 0), fontsize=6.5, **where)
        axes.annotate(charge.who, (1, 0.5), (4, 0), xycoords=words, fontsize=6, color=GREY, **where)
    axes.set_ylim(len(charges) - 0.4, -0.5)
    axes.set_xlim(0, SHOWN)
    axes.set_xticks(range(0, SHOWN, 320))
    axes.axvspan(320, 960, color=GREY, alpha=0.12, linewidth=0, zorder=0)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)


def _draw_codes(plate: Plate, axes: Any) -> None:
    counts = np.unique(np.geomspace(1, D, 60).astype(int))
    for name, look in CODE_LOOKS.items():
        bits = [POSITION_BITS[name](D, k) / k for k in counts]
        weight: Any = "under theory" if name == "Golomb gaps" else "main"
        plate.measured(axes, name, counts / D, bits, look=look, label=name, weight=weight)
    limit = counts[counts < D]
    bits = [POSITION_BITS["log2 C(d, k)"](D, k) / k for k in limit]
    plate.theory(axes, r"$\log_2\binom{d}{k}/k$", limit / D, bits, at=0.35, side="below")
    axes.set_ylim(0.3, 60)
    axes.legend(loc="lower left")


def _table(charges: Sequence[Charge], curves: pandas.DataFrame) -> pandas.DataFrame:
    import pandas

    bars = pandas.DataFrame(
        [
            {"panel": "rules", "curve": charge.name, "kind": charge.who, "y_quantity": charge.formula, "y": charge.bits}
            | {"lacks": charge.lacks}
            for charge in charges
        ]
    )
    return pandas.concat([bars, curves], ignore_index=True)
