"""Deal fixed blocks of coordinates out to the workers in random order."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from toolkit.arrays import Array
from toolkit.compressors._dealt import Dealt, groups


class FixedBlocks(Dealt):
    r"""Fixed blocks: cut the coordinates into as many blocks as there are workers, and deal these out in random order.

    It is `PermK` without the permutation of the coordinates. With n > d every coordinate is a block and has ⌊n/d⌋ or
    ⌈n/d⌉ workers N_j, the first ones one more; which workers, is random.

    .. math:: C_i(x_i)_j = \frac{n}{N_j}\,x_{ij}\,1[i \in S_j], \qquad
              \omega = \max_j \frac{n}{N_j} - 1, \qquad A = B = \frac{\omega}{n - 1} .

    Notes
    -----
    ω = n − 1 and A = B = 1 for d ≥ n, with equality for all vectors; ω = n/⌊n/d⌋ − 1 for n > d, attained by vectors on
    the coordinates with fewer workers (derived). The price is that of `PermK`; see the notes of `Dealt` for what else
    holds. Source: Szlendak, Tyurin and Richtárik (2022) (code).

    Examples
    --------
    >>> from toolkit.draws import Draw
    >>> sent = FixedBlocks().compress(np.ones((2, 4)), Draw(seed=1, workers=2))
    >>> np.sort(sent, axis=0)
    array([[0., 0., 0., 0.],
           [2., 2., 2., 2.]])
    """

    source: ClassVar[str] = "fixed blocks, derived"

    def dealt(self, n: int, d: int, draw: Any) -> Array:
        parts = min(n, d)
        worker = groups(n, parts)[draw.of("workers").permutation(n)]
        return groups(d, parts) == np.swapaxes(worker, 1, 2)

    def variances(self, n: int, d: int) -> Array:
        parts = min(n, d)
        return n / np.bincount(groups(n, parts))[groups(d, parts)] - 1
