"""Keep k random blocks of coordinates."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from toolkit.arrays import Array, namespace
from toolkit.compressors._check import check_count, check_size, check_switch
from toolkit.compressors._sampling import Sampling
from toolkit.entropy import set_bits
from toolkit.errors import WrongUse


class BlockRandK(Sampling):
    r"""Block Rand-k: keep k uniformly random blocks of consecutive coordinates, as they are or scaled by B/k.

    .. math:: C(x)_j = c\,x_j\,1[\lfloor j/\text{size} \rfloor \in S], \qquad
              S \subset \{0, \dots, B - 1\} \text{ uniform of size } k, \qquad B = \lceil d/\text{size} \rceil .

    Parameters
    ----------
    k : int
        Number of blocks kept, 1 ≤ k ≤ B; may be swept.
    size : int
        Coordinates per block; the last block is shorter where it does not divide d.
    unbiased : bool
        Scale by B/k, so that E C(x) = x; otherwise C is a contraction.
    common : bool
        Let all workers of a run keep the same blocks: messages can then be added as they are.
    anywhere : bool
        Let the first block begin at a uniformly random coordinate and the last one go round the end.

    Raises
    ------
    WrongUse
        If `k` or `size` is no integer of at least 1, a switch is not True or False, or, once d is known, k > B.

    Notes
    -----
    Every coordinate is kept with probability k/B, so δ = k/B, or ω = B/k − 1 if unbiased, with equality for every x,
    also where blocks differ in size. (A, B) = (ω/n, 0), of a common set (ω, 0), attained by workers with equal vectors
    (derived). With k = 1 and `anywhere`, one block of `size` coordinates is sent that begins anywhere.

    The price is k blocks of values, a shorter one charged in full, but not more than d values, and ⌈log2 C(B, k)⌉ bits
    for a worker's own blocks; where a grid begins and which blocks are common is not counted. As bytes, the choice
    costs the 32 bits of a seed, unless a code of positions is asked for.

    Examples
    --------
    >>> import numpy as np
    >>> from toolkit.draws import Draw
    >>> message = BlockRandK(k=1, size=3, unbiased=True).compress(np.ones(9), Draw(seed=1))
    >>> np.sort(message.reshape(3, 3), axis=0)
    array([[0., 0., 0.],
           [0., 0., 0.],
           [3., 3., 3.]])
    """

    source: ClassVar[str] = "S-m5 on blocks, p = k/B"

    k: int
    size: int
    unbiased: bool = False
    common: bool = False
    anywhere: bool = False

    def validate(self) -> None:
        check_count(self, "k")
        check_size(self, "size")
        check_switch(self, "anywhere")
        super().validate()

    def check(self, d: int) -> None:
        blocks = self._blocks(d)
        if np.max(self.k) > blocks:
            raise WrongUse(
                f"{self!r} on vectors of dimension {d}",
                f"k is larger than the number of blocks, {blocks}",
                f"give a k between 1 and {blocks}, or a smaller size",
            )

    def _blocks(self, d: int) -> int:
        return -(-d // self.size)

    def ratio(self, d: int) -> tuple[Any, Any]:
        return self.k, self._blocks(d)

    def kept(self, d: int, draw: Any) -> Array:
        chosen = draw.of("subset").subset(self._blocks(d), self.k)
        xp = namespace(chosen)
        kept = xp.repeat(chosen, self.size, axis=-1)[..., :d]
        if not self.anywhere:
            return kept
        start = np.floor(draw.of("start").uniform(1) * d).astype(int)
        return np.take_along_axis(kept, (np.arange(d) - start) % d, axis=-1)

    def value_count(self, d: int) -> Any:
        return np.minimum(np.asarray(self.k) * self.size, d)[()]

    def position_bits(self, d: int) -> Any:
        return set_bits(self._blocks(d), self.k)
