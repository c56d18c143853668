"""The 32-bit words of the entropy coders of `constriction` in a stream of bits."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from toolkit.arrays import Array
from toolkit.codecs._bitstream import BitReader, BitWriter, damaged
from toolkit.codecs.elias_delta import EliasDelta

WORD = 32


def write_words(stream: BitWriter, words: Array) -> int:
    """Append the number of words plus one in Elias delta, and the words; return the bits of the number."""
    start = stream.at
    EliasDelta().write_one(stream, len(words) + 1)
    side = stream.at - start
    stream.numbers(words.astype(np.uint64), WORD)
    return side


def read_words(stream: BitReader) -> Array:
    """Read what `write_words` has written."""
    return stream.numbers(EliasDelta().read_one(stream) - 1, WORD).astype(np.uint32)


@contextmanager
def decoding() -> Iterator[None]:
    """Turn what `constriction` raises on impossible words into the error of damaged data."""
    try:
        yield
    except (AssertionError, ValueError) as error:
        raise damaged(f"the entropy coder refuses them ({str(error).splitlines()[0]})") from None
