"""Problems: one per file, constants known in closed form; ``from problems import Quadratic``."""

from __future__ import annotations

from typing import Any

from problems._base import Problem

__all__ = ["Problem"]


def __getattr__(name: str) -> Any:
    if name.startswith("_"):
        raise AttributeError(name)
    from toolkit import members
    from toolkit.errors import WrongUse

    try:
        return members.load(__name__, name)
    except WrongUse as error:
        raise AttributeError(str(error)) from None
