"""Send the signs and one scale."""

from __future__ import annotations

from typing import Any

import numpy as np

from toolkit import kernels
from toolkit.arrays import Array, namespace
from toolkit.compressors._base import Compressor
from toolkit.compressors._bits import sparse_price, width
from toolkit.constants import CompressorConstants, exact
from toolkit.errors import WrongUse


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

    zero: int = 1

    def validate(self) -> None:
        if self.zero not in (0, 1):
            raise WrongUse(
                f"ScaledSign(zero={self.zero!r})", "the sign of zero is a convention", "give zero=1 or zero=0"
            )

    def message(self, x: Array, draw: Any) -> Array:
        xp = namespace(x)
        scale = xp.sum(xp.abs(x), axis=-1, keepdims=True) / x.shape[-1]
        return xp.where(x < 0, -scale, scale) if self.zero else scale * xp.sign(x)

    def constants(self, d: int) -> CompressorConstants:
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
