"""Random rounding of every coordinate to a power of two."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from toolkit import kernels
from toolkit.arrays import Array
from toolkit.compressors._base import Compressor
from toolkit.compressors._unbiased import unbiased
from toolkit.constants import CompressorConstants, exact
from toolkit.kernels import feedback
from toolkit.layout import Field, Levels


class Natural(Compressor):
    r"""Natural compression: round each magnitude at random, without bias, to one of the two nearest powers of two.

    .. math:: C(x)_j = \mathrm{sign}(x_j)\,2^{z + b}, \qquad z = \lfloor \log_2 |x_j| \rfloor, \qquad
              P(b = 1) = \frac{|x_j|}{2^z} - 1, \qquad
              E(C(x)_j - x_j)^2 = (|x_j| - 2^z)(2^{z + 1} - |x_j|) .

    Notes
    -----
    ω = 1/8, attained if every magnitude is 4/3 times a power of two; δ = 7/8. Source: S-n1 (derived).

    A message is the sign and the exponent field of each coordinate: 9 bits for float32, 12 for float64. Two ends of
    the number range follow from that, and the constants hold between them. A magnitude below the smallest normal
    number is rounded, still without bias, to zero or to that number, because subnormal powers of two have no exponent
    field of their own. A magnitude above the largest power of two (2^1023, or 2^127 for float32) becomes that power,
    with certainty: the next one would be infinite.

    Examples
    --------
    >>> import numpy as np
    >>> from toolkit.draws import Draw
    >>> Natural().compress(np.array([-4.0, 0.0, 0.25]), Draw(seed=1))
    array([-4.  ,  0.  ,  0.25])
    >>> Natural().expected_error(np.array([[[3.0]]]))
    array([[1.]])
    """

    random: ClassVar[bool] = True
    symmetric: ClassVar[bool] = True
    keeps_zeros: ClassVar[bool] = True

    def layout(self, d: int, dtype: Any) -> tuple[Field, ...]:
        return (Levels("code", d, 0, 2 ** (1 + np.finfo(dtype).iexp) - 1),)

    def message(self, x: Array, draw: Any) -> Array:
        return kernels.natural(x, draw.of("rounding"))

    def parts(self, x: Array, draw: Any) -> dict[str, Array]:
        below, gap, fraction = _law(x)
        up = draw.of("rounding").uniform(x.shape[-1]) < fraction
        rounded = np.copysign(below + np.where(up, gap, 0), x)
        return {"code": rounded.view(f"u{x.dtype.itemsize}") >> np.finfo(x.dtype).nmant}

    def assemble(self, parts: Mapping[str, Array], draw: Any, d: int, dtype: Any) -> Array:
        bits = parts["code"].astype(f"u{np.dtype(dtype).itemsize}") << np.finfo(dtype).nmant
        return bits.view(dtype)

    def take_from(
        self, memory: Array, v: Array, scale: Any, draw: Any, threads: int, into: Any = None
    ) -> tuple[Any, Array]:
        return feedback.natural(memory, v, scale, draw.of("rounding"), threads, into)

    def constants(self, d: int, n: int = 1) -> CompressorConstants:
        return unbiased(exact(0.125, "S-n1: 1/8, attained at |x_j| = 4/3·2^z"), n)

    def domain(self, d: int, dtype: Any) -> tuple[float, float]:
        info = np.finfo(dtype)
        return float(info.smallest_normal), float(np.ldexp(0.5, info.maxexp))

    def expected_error(self, x: Array) -> Array:
        below, gap, fraction = _law(x)
        above = np.abs(x) - below
        return np.sum((1 - fraction) * above**2 + fraction * (gap - above) ** 2, axis=-1)

    def price(self, n: int, d: int, dtype: Any) -> float:
        return float(d * (1 + np.finfo(dtype).iexp))


def _law(x: Array) -> tuple[Array, Array, Array]:
    """Return the power of two at or below each magnitude, the distance to the next, and the probability of that."""
    bits = np.dtype(f"i{x.dtype.itemsize}")
    exponent_field = int(np.asarray(np.inf, dtype=x.dtype).view(bits))  # infinity is the field alone, all ones
    magnitude = np.abs(x)
    below = (magnitude.view(bits) & exponent_field).view(x.dtype)  # of subnormal numbers and zero: 0
    gap = np.maximum(below, np.finfo(x.dtype).smallest_normal)
    largest = np.ldexp(x.dtype.type(0.5), np.finfo(x.dtype).maxexp)
    return below, gap, np.where(below < largest, (magnitude - below) / gap, 0)
