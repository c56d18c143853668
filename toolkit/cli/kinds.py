"""The kinds of things that have names on the command line, and what each is called in one line."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Any

from toolkit.errors import WrongUse, nearest
from toolkit.members import short

__all__ = ["KINDS", "PACKAGES", "Named", "find", "named"]

PACKAGES = {
    "compressors": "toolkit.compressors",
    "methods": "toolkit.algorithms",
    "problems": "problems",
    "figures": "figures",
}
KINDS = ("compressors", "methods", "problems", "claims", "figures")


@dataclass(frozen=True)
class Named:
    """A thing with a name: a class of members, a figure or a claim."""

    kind: str
    name: str
    title: str
    thing: Any


def named(kind: str) -> list[Named]:
    """Return everything of a kind.

    Raises
    ------
    WrongUse
        If there is no such kind; the message names the nearest.
    """
    if kind not in KINDS:
        remedy = f"choose one of: {', '.join(KINDS)}"
        raise WrongUse(f"csgd list {kind}", "there is no such kind", remedy, nearest(kind, KINDS))
    if kind == "claims":
        from proofs_check.checking import all_claims

        return [Named(kind, name, claim.title, claim) for name, claim in all_claims().items()]
    from toolkit import members

    package = PACKAGES[kind]
    things = {name: members.load(package, name) for name in members.names(package)}
    return [Named(kind, name, _title(thing), thing) for name, thing in things.items()]


def find(name: str) -> list[Named]:
    """Return what has a name, of whatever kind: a problem and a figure may share one.

    Raises
    ------
    WrongUse
        If nothing has it; the message names the nearest.
    """
    everything = [one for kind in KINDS for one in named(kind)]
    found = [one for one in everything if short(one.name) == short(name)]
    if not found:
        remedy = f"see `csgd list KIND`, where KIND is one of: {', '.join(KINDS)}"
        raise WrongUse(
            f"csgd show {name}", "nothing has this name", remedy, nearest(name, [one.name for one in everything])
        )
    return found


def _title(thing: type) -> str:
    """Return a figure's title, or the first line of a class's docstring."""
    title = getattr(thing, "title", "")
    return title if isinstance(title, str) and title else (inspect.getdoc(thing) or "").partition("\n")[0]
