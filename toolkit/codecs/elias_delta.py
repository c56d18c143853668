"""The number of binary digits in Elias gamma, then the digits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from toolkit.arrays import Array
from toolkit.codecs._elias import Elias
from toolkit.codecs.elias_gamma import EliasGamma
from toolkit.entropy import elias_delta_bits


class EliasDelta(Elias):
    r"""Elias delta: the number of binary digits of n in Elias gamma, then those after the leading one.

    Notes
    -----
    Source: Elias, 'Universal codeword sets and representations of the integers' (1975).

    Examples
    --------
    >>> [EliasDelta().word(n) for n in (1, 2, 3, 4)]
    ['1', '0100', '0101', '01100']
    """

    kernels: ClassVar[str] = "delta"
    count_bits: ClassVar[Callable[[Any], Array]] = elias_delta_bits

    def word(self, n: int) -> str:
        return EliasGamma().word(n.bit_length()) + f"{n:b}"[1:]
