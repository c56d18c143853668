"""From nothing to a report: what figures and claims need, run in one sweep, judged, drawn and bound."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from figures._base import Figure, Records
from figures._report import FORMAT, Words, save, write_report
from proofs_check.checking import all_claims, judge_claims, needed
from proofs_check.claim import Claim
from toolkit import members
from toolkit.errors import WrongUse, nearest
from toolkit.files import own_folder
from toolkit.members import short
from toolkit.processes import spread
from toolkit.progress import Progress
from toolkit.simulation import default_threads
from toolkit.store import Store
from toolkit.sweep import run_all

if TYPE_CHECKING:
    import xarray

__all__ = ["Reproduction", "open_store", "reproduce"]


@dataclass(frozen=True)
class Reproduction:
    """What `reproduce` made: the page, and the records of the claims on it."""

    page: Path
    records: list[dict[str, Any]]


def reproduce(
    names: Iterable[str] = (),
    *,
    level: str = "full",
    out: str | Path = "report",
    jobs: int | None = None,
    progress: Progress | None = None,
) -> Reproduction:
    """Compute figures and check claims, and write a report.

    Parameters
    ----------
    names : iterable of str
        Figures, each with the claims it illustrates, and claims; everything by default.
    level : {'quick', 'full'}
        Size of the experiments.
    out : path
        The report's folder. What was computed is kept in its store, and not computed again.
    jobs : int, optional
        Processes; by default one per core.
    progress : Progress, optional
        Is told what is done.

    Returns
    -------
    Reproduction

    Raises
    ------
    WrongUse
        If there is no figure or claim of a name, or `out` holds something else.
    EnvironmentLack
        If `out` cannot be written.
    """
    begin = time.perf_counter()
    progress = progress or Progress(quiet=True)
    figures, claims = _chosen(list(names))
    store = open_store(out)
    experiments = needed(claims, level) | {
        f"{_own(name)}/{one}": experiment
        for name, figure in figures.items()
        for one, experiment in figure.experiments(level).items()
    }
    jobs = jobs or default_threads()
    results = run_all(experiments, store, jobs=jobs, progress=progress)
    records = judge_claims(claims, results, level, jobs=jobs, progress=progress)
    folder = Path(out) / "figures"
    calls = {
        name: (figure, results.under(_own(name)), records, level, folder, name) for name, figure in figures.items()
    }
    shown = {}
    with progress.work("figures", total=len(figures)) as advance:
        for name, words in spread(_drawn_and_saved, calls, what="figure", jobs=jobs):
            shown[name] = words
            advance(name, 1)
    seconds = time.perf_counter() - begin
    how = _in_words(progress.computed, progress.stored)
    in_order = {name: shown[name] for name in figures}
    return Reproduction(write_report(out, in_order, records, level=level, seconds=seconds, how=how), records)


def _own(figure: str) -> str:
    """Return what a figure's experiments are named by: a claim may have the name of a figure."""
    return f"figure {figure}"


def _drawn_and_saved(
    figure: Figure, data: Mapping[str, xarray.Dataset], records: Records, level: str, folder: Path, name: str
) -> Words:
    drawing = figure.draw(data, records, level)
    save(drawing, folder, name)
    return Words(drawing.title, drawing.caption)


def open_store(out: str | Path) -> Store:
    """Return the store in a report's folder; both are made if they do not exist.

    Raises
    ------
    WrongUse
        If the folder holds something else.
    EnvironmentLack
        If it cannot be written.
    """
    return Store(own_folder(out, "report", FORMAT) / "store")


def _in_words(computed: int, stored: int) -> str:
    """Return where results came from.

    Examples
    --------
    >>> _in_words(0, 3), _in_words(1, 2)
    ('3 experiments, all from the store', '3 experiments, 1 of them computed now and 2 from the store')
    """
    total = f"{computed + stored} experiment{'s' if computed + stored != 1 else ''}"
    if not stored:
        return f"{total}, all computed now" if computed else "no experiments"
    return (
        f"{total}, all from the store"
        if not computed
        else (f"{total}, {computed} of them computed now and {stored} from the store")
    )


def _chosen(names: list[str]) -> tuple[dict[str, Figure], dict[str, Claim]]:
    """Return the figures of these names, with their claims, and the claims of these ids; all if none is given."""
    figures = {name: members.load("figures", name)() for name in members.names("figures")}
    claims = all_claims()
    if not names:
        return figures, claims
    figure_of, claim_of = {short(name): name for name in figures}, {short(name): name for name in claims}
    for name in names:
        if short(name) not in figure_of | claim_of:
            remedy = "see `csgd list figures` and `csgd list claims` for all of them"
            raise WrongUse(
                f"reproducing {name!r}", "there is no such figure or claim", remedy, nearest(name, [*figures, *claims])
            )
    wanted = {short(name) for name in names}
    chosen = {name: figure for name, figure in figures.items() if short(name) in wanted}
    wanted |= {short(claim) for figure in chosen.values() for claim in figure.claims}
    return chosen, {name: claim for name, claim in claims.items() if short(name) in wanted}
