"""Deal every coordinate to a random worker."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from toolkit.arrays import Array
from toolkit.compressors._bits import width
from toolkit.compressors._dealt import Dealt


class CoordinateSampling(Dealt):
    r"""Coordinate sampling: deal each coordinate to a uniformly random worker, independently, who scales it by n.

    .. math:: C_i(x_i)_j = n\,x_{ij}\,1[s_j = i], \qquad s_j \text{ uniform in } \{1, \dots, n\}, \qquad
              \omega = n - 1, \qquad A = B = 1 .

    Notes
    -----
    ω and the AB inequality with equality for all vectors (derived). A message has d/n values on average, which is the
    price; see the notes of `Dealt` for what else holds. A draw is one of 2³² equally probable numbers, so a worker is
    drawn with probability 1/n to within 2⁻³². Source: Szlendak, Tyurin and Richtárik (2022) (code).

    Examples
    --------
    >>> from toolkit.draws import Draw
    >>> sent = CoordinateSampling().compress(np.ones((2, 4)), Draw(seed=1, workers=2))
    >>> np.sort(sent, axis=0)
    array([[0., 0., 0., 0.],
           [2., 2., 2., 2.]])
    """

    symmetric: ClassVar[bool] = True
    source: ClassVar[str] = "coordinate sampling, derived"

    def dealt(self, n: int, d: int, draw: Any) -> Array:
        worker = np.floor(draw.of("workers").uniform(d) * n)
        return worker == np.arange(n)[:, None]

    def variances(self, n: int, d: int) -> Array:
        return np.full(d, n - 1.0)

    def price(self, n: int, d: int, dtype: Any) -> float:
        return width(dtype) * d / n
