"""Positions that the receiver draws again."""

from __future__ import annotations

from toolkit.arrays import Array
from toolkit.codecs._base import Encoded, PositionCode
from toolkit.codecs._bitstream import BitReader, BitWriter
from toolkit.errors import WrongUse
from toolkit.layout import SEED_BITS


class SharedSeed(PositionCode):
    """Shared seed: the positions are random, and the receiver draws the same from the seed, which is all that is sent.

    Notes
    -----
    It never sees positions: `encode_seed` and `decode_seed` take their place. A seed has the 32 bits that a `Draw`
    takes, all of them side information.

    Examples
    --------
    >>> encoded = SharedSeed().encode_seed(2026)
    >>> encoded.bits, SharedSeed().decode_seed(encoded.data)
    (32, (2026, 4))
    """

    def encode_seed(self, seed: int) -> Encoded:
        """Return the seed, from 0 to 2³² − 1, as bytes."""
        if not 0 <= seed < 2**SEED_BITS:
            raise WrongUse(f"{self!r}.encode_seed({seed})", f"a seed has {SEED_BITS} bits", "give one below 2³²")
        stream = BitWriter()
        stream.number(seed, SEED_BITS)
        return stream.encoded(side=SEED_BITS)

    def decode_seed(self, data: Array) -> tuple[int, int]:
        """Return the seed and the number of bytes that it takes."""
        stream = BitReader(data)
        return stream.number(SEED_BITS), stream.used_bytes

    def write(self, stream: BitWriter, positions: Array, d: int) -> int:
        raise WrongUse(
            f"{self!r}.encode(positions, {d})", "it sends a seed and no positions", "use encode_seed, or another code"
        )

    def read(self, stream: BitReader, d: int, count: int) -> Array:
        raise WrongUse(
            f"{self!r}.decode(data, {d}, {count})", "it has sent a seed and no positions", "use decode_seed and draw"
        )
