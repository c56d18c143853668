"""Send the signs alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from toolkit import kernels
from toolkit.arrays import Array, namespace
from toolkit.compressors._base import Compressor
from toolkit.compressors._check import check_choice
from toolkit.compressors._signs import sign_fields, sign_parts, signed, ternary_price
from toolkit.layout import Field


class RawSign(Compressor):
    r"""Raw sign: send the sign of each coordinate, without a scale.

    .. math:: C(x)_j = \mathrm{sign}(x_j), \qquad
              \|C(x) - x\|^2 = \sum_{x_j \neq 0} (1 - |x_j|)^2 + |\{j : x_j = 0\}|\,\mathrm{sign}(0)^2 .

    Parameters
    ----------
    zero : {1, 0, 'random'}
        The sign of zero: +1, as in the code of the majority vote; 0, as in the first code of signSGD; or a fair coin
        for each zero, which its authors found to make little difference. Source: sheet sign_methods, 1.5 (code).

    Raises
    ------
    WrongUse
        If `zero` is something else.

    Notes
    -----
    It has none of the constants. It is no contraction: of a small vector it sends a large one, and C(0) = 0 holds only
    with ``zero=0``. It is biased. The error (1 − |x_j|)² grows without limit, so there is no κ² either. What it has
    is an alphabet of ±1 (and 0 with ``zero=0``) and C(tx) = C(x) for t > 0: the length of the step is the method's.

    The price is d bits. With ``zero=0`` the receiver has to be told which coordinates are zero; the price then charges
    their number, ⌈log2(d + 1)⌉ bits, the positions of the others, and a sign for each of those.

    Examples
    --------
    >>> import numpy as np
    >>> RawSign().compress(np.array([3.0, -5.0, 0.0]))
    array([ 1., -1.,  1.])
    >>> RawSign(zero=0).compress(np.array([3.0, -5.0, 0.0]))
    array([ 1., -1.,  0.])
    """

    symmetric: ClassVar[bool] = True

    zero: int | str = 1

    def validate(self) -> None:
        check_choice(self, "zero", (1, 0, "random"))

    @property
    def random(self) -> bool:  # type: ignore[override]
        return self.zero == "random"

    @property
    def fixes_zero(self) -> bool:  # type: ignore[override]
        return self.zero == 0

    @property
    def keeps_zeros(self) -> bool:  # type: ignore[override]
        return self.zero == 0

    def layout(self, d: int, dtype: Any) -> tuple[Field, ...]:
        return sign_fields(d, self.zero)

    def parts(self, x: Array, draw: Any) -> dict[str, Array]:
        parts = sign_parts(x)
        if self.random:
            heads = draw.of("signs of zeros").uniform(x.shape[-1]) < 0.5
            parts["negative"] = namespace(x).where(parts["nonzero"], parts["negative"], heads)
        return parts

    def assemble(self, parts: Mapping[str, Array], draw: Any, d: int, dtype: Any) -> Array:
        xp = namespace(parts["negative"])
        return signed(parts, xp.ones((1, 1, 1), dtype=dtype), self.zero)

    def expected_error(self, x: Array) -> Array:
        one = namespace(x).ones_like(x[..., :1])
        return kernels.sum_sq_difference(x, signed(sign_parts(x), one, self.zero))

    def price(self, n: int, d: int, dtype: Any) -> Any:
        return None if self.zero == 0 else float(d)

    def price_of(self, message: Array) -> Array:
        return ternary_price(message)
