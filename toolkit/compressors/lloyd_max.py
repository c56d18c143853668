"""Round every coordinate to the best levels for a Gaussian or Laplace vector."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from toolkit import kernels
from toolkit.arrays import Array
from toolkit.compressors._base import Compressor
from toolkit.compressors._best_levels import SOURCES, best_levels
from toolkit.compressors._bits import symbol_bits, width
from toolkit.compressors._check import check_choice, check_count
from toolkit.constants import CompressorConstants, exact
from toolkit.errors import WrongUse
from toolkit.layout import Field, Levels, Numbers
from toolkit.parameters import values

MOST = 256  # levels


class LloydMax(Compressor):
    r"""Lloyd–Max quantiser: round each coordinate, in units of a scale, to the nearest of the best levels for a source.

    .. math:: C(x)_j = \rho\,c_{i(j)}, \qquad i(j) = \arg\min_i \Big|\frac{x_j}\rho - c_i\Big|, \qquad
              c_i = E[Z \mid Z \text{ is nearest to } c_i],

    where Z is the source, of mean 0 and variance 1; a tie goes to the upper level.

    Parameters
    ----------
    levels : int
        How many, from 2 to 256; may be swept. An odd number has the level 0.
    source : {'gaussian', 'laplace'}
        The law of Z.
    scale : {'rms', 'max'}
        ρ is the root mean square of the vector, or the one for which the largest level is the largest magnitude.

    Raises
    ------
    WrongUse
        If a field is impossible.

    Notes
    -----
    The levels solve Lloyd's two conditions, each threshold half-way between two levels and each level the mean of its
    cell, by Newton's method to 10⁻¹²; there is one solution because both densities are log-concave. `distortion` is the
    mean squared error on the source: 0.3634, 0.1175 and 0.0345 for 2, 4 and 8 levels and a Gaussian.

    Messages are deterministic and biased. With ``scale='max'`` the largest magnitude is sent exactly and the worst the
    others can do is to lie on a threshold: 1 − δ is the largest (d − 1)e²/(c² + (d − 1)t²) over the thresholds t ≥ 0,
    with e the distance of t to the levels beside it and c the largest level; it is attained if all magnitudes but one
    are that t (derived). The threshold 0 of an even number of levels makes this 1 or more from d = 1 + (c/e)² on, and
    then there is no δ. With ``scale='rms'`` none is declared: an even number of levels has none in large dimensions.

    The price is the scale and ⌈log2 levels⌉ bits for each coordinate. Source: Lloyd (1957, printed 1982), Max (1960)
    (recalled; the levels are computed).

    Examples
    --------
    >>> import numpy as np
    >>> LloydMax(levels=2).compress(np.array([1.0, -1.0])).round(4)
    array([ 0.7979, -0.7979])
    >>> LloydMax(levels=3, scale="max").compress(np.array([4.0, -3.0, 1.0]))
    array([ 4., -4.,  0.])
    >>> round(LloydMax(levels=4).distortion(), 4)
    0.1175
    """

    homogeneous: ClassVar[bool] = True
    symmetric: ClassVar[bool] = True

    levels: int
    source: str = "gaussian"
    scale: str = "rms"

    def validate(self) -> None:
        check_count(self, "levels")
        for levels in values(self.levels):
            if isinstance(levels, int) and not 2 <= levels <= MOST:
                raise WrongUse(
                    f"LloydMax(levels={levels})", f"there must be from 2 to {MOST} levels", "give such a number"
                )
        check_choice(self, "source", SOURCES)
        check_choice(self, "scale", ("rms", "max"))

    @property
    def keeps_zeros(self) -> bool:  # type: ignore[override]
        return all(isinstance(levels, int) and levels % 2 == 1 for levels in values(self.levels))

    def layout(self, d: int, dtype: Any) -> tuple[Field, ...]:
        return Numbers("scale", 1, side=True), Levels("level", d, 0, self.levels - 1)

    def parts(self, x: Array, draw: Any) -> dict[str, Array]:
        peak = np.max(np.abs(x), axis=-1, keepdims=True)
        shape = x / np.where(peak > 0, peak, 1)
        if self.scale == "rms":
            root = np.sqrt(kernels.sum_sq(shape)[..., None] / x.shape[-1])
            peak, shape = peak * root, shape / np.where(root > 0, root, 1)
        _, thresholds = self._tables(x.dtype)
        return {"scale": peak, "level": _count_below(thresholds, shape)}

    def assemble(self, parts: Mapping[str, Array], draw: Any, d: int, dtype: Any) -> Array:
        levels, _ = self._tables(dtype)
        return parts["scale"] * np.take_along_axis(levels, np.asarray(parts["level"], dtype=np.int64), axis=-1)

    def _tables(self, dtype: Any) -> tuple[Array, Array]:
        """Return levels and thresholds in units of what is sent as the scale, arrays (run or 1, 1, count).

        Where runs have different numbers of levels, thresholds that do not exist are NaN, which nothing is above, not
        even infinity; they end in one such.
        """
        each = [best_levels(self.source, int(one)) for one in values(self.levels)]
        most = max(table.count for table in each)
        levels, thresholds = np.zeros((len(each), 1, most)), np.full((len(each), 1, most), np.nan)
        for run, table in enumerate(each):
            unit = table.positive[-1] if self.scale == "max" else 1.0
            levels[run, 0, : table.count] = table.levels / unit
            thresholds[run, 0, : table.count - 1] = table.thresholds / unit
        return levels.astype(dtype), thresholds.astype(dtype)

    def distortion(self) -> float:
        """Return E(C(Z) − Z)² for the source Z at the scale 1: what each coordinate of such a vector costs."""
        return best_levels(self.source, self.levels).distortion

    def constants(self, d: int, n: int = 1) -> CompressorConstants:
        if self.scale != "max":
            return CompressorConstants()
        lost = np.array([best_levels(self.source, int(one)).most_lost(d) for one in values(self.levels)])
        if np.any(lost >= 1):
            return CompressorConstants()
        delta = 1 - (lost[:, None, None] if np.ndim(self.levels) else lost[0])
        return CompressorConstants(delta=exact(delta, "derived: 1 − max (d − 1)e²/(c² + (d − 1)t²), see the class"))

    def expected_error(self, x: Array) -> Array:
        return kernels.sum_sq_difference(x, self.message(x, None))

    def price(self, n: int, d: int, dtype: Any) -> Any:
        return width(dtype) + d * symbol_bits(self.levels)


def _count_below(thresholds: Array, y: Array) -> Array:
    """Return how many of the increasing thresholds, NaN from some on, are at most each y, by bisection."""
    runs, count = max(len(thresholds), len(y)), thresholds.shape[-1]
    position = np.zeros((runs, *y.shape[1:]), dtype=np.int64)
    for power in reversed(range(count.bit_length())):
        further = np.minimum(position + (1 << power), count)
        position = np.where(np.take_along_axis(thresholds, further - 1, axis=-1) <= y, further, position)
    return position
