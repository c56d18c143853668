"""One bit for each coordinate."""

from __future__ import annotations

import numpy as np

from toolkit.arrays import Array
from toolkit.codecs._base import PositionCode
from toolkit.codecs._bitstream import BitReader, BitWriter, damaged


class Bitmap(PositionCode):
    """Bitmap: d bits, one where there is a position.

    Examples
    --------
    >>> import numpy as np
    >>> np.unpackbits(Bitmap().encode(np.array([0, 2]), d=8).data)
    array([1, 0, 1, 0, 0, 0, 0, 0], dtype=uint8)
    """

    def write(self, stream: BitWriter, positions: Array, d: int) -> int:
        mask = np.zeros(d, dtype=bool)
        mask[positions] = True
        stream.flags(mask)
        return 0

    def read(self, stream: BitReader, d: int, count: int) -> Array:
        positions = np.flatnonzero(stream.flags(d))
        if len(positions) != count:
            raise damaged(f"the bitmap has {len(positions)} positions where {count} are expected")
        return positions

    def bits(self, positions: Array, d: int) -> int:
        self._checked(positions, d)
        return d
