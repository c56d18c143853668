"""Send the signs and one scale."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from toolkit import kernels
from toolkit.arrays import Array, namespace
from toolkit.compressors._base import Compressor
from toolkit.compressors._bits import sparse_price, width
from toolkit.constants import CompressorConstants, exact
from toolkit.errors import WrongUse
from toolkit.layout import Field, Levels, Numbers, Positions


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
        if self.zero not in (0, 1):
            raise WrongUse(
                f"ScaledSign(zero={self.zero!r})", "the sign of zero is a convention", "give zero=1 or zero=0"
            )

    def layout(self, d: int, dtype: Any) -> tuple[Field, ...]:
        scale = Numbers("scale", 1, side=True)
        if self.zero:
            return scale, Levels("negative", d, 0, 1)
        return scale, Positions("nonzero", d), Levels("negative", d, 0, 1, at="nonzero")

    def parts(self, x: Array, draw: Any) -> dict[str, Array]:
        scale = namespace(x).sum(namespace(x).abs(x), axis=-1, keepdims=True) / x.shape[-1]
        return {"scale": scale, "nonzero": x != 0, "negative": x < 0}

    def assemble(self, parts: Mapping[str, Array], draw: Any, d: int, dtype: Any) -> Array:
        scale = parts["scale"]
        xp = namespace(scale)
        signed = xp.where(xp.astype(parts["negative"], xp.bool), -scale, scale)
        return signed if self.zero else xp.where(parts["nonzero"], signed, xp.zeros_like(signed))

    def constants(self, d: int, n: int = 1) -> CompressorConstants:
        how = "attained by 1-sparse vectors" if self.zero else "approached by one large entry and no zero"
        return CompressorConstants(delta=exact(1 / d, f"S-d0: 1/d, {how}"))

    def expected_error(self, x: Array) -> Array:
        return kernels.sum_sq_difference(x, self.message(x, None))

    def price(self, n: int, d: int, dtype: Any) -> Any:
        return float(d + width(dtype)) if self.zero else None

    def price_of(self, message: Array) -> Array:
        d = message.shape[-1]
        signs = np.count_nonzero(np.asarray(message), axis=-1)
        return width(message.dtype) + d.bit_length() + sparse_price(signs, d, 1)
