"""A certificate in words: what it says of which functions and messages, all read from its statement."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

__all__ = ["bound_in_words", "setting_in_words"]

ANCHORS = {"minimum": ", minimal at 0 with value 0", "infimum": ", nowhere below its lower bound 0", "none": ""}
LOWEST = {"minimum": "*", "infimum": "_inf"}  # what is put after a function's name for its minimum, or a lower bound


def bound_in_words(document: Mapping[str, Any]) -> str:
    """Return the bound of a certificate that was verified.

    Examples
    --------
    >>> from fractions import Fraction as Q
    >>> from proofs_check.worst_case import certify_tightly
    >>> from proofs_check.worst_case.settings import cgd
    >>> bound_in_words(certify_tightly(cgd(Q(1, 10), Q(1, 2), Q(40, 31))).document)
    'f(x_1) − f* ≤ 841/961 · (f(x_0) − f*)'
    """
    raw = document["statement"]
    values = _values(raw)
    metrics = [_expression(one, values) for one in raw["metric"]]
    metric = metrics[0] if len(metrics) == 1 else f"min({', '.join(metrics)})"
    above = document["proof"]["kind"] == "upper"
    constants = [one for one in raw["messages"] if one["class"] in ("absolute", "variance")]
    constants += [one for one in raw["functions"] if one["class"] == "lipschitz"]
    assumed = raw["assumptions"]
    if len(assumed) == 1 and assumed[0]["is"] == "<= 0" and assumed[0]["constant"] == "-1" and not constants:
        initial = _expression({**assumed[0], "constant": "0"}, values)
        return f"{metric} {'≤' if above else 'can be'} {document['bound']} · ({initial})"
    given = ", ".join(f"{_expression(one, values)} {one['is'].replace('<=', '≤')}" for one in assumed)
    return f"{metric} {'≤' if above else 'can be'} {document['bound']}, if {given}"


def setting_in_words(document: Mapping[str, Any]) -> list[str]:
    """Return for which functions and messages it holds, line by line."""
    raw = document["statement"]
    lines = []
    for one in raw["functions"]:
        constants = ", ".join(f"{name} = {value}" for name, value in one["constants"].items())
        points = "; ".join(f"gradient {_vector(point['g'])} at {_vector(point['x'])}" for point in one["points"])
        lines.append(f"{one['name']}: {one['class']} {constants}".rstrip() + ANCHORS[one["anchor"]] + f"; {points}")
    for one in raw["messages"]:
        constants = ", ".join(f"{name} = {value}" for name, value in one["constants"].items())
        lines.append(f"{_vector(one['arrived'])}: {one['class']} message of {_vector(one['given'])}, {constants}")
    lines += [f"{name} = {_vector(value)}" for name, value in raw["named"].items()]
    return lines


def _values(raw: Mapping[str, Any]) -> dict[str, str]:
    """Return scalars as the values of functions that they are."""
    found = {}
    for one in raw["functions"]:
        for point in one["points"]:
            if list(point["f"].values()) == ["1"]:
                minimum = f" − {one['name']}{LOWEST[one['anchor']]}" if one["anchor"] in LOWEST else ""
                found[next(iter(point["f"]))] = f"{one['name']}({_vector(point['x'])}){minimum}"
    return found


def _sum(terms: list[tuple[Fraction, str]]) -> str:
    text = ""
    for value, name in terms:
        if value:
            sign = ("−" if not text else " − ") if value < 0 else (" + " if text else "")
            text += sign + (name if abs(value) == 1 and name else f"{abs(value)} {name}".rstrip())
    return text or "0"


def _vector(raw: Mapping[str, str]) -> str:
    return _sum([(Fraction(value), name) for name, value in raw.items()])


def _expression(raw: Mapping[str, Any], values: Mapping[str, str]) -> str:
    terms = []
    for weight, u, v in raw["products"]:
        name = f"‖{_vector(u)}‖²" if u == v else f"⟨{_vector(u)}, {_vector(v)}⟩"
        terms.append((Fraction(weight), name))
    terms += [(Fraction(value), values.get(name, name)) for name, value in raw["scalars"].items()]
    return _sum([*terms, (Fraction(raw["constant"]), "")])
