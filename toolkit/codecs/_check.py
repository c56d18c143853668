"""What codes refuse when they are made."""

from __future__ import annotations

from typing import Any

from toolkit.errors import WrongUse


def check_parameter(code: Any, field: str, low: int, high: int) -> None:
    """Refuse a field that is neither None nor an integer from `low` to `high`; a code's parameter is not swept."""
    value = getattr(code, field)
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high):
        raise WrongUse(
            f"{type(code).__name__}({field}={value!r})", f"{field} is an integer from {low} to {high}", "give one"
        )


def check_part(code: Any, field: str, kind: type) -> None:
    """Refuse a field that is not a code of this kind."""
    value = getattr(code, field)
    if not isinstance(value, kind):
        raise WrongUse(
            f"{type(code).__name__}({value!r})", f"its {field} is an {kind.__name__}", "give one, such as EliasGamma()"
        )
