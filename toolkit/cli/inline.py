"""Members written in one word: ``top-k:k=3``, ``scaled:compressor=(qsgd:s=4)``, ``logistic-regression:digits``."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from typing import Any

from toolkit.errors import ToolkitError, WrongUse, nearest

__all__ = ["build", "build_from", "build_problem", "maker", "missing", "required", "split"]

SIZES = {"workers": 8, "dimension": 100}
NUMERIC, TEXTUAL = {"int", "float", "bool"}, {"str", "Path", "Any"}
LITERALS: dict[str, Any] = {"true": True, "false": False, "none": None}


def split(text: str) -> tuple[str, list[tuple[str, str]]]:
    """Return the name and the parameters of a member written in one word; the key of an unnamed parameter is empty.

    Examples
    --------
    >>> split("rand-k:3,unbiased=true")
    ('rand-k', [('', '3'), ('unbiased', 'true')])
    >>> split("scaled:compressor=(rand-k:k=3,unbiased=true)")
    ('scaled', [('compressor', '(rand-k:k=3,unbiased=true)')])
    """
    name, _, rest = text.partition(":")
    pairs = []
    for part in _commas(rest):
        found = re.match(r"([A-Za-z_]\w*)=(.*)", part, flags=re.DOTALL)
        pairs.append((found[1], found[2]) if found else ("", part))
    return name.strip(), pairs


def build(package: str, text: str) -> Any:
    """Return a member of a package from its one word.

    Raises
    ------
    WrongUse
        If there is no such member or parameter, or a value is impossible.

    Examples
    --------
    >>> build("toolkit.compressors", "top-k:k=3")
    TopK(k=3)
    """
    from toolkit import members

    return build_from(members.load(package, split(text)[0]), text)


def build_from(make: Callable[..., Any], text: str) -> Any:
    """Return what a class makes of the parameters in one word, whatever its name there.

    Raises
    ------
    WrongUse
        If there is no such parameter, or a value is impossible.

    Examples
    --------
    >>> from toolkit.compressors import TopK
    >>> build_from(TopK, "mine:k=3")
    TopK(k=3)
    """
    return _call(make, text, _settings(make, text))


def build_problem(text: str, *, workers: int | None = None, dimension: int | None = None) -> Any:
    """Return a problem from its one word; `workers` and `dimension` go to it if it takes them.

    A problem that needs them gets 8 workers and 100 coordinates unless told.

    Raises
    ------
    WrongUse
        As `build`, and if the problem has its own number of workers or dimension.
    """
    from toolkit import members

    name = split(text)[0]
    make = maker(members.load("problems", name))
    settings = _settings(make, text)
    for key, value in (("workers", workers), ("dimension", dimension)):
        if value is None:
            continue
        if key not in inspect.signature(make).parameters:
            raise WrongUse(f"{name} with {key}={value}", f"this problem has its own {key}", "leave it out")
        settings.setdefault(key, value)
    for parameter in required(make):
        if parameter.name in SIZES:
            settings.setdefault(parameter.name, SIZES[parameter.name])
    return _call(make, text, settings)


def missing(problem: type, text: str) -> list[str]:
    """Return the parameters that a problem needs and its one word does not give.

    Examples
    --------
    >>> from problems import LogisticRegression
    >>> missing(LogisticRegression, "logistic-regression")
    ['name']
    """
    make = maker(problem)
    given = _settings(make, text)
    return [one.name for one in required(make) if one.name not in given and one.name not in SIZES]


def maker(problem: type) -> Callable[..., Any]:
    """Return what makes a problem from numbers and names: ``generate``, ``on`` (named data), or else the class.

    One that is inherited does not count where the class is made from something of its own.
    """
    for base in problem.__mro__:
        for name in ("generate", "on"):
            if name in vars(base):
                return getattr(problem, name)
        if "__init__" in vars(base):
            break
    return problem


def required(make: Callable[..., Any]) -> list[inspect.Parameter]:
    """Return the parameters without a default."""
    return [one for one in inspect.signature(make).parameters.values() if one.default is inspect.Parameter.empty]


def _settings(make: Callable[..., Any], text: str) -> dict[str, Any]:
    """Return the parameters in one word by name; unnamed ones take the names of the first parameters."""
    names = list(inspect.signature(make).parameters)
    known = ", ".join(names) or "none"
    settings: dict[str, Any] = {}
    for position, (key, value) in enumerate(split(text)[1]):
        if not key and position >= len(names):
            raise WrongUse(text, f"{value!r} is one parameter too many", f"give: {known}")
        key = key or names[position]
        if key not in names:
            raise WrongUse(text, f"there is no parameter {key!r}", f"choose from: {known}", nearest(key, names))
        if key in settings:
            raise WrongUse(text, f"the parameter {key!r} is given twice", "give it once")
        settings[key] = _fitting(text, inspect.signature(make).parameters[key], value)
    return settings


def _call(make: Callable[..., Any], text: str, settings: dict[str, Any]) -> Any:
    name = split(text)[0]
    lacking = [one.name for one in required(make) if one.name not in settings]
    if lacking:
        example = ",".join(f"{name}=…" for name in lacking)
        raise WrongUse(text, f"it needs {' and '.join(lacking)}", f"write {name}:{example}")
    try:
        return make(**settings)
    except ToolkitError:
        raise
    except (TypeError, ValueError, OverflowError) as error:  # what a part does not check, its first use stumbles over
        given = " or ".join(_settings(make, text)) or name
        raise WrongUse(text, f"{given} is impossible ({error})", "give other values") from error


def _fitting(text: str, parameter: inspect.Parameter, value: str) -> Any:
    """Return the value of a parameter; refuse a word where its annotation, if there is one, asks for a number."""
    types = set(re.findall(r"\w+", str(parameter.annotation))) - {"None"}
    if types == {"str"}:
        return value.strip()
    found = _value(value)
    whole = types == {"int"}
    word = isinstance(found, str) and types & NUMERIC and not types & TEXTUAL
    if word or (whole and isinstance(found, float)):
        wanted = "true or false" if types == {"bool"} else "a whole number" if whole else "a number"
        raise WrongUse(text, f"{parameter.name}={value} is not {wanted}", f"give {parameter.name} as {wanted}")
    return found


def _value(text: str) -> Any:
    """Return a number, true, false, none, a compressor in parentheses, or the text itself."""
    text = text.strip()
    if text.lower() in LITERALS:
        return LITERALS[text.lower()]
    if text.startswith("(") and text.endswith(")"):
        return build("toolkit.compressors", text[1:-1])
    for number in (int, float):
        try:
            return number(text)
        except ValueError:
            continue
    return text


def _commas(text: str) -> Iterator[str]:
    """Split at commas outside parentheses."""
    depth, part = 0, ""
    for letter in text:
        depth += (letter == "(") - (letter == ")")
        if letter == "," and depth == 0:
            yield part
            part = ""
        else:
            part += letter
    if part:
        yield part
