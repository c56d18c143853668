"""What the three codes of Elias share: no parameter, and word lengths that are bounded by a concave function."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from toolkit.arrays import Array
from toolkit.codecs._base import IntegerCode
from toolkit.codecs._bitstream import BitReader, BitWriter


class Elias(IntegerCode):
    """A code without parameter whose word of n has at most 3 log2 n + 1 bits."""

    kernels: ClassVar[str]  # the last word of the names of its kernels
    count_bits: ClassVar[Callable[[Any], Array]]

    def lengths(self, n: Array) -> Array:
        return type(self).count_bits(n)

    def most_bits(self, count: int, total: int) -> int:
        # The bound is concave, so with a given sum it is largest where all numbers are equal.
        return math.ceil(count * (3 * math.log2(total / count) + 1)) + 1 if count else 0

    def write(self, stream: BitWriter, values: Array, total: int) -> None:
        from toolkit.kernels import codes

        stream.append(getattr(codes, f"write_{self.kernels}"), self.most_bits(len(values), total), values)

    def read(self, stream: BitReader, count: int) -> Array:
        from toolkit.kernels import codes

        stream.expect(count)
        values = np.empty(count, np.int64)
        stream.take(getattr(codes, f"read_{self.kernels}"), values)
        return values
