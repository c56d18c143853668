"""Keep the k largest magnitudes."""

from __future__ import annotations

from typing import Any, ClassVar

from toolkit import kernels
from toolkit.arrays import Array
from toolkit.compressors._base import Compressor
from toolkit.compressors._bits import sparse_price, width
from toolkit.compressors._check import check_count
from toolkit.constants import CompressorConstants, exact
from toolkit.layout import Field, Numbers, Positions


class TopK(Compressor):
    r"""Top-k: keep the k coordinates of largest magnitude, ties to the lowest index, and send zero elsewhere.

    .. math:: C(x)_j = x_j \text{ if } |x_j| \text{ is among the } k \text{ largest, else } 0,
              \qquad \|C(x) - x\|^2 = \sum_{j > k} |x|_{(j)}^2 \le (1 - k/d)\,\|x\|^2 .

    Parameters
    ----------
    k : int
        Number of coordinates kept, 1 ≤ k ≤ d; may be swept.

    Notes
    -----
    δ = k/d is attained by vectors of constant magnitude. Source: S-a1 (derived).

    Examples
    --------
    >>> import numpy as np
    >>> TopK(k=2).compress(np.array([3.0, -5.0, 1.0, 4.0]))
    array([ 0., -5.,  0.,  4.])
    """

    homogeneous: ClassVar[bool] = True
    symmetric: ClassVar[bool] = True

    k: int

    def validate(self) -> None:
        check_count(self, "k")

    def check(self, d: int) -> None:
        check_count(self, "k", d)

    def message(self, x: Array, draw: Any) -> Array:
        return kernels.top_k(x, self.k)

    def message_with_memory(self, memory: Array, v: Array, scale: Any, draw: Any) -> tuple[Array, Array, Array]:
        return kernels.top_k_with_memory(memory, v, scale, self.k)

    def layout(self, d: int, dtype: Any) -> tuple[Field, ...]:
        return Positions("sent", d, count=self.k), Numbers("value", d, at="sent")

    def constants(self, d: int, n: int = 1) -> CompressorConstants:
        return CompressorConstants(delta=exact(self.k / d, "S-a1: k/d, attained by constant magnitude"))

    def expected_error(self, x: Array) -> Array:
        return kernels.sum_sq_difference(x, kernels.top_k(x, self.k))

    def price(self, n: int, d: int, dtype: Any) -> Any:
        return sparse_price(self.k, d, width(dtype))
