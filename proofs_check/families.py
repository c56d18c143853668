"""Vectors that are the worst, or the best, input of some compressor."""

from __future__ import annotations

from itertools import combinations_with_replacement

import numpy as np

from toolkit.arrays import Array
from toolkit.draws import Draw

__all__ = ["families", "starts"]

RATIOS = (0.9, 3 / 4, 2 / 3, 1 / 2, 1 / 3, 1 / 4, 1 / 10, 1e-2, 1e-4, 1e-8)
HALF_LEVELS = (1, 3, 5, 7, 9)  # in halves
LARGEST_LEVEL = 17  # of three coordinates among halves
SIGNS = 8  # random sign patterns
MANY = 32  # of more coordinates than this not every count, nor every position, is tried


def families(d: int, seed: int = 0) -> dict[str, Array]:
    """Return families of vectors of dimension `d`, by what they are, each of shape ``(vector, 1, d)``.

    Parameters
    ----------
    d : int
        The dimension.
    seed : int
        Of the random signs.

    Notes
    -----
    What each is extremal for: *constant magnitude*: Top-k, and QSGD with 4s² ≤ d; with *random signs*: one-bit
    quantisers behind a rotation; *one entry*: the scaled sign; *k equal entries*: Top-k with k one less, where it is
    best and worst at once; *two magnitudes*: quantisers of the largest entry, and the scaled sign without zeros;
    *1 + 2^−p*: floating-point formats with p − 1 bits of fraction, to the nearest; *4/3·2^z*: natural compression;
    *geometric*: Top-k at its best, natural dithering; *half levels* (l + ½): QSGD with 4s² > d, for which they contain
    the worst input (in d ≥ 3 as long as s is at most some 17); *integer levels*: QSGD at its best.

    Examples
    --------
    >>> families(3)["one entry"][:, 0]
    array([[1., 0., 0.],
           [0., 1., 0.],
           [0., 0., 1.]])
    """
    j = np.arange(d)
    some = np.unique(np.linspace(0, d - 1, min(d, MANY)).astype(int))
    heads = [(j < count).astype(float) for count in some + 1]  # 1 in so many first coordinates, 0 in the others
    found = {
        "constant magnitude": np.ones(d),
        "constant magnitude, random signs": Draw(seed + np.arange(SIGNS)).of("signs").signs(d),
        "one entry": np.eye(d)[some],
        "k equal entries": heads,
        "two magnitudes": [ratio + (1 - ratio) * head for ratio in RATIOS for head in heads],
        "1 + 2^−p": [np.full(d, 1 + 2.0**-p) for p in range(1, 13)],
        "4/3·2^z": [4 / 3 * np.exp2(z) for z in (0 * j, j % 2, -(j % 7))],
        "geometric": [ratio ** np.minimum(j, 40) for ratio in RATIOS[:-2]],
        "powers": [(j + 1.0) ** power for power in (2, 1, 1 / 2, -1 / 2, -1, -2)],
        "half levels": [
            (low + (high - low) * head) / 2 for low in HALF_LEVELS for high in HALF_LEVELS for head in heads
        ],
        "half levels, three large": _three_large(d),
        "integer levels": [low + (high - low) * head for low in (1, 2, 3) for high in (2, 3, 4) for head in heads],
        "zero": np.zeros(d),
    }
    return {name: np.asarray(x, dtype=float).reshape(-1, 1, d) for name, x in found.items()}


def _three_large(d: int) -> Array:
    """Return half levels, ½ but in up to three coordinates: their sums of squares are all there are in this dimension.

    Σ(l_j + ½)² = d/4 + 2·(a sum of d triangular numbers), and every number is a sum of three triangular ones.
    """
    large = np.array(list(combinations_with_replacement(range(LARGEST_LEVEL, -1, -1), min(d, 3))))
    x = np.full((len(large), d), 0.5)
    x[:, : large.shape[1]] = large + 0.5
    return x


def starts(d: int, n: int, seed: int = 0, count: int = 64) -> dict[str, Array]:
    """Return inputs to start a search from: extremal and random ones, by name, each of shape ``(vector, n, d)``.

    Parameters
    ----------
    d, n : int
        Dimension, and number of workers; with several, some vectors of each family are put on all of them, on one of
        them, with alternating signs, and shifted from one to the next.
    seed : int
        Of the random ones.
    count : int
        How many of each random kind.

    Examples
    --------
    >>> starts(2, 3)["constant magnitude, on one worker"]
    array([[[1., 1.],
            [0., 0.],
            [0., 0.]]])
    """
    draw = Draw(seed + np.arange(count), workers=n).of("starts").per_worker
    normal = draw.of("dense").normal(d)
    drawn = {
        "random": normal,
        "random, sparse": np.where(draw.of("support").uniform(d) < 0.3, normal, 0.0),
        "random, integers": np.rint(2 * normal),
        "random, wide": draw.of("sign").signs(d) * np.exp2(24 * draw.of("exponent").uniform(d) - 12),
    }
    known = families(d, seed)
    if n == 1:
        return known | drawn
    few = {name: x[np.unique(np.linspace(0, len(x) - 1, 16).astype(int))] for name, x in known.items()}
    worker = np.arange(n)[:, None]
    spread: dict[str, Array] = {}
    for name, x in few.items():
        spread |= {
            f"{name}, on every worker": np.repeat(x, n, axis=1),
            f"{name}, on one worker": np.where(worker == 0, x, 0.0),
            f"{name}, with alternating signs": np.where(worker % 2 == 0, x, -x),
            f"{name}, shifted from worker to worker": np.concatenate(
                [np.roll(x, shift, axis=-1) for shift in range(n)], axis=1
            ),
        }
    return spread | drawn
