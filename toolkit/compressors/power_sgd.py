"""Send a matrix of low rank, found by one power iteration."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from toolkit import kernels
from toolkit.arrays import Array
from toolkit.compressors._base import Compressor
from toolkit.compressors._bits import width
from toolkit.compressors._check import check_size, check_switch
from toolkit.constants import CompressorConstants, Constant, exact
from toolkit.errors import WrongUse
from toolkit.layout import Field, Numbers


class PowerSGD(Compressor):
    r"""PowerSGD: project the columns of the vector, taken as a matrix M, on r directions found by one power iteration.

    .. math:: P = \mathrm{orthonormal}(M Q_{\text{before}}), \qquad Q = M^\top P, \qquad C(M) = P Q^\top = P P^\top M,
              \qquad \|C(M) - M\|^2 = \|M\|^2 - \|Q\|^2 .

    Parameters
    ----------
    rank : int
        Number r of directions, at most the number of rows and of columns of M.
    columns : int, optional
        Number of columns of M; by default ⌈√d⌉. The rows are filled one after another, the last one up by zeros.
    restart : bool
        Begin every message with random directions, instead of those of the last message.
    warm : array, shape (run, worker, rank·columns), optional
        The Q of the last message, its columns one after another. The channel keeps it.

    Raises
    ------
    WrongUse
        If a field is something else, or M has fewer rows or columns than `rank`.

    Notes
    -----
    The first Q, and a column of Q that has become zero, are drawn: standard normal numbers. A message is P, made
    orthonormal by the sender, and Q; the receiver draws nothing. The price is these r·(rows + columns) numbers.

    A projection never increases the error, but with a warm start nothing better holds for every input: M may be
    orthogonal to what is remembered. So there is no δ. With `restart`, δ = r/min(rows, columns) in expectation,
    attained if all singular values are equal and no zeros were filled in. For r = 1 the kept share of ‖M‖² is
    Σ w_i σ_i²/Σ σ_i² with E w_i increasing in σ_i and Σ w_i = 1, so at least 1/N by Chebyshev's sum inequality, N the
    rank of M; the next direction does the same for what is left, which has rank N − 1; and the product of the shares
    (1 − 1/N)(1 − 1/(N − 1))… that are left is 1 − r/N (derived).

    Every worker has a P and a Q of its own here, the form for error feedback with a server. When workers reduce to a
    mean, the paper's form adds up MQ over the workers before it is made orthonormal, and MᵀP after that, all with one
    Q: what they get is C of the mean of the matrices, and a worker's second message depends on the others' first ones.
    That is a protocol of two rounds and not a map of one vector, so messages are not declared summable.

    Source: Vogels, Karimireddy and Jaggi (NeurIPS 2019), Algorithm 1 (recalled). The authors' package does one of the
    two multiplications per message, in turn (code).

    Examples
    --------
    >>> import numpy as np
    >>> from toolkit.draws import Draw
    >>> x = np.outer([1.0, -2.0, 3.0], [4.0, 0.0, 5.0, 6.0])
    >>> bool(np.allclose(PowerSGD(rank=1, columns=4).compress(x.ravel(), Draw(seed=1)), x.ravel()))
    True
    """

    random: ClassVar[bool] = True
    homogeneous: ClassVar[bool] = True

    rank: int
    columns: int | None = None
    restart: bool = False
    warm: Array = dataclasses.field(default=0.0, repr=False)

    @property
    def state(self) -> tuple[str, ...]:  # type: ignore[override]
        return () if self.restart else ("warm",)

    def validate(self) -> None:
        check_size(self, "rank")
        check_switch(self, "restart")
        if self.columns is not None:
            check_size(self, "columns")

    def check(self, d: int) -> None:
        shape = self._shape(d)
        if self.rank > min(shape):
            raise WrongUse(
                f"{self!r} on vectors of dimension {d}",
                f"a matrix of {shape[0]} rows and {shape[1]} columns has no rank above {min(shape)}",
                f"give a rank of at most {min(shape)}, or other columns",
            )

    def _shape(self, d: int) -> tuple[int, int]:
        """Return the rows and columns of M."""
        columns = self.columns or math.isqrt(d - 1) + 1
        return -(-d // columns), columns

    def layout(self, d: int, dtype: Any) -> tuple[Field, ...]:
        rows, columns = self._shape(d)
        return Numbers("left", self.rank * rows), Numbers("right", self.rank * columns)

    def parts(self, x: Array, draw: Any) -> dict[str, Array]:
        (rows, columns), batch = self._shape(x.shape[-1]), x.shape[:2]
        # Every row of a batch, a pair of run and worker, is a run of the kernels, and every row of M a worker of it.
        matrices = np.zeros((*batch, rows * columns), x.dtype)
        matrices[..., : x.shape[-1]] = x
        matrices = matrices.reshape(-1, rows, columns)
        transposed = np.ascontiguousarray(matrices.transpose(0, 2, 1))
        start = self._start(batch, columns, draw, x.dtype).reshape(-1, self.rank, columns)
        # Only the span of the start matters; of unit length it keeps the products in range.
        left = _orthonormal([_product(matrices, _unit(start[:, i])) for i in range(self.rank)])
        right = [_product(transposed, direction) for direction in left]
        return {name: np.stack(q, axis=1).reshape(*batch, -1) for name, q in (("left", left), ("right", right))}

    def _start(self, batch: tuple[int, ...], columns: int, draw: Any, dtype: Any) -> Array:
        """Return the directions before the power iteration, shape (run, worker, rank, columns)."""
        shape = (*batch, self.rank, columns)
        drawn = draw.of("start").normal(self.rank * columns).astype(dtype)
        drawn = np.broadcast_to(drawn, (*batch, self.rank * columns)).reshape(shape)
        if np.ndim(self.warm) == 0:
            return drawn
        warm = np.broadcast_to(self.warm, (*batch, self.rank * columns)).reshape(shape).astype(dtype)
        return np.where(np.any(warm != 0, axis=-1, keepdims=True), warm, drawn)

    def assemble(self, parts: Mapping[str, Array], draw: Any, d: int, dtype: Any) -> Array:
        rows, columns = self._shape(d)
        left, right = (parts[name].reshape(*parts[name].shape[:2], self.rank, -1) for name in ("left", "right"))
        sent = left[:, :, 0, :, None] * right[:, :, 0, None, :]
        for i in range(1, self.rank):
            sent += left[:, :, i, :, None] * right[:, :, i, None, :]
        return sent.reshape(*sent.shape[:2], rows * columns)[..., :d]

    def after(self, parts: Mapping[str, Array]) -> dict[str, Array]:
        return {} if self.restart else {"warm": parts["right"]}

    def constants(self, d: int, n: int = 1) -> CompressorConstants:
        if not self.restart:
            return CompressorConstants()
        shape = self._shape(d)
        share, source = self.rank / min(shape), "r/min(rows, columns), attained by equal singular values"
        full = math.prod(shape) == d
        return CompressorConstants(delta=exact(share, source) if full else Constant(share, "lower bound", source))

    def price(self, n: int, d: int, dtype: Any) -> float:
        return float(self.rank * sum(self._shape(d)) * width(dtype))


def _product(matrices: Array, vectors: Array) -> Array:
    """Return the product of each matrix, shape (row, m, n), with its vector, shape (row, n)."""
    return kernels.dot(matrices, vectors[:, None])


def _orthonormal(vectors: list[Array]) -> list[Array]:
    """Return unit vectors, orthogonal to the former ones of the list, with the same spans; zero where there is none.

    Twice is enough: what rounding leaves of the former directions in a small rest is removed from its unit vector. If
    that was most of it, the rest was nothing but rounding, and more of the same would be left.
    """
    basis: list[Array] = []
    for vector in vectors:
        rest = _without(basis, _unit(_without(basis, vector)))
        basis.append(np.where(kernels.sum_sq(rest[:, None]) > 0.25, _unit(rest), 0))
    return basis


def _without(basis: list[Array], vector: Array) -> Array:
    """Return what is left of the vectors, shape (row, m), when their components along a basis are taken away."""
    for former in basis:
        vector = vector - kernels.dot(vector[:, None], former[:, None]) * former
    return vector


def _unit(vectors: Array) -> Array:
    """Return the vectors, shape (row, m), divided by their lengths; zero stays zero."""
    peak = np.max(np.abs(vectors), axis=-1, keepdims=True)
    shape = vectors / np.where(peak > 0, peak, 1)
    return shape / np.maximum(np.sqrt(kernels.sum_sq(shape[:, None])), 1)
