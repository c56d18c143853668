"""The number, before it the number of its digits, and so on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from toolkit.arrays import Array
from toolkit.codecs._elias import Elias
from toolkit.entropy import elias_omega_bits


class EliasOmega(Elias):
    """Elias omega: n in binary, before it the number of its further digits in binary, and so on to 1; then a zero.

    Notes
    -----
    Source: Elias, 'Universal codeword sets and representations of the integers' (1975).

    Examples
    --------
    >>> [EliasOmega().word(n) for n in (1, 2, 3, 4)]
    ['0', '100', '110', '101000']
    """

    kernels: ClassVar[str] = "omega"
    count_bits: ClassVar[Callable[[Any], Array]] = elias_omega_bits

    def word(self, n: int) -> str:
        word = "0"
        while n > 1:
            word, n = f"{n:b}" + word, n.bit_length() - 1
        return word
