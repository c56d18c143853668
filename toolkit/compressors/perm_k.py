"""Deal the coordinates out by a random permutation."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from toolkit.arrays import Array
from toolkit.compressors._dealt import Dealt, groups


class PermK(Dealt):
    r"""PermK: deal the coordinates out evenly by a random permutation, each worker sending those it was dealt.

    With d ≥ n every coordinate is sent by one worker, scaled by n. With n > d every worker sends one coordinate j, and
    ⌊n/d⌋ or ⌈n/d⌉ workers N_j send the same one, scaled by n/N_j:

    .. math:: C_i(x_i)_j = \frac{n}{N_j}\,x_{ij}\,1[i \in S_j], \qquad
              \omega = E\frac{n}{N_j} - 1, \qquad A = B = \frac{\omega}{n - 1} .

    Notes
    -----
    ω = n − 1 and A = B = 1 for d ≥ n, divisible or not; ω = d − 1 and A = B = (d − 1)/(n − 1) for n = qd. For
    n = qd + r with 0 < r < d, r coordinates, drawn at random, have q + 1 workers and the others q, so
    1 + ω = (n/q)(1 − r/(d(q + 1))) > d. All of them with equality for all vectors, in the AB inequality too: if all
    workers hold the same vector, the mean is exact. Scaling by d, as for n = qd, would also be unbiased, with the
    smaller ω = d − 1, but leave an error of r(d − r)/n²·‖x‖² there (derived).

    A message of d ≥ n has ⌊d/n⌋ or ⌈d/n⌉ values, which block a worker gets being drawn as well. The price is their
    mean, d/n values, or one value for n > d; see the notes of `Dealt` for what else holds.

    Source: Szlendak, Tyurin and Richtárik (2022), the case d ≥ n also as in their code; n > d not divisible (derived).

    Examples
    --------
    >>> from toolkit.draws import Draw
    >>> x = np.array([[1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 3.0, 4.0]])
    >>> sent = PermK().compress(x, Draw(seed=1, workers=2))
    >>> (sent != 0).sum(axis=1), sent.mean(axis=0)
    (array([2, 2]), array([1., 2., 3., 4.]))
    """

    symmetric: ClassVar[bool] = True
    source: ClassVar[str] = "PermK, derived"

    def dealt(self, n: int, d: int, draw: Any) -> Array:
        parts = min(n, d)
        coordinate = groups(d, parts)[draw.of("coordinates").permutation(d)]
        worker = groups(n, parts)[draw.of("workers").permutation(n)]
        return coordinate == np.swapaxes(worker, 1, 2)

    def variances(self, n: int, d: int) -> Array:
        fewest, larger = divmod(n, min(n, d))
        # E n/N_j, as one fraction of integers: n, d and their products are exact, so ω = d − 1 comes out as it is.
        parts = min(n, d)
        scale = n * (parts * (fewest + 1) - larger) / (parts * fewest * (fewest + 1))
        return np.full(d, scale - 1)
