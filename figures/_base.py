"""What a figure is to the program: what it needs, and how it is drawn from that."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from toolkit.experiment import Experiment

if TYPE_CHECKING:
    import matplotlib.figure
    import pandas
    import xarray

__all__ = ["Drawing", "Figure", "Records", "verdicts"]

Records = Sequence[Mapping[str, Any]]  # of checked claims, as `proofs_check.claim.summary` returns them


@dataclass(frozen=True)
class Drawing:
    """A figure drawn.

    Parameters
    ----------
    title : str
        One line.
    figure : matplotlib.figure.Figure
        The picture.
    table : pandas.DataFrame
        The numbers drawn.
    caption : str
        What is seen, which claims it illustrates, and whether they held; mathematics between dollar signs.
    files : mapping of str to str, optional
        Further texts to keep, by the names of their files, as the proofs of what is drawn.
    """

    title: str
    figure: matplotlib.figure.Figure
    table: pandas.DataFrame
    caption: str
    files: Mapping[str, str] = field(default_factory=dict)


class Figure:
    """A figure; subclass it, fill the attributes and write `experiments` and `draw`.

    File ``three_workers.py`` holds the class ``ThreeWorkers``, whose name is ``three-workers``.

    Attributes
    ----------
    name : str
        On the command line and of its files.
    title : str
        The figure in one line of words.
    claims : tuple of str
        Ids of the claims it illustrates.
    """

    name: ClassVar[str] = ""
    title: ClassVar[str] = ""
    claims: ClassVar[tuple[str, ...]] = ()

    def experiments(self, level: str) -> dict[str, Experiment]:
        """Return what has to be run, by name; `level` is 'quick' or 'full'."""
        return {}

    def draw(self, data: Mapping[str, xarray.Dataset], records: Records, level: str) -> Drawing:
        """Return the drawing; it only draws.

        Parameters
        ----------
        data : mapping of str to xarray.Dataset
            The results of `experiments`.
        records : sequence of mapping
            Of the checked claims, from which the caption knows whether they held.
        level : {'quick', 'full'}
            As in `experiments`.
        """
        raise TypeError(f"{type(self).__name__} does not say how it is drawn: define draw(data, records, level)")


def verdicts(ids: Iterable[str], records: Records) -> str:
    """Return these claims and whether they held, in words for a caption.

    Examples
    --------
    >>> record = {"id": "S-a5", "title": "The memory is bounded", "kind": "upper bound"}
    >>> verdicts(["S-a5"], [record | {"verdict": "holds", "expected": "holds", "ratio": 0.553}])
    'S-a5, “The memory is bounded”: holds, with measured/bound up to 0.55.'
    >>> verdicts(["S-a5"], [record | {"verdict": "violated", "expected": "holds", "ratio": 1.5}])
    'S-a5, “The memory is bounded”: violated, against expectation (holds), with measured/bound up to 1.5.'
    >>> verdicts(["S-a5"], [])
    'S-a5: not checked here.'
    """
    by_id = {record["id"]: record for record in records}
    return " ".join(_sentence(one, by_id.get(one)) for one in ids)


def _sentence(claim: str, record: Mapping[str, Any] | None) -> str:
    if record is None:
        return f"{claim}: not checked here."
    surprise = "" if record["verdict"] == record["expected"] else f", against expectation ({record['expected']})"
    bounded = record["kind"] == "upper bound" and isinstance(record["ratio"], float)
    ratio = f", with measured/bound up to {record['ratio']:.2g}" if bounded else ""
    return f"{claim}, “{record['title']}”: {record['verdict']}{surprise}{ratio}."
