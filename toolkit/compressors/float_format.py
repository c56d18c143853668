"""Round every coordinate to a narrower floating-point format."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from toolkit.arrays import Array
from toolkit.compressors._base import Compressor
from toolkit.compressors._check import check_choice
from toolkit.compressors._rounding import rounded
from toolkit.compressors._unbiased import unbiased
from toolkit.constants import CompressorConstants, exact
from toolkit.layout import Field, Levels


@dataclass(frozen=True)
class _Format:
    """The finite numbers ±m·2^{e − p}, with integers m and e, that a format has.

    Parameters
    ----------
    bits : int
        Of a number.
    p : int
        Of the fraction: m < 2^{p + 1}.
    least : int
        The smallest e, which subnormal numbers, m < 2^p, have.
    last : int
        The code of the largest finite number.
    """

    bits: int
    p: int
    least: int
    last: int

    def decoded(self, code: Array, dtype: Any) -> Array:
        """Return the magnitudes of codes without sign."""
        exponent = np.maximum((code >> self.p) - 1, 0)
        return np.ldexp((code - (exponent << self.p)).astype(dtype), (exponent + self.least - self.p).astype(np.int32))

    @property
    def largest(self) -> float:
        """The largest finite number."""
        return float(self.decoded(np.array(self.last), float))


FORMATS = {
    "float16": _Format(16, 10, -14, 0x7BFF),
    "bfloat16": _Format(16, 7, -126, 0x7F7F),
    "float8_e4m3": _Format(8, 3, -6, 0x7E),
    "float8_e5m2": _Format(8, 2, -14, 0x7B),
}


class FloatFormat(Compressor):
    r"""Floating-point format: round each coordinate to the nearest number of a narrower format, or at random.

    .. math:: C(x)_j \in \{\pm m\,2^{e - p}\}, \qquad
              |C(x)_j - x_j| \le \frac{u}{1 + u}|x_j| \ \text{ (nearest)}, \qquad
              E(C(x)_j - x_j)^2 = (x_j - l)(h - x_j) \ \text{ (stochastic)},

    with p bits of fraction, u = 2^{−p−1}, and l ≤ x_j ≤ h the neighbours of x_j in the format; the bound is for normal
    numbers.

    Parameters
    ----------
    format : {'float16', 'bfloat16', 'float8_e4m3', 'float8_e5m2'}
        IEEE half precision (p = 10), bfloat16 (p = 7), and the 8-bit formats of the Open Compute Project (p = 3, of
        which the largest number is 448, and p = 2).
    rounding : {'nearest', 'stochastic'}
        To the nearest number, ties to the even one; or to a neighbour, without bias.

    Raises
    ------
    WrongUse
        If a field is something else.

    Notes
    -----
    No message is infinite: what is larger than the largest number of the format becomes that number, with certainty.
    Subnormal numbers are those of the format, so that magnitudes below the smallest normal one have an absolute and no
    relative precision, down to zero. The sign of zero is kept.

    Between the smallest normal and the largest number (`normal_range`), δ = 1 − u²/(1 + u)², attained by numbers 1 + u
    times a power of two, for rounding to nearest, and ω = ε²/(4(1 + ε)), ε = 2^{−p}, attained by 1 + ε/(2 + ε) times
    a power of two, for stochastic rounding (derived; ε = 1 is natural compression). Nothing holds for all vectors: far
    below the range all is lost, and so it is, relatively, far above. `constants` declares these two only for bfloat16,
    whose range is that of single precision; `constants_in_range` gives them for every format.

    The price is the bits of the format for each coordinate, which is how it is sent. Sources: IEEE 754-2019; OCP 8-bit
    floating point specification (recalled).

    Examples
    --------
    >>> import numpy as np
    >>> FloatFormat(format="float8_e4m3").compress(np.array([1.0625, 1.1, -1000.0, 0.0009]))
    array([   1.   ,    1.125, -448.   ,    0.   ])
    >>> FloatFormat(format="float16").normal_range
    (6.103515625e-05, 65504.0)
    """

    symmetric: ClassVar[bool] = True
    keeps_zeros: ClassVar[bool] = True

    format: str
    rounding: str = "nearest"

    def validate(self) -> None:
        check_choice(self, "format", FORMATS)
        check_choice(self, "rounding", ("nearest", "stochastic"))

    @property
    def random(self) -> bool:  # type: ignore[override]
        return self.rounding == "stochastic"

    @property
    def normal_range(self) -> tuple[float, float]:
        """The smallest normal and the largest number of the format."""
        narrow = FORMATS[self.format]
        return 2.0**narrow.least, narrow.largest

    def layout(self, d: int, dtype: Any) -> tuple[Field, ...]:
        return (Levels("code", d, 0, 2 ** FORMATS[self.format].bits - 1),)

    def parts(self, x: Array, draw: Any) -> dict[str, Array]:
        narrow = FORMATS[self.format]
        exponent, multiple = self._multiples(x)
        if self.random:
            multiple = rounded(multiple, draw.of("rounding").uniform(x.shape[-1]))
        else:
            multiple = np.rint(multiple)
        sign = np.signbit(x).astype(np.int64) << (narrow.bits - 1)
        return {"code": self._coded(exponent, multiple) + sign}

    def assemble(self, parts: Mapping[str, Array], draw: Any, d: int, dtype: Any) -> Array:
        narrow = FORMATS[self.format]
        code = np.asarray(parts["code"], dtype=np.int64)
        negative, magnitude = code >> (narrow.bits - 1), code & (2 ** (narrow.bits - 1) - 1)
        return np.copysign(narrow.decoded(magnitude, dtype), (-negative).astype(dtype))

    def _multiples(self, x: Array) -> tuple[Array, Array]:
        """Return e for each |x_j|, and |x_j| in multiples of 2^{e − p}, below 2^{p + 1}."""
        narrow = FORMATS[self.format]
        magnitude = np.abs(x)
        exponent = np.frexp(magnitude)[1] - 1
        exponent = np.where(magnitude > 0, np.maximum(exponent, narrow.least), narrow.least)
        return exponent, np.ldexp(magnitude, narrow.p - exponent)

    def _coded(self, exponent: Array, multiple: Array) -> Array:
        """Return the codes without sign of m·2^{e − p}; the code after the last of one e is the first of the next."""
        narrow = FORMATS[self.format]
        code = ((exponent.astype(np.int64) - narrow.least) << narrow.p) + multiple.astype(np.int64)
        return np.minimum(code, narrow.last)

    def constants(self, d: int, n: int = 1) -> CompressorConstants:
        if self.normal_range[0] > np.finfo(np.float32).smallest_normal:
            return CompressorConstants()
        return self.constants_in_range(d, n)

    def domain(self, d: int, dtype: Any) -> tuple[float, float]:
        low, high = super().domain(d, dtype)
        return max(low, self.normal_range[0]), min(high, self.normal_range[1])

    def constants_in_range(self, d: int, n: int = 1) -> CompressorConstants:
        """Return the constants for vectors whose entries are zero or have a magnitude in `normal_range`.

        Examples
        --------
        >>> float(FloatFormat(format="float8_e5m2", rounding="stochastic").constants_in_range(10).omega)
        0.0125
        """
        epsilon = 2.0 ** -FORMATS[self.format].p
        if self.random:
            return unbiased(exact(epsilon**2 / (4 * (1 + epsilon)), "derived: ε²/(4(1 + ε)), ε = 2^{−p}"), n)
        lost = (epsilon / 2 / (1 + epsilon / 2)) ** 2
        return CompressorConstants(delta=exact(1 - lost, "derived: 1 − u²/(1 + u)², u = 2^{−p−1}"))

    def expected_error(self, x: Array) -> Array:
        exponent, multiple = self._multiples(x)
        narrow, magnitude = FORMATS[self.format], np.abs(x)
        if not self.random:
            nearest = narrow.decoded(self._coded(exponent, np.rint(multiple)), x.dtype)
            return np.sum((magnitude - nearest) ** 2, axis=-1)
        below = np.floor(multiple)
        low, high = (narrow.decoded(self._coded(exponent, below + up), x.dtype) for up in (0, 1))
        up = multiple - below
        return np.sum((1 - up) * (magnitude - low) ** 2 + up * (magnitude - high) ** 2, axis=-1)

    def price(self, n: int, d: int, dtype: Any) -> float:
        return float(d * FORMATS[self.format].bits)
