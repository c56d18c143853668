"""What a code is to the program: of integers, of a set of positions, of a stream of levels."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar, Self

import numpy as np

from toolkit.arrays import Array
from toolkit.codecs._bitstream import BitReader, BitWriter, Encoded, damaged
from toolkit.errors import WrongUse
from toolkit.parameters import Parametrised

__all__ = ["LARGEST", "Encoded", "IntegerCode", "LevelCode", "PositionCode", "total"]

LARGEST = 2**52 - 1  # the largest integer that codes take; the kernels rely on it


def _integers(values: Any, what: str) -> Array:
    """Return an array of integers of one axis."""
    array = np.asarray(values)
    if array.ndim != 1 or (array.size and array.dtype.kind not in "iu"):
        raise WrongUse(
            f"{what} of shape {array.shape} and type {array.dtype}", "a code takes a list of integers", "pass one"
        )
    return array if array.size else array.astype(np.int64)


class IntegerCode(Parametrised):
    """A prefix code of the positive integers 1, 2, …, 2⁵² − 1: every integer has a code word, none begins another.

    A subclass spells its code words out in `word`, counts their bits in `lengths`, and writes and reads many of them in
    `write` and `read`.
    """

    parameter: ClassVar[str | None] = None  # the field that is fitted to the numbers where it is None

    def word(self, n: int) -> str:
        """Return the code word of n as a text of zeros and ones: the definition of the code."""
        raise TypeError(f"{type(self).__name__} does not say its code words: define word(n)")

    def lengths(self, n: Array) -> Array:
        """Return the number of bits of the code word of each integer, int64, of the shape of `n`."""
        raise TypeError(f"{type(self).__name__} does not say how long its code words are: define lengths(n)")

    def most_bits(self, count: int, total: int) -> int:
        """Return a bound on the bits of `count` integers that sum to `total`."""
        raise TypeError(f"{type(self).__name__} does not bound its code words: define most_bits(count, total)")

    def write(self, stream: BitWriter, values: Array, total: int) -> None:
        """Append integers, int64, that are known to be positive and to sum to `total`."""
        raise TypeError(f"{type(self).__name__} does not write its code words: define write(stream, values, total)")

    def read(self, stream: BitReader, count: int) -> Array:
        """Read `count` integers, int64."""
        raise TypeError(f"{type(self).__name__} does not read its code words: define read(stream, count)")

    def write_one(self, stream: BitWriter, n: int) -> None:
        """Append one integer."""
        self.write(stream, np.array([n]), n)

    def read_one(self, stream: BitReader) -> int:
        """Read one integer."""
        return int(self.read(stream, 1)[0])

    def best_parameter(self, count: int, total: int) -> int:
        """Return the parameter, at least 0, for `count` geometric integers that sum to about `total`."""
        raise TypeError(f"{type(self).__name__} has a parameter: define best_parameter(count, total)")

    @property
    def fitted(self) -> bool:
        """Whether the parameter, if there is one, has a value."""
        return self.parameter is None or getattr(self, self.parameter) is not None

    def fit(self, count: int, total: int) -> Self:
        """Return the code with its parameter chosen for `count` integers that sum to about `total`."""
        return self if self.fitted else self.with_parameter(self.best_parameter(count, total))

    def with_parameter(self, value: int) -> Self:
        """Return the code with this parameter."""
        return dataclasses.replace(self, **{str(self.parameter): value})

    def encode(self, values: Array) -> Encoded:
        """Return the code words of integers, one after the other.

        Parameters
        ----------
        values : array of int, shape (count,)
            From 1 to 2⁵² − 1.

        Raises
        ------
        WrongUse
            If another value is among them, or if the parameter has no value.
        """
        self._check_fitted()
        values = np.require(_integers(values, "values"), np.int64, ["C", "W"])  # the one form that kernels know
        stream = BitWriter()
        self.write(stream, values, total(values))
        return stream.encoded()

    def decode(self, data: Array, count: int) -> tuple[Array, int]:
        """Return the first `count` integers, int64, and the number of bytes that they take."""
        self._check_fitted()
        stream = BitReader(data)
        values = self.read(stream, count)
        return values, stream.used_bytes

    def _check_fitted(self) -> None:
        if not self.fitted:
            raise WrongUse(
                repr(self),
                f"{self.parameter} has no value",
                f"give {self.parameter}, or use Gaps or Integers, which fit it",
            )


class PositionCode(Parametrised):
    """A code of a set of positions out of 0, …, d − 1; how many they are is known to the receiver.

    A subclass appends to a stream in `write` and reads the same in `read`.
    """

    def write(self, stream: BitWriter, positions: Array, d: int) -> int:
        """Append valid positions; return how many bits of it are side information."""
        raise TypeError(f"{type(self).__name__} does not say how it codes: define write(stream, positions, d)")

    def read(self, stream: BitReader, d: int, count: int) -> Array:
        """Read `count` positions, int64; whether they are increasing and below d is checked afterwards."""
        raise TypeError(f"{type(self).__name__} does not say how it decodes: define read(stream, d, count)")

    def encode(self, positions: Array, d: int) -> Encoded:
        """Return the set as bytes.

        Parameters
        ----------
        positions : array of int, shape (count,)
            Increasing, from 0 to d − 1.
        d : int
            Out of how many, 1 ≤ d < 2⁵².

        Raises
        ------
        WrongUse
            If the positions are not of that kind.
        """
        positions = self._checked(positions, d)
        stream = BitWriter()
        return stream.encoded(self.write(stream, positions, d))

    def decode(self, data: Array, d: int, count: int) -> tuple[Array, int]:
        """Return the positions, int64, and the number of bytes that they take.

        Parameters
        ----------
        data : array of uint8, or bytes
            This field and all that follows.
        d, count : int
            Out of how many, and how many: an array of that size is made.

        Raises
        ------
        WrongUse
            If the data are too short, or are not those of such a set.
        """
        if not 0 <= count <= d <= LARGEST:
            raise damaged(f"there cannot be {count} positions out of {d}")
        stream = BitReader(data)
        positions = self.read(stream, d, count)
        if not _increasing(positions, d):
            raise damaged(f"the positions do not increase from 0 to {d - 1}")
        return positions, stream.used_bytes

    def bits(self, positions: Array, d: int) -> int:
        """Return the number of bits of ``encode(positions, d)``."""
        return self.encode(positions, d).bits

    def _checked(self, positions: Any, d: int) -> Array:
        positions = _integers(positions, "positions").astype(np.int64, copy=False)
        if not (1 <= d <= LARGEST and _increasing(positions, d)):
            raise WrongUse(
                f"{self!r}.encode(positions, {d})",
                "the positions are not increasing numbers from 0 to d − 1",
                "pass sorted, distinct positions, such as np.flatnonzero gives them, and 1 ≤ d < 2⁵²",
            )
        return positions


class LevelCode(Parametrised):
    """A code of a stream of integers from a declared alphabet; how many they are is known to the receiver.

    A subclass appends to a stream in `write` and reads the same in `read`.
    """

    def write(self, stream: BitWriter, levels: Array, low: int | None, high: int | None) -> int:
        """Append valid levels, of any integer type; return how many bits of it are side information."""
        raise TypeError(f"{type(self).__name__} does not say how it codes: define write(stream, levels, low, high)")

    def read(self, stream: BitReader, count: int, low: int | None, high: int | None) -> Array:
        """Read `count` levels, int64; whether they are in the alphabet is checked afterwards."""
        raise TypeError(f"{type(self).__name__} does not say how it decodes: define read(stream, count, low, high)")

    def encode(self, levels: Array, low: int | None, high: int | None) -> Encoded:
        """Return the levels as bytes.

        Parameters
        ----------
        levels : array of int, shape (count,)
            Within ±(2⁵¹ − 1).
        low, high : int or None
            The alphabet low, …, high; None where it is unbounded.

        Raises
        ------
        WrongUse
            If a level is outside the alphabet or too large.
        """
        levels = self._checked(levels, low, high)
        stream = BitWriter()
        return stream.encoded(self.write(stream, levels, low, high))

    def decode(self, data: Array, count: int, low: int | None, high: int | None) -> tuple[Array, int]:
        """Return the levels, int64, and the number of bytes that they take.

        Parameters
        ----------
        data : array of uint8, or bytes
            This field and all that follows.
        count : int
            How many levels there are: an array of that size is made.
        low, high : int or None
            The alphabet.

        Raises
        ------
        WrongUse
            If the data are too short, or are not those of such a stream.
        """
        if count < 0:
            raise damaged(f"there cannot be {count} levels")
        ends = _alphabet(low, high)
        stream = BitReader(data)
        levels = self.read(stream, count, low, high)
        if not _within(levels, *ends):
            raise damaged(f"a level is not in the alphabet {low}, …, {high}")
        return levels, stream.used_bytes

    def bits(self, levels: Array, low: int | None, high: int | None) -> int:
        """Return the number of bits of ``encode(levels, low, high)``."""
        return self.encode(levels, low, high).bits

    def _checked(self, levels: Any, low: int | None, high: int | None) -> Array:
        levels = _integers(levels, "levels")
        low, high = _alphabet(low, high)
        if not _within(levels, low, high):
            raise WrongUse(
                f"{self!r}.encode of levels from {levels.min()} to {levels.max()}",
                f"the alphabet is {low}, …, {high}",
                "pass levels of the alphabet, or the alphabet of the levels",
            )
        return levels


def _alphabet(low: int | None, high: int | None) -> tuple[int, int]:
    """Return the ends of an alphabet, unbounded ones at ±(2⁵¹ − 1), so that all levels have a positive integer."""
    bound = LARGEST // 2
    low, high = -bound if low is None else low, bound if high is None else high
    if not -bound <= low <= high <= bound:
        raise WrongUse(
            f"the alphabet {low}, …, {high}",
            "its ends are not in order and within ±(2⁵¹ − 1)",
            "pass such ends, or None",
        )
    return low, high


def total(values: Array) -> int:
    """Return the sum of integers, int64, and refuse those that are not from 1 to 2⁵² − 1."""
    from toolkit.kernels.codes import survey

    high, low, valid = survey(values)
    if not valid:
        raise WrongUse(
            f"a code of integers from {values.min()} to {values.max()}",
            "only positive integers below 2⁵² have a code word",
            "use Integers(code) for integers of both signs, Gaps(code) for positions",
        )
    return (int(high) << 26) + int(low)


def _increasing(positions: Array, d: int) -> bool:
    """Tell whether positions increase from 0 to d − 1."""
    if not len(positions):
        return True
    return bool(positions[0] >= 0 and positions[-1] < d and np.all(positions[1:] > positions[:-1]))


def _within(levels: Array, low: int, high: int) -> bool:
    """Tell whether levels are in an alphabet."""
    return not len(levels) or bool(low <= levels.min() and levels.max() <= high)
