"""Declared constants held against the worst inputs that an adversary finds, and what kind of vectors these are."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

import numpy as np

from proofs_check.adversary import tightness
from proofs_check.measure import Measure
from toolkit.arrays import Array
from toolkit.compressors import Compressor
from toolkit.draws import Draw

__all__ = ["DIMENSION", "EVERY", "PRINTED", "TOGETHER", "WORKERS", "Row", "held_against", "in_words"]

Row = dict[str, Any]

DIMENSION = {"quick": 4, "full": 8}
TOGETHER, WORKERS = 4, {"quick": 2, "full": 3}  # where workers draw together: so few that all draws can be enumerated
PRINTED = "printed"  # the kind of a constant that a paper prints, where the compressor declares a smaller one
EVERY = "every input"
PROBES = 4  # random inputs that show whether all are alike
SAME = 1e-9  # relatively: as good as equal
FAR = 1e6  # a magnitude so many times another one stands for a limit


def held_against(known: Mapping[str, Compressor], level: str) -> list[Row]:
    """Return a row for every constant that a compressor declares, as `proofs_check.adversary.tightness` does, and more.

    Constants that say the same are told once: δ = 1 − ω adds nothing to ω, nor does A = ω/n for workers that draw
    independently. A constant that a paper prints in the place of ω has a row of its own, of kind `PRINTED`. The further
    keys are ``parameters``; ``workers``; and ``input``, the worst input in words.
    """
    return [row for label, compressor in known.items() for row in _rows(label, compressor, level)]


def _rows(label: str, compressor: Compressor, level: str) -> Iterator[Row]:
    d, n = (TOGETHER, WORKERS[level]) if compressor.shared else (DIMENSION[level], 1)
    found = {row["constant"]: row for row in tightness({label: compressor}, d, n=n)}
    for constant, row in found.items():
        if constant == "delta" and "omega" in found:
            continue
        x = row["x"] if constant == "ab" else _of_one(np.atleast_2d(row["x"]))
        words = EVERY if _all_alike(compressor, row, n) else in_words(x, scaled=compressor.homogeneous)
        row |= {"parameters": repr(compressor), "workers": n, "x": x, "input": words}
        yield row
        printed = getattr(compressor, "printed_omega", lambda d: None)(d)
        if constant == "omega" and printed is not None:
            yield row | {
                "compressor": f"{label}, as printed",
                "declared": float(printed),
                "kind": PRINTED,
                "source": "recalled",
                "used": row["ratio"] / float(printed),
                "gap": float(printed) - row["ratio"],
                "reached": False,
                "violated": row["ratio"] > float(printed),
            }


def _of_one(x: Array) -> Array:
    """Return the vector of the worker that counts if it can be told: the only one that is not 0, or all are equal."""
    busy = x[x.any(axis=1)]
    return busy[0] if len(busy) and (busy == busy[0]).all() and len(busy) in (1, len(x)) else x


def _all_alike(compressor: Compressor, row: Row, n: int) -> bool:
    """Tell whether random inputs, one entry and constant magnitude are all as bad."""
    d = row["d"]
    measure = Measure(compressor, d, n, row["constant"])
    drawn = Draw(np.arange(PROBES), workers=n).of("probes").per_worker.normal(d)
    probes = np.concatenate([drawn, np.ones((1, n, d)), np.eye(n, d)[None]])
    seen = [measure.enumerated(x[None]) if measure.error is None else measure.values(x[None])[0] for x in probes]
    return all(value is not None and math.isclose(value, row["ratio"], rel_tol=SAME) for value in seen)


def in_words(x: Array, *, scaled: bool = True) -> str:
    """Return what kind of vector an input is.

    Parameters
    ----------
    x : array, shape (d,) or (worker, d)
        The input.
    scaled : bool
        Whether its scale does not matter.

    Examples
    --------
    >>> in_words(np.array([0.0, 2.0, 0.0])), in_words(np.array([0.0, 4 / 3, 0.0]), scaled=False)
    ('one entry', 'one is 4/3')
    >>> in_words(np.ones(4)), in_words(np.array([1.0, -1.0, 0.0])), in_words(np.array([0.5, 1.5, 0.5]))
    ('all equal', '2 equal, ±', '1×3, 2×1')
    >>> in_words(np.array([[1.0, 0.0], [1.0, 0.0]])), in_words(np.array([[0.0, 1.0], [0.0, 0.0]]))
    ('one entry, each', 'one entry, at one')
    """
    if x.ndim == 1:
        return _vector_in_words(x, scaled)
    if (x == x[0]).all():
        return f"{_vector_in_words(x[0], scaled)}, each"
    if len(busy := x[x.any(axis=1)]) == 1:
        return f"{_vector_in_words(busy[0], scaled)}, at one"
    return "workers differ"


def _vector_in_words(x: Array, scaled: bool) -> str:
    values = x[x != 0]
    if not values.size:
        return "zero"
    sizes = np.sort(np.abs(values))[::-1]
    first = np.flatnonzero(np.concatenate([[True], np.abs(np.diff(sizes)) > SAME * sizes[:-1]]))
    each, counts = sizes[first], np.diff([*first, sizes.size])
    if scaled:
        each = each / each[-1]
    if len(each) > 2:
        return "mixed"
    if len(each) == 2:
        return ", ".join(f"{count}×{_number(value)}" for count, value in zip(counts, each, strict=True))
    count, both = counts[0], len(np.unique(np.sign(values))) == 2
    if scaled:
        what = "one entry" if count == 1 else "all equal" if count == x.size else f"{count} equal"
        return f"{what}, ±" if both else what
    what = "one is" if count == 1 else "all are" if count == x.size else f"{count} are"
    return f"{what} {'±' * both}{_number(each[0])}"


def _number(value: float) -> str:
    """Return a number, as a fraction where that is short.

    Examples
    --------
    >>> _number(4 / 3), _number(4.6458), _number(0.6597), _number(1e16)
    ('4/3', '4.646', '0.66', '∞')
    """
    short = Fraction(value).limit_denominator(9)
    if value > FAR:
        return "∞"
    return str(short) if math.isclose(short, value, rel_tol=SAME) else f"{value:.{4 if value > 1 else 2}g}"
