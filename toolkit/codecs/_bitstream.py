"""A stream of bits that codes append to, and one that they read from.

The first bit of a stream is the top bit of its first byte, as in ``np.packbits``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from toolkit.arrays import Array
from toolkit.errors import WrongUse

__all__ = ["BitReader", "BitWriter", "Encoded", "damaged"]

MOST_BITS = 2**38  # 32 GiB: what is longer than that is a wrong parameter and not a message


class Encoded(NamedTuple):
    """A field of a message as bytes.

    Parameters
    ----------
    data : array of uint8
        ⌈bits / 8⌉ bytes; the rest of the last byte is zero.
    bits : int
        Bits used.
    side : int
        Of these, side information: tables, lengths, parameters, seeds.
    """

    data: np.ndarray
    bits: int
    side: int = 0


def damaged(wrong: str) -> WrongUse:
    """Return the error of data that no code has written."""
    return WrongUse("decode(data, …)", wrong, "pass the bytes that encode gave, with the same sizes and alphabet")


class BitWriter:
    """A growing stream of bits.

    Examples
    --------
    >>> stream = BitWriter()
    >>> stream.number(5, 3)
    >>> stream.encoded()
    Encoded(data=array([160], dtype=uint8), bits=3, side=0)
    """

    def __init__(self) -> None:
        self.at = 0  # the number of bits so far
        self._words = np.zeros(2, np.uint64)

    def append(self, kernel: Callable[..., Any], most: int, *arguments: Any) -> None:
        """Let a kernel append at most so many bits: ``kernel(words, at, *arguments)`` returns where it ends."""
        if most > MOST_BITS:
            raise WrongUse(
                f"a code of up to {most} bits", "that is no message any more", "choose a parameter that fits the data"
            )
        size = (self.at + most) // 64 + 2  # a kernel clears the word after the one it writes to
        if size > len(self._words):
            used = self._words[: self.at // 64 + 1]
            self._words = np.empty(max(size, 2 * len(self._words)), np.uint64)
            self._words[: len(used)] = used
        self.at = int(kernel(self._words, self.at, *arguments))

    def numbers(self, values: Array, width: int) -> None:
        """Append numbers, uint64, in `width` ≤ 64 bits each."""
        from toolkit.kernels.codes import write_numbers

        if width:
            self.append(write_numbers, width * len(values), values, width)

    def number(self, value: int, width: int) -> None:
        """Append one number in `width` ≤ 64 bits."""
        self.numbers(np.array([value], np.uint64), width)

    def raw(self, data: Array, bits: int) -> None:
        """Append the first bits of a string of bytes, uint8, whose rest is zero."""
        whole = bits // 64
        self.numbers(data[: 8 * whole].view(">u8").astype(np.uint64), 64)
        self.number(int.from_bytes(data[8 * whole :].tobytes(), "big") >> (-bits % 8), bits % 64)

    def flags(self, mask: Array) -> None:
        """Append one bit for each entry."""
        self.raw(np.packbits(mask), len(mask))

    def encoded(self, side: int = 0) -> Encoded:
        """Return all that was written."""
        data = self._words[: -(-self.at // 64)].astype(">u8").view(np.uint8)[: -(-self.at // 8)]
        return Encoded(data, self.at, side)


class BitReader:
    """A stream of bits to be read; its end is not known beforehand.

    Parameters
    ----------
    data : array of uint8, or bytes
        The field and all that follows it.

    Examples
    --------
    >>> stream = BitReader(b"\\xa0")
    >>> stream.number(3), stream.used_bytes
    (5, 1)
    """

    def __init__(self, data: Any) -> None:
        bytes_ = np.frombuffer(data, np.uint8) if isinstance(data, (bytes, bytearray, memoryview)) else data
        if not isinstance(bytes_, np.ndarray) or bytes_.dtype != np.uint8 or bytes_.ndim != 1:
            raise WrongUse(f"decode({type(data).__name__}, …)", "that is no string of bytes", "pass bytes, or uint8s")
        self.at, self._size = 0, 8 * len(bytes_)
        # The one form that kernels know: at least 8 bytes, not to be written to, whether the caller may or not.
        self._data = np.ascontiguousarray(bytes_ if len(bytes_) >= 8 else np.pad(bytes_, (0, 8 - len(bytes_)))).view()
        self._data.flags.writeable = False

    @property
    def left(self) -> int:
        """The number of bits not yet read."""
        return self._size - self.at

    @property
    def used_bytes(self) -> int:
        """The number of bytes begun to be read."""
        return -(-self.at // 8)

    def expect(self, bits: int) -> None:
        """Refuse data with less than so many bits left."""
        if not 0 <= bits <= self.left:
            raise damaged(f"the data end after {self.left} bits where at least {bits} are needed")

    def take(self, kernel: Callable[..., Any], *arguments: Any) -> None:
        """Let a kernel read: ``kernel(data, at, *arguments)`` returns where it ends, beyond bad data."""
        end = int(kernel(self._data, self.at, *arguments))
        if end > self._size:
            raise damaged("the data end too early, or have no such code word")
        self.at = end

    def numbers(self, count: int, width: int) -> Array:
        """Read numbers, uint64, of `width` ≤ 64 bits each."""
        from toolkit.kernels.codes import read_numbers

        self.expect(count * width)  # before there is an array of that size
        if not width:
            return np.zeros(count, np.uint64)
        values = np.empty(count, np.uint64)
        self.take(read_numbers, values, width)
        return values

    def number(self, width: int) -> int:
        """Read one number of `width` ≤ 64 bits."""
        return int(self.numbers(1, width)[0])

    def raw(self, bits: int) -> Array:
        """Read a string of bits as bytes, uint8, the rest of the last one being zero."""
        whole = self.numbers(bits // 64, 64).astype(">u8").view(np.uint8)
        rest = self.number(bits % 64) << (-bits % 8)
        return np.concatenate([whole, np.frombuffer(rest.to_bytes(-(-(bits % 64) // 8), "big"), np.uint8)])

    def flags(self, count: int) -> Array:
        """Read one bit for each entry."""
        return np.unpackbits(self.raw(count), count=count).view(bool)
