"""Keep every coordinate by a coin of its own."""

from __future__ import annotations

from typing import Any, ClassVar

from toolkit.arrays import Array
from toolkit.compressors._check import check_fraction
from toolkit.compressors._sampling import Sampling
from toolkit.information.bernoulli import binary_entropy


class Bernoulli(Sampling):
    r"""Bernoulli sparsifier: keep each coordinate with probability p, independently, as it is or divided by p.

    .. math:: C(x)_j = c\,x_j\,b_j, \qquad b_j \sim \mathrm{Bern}(p), \qquad
              E\|C(x) - x\|^2 = \begin{cases} (1 - p)\,\|x\|^2, & c = 1, \\ (1/p - 1)\,\|x\|^2, & c = 1/p. \end{cases}

    Parameters
    ----------
    p : float
        Probability that a coordinate is kept, in (0, 1]; may be swept.
    unbiased : bool
        Divide by p, so that E C(x) = x; otherwise C is a contraction.
    common : bool
        Let all workers of a run keep the same coordinates: messages can then be added as they are.

    Raises
    ------
    WrongUse
        If `p` is no number in (0, 1], or `unbiased` or `common` is not True or False.

    Notes
    -----
    δ = p, or ω = 1/p − 1 if unbiased, with equality for every x: each coordinate is lost with probability 1 − p, or has
    the variance (1/p − 1)x_j². The scaled form is a contraction only for p > 1/2. (A, B) = (ω/n, 0), of a common set
    (ω, 0), attained by workers with equal vectors (derived).

    The price is what is expected: pd values, and for a worker's own set d·h(p) bits, h the binary entropy, which an
    ideal code of the coins needs; the positions of a common set are not counted. As bytes, either set costs the 32 bits
    of a seed, unless a code of positions is asked for.

    Examples
    --------
    >>> import numpy as np
    >>> from toolkit.draws import Draw
    >>> Bernoulli(p=0.5, unbiased=True).compress(np.ones(8), Draw(seed=2))
    array([2., 0., 2., 0., 2., 2., 2., 0.])
    """

    symmetric: ClassVar[bool] = True
    source: ClassVar[str] = "one coin"

    p: float
    unbiased: bool = False
    common: bool = False

    def validate(self) -> None:
        check_fraction(self, "p")
        super().validate()

    def ratio(self, d: int) -> tuple[Any, Any]:
        return self.p, 1.0

    def kept(self, d: int, draw: Any) -> Array:
        return draw.of("coins").uniform(d) < self.p

    def value_count(self, d: int) -> Any:
        return self.p * d

    def position_bits(self, d: int) -> Any:
        return d * binary_entropy(self.p)
