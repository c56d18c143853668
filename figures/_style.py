"""The one look of all figures: sizes, type, and which colour and dashes each method has everywhere."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

__all__ = [
    "BLACK",
    "CODE_LOOKS",
    "COLUMN",
    "COMPRESSOR_LOOKS",
    "GREY",
    "GROUP_LOOKS",
    "LOOKS",
    "TEXT",
    "VOTE_LOOKS",
    "Look",
    "style",
]

COLUMN = 3.4  # inches: one column of a two-column page, and a phone held upright
TEXT = 7.0  # inches: both columns

# Okabe and Ito's colours, told apart with every common kind of colour blindness; their yellow is too pale for a line.
BLACK, ORANGE, SKY, GREEN = "#000000", "#E69F00", "#56B4E9", "#009E73"
BLUE, VERMILLION, PURPLE = "#0072B2", "#D55E00", "#CC79A7"
GREY = "#666666"

SETTINGS: Any = {
    "font.family": "DejaVu Sans",  # comes with matplotlib, so that a figure looks the same wherever it is made
    "mathtext.fontset": "dejavusans",
    "font.size": 7.5,
    "axes.titlesize": 7.5,
    "axes.titlelocation": "left",
    "axes.labelsize": 7.5,
    "xtick.labelsize": 6.5,
    "ytick.labelsize": 6.5,
    "legend.fontsize": 6.5,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.minor.width": 0.4,
    "ytick.minor.width": 0.4,
    "xtick.major.size": 3.0,
    "ytick.major.size": 3.0,
    "xtick.minor.size": 1.5,
    "ytick.minor.size": 1.5,
    "lines.linewidth": 1.3,
    "legend.frameon": False,
    "legend.handlelength": 2.6,
    "legend.columnspacing": 1.2,
    "legend.labelspacing": 0.35,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    # A figure laid out keeps its layout: saving would else lay it out again, for every kind of file in its own way.
    "figure.constrained_layout.use": False,
    "figure.autolayout": False,
    "pdf.fonttype": 42,  # outlines that can be searched and edited, not bitmaps
    "svg.fonttype": "path",  # outlines: the same in every browser, with no font to load
    "svg.hashsalt": "csgd-toolkit",  # the same drawing is the same file
}


@dataclass(frozen=True)
class Look:
    """Colour and dashes of one method, or colour and marker of one group: either alone tells it from the others."""

    colour: str
    dashes: Any = "solid"
    marker: str = "o"

    @property
    def ink(self) -> tuple[float, ...]:
        """The colour, darkened so that small type in it is legible."""
        from matplotlib.colors import to_rgb

        return tuple(0.75 * channel for channel in to_rgb(self.colour))

    def line(self, **more: Any) -> dict[str, Any]:
        """Return matplotlib's line properties."""
        return {"color": self.colour, "linestyle": self.dashes} | more


# One entry per family of curves; figures take these and invent none, so that a method looks the same in all of them.
LOOKS = {
    "uncompressed": Look(SKY, "solid"),
    "no memory": Look(ORANGE, (0, (1.2, 1.0))),
    "EF14 top-k": Look(BLUE, "solid"),
    "EF14 threshold": Look(GREEN, (0, (5, 1.2))),
    "EF14 rand-k": Look(GREEN, "solid"),
    "EF14 QSGD": Look(ORANGE, (0, (5, 1.2))),
    "EF14 sign": Look(PURPLE, (0, (4, 1.2, 1, 1.2))),
    "raw sign": Look(VERMILLION, (0, (6, 1, 1, 1, 1, 1))),
    "EF21 top-k": Look(VERMILLION, (0, (2.6, 1.0))),
    "perturbed": Look(PURPLE, "solid"),
    "frozen": Look(GREY, (0, (1.2, 1.0))),  # by arithmetic and not by the method
    "optimum": Look(BLACK, "solid"),  # what is possible is drawn like theory
}

# Of votes.
VOTE_LOOKS = {
    "worst noise": Look(BLUE, "solid"),
    "normal noise": Look(GREEN, (0, (5, 1.2))),
    "inverting": Look(ORANGE, (0, (1.2, 1.0))),
    "omniscient": Look(VERMILLION, (0, (2.6, 1.0))),
}

# Of what pushes an iterate off a saddle.
NOISE_LOOKS = {
    "one step": Look(PURPLE, (0, (4, 1.2, 1, 1.2))),
    "isotropic": Look(GREEN, (0, (5, 1.2))),
    "not Lipschitz": Look(ORANGE, (0, (1.2, 1.0))),
    "orthogonal": Look(BLUE, "solid"),
    "orthogonal, turned": Look(VERMILLION, (0, (2.6, 1.0))),
}

# Of schemes that estimate a mean.
SCHEME_LOOKS = {
    "random ones": Look(BLUE, "solid"),
    "lowest ones": Look(PURPLE, (0, (4, 1.2, 1, 1.2))),
    "random coordinates": Look(VERMILLION, (0, (2.6, 1.0))),
    "common coordinates": Look(ORANGE, (0, (1.2, 1.0))),
    "all coordinates": Look(SKY, "solid"),
}

# Of rTop-k, from Top-k to Rand-k, whatever r and d are.
RANGE_LOOKS = (
    Look(BLUE, "solid"),
    Look(SKY, (0, (5, 1.2))),
    Look(GREEN, "solid"),
    Look(ORANGE, (0, (4, 1.2, 1, 1.2))),
    Look(PURPLE, (0, (2.6, 1.0))),
    Look(VERMILLION, (0, (1.2, 1.0))),
)

# Of codes of positions.
CODE_LOOKS = {
    "32 bits each": Look(GREY, "solid"),
    "⌈log2 d⌉ bits each": Look(SKY, "solid"),
    "bitmap": Look(ORANGE, (0, (1.2, 1.0))),
    "Elias omega gaps": Look(VERMILLION, (0, (2.6, 1.0))),
    "Elias gamma gaps": Look(PURPLE, (0, (4, 1.2, 1, 1.2))),
    "Golomb gaps": Look(BLUE, (0, (5, 1.2))),
}

# Of compressors, whatever the method.
COMPRESSOR_LOOKS = {
    "Top-k": Look(BLUE, "solid"),
    "Rand-k": Look(VERMILLION, (0, (2.6, 1.0))),
    "QSGD": Look(ORANGE, (0, (5, 1.2))),
    "scaled sign": Look(PURPLE, (0, (4, 1.2, 1, 1.2))),
    "natural": Look(GREEN, "solid"),
}

# Of kinds of compressors.
GROUP_LOOKS = {
    "sparsifiers": Look(BLUE, marker="o"),
    "quantisers": Look(VERMILLION, marker="s"),
    "rotations and sketches": Look(GREEN, marker="^"),
    "low rank": Look(PURPLE, marker="D"),
    "formats": Look(GREY, marker="v"),
    "made of others": Look(ORANGE, marker="P"),
}


def style() -> AbstractContextManager[Any]:
    """Return the context in which figures are drawn and saved; matplotlib's settings outside it stay as they are."""
    from matplotlib import rc_context

    return rc_context(SETTINGS)
