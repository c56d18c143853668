"""The law of a compressor that rounds every coordinate to one of two values, whatever the dimension.

All outcomes of any compressor, in a small dimension, are found in `proofs_check.outcomes`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from toolkit.arrays import Array
from toolkit.compressors import Compressor
from toolkit.errors import ToolkitError

__all__ = ["Script", "TwoPointLaw", "two_point_law"]

BISECTIONS = 64  # a threshold is found to 2⁻⁶⁴


class Script:
    """A draw that hands over the numbers it was given, whatever the purpose.

    Parameters
    ----------
    numbers : array, shape (run, worker, d)
        What `uniform` or `subset` return.
    """

    def __init__(self, numbers: Array) -> None:
        self.numbers = numbers

    def of(self, purpose: str, index: int = 0) -> Script:
        """Return this script: it plays the same numbers for every purpose."""
        return self

    def uniform(self, d: int) -> Array:
        """Return the given numbers, as uniform ones."""
        return self.numbers

    def subset(self, d: int, k: Any) -> Array:
        """Return the given masks, as random subsets."""
        return self.numbers


@dataclass(frozen=True)
class TwoPointLaw:
    """The law of a compressor that rounds every coordinate to one of two values.

    Parameters
    ----------
    low, high : array, shape (vector, 1, d)
        The two values; `high` has the larger magnitude.
    probability : array, shape (vector, 1, d)
        That of `high`.
    """

    low: Array
    high: Array
    probability: Array

    @property
    def mean(self) -> Array:
        """E C(x), shape ``(vector, 1, d)``."""
        return self._expect(self.low, self.high)

    def expected_error(self, x: Array) -> Array:
        """Return E‖C(x) − x‖², shape ``(vector, 1)``."""
        return self._expect((self.low - x) ** 2, (self.high - x) ** 2).sum(axis=-1)

    @property
    def expected_support(self) -> Array:
        """E‖C(x)‖₀, the expected number of coordinates that are not zero, shape ``(vector, 1)``."""
        return self._expect(self.low != 0, self.high != 0).sum(axis=-1)

    def _expect(self, if_low: Array, if_high: Array) -> Array:
        return (1 - self.probability) * if_low + self.probability * if_high


def two_point_law(compressor: Compressor, x: Array) -> TwoPointLaw:
    """Find the law of a compressor that compares one uniform number per coordinate with a threshold of its own.

    The two values are its messages for the uniform numbers 0 and 1; the threshold, which is the probability of the
    former, is found by bisection, in all coordinates at once.

    Parameters
    ----------
    compressor : Compressor
        Such as `QSGD` or `Natural`.
    x : array, shape (vector, 1, d)
        Its inputs.

    Raises
    ------
    ToolkitError
        If mixed uniform numbers show another value than these thresholds say.

    Notes
    -----
    A draw's uniform numbers are (word + 1/2)/2³², so in a run every probability is met to within 2⁻³³.

    Examples
    --------
    >>> from toolkit.compressors import Natural
    >>> law = two_point_law(Natural(), np.array([[[1.25, -6.0]]]))
    >>> law.low, law.high, law.probability
    (array([[[ 1., -4.]]]), array([[[ 2., -8.]]]), array([[[0.25, 0.5 ]]]))
    """

    def message(uniform: Array) -> Array:
        return compressor.message(x, Script(uniform))

    low, high = message(np.ones(x.shape)), message(np.zeros(x.shape))
    up, down = np.zeros(x.shape), np.ones(x.shape)  # uniform numbers that give `high`, and `low`
    for _ in range(BISECTIONS):
        middle = (up + down) / 2
        goes_up = message(middle) == high
        up, down = np.where(goes_up, middle, up), np.where(goes_up, down, middle)
    probability = np.where(low == high, 0.0, down)
    for shift in (0.13, 0.38, 0.63, 0.88):
        uniform = (shift + np.arange(x.size).reshape(x.shape) * 0.6180339887498949) % 1
        if (message(uniform) != np.where(uniform < probability, high, low)).any():
            raise ToolkitError(
                f"the law of {compressor!r}",
                "it is not a rounding of each coordinate to one of two values by one threshold",
                "enumerate its outcomes in another way",
            )
    return TwoPointLaw(low, high, probability)
