"""A contraction made unbiased by a second message."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from toolkit.arrays import Array
from toolkit.compressors._base import Compressor
from toolkit.compressors._combinator import (
    Combinator,
    growth,
    labelled,
    labelled_layout,
    price_of_one,
    sum_of_prices,
    unbiased_of,
    workers_of,
)
from toolkit.constants import CompressorConstants, upper_bound
from toolkit.errors import WrongUse
from toolkit.layout import Field
from toolkit.parameters import at_first


class Induced(Combinator):
    r"""Induced: what a biased compressor B leaves is sent by an unbiased one, U, in a second message.

    .. math:: C(x) = B(x) + U(x - B(x)), \qquad E\,C(x) = x, \qquad
              E\|C(x) - x\|^2 = E\|U(r) - r\|^2 \le \omega_U\,E\|r\|^2, \quad r = x - B(x) .

    Parameters
    ----------
    biased : Compressor
        B, such as Top-k; its fields may be swept.
    unbiased : Compressor
        U, which draws independently of B; its fields may be swept.

    Raises
    ------
    WrongUse
        If one is not a compressor, or, once the dimension is known, `unbiased` has no ω.

    Notes
    -----
    ω = ω_U(1 − δ_B) and (A, B) = (A_U(1 − δ_B), 0), by the bounds of the second messages given the first ones; reached
    if a worst case of B leaves one of U. Where B has no δ, its ω takes the place of 1 − δ_B, or 1 if it selects, so
    that ‖r‖ ≤ ‖x‖. The exact expected error is known for a deterministic B. The price is that of both messages.
    Source: Horváth and Richtárik (ICLR 2021), who write 1/δ for our δ (recalled; derived).

    Examples
    --------
    >>> from toolkit.compressors import RandK, TopK
    >>> induced = Induced(biased=TopK(k=2), unbiased=RandK(k=2, unbiased=True))
    >>> float(induced.constants(10).omega)  # 4·(1 − 2/10), where RandK(k=4, unbiased=True) has 3/2
    3.2
    """

    biased: Compressor
    unbiased: Compressor

    def check(self, d: int) -> None:
        super().check(d)
        if at_first(self.unbiased).constants(d).omega is None:
            raise WrongUse(
                f"{self!r} in dimension {d}",
                "the second compressor has no ω, so it is not known to be unbiased",
                "give an unbiased one, such as QSGD(s=4) or RandK(k=1, unbiased=True)",
            )

    def _room(self, d: int) -> float:
        return 1 / growth(self.biased, d)

    def message(self, x: Array, draw: Any) -> Array:
        sent, rest, second = self._first(x, draw)
        return sent + self.unbiased.message(rest, second)

    def _first(self, x: Array, draw: Any) -> tuple[Array, Array, Any]:
        """Return B(x), x − B(x) and the randomness of the second message."""
        sent = self.biased.message(x, self.draw_of("biased", draw, x.shape[1]))
        return sent, x - sent, self.draw_of("unbiased", draw, x.shape[1])

    def layout(self, d: int, dtype: Any) -> tuple[Field, ...]:
        return sum((labelled_layout(name, one.layout(d, dtype)) for name, one in self.inside.items()), ())

    def parts(self, x: Array, draw: Any) -> dict[str, Array]:
        first = self.biased.parts(x, self.draw_of("biased", draw, x.shape[1]))
        _, rest, second = self._first(x, draw)
        return labelled("biased", first) | labelled("unbiased", self.unbiased.parts(rest, second))

    def redraw(self, shape: tuple[int, int, int], draw: Any) -> dict[str, Array]:
        drawn: dict[str, Array] = {}
        for name, compressor in self.inside.items():
            drawn |= labelled(name, compressor.redraw(shape, self.draw_of(name, draw, shape[1])))
        return drawn

    def assemble(self, parts: Mapping[str, Array], draw: Any, d: int, dtype: Any) -> Array:
        n = workers_of(parts)
        first, second = (
            compressor.assemble(self.parts_of(name, parts), self.draw_of(name, draw, n), d, dtype)
            for name, compressor in self.inside.items()
        )
        return first + second

    def constants(self, d: int, n: int = 1) -> CompressorConstants:
        first, second = self.biased.constants(d, n), self.unbiased.constants(d, n)
        left = self._left(first)
        if left is None or second.omega is None:
            return CompressorConstants()
        ab = None
        if second.ab is not None:
            ab = upper_bound((second.ab.value[0] * left, 0.0), "(A_U(1 − δ_B), 0)")
        return unbiased_of(upper_bound(second.omega.value * left, "ω_U(1 − δ_B)"), ab)

    def _left(self, first: CompressorConstants) -> Any:
        """Return the largest E‖x − B(x)‖²/‖x‖², or None if there is no bound."""
        if first.delta is not None:
            return 1 - first.delta.value
        return first.omega.value if first.omega is not None else 1.0 if self.biased.selects else None

    def expected_error(self, x: Array) -> Array | None:
        return None if self.biased.random else self.unbiased.expected_error(self._first(x, None)[1])

    @property
    def homogeneous(self) -> bool:  # type: ignore[override]
        return self._all("homogeneous") and self.biased.selects  # else rounding decides what is left

    def price(self, n: int, d: int, dtype: Any) -> Any:
        return sum_of_prices(*(compressor.price(n, d, dtype) for compressor in self.inside.values()))

    def price_of_parts(self, parts: Mapping[str, Array], draw: Any, d: int, dtype: Any) -> Array:
        n = workers_of(parts)
        return sum(
            price_of_one(compressor, self.parts_of(name, parts), self.draw_of(name, draw, n), d, dtype)
            for name, compressor in self.inside.items()
        )
