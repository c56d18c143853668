"""Keep the coordinates above a threshold that follows a wanted average count."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from toolkit import kernels
from toolkit.arrays import Array, namespace
from toolkit.compressors._base import Compressor
from toolkit.compressors._bits import counted_price
from toolkit.compressors._check import check_magnitude
from toolkit.compressors._fields import like
from toolkit.constants import CompressorConstants
from toolkit.errors import WrongUse
from toolkit.parameters import Schedule, values


class AdaptiveThreshold(Compressor):
    r"""Adaptive threshold: keep the coordinates of magnitude at least θ, and move θ until `count` are sent on average.

    .. math:: C(x)_j = x_j\,1[|x_j| \ge \theta_t], \qquad
              \theta_{t+1} = \theta_t \exp\Big(\text{rate}\,\frac{m_t - \text{count}}{\text{count}}\Big), \qquad
              m_t = \|C(x_t)\|_0 .

    Parameters
    ----------
    count : float
        The average number of entries wanted, above 0 and at most d; may be swept.
    rate : float
        How fast θ moves: per message with no entry by the factor e^(−rate), at least 0; may be swept.
    threshold : float
        θ for the first message. If it is 0, all entries that are not 0 are sent, and then θ is the ⌈count⌉-th largest
        magnitude sent, or the least if there are fewer; may be swept. The channel keeps it, of each worker.

    Raises
    ------
    WrongUse
        If a field is out of its range, or, once the dimension is known, count > d.

    Notes
    -----
    Both sides know θ without a bit sent for it, because θ moves by what was sent. Summing up log θ over T messages that
    begin at θ > 0,

    .. math:: \frac1T \sum_{t < T} m_t
              = \text{count} + \frac{\text{count}}{\text{rate}\,T} \log(\theta_T/\theta_0),

    whatever the data: the average count is reached as log θ stays within bounds, and exactly, E m = count, where θ has
    a stationary law. It stays within bounds where ⌈count⌉ entries of every vector are at least a in magnitude and none
    is above b: then a·e^(−rate) ≤ θ ≤ b·e^(rate·d/count) for good, once it is (derived). So a burst of entries is paid
    back by silence. θ never exceeds half of the largest number; where it underflows to 0 it begins afresh.

    A message at θ is one of a hard threshold: ‖C(x) − x‖² < dθ². As θ moves with the data, that is no constant, and
    there is no other. The price charges the number of entries sent, ⌈log2(d + 1)⌉ bits, their positions and values. An
    entry that is 0 is never sent. The rule is ours, a multiplicative form of that of Robbins and Monro (derived).

    Examples
    --------
    >>> import numpy as np
    >>> first = AdaptiveThreshold(count=2, rate=0.5)
    >>> parts = first.parts(np.array([[[3.0, -5.0, 1.0, 4.0]]]), None)
    >>> first.after(parts)
    {'threshold': array([[[4.]]])}
    >>> AdaptiveThreshold(count=2, threshold=4.0).compress(np.array([3.0, -5.0, 1.0, 4.0]))
    array([ 0., -5.,  0.,  4.])
    """

    symmetric: ClassVar[bool] = True
    keeps_zeros: ClassVar[bool] = True
    selects: ClassVar[bool] = True
    state: ClassVar[tuple[str, ...]] = ("threshold",)

    count: float
    rate: float = 0.1
    threshold: float = 0.0

    def validate(self) -> None:
        for field in ("count", "rate", "threshold"):
            check_magnitude(self, field)
        if 0 in values(self.count):
            raise WrongUse("AdaptiveThreshold(count=0)", "count must be above 0", "give a positive number")

    def check(self, d: int) -> None:
        for count in values(self.count):
            if not isinstance(count, Schedule) and count > d:
                raise WrongUse(
                    f"AdaptiveThreshold(count={count}) on vectors of dimension {d}",
                    "count is larger than the dimension",
                    f"give a count of at most {d}",
                )

    def message(self, x: Array, draw: Any) -> Array:
        xp = namespace(x)
        return xp.where(self._keeps(x), x, xp.zeros_like(x))

    def parts(self, x: Array, draw: Any) -> dict[str, Array]:
        return {"sent": self._keeps(x), "value": x}

    def _keeps(self, x: Array) -> Array:
        return (namespace(x).abs(x) >= like(self.threshold, x)) & (x != 0)

    def after(self, parts: Mapping[str, Array]) -> dict[str, Array]:
        sent, largest = parts["sent"], np.finfo(parts["value"].dtype).max / 2
        number = np.count_nonzero(sent, axis=-1, keepdims=True)
        before = np.broadcast_to(np.asarray(self.threshold, dtype=float), number.shape)
        # In logarithms nothing overflows.
        step = self.rate * (number - self.count) / self.count
        size = np.log(np.where(before > 0, before, 1.0)) + step
        moved = np.minimum(np.exp(np.minimum(size, np.log(largest))), largest)
        if (before > 0).all():
            return {"threshold": moved}
        magnitude = np.sort(np.where(sent, np.abs(parts["value"]), 0.0), axis=-1)[..., ::-1]
        rank = np.minimum(np.ceil(self.count).astype(int), np.maximum(number, 1))
        begun = np.take_along_axis(magnitude, np.broadcast_to(rank - 1, number.shape), axis=-1)
        return {"threshold": np.where(before > 0, moved, begun)}

    def constants(self, d: int, n: int = 1) -> CompressorConstants:
        return CompressorConstants()

    def expected_error(self, x: Array) -> Array:
        xp = namespace(x)
        return kernels.sum_sq(xp.where(self._keeps(x), xp.zeros_like(x), x))

    def price(self, n: int, d: int, dtype: Any) -> None:
        return None

    def price_of(self, message: Array) -> Array:
        return counted_price(message)
