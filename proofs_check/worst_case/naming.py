"""A worst case described in short texts, as on the command line and in a certificate: ``smooth:mu=1/10,L=1``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from fractions import Fraction
from math import isqrt
from typing import Any

from proofs_check.worst_case.functions import Convex, FunctionClass, Lipschitz, Smooth
from proofs_check.worst_case.measures import EF21Potential, ErrorFeedbackPotential, distance, gap, gradient
from proofs_check.worst_case.messages import AbsoluteError, Contractive, MessageClass, Projection, Unbiased
from proofs_check.worst_case.model import Model
from proofs_check.worst_case.quadratics import Quadratic
from proofs_check.worst_case.tracing import Measure, trace
from toolkit import members
from toolkit.algorithms import Algorithm
from toolkit.errors import WrongUse, nearest

__all__ = ["DESCRIPTION", "described", "fraction"]

# What describes a worst case, and what is meant where nothing is said.
DESCRIPTION = {
    "method": "",
    "stepsize": "",
    "functions": "smooth",
    "compressor": "none",
    "steps": "1",
    "workers": "1",
    "measure": "",
    "minimiser": "own",
}
FUNCTIONS: dict[str, type] = {"smooth": Smooth, "convex": Convex, "lipschitz": Lipschitz, "quadratic": Quadratic}
MESSAGES: dict[str, type] = {
    "contractive": Contractive,
    "projection": Projection,
    "absolute-error": AbsoluteError,
    "unbiased": Unbiased,
}
MEASURES: dict[str, Measure] = {"gap": gap, "distance": distance, "gradient": gradient}
POTENTIALS: dict[str, Any] = {"ErrorFeedback": ErrorFeedbackPotential, "EF21": EF21Potential}
NUMBER = re.compile(r"-?[0-9]{1,80}(\.[0-9]{1,80}|/[1-9][0-9]{0,80})?")
LARGEST = 40  # steps, workers


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


def described(given: Mapping[str, str]) -> Model:
    """Return the model that short texts describe.

    Parameters
    ----------
    given : mapping of str to str
        The fields of `DESCRIPTION`: method (with fields of its own after a colon), stepsize, functions, compressor,
        steps, workers, measure (gap, distance, gradient, or potential, the Lyapunov function of EF or EF21; by default
        that where there is one, else the gap) and minimiser.

    Raises
    ------
    WrongUse
        If a name is unknown, or a number is none.

    Examples
    --------
    >>> from proofs_check.worst_case import solve
    >>> given = {"method": "ef21", "stepsize": "5/8", "functions": "smooth:mu=3/5"}
    >>> round(solve(described(given | {"compressor": "contractive:delta=8/9"})).value, 6)
    0.444444
    """
    unknown = sorted(set(given) - set(DESCRIPTION))
    if unknown:
        raise WrongUse(f"a worst case with {unknown[0]!r}", "there is no such field", "see DESCRIPTION for all of them")
    told = DESCRIPTION | dict(given)
    functions = _made(FUNCTIONS, told["functions"], "class of functions")
    kind = None if told["compressor"] == "none" else _made(MESSAGES, told["compressor"], "class of compressors")
    name, fields = _split(told["method"])
    method: Algorithm = members.load("toolkit.algorithms", name)(stepsize=fraction(told["stepsize"]), **fields)
    measure = told["measure"] or ("potential" if type(method).__name__ in POTENTIALS else "gap")
    what = _measure(measure, method, kind)
    minimiser = told["minimiser"]
    if measure == "potential" and isinstance(method, members.load("toolkit.algorithms", "ef21")):
        minimiser = "none"  # none of its vectors is one of x: only differences of gradients
    run = trace(
        method,
        functions,
        kind,
        steps=_count("steps", told["steps"]),
        workers=_count("workers", told["workers"]),
        start="any" if measure == "potential" else "init",
        minimiser=None if minimiser == "none" else minimiser,
    )
    return run.worst(what, what)


def _split(text: str) -> tuple[str, dict[str, Fraction]]:
    """Return the name and the exact fields of ``name:field=number,…``."""
    name, _, rest = text.partition(":")
    fields = {}
    for part in filter(None, rest.split(",")):
        field, equals, value = part.partition("=")
        if not (equals and field.isidentifier()) or field in fields:
            raise WrongUse(text, f"{part!r} is no parameter, or given twice", "write name:field=number,field=number")
        fields[field] = fraction(value)
    return name.strip(), fields


def _made(classes: Mapping[str, type], text: str, what: str) -> Any:
    name, fields = _split(text)
    found = {members.short(known): kind for known, kind in classes.items()}.get(members.short(name))
    if found is None:
        remedy = f"choose one of: {', '.join(classes)}"
        raise WrongUse(f"the {what} {name!r}", "there is none of this name", remedy, nearest(name, classes))
    try:
        made: FunctionClass | MessageClass = found(**fields)
    except TypeError:
        wanted = ", ".join(getattr(found, "__dataclass_fields__", {})) or "none"
        raise WrongUse(text, f"its parameters are {wanted}", "give these as name=number") from None
    return made


def _measure(name: str, method: Algorithm, kind: MessageClass | None) -> Measure:
    if name in MEASURES:
        return MEASURES[name]
    potential = POTENTIALS.get(type(method).__name__)
    if name != "potential" or potential is None:
        remedy = f"choose one of: {', '.join(MEASURES)}; error-feedback and ef21 have a potential too"
        raise WrongUse(f"the measure {name!r} of {type(method).__name__}", "there is no such measure", remedy)
    if not isinstance(kind, Contractive):
        asked = f"the potential of {type(method).__name__}"
        raise WrongUse(asked, "it is made for a relative error", "give a contractive compressor or a projection")
    error = 1 - kind.delta
    s = Fraction(isqrt(error.numerator), isqrt(error.denominator))
    if s * s != error or not s:
        asked = f"the potential of {type(method).__name__} with δ = {kind.delta}"
        raise WrongUse(asked, "√(1 − δ) is not a rational number above 0", "take 1 − δ a square, such as δ = 3/4")
    made: Measure = potential(s)
    return made


def _count(what: str, text: str) -> int:
    if not (text.isdecimal() and 1 <= int(text) <= LARGEST):
        raise WrongUse(f"{what} = {text}", f"it is no whole number from 1 to {LARGEST}", "give such a number")
    return int(text)
