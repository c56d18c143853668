"""Declared constants against worst inputs: what is drawn is what was found, and a false constant cannot be missed."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_hex

from figures import declared_constants
from figures._instances import compressors
from figures._style import BLUE, GREY, VERMILLION
from figures._worst_inputs import in_words
from figures.declared_constants import DeclaredConstants
from toolkit import members
from toolkit.compressors import QSGD, Identity, PermK, RandK, RawSign, TopK
from toolkit.constants import CompressorConstants, exact


def drawn(patch, found, unknown=()):
    patch.setattr(declared_constants, "compressors", lambda level: (found, list(unknown)))
    return DeclaredConstants().draw({}, [], "quick")


@pytest.fixture(scope="module")
def drawing():
    some = {name: one for name, one in compressors("full")[0].items() if name in SOME}
    with pytest.MonkeyPatch.context() as patch:
        yield drawn(patch, some | {"identity": Identity(), "raw-sign": RawSign()}, ["nameless"])


SOME = {"top-k", "qsgd, s = 1", "qsgd, s = 3", "natural-dithering", "natural", "hard-threshold", "perm-k"}
SOME |= {"power-sgd", "rand-k, common draws", "scaled-sign, zero kept", "bfloat16"}


def dots(drawing):
    """The dots by the heights they stand at."""
    (axes,) = drawing.figure.axes
    return {float(line.get_ydata()[0]): line for line in axes.lines if line.get_marker() in ("o", "D", ">")}


def shown(drawing):
    """The rows of the table that are drawn, by their heights, in the order of the picture."""
    (axes,) = drawing.figure.axes
    table = drawing.table[(drawing.table.declared != 0) | drawing.table.violated]
    order = [table[table.constant == constant] for constant in declared_constants.HEADINGS]
    rows = [row for group in order for row in group.itertuples()]
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert labels == ["as printed" if row.kind == "printed" else row.compressor for row in rows]
    return dict(zip(map(float, axes.get_yticks()), rows, strict=True))


def test_every_member_is_there():
    found, unknown = compressors("full")
    named = {type(one) for one in found.values()}
    every = {name: members.load("toolkit.compressors", name) for name in members.names("toolkit.compressors")}
    assert {name for name, member in every.items() if member not in named} == set(unknown)
    quick, _ = compressors("quick")
    assert {type(one) for one in quick.values()} == named
    assert len(quick) == len(named)


def test_every_declared_constant_has_a_row_unless_another_says_the_same(drawing):
    rows = set(zip(drawing.table.compressor, drawing.table.constant, strict=True))
    known = compressors("full")[0]
    for name in SOME:
        n = 2 if known[name].shared else 1
        declared = {key for key, value in vars(known[name].constants(4, n)).items() if value is not None}
        declared -= ({"delta"} if "omega" in declared else set()) | ({"ab"} if n == 1 else set())
        assert {constant for label, constant in rows if label == name} == declared
    assert {label for label, _ in rows if label.endswith("as printed")} == {
        f"{name}, as printed" for name in ("qsgd, s = 1", "qsgd, s = 3", "natural-dithering")
    }


def test_dots_stand_where_the_table_says(drawing):
    rows, found = shown(drawing), dots(drawing)
    assert set(rows) == set(found)
    for y, row in rows.items():
        assert found[y].get_xdata()[0] == row.used == row.ratio / row.declared
        assert found[y].get_color() == (GREY if row.kind == "printed" else BLUE)
        assert (found[y].get_markerfacecolor() == found[y].get_color()) == (row.kind == "exact")


def test_bars_are_the_inputs(drawing):
    (axes,) = drawing.figure.axes
    bars = [one for one in axes.collections if isinstance(one, PolyCollection)]
    rows = [row for row in shown(drawing).values() if row.input != "every input"]
    assert len(bars) == len(rows)
    for row, own in zip(rows, bars, strict=True):
        # Heights, upwards; the vertical axis goes down.
        height = np.array([path.vertices[0, 1] - path.vertices[1, 1] for path in own.get_paths()])
        x = np.array([float(value) for value in row.x.split()])
        shape = x / np.abs(x).max()
        seen = np.where(shape == 0, 0, np.sign(shape) * np.maximum(np.abs(shape), declared_constants.LEAST))
        np.testing.assert_allclose(height, seen * np.abs(height).max(), atol=1e-9)


def test_known_worst_cases_are_found(drawing):
    found = drawing.table.set_index(["compressor", "constant"])
    for name, ratio, words in (
        ("top-k", 0.5, "all equal"),
        ("qsgd, s = 1", 1.0, "all equal"),
        ("natural", 0.125, "one is 4/3"),
        ("scaled-sign, zero kept", 0.75, "1×∞, 3×1"),
    ):
        row = found.loc[name].iloc[0]
        assert row.ratio == pytest.approx(ratio, rel=1e-9)
        assert (row.input, row.reached) == (words, True)
    printed = found.loc["qsgd, s = 1, as printed"].iloc[0]
    assert (printed.declared, printed.used, printed.reached) == (2.0, pytest.approx(0.5), False)
    assert set(found.loc["perm-k"].input) == {"every input"}
    assert found.loc["hard-threshold"].input.item() == "all are 1/2"
    assert found.loc["power-sgd"].error_probability.item() == 1e-6


def test_caption_tells_what_is_not_drawn(drawing):
    caption = drawing.caption
    assert "No input exceeds what is declared." in caption
    assert "Declared as exact, and not reached in full: power-sgd (0.99" in caption
    assert "wrong with probability 1e-06: power-sgd." in caption
    assert "No error declared, and none found: identity." in caption
    assert "No constant declared: raw-sign." in caption
    assert "Without parameters here: nameless." in caption
    assert "S-q1-printed: not checked here." in caption


class Declaring(TopK):
    """Top-k, with a contraction that it has not got."""

    declared: float = 0.7

    def constants(self, d, n=1):
        return CompressorConstants(delta=exact(self.declared, "false"))


def test_a_false_constant_cannot_be_missed(monkeypatch):
    false = {"far": Declaring(k=2), "none left": Declaring(k=2, declared=1.0), "near": Declaring(k=2, declared=0.52)}
    drawing = drawn(monkeypatch, {"top-k": TopK(k=2)} | false)
    rows, found = shown(drawing), dots(drawing)
    marks = {row.compressor: (found[y].get_color(), found[y].get_marker()) for y, row in rows.items()}
    assert marks.pop("top-k") == (BLUE, "o")
    assert marks == {"far": (VERMILLION, ">"), "none left": (VERMILLION, ">"), "near": (VERMILLION, "o")}
    (axes,) = drawing.figure.axes
    words = [text.get_text() for text in axes.texts if to_hex(text.get_color()).upper() == VERMILLION]
    assert [one for one in words if "violated" in one] == ["violated: 1.67×", "violated", "violated: 1.04×"]
    assert "VIOLATED, in red: far, 0.3 by 0.2; none left, 0 by 0.5; near, 0.48 by 0.02." in drawing.caption
    assert "reached" not in drawing.caption


def test_caption_where_everything_is_reached(monkeypatch):
    drawing = drawn(monkeypatch, {"rand-k": RandK(k=2), "qsgd": QSGD(s=1), "perm-k": PermK()})
    assert "All that is declared as exact is reached" in drawing.caption
    assert "Estimated" not in drawing.caption


@pytest.mark.parametrize(
    ("x", "scaled", "words"),
    [
        ([0.0, 0.0], True, "zero"),
        ([0.3, 0.1 + 0.2, 0.3], True, "all equal"),
        ([2.0, -2.0, 0.0], False, "2 are ±2"),
        ([0.25, 0.25], False, "all are 1/4"),
        ([0.5, 1.0, 3.0], True, "mixed"),
        ([1344.0, 0.6597, 0.6597], False, "1×1344, 2×0.66"),
        ([[1.0, 2.0], [2.0, 1.0]], True, "workers differ"),
    ],
)
def test_vectors_in_words(x, scaled, words):
    assert in_words(np.array(x), scaled=scaled) == words


def test_no_label_is_there_twice():
    found = list(compressors("full")[0].items())
    for (name, one), (other, another) in itertools.combinations(found, 2):
        assert name.strip() == name != other
        assert repr(one) != repr(another)
