"""Levels as binary numbers of one width."""

from __future__ import annotations

import numpy as np

from toolkit.arrays import Array
from toolkit.codecs._base import LevelCode
from toolkit.codecs._bitstream import BitReader, BitWriter
from toolkit.codecs._blocks import blocks
from toolkit.errors import WrongUse


class Packed(LevelCode):
    r"""Packed: each level less `low` in :math:`\lceil\log_2(high - low + 1)\rceil` bits, for a bounded alphabet.

    Signs are the alphabet 0, 1.

    Examples
    --------
    >>> import numpy as np
    >>> encoded = Packed().encode(np.array([-1, 1, 0]), low=-1, high=1)
    >>> np.unpackbits(encoded.data), encoded.bits
    (array([0, 0, 1, 0, 0, 1, 0, 0], dtype=uint8), 6)
    """

    def write(self, stream: BitWriter, levels: Array, low: int | None, high: int | None) -> int:
        low, width = self._low_and_width(low, high)
        if width == 1:
            stream.flags(levels != low)
        else:
            for block in blocks(levels):
                stream.numbers((block.astype(np.int64) - low).view(np.uint64), width)
        return 0

    def read(self, stream: BitReader, count: int, low: int | None, high: int | None) -> Array:
        low, width = self._low_and_width(low, high)
        levels = stream.flags(count).astype(np.int64) if width == 1 else stream.numbers(count, width).view(np.int64)
        levels += low
        return levels

    def bits(self, levels: Array, low: int | None, high: int | None) -> int:
        return len(self._checked(levels, low, high)) * self._low_and_width(low, high)[1]

    def _low_and_width(self, low: int | None, high: int | None) -> tuple[int, int]:
        if low is None or high is None:
            raise WrongUse(
                f"{self!r} for the alphabet {low}, …, {high}",
                "a fixed width needs two ends",
                "declare low and high, or choose a code of variable width",
            )
        return low, (high - low).bit_length()
