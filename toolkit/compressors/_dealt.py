"""What compressors that deal the coordinates out to the workers have in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from toolkit import kernels
from toolkit.arrays import Array
from toolkit.compressors._base import Compressor
from toolkit.compressors._bits import width
from toolkit.compressors._fields import like
from toolkit.constants import CompressorConstants, Constant, exact
from toolkit.layout import Field, Numbers, Positions


class Dealt(Compressor):
    r"""Deal the coordinates out: worker i sends those it was dealt, scaled by n over how many workers have them.

    .. math:: C_i(x_i)_j = \frac{n}{N_j}\,x_{ij}\,1[i \in S_j], \qquad |S_j| = N_j, \qquad
              \omega_j = E\frac{n}{N_j} - 1, \qquad E\|C_i(x_i) - x_i\|^2 = \sum_j \omega_j x_{ij}^2 .

    If, given N_j, the workers S_j that have coordinate j are a uniformly random set, every message is unbiased and

    .. math:: E\Big\|\frac1n\sum_i C_i(x_i) - \bar x\Big\|^2
              = \sum_j \frac{\omega_j}{n - 1}\Big(\frac1n\sum_i x_{ij}^2 - \bar x_j^2\Big),

    so that ω = max_j ω_j and A = B = ω/(n − 1): nothing is lost of what the workers have in common (derived: the mean
    is, coordinate by coordinate, that of a sample of N_j of the n numbers without replacement).

    A subclass says who has what in `dealt`, and ω_j in `variances`.

    Notes
    -----
    The number of workers is that of the worker axis; with one worker everything is sent. Where only some workers are
    active, the message of each is still unbiased, and the AB inequality holds with zero vectors at the others.

    The price is the values: every worker knows from the seed of the run what it was dealt. As bytes, the 32 bits of the
    seed are charged as well.
    """

    random: ClassVar[bool] = True
    shared: ClassVar[bool] = True
    correlated: ClassVar[bool] = True
    homogeneous: ClassVar[bool] = True
    keeps_zeros: ClassVar[bool] = True
    source: ClassVar[str]

    def dealt(self, n: int, d: int, draw: Any) -> Array:
        """Return who has what as a mask, shape ``(run, worker, d)``; every coordinate has at least one worker."""
        raise TypeError(f"{type(self).__name__} does not say who has what: define dealt(n, d, draw)")

    def variances(self, n: int, d: int) -> Array:
        """Return ω_j, shape ``(d,)``."""
        raise TypeError(f"{type(self).__name__} does not say what variance it has: define variances(n, d)")

    def layout(self, d: int, dtype: Any) -> tuple[Field, ...]:
        return Positions("dealt", d, drawn=True), Numbers("value", d, at="dealt")

    def parts(self, x: Array, draw: Any) -> dict[str, Array]:
        return {**self.redraw(x.shape, draw), "value": x}

    def redraw(self, shape: tuple[int, int, int], draw: Any) -> dict[str, Array]:
        return {"dealt": np.broadcast_to(self.dealt(shape[1], shape[2], draw), shape)}

    def assemble(self, parts: Mapping[str, Array], draw: Any, d: int, dtype: Any) -> Array:
        mine, value = parts["dealt"], parts["value"]
        factor = mine.shape[1] / np.count_nonzero(mine, axis=1, keepdims=True)
        return np.where(mine, value * like(factor, value), np.zeros_like(value))

    def constants(self, d: int, n: int = 1) -> CompressorConstants:
        omega = float(np.max(self.variances(n, d)))
        a = omega / max(n - 1, 1)
        ab = Constant((a, a), "exact", f"{self.source}: A = B = ω/(n − 1)")
        where = "attained by every x" if np.ptp(self.variances(n, d)) == 0 else "attained where N_j is least"
        delta = exact(1 - omega, f"1 − ω, {self.source}") if omega < 1 else None
        return CompressorConstants(delta=delta, omega=exact(omega, f"{self.source}: ω, {where}"), ab=ab)

    def expected_error(self, x: Array) -> Array:
        return kernels.dot(x * like(self.variances(x.shape[1], x.shape[2]), x), x)

    def price(self, n: int, d: int, dtype: Any) -> float:
        return width(dtype) * max(n, d) / n


def groups(count: int, parts: int) -> Array:
    """Return the group of each of `count` things in a row, in so many parts of ⌈⌉ or ⌊⌋ size, the larger ones first.

    Examples
    --------
    >>> groups(7, 3)
    array([0, 0, 0, 1, 1, 2, 2])
    """
    size, larger = divmod(count, parts)
    return np.repeat(np.arange(parts), size + (np.arange(parts) < larger))
