"""What range and ANS codes of levels share: the table, the model, the words."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from toolkit.arrays import Array
from toolkit.codecs._base import LevelCode, total
from toolkit.codecs._bitstream import BitReader, BitWriter, damaged
from toolkit.codecs._blocks import blocks
from toolkit.codecs._table import numbered, read_symbols, write_symbols
from toolkit.codecs._words import decoding, read_words, write_words
from toolkit.codecs.elias_delta import EliasDelta
from toolkit.entropy.data import symbol_counts
from toolkit.errors import WrongUse

MOST_SYMBOLS = 2**22  # the coders share 2²⁴ parts of probability out among all symbols


class EntropyCoded(LevelCode):
    """A code that shares one coder state among all levels, by a model of how often each symbol occurs.

    A table comes first: how many symbols occur, the first one and the gaps, and the rounded square root of each count,
    all as Elias codes. The decoder squares them again: a count is then wrong by about half a standard deviation of a
    Poisson number of that mean, which makes the stream longer by about a quarter of a bit for each symbol of the
    alphabet, and the table by half the digits shorter. A stream of one single symbol consists of its table.
    """

    def to_words(self, numbers: Iterable[Array], model: Any) -> Array:
        """Return blocks of symbol numbers, int32, as 32-bit words."""
        raise TypeError(f"{type(self).__name__} does not say how it codes: define to_words(numbers, model)")

    def decoder(self, words: Array) -> Any:
        """Return the object whose ``decode(model, count)`` gives symbol numbers."""
        raise TypeError(f"{type(self).__name__} does not say how it decodes: define decoder(words)")

    def ended(self, decoder: Any) -> bool:
        """Tell whether a decoder may have come to the end of its words."""
        raise TypeError(f"{type(self).__name__} does not say where it ends: define ended(decoder)")

    def write(self, stream: BitWriter, levels: Array, low: int | None, high: int | None) -> int:
        if not len(levels):
            return 0
        symbols, counts = symbol_counts(levels)
        if len(symbols) > MOST_SYMBOLS:
            raise WrongUse(
                f"{self!r}.encode of {len(symbols)} different levels",
                f"the model can tell {MOST_SYMBOLS} apart",
                "use a code without a model, such as Integers(EliasDelta())",
            )
        write_symbols(stream, symbols, low)
        if len(symbols) == 1:
            return stream.at
        roots = np.rint(np.sqrt(counts)).astype(np.int64)
        EliasDelta().write(stream, roots, total(roots))
        table = stream.at
        numbers = (block.astype(np.int32) for block in numbered(levels, symbols))
        return table + write_words(stream, self.to_words(numbers, _model(roots)))

    def read(self, stream: BitReader, count: int, low: int | None, high: int | None) -> Array:
        if not count:
            return np.zeros(0, np.int64)
        symbols = read_symbols(stream, count, low)
        if len(symbols) == 1:
            return np.repeat(symbols, count)
        if len(symbols) > MOST_SYMBOLS:
            raise damaged(f"there are {len(symbols)} symbols")
        roots = EliasDelta().read(stream, len(symbols))
        words, levels = read_words(stream), np.empty(count, np.int64)
        with decoding():
            decoder, model = self.decoder(words), _model(roots)
            for block in blocks(levels):
                block[:] = symbols[decoder.decode(model, len(block))]
        if not self.ended(decoder):
            raise damaged("the coder has not used all its words")
        return levels


def _model(roots: Array) -> Any:
    import constriction

    return constriction.stream.model.Categorical(np.square(roots.astype(float)), perfect=False)
