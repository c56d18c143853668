"""Random rounding of every coordinate to a power of two times the norm."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np

from toolkit.arrays import Array
from toolkit.compressors._base import Compressor
from toolkit.compressors._bits import symbol_bits, width
from toolkit.compressors._check import check_choice, check_count
from toolkit.compressors._norms import NORMS, norm_and_levels
from toolkit.compressors._rounding import rounded, rounding_variance
from toolkit.compressors._unbiased import unbiased
from toolkit.constants import CompressorConstants, exact, upper_bound
from toolkit.layout import Field, Levels, Numbers


class NaturalDithering(Compressor):
    r"""Natural dithering: round each |x_j|/‖x‖ at random, without bias, to a neighbour among 0, 2^{1−s}, …, ¼, ½, 1.

    .. math:: C(x)_j = \|x\|\,\mathrm{sign}(x_j)\,\xi_j, \qquad E\,\xi_j = y_j = \frac{|x_j|}{\|x\|}, \qquad
              E\|C(x) - x\|^2 = \|x\|^2 \sum_j (y_j - l_j)(u_j - y_j),

    where l_j ≤ y_j ≤ u_j are the two neighbours.

    Parameters
    ----------
    s : int
        Number of levels above zero, at least 1; may be swept. With s ≤ 2 it is `QSGD`.
    norm : {'2', 'max', '1'}
        The norm that is divided into levels, and sent.

    Raises
    ------
    WrongUse
        If `s` is no positive integer or `norm` is none of these.

    Notes
    -----
    Let a = 2^{1−s} be the smallest level. Between two levels above it the relative variance of a coordinate is at most
    1/8 (as in `Natural`); below it, where y(a − y) is the variance, it grows without limit. Hence ω, with w = 1 + λ and
    λ the Lagrange multiplier of Σ y_j² (all derived):

    - Maximum norm: the larger of (√(1 + (d − 1)a²) − 1)/2, attained if all coordinates but one have y = a/(2w), and,
      for s ≥ 2, w − 1 with 4w(w − 1) = (d − 1)(9/4 − 2w), attained if they have y = 3/(4w), a bit above ½; the latter
      is below 1/8. Sharp.
    - 2-norm, with t = a√d: w − 1 + t²/(4w), w = max(t/2, 9/8 − a²/2). Where t/2 is the larger this is t − 1, attained
      by vectors of constant magnitude; otherwise a bound.
    - 1-norm, with t = ad: t − 1 if t ≥ 3/2, attained by vectors of constant magnitude; otherwise the bound
      1/8 + t²/(18 − 8t), which is for any powers of two instead of those in reach.

    `printed_omega` is the paper's, which is larger (S-n3, recalled). In dimension 1 every message is exact.

    The price is the norm and ⌈log2(2s + 1)⌉ bits for sign and level of each coordinate. Source: Horváth et al.,
    'Natural compression for distributed deep learning' (2019) (recalled).

    Examples
    --------
    >>> import numpy as np
    >>> from toolkit.draws import Draw
    >>> NaturalDithering(s=3, norm="max").compress(np.array([4.0, -2.0, 1.0, 0.0]), Draw(seed=1))
    array([ 4., -2.,  1.,  0.])
    >>> NaturalDithering(s=3, norm="max").expected_error(np.array([[[4.0, 3.0, 0.5]]]))
    array([[1.25]])
    """

    random: ClassVar[bool] = True
    homogeneous: ClassVar[bool] = True
    symmetric: ClassVar[bool] = True
    keeps_zeros: ClassVar[bool] = True

    s: int
    norm: str = "2"

    def validate(self) -> None:
        check_count(self, "s")
        check_choice(self, "norm", NORMS)

    def layout(self, d: int, dtype: Any) -> tuple[Field, ...]:
        return Numbers("norm", 1, side=True), Levels("level", d, -self.s, self.s)

    def parts(self, x: Array, draw: Any) -> dict[str, Array]:
        norm, exponent, multiple = self._norm_and_cells(x)
        up = rounded(multiple, draw.of("levels").uniform(x.shape[-1]))
        # Multiples 0, 1 and 2 of the power of two: 1 is the level of that power, 2 that of the next.
        level = np.where(up > 0, exponent + self.s + up - 1, 0)
        return {"norm": norm, "level": np.sign(x).astype(np.int64) * level.astype(np.int64)}

    def assemble(self, parts: Mapping[str, Array], draw: Any, d: int, dtype: Any) -> Array:
        level = np.asarray(parts["level"])
        power = np.ldexp(parts["norm"], (np.abs(level) - self.s).astype(np.int32))
        return np.sign(level).astype(power.dtype) * power

    def _norm_and_cells(self, x: Array) -> tuple[Array, Array, Array]:
        """Return ‖x‖, and for each y_j the exponent of its cell's power of two and y_j in multiples of that power."""
        norm, y = norm_and_levels(x, self.norm)
        y = y.astype(x.dtype)
        exponent = np.maximum(np.frexp(y)[1] - 1, 1 - np.asarray(self.s))
        exponent = np.where(y > 0, exponent, 0).astype(np.int32)
        return norm, exponent, np.ldexp(y, -exponent)

    def constants(self, d: int, n: int = 1) -> CompressorConstants:
        if d == 1:
            return unbiased(exact(0 / self.s, "d = 1: every message is exact"), n)
        omega, attained, source = _WORST[self.norm](d, 2.0 ** (1 - np.asarray(self.s, dtype=float)))
        return unbiased((exact if np.all(attained) else upper_bound)(omega[()], f"derived: {source}"), n)

    def printed_omega(self, d: int) -> Any:
        r"""Return the relative variance of the paper: with r = 1 in the 1-norm and 2 otherwise (S-n3, recalled),

        .. math:: \tfrac18 + d^{1/r}\,2^{1-s} \min\{1,\ d^{1/r}\,2^{1-s}\} .

        Examples
        --------
        >>> float(NaturalDithering(s=4).printed_omega(16))
        0.375
        """
        t = (d if self.norm == "1" else np.sqrt(d)) * 2.0 ** (1 - np.asarray(self.s, dtype=float))
        return (0.125 + t * np.minimum(1, t))[()]

    def expected_error(self, x: Array) -> Array:
        norm, exponent, multiple = self._norm_and_cells(x)
        return norm[..., 0] ** 2 * np.sum(np.ldexp(rounding_variance(multiple), 2 * exponent), axis=-1)

    def price(self, n: int, d: int, dtype: Any) -> Any:
        return width(dtype) + d * symbol_bits(2 * self.s + 1)


def _worst_2(d: int, a: Array) -> tuple[Array, Any, str]:
    t = a * np.sqrt(d)
    tie = 9 / 8 - a * a / 2
    w = np.maximum(t / 2, tie)
    return w - 1 + t * t / (4 * w), t / 2 >= tie, "t − 1 if t/2 ≥ 9/8 − a²/2, else w − 1 + t²/(4w), t = √d 2^{1−s}"


def _worst_max(d: int, a: Array) -> tuple[Array, Any, str]:
    rest = d - 1
    low = (np.sqrt(1 + rest * a * a) - 1) / 2
    b = 4 - 2 * rest
    high = (b + np.sqrt(b * b + 36 * rest)) / 8 - 1
    return np.maximum(low, np.where(a < 1, high, 0)), True, "the larger of two maxima, see the class"


def _worst_1(d: int, a: Array) -> tuple[Array, Any, str]:
    t = a * d
    few = t >= 1.5
    return np.where(few, t - 1, 0.125 + t * t / (18 - 8 * np.minimum(t, 1.5))), few, "t − 1 if t ≥ 3/2, t = d 2^{1−s}"


_WORST: dict[str, Callable[[int, Array], tuple[Array, Any, str]]] = {"1": _worst_1, "2": _worst_2, "max": _worst_max}
