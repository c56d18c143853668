"""Three levels, after clipping what is far from the rest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from toolkit import kernels
from toolkit.arrays import Array, namespace
from toolkit.compressors._base import Compressor
from toolkit.compressors._check import check_positive
from toolkit.compressors._fields import like
from toolkit.compressors.qsgd import QSGD
from toolkit.constants import CompressorConstants
from toolkit.layout import Field

TERNARY = QSGD(s=1, norm="max")


class TernGrad(Compressor):
    r"""TernGrad: clip at some standard deviations, then round each magnitude at random to 0 or the largest one.

    .. math:: C(x)_j = m\,\mathrm{sign}(x_j)\,b_j, \qquad P(b_j = 1) = |x'_j|/m, \qquad m = \max_j |x'_j|, \qquad
              x'_j = \min(\max(x_j, -c\sigma), c\sigma),

    with σ the standard deviation of the coordinates, σ² = (1/d) Σ (x_j − x̄)². The expected error is

    .. math:: E\|C(x) - x\|^2 = \sum_j |x'_j|\,(m - |x'_j|) + \|x' - x\|^2 .

    Parameters
    ----------
    clip : float, optional
        c, above 0; may be swept. 2.5 in the paper (recalled). Without it nothing is clipped, and the message is that of
        ``QSGD(s=1, norm='max')``.

    Raises
    ------
    WrongUse
        If `clip` is not a positive number.

    Notes
    -----
    Without clipping ω = (√d − 1)/2, attained if all coordinates but one are 1/(1 + √d) of that one (derived, see
    `QSGD`). With clipping the message is biased and a vector of equal coordinates, whose σ is 0, is lost altogether, so
    there are no constants; but m ≤ cσ ≤ c‖x‖/√d keeps the random part of the error below c‖x‖² in any dimension.

    The price is m and ⌈log2 3⌉ = 2 bits for each coordinate. Source: Wen et al., 'TernGrad: ternary gradients to reduce
    communication in distributed deep learning' (2017); σ is taken around the mean, as in the authors' code (code). That
    code can also take cσ for m, and share one m between the workers of a layer; both are left out.

    Examples
    --------
    >>> import numpy as np
    >>> from toolkit.draws import Draw
    >>> x = np.array([1.0, 0.0, 0.0, -1.0])
    >>> TernGrad().compress(x, Draw(seed=1))
    array([ 1.,  0.,  0., -1.])
    >>> TernGrad(clip=1.0).compress(2**0.5 * x, Draw(seed=1)).round(3)
    array([ 1.,  0.,  0., -1.])
    """

    random: ClassVar[bool] = True
    homogeneous: ClassVar[bool] = True
    symmetric: ClassVar[bool] = True
    keeps_zeros: ClassVar[bool] = True

    clip: float | None = None

    def validate(self) -> None:
        if self.clip is not None:
            check_positive(self, "clip")

    def layout(self, d: int, dtype: Any) -> tuple[Field, ...]:
        return TERNARY.layout(d, dtype)

    def parts(self, x: Array, draw: Any) -> dict[str, Array]:
        return TERNARY.parts(self._clipped(x), draw)

    def assemble(self, parts: Mapping[str, Array], draw: Any, d: int, dtype: Any) -> Array:
        return TERNARY.assemble(parts, draw, d, dtype)

    def _clipped(self, x: Array) -> Array:
        """Return x', by way of x/max|x_j|, whose squares neither overflow nor underflow."""
        if self.clip is None:
            return x
        xp = namespace(x)
        peak = xp.max(xp.abs(x), axis=-1, keepdims=True)
        shape = x / xp.where(peak > 0, peak, xp.ones_like(peak))
        mean = xp.sum(shape, axis=-1, keepdims=True) / x.shape[-1]
        deviation = xp.sqrt(kernels.sum_sq(shape - mean)[..., None] / x.shape[-1])
        limit = like(self.clip, x) * deviation
        return xp.where(xp.abs(shape) <= limit, x, xp.sign(x) * (xp.minimum(limit, xp.ones_like(limit)) * peak))

    def constants(self, d: int, n: int = 1) -> CompressorConstants:
        return TERNARY.constants(d, n) if self.clip is None else CompressorConstants()

    def expected_error(self, x: Array) -> Array:
        clipped = self._clipped(x)
        return TERNARY.expected_error(clipped) + kernels.sum_sq_difference(clipped, x)

    def price(self, n: int, d: int, dtype: Any) -> Any:
        return TERNARY.price(n, d, dtype)
