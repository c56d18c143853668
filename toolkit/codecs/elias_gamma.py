"""The binary number after as many zeros as it has further digits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from toolkit.arrays import Array
from toolkit.codecs._elias import Elias
from toolkit.entropy import elias_gamma_bits


class EliasGamma(Elias):
    r"""Elias gamma: ⌊log2 n⌋ zeros, then n in binary; :math:`2\lfloor\log_2 n\rfloor + 1` bits.

    Notes
    -----
    Source: Elias, 'Universal codeword sets and representations of the integers' (1975).

    Examples
    --------
    >>> [EliasGamma().word(n) for n in (1, 2, 3, 4)]
    ['1', '010', '011', '00100']
    """

    kernels: ClassVar[str] = "gamma"
    count_bits: ClassVar[Callable[[Any], Array]] = elias_gamma_bits

    def word(self, n: int) -> str:
        return "0" * (n.bit_length() - 1) + f"{n:b}"
