"""Levels by asymmetric numeral systems."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from toolkit.arrays import Array
from toolkit.codecs._entropy_coded import EntropyCoded


class ANS(EntropyCoded):
    """ANS code: the levels as one number to which each symbol is appended as a digit of its own frequency.

    The size is the empirical entropy of the levels but for some hundred bits, mostly the table (`EntropyCoded`).

    Notes
    -----
    Source: Duda, 'Asymmetric numeral systems' (2013); the coder is that of the package `constriction`.

    Examples
    --------
    >>> import numpy as np
    >>> levels = np.tile(np.repeat([0, 1, 0, -1, 0], [48, 1, 25, 1, 25]), 20)  # 323 bits of entropy
    >>> encoded = ANS().encode(levels, low=-4, high=4)
    >>> encoded.bits, encoded.side
    (390, 38)
    """

    def to_words(self, numbers: Iterable[Array], model: Any) -> Array:
        import constriction

        coder = constriction.stream.stack.AnsCoder()
        for block in reversed(list(numbers)):  # what is coded last is decoded first
            coder.encode_reverse(block, model)
        return coder.get_compressed()

    def decoder(self, words: Array) -> Any:
        import constriction

        return constriction.stream.stack.AnsCoder(words)

    def ended(self, decoder: Any) -> bool:
        return decoder.is_empty()
