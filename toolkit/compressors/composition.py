"""One compressor after another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from toolkit import kernels
from toolkit.arrays import Array
from toolkit.compressors._base import Compressor
from toolkit.compressors._combinator import Combinator, growth, unbiased_of, workers_of
from toolkit.constants import CompressorConstants, Constant, upper_bound
from toolkit.errors import WrongUse
from toolkit.layout import Field

if TYPE_CHECKING:
    from toolkit.wire import Codec


class Composition(Combinator):
    r"""Composition: compress what another compressor makes of the vector; only the outer one's message is sent.

    .. math:: C(x) = C_1(C_2(x)), \qquad
              E\|C(x) - x\|^2 = E\|C_1(y) - y\|^2 + E\|y - x\|^2, \quad y = C_2(x), \quad \text{if } E\,C_1(y) = y .

    Parameters
    ----------
    outer, inner : Compressor
        C₁ and C₂; they draw independently, and their fields may be swept.

    Raises
    ------
    WrongUse
        If one is not a compressor, or the inner one has a state, which the receiver could not follow.

    Notes
    -----
    If both are unbiased, ω = ω₁ω₂ + ω₁ + ω₂ (S-n2, derived) and (A, B) = (A₁(1 + ω₂) + A₂, B₁ + B₂), by the AB
    inequality of the outer ones given the vectors y, where E‖y‖² ≤ (1 + ω₂)‖x‖² and E‖mean y‖² ≥ ‖mean x‖² (derived).
    They are reached only if some x makes every y a worst case.

    Contractions need not compose to one: the scaled sign of Top-1 of (1, −1) is (1/2, 1/2), whose error 5/2 is above
    ‖x‖² = 2. But if C₂ selects, so that y is orthogonal to y − x, and C₁ is unbiased or sends zeros as zeros, the two
    errors are orthogonal, in expectation or always, and δ = δ₁δ₂: ‖x‖² − δ₁‖y‖² is left, and E‖y‖² ≥ δ₂‖x‖² (derived).

    The exact expected error is the formula above for a deterministic C₂ and an unbiased C₁, and the error itself if
    both are deterministic.

    Examples
    --------
    >>> from toolkit.compressors import Natural, RandK
    >>> composition = Composition(outer=Natural(), inner=RandK(k=2, unbiased=True))
    >>> float(composition.constants(10).omega)  # 9/8·4 + 1/8
    4.625
    """

    outer: Compressor
    inner: Compressor

    def validate(self) -> None:
        super().validate()
        if self.inner.state:
            raise WrongUse(
                f"Composition(inner={self.inner!r})",
                f"the receiver never sees its messages, so it cannot follow its {' and '.join(self.inner.state)}",
                "put it outside, or one without a state inside",
            )

    def _room(self, d: int) -> float:
        return 1 / growth(self.inner, d)

    def message(self, x: Array, draw: Any) -> Array:
        n = x.shape[1]
        return self.outer.message(self._between(x, draw), self.draw_of("outer", draw, n))

    def _between(self, x: Array, draw: Any) -> Array:
        """Return y = C₂(x)."""
        return self.inner.message(x, self.draw_of("inner", draw, x.shape[1]))

    def layout(self, d: int, dtype: Any) -> tuple[Field, ...]:
        return self.outer.layout(d, dtype)

    def parts(self, x: Array, draw: Any) -> dict[str, Array]:
        return self.outer.parts(self._between(x, draw), self.draw_of("outer", draw, x.shape[1]))

    def redraw(self, shape: tuple[int, int, int], draw: Any) -> dict[str, Array]:
        return self.outer.redraw(shape, self.draw_of("outer", draw, shape[1]))

    def assemble(self, parts: Mapping[str, Array], draw: Any, d: int, dtype: Any) -> Array:
        return self.outer.assemble(parts, self.draw_of("outer", draw, workers_of(parts)), d, dtype)

    def parts_of(self, name: str, parts: Mapping[str, Array]) -> Mapping[str, Array]:
        return parts

    @property
    def codec(self) -> Codec:
        return self.outer.codec

    @property
    def homogeneous(self) -> bool:  # type: ignore[override]
        # Numbers that are equal up to rounding, as a compressor may compute them, are no ties to a selecting one.
        return self._all("homogeneous") and (self.inner.selects or not self.outer.selects)

    @property
    def selects(self) -> bool:  # type: ignore[override]
        return self._all("selects")

    def constants(self, d: int, n: int = 1) -> CompressorConstants:
        first, second = self.outer.constants(d, n), self.inner.constants(d, n)
        if first.omega is not None and second.omega is not None:
            omega = first.omega.value * second.omega.value + first.omega.value + second.omega.value
            ab = None
            if first.ab is not None and second.ab is not None:
                (a1, b1), (a2, b2) = first.ab.value, second.ab.value
                ab = upper_bound((a1 * (1 + second.omega.value) + a2, b1 + b2), "(A₁(1 + ω₂) + A₂, B₁ + B₂)")
            return unbiased_of(upper_bound(omega, "S-n2: ω₁ω₂ + ω₁ + ω₂"), ab)
        orthogonal = self.inner.selects and (self.outer.keeps_zeros or first.omega is not None)
        if not orthogonal or first.delta is None or second.delta is None:
            return CompressorConstants()
        return CompressorConstants(delta=Constant(first.delta.value * second.delta.value, "lower bound", "δ₁δ₂"))

    def expected_error(self, x: Array) -> Array | None:
        if self.inner.random:
            return None
        between = self._between(x, None)
        if not self.outer.random:
            return kernels.sum_sq_difference(self.outer.message(between, None), x)
        error = self.outer.expected_error(between)
        if error is None or self.outer.constants(x.shape[-1], x.shape[1]).omega is None:
            return None
        return error + kernels.sum_sq_difference(between, x)

    def price(self, n: int, d: int, dtype: Any) -> Any:
        return self.outer.price(n, d, dtype)

    def price_of(self, message: Array) -> Array:
        return self.outer.price_of(message)

    def price_of_parts(self, parts: Mapping[str, Array], draw: Any, d: int, dtype: Any) -> Array:
        return self.outer.price_of_parts(parts, self.draw_of("outer", draw, workers_of(parts)), d, dtype)
