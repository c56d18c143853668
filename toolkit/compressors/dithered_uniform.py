"""Random rounding of every coordinate to a multiple of a fixed spacing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from toolkit import kernels
from toolkit.arrays import Array, namespace
from toolkit.codecs.integers import positive
from toolkit.compressors._base import Compressor
from toolkit.compressors._check import check_positive, check_switch
from toolkit.compressors._fields import per_row
from toolkit.compressors._rounding import rounded, rounding_variance
from toolkit.constants import CompressorConstants, exact
from toolkit.entropy import elias_gamma_bits
from toolkit.layout import SEED_BITS, Field, Levels, Seed

LARGEST = 2**51 - 2  # of the levels before they are rounded, so that the codes take them


class DitheredUniform(Compressor):
    r"""Dithered uniform quantiser: round x_j plus a random dither to a multiple of Δ; the receiver may subtract it.

    .. math:: C(x)_j = \Delta\,l_j \ \text{ or, subtractive, }\ \Delta\,(l_j + u_j - \tfrac12), \qquad
              l_j = \Big\lceil \frac{x_j}\Delta - u_j \Big\rceil, \qquad u_j \text{ uniform on } (0, 1) .

    .. math:: E(C(x)_j - x_j)^2 = \Delta^2 f_j(1 - f_j) \ \text{ or, subtractive, }\ \frac{\Delta^2}{12}, \qquad
              f_j = \frac{x_j}\Delta - \Big\lfloor \frac{x_j}\Delta \Big\rfloor .

    Parameters
    ----------
    spacing : float
        Δ, the distance of neighbouring levels, above 0, in the unit of the message and known to the receiver; may be
        swept.
    subtractive : bool
        Whether the receiver draws the dither again and subtracts it; the seed is then sent.

    Raises
    ------
    WrongUse
        If `spacing` is not a positive number or `subtractive` is not True or False.

    Notes
    -----
    Both are unbiased, and neither has an ω: the error does not shrink with the vector. Without subtraction the message
    is x_j rounded at random to one of the two multiples of Δ next to it, and κ² = dΔ²/4, attained half-way between
    them. With subtraction C(x)_j − x_j is uniform on Δ[−½, ½] whatever x is, so that κ² = dΔ²/12 with equality for
    every x; zero is not sent as zero. Source: sheet malcom_psgd, 3.1 (derived); Schuchman, 'Dither signals and their
    effect on quantization noise' (1964) (recalled).

    The alphabet is unbounded, up to where codes of integers end: a coordinate beyond ±(2⁵¹ − 2)Δ is sent as if it were
    that large, and κ² holds for vectors within (`domain`). The price is that of the Elias gamma code words of the
    levels, signs folded in, and of the seed.

    Examples
    --------
    >>> import numpy as np
    >>> from toolkit.draws import Draw
    >>> x = np.array([0.5, -1.25, 0.0])
    >>> DitheredUniform(spacing=0.25).compress(x, Draw(seed=1))
    array([ 0.5 , -1.25,  0.  ])
    >>> sent = DitheredUniform(spacing=0.25, subtractive=True).compress(x, Draw(seed=1))
    >>> bool((abs(sent - x) < 0.125).all())
    True
    >>> DitheredUniform(spacing=2.0, subtractive=True).expected_error(x[None, None])
    array([[1.]])
    """

    random: ClassVar[bool] = True
    symmetric: ClassVar[bool] = True

    spacing: float
    subtractive: bool = False

    def validate(self) -> None:
        check_positive(self, "spacing")
        check_switch(self, "subtractive")

    @property
    def summable(self) -> bool:  # type: ignore[override]
        return not self.subtractive

    @property
    def fixes_zero(self) -> bool:  # type: ignore[override]
        return not self.subtractive

    @property
    def keeps_zeros(self) -> bool:  # type: ignore[override]
        return not self.subtractive

    def layout(self, d: int, dtype: Any) -> tuple[Field, ...]:
        levels = Levels("level", d)
        return (Seed(), levels) if self.subtractive else (levels,)

    def parts(self, x: Array, draw: Any) -> dict[str, Array]:
        xp = namespace(x)
        level = rounded(self._clipped(x) / self.spacing, draw.of("dither").uniform(x.shape[-1]))
        return {"level": xp.astype(level, xp.int64)}

    def assemble(self, parts: Mapping[str, Array], draw: Any, d: int, dtype: Any) -> Array:
        xp = namespace(parts["level"])
        level = xp.astype(parts["level"], xp.float64)
        if self.subtractive:
            level = level + (draw.of("dither").uniform(d) - 0.5)
        return xp.astype(level * self.spacing, dtype)

    def _clipped(self, x: Array) -> Array:
        """Return x within ±(2⁵¹ − 2)Δ, in double precision so that the dither keeps its law."""
        xp = namespace(x)
        wide, largest = xp.astype(x, xp.float64), xp.asarray(LARGEST * self.spacing)
        # Comparisons and no minimum, so that what is not a number, in a run that diverges, has a level as well.
        return xp.where(wide < largest, xp.where(wide > -largest, wide, -largest), largest)

    def constants(self, d: int, n: int = 1) -> CompressorConstants:
        if self.subtractive:
            return CompressorConstants(kappa_sq=exact(self._uniform_error(d), "dΔ²/12, attained by every x"))
        source = "dΔ²/4, attained half-way between multiples of Δ"
        return CompressorConstants(kappa_sq=exact(d * self.spacing**2 / 4, source))

    def domain(self, d: int, dtype: Any) -> tuple[float, float]:
        low, high = super().domain(d, dtype)
        return low, min(high, LARGEST * float(np.min(self.spacing)))

    def _uniform_error(self, d: int) -> Any:
        return d * self.spacing**2 / 12

    def expected_error(self, x: Array) -> Array:
        xp = namespace(x)
        clipped = self._clipped(x)
        if self.subtractive:
            error = per_row(self._uniform_error(x.shape[-1]))
        else:
            error = per_row(self.spacing) ** 2 * xp.sum(rounding_variance(clipped / self.spacing), axis=-1)
        return xp.astype(kernels.sum_sq_difference(xp.astype(x, xp.float64), clipped) + error, x.dtype)

    def price(self, n: int, d: int, dtype: Any) -> None:
        return None

    def price_of(self, message: Array) -> Array:
        level = np.rint(np.asarray(message, dtype=float) / self.spacing).astype(np.int64)
        bits = elias_gamma_bits(positive(level, None, None)).sum(axis=-1).astype(float)
        return bits + SEED_BITS if self.subtractive else bits
