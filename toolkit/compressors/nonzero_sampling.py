"""Keep k random ones of the entries that are not zero, and say how many there were."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from toolkit import kernels
from toolkit.arrays import Array
from toolkit.compressors._base import Compressor
from toolkit.compressors._bits import counted_price
from toolkit.compressors._check import check_count
from toolkit.compressors._fields import like, per_row
from toolkit.compressors._unbiased import unbiased
from toolkit.constants import CompressorConstants, exact
from toolkit.layout import Field, Levels, Numbers, Positions


class NonzeroSampling(Compressor):
    r"""Keep k entries, uniformly at random among the N that are not zero, scaled by N/k; all of them if N ≤ k.

    .. math:: C(x)_j = \max\!\Big(\frac Nk, 1\Big)\,x_j\,1[j \in U], \qquad U \subset \operatorname{supp} x
              \text{ uniform of size } \min(k, N), \qquad
              E\|C(x) - x\|^2 = \max\!\Big(\frac Nk - 1, 0\Big)\|x\|^2 .

    Parameters
    ----------
    k : int
        The most entries kept, 1 ≤ k ≤ d; may be swept.

    Raises
    ------
    WrongUse
        If `k` is no integer of at least 1 or, once the dimension is known, k > d.

    Notes
    -----
    It is unbiased; ω = d/k − 1, attained by vectors without zeros, on which it is Rand-k. It is for sparse vectors,
    which Rand-k mostly misses: there N takes the place of d. On vectors of zeros and ones it is the estimation scheme
    of Barnes, Inan, Isik and Özgür (2020) (ALG-b3, recalled), whose values need not be sent: see `toolkit.estimation`.

    The price is N in ⌈log2(d + 1)⌉ bits, and min(k, N) values with their set of positions. As bytes, the number of
    positions is written beside N.

    Examples
    --------
    >>> from toolkit.draws import Draw
    >>> sent = NonzeroSampling(k=2).compress(np.array([0.0, 4.0, 0.0, 4.0, -4.0, 4.0]), Draw(seed=1))
    >>> np.sort(abs(sent))
    array([0., 0., 0., 0., 8., 8.])
    >>> NonzeroSampling(k=2).compress(np.array([0.0, 5.0, 0.0, 7.0]), Draw(seed=1))
    array([0., 5., 0., 7.])
    """

    random: ClassVar[bool] = True
    homogeneous: ClassVar[bool] = True
    symmetric: ClassVar[bool] = True
    keeps_zeros: ClassVar[bool] = True

    k: int

    def validate(self) -> None:
        check_count(self, "k")

    def check(self, d: int) -> None:
        check_count(self, "k", d)

    def layout(self, d: int, dtype: Any) -> tuple[Field, ...]:
        count = Levels("nonzeros", 1, low=0, high=d, side=True)
        return count, Positions("sent", d), Numbers("value", d, at="sent")

    def parts(self, x: Array, draw: Any) -> dict[str, Array]:
        nonzero = x != 0
        # The k largest of random numbers that are above 0 only where an entry is not zero.
        number = np.where(nonzero, 1 - draw.of("choice").uniform(x.shape[-1]), 0.0)
        sent = kernels.top_k(number, self.k) > 0
        return {"nonzeros": np.count_nonzero(nonzero, axis=-1, keepdims=True), "sent": sent, "value": x}

    def assemble(self, parts: Mapping[str, Array], draw: Any, d: int, dtype: Any) -> Array:
        value = parts["value"]
        scale = like(np.maximum(parts["nonzeros"] / self.k, 1.0), value)
        return np.where(parts["sent"], scale * value, np.zeros_like(value))

    def constants(self, d: int, n: int = 1) -> CompressorConstants:
        omega = exact(d / self.k - 1, "ALG-b3: d/k − 1, attained by vectors without zeros")
        return unbiased(omega, n)

    def expected_error(self, x: Array) -> Array:
        nonzeros = np.count_nonzero(x, axis=-1)
        return like(np.maximum(nonzeros / per_row(self.k) - 1, 0.0), x) * kernels.sum_sq(x)

    def price(self, n: int, d: int, dtype: Any) -> None:
        return None

    def price_of(self, message: Array) -> Array:
        return counted_price(message)
