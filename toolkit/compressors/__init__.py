"""Compressors: one per file, found by scanning this folder; ``from toolkit.compressors import TopK``."""

from __future__ import annotations

from typing import Any

from toolkit.compressors._base import Compressor

__all__ = ["Compressor"]


def __getattr__(name: str) -> Any:
    if name.startswith("_"):
        raise AttributeError(name)
    from toolkit import members
    from toolkit.errors import WrongUse

    try:
        return members.load(__name__, name)
    except WrongUse as error:
        raise AttributeError(str(error)) from None
