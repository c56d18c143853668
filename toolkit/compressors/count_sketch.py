"""A few sums of coordinates with random signs, which can be added up over workers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from toolkit import kernels
from toolkit.arrays import Array
from toolkit.compressors._base import Compressor
from toolkit.compressors._bits import width
from toolkit.compressors._check import check_choice, check_count, check_size
from toolkit.compressors._unbiased import unbiased
from toolkit.constants import CompressorConstants, exact, upper_bound
from toolkit.layout import Field, Numbers, Seed


class CountSketch(Compressor):
    r"""Count sketch: every row of a table adds up the coordinates with random signs, each in a random column.

    .. math:: T_{rb} = \sum_{j : h_r(j) = b} s_r(j)\,x_j, \qquad \hat x_{rj} = s_r(j)\,T_{r h_r(j)}, \qquad
              C(x)_j = \mathrm{mean}_r\,\hat x_{rj} \text{ or } \mathrm{median}_r\,\hat x_{rj} .

    Parameters
    ----------
    rows : int
        Number R of rows, each with a hash function h and signs s of its own, the same for all workers.
    columns : int
        Number c of columns.
    estimate : {'mean', 'median'}
        What the receiver makes of the R estimates of a coordinate.
    k : int, optional
        Keep only the k largest estimates of a message, as FetchSGD does of a sum of messages; may be swept.

    Raises
    ------
    WrongUse
        If a field is something else, or k is larger than the dimension.

    Notes
    -----
    One row: x̂_j − x_j is the sum of s(i)s(j)x_i over the other coordinates i in the column of j, which are there with
    probability 1/c each. So E x̂ = x, E(x̂_j − x_j)² = (‖x‖² − x_j²)/c and E‖x̂ − x‖² = (d − 1)‖x‖²/c for every x. The
    mean of R independent rows has ω = (d − 1)/(cR), attained by every x: as many columns in one row do the same
    (derived).

    The error of a row is symmetric about 0, and so is the median of R of them: it is unbiased too. If q ≤ 1/2 is the
    probability that the error of a row exceeds some t > 0, that of the median does so with probability at most q (for
    odd R because most of R must exceed it; for even R the two middle ones do so as often, on average, as the median of
    R − 1). Hence ω ≤ (d − 1)/c, whatever R; the gain of the median is in its tails (derived).

    With k there are no constants: large estimates may be collisions. C is linear up to the median, and the workers
    share h and s, so (A, B) = (ω, 0), attained by the mean with equal vectors.

    The price is the R·c sums; the shared functions are not counted, and as bytes cost the 32 bits of a seed. Source:
    Charikar, Chen and Farach-Colton, 'Finding frequent items in data streams' (2002), and FetchSGD (Rothchild and
    others, ICML 2020), with median and k (code); h and s are independent for all coordinates here, and not four-wise.

    Examples
    --------
    >>> import numpy as np
    >>> from toolkit.draws import Draw
    >>> x = np.zeros(1000)
    >>> x[[3, 14]] = 5.0, -2.0
    >>> sketch = CountSketch(rows=5, columns=40, estimate="median")
    >>> sent = sketch.compress(x, Draw(seed=1))
    >>> [float(value) for value in sent[[3, 14]]], int(np.count_nonzero(sent))
    ([5.0, -2.0], 2)
    """

    random: ClassVar[bool] = True
    shared: ClassVar[bool] = True
    summable: ClassVar[bool] = True

    rows: int
    columns: int
    estimate: str = "mean"
    k: int | None = None

    @property
    def homogeneous(self) -> bool:  # type: ignore[override]
        return self.k is None  # estimates that are equal but for rounding are no ties to a selection

    @property
    def symmetric(self) -> bool:  # type: ignore[override]
        return self.k is None  # of coordinates that share their columns the first is kept

    def validate(self) -> None:
        check_size(self, "rows")
        check_size(self, "columns")
        check_choice(self, "estimate", ("mean", "median"))
        if self.k is not None:
            check_count(self, "k")

    def check(self, d: int) -> None:
        if self.k is not None:
            check_count(self, "k", d)

    def layout(self, d: int, dtype: Any) -> tuple[Field, ...]:
        return Seed(), Numbers("table", self.rows * self.columns)

    def parts(self, x: Array, draw: Any) -> dict[str, Array]:
        return {"table": np.concatenate([self._sums(x, draw, row) for row in range(self.rows)], axis=-1)}

    def assemble(self, parts: Mapping[str, Array], draw: Any, d: int, dtype: Any) -> Array:
        table = parts["table"].reshape(*parts["table"].shape[:2], self.rows, self.columns)
        estimates = [self._estimates(table[:, :, row], draw, row, d) for row in range(self.rows)]
        # Row by row: a sum over the axis of a stack adds in another order where the batch is a single number.
        combined = np.median(estimates, axis=0) if self.estimate == "median" else sum(estimates) / self.rows
        return combined if self.k is None else kernels.top_k(combined, self.k)

    def _hashed(self, draw: Any, row: int, d: int) -> tuple[Array, Array]:
        """Return the column of each coordinate and its sign in a row, shape ``(run, 1, d)``."""
        column = np.floor(self.columns * draw.of("column", row).uniform(d))
        return column.astype(np.intp), draw.of("sign", row).signs(d)

    def _sums(self, x: Array, draw: Any, row: int) -> Array:
        """Return one row of the tables, shape ``(run, worker, column)``, each sum in the order of the coordinates."""
        column, sign = self._hashed(draw, row, x.shape[-1])
        table = np.arange(x.shape[0] * x.shape[1]).reshape(*x.shape[:2], 1) * self.columns
        sums = np.bincount(
            (table + column).ravel(), (sign * x).ravel(), minlength=x.shape[0] * x.shape[1] * self.columns
        )
        return sums.reshape(*x.shape[:2], self.columns).astype(x.dtype)

    def _estimates(self, sums: Array, draw: Any, row: int, d: int) -> Array:
        column, sign = self._hashed(draw, row, d)
        column = np.broadcast_to(column, (*sums.shape[:2], d))
        return np.take_along_axis(sums, column, axis=-1) * sign.astype(sums.dtype)

    def constants(self, d: int, n: int = 1) -> CompressorConstants:
        if self.k is not None:
            return CompressorConstants()
        if self._is_mean:
            omega = exact((d - 1) / (self.columns * self.rows), "(d − 1)/(cR), attained by every x")
        else:
            omega = upper_bound((d - 1) / self.columns, "(d − 1)/c, of the median of any number of rows")
        return unbiased(omega, n, common=True)

    @property
    def _is_mean(self) -> bool:
        return self.estimate == "mean" or self.rows <= 2

    def expected_error(self, x: Array) -> Array | None:
        if self.k is not None or not self._is_mean:
            return None
        return (x.shape[-1] - 1) / (self.columns * self.rows) * kernels.sum_sq(x)

    def price(self, n: int, d: int, dtype: Any) -> float:
        return float(self.rows * self.columns * width(dtype))
