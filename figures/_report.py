"""The report: figures, claims and versions bound into one page that opens from disk."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from figures._base import Drawing, Records
from figures._style import style
from toolkit.files import own_folder, write_whole, writing_to
from toolkit.provenance import versions

__all__ = ["KINDS", "Words", "save", "write_report"]

FORMAT = 1
KINDS = ("svg", "pdf", "png", "csv")
DOTS_PER_INCH = 300
# A drawing saved twice is the same file: no date in it.
METADATA: dict[str, dict[str, Any]] = {"svg": {"Date": None}, "pdf": {"CreationDate": None}, "png": {}}
# What the converter leaves as it stands after \big and its like.
DELIMITERS = {r"\{": "{", r"\}": "}", r"\lVert": "‖", r"\rVert": "‖", r"\lvert": "|", r"\rvert": "|"}


@dataclass(frozen=True)
class Words:
    """What the page says of a figure: its title in one line, and its caption."""

    title: str
    caption: str


def write_report(
    folder: str | Path,
    figures: Mapping[str, Words],
    records: Records,
    *,
    level: str,
    seconds: float,
    how: str = "",
) -> Path:
    """Write claims and versions into a report's folder, and a page that shows them with the figures saved there.

    Parameters
    ----------
    folder : path
        The report's folder, made if it does not exist. The page refers to its files by relative paths and to nothing
        else, so that it opens from disk and may be moved.
    figures : mapping of str to Words
        By the names under which `save` put the figures into the subfolder ``figures``.
    records : sequence of mapping
        Of the checked claims.
    level : {'quick', 'full'}
        At which both were made.
    seconds : float
        How long it took.
    how : str, optional
        What was computed and what was found in the store, in words.

    Returns
    -------
    Path
        Of ``index.html``.

    Raises
    ------
    WrongUse
        If the folder holds something else.
    EnvironmentLack
        If it cannot be written. Every file is written whole, and the page last.
    """
    folder = own_folder(folder, "report", FORMAT)
    made_with = versions() | {"matplotlib": version("matplotlib")}
    write_whole(folder / "claims.json", json.dumps(list(records), indent=1, ensure_ascii=False) + "\n")
    write_whole(folder / "versions.json", json.dumps(made_with, indent=1, ensure_ascii=False) + "\n")
    page = _page(figures=figures, records=records, level=level, seconds=seconds, how=how, versions=made_with)
    write_whole(folder / "index.html", page)
    return folder / "index.html"


def save(drawing: Drawing, folder: str | Path, name: str) -> None:
    """Write a drawing as SVG, PDF and PNG, the numbers drawn as CSV, and its files into a folder of its name.

    Raises
    ------
    EnvironmentLack
        If the folder cannot be written.
    """
    folder = Path(folder)
    own = folder / name
    with writing_to(folder):
        (own if drawing.files else folder).mkdir(parents=True, exist_ok=True)
    with style():
        for kind, metadata in METADATA.items():
            file = io.BytesIO()
            drawing.figure.savefig(file, format=kind, dpi=DOTS_PER_INCH, metadata=metadata)
            write_whole(folder / f"{name}.{kind}", file.getvalue())
    write_whole(folder / f"{name}.csv", drawing.table.to_csv(index=False, lineterminator="\n"))
    for file_name, text in drawing.files.items():
        write_whole(own / file_name, text)


def _page(*, records: Records, **values: Any) -> str:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    here = Path(__file__).parent
    pages = Environment(
        loader=FileSystemLoader(here), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    pages.filters |= {
        "pieces": _pieces,
        "formula": _formula,
        "mathml": _mathml,
        "number": _number,
        "duration": _duration,
        "anchor": _anchor,
    }
    unexpected = [one for one in records if one["verdict"] != one["expected"]]
    css = Markup((here / "_report.css").read_text(encoding="utf-8"))
    template = pages.get_template("_report.html")
    return template.render(records=records, unexpected=unexpected, css=css, kinds=KINDS, **values)


def _formula(statement: str) -> Iterator[tuple[str, str]]:
    """Cut a statement as `_pieces` does; one without dollar signs is mathematics throughout."""
    return _pieces(statement if "$" in statement else f"$${statement}$$")


def _pieces(text: str) -> Iterator[tuple[str, str]]:
    """Cut a text into words ('text') and the mathematics between dollar signs ('inline' or, between two, 'block').

    Examples
    --------
    >>> list(_pieces("from $x_0$ on"))
    [('text', 'from '), ('inline', 'x_0'), ('text', ' on')]
    """
    for part in re.split(r"(\$\$.+?\$\$|\$.+?\$)", text, flags=re.DOTALL):
        if part.startswith("$$") and len(part) > 4:
            yield "block", part[2:-2]
        elif part.startswith("$") and len(part) > 2:
            yield "inline", part[1:-1]
        elif part:
            yield "text", part


def _mathml(latex: str, display: str) -> Any:
    """Return a formula in MathML, which browsers set by themselves; what cannot be converted is shown as it stands."""
    from latex2mathml.converter import convert
    from markupsafe import Markup

    try:
        return Markup(
            re.sub(r">(\\[^<]+)<", lambda raw: f">{DELIMITERS.get(raw[1], raw[1])}<", convert(latex, display=display))
        )
    except Exception:  # its errors have no base of their own, and one formula must not cost the report
        return Markup("<code>{}</code>").format(latex)


def _number(value: Any) -> str:
    """Return a number for the eye.

    Examples
    --------
    >>> _number(0.5531234), _number(None), _number("inf"), _number(3)
    ('0.5531', '–', '∞', '3')
    """
    if value is None:
        return "–"
    if isinstance(value, str):
        return {"inf": "∞", "-inf": "−∞"}.get(value, value)
    return f"{value:.4g}"


def _duration(seconds: float) -> str:
    """Return a time for the eye.

    Examples
    --------
    >>> _duration(7.2), _duration(204)
    ('7 s', '3 min 24 s')
    """
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _anchor(name: str) -> str:
    """Return a name that can stand in a link.

    Examples
    --------
    >>> _anchor("S-a5, κ")
    'S-a5'
    """
    return re.sub(r"[^A-Za-z0-9.-]+", "-", name).strip("-")
