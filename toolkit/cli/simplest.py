"""A member at its simplest parameters, to show constants and pairs of what is named without parameters."""

from __future__ import annotations

import dataclasses
from typing import Any

from toolkit.cli.inline import required
from toolkit.errors import WrongUse

__all__ = ["simplest"]


def simplest(member: type) -> Any | None:
    """Return an instance with numbers at 1 and compressors at a random one, where the class has no default; else None.

    Examples
    --------
    >>> from toolkit.compressors import HardThreshold, TopK
    >>> simplest(TopK), simplest(HardThreshold)
    (TopK(k=1), HardThreshold(raw=1))
    """
    needed = {one.name: _guess(str(one.annotation)) for one in required(member)}
    optional = [field.name for field in dataclasses.fields(member) if field.default is None]
    for more in ({}, *({name: 1} for name in optional if name != "stepsize")):
        try:
            return member(**needed, **more)
        except WrongUse:
            continue
    return None


def _guess(annotation: str) -> Any:
    if "Compressor" not in annotation:
        return 1
    from toolkit import members

    package = "toolkit.compressors"
    classes = [members.load(package, name) for name in members.names(package)]
    return next(one() for one in classes if one.random is True and one.shared is False and not required(one))
