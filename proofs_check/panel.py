"""The vectors on which statements about one vector are checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from toolkit.arrays import Array
from toolkit.draws import Draw

__all__ = ["Panel", "integers", "panel"]


@dataclass(frozen=True)
class Panel:
    """Vectors, and what kind each is.

    Parameters
    ----------
    x : array, shape (vector, 1, d)
        The vectors, as a batch.
    kinds : tuple of str
        The kind of each.
    """

    x: Array
    kinds: tuple[str, ...]


def integers(d: int, count: int, seed: int = 0) -> Array:
    """Return `count` vectors of integers between −3 and 3, shape ``(count, 1, d)``: full of ties and zeros.

    On them sums of squares are exact, so that an equality of such sums needs no allowance.

    Examples
    --------
    >>> integers(4, 1)
    array([[[-1., -3., -3.,  3.]]])
    """
    draw = Draw(seed + np.arange(count)).of("integers")
    return draw.of("sign").signs(d) * np.floor(4 * draw.of("magnitude").uniform(d)) + 0.0


def panel(d: int, count: int, extremal: Mapping[str, Array] | None = None, seed: int = 0) -> Panel:
    """Return `count` vectors of each random kind, and the given extremal ones.

    The kinds are dense (standard normal), sparse (the same with about 70 % zeros), integer (ties and zeros, see
    `integers`) and wide (random signs, magnitudes log-uniform between 2⁻³⁰ and 2³⁰).

    Parameters
    ----------
    d, count : int
        Dimension, and number of vectors of each kind.
    extremal : mapping of str to array of shape (…, d), optional
        Inputs known to be extremal, by kind.
    seed : int
        The vectors are the same for the same seed.

    Examples
    --------
    >>> panel(3, 2, {"constant magnitude": np.ones(3)}).x.shape
    (9, 1, 3)
    """
    draw = Draw(seed + np.arange(count)).of("panel")
    dense = draw.of("dense").normal(d)
    groups = {
        "a dense vector": dense,
        "a sparse vector": np.where(draw.of("support").uniform(d) < 0.3, dense, 0.0),
        "a vector of small integers": integers(d, count, seed),
        "a vector of wide range": draw.of("sign").signs(d) * np.exp2(60 * draw.of("exponent").uniform(d) - 30),
    }
    groups |= {kind: np.asarray(x, dtype=float).reshape(-1, 1, d) for kind, x in (extremal or {}).items()}
    kinds = tuple(kind for kind, x in groups.items() for _ in range(len(x)))
    return Panel(np.concatenate(list(groups.values())), kinds)
