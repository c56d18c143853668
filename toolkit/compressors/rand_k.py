"""Keep k random coordinates."""

from __future__ import annotations

from typing import Any, ClassVar

from toolkit.arrays import Array
from toolkit.compressors._check import check_count
from toolkit.compressors._sampling import Sampling
from toolkit.entropy import set_bits
from toolkit.kernels import feedback
from toolkit.layout import Field, Numbers, Positions


class RandK(Sampling):
    r"""Rand-k: keep k coordinates chosen uniformly at random, as they are or scaled by d/k, and send zero elsewhere.

    .. math:: C(x)_j = c\,x_j\,1[j \in S], \qquad S \text{ uniform of size } k, \qquad
              E\|C(x) - x\|^2 = \begin{cases} (1 - k/d)\,\|x\|^2, & c = 1, \\ (d/k - 1)\,\|x\|^2, & c = d/k. \end{cases}

    Parameters
    ----------
    k : int
        Number of coordinates kept, 1 ≤ k ≤ d; may be swept.
    unbiased : bool
        Scale by d/k, so that E C(x) = x; otherwise C is a contraction.
    common : bool
        Let all workers of a run keep the same coordinates: messages can then be added as they are.

    Raises
    ------
    WrongUse
        If `k` is no integer of at least 1, a switch is not True or False, or, once the dimension is known, k > d.

    Notes
    -----
    δ = k/d, or ω = d/k − 1 if unbiased, with equality for every x. The scaled form is a contraction only for k > d/2,
    where δ = 1 − ω = 2 − d/k. Source: S-m5 (derived). (A, B) = (ω/n, 0), of a common set (ω, 0), attained by workers
    with equal vectors (derived).

    The price is k values and a worker's own set of positions, ⌈log2 C(d, k)⌉ bits; the positions of a common set are
    not counted, as is usual for shared randomness. As bytes, either set costs the 32 bits of a seed, unless a code of
    positions is asked for.

    Examples
    --------
    >>> import numpy as np
    >>> from toolkit.draws import Draw
    >>> message = RandK(k=2, unbiased=True).compress(np.ones(4), Draw(seed=1))
    >>> np.sort(message)
    array([0., 0., 2., 2.])
    >>> same = RandK(k=2, common=True).compress(np.ones((3, 4)), Draw(seed=1, workers=3))
    >>> bool((same == same[0]).all())
    True
    """

    symmetric: ClassVar[bool] = True
    source: ClassVar[str] = "S-m5, p = k/d"

    k: int
    unbiased: bool = False
    common: bool = False

    def validate(self) -> None:
        check_count(self, "k")
        super().validate()

    def check(self, d: int) -> None:
        check_count(self, "k", d)

    def ratio(self, d: int) -> tuple[Any, Any]:
        return self.k, d

    def take_from(
        self, memory: Array, v: Array, scale: Any, draw: Any, threads: int, into: Any = None
    ) -> tuple[Any, Array] | None:
        if not isinstance(self.k, int):
            return None
        factor = memory.shape[-1] / self.k if self.unbiased else 1.0
        own = draw.of("subset")
        return feedback.rand_k(memory, v, scale, self.k, own, factor=factor, threads=threads, into=into)

    def kept(self, d: int, draw: Any) -> Array:
        return draw.of("subset").subset(d, self.k)

    def layout(self, d: int, dtype: Any) -> tuple[Field, ...]:
        return Positions("kept", d, count=self.k, drawn=True), Numbers("value", d, at="kept")

    def value_count(self, d: int) -> Any:
        return self.k

    def position_bits(self, d: int) -> Any:
        return set_bits(d, self.k)
