"""Keep a random k of the r largest magnitudes."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from toolkit import kernels
from toolkit.arrays import Array, namespace
from toolkit.compressors._base import Compressor
from toolkit.compressors._bits import sparse_price, width
from toolkit.compressors._check import check_count
from toolkit.compressors._fields import like, per_row
from toolkit.constants import CompressorConstants, exact
from toolkit.errors import WrongUse
from toolkit.layout import Field, Numbers, Positions
from toolkit.parameters import Schedule, values


class RTopK(Compressor):
    r"""rTop-k: keep k coordinates chosen uniformly at random among the r of largest magnitude.

    .. math:: C(x)_j = x_j\,1[j \in U], \qquad U \subset S_r(x) \text{ uniform of size } k, \qquad
              E\|C(x) - x\|^2 = \|x\|^2 - \frac kr \|x_{S_r}\|^2 \le (1 - k/d)\,\|x\|^2 .

    Parameters
    ----------
    k : int
        Number of coordinates kept, 1 ≤ k ≤ r; may be swept.
    r : int
        Number of largest magnitudes among which they are drawn, ties to the lowest index, r ≤ d; may be swept.

    Raises
    ------
    WrongUse
        If one is not an integer of at least 1, or k > r for some pair of their values.

    Notes
    -----
    r = k is Top-k, r = d is Rand-k. δ = k/d for every r, attained by vectors of constant magnitude, and by every x if
    r = d; workers draw independently, and nothing is scaled. Source: S-b4 (derived); the operator is that of Barnes,
    Inan, Isik and Özgür (2020). The price is k values and their set of positions, ⌈log2 C(d, k)⌉ bits: a receiver does
    not know the r largest, so it cannot draw the set.

    Examples
    --------
    >>> import numpy as np
    >>> from toolkit.draws import Draw
    >>> x = np.array([1.0, -8.0, 2.0, 4.0])
    >>> float(np.abs(RTopK(k=1, r=2).compress(x, Draw(seed=1))).sum()) in (4.0, 8.0)
    True
    >>> RTopK(k=1, r=2).expected_error(x[None, None])
    array([[45.]])
    """

    random: ClassVar[bool] = True
    homogeneous: ClassVar[bool] = True
    symmetric: ClassVar[bool] = True
    keeps_zeros: ClassVar[bool] = True
    selects: ClassVar[bool] = True

    k: int
    r: int

    def validate(self) -> None:
        check_count(self, "k")
        check_count(self, "r")
        pairs = [(k, r) for k in values(self.k) for r in values(self.r)]
        for k, r in pairs:
            if not isinstance(k, Schedule) and not isinstance(r, Schedule) and k > r:
                raise WrongUse(f"RTopK(k={k}, r={r})", "k is larger than r", "give an r of at least k")

    def check(self, d: int) -> None:
        check_count(self, "r", d)

    def layout(self, d: int, dtype: Any) -> tuple[Field, ...]:
        return Positions("sent", d, count=self.k), Numbers("value", d, at="sent")

    def parts(self, x: Array, draw: Any) -> dict[str, Array]:
        # The k largest of random numbers that are above 0 only where a magnitude is among the r largest.
        number = np.where(self._largest(x), 1 - draw.of("choice").uniform(x.shape[-1]), 0.0)
        return {"sent": kernels.top_k(number, self.k) > 0, "value": x}

    def _largest(self, x: Array) -> Array:
        """Return the mask of the r largest magnitudes, ties, also of zeros, to the lowest index."""
        taken = kernels.top_k(x, self.r) != 0
        left = self.r - np.count_nonzero(taken, axis=-1, keepdims=True)
        if not left.any():
            return taken
        zero = x == 0
        return taken | (zero & (np.cumsum(zero, axis=-1) <= left))

    def constants(self, d: int, n: int = 1) -> CompressorConstants:
        return CompressorConstants(delta=exact(self.k / d, "S-b4: k/d for every r, attained by constant magnitude"))

    def expected_error(self, x: Array) -> Array:
        top = kernels.top_k(x, self.r)
        outside = namespace(x).where(top == 0, x, namespace(x).zeros_like(x))
        return kernels.sum_sq(outside) + per_row(like(1 - self.k / self.r, x)) * kernels.sum_sq(top)

    def price(self, n: int, d: int, dtype: Any) -> Any:
        return sparse_price(self.k, d, width(dtype))
