"""What compressors refuse when they are made."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from toolkit.errors import WrongUse
from toolkit.parameters import Schedule, check_number, values


def check_count(compressor: Any, field: str, d: int | None = None) -> None:
    """Refuse a field that is not an integer of at least 1, or, with `d` given, one above the dimension."""
    name = type(compressor).__name__
    for value in values(getattr(compressor, field)):
        if isinstance(value, Schedule):
            continue
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
            raise WrongUse(
                f"{name}({field}={value!r})", f"{field} must be an integer of at least 1", f"give {field}=1 or more"
            )
        if d is not None and value > d:
            raise WrongUse(
                f"{name}({field}={value}) on vectors of dimension {d}",
                f"{field} is larger than the dimension",
                f"give a {field} between 1 and {d}",
            )


def check_magnitude(compressor: Any, field: str) -> None:
    """Refuse a field that is not a finite number of at least 0."""
    check_number(compressor, field, "a finite number of at least 0", lambda value: 0 <= value < math.inf)


def check_fraction(compressor: Any, field: str) -> None:
    """Refuse a field that is not a number in (0, 1]."""
    check_number(compressor, field, "a number in (0, 1]", lambda value: 0 < value <= 1)


def check_switch(compressor: Any, *fields: str) -> None:
    """Refuse fields that are not True or False."""
    for field in fields:
        value = getattr(compressor, field)
        if not isinstance(value, bool):
            raise WrongUse(
                f"{type(compressor).__name__}({field}={value!r})", "it is True or False", "give one of the two"
            )


def check_size(compressor: Any, field: str) -> None:
    """Refuse a field that is not one integer of at least 1: a size shapes the message, so it cannot be swept."""
    value, name = getattr(compressor, field), type(compressor).__name__
    if isinstance(value, (tuple, Schedule)):
        raise WrongUse(
            f"{name}({field}={value!r})", f"{field} shapes the message", "make one compressor, and one run, for each"
        )
    check_count(compressor, field)


def check_positive(compressor: Any, field: str) -> None:
    """Refuse a field that is not a finite number above 0."""
    check_magnitude(compressor, field)
    for value in values(getattr(compressor, field)):
        if not isinstance(value, Schedule) and value == 0:
            raise WrongUse(
                f"{type(compressor).__name__}({field}={value!r})", f"{field} must be above 0", "give a positive number"
            )


def check_choice(compressor: Any, field: str, choices: Iterable[Any]) -> None:
    """Refuse a field that is none of the choices; it shapes the message, so it cannot be swept."""
    value, choices = getattr(compressor, field), list(choices)
    if not any(type(value) is type(one) and value == one for one in choices):
        raise WrongUse(
            f"{type(compressor).__name__}({field}={value!r})",
            f"{field} is none of its choices",
            f"give one of: {', '.join(map(repr, choices))}",
        )
