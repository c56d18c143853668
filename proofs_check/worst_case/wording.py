"""A certificate in words: what it says of which functions and messages, all read from its statement."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

__all__ = ["bound_in_words", "initial_in_words", "scales", "setting_in_words"]

ANCHORS = {"minimum": ", minimal at 0 with value 0", "infimum": ", nowhere below its lower bound 0", "none": ""}
LOWEST = {"minimum": "*", "infimum": "_inf"}  # what is put after a function's name for its minimum, or a lower bound
NOISY = ("unbiased", "variance")  # classes of messages of which moments are known, so that products are expectations
CONSTANT = ("absolute", "variance", "lipschitz")  # classes whose conditions do not scale
PART = re.compile(r"f[0-9]+")  # a function of one of several workers: f is their mean


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
    values = _Values(raw)
    metrics = [values.mean(_expression(one, values)) for one in raw["metric"]]
    metric = metrics[0] if len(metrics) == 1 else f"min({', '.join(metrics)})"
    told = f"{metric} {'≤' if document['proof']['kind'] == 'upper' else 'can be'} {document['bound']}"
    if _scales(raw, values):
        initial = _expression({**raw["assumptions"][0], "constant": "0"}, values)
        several = " + " in initial or " − " in initial
        return f"{told} · {f'({initial})' if several and not values.noisy else values.mean(initial)}"
    given = []
    for one in raw["assumptions"]:
        left, right = _expression({**one, "constant": "0"}, values), -Fraction(one["constant"])
        given.append(f"{values.mean(left)} {'≤' if one['is'] == '<= 0' else '='} {right}")
    return f"{told}, if {', '.join(given)}" if given else told


def initial_in_words(document: Mapping[str, Any]) -> str:
    """Return what a statement with one assumption bounds by 1."""
    raw = document["statement"]
    return _expression({**raw["assumptions"][0], "constant": "0"}, _Values(raw))


def setting_in_words(document: Mapping[str, Any]) -> list[str]:
    """Return for which functions and messages it holds, line by line."""
    raw = document["statement"]
    values = _Values(raw)
    lines = []
    if values.noisy:
        lines.append("E is the mean over the random numbers of the messages; what is known of products holds in mean")
    for one in raw["functions"]:
        points = "; ".join(_point(point, values) for point in one["points"])
        lines.append(
            f"{one['name']}: {one['class']} {_constants(one)}".rstrip() + f"{ANCHORS[one['anchor']]}; {points}"
        )
    if values.parts:
        normalised = "; the values are normalised: those at the minimiser 0 are 0, and so is f*"
        lines.append(f"f is the mean of {', '.join(values.parts)}{normalised if values.normalised else ''}")
    lines += [_message(raw, k, values.noisy) for k in range(len(raw["messages"]))]
    if values.noisy:
        lines.append(f"the vectors in their order: {', '.join(raw['vectors'])}")
    lines += [f"{name} = {_vector(value)}" for name, value in raw["named"].items()]
    return lines


class _Values:
    """What the scalars of a statement are the values of.

    Attributes
    ----------
    noisy : bool
        Whether all that is said is of expectations.
    parts : list of str
        The functions of several workers, whose mean f is.
    normalised : bool
        Whether these share only their minimiser, where each has the value 0.
    """

    def __init__(self, raw: Mapping[str, Any]) -> None:
        functions = raw["functions"]
        self.noisy = any(one["class"] in NOISY for one in raw["messages"])
        names = [one["name"] for one in functions]
        self.parts = names if len(names) > 1 and all(map(PART.fullmatch, names)) else []
        convex = all(Fraction(one["constants"].get("mu", "0")) >= 0 for one in functions)
        free = all(one["anchor"] == "none" for one in functions)
        origins = [[point["g"] for point in one["points"] if not point["x"] and not point["f"]] for one in functions]
        minimal = all(origins) and not _added(raw, *((found[0], 1) for found in origins))
        self.normalised = bool(self.parts) and free and convex and minimal
        uses = Counter(name for one in functions for point in one["points"] for name in point["f"])
        # By scalars: the function, the point, and the function's lowest value, if that is known.
        self.known: dict[str, tuple[str, str, str]] = {}
        for one in functions:
            lowest = "*" if self.normalised else LOWEST.get(one["anchor"], "")
            for point in one["points"]:
                name = next(iter(point["f"]), "")
                if list(point["f"].values()) == ["1"] and uses[name] == 1:
                    self.known[name] = one["name"], _vector(point["x"]), lowest

    def mean(self, text: str) -> str:
        """Return an expression, as an expectation where it is one."""
        return f"E[{text}]" if self.noisy else text

    def terms(self, scalars: Mapping[str, str]) -> list[tuple[Fraction, str]]:
        """Return scalars with their factors as values of functions; those of all workers as one of their mean f."""
        left = {name: Fraction(value) for name, value in scalars.items()}
        found: list[tuple[Fraction, str]] = []
        for name in scalars:
            if name not in left:
                continue
            if name not in self.known:
                found.append((left.pop(name), name))
                continue
            function, x, lowest = self.known[name]
            same = [other for other in left if other in self.known and self.known[other][1:] == (x, lowest)]
            told = [self.known[other][0] for other in same]
            alike = len({left[other] for other in same}) == 1
            if self.parts and alike and sorted(told) == sorted(self.parts):
                value, function = sum((left.pop(other) for other in same), Fraction(0)), "f"
            else:
                value = left.pop(name)
                lowest = (
                    "" if self.normalised else lowest
                )  # the value of one of them at the minimiser of f is no minimum
            found.append((value, f"{function}({x})" + (f" − {function}{lowest}" if lowest else "")))
        return found


def scales(document: Mapping[str, Any]) -> bool:
    """Tell whether the bound is a multiple of what is assumed to be at most 1, and so holds from any start."""
    raw = document["statement"]
    return _scales(raw, _Values(raw))


def _scales(raw: Mapping[str, Any], values: _Values) -> bool:
    """Tell whether a bound may be multiplied with what it assumes to be at most 1, which is nowhere negative."""
    assumed = raw["assumptions"]
    constants = any(one["class"] in CONSTANT for one in [*raw["functions"], *raw["messages"]])
    if len(assumed) != 1 or constants or any(Fraction(one["constant"]) for one in raw["metric"]):
        return False
    one = assumed[0]
    squares = all(u == v and Fraction(weight) >= 0 for weight, u, v in one["products"])
    gaps = all(" − " in name and value >= 0 for value, name in values.terms(one["scalars"]))
    return one["is"] == "<= 0" and Fraction(one["constant"]) == -1 and squares and gaps


def _constants(one: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} = {value}" for name, value in one["constants"].items())


def _point(point: Mapping[str, Any], values: _Values) -> str:
    """Return a point with its gradient, and with its value unless the bound prints that as f(x)."""
    plain = list(point["f"].values()) == ["1"] and next(iter(point["f"])) in values.known
    value = "" if plain else f", value {_vector(point['f'])}"
    return f"gradient {_vector(point['g'])}{value} at {_vector(point['x'])}"


def _message(raw: Mapping[str, Any], k: int, expected: bool) -> str:
    one = raw["messages"][k]
    told = f"{_vector(one['arrived'])}: {one['class']} message of {_vector(one['given'])}, {_constants(one)}"
    if one["class"] not in NOISY:
        return told if expected else f"{told} (random ones: in expectation)"
    past, noise = int(one["past"]), _noise(raw, one)
    earlier = [_noise(raw, other) for other in raw["messages"][:k] if other["class"] in NOISY]
    same = [name for name in earlier if name in raw["vectors"][past:]]
    until = f"all vectors up to {raw['vectors'][past - 1]}" if past else "no vector"
    sharing = f", and may share its random numbers with {', '.join(same)}" if same else ""
    return f"{told}; its noise {noise} has mean 0 and is orthogonal to {until}{sharing}"


def _noise(raw: Mapping[str, Any], one: Mapping[str, Any]) -> str:
    """Return what a message adds to what was given: one vector, or the verifier refuses it."""
    left = _added(raw, (one["arrived"], 1), (one["given"], -1))
    return _vector({name: str(value) for name, value in left.items()})


def _added(raw: Mapping[str, Any], *terms: tuple[Mapping[str, str], int]) -> dict[str, Fraction]:
    """Return the sum of vectors with factors, over the basis."""
    found: dict[str, Fraction] = {}
    for vector, factor in terms:
        for name, value in vector.items():
            for basis, share in raw["named"].get(name, {name: "1"}).items():
                found[basis] = found.get(basis, Fraction(0)) + factor * Fraction(value) * Fraction(share)
    return {name: value for name, value in found.items() if value}


def _sum(terms: list[tuple[Fraction, str]]) -> str:
    terms = [(value, name) for value, name in terms if value]
    text = ""
    for value, name in terms:
        sign = ("−" if not text else " − ") if value < 0 else (" + " if text else "")
        bracketed = " − " in name and not name.startswith(("‖", "⟨")) and (abs(value) != 1 or value < 0)
        told = f"({name})" if bracketed else name
        text += sign + (told if abs(value) == 1 and name else f"{abs(value)} {told}".rstrip())
    return text or "0"


def _vector(raw: Mapping[str, str]) -> str:
    return _sum([(Fraction(value), name) for name, value in raw.items()])


def _expression(raw: Mapping[str, Any], values: _Values) -> str:
    terms = []
    for weight, u, v in raw["products"]:
        name = f"‖{_vector(u)}‖²" if u == v else f"⟨{_vector(u)}, {_vector(v)}⟩"
        terms.append((Fraction(weight), name))
    return _sum([*terms, *values.terms(raw["scalars"]), (Fraction(raw["constant"]), "")])
