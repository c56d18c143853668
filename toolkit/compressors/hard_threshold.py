"""Keep the coordinates above a fixed magnitude."""

from __future__ import annotations

import dataclasses
import math
from typing import Any, ClassVar

from toolkit import kernels
from toolkit.arrays import Array, namespace
from toolkit.compressors._base import Compressor
from toolkit.compressors._bits import counted_price
from toolkit.compressors._check import check_magnitude
from toolkit.compressors._fields import like
from toolkit.constants import CompressorConstants, exact
from toolkit.errors import WrongUse
from toolkit.parameters import Schedule, bind


class HardThreshold(Compressor):
    r"""Hard threshold: keep the coordinates of magnitude at least `raw`, and send zero elsewhere.

    .. math:: C(x)_j = x_j\,1[|x_j| \ge \text{raw}], \qquad
              \|C(x) - x\|^2 = \sum_{|x_j| < \text{raw}} x_j^2 < d\,\text{raw}^2 .

    Parameters
    ----------
    raw : float, optional
        The threshold, at least 0, in the unit of the message; may be swept.
    lam : float, optional
        The threshold λ in gradient units, at least 0; may be swept. A method whose messages are steps (γ·gradient)
        needs raw = γλ, which only it can say: `for_messages` turns `lam` into `raw`, and `simulate` calls it.

    Raises
    ------
    WrongUse
        If not exactly one of the two is given, or it is not a finite number of at least 0; by `message`, if the
        threshold is still `lam`.

    Notes
    -----
    κ² = d·raw², not attained because the comparison is inclusive; with `lam`, κ² = dλ² in gradient units. There is no
    δ: a vector whose entries all lie below the threshold is lost. Source: `total_error`, setting (derived).

    The price charges the number of entries sent, ⌈log2(d + 1)⌉ bits, their positions and their values.

    Examples
    --------
    >>> import numpy as np
    >>> HardThreshold(raw=3.0).compress(np.array([3.0, -5.0, 1.0]))
    array([ 3., -5.,  0.])
    >>> HardThreshold(lam=30.0).for_messages("iterate", 0.125).raw
    3.75
    """

    keyword_only: ClassVar[bool] = True

    symmetric: ClassVar[bool] = True
    keeps_zeros: ClassVar[bool] = True
    selects: ClassVar[bool] = True

    raw: float | None = None
    lam: float | None = None

    def validate(self) -> None:
        if (self.raw is None) == (self.lam is None):
            raise WrongUse(
                f"HardThreshold(raw={self.raw}, lam={self.lam})",
                "exactly one threshold must be given",
                "give raw in the unit of the message, or lam in gradient units",
            )
        check_magnitude(self, "lam" if self.raw is None else "raw")

    def for_messages(self, unit: str, stepsize: Any) -> Compressor:
        if self.lam is None:
            return self
        raw = _product(stepsize, self.lam) if unit == "iterate" else self.lam
        return bind(self, {("raw",): raw, ("lam",): None})

    def message(self, x: Array, draw: Any) -> Array:
        xp = namespace(x)
        return xp.where(self._keeps(x), x, xp.zeros_like(x))

    def _keeps(self, x: Array) -> Array:
        if self.raw is None:
            raise WrongUse(
                f"{self!r} on a message",
                "lam is in gradient units, and whether this message is a gradient or a step is not known",
                "give raw=γ·lam for steps or raw=lam for gradients, or call for_messages(unit, stepsize) first",
            )
        return namespace(x).abs(x) >= like(self.raw, x)

    def constants(self, d: int, n: int = 1) -> CompressorConstants:
        given = self.lam if self.raw is None else self.raw
        source = "d·raw², not attained" if self.lam is None else "dλ² in gradient units, not attained"
        return CompressorConstants(kappa_sq=exact(_product(given, given, d), source))

    def expected_error(self, x: Array) -> Array:
        xp = namespace(x)
        return kernels.sum_sq(xp.where(self._keeps(x), xp.zeros_like(x), x))

    def price(self, n: int, d: int, dtype: Any) -> None:
        return None

    def price_of(self, message: Array) -> Array:
        return counted_price(message)


@dataclasses.dataclass(frozen=True)
class _Product(Schedule):
    """A product of which some factors are schedules."""

    factors: tuple[Any, ...]

    def __call__(self, step: int) -> Any:
        return math.prod(factor(step) if isinstance(factor, Schedule) else factor for factor in self.factors)


def _product(*factors: Any) -> Any:
    return _Product(factors) if any(isinstance(factor, Schedule) for factor in factors) else math.prod(factors)
