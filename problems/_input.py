"""What problems refuse when they are made."""

from __future__ import annotations

import operator
from typing import Any

from toolkit.errors import WrongUse

__all__ = ["whole"]


def whole(problem: str, field: str, value: Any, least: int = 1) -> int:
    """Return a number of workers, samples or steps as an integer; refuse what is none, or is below the least.

    Examples
    --------
    >>> whole("LateImpulse", "T", 11, least=2)
    11
    """
    try:
        number = operator.index(value)
    except TypeError:
        number = least - 1
    if isinstance(value, bool) or number < least:
        asked = f"{problem}({field}={value!r})"
        raise WrongUse(asked, f"{field} must be an integer of at least {least}", f"give {field}={least} or more")
    return number
