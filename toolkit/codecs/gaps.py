"""Positions as the gaps between them."""

from __future__ import annotations

import numpy as np

from toolkit.arrays import Array
from toolkit.codecs._base import IntegerCode, PositionCode
from toolkit.codecs._bitstream import BitReader, BitWriter, damaged
from toolkit.codecs._check import check_part
from toolkit.codecs.golomb import Golomb


class Gaps(PositionCode):
    r"""Gaps: the first position plus one, then the differences, as code words of positive integers.

    A parameter of the integer code that has no value is the best one for the density count/d, which the receiver knows,
    so that it costs nothing.

    Parameters
    ----------
    code : IntegerCode
        Of the gaps; Golomb by default.

    Notes
    -----
    With the Golomb code, of a uniform set of large count, the mean is E_G(count/d) bits for each position
    (`toolkit.entropy.golomb_rate`), within 1 % of log2 C(d, count) for count/d ≤ 0.1. Source: sheet
    malcom_psgd, 3.2 (derived).

    Examples
    --------
    >>> import numpy as np
    >>> encoded = Gaps().encode(np.array([2, 5]), d=8)  # gaps 3 and 3, m = 2: 100 100
    >>> encoded.bits, np.unpackbits(encoded.data)
    (6, array([1, 0, 0, 1, 0, 0, 0, 0], dtype=uint8))
    >>> Gaps().decode(encoded.data, d=8, count=2)
    (array([2, 5]), 1)
    """

    code: IntegerCode = Golomb()

    def validate(self) -> None:
        check_part(self, "code", IntegerCode)

    def write(self, stream: BitWriter, positions: Array, d: int) -> int:
        if len(positions):
            self.code.fit(len(positions), d).write(stream, gaps(positions), int(positions[-1]) + 1)
        return 0

    def read(self, stream: BitReader, d: int, count: int) -> Array:
        positions = self.code.fit(count, d).read(stream, count)
        if count and positions.max() > d:  # so that the sum cannot overflow before it decreases
            raise damaged(f"a gap is larger than d = {d}")
        np.cumsum(positions, out=positions)
        positions -= 1
        return positions

    def bits(self, positions: Array, d: int) -> int:
        positions = self._checked(positions, d)
        return int(self.code.fit(len(positions), d).lengths(gaps(positions)).sum())


def gaps(positions: Array) -> Array:
    """Return the first position plus one, and the differences.

    Examples
    --------
    >>> import numpy as np
    >>> gaps(np.array([0, 2, 7]))
    array([1, 2, 5])
    """
    differences = positions + 1
    np.subtract(positions[1:], positions[:-1], out=differences[1:])
    return differences
