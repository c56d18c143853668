"""The lines that no point of a source can be below, and those drawn beside them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from figures._messages import P
from figures._plate import Side
from toolkit.arrays import Array
from toolkit.information.gaussian import gaussian_rate
from toolkit.information.laplace import LAPLACE, laplace_lower_bound
from toolkit.information.sparse import bernoulli_gaussian, sparse_lower_bound
from toolkit.information.squared_error import rate_curve

__all__ = ["DASHED", "DOTTED", "Limits", "Line", "limits"]

SOLID, DASHED, DOTTED = "solid", (0, (5, 1.5)), (0, (1, 1))
GAP = 5e-3  # bits: of the certificates, less than a line is wide
SLOPES = {"laplace": np.geomspace(0.2, 20, 14), "sparse": np.geomspace(0.055, 4, 14)}


@dataclass(frozen=True)
class Line:
    """A curve of bits per coordinate against errors; `at` and `side` say where its name stands, as on a `Plate`."""

    name: str
    bits: Array
    error: Array
    dashes: Any
    at: float | None = None
    side: Side = "below"


@dataclass(frozen=True)
class Limits:
    """What is possible for one source.

    Parameters
    ----------
    least_bits : callable
        A lower bound, by theorem, on mean bits per coordinate at a positive mean error.
    lines : tuple of Line
        To draw.
    gap : float
        How far, in bits, the certified rates may be from the rate–distortion function; 0 where it is known.
    """

    least_bits: Callable[[Any], Any]
    lines: tuple[Line, ...]
    gap: float


def limits(source: str, lowest: float) -> Limits:
    """Return the limits of a source, drawn down to an error `lowest`."""
    error = np.geomspace(1, lowest, 300)
    if source == "gaussian":
        return Limits(
            gaussian_rate, (Line("$R(D) = \\frac{1}{2}\\log_2(1/D)$", gaussian_rate(error), error, SOLID),), 0.0
        )
    laplace = source == "laplace"
    curve = rate_curve(LAPLACE if laplace else bernoulli_gaussian(P), SLOPES[source], GAP)
    certified = np.geomspace(1, curve.points[0].distortion, 100)
    gap = max(point.gap for point in curve.points)
    gaussian = gaussian_rate(error)
    if laplace:
        lines = (
            Line("$R(D)$", curve.lower(certified), certified, SOLID),
            Line("Shannon lower bound", laplace_lower_bound(error), error, DASHED),
            Line("Gaussian $R(D)$", gaussian, error, DOTTED),
        )
        return Limits(lambda at: np.maximum(curve.lower(at), laplace_lower_bound(at)), lines, gap)
    below = sparse_lower_bound(error, P)
    lines = (
        Line("$R(D)$", curve.lower(certified), certified, SOLID, 0.6),
        Line("positions free", below, error, DASHED, 0.7),
        Line("Gaussian $R(D)$", gaussian, error, DOTTED, 0.8, "above"),
    )
    return Limits(lambda at: np.maximum(curve.lower(at), sparse_lower_bound(at, P)), lines, gap)
