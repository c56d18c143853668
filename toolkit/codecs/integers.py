"""Levels as positive integers."""

from __future__ import annotations

import numpy as np

from toolkit.arrays import Array
from toolkit.codecs._base import IntegerCode, LevelCode, total
from toolkit.codecs._bitstream import BitReader, BitWriter
from toolkit.codecs._blocks import blocks
from toolkit.codecs._check import check_part
from toolkit.codecs.elias_gamma import EliasGamma


class Integers(LevelCode):
    r"""Integers: each level as the code word of a positive integer.

    An alphabet of both signs is folded, 0 → 1, −1 → 2, 1 → 3, −2 → 4, …; one that begins at `low` ≥ 0, or that has only
    this end, is counted from it, low → 1, low + 1 → 2, …; otherwise it is counted down from `high`.

    A parameter of the integer code that has no value is fitted to the levels and sent, plus one, in Elias gamma.

    Parameters
    ----------
    code : IntegerCode
        Of the integers; Elias gamma by default.

    Examples
    --------
    >>> import numpy as np
    >>> encoded = Integers().encode(np.array([0, -1, 1]), low=None, high=None)  # 1 010 011
    >>> encoded.bits, np.unpackbits(encoded.data)
    (7, array([1, 0, 1, 0, 0, 1, 1, 0], dtype=uint8))
    """

    code: IntegerCode = EliasGamma()

    def validate(self) -> None:
        check_part(self, "code", IntegerCode)

    def write(self, stream: BitWriter, levels: Array, low: int | None, high: int | None) -> int:
        if not len(levels):
            return 0
        code = self._fitted_to(levels, low, high)
        if not self.code.fitted:
            EliasGamma().write_one(stream, getattr(code, str(code.parameter)) + 1)
        side = stream.at
        for block in blocks(levels):
            values = positive(block, low, high)
            code.write(stream, values, total(values))
        return side

    def read(self, stream: BitReader, count: int, low: int | None, high: int | None) -> Array:
        if not count:
            return np.zeros(0, np.int64)
        code = self.code
        if not code.fitted:
            code = code.with_parameter(EliasGamma().read_one(stream) - 1)
        levels = code.read(stream, count)
        for block in blocks(levels):
            block[:] = from_positive(block, low, high)
        return levels

    def bits(self, levels: Array, low: int | None, high: int | None) -> int:
        levels = self._checked(levels, low, high)
        if not len(levels):
            return 0
        code = self._fitted_to(levels, low, high)
        header = 0 if self.code.fitted else EliasGamma().lengths(getattr(code, str(code.parameter)) + 1)
        return int(header + sum(code.lengths(positive(block, low, high)).sum() for block in blocks(levels)))

    def _fitted_to(self, levels: Array, low: int | None, high: int | None) -> IntegerCode:
        if self.code.fitted:
            return self.code
        return self.code.fit(len(levels), sum(total(positive(block, low, high)) for block in blocks(levels)))


def positive(levels: Array, low: int | None, high: int | None) -> Array:
    """Return the positive integer of each level, int64."""
    levels, origin = levels.astype(np.int64), _origin(low, high)
    if origin is None:
        return ((levels << 1) ^ (levels >> 63)) + 1
    end, way = origin
    return way * (levels - end) + 1


def from_positive(values: Array, low: int | None, high: int | None) -> Array:
    """Return the level of each positive integer; the inverse of `positive`."""
    origin = _origin(low, high)
    if origin is None:
        return ((values - 1) >> 1) ^ -((values - 1) & 1)
    end, way = origin
    return end + way * (values - 1)


def _origin(low: int | None, high: int | None) -> tuple[int, int] | None:
    """Return the end of an alphabet that its levels are counted from, and whether up or down; None if it is folded."""
    if low is not None and (low >= 0 or high is None):
        return low, 1
    if high is not None and (high <= 0 or low is None):
        return high, -1
    return None
