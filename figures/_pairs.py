"""What a curve is of, in figures that compare methods: a method with its compressor, and how it looks."""

from __future__ import annotations

from typing import NamedTuple

from toolkit.algorithms import Algorithm
from toolkit.compressors import Compressor

__all__ = ["Pair"]


class Pair(NamedTuple):
    """A method with its compressor, and its name in `LOOKS`."""

    method: Algorithm
    compressor: Compressor
    look: str
