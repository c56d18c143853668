"""Send the signs and one scale."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from toolkit import kernels
from toolkit.arrays import Array
from toolkit.compressors._base import Compressor
from toolkit.compressors._bits import width
from toolkit.compressors._check import check_choice
from toolkit.compressors._signs import sign_fields, sign_parts, signed, ternary_price
from toolkit.constants import CompressorConstants, exact
from toolkit.kernels import feedback
from toolkit.layout import Field, Numbers


class ScaledSign(Compressor):
    r"""Scaled sign: send one bit per coordinate and the mean magnitude.

    .. math:: C(x) = \frac{\|x\|_1}{d}\,\mathrm{sign}(x), \qquad
              \|C(x) - x\|^2 = \|x\|^2 - (2 - m/d)\,\frac{\|x\|_1^2}{d},

    where m counts the coordinates whose sign is not 0.

    Parameters
    ----------
    zero : {1, 0}
        The sign of zero. With 1 a message has d signs, hence exactly d bits and a scale; 0 sends exact zeros as zero.

    Raises
    ------
    WrongUse
        If `zero` is something else.

    Notes
    -----
    δ = 1/d: attained by 1-sparse vectors if the sign of zero is 1, else approached by vectors with one large entry and
    no zero. Source: S-d0 (derived).

    With ``zero=0`` the alphabet is ternary where exact zeros are present. The decoder then has to be told which they
    are, so the price charges their number, ⌈log2(d + 1)⌉ bits, their positions, and a sign for each of the others:
    that is d bits and the number where there are none, and never more than ⌈d·log2 3⌉ bits and the number.

    Examples
    --------
    >>> import numpy as np
    >>> ScaledSign().compress(np.array([3.0, -5.0, 0.0, 4.0]))
    array([ 3., -3.,  3.,  3.])
    >>> ScaledSign(zero=0).compress(np.array([3.0, -5.0, 0.0, 4.0]))
    array([ 3., -3.,  0.,  3.])
    """

    homogeneous: ClassVar[bool] = True
    symmetric: ClassVar[bool] = True

    zero: int = 1

    def validate(self) -> None:
        check_choice(self, "zero", (1, 0))

    @property
    def keeps_zeros(self) -> bool:  # type: ignore[override]
        return not self.zero

    def layout(self, d: int, dtype: Any) -> tuple[Field, ...]:
        return Numbers("scale", 1, side=True), *sign_fields(d, self.zero)

    def parts(self, x: Array, draw: Any) -> dict[str, Array]:
        return {"scale": kernels.mean_abs(x)[..., None], **sign_parts(x)}

    def assemble(self, parts: Mapping[str, Array], draw: Any, d: int, dtype: Any) -> Array:
        return signed(parts, parts["scale"], self.zero)

    def take_from(
        self, memory: Array, v: Array, scale: Any, draw: Any, threads: int, into: Any = None
    ) -> tuple[Any, Array] | None:
        return feedback.scaled_sign(memory, v, scale, threads, into) if self.zero == 1 else None

    def constants(self, d: int, n: int = 1) -> CompressorConstants:
        how = "attained by 1-sparse vectors" if self.zero else "approached by one large entry and no zero"
        return CompressorConstants(delta=exact(1 / d, f"S-d0: 1/d, {how}"))

    def expected_error(self, x: Array) -> Array:
        return kernels.sum_sq_difference(x, self.message(x, None))

    def price(self, n: int, d: int, dtype: Any) -> Any:
        return float(d + width(dtype)) if self.zero else None

    def price_of(self, message: Array) -> Array:
        return width(message.dtype) + ternary_price(message)
