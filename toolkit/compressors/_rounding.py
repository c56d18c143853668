"""Random rounding to an integer."""

from __future__ import annotations

from toolkit.arrays import Array, namespace

__all__ = ["rounded", "rounding_variance"]


def rounded(level: Array, uniform: Array) -> Array:
    """Return ⌊y⌋ or ⌊y⌋ + 1 for each y = `level`: the latter if its uniform number is below y − ⌊y⌋, so without bias.

    Examples
    --------
    >>> import numpy as np
    >>> rounded(np.array([1.25, 1.25, -0.5, 2.0]), np.array([0.2, 0.3, 0.4, 0.0]))
    array([2., 1., 0., 2.])
    """
    xp = namespace(level)
    below = xp.floor(level)
    return xp.where(uniform < level - below, below + 1, below)


def rounding_variance(level: Array) -> Array:
    """Return f(1 − f) for each y = `level`, f = y − ⌊y⌋: the variance of `rounded`."""
    f = level - namespace(level).floor(level)
    return f * (1 - f)
