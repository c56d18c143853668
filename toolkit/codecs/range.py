"""Levels by a range coder."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from toolkit.arrays import Array
from toolkit.codecs._entropy_coded import EntropyCoded


class Range(EntropyCoded):
    """Range code: the levels as one number within nested intervals, as wide as the symbols are frequent.

    The size is the empirical entropy of the levels but for some hundred bits, mostly the table (`EntropyCoded`), and
    some 1e-4 bits for each level.

    Notes
    -----
    Source: Martin, 'Range encoding' (1979); the coder is that of the package `constriction`.

    Examples
    --------
    >>> import numpy as np
    >>> levels = np.tile(np.repeat([0, 1, 0, -1, 0], [48, 1, 25, 1, 25]), 20)  # 323 bits of entropy
    >>> encoded = Range().encode(levels, low=-4, high=4)
    >>> encoded.bits, encoded.side
    (390, 38)
    """

    def to_words(self, numbers: Iterable[Array], model: Any) -> Array:
        import constriction

        coder = constriction.stream.queue.RangeEncoder()
        for block in numbers:
            coder.encode(block, model)
        return coder.get_compressed()

    def decoder(self, words: Array) -> Any:
        import constriction

        return constriction.stream.queue.RangeDecoder(words)

    def ended(self, decoder: Any) -> bool:
        return decoder.maybe_exhausted()
