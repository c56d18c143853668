"""What certified points of a rate–distortion function say about it everywhere.

The function is convex and does not increase. So a chord between two points that are attained is above it, and a line
that is below it somewhere and certified as such is below it everywhere.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import log
from typing import Any

import numpy as np

__all__ = ["BITS", "RateCurve", "RatePoint"]

BITS = 1 / log(2)  # in a nat


@dataclass(frozen=True)
class RatePoint:
    """A rate with its certificate.

    Parameters
    ----------
    slope : float
        s, in nats per unit of distortion.
    distortion : float
        D, attained with `upper` bits.
    upper : float
        Bits with which D is attained: R(D) is at most this.
    intercept : float
        Of the certified line: R(D') ≥ intercept − s·D'/ln 2 bits at every D'.
    """

    slope: float
    distortion: float
    upper: float
    intercept: float

    @property
    def lower(self) -> float:
        """The certified line at `distortion`, in bits: R(D) is at least this, and at least 0."""
        return max(0.0, self.intercept - self.slope * self.distortion * BITS)

    @property
    def gap(self) -> float:
        """How far, in bits, `upper` is from `lower`."""
        return self.upper - self.lower


class RateCurve:
    """A rate–distortion function between two curves.

    Parameters
    ----------
    points : iterable of RatePoint
        Some of its points.
    variance : float
        The distortion that needs no bits.

    Examples
    --------
    >>> from toolkit.information.fixed_slope import fixed_slope
    >>> points = [fixed_slope([0.5, 0.5], [[0, 1], [1, 0]], slope) for slope in (1.5, 2.0)]
    >>> coin = RateCurve(points, variance=0.5)
    >>> bool(coin.lower(0.15) < 0.3901 < coin.upper(0.15))  # h(0.5) − h(0.15)
    True
    """

    def __init__(self, points: Iterable[RatePoint], variance: float) -> None:
        nothing = RatePoint(0.0, variance, 0.0, 0.0)
        self.points = sorted([*points, nothing], key=lambda point: point.distortion)

    def upper(self, distortion: Any) -> Any:
        """Return the chords: R(D) is at most this; infinite below the smallest distortion attained."""
        attained = [point.distortion for point in self.points]
        rates = [point.upper for point in self.points]
        return np.interp(distortion, attained, rates, left=np.inf, right=0.0)

    def lower(self, distortion: Any) -> Any:
        """Return the highest of the certified lines: R(D) is at least this."""
        lines = [point.intercept - point.slope * np.asarray(distortion) * BITS for point in self.points]
        return np.max(lines, axis=0)[()]
