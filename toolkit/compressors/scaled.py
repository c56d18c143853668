"""An unbiased compressor made contractive."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from toolkit import kernels
from toolkit.arrays import Array
from toolkit.compressors._base import Compressor
from toolkit.compressors._combinator import Combinator
from toolkit.compressors._fields import like, per_row
from toolkit.constants import CompressorConstants, Constant
from toolkit.errors import WrongUse
from toolkit.layout import Field
from toolkit.parameters import at_first

if TYPE_CHECKING:
    from toolkit.wire import Codec


class Scaled(Combinator):
    r"""Scaled: an unbiased compressor C of relative variance ω, divided by 1 + ω, is a contraction.

    .. math:: C'(x) = \frac{C(x)}{1 + \omega}, \qquad
              E\|C'(x) - x\|^2 = \frac{E\|C(x) - x\|^2 + \omega^2\|x\|^2}{(1 + \omega)^2}
              \le \Big(1 - \frac{1}{1 + \omega}\Big)\|x\|^2 .

    Parameters
    ----------
    compressor : Compressor
        The unbiased compressor C; its fields may be swept.

    Raises
    ------
    WrongUse
        If `compressor` is not a compressor, or, once the dimension is known, has no ω.

    Notes
    -----
    δ = 1/(1 + ω), attained where C attains ω (derived, from the formula). The price is that of C: the factor is known
    to both sides.

    There is no way back: no factor makes a contraction unbiased in general. Top-k sends nothing of its smallest
    entries, whatever it is multiplied by. `Induced` makes an unbiased compressor of a contraction and a second message.

    Examples
    --------
    >>> from toolkit.compressors import RandK
    >>> float(Scaled(RandK(k=2, unbiased=True)).constants(10).delta)
    0.2
    """

    compressor: Compressor

    def check(self, d: int) -> None:
        super().check(d)
        Scaled(at_first(self.compressor))._omega(d, 1)

    def _omega(self, d: int, n: int) -> Constant:
        omega = self.compressor.constants(d, n).omega
        if omega is None:
            raise WrongUse(
                f"Scaled({self.compressor!r}) in dimension {d}",
                "the compressor inside has no ω, so it is not known to be unbiased",
                "use it as it is, or wrap an unbiased one, such as QSGD(s=4) or RandK(k=1, unbiased=True)",
            )
        return omega

    def message(self, x: Array, draw: Any) -> Array:
        return self._divided(self.compressor.message(x, draw))

    def layout(self, d: int, dtype: Any) -> tuple[Field, ...]:
        return self.compressor.layout(d, dtype)

    def parts(self, x: Array, draw: Any) -> dict[str, Array]:
        return self.compressor.parts(x, draw)

    def redraw(self, shape: tuple[int, int, int], draw: Any) -> dict[str, Array]:
        return self.compressor.redraw(shape, draw)

    def assemble(self, parts: Mapping[str, Array], draw: Any, d: int, dtype: Any) -> Array:
        return self._divided(self.compressor.assemble(parts, draw, d, dtype))

    @property
    def codec(self) -> Codec:
        return self.compressor.codec

    def _divided(self, sent: Array) -> Array:
        return sent / like(1 + self._omega(sent.shape[-1], sent.shape[1]).value, sent)

    def constants(self, d: int, n: int = 1) -> CompressorConstants:
        omega = self._omega(d, n)
        kind = "lower bound" if omega.kind == "upper bound" else omega.kind
        return CompressorConstants(delta=Constant(1 / (1 + omega.value), kind, f"1/(1 + ω), ω: {omega.source}"))

    def expected_error(self, x: Array) -> Array | None:
        error = self.compressor.expected_error(x)
        if error is None:
            return None
        omega = per_row(like(self._omega(x.shape[-1], x.shape[1]).value, x))
        return (error + omega**2 * kernels.sum_sq(x)) / (1 + omega) ** 2

    def price(self, n: int, d: int, dtype: Any) -> Any:
        return self.compressor.price(n, d, dtype)

    def price_of(self, message: Array) -> Array:
        return self.compressor.price_of(message)

    def price_of_parts(self, parts: Mapping[str, Array], draw: Any, d: int, dtype: Any) -> Array:
        return self.compressor.price_of_parts(parts, draw, d, dtype)
