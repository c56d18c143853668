"""Random rounding of every coordinate to one of s levels of the norm."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from toolkit import kernels
from toolkit.arrays import Array, namespace
from toolkit.compressors._base import Compressor
from toolkit.compressors._bits import width
from toolkit.compressors._check import check_count
from toolkit.compressors._fields import like, per_row
from toolkit.compressors._unbiased import unbiased
from toolkit.constants import CompressorConstants, exact, upper_bound
from toolkit.layout import Field, Levels, Numbers


class QSGD(Compressor):
    r"""QSGD: round each magnitude at random, without bias, to a multiple of ‖x‖/s.

    .. math:: C(x)_j = \|x\|\,\mathrm{sign}(x_j)\,\frac{l_j + b_j}{s}, \qquad
              l_j = \Big\lfloor \frac{s|x_j|}{\|x\|} \Big\rfloor, \qquad
              P(b_j = 1) = f_j = \frac{s|x_j|}{\|x\|} - l_j, \qquad
              E\|C(x) - x\|^2 = \frac{\|x\|^2}{s^2} \sum_j f_j(1 - f_j) .

    Parameters
    ----------
    s : int
        Number of levels above zero, at least 1; may be swept.

    Notes
    -----
    ω = √d/s − 1 if 4s² ≤ d, attained by vectors of constant magnitude, and ω ≤ d/(4s²) otherwise, attained if and only
    if d ≡ 4s² (mod 8): then s² is a sum of d terms (l_j + ½)², because every number is a sum of three triangular ones.
    The paper prints the larger min(d/s², √d/s). Source: S-q1 (derived, sharp form).

    The norm is taken of x/max|x_j|, so it neither overflows nor underflows as long as ‖x‖ itself does not. The price
    is the norm and ⌈log2(2s + 1)⌉ bits for sign and level of each coordinate.

    Examples
    --------
    >>> import numpy as np
    >>> from toolkit.draws import Draw
    >>> x = np.array([3.0, -4.0])
    >>> QSGD(s=5).compress(x, Draw(seed=1))
    array([ 3., -4.])
    >>> QSGD(s=1).expected_error(x[None, None])
    array([[10.]])
    """

    random: ClassVar[bool] = True
    homogeneous: ClassVar[bool] = True
    symmetric: ClassVar[bool] = True

    s: int

    def validate(self) -> None:
        check_count(self, "s")

    def layout(self, d: int, dtype: Any) -> tuple[Field, ...]:
        return Numbers("norm", 1, side=True), Levels("level", d, -self.s, self.s)

    def parts(self, x: Array, draw: Any) -> dict[str, Array]:
        xp = namespace(x)
        norm, exact_level = self._norm_and_levels(x)
        below = xp.floor(exact_level)
        up = draw.of("levels").uniform(x.shape[-1]) < exact_level - below
        level = xp.sign(x) * xp.where(up, below + 1, below)
        return {"norm": norm, "level": xp.astype(level, xp.int64)}

    def assemble(self, parts: Mapping[str, Array], draw: Any, d: int, dtype: Any) -> Array:
        norm, xp = parts["norm"], namespace(parts["norm"])
        return norm * (xp.astype(parts["level"], norm.dtype) / like(self.s, norm))

    def _norm_and_levels(self, x: Array) -> tuple[Array, Array]:
        """Return ‖x‖, shape (run, worker, 1), and s|x_j|/‖x‖."""
        xp = namespace(x)
        magnitude = xp.abs(x)
        peak = xp.max(magnitude, axis=-1, keepdims=True)
        one = xp.ones_like(peak)
        shape = magnitude / xp.where(peak > 0, peak, one)
        length = xp.maximum(xp.sqrt(kernels.sum_sq(shape)[..., None]), one)  # at least 1 but for the zero vector
        return peak * length, like(self.s, x) * shape / length

    def constants(self, d: int, n: int = 1) -> CompressorConstants:
        s = self.s
        few = 4 * s * s <= d
        omega = np.where(few, np.sqrt(d) / s - 1, d / (4 * s * s))[()]
        attained = np.all(few | ((4 * s * s - d) % 8 == 0))
        return unbiased((exact if attained else upper_bound)(omega, "S-q1: √d/s − 1 if 4s² ≤ d, else d/(4s²)"), n)

    def expected_error(self, x: Array) -> Array:
        xp = namespace(x)
        norm, exact_level = self._norm_and_levels(x)
        f = exact_level - xp.floor(exact_level)
        return (norm[..., 0] / per_row(like(self.s, x))) ** 2 * xp.sum(f * (1 - f), axis=-1)

    def price(self, n: int, d: int, dtype: Any) -> Any:
        symbol = np.frexp(2.0 * np.asarray(self.s))[1]  # the number of binary digits of 2s, which is ⌈log2(2s + 1)⌉
        return (width(dtype) + d * symbol.astype(float))[()]
