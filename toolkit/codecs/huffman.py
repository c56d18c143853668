"""The shortest prefix code of the levels that occur."""

from __future__ import annotations

import heapq

import numpy as np

from toolkit.arrays import Array
from toolkit.codecs._base import LevelCode, total
from toolkit.codecs._bitstream import BitReader, BitWriter, damaged
from toolkit.codecs._table import numbered, read_symbols, write_symbols
from toolkit.codecs.elias_gamma import EliasGamma
from toolkit.entropy.data import symbol_counts

LONGEST = 57  # what a reader sees at once; a longer word would take more than 10¹¹ levels


class Huffman(LevelCode):
    """Huffman code: no prefix code of single levels is shorter on the levels as they are.

    A table comes first: how many symbols occur, the first one and the gaps, in Elias codes, and the length of each code
    word in Elias gamma. The code words are the canonical ones: those of one length are consecutive numbers, in the
    order of the symbols, and shorter ones come first. A stream of one single symbol consists of its table.

    Notes
    -----
    The size, the table apart, is at least the empirical entropy and less than a bit for each level above it.
    Source: Huffman, 'A method for the construction of minimum-redundancy codes' (1952).

    Examples
    --------
    >>> import numpy as np
    >>> encoded = Huffman().encode(np.array([0, 0, 0, 1, -1, 0]), low=-1, high=1)  # words 10, 0, 11
    >>> encoded.bits, encoded.side
    (21, 13)
    """

    def write(self, stream: BitWriter, levels: Array, low: int | None, high: int | None) -> int:
        from toolkit.kernels.codes import write_words

        if not len(levels):
            return 0
        symbols, counts = symbol_counts(levels)
        lengths = self._write_table(stream, symbols, counts, low)
        side = stream.at
        if len(symbols) > 1:
            words, longest = canonical_words(lengths), int(lengths.max())
            for numbers in numbered(levels, symbols):
                stream.append(write_words, longest * len(numbers), numbers, words, lengths)
        return side

    def read(self, stream: BitReader, count: int, low: int | None, high: int | None) -> Array:
        from toolkit.kernels.codes import read_words

        if not count:
            return np.zeros(0, np.int64)
        symbols = read_symbols(stream, count, low)
        if len(symbols) == 1:
            return np.repeat(symbols, count)
        lengths = EliasGamma().read(stream, len(symbols))
        of_length = np.bincount(lengths[lengths <= LONGEST], minlength=LONGEST + 1)
        if lengths.max() > LONGEST or sum(n << (LONGEST - i) for i, n in enumerate(of_length.tolist())) != 2**LONGEST:
            raise damaged("the table is not that of a prefix code")
        stream.expect(count)
        numbers = np.empty(count, np.int64)
        stream.take(read_words, numbers, of_length)
        return symbols[np.argsort(lengths, kind="stable")][numbers]

    def bits(self, levels: Array, low: int | None, high: int | None) -> int:
        levels = self._checked(levels, low, high)
        if not len(levels):
            return 0
        stream = BitWriter()
        symbols, counts = symbol_counts(levels)
        lengths = self._write_table(stream, symbols, counts, low)
        return stream.at + int(counts @ lengths)

    def _write_table(self, stream: BitWriter, symbols: Array, counts: Array, low: int | None) -> Array:
        """Append the table and return the length of each symbol's code word."""
        write_symbols(stream, symbols, low)
        lengths = word_lengths(counts)
        if len(symbols) > 1:
            EliasGamma().write(stream, lengths, total(lengths))
        return lengths


def word_lengths(counts: Array) -> Array:
    """Return the lengths of the code words of a shortest prefix code; 0 for a single symbol.

    Examples
    --------
    >>> import numpy as np
    >>> word_lengths(np.array([1, 1, 2, 4]))
    array([3, 3, 2, 1])
    """
    heap = list(zip(counts.tolist(), range(len(counts)), strict=True))
    heapq.heapify(heap)
    parent: list[int] = [0] * (2 * len(counts) - 1)
    for node in range(len(counts), len(parent)):  # join the two rarest
        (one, left), (other, right) = heapq.heappop(heap), heapq.heappop(heap)
        parent[left] = parent[right] = node
        heapq.heappush(heap, (one + other, node))
    depth = [0] * len(parent)
    for node in reversed(range(len(parent) - 1)):
        depth[node] = depth[parent[node]] + 1
    return np.array(depth[: len(counts)])


def canonical_words(lengths: Array) -> Array:
    """Return the canonical code words of these lengths, as numbers, uint64.

    Examples
    --------
    >>> import numpy as np
    >>> [f"{word:0{length}b}" for word, length in zip(canonical_words(np.array([2, 1, 2])), (2, 1, 2))]
    ['10', '0', '11']
    """
    order = np.argsort(lengths, kind="stable")
    ordered = lengths[order].astype(np.uint64)
    # A code word is the sum of what the words before it take of the unit interval, in units of its own length.
    shares = np.uint64(1) << (np.uint64(LONGEST) - ordered)
    words = np.empty(len(lengths), np.uint64)
    words[order] = (np.cumsum(shares) - shares) >> (np.uint64(LONGEST) - ordered)
    return words
