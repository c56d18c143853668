"""Methods by their names: members of ``toolkit.algorithms``, short names for them, classics, and a class of one's own.

Classics are the heavy ball, Nesterov's, the optimised, the triple momentum and the optimistic gradient method.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from typing import Any

from proofs_check.worst_case.classics import (
    Accelerated,
    HeavyBall,
    Listed,
    OptimisticGradient,
    TripleMomentum,
    thetas,
)
from proofs_check.worst_case.fields import made, split
from toolkit import members
from toolkit.algorithms import Algorithm
from toolkit.errors import WrongUse, nearest

__all__ = ["CLASSICS", "SHORT", "method_named", "names"]

PACKAGE = "toolkit.algorithms"
SHORT = {"cgd": "compressed-sgd", "gd": "sgd", "ef": "error-feedback", "ef14": "error-feedback"}


def _nesterov(*, stepsize: Fraction, steps: int, momentum: Any = None) -> Algorithm:
    """Return Nesterov's method with a constant momentum, or with (t − 1)/(t + 2)."""
    varying = Listed(tuple(Fraction(t, t + 3) for t in range(steps)))
    return Accelerated(stepsize=stepsize, momentum=varying if momentum is None else momentum)


def _optimised(*, stepsize: Fraction, steps: int) -> Algorithm:
    """Return the optimised gradient method of so many steps; its irrational factors are the nearest doubles."""
    pairs = list(pairwise(thetas(steps)))
    momentum = Listed.floats(*((old - 1) / new for old, new in pairs))
    correction = Listed.floats(*(old / new for old, new in pairs))
    return Accelerated(stepsize=stepsize, momentum=momentum, correction=correction, at_ahead=True)


CLASSICS: dict[str, Callable[..., Algorithm]] = {
    "heavy-ball": HeavyBall,
    "nesterov": _nesterov,
    "ogm": _optimised,
    "triple-momentum": TripleMomentum,
    "optimistic-gradient": OptimisticGradient,
}


def names() -> list[str]:
    """Return the names of all methods that can run on symbolic vectors, the short ones left out.

    Examples
    --------
    >>> {"ef21", "heavy-ball"} < set(names()), "sign-sgd" in names()
    (True, False)
    """
    return [name for name in members.names(PACKAGE) if members.load(PACKAGE, name).symbolic] + list(CLASSICS)


def method_named(text: str, stepsize: Fraction, steps: int, own: type | None = None) -> Algorithm:
    """Return the method that a text names.

    Parameters
    ----------
    text : str
        ``name`` or ``name:field=number,…``; with `own` ``module:Class`` or ``module:Class(field=number,…)``.
    stepsize : Fraction
    steps : int
        N, on which the factors of some classics depend.
    own : type, optional
        A class of the user's, whose name the text is. Nothing is imported here: a text may come from a stranger's file.

    Raises
    ------
    WrongUse
        If there is no such method, it cannot run on symbolic vectors, or a field is missing, unknown or impossible.

    Examples
    --------
    >>> method_named("diana:rate=1/2", Fraction(1, 4), steps=1)
    DIANA(stepsize=Fraction(1, 4), rate=Fraction(1, 2))
    >>> method_named("cgd", Fraction(1), steps=1)
    CompressedSGD(stepsize=Fraction(1, 1))
    """
    if own is not None:
        name, _, settings = text.strip().removesuffix(")").partition("(")
        if not issubclass(own, Algorithm):
            raise WrongUse(text, f"{own.__name__} is no method", "derive it from toolkit.algorithms.Algorithm")
        _symbolic(text, own)
        return made(own, name, split(f":{settings}")[1], "{}({})", stepsize=stepsize)
    name, fields = split(text)
    fixed: dict[str, Any] = {"stepsize": stepsize}
    classic = next((known for known in CLASSICS if members.short(known) == members.short(name)), None)
    if classic is not None:
        make = CLASSICS[classic]
        if not isinstance(make, type):
            fixed["steps"] = steps
        return made(make, classic, fields, **fixed)
    name = SHORT.get(members.short(name), name)
    try:
        member = members.load(PACKAGE, name)
    except WrongUse:
        known = [*names(), *SHORT]
        remedy = f"choose one of: {', '.join(known)}, or name a class of yours as mymodule:MyMethod(beta=1/2)"
        raise WrongUse(f"the method {name[:80]!r}", "there is no member of that name", remedy, nearest(name, known)) \
            from None  # fmt: skip
    _symbolic(text, member)
    return made(member, name, fields, **fixed)


def _symbolic(text: str, method: type[Algorithm]) -> None:
    if not method.symbolic:
        wrong = "its step needs more than linear operations, so that it has no worst cases here"
        raise WrongUse(text, wrong, f"choose one of: {', '.join(names())}")
