"""Exact parameters in a short text: ``smooth:mu=1/10,L=1``."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from typing import Any

from toolkit.errors import WrongUse, nearest

__all__ = ["fraction", "made", "split"]

NUMBER = re.compile(r"-?[0-9]{1,80}(\.[0-9]{1,80}|/[1-9][0-9]{0,80})?")
LARGEST = 100  # whole number: each may be a number of messages


def fraction(text: str) -> Fraction:
    """Return an exact number from a text: a whole one, a decimal or p/q.

    Raises
    ------
    WrongUse
        If it is none.

    Examples
    --------
    >>> fraction("20/33"), fraction("0.1")
    (Fraction(20, 33), Fraction(1, 10))
    """
    if not NUMBER.fullmatch(text):  # Fraction reads more, such as 1e999999999, for which there is no memory
        raise WrongUse(f"the number {text[:80]!r}", "it is no exact number", "write 3, 0.1 or 20/33")
    return Fraction(text)


def split(text: str) -> tuple[str, dict[str, str]]:
    """Return the name and the fields of ``name:field=value,…``, as texts.

    Raises
    ------
    WrongUse
        If a part is no field with a value, or a field is given twice.

    Examples
    --------
    >>> split("smooth:mu=1/10,L=1")
    ('smooth', {'mu': '1/10', 'L': '1'})
    """
    name, _, rest = text.partition(":")
    fields: dict[str, str] = {}
    for part in filter(None, rest.split(",")):
        field, equals, value = (piece.strip() for piece in part.partition("="))
        if not (equals and field.isidentifier()) or field in fields:
            raise WrongUse(text, f"{part!r} is no parameter, or given twice", "write name:field=number,field=number")
        fields[field] = value
    return name.strip(), fields


def made(make: Callable[..., Any], name: str, given: Mapping[str, str], form: str = "{}:{}", **fixed: Any) -> Any:
    """Return what a class makes of fields in a text; `fixed` ones are not for the text to give.

    How a name and fields are written, for what is said of an error, is the `form`.

    Raises
    ------
    WrongUse
        If a field is missing or unknown, or its value is none.

    Examples
    --------
    >>> from proofs_check.worst_case import Smooth
    >>> made(Smooth, "smooth", {"mu": "1/10"})
    Smooth(L=Fraction(1, 1), mu=Fraction(1, 10))
    """
    text = _written(form, name, [f"{field}={value}" for field, value in given.items()])
    own = {key: one for key, one in inspect.signature(make).parameters.items() if key not in fixed}
    told = f"its parameters are {', '.join(own)}" if own else "it has no parameters"
    for field in given:
        if field == "stepsize" and field in fixed:
            raise WrongUse(text, "the step size is given apart", f"write {name} and --stepsize {given[field]}")
        if field not in own:
            remedy = f"write {_written(form, name, map(_example, own.values()))}"
            raise WrongUse(text, f"there is no parameter {field!r}: {told}", remedy, nearest(field, own))
    lacking = [one for one in own.values() if one.default is inspect.Parameter.empty and one.name not in given]
    if lacking:
        needs = " and ".join(one.name for one in lacking)
        parts = [*(f"{key}={value}" for key, value in given.items()), *map(_example, lacking)]
        raise WrongUse(text, f"it needs {needs}: {told}", f"write {_written(form, name, parts)}")
    return make(**{field: _fitting(text, own[field], value) for field, value in given.items()}, **fixed)


def _written(form: str, name: str, parts: Iterable[str]) -> str:
    fields = ",".join(parts)
    return form.format(name, fields) if fields else name


def _example(one: inspect.Parameter) -> str:
    default = "" if one.default in (inspect.Parameter.empty, None) else one.default
    return f"{one.name}={default if default != '' else 1 if str(one.annotation) == 'int' else '1/2'}"


def _fitting(text: str, one: inspect.Parameter, value: str) -> Any:
    """Return the value of a field as its annotation wants it: a text, true or false, a whole or an exact number."""
    wanted = str(one.annotation)
    if wanted == "str":
        return value
    if wanted == "bool":
        if value not in ("true", "false"):
            raise WrongUse(text, f"{one.name}={value} is not true or false", f"give {one.name} as true or false")
        return value == "true"
    number = fraction(value)
    if wanted.startswith("int"):
        if number.denominator != 1 or abs(number) > LARGEST:
            wrong = f"{one.name}={value} is not a whole number up to {LARGEST}"
            raise WrongUse(text, wrong, f"give {one.name} as a whole number")
        return int(number)
    return number
