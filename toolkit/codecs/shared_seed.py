"""Positions that the receiver draws again."""

from __future__ import annotations

from typing import ClassVar

from toolkit.arrays import Array
from toolkit.codecs._base import Encoded, PositionCode
from toolkit.codecs._bitstream import BitReader, BitWriter
from toolkit.codecs._check import check_parameter
from toolkit.errors import WrongUse


class SharedSeed(PositionCode):
    """Shared seed: the positions are random, and the receiver draws the same from the seed, which is all that is sent.

    Parameters
    ----------
    width : int
        The bits of a seed, 1 to 64.

    Notes
    -----
    It never sees positions: `encode_seed` and `decode_seed` take their place. All its bits are side information.

    Examples
    --------
    >>> encoded = SharedSeed().encode_seed(2026)
    >>> encoded.bits, SharedSeed().decode_seed(encoded.data)
    (32, (2026, 4))
    """

    redrawn: ClassVar[bool] = True

    width: int = 32

    def validate(self) -> None:
        if self.width is None:
            raise WrongUse("SharedSeed(width=None)", "a seed has some bits", "give width=32 or another")
        check_parameter(self, "width", 1, 64)

    def encode_seed(self, seed: int) -> Encoded:
        """Return the seed, from 0 to 2^width − 1, as bytes."""
        if not 0 <= seed < 2**self.width:
            raise WrongUse(f"{self!r}.encode_seed({seed})", "the seed has more bits", "give a larger width")
        stream = BitWriter()
        stream.number(seed, self.width)
        return stream.encoded(side=self.width)

    def decode_seed(self, data: Array) -> tuple[int, int]:
        """Return the seed and the number of bytes that it takes."""
        stream = BitReader(data)
        return stream.number(self.width), stream.used_bytes

    def write(self, stream: BitWriter, positions: Array, d: int) -> int:
        raise WrongUse(
            f"{self!r}.encode(positions, {d})", "it sends a seed and no positions", "use encode_seed, or another code"
        )

    def read(self, stream: BitReader, d: int, count: int) -> Array:
        raise WrongUse(
            f"{self!r}.decode(data, {d}, {count})", "it has sent a seed and no positions", "use decode_seed and draw"
        )
