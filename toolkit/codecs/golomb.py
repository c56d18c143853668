"""Quotient in unary, remainder in truncated binary."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from toolkit.arrays import Array
from toolkit.codecs._base import LARGEST, IntegerCode
from toolkit.codecs._bitstream import BitReader, BitWriter
from toolkit.codecs._check import check_parameter


class Golomb(IntegerCode):
    """Golomb code: n − 1 = qm + r is sent as q ones, a zero, and r in truncated binary.

    With k = ⌈log2 m⌉, the first 2^k − m remainders take k − 1 bits and the others k. No prefix code of numbers of the
    geometric law P(n) = θ^(n−1)(1 − θ) is shorter in the mean than that of the smallest m with θ^m + θ^(m+1) ≤ 1.

    Parameters
    ----------
    m : int, optional
        The modulus, at least 1; by default `Gaps` and `Integers` choose the best.

    Notes
    -----
    Source: Golomb, 'Run-length encodings' (1966); Gallager and van Voorhis (1975); sheet malcom_psgd, 3.2 (derived).

    Examples
    --------
    >>> [Golomb(m=3).word(n) for n in (1, 2, 3, 4)]
    ['00', '010', '011', '100']
    >>> Golomb().fit(count=1, total=100)
    Golomb(m=69)
    """

    parameter: ClassVar[str | None] = "m"

    m: int | None = None

    def validate(self) -> None:
        check_parameter(self, "m", 1, LARGEST)

    def word(self, n: int) -> str:
        quotient, remainder = divmod(n - 1, self._m)
        digits = (self._m - 1).bit_length()
        spare = 2**digits - self._m
        if remainder < spare:
            digits -= 1
        else:
            remainder += spare
        return "1" * quotient + "0" + (f"{remainder:0{digits}b}" if digits else "")

    def lengths(self, n: Array) -> Array:
        quotient, remainder = np.divmod(np.asarray(n, dtype=np.int64) - 1, self._m)
        digits = (self._m - 1).bit_length()
        return quotient + 1 + digits - (remainder < 2**digits - self._m)

    def most_bits(self, count: int, total: int) -> int:
        return count * (1 + (self._m - 1).bit_length()) + (total - count) // self._m

    def write(self, stream: BitWriter, values: Array, total: int) -> None:
        from toolkit.kernels import codes

        digits = self._power_of_two
        kernel, parameter = (codes.write_golomb, self._m) if digits is None else (codes.write_rice, digits)
        stream.append(kernel, self.most_bits(len(values), total), values, parameter)

    def read(self, stream: BitReader, count: int) -> Array:
        from toolkit.kernels import codes

        digits = self._power_of_two
        kernel, parameter = (codes.read_golomb, self._m) if digits is None else (codes.read_rice, digits)
        stream.expect(count)
        values = np.empty(count, np.int64)
        stream.take(kernel, values, parameter)
        return values

    def best_parameter(self, count: int, total: int) -> int:
        # Products and a quotient are rounded alike everywhere, so that sender and receiver agree; logarithms are not.
        if count == 0:
            return 1
        theta = (total - count) / total
        squares = [theta]  # θ, θ², θ⁴, …
        while squares[-1] * (1 + theta) > 1:
            squares.append(squares[-1] ** 2)
        below, power = 0, 1.0
        for j in reversed(range(len(squares))):
            if power * squares[j] * (1 + theta) > 1:
                below, power = below + 2**j, power * squares[j]
        return below + 1

    @property
    def _m(self) -> int:
        self._check_fitted()
        assert self.m is not None
        return self.m

    @property
    def _power_of_two(self) -> int | None:
        """The number of remainder bits if all remainders have the same number."""
        digits = (self._m - 1).bit_length()
        return digits if self._m == 2**digits else None
