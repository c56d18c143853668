"""The report: it opens from disk, refers to nothing outside itself, and holds what it was given."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser

import numpy as np
import pandas
import pytest

from figures import _report
from figures._base import Drawing
from figures._plate import Plate
from figures._style import LOOKS
from proofs_check.checking import all_claims
from toolkit.errors import EnvironmentLack, WrongUse
from toolkit.files import own_folder


class Page(HTMLParser):
    """Collects links, ids and text."""

    def __init__(self, source):
        super().__init__()
        self.links, self.ids, self.text, self.open = [], [], "", []
        self.feed(source)
        self.close()

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.links += [
            attributes[name] for name in ("href", "src", "xlink:href", "action", "data") if name in attributes
        ]
        self.ids += [attributes["id"]] if "id" in attributes else []
        if tag not in ("meta", "img", "mspace"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        pass

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def make_drawing():
    x = np.array([1.0, 2.0, 3.0])
    with Plate(height=2.0) as plate:
        axes = plate.panel("a panel", x="step $t$", y="gap", log="y")
        plate.measured(axes, "a curve", x, x / 3, (x / 4, x / 2), look=LOOKS["EF14 top-k"], label="ours", at=0.5)
        plate.theory(axes, "$t$", x, x)
    return Drawing("A <title> with $x^2$", plate.figure, plate.table, r"At $\gamma \le \frac1L$ & below.")


def make_records():
    case = {"name": "d = 3 & n = 2", "verdict": "violated", "measured": "inf", "bound": 1.0, "ratio": None}
    case |= {"error_probability": 0.01, "basis": "bounded (Hoeffding)", "runs": 64, "reason": "because <b>"}
    known = {"id": "S-x", "title": "<script>alert(1)</script>", "statement": r"\min\Big\{a,b\Big\}<c"}
    known |= {
        "reference": "A & B, 2021",
        "status": "recalled",
        "kind": "upper bound",
        "expected": "holds",
        "seconds": 0.1,
    }
    other = known | case | {"id": "S-y", "verdict": "holds", "ratio": 0.25, "statement": "for $x$: $_$"}
    return [known | case | {"instances": [case, case]}, other | {"instances": [case]}]


@pytest.fixture
def report(tmp_path):
    how, drawing = "3 experiments, all from the store", make_drawing()
    folder = own_folder(tmp_path / "report", "report", _report.FORMAT)
    _report.save(drawing, folder / "figures", "one")
    words = {"one": _report.Words(drawing.title, drawing.caption)}
    _report.write_report(folder, words, make_records(), level="quick", seconds=75.0, how=how)
    return folder


def test_page_refers_only_to_files_beside_it(report):
    source = (report / "index.html").read_text(encoding="utf-8")
    page = Page(source)
    assert page.open == []
    for link in page.links:
        assert ":" not in link
        assert not link.startswith("/")
        if link.startswith("#"):
            assert link[1:] in page.ids
        else:
            assert (report / link).is_file()
    assert {f"figures/one.{kind}" for kind in ("svg", "pdf", "png", "csv")} <= set(page.links)
    style = re.search(r"<style>(.*?)</style>", source, re.DOTALL)[1]
    assert "url(" not in style
    assert "@import" not in style
    assert "<script" not in source
    assert len(set(page.ids)) == len(page.ids)


def test_page_tells_everything_about_a_claim(report):
    page = Page((report / "index.html").read_text(encoding="utf-8"))
    text = " ".join(page.text.split())
    for words in (
        "2 published claims checked: 1 not as expected",
        "This page was made in 1 min 15 s from 3 experiments, all from the store.",
        "<script>alert(1)</script>",
        "A & B, 2021 · upper bound · constants recalled",
        "expected: holds",
        "0.01, bounded (Hoeffding)",
        "∞",
        "0.25",
        "2 instances",
        "d = 3 & n = 2",
        "because <b>",
        "min{a,b}<c",
    ):
        assert words in text
    assert "\\" not in page.text.replace("_$", "")


def test_files_hold_what_was_given(report):
    drawing = make_drawing()
    pandas.testing.assert_frame_equal(pandas.read_csv(report / "figures" / "one.csv"), drawing.table, check_exact=True)
    assert json.loads((report / "claims.json").read_text(encoding="utf-8")) == make_records()
    made_with = json.loads((report / "versions.json").read_text(encoding="utf-8"))
    assert {"csgd-toolkit", "commit", "python", "numpy", "matplotlib"} <= set(made_with)
    assert (report / "figures" / "one.pdf").read_bytes().startswith(b"%PDF")
    assert (report / "figures" / "one.png").read_bytes().startswith(b"\x89PNG")
    vector = (report / "figures" / "one.svg").read_text(encoding="utf-8")
    assert "<image" not in vector  # no bitmap inside
    assert "<text" not in vector  # type as outlines: the same without the font


def test_same_drawing_is_the_same_file(report, tmp_path):
    _report.save(make_drawing(), tmp_path / "again", "one")
    for kind in _report.KINDS:
        again = (tmp_path / "again" / f"one.{kind}").read_bytes()
        assert again == (report / "figures" / f"one.{kind}").read_bytes()


def test_saving_neither_lays_out_nor_draws_anew(tmp_path, monkeypatch):
    """All kinds of files have the layout for which names were put beside their curves, and each is drawn once."""
    drawing, drawn = make_drawing(), []
    before = [axes.get_position().bounds for axes in drawing.figure.axes]
    draw = type(drawing.figure).draw
    monkeypatch.setattr(
        type(drawing.figure), "draw", lambda self, to: drawn.append(type(to).__name__) or draw(self, to)
    )
    _report.save(drawing, tmp_path, "one")
    assert len(drawn) == len(_report.METADATA)
    assert [axes.get_position().bounds for axes in drawing.figure.axes] == before


def test_report_without_claims_or_figures(tmp_path):
    page = _report.write_report(tmp_path, {}, [], level="full", seconds=0.2)
    assert "claims.json" not in Page(page.read_text(encoding="utf-8")).links


def test_foreign_folder_is_refused_untouched(tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(WrongUse, match="something else"):
        _report.write_report(tmp_path, {}, [], level="quick", seconds=1.0)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_unwritable_folder_is_told(tmp_path):
    (tmp_path / "figures").write_text("a file where a folder should be")
    with pytest.raises(EnvironmentLack, match="writing to"):
        _report.save(make_drawing(), tmp_path / "figures", "one")


@pytest.mark.parametrize("claim", sorted(all_claims()))
def test_every_statement_becomes_mathml(claim):
    statement = all_claims()[claim].statement
    for kind, part in _report._formula(statement):
        if kind != "text":
            formula = str(_report._mathml(part, kind))
            assert formula.startswith("<math")
            assert "\\" not in formula
