"""Methods: one per file, written the way its paper writes it; ``from toolkit.algorithms import EF21``."""

from __future__ import annotations

from typing import Any

from toolkit.algorithms._base import Algorithm, State, mean, where

__all__ = ["Algorithm", "State", "mean", "where"]


def __getattr__(name: str) -> Any:
    if name.startswith("_"):
        raise AttributeError(name)
    from toolkit import members
    from toolkit.errors import WrongUse

    try:
        return members.load(__name__, name)
    except WrongUse as error:
        raise AttributeError(str(error)) from None
