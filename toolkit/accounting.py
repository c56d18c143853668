"""How others count the bits of a message: every rule found in papers and public code, side by side.

The same Top-k message is charged anything from its values alone to three times as much. A rule that the receiver could
not decode from says so. What this toolkit charges is in `toolkit.ledger`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from toolkit.arrays import Array
from toolkit.entropy import (
    elias_delta_bits,
    elias_gamma_bits,
    elias_omega_bits,
    qsgd_elias_bits,
    set_bits,
    set_entropy,
)
from toolkit.errors import WrongUse
from toolkit.layout import SEED_BITS, Levels, Numbers, Positions

__all__ = [
    "LEVEL_RULES",
    "POSITION_BITS",
    "SPARSE_RULES",
    "Charge",
    "LevelRule",
    "SparseRule",
    "mean_gap_bits",
    "rules_for",
]


@dataclass(frozen=True)
class Charge:
    """What a rule charges for one message.

    Parameters
    ----------
    name : str
        The rule, in words.
    who : str
        Who counts this way.
    formula : str
        Of the bits.
    bits : float
        The charge; the mean over uniformly random sets of positions where it depends on them.
    lacks : str
        What the receiver would still need to know; empty if it can decode.
    """

    name: str
    who: str
    formula: str
    bits: float
    lacks: str = ""


@dataclass(frozen=True)
class SparseRule:
    """A rule for k entries out of d.

    Parameters
    ----------
    name, who, formula, lacks
        As of `Charge`.
    bits : callable
        Of (d, k, w), w the bits of one value.
    redrawn : bool
        Whether the rule is for positions that the receiver can draw again.
    """

    name: str
    who: str
    formula: str
    bits: Callable[[int, int, int], float]
    lacks: str = ""
    redrawn: bool = False


@dataclass(frozen=True)
class LevelRule:
    """A rule for d integers from 2s + 1 levels and one norm.

    Parameters
    ----------
    name, who, formula, lacks
        As of `Charge`.
    bits : callable
        Of (d, s, w), w the bits of the norm.
    """

    name: str
    who: str
    formula: str
    bits: Callable[[int, int, int], float]
    lacks: str = ""


def mean_gap_bits(lengths: Callable[[Array], Array], d: int, k: int) -> float:
    r"""Return the mean bits of k positions out of d, a uniformly random set, coded by the gaps between them.

    .. math:: k \sum_{g=1}^{d-k+1} P(g)\,\ell(g), \qquad P(g) = \binom{d-g}{k-1} \Big/ \binom dk .

    Parameters
    ----------
    lengths : callable
        The bits ℓ of the code word of each gap, for an array of them.
    d, k : int
        Out of how many, and how many, 1 ≤ k ≤ d.

    Notes
    -----
    The first position plus one and the differences all have this law, because the d + 1 gaps of a set and its ends are
    exchangeable (derived).

    Examples
    --------
    >>> mean_gap_bits(elias_gamma_bits, d=2, k=1)  # one bit, or three
    2.0
    """
    gap = np.arange(1, 1 + min(d - k + 1, 40 * d // k))  # a larger one has probability below e⁻⁴⁰
    ratios = (d - gap[:-1] - k + 1) / (d - gap[:-1])
    law = k / d * np.cumprod(np.append(1.0, ratios))
    return float(k * (law @ lengths(gap)))


def _golomb(d: int, k: int) -> float:
    from toolkit.codecs import Golomb

    return mean_gap_bits(Golomb().fit(count=k, total=d).lengths, d, k)


def _fixed(d: int, k: int) -> float:
    return k * (d - 1).bit_length()


POSITION_BITS: dict[str, Callable[[int, int], float]] = {
    "32 bits each": lambda d, k: 32 * k,
    "⌈log2 d⌉ bits each": _fixed,
    "bitmap": lambda d, k: d,
    "Elias gamma gaps": lambda d, k: mean_gap_bits(elias_gamma_bits, d, k),
    "Elias delta gaps": lambda d, k: mean_gap_bits(elias_delta_bits, d, k),
    "Elias omega gaps": lambda d, k: mean_gap_bits(elias_omega_bits, d, k),
    "Golomb gaps": _golomb,
    "log2 C(d, k)": lambda d, k: float(set_entropy(d, k)),
}
"""Bits of the positions alone, as functions of (d, k); means over uniformly random sets where they vary."""

_NO_POSITIONS = "the positions"

SPARSE_RULES: tuple[SparseRule, ...] = (
    SparseRule(
        "8-bit values only",
        "LM-GC's lossy front ends",
        "8k",
        lambda d, k, w: 8 * k,
        "the positions, and the values that were rounded",
    ),
    SparseRule(
        "values only",
        "MARINA, PermK, FL_PyTorch, total-error experiments",
        "wk",
        lambda d, k, w: w * k,
        _NO_POSITIONS,
    ),
    SparseRule(
        "bytes of a Python object, taken as bits",
        "EF21's experiments",
        "32k",
        lambda d, k, w: 32 * k,
        _NO_POSITIONS,
    ),
    SparseRule(
        "values and a seed",
        "samplers whose receiver knows the seed",
        f"wk + {SEED_BITS}",
        lambda d, k, w: w * k + SEED_BITS,
        redrawn=True,
    ),
    SparseRule(
        "values and the number of the set",
        "this toolkit's formula",
        "wk + ⌈log2 C(d, k)⌉",
        lambda d, k, w: w * k + set_bits(d, k),
    ),
    SparseRule(
        "values and Golomb-coded gaps",
        "Malcom-PSGD",
        "wk + k·E_G(k/d)",
        lambda d, k, w: w * k + _golomb(d, k),
    ),
    SparseRule(
        "8-bit levels, signs, 32-bit positions",
        "Mem-SGD, for QSGD",
        "41k",
        lambda d, k, w: 41 * k,
        "the values, which were rounded",
    ),
    SparseRule(
        "values and ⌈log2 d⌉-bit positions",
        "the usual formula; CompFedRL",
        "(w + ⌈log2 d⌉)k",
        lambda d, k, w: w * k + _fixed(d, k),
    ),
    SparseRule(
        "values and Elias omega gaps",
        "QSGD (recalled)",
        "wk + mean of the gaps' Elias omega code words",
        lambda d, k, w: w * k + mean_gap_bits(elias_omega_bits, d, k),
    ),
    SparseRule(
        "values and 32-bit positions",
        "Mem-SGD's and DASHA's experiments",
        "(w + 32)k",
        lambda d, k, w: (w + 32) * k,
    ),
    SparseRule(
        "values and 64-bit positions",
        "GRACE, which sends int64 indices",
        "(w + 64)k",
        lambda d, k, w: (w + 64) * k,
    ),
    SparseRule(
        "values and a bitmap",
        "masks",
        "wk + d",
        lambda d, k, w: w * k + d,
    ),
    SparseRule(
        "the whole vector, zeros included",
        "all-reduce of the decoded message",
        "wd",
        lambda d, k, w: w * d,
    ),
)

LEVEL_RULES: tuple[LevelRule, ...] = (
    LevelRule(
        "levels of fixed width, the norm forgotten",
        "counts of b bits per coordinate",
        "⌈log2(2s + 1)⌉d",
        lambda d, s, w: (2 * s).bit_length() * d,
        "the norm",
    ),
    LevelRule(
        "levels of fixed width and the norm",
        "this toolkit's formula",
        "⌈log2(2s + 1)⌉d + w",
        lambda d, s, w: (2 * s).bit_length() * d + w,
    ),
    LevelRule(
        "log2 of the number of levels and the norm",
        "ideal codes of uniform levels",
        "log2(2s + 1)·d + w",
        lambda d, s, w: float(np.log2(2 * s + 1)) * d + w,
    ),
    LevelRule(
        "Mem-SGD's dense count, s = 2^b",
        "Mem-SGD's experiments: the first of the three of which they take the least",
        "(b + 1)d",
        lambda d, s, w: (float(np.log2(s)) + 1) * d,
        "the norm and the highest level",
    ),
    LevelRule(
        "Mem-SGD's Elias count",
        "Mem-SGD's experiments: the second of the three",
        "3s(s + √d) + 32",
        lambda d, s, w: 3 * s * (s + float(np.sqrt(d))) + 32,
    ),
    LevelRule(
        "QSGD's printed bound with Elias codes",
        "QSGD, without the o(1) (recalled)",
        "(3 + 3/2·log2(2(s² + d)/(s² + s√d)))·(s² + s√d) + 32",
        lambda d, s, w: float(qsgd_elias_bits(d, s)),
    ),
)


def rules_for(compressor: Any, d: int, dtype: Any) -> list[Charge]:
    """Return what every rule that applies charges for one message of a compressor, in increasing order.

    Parameters
    ----------
    compressor : Compressor
        Its layout decides which rules apply: those of k entries, or those of d levels and a norm.
    d : int
        Dimension.
    dtype : dtype
        Of the vector.

    Returns
    -------
    list of Charge
        Empty where no rule was found for such messages, or their number of entries depends on the vector.

    Raises
    ------
    WrongUse
        If a field of the compressor is a swept set.

    Notes
    -----
    Sources: the sheets of the papers named in `SPARSE_RULES` and `LEVEL_RULES`; the experiments' code where they say
    so (code), QSGD's Elias count (recalled).

    Examples
    --------
    >>> from toolkit.compressors import TopK
    >>> charges = rules_for(TopK(k=10), 1000, "float32")
    >>> [(one.formula, one.bits) for one in charges if one.formula in ("wk", "(w + 32)k", "(w + 64)k")]
    [('wk', 320), ('(w + 32)k', 640), ('(w + 64)k', 960)]
    """
    layout = compressor.layout(d, np.dtype(dtype))
    charges = [*_sparse(compressor, layout, d, dtype), *_levels(layout, d, dtype)]
    return sorted(charges, key=lambda charge: charge.bits)


def _sparse(compressor: Any, layout: Any, d: int, dtype: Any) -> Iterator[Charge]:
    """Yield the charges of a layout of positions out of d and one number at each."""
    positions = [field for field in layout if isinstance(field, Positions) and field.size == d]
    if len(positions) != 1 or positions[0].count is None:
        return
    (where,), k = positions, positions[0].count
    if np.ndim(k):
        raise WrongUse(f"the charges of {compressor!r}", "a field is a swept set", "give it one value")
    values = [field for field in layout if isinstance(field, Numbers) and field.at == where.name]
    if len(values) == 1:
        width = 8 * np.dtype(values[0].dtype or dtype).itemsize
        for rule in SPARSE_RULES:
            if where.drawn or not rule.redrawn:
                yield Charge(rule.name, rule.who, rule.formula, rule.bits(d, int(k), width), rule.lacks)


def _levels(layout: Any, d: int, dtype: Any) -> Iterator[Charge]:
    """Yield the charges of a layout of d levels −s, …, s and one number."""
    levels = [field for field in layout if isinstance(field, Levels) and field.size == d and field.at is None]
    norms = [field for field in layout if isinstance(field, Numbers) and field.size == 1]
    if len(layout) == 2 and levels and norms and levels[0].high and levels[0].low == -levels[0].high:
        width = 8 * np.dtype(norms[0].dtype or dtype).itemsize
        for rule in LEVEL_RULES:
            yield Charge(rule.name, rule.who, rule.formula, rule.bits(d, int(levels[0].high), width), rule.lacks)
