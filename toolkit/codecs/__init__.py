"""Numbers to bytes and back: one code per file, found by scanning this folder; ``from toolkit.codecs import Golomb``.

There are three kinds. An `IntegerCode` gives each positive integer a code word; a `PositionCode` codes a set of
positions out of d, a `LevelCode` a stream of integers from a declared alphabet. Among the latter two, `Gaps` and
`Integers` are made of an `IntegerCode`.
"""

from __future__ import annotations

from toolkit.codecs._base import Encoded, IntegerCode, LevelCode, PositionCode
from toolkit.members import by_class_name

__all__ = ["Encoded", "IntegerCode", "LevelCode", "PositionCode"]

__getattr__ = by_class_name(__name__)
