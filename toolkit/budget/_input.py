"""What users give, checked: sequences of vectors, and budgets."""

from __future__ import annotations

import operator
from fractions import Fraction
from numbers import Rational
from typing import Any, Literal, get_args

import numpy as np

from toolkit.arrays import Array
from toolkit.errors import WrongUse, nearest

__all__ = ["Values", "check_budget", "check_values", "sequences"]

Values = Literal["exact", "free"]
SHAPES = "pass shape (T, d), one row for each step, or (run, T, d)"


def sequences(x: Any, asked: str) -> tuple[Array, bool]:
    """Return sequences as an array of shape ``(run, T, d)``, and whether it was a single one.

    Numbers become double precision; exact rationals (`fractions.Fraction`, in an array of objects) stay what they are.
    """
    try:
        array = np.asarray(x)
        exact = array.dtype == object and array.size > 0 and all(isinstance(value, Rational) for value in array.flat)
        if np.iscomplexobj(array):
            raise TypeError
        array = np.vectorize(Fraction, otypes=[object])(array) if exact else np.array(array, dtype=float, order="C")
    except (TypeError, ValueError):
        raise WrongUse(asked, "the sequence is no array of real numbers", SHAPES) from None
    if array.ndim not in (2, 3) or array.size == 0:
        wrong = f"the sequence has shape {array.shape}"
        raise WrongUse(asked, wrong, SHAPES)
    batch = array.reshape(-1, *array.shape[-2:])
    if not exact:
        _check_finite(batch, asked)
    return batch, array.ndim == 2


def _check_finite(batch: Array, asked: str) -> None:
    wrong = np.argwhere(~np.isfinite(batch))
    if len(wrong):
        run, t, j = wrong[0]
        where = f"in run {run}, step {t}, coordinate {j}"
        raise WrongUse(asked, f"the sequence holds {batch[run, t, j]} {where}", "pass finite numbers only")
    with np.errstate(over="ignore"):
        largest = (np.abs(batch).sum(axis=1) ** 2).sum() * batch.shape[1]
    if not np.isfinite(largest):
        raise WrongUse(asked, "the squares of such large numbers overflow", "scale the sequence down")


def check_budget(budget: Any, most: int, asked: str) -> int:
    """Return the budget as an integer between 0 and `most`, the number of all entries."""
    try:
        number = operator.index(budget)
    except TypeError:
        number = -1
    if isinstance(budget, (bool, np.bool_)) or not 0 <= number <= most:
        wrong = f"a budget of {budget!r} elements"
        raise WrongUse(asked, f"{wrong} is not an integer from 0 to T·d = {most}", f"give one from 0 to {most}")
    return number


def check_values(values: Any, asked: str) -> bool:
    """Return whether a send may have any value."""
    if values not in get_args(Values):
        wrong = f"there are no values {values!r}"
        raise WrongUse(asked, wrong, "choose 'exact' or 'free'", nearest(str(values), get_args(Values)))
    return bool(values == "free")
