"""The symbols that occur in a stream of levels: found, sent, and numbered from 0."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from toolkit.arrays import Array
from toolkit.codecs._base import LARGEST, total
from toolkit.codecs._bitstream import BitReader, BitWriter, damaged
from toolkit.codecs._blocks import blocks
from toolkit.codecs.elias_delta import EliasDelta
from toolkit.codecs.elias_gamma import EliasGamma
from toolkit.codecs.integers import from_positive, positive


def write_symbols(stream: BitWriter, symbols: Array, low: int | None) -> None:
    """Append how many symbols there are, the first one, counted from `low` if there is one, and the gaps."""
    EliasGamma().write_one(stream, len(symbols))
    EliasDelta().write_one(stream, int(positive(symbols[0], low, None)))
    gaps = np.diff(symbols)
    EliasDelta().write(stream, gaps, int(symbols[-1]) - int(symbols[0]))


def read_symbols(stream: BitReader, count: int, low: int | None) -> Array:
    """Read the symbols, int64, of a stream of `count` levels."""
    size = EliasGamma().read_one(stream)
    if size > count:
        raise damaged(f"{size} symbols cannot occur among {count} levels")
    first = int(from_positive(np.array(EliasDelta().read_one(stream)), low, None))
    gaps = EliasDelta().read(stream, size - 1)
    if first + total(gaps) > LARGEST:
        raise damaged("a symbol is too large")
    return np.cumsum(np.concatenate([[first], gaps]))


def numbered(levels: Array, symbols: Array) -> Iterator[Array]:
    """Yield the number of each level among the symbols, int64, block after block."""
    low, span = int(symbols[0]), int(symbols[-1]) - int(symbols[0]) + 1
    above_low, lookup = symbols - low, None
    if span != len(symbols) and span <= 2**16:
        lookup = np.zeros(span, np.int64)
        lookup[above_low] = np.arange(len(symbols))
    for block in blocks(levels):
        offsets = block.astype(np.int64) - low
        if span == len(symbols):
            yield offsets
        elif lookup is not None:
            yield lookup[offsets]
        else:
            yield np.searchsorted(above_low, offsets)
