"""Keep the k largest magnitudes."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from toolkit import kernels
from toolkit.arrays import Array, namespace
from toolkit.compressors._base import Compressor
from toolkit.compressors._bits import sparse_price, width
from toolkit.compressors._check import check_choice, check_count, check_fraction
from toolkit.constants import CompressorConstants, exact
from toolkit.errors import WrongUse
from toolkit.kernels import feedback
from toolkit.layout import Field, Numbers, Positions


class TopK(Compressor):
    r"""Top-k: keep the k coordinates of largest magnitude and send zero elsewhere.

    .. math:: C(x)_j = x_j \text{ if } |x_j| \text{ is among the } k \text{ largest, else } 0,
              \qquad \|C(x) - x\|^2 = \sum_{j > k} |x|_{(j)}^2 \le (1 - k/d)\,\|x\|^2 .

    Parameters
    ----------
    k : int, optional
        Number of coordinates kept, 1 ≤ k ≤ d; may be swept.
    fraction : float, optional
        k as a part of the dimension, in (0, 1]: k = max(1, ⌊fraction·d + ½⌋); may be swept.
    ties : {'lowest', 'highest', 'random'}
        Which of several equal magnitudes at rank k are kept: those of lowest index, of highest index, or a random
        choice, for which a draw is needed. The error is the same, yet the choice can decide whether a method without
        memory moves at all (problem `tied-pair`).

    Raises
    ------
    WrongUse
        If not exactly one of `k` and `fraction` is given, it is out of its range, or `ties` is something else.

    Notes
    -----
    δ = k/d is attained by vectors of constant magnitude. Source: S-a1 (derived). The price is k values and their set
    of positions, ⌈log2 C(d, k)⌉ bits; k itself is known to both sides, also as a fraction.

    Examples
    --------
    >>> import numpy as np
    >>> TopK(k=2).compress(np.array([3.0, -5.0, 1.0, 4.0]))
    array([ 0., -5.,  0.,  4.])
    >>> TopK(fraction=0.5).compress(np.array([3.0, -5.0, 1.0, 4.0]))
    array([ 0., -5.,  0.,  4.])
    >>> TopK(k=1).compress(np.array([3.0, -3.0])), TopK(k=1, ties="highest").compress(np.array([3.0, -3.0]))
    (array([3., 0.]), array([ 0., -3.]))
    """

    homogeneous: ClassVar[bool] = True
    symmetric: ClassVar[bool] = True
    keeps_zeros: ClassVar[bool] = True
    selects: ClassVar[bool] = True

    k: int | None = None
    fraction: float | None = None
    ties: str = "lowest"

    @property
    def random(self) -> bool:  # type: ignore[override]
        return self.ties == "random"

    def validate(self) -> None:
        check_choice(self, "ties", ("lowest", "highest", "random"))
        if (self.k is None) == (self.fraction is None):
            raise WrongUse(
                f"TopK(k={self.k}, fraction={self.fraction})",
                "exactly one of the two must be given",
                "give the number of coordinates kept as k, or as a fraction of all",
            )
        if self.fraction is None:
            check_count(self, "k")
        else:
            check_fraction(self, "fraction")

    def check(self, d: int) -> None:
        if self.fraction is None:
            check_count(self, "k", d)

    def kept(self, d: int) -> Any:
        """Return k in dimension `d`, an integer or an array of shape ``(run, 1, 1)``."""
        if self.fraction is None:
            return self.k
        k = np.maximum(1, np.floor(np.asarray(self.fraction) * d + 0.5)).astype(int)
        return k if k.ndim else int(k)

    def message(self, x: Array, draw: Any) -> Array:
        xp, d = namespace(x), x.shape[-1]
        if self.ties == "lowest":
            return kernels.top_k(x, self.kept(d))
        if self.ties == "highest":
            return xp.flip(kernels.top_k(xp.flip(x, axis=-1), self.kept(d)), axis=-1)
        order = xp.asarray(draw.of("ties").permutation(d))
        x = xp.broadcast_to(x, np.broadcast_shapes(x.shape, order.shape))
        kept = kernels.top_k(xp.take_along_axis(x, order, axis=-1), self.kept(d))
        return xp.take_along_axis(kept, xp.argsort(order, axis=-1), axis=-1)

    def message_with_memory(self, memory: Array, v: Array, scale: Any, draw: Any) -> tuple[Array, Array, Array]:
        if self.ties != "lowest":
            return super().message_with_memory(memory, v, scale, draw)
        return kernels.top_k_with_memory(memory, v, scale, self.kept(memory.shape[-1]))

    def take_from(
        self, memory: Array, v: Array, scale: Any, draw: Any, threads: int, into: Any = None
    ) -> tuple[Any, Array] | None:
        k = self.kept(memory.shape[-1])
        if self.ties != "lowest" or not isinstance(k, int):
            return None
        return feedback.top_k(memory, v, scale, k, threads, into)

    def layout(self, d: int, dtype: Any) -> tuple[Field, ...]:
        return Positions("sent", d, count=self.kept(d)), Numbers("value", d, at="sent")

    def constants(self, d: int, n: int = 1) -> CompressorConstants:
        return CompressorConstants(delta=exact(self.kept(d) / d, "S-a1: k/d, attained by constant magnitude"))

    def expected_error(self, x: Array) -> Array:
        return kernels.sum_sq_difference(x, kernels.top_k(x, self.kept(x.shape[-1])))

    def price(self, n: int, d: int, dtype: Any) -> Any:
        return sparse_price(self.kept(d), d, width(dtype))
