"""The Golomb code of a power of two."""

from __future__ import annotations

from typing import ClassVar

from toolkit.arrays import Array
from toolkit.codecs._base import IntegerCode
from toolkit.codecs._bitstream import BitReader, BitWriter
from toolkit.codecs._check import check_parameter
from toolkit.codecs.golomb import Golomb


class Rice(IntegerCode):
    """Rice code: the Golomb code of m = 2^b, whose remainders are the last b bits.

    Under the geometric law P(n) = θ^(n−1)(1 − θ) a further bit pays as long as θ^(2^b) + θ^(2^(b+1)) > 1.

    Parameters
    ----------
    b : int, optional
        The bits of a remainder, 0 to 51; by default `Gaps` and `Integers` choose the best.

    Notes
    -----
    Source: Rice and Plaunt (1971); the rule for b is derived from the mean length b + 1/(1 − θ^(2^b)).

    Examples
    --------
    >>> [Rice(b=1).word(n) for n in (1, 2, 3)]
    ['00', '01', '100']
    >>> Rice().fit(count=1, total=100)
    Rice(b=6)
    """

    parameter: ClassVar[str | None] = "b"

    b: int | None = None

    def validate(self) -> None:
        check_parameter(self, "b", 0, 51)

    def word(self, n: int) -> str:
        return self._golomb.word(n)

    def lengths(self, n: Array) -> Array:
        return self._golomb.lengths(n)

    def most_bits(self, count: int, total: int) -> int:
        return self._golomb.most_bits(count, total)

    def write(self, stream: BitWriter, values: Array, total: int) -> None:
        self._golomb.write(stream, values, total)

    def read(self, stream: BitReader, count: int) -> Array:
        return self._golomb.read(stream, count)

    def best_parameter(self, count: int, total: int) -> int:
        b, power = 0, (total - count) / total if count else 0.0  # products only: the same on every machine
        while power + power**2 > 1 and b < 51:
            b, power = b + 1, power**2
        return b

    @property
    def _golomb(self) -> Golomb:
        self._check_fitted()
        assert self.b is not None
        return Golomb(m=2**self.b)
