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
    >>> RTopK(k=1, r=2).expected_error(x[None, None]), RTopK(k=1, r=2).error_of_mean(x[None, None], n=3)
    (array([[45.]]), array([[31.66666667]]))
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

    def error_of_mean(self, x: Array, n: int) -> Array:
        r"""Return the exact expected squared error of the mean of the messages of `n` workers that all hold `x`.

        .. math:: E\Big\|x - \frac1n\sum_i C_i(x)\Big\|^2 = \|x\|^2 - w(r)\,\|x_{S_r}\|^2, \qquad
                  w(r) = \frac kr\Big(2 - \frac1n\Big) - \frac{k^2}{r^2}\Big(1 - \frac1n\Big)

        Parameters
        ----------
        x : array, shape (run, worker, d)
            Every row is a vector of its own.
        n : int
            How many workers.

        Returns
        -------
        array, shape (run, worker)

        Notes
        -----
        Source: S-b5 (derived).
        """
        top = kernels.top_k(x, self.r)
        outside = namespace(x).where(top == 0, x, namespace(x).zeros_like(x))
        kept = self.k / self.r
        lost = (1 - kept) ** 2 + kept * (1 - kept) / n  # 1 − w(r), the squared bias and the variance
        return kernels.sum_sq(outside) + per_row(like(lost, x)) * kernels.sum_sq(top)

    def coverage(self, n: int) -> Any:
        """Return how many different coordinates `n` workers that all hold one vector send, on average (S-b5, derived).

        Examples
        --------
        >>> RTopK(k=1, r=2).coverage(n=3)
        1.75
        """
        return self.r * (1 - (1 - self.k / self.r) ** n)

    def price(self, n: int, d: int, dtype: Any) -> Any:
        return sparse_price(self.k, d, width(dtype))


def best_r(x: Array, k: int, n: int) -> int:
    """Return the r for which `n` workers that all hold `x` lose least in one step; the smallest, if there are several.

    Parameters
    ----------
    x : array, shape (d,)
        The vector.
    k : int
        How many coordinates each sends.
    n : int
        How many workers.

    Notes
    -----
    Source: S-b5 (derived): r = k, Top-k, if n = 1 or x is steep, r = d if x is flat, and in between an r between.

    Examples
    --------
    >>> x = np.array([4.0, 3.0, 2.0, 1.0])
    >>> [best_r(x, k=1, n=n) for n in (1, 2, 64)], best_r(np.ones(4), k=1, n=2)
    ([1, 1, 2], 4)
    """
    energy = np.cumsum(np.sort(np.square(np.asarray(x, dtype=float)))[::-1])[k - 1 :]
    kept = k / np.arange(k, np.size(x) + 1)
    gained = energy * (kept * (2 - 1 / n) - kept**2 * (1 - 1 / n))
    return k + int(np.argmax(gained > gained.max() * (1 - 1e-12)))
