"""A range code of the mask."""

from __future__ import annotations

from typing import Any

import numpy as np

from toolkit.arrays import Array
from toolkit.codecs._base import PositionCode
from toolkit.codecs._bitstream import BitReader, BitWriter, damaged
from toolkit.codecs._words import decoding, read_words, write_words

BLOCK = 2**18  # coordinates at a time


class MaskRange(PositionCode):
    r"""Mask range code: every coordinate as a coin of the density count/d, by a range coder.

    The number of 32-bit words, plus one, comes first, in Elias delta. Neither the empty nor the full set has any bits.

    Notes
    -----
    The coins have :math:`d\,h_2(count/d)` bits of entropy, at most log2(d + 1) more than the set. The coder, of the
    package `constriction`, loses some 1.3e-4 bits more for each coordinate, measured: little at a density of 0.01
    (0.2 %), much at 0.0001 (9 %).

    Examples
    --------
    >>> import numpy as np
    >>> encoded = MaskRange().encode(np.arange(0, 1000, 50), d=1000)
    >>> encoded.bits, encoded.side
    (165, 5)
    """

    def write(self, stream: BitWriter, positions: Array, d: int) -> int:
        if not 0 < len(positions) < d:
            return 0
        import constriction

        coder, coin = constriction.stream.queue.RangeEncoder(), _coin(len(positions), d)
        for start in range(0, d, BLOCK):
            first, last = np.searchsorted(positions, [start, start + BLOCK])
            mask = np.zeros(min(BLOCK, d - start), np.int32)
            mask[positions[first:last] - start] = 1
            coder.encode(mask, coin)
        return write_words(stream, coder.get_compressed())

    def read(self, stream: BitReader, d: int, count: int) -> Array:
        if not 0 < count < d:
            return np.arange(count)
        import constriction

        found, left = [], count
        with decoding():
            coder, coin = constriction.stream.queue.RangeDecoder(read_words(stream)), _coin(count, d)
            for start in range(0, d, BLOCK):
                found.append(start + np.flatnonzero(coder.decode(coin, min(BLOCK, d - start))))
                left -= len(found[-1])
        if left or not coder.maybe_exhausted():
            raise damaged(f"the mask does not have {count} positions")
        return np.concatenate(found)


def _coin(count: int, d: int) -> Any:
    import constriction

    return constriction.stream.model.Bernoulli(count / d, perfect=False)
