"""Keep the coordinates above a fixed magnitude."""

from __future__ import annotations

import dataclasses
import math
from typing import Any, ClassVar

import numpy as np

from toolkit import kernels
from toolkit.arrays import Array, namespace
from toolkit.compressors._base import Compressor
from toolkit.compressors._bits import counted_price
from toolkit.compressors._check import check_magnitude
from toolkit.compressors._fields import like
from toolkit.constants import CompressorConstants, exact
from toolkit.errors import WrongUse
from toolkit.parameters import Schedule, bind

ROUNDED = 0.01  # how far raw and γ·lam may be apart, relative to the larger, and still be one threshold


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
        Given beside `raw`, it only checks that one: a threshold in the wrong unit is refused.

    Raises
    ------
    WrongUse
        If none of the two is given, or one is not a finite number of at least 0; by `message`, if the threshold is
        still `lam`; by `for_messages`, if both are given and differ in the unit of the messages by more than 1 %, which
        allows for numbers that were rounded.

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
    >>> HardThreshold(raw=3.75, lam=30.0).for_messages("iterate", 0.125)
    HardThreshold(raw=3.75)
    """

    keyword_only: ClassVar[bool] = True

    symmetric: ClassVar[bool] = True
    keeps_zeros: ClassVar[bool] = True
    selects: ClassVar[bool] = True

    raw: float | None = None
    lam: float | None = None

    def validate(self) -> None:
        if self.raw is None and self.lam is None:
            raise WrongUse(
                "HardThreshold()",
                "no threshold was given",
                "give raw in the unit of the message, or lam in gradient units",
            )
        for field in ("raw", "lam"):
            if getattr(self, field) is not None:
                check_magnitude(self, field)

    def for_messages(self, unit: str, stepsize: Any) -> Compressor:
        if self.lam is None:
            return self
        raw = _product(stepsize, self.lam) if unit == "iterate" else self.lam
        if self.raw is not None:
            self._check_agreement(raw, unit, stepsize)
            raw = self.raw
        return bind(self, {("raw",): raw, ("lam",): None})

    def _check_agreement(self, wanted: Any, unit: str, stepsize: Any) -> None:
        """Refuse a `raw` that is not what `lam` asks for."""
        remedy = "give one of the two: raw in the unit of the message, or lam in gradient units"
        if any(isinstance(one, Schedule) for one in (self.raw, wanted)):
            raise WrongUse(f"{self!r}, changing with the step", "lam can only check a raw that stays", remedy)
        given: Any = (self.raw, wanted, self.lam, stepsize)
        raw, wanted, lam, gamma = np.broadcast_arrays(*given)
        apart = abs(raw - wanted) > ROUNDED * np.maximum(raw, wanted)
        if apart.any():
            i = np.argmax(apart)
            asked = f"HardThreshold(raw={raw.flat[i]:g}, lam={lam.flat[i]:g}) at step size {gamma.flat[i]:g}"
            what = {
                "iterate": "steps, for which lam is raw = γ·lam",
                "gradient": "gradients, for which lam is raw = lam",
            }
            raise WrongUse(asked, f"messages are {what[unit]} = {wanted.flat[i]:g}", remedy)

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
        source = "dλ² in gradient units, not attained" if self.raw is None else "d·raw², not attained"
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
