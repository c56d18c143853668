"""Positions as binary numbers of one width."""

from __future__ import annotations

import numpy as np

from toolkit.arrays import Array
from toolkit.codecs._base import PositionCode
from toolkit.codecs._bitstream import BitReader, BitWriter


class FixedWidth(PositionCode):
    r"""Fixed width: each position in :math:`\lceil\log_2 d\rceil` bits.

    Examples
    --------
    >>> import numpy as np
    >>> FixedWidth().encode(np.array([0, 7]), d=1000).bits
    20
    """

    def write(self, stream: BitWriter, positions: Array, d: int) -> int:
        stream.numbers(positions.view(np.uint64), (d - 1).bit_length())
        return 0

    def read(self, stream: BitReader, d: int, count: int) -> Array:
        return stream.numbers(count, (d - 1).bit_length()).view(np.int64)

    def bits(self, positions: Array, d: int) -> int:
        return len(self._checked(positions, d)) * (d - 1).bit_length()
