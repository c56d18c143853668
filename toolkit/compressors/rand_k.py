"""Keep k random coordinates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from toolkit import kernels
from toolkit.arrays import Array, namespace
from toolkit.compressors._base import Compressor
from toolkit.compressors._bits import sparse_price, width
from toolkit.compressors._check import check_count
from toolkit.compressors._fields import like, per_row
from toolkit.compressors._unbiased import unbiased
from toolkit.constants import CompressorConstants, exact
from toolkit.errors import WrongUse
from toolkit.layout import Field, Numbers, Positions


class RandK(Compressor):
    r"""Rand-k: keep k coordinates chosen uniformly at random, as they are or scaled by d/k, and send zero elsewhere.

    .. math:: C(x)_j = c\,x_j\,1[j \in S], \qquad S \text{ uniform of size } k, \qquad
              E\|C(x) - x\|^2 = \begin{cases} (1 - k/d)\,\|x\|^2, & c = 1, \\ (d/k - 1)\,\|x\|^2, & c = d/k. \end{cases}

    Parameters
    ----------
    k : int
        Number of coordinates kept, 1 ≤ k ≤ d; may be swept.
    unbiased : bool
        Scale by d/k, so that E C(x) = x; otherwise C is a contraction.

    Notes
    -----
    δ = k/d, or ω = d/k − 1 if unbiased, with equality for every x. The scaled form is a contraction only for k > d/2,
    where δ = 1 − ω = 2 − d/k. Source: S-m5 (derived).

    Examples
    --------
    >>> import numpy as np
    >>> from toolkit.draws import Draw
    >>> message = RandK(k=2, unbiased=True).compress(np.ones(4), Draw(seed=1))
    >>> np.sort(message)
    array([0., 0., 2., 2.])
    """

    random: ClassVar[bool] = True
    homogeneous: ClassVar[bool] = True
    symmetric: ClassVar[bool] = True

    k: int
    unbiased: bool = False

    def validate(self) -> None:
        check_count(self, "k")
        if not isinstance(self.unbiased, bool):
            raise WrongUse(f"RandK(unbiased={self.unbiased!r})", "it is True or False", "give one of the two")

    def check(self, d: int) -> None:
        check_count(self, "k", d)

    def layout(self, d: int, dtype: Any) -> tuple[Field, ...]:
        return Positions("kept", d, count=self.k, drawn=True), Numbers("value", d, at="kept")

    def parts(self, x: Array, draw: Any) -> dict[str, Array]:
        return {**self.redraw(x.shape, draw), "value": x}

    def redraw(self, shape: tuple[int, int, int], draw: Any) -> dict[str, Array]:
        return {"kept": draw.of("subset").subset(shape[-1], self.k)}

    def assemble(self, parts: Mapping[str, Array], draw: Any, d: int, dtype: Any) -> Array:
        value = parts["value"]
        kept = namespace(value).where(parts["kept"], value, namespace(value).zeros_like(value))
        return kept * like(d / self.k, kept) if self.unbiased else kept

    def constants(self, d: int, n: int = 1) -> CompressorConstants:
        if self.unbiased:
            return unbiased(exact(d / self.k - 1, "S-m5: d/k − 1, attained by every x"), n)
        return CompressorConstants(delta=exact(self.k / d, "S-m5: k/d, attained by every x"))

    def expected_error(self, x: Array) -> Array:
        d = x.shape[-1]
        return per_row(d / self.k - 1 if self.unbiased else 1 - self.k / d) * kernels.sum_sq(x)

    def price(self, n: int, d: int, dtype: Any) -> Any:
        return sparse_price(self.k, d, width(dtype))
