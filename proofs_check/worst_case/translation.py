"""Whether what a method does depends on where the origin lies: then putting its minimiser there is no convention."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from proofs_check.worst_case.expressions import Vector
from proofs_check.worst_case.swept import Swept

if TYPE_CHECKING:
    from proofs_check.worst_case.tracing import Trace

__all__ = ["moves_with_its_start"]

ROUNDING = 1e-9  # of degrees, where numbers are swept


def moves_with_its_start(run: Trace) -> bool:
    """Tell whether a run only evaluates functions at points that move with its start, and sends what does not.

    An iterate has degree 1, a gradient 0, a combination of both the sum of its coefficients times these; a message has
    the degree 0 of what may be compressed. From any state a field has the degree, 0 or 1, that it keeps in a step.

    Parameters
    ----------
    run : Trace
        Whose iterates are vectors of their own at the start, so with a minimiser.

    Examples
    --------
    >>> from fractions import Fraction as Q
    >>> from proofs_check.worst_case import Contractive, Smooth, trace
    >>> from toolkit.algorithms import SGD
    >>> moves_with_its_start(trace(SGD(stepsize=Q(1)), Smooth(), steps=2))
    True
    """
    degrees = {i: int(name.split("[")[0] == "x_0") for i, name in enumerate(run.model.vectors)}
    if run.start == "init":
        return _fits(run, degrees, {})
    others = {name: value[0, :, 0] for name, value in run.states[0] if name != "x"}
    for chosen in product((0, 1), repeat=len(others)):
        of_field = dict(zip(others, chosen, strict=True))
        free = {i: of_field[name] for name, rows in others.items() for row in rows for i in row.coefficients}
        if _fits(run, degrees | free, {"x": 1, **of_field}):
            return True
    return False


def _fits(run: Trace, degrees: Mapping[int, int], of_field: Mapping[str, int]) -> bool:
    for kind, _, what in run.model.events:
        if kind == "message" and not _is(0, what.given, degrees):
            return False
        if kind == "point" and what.x.coefficients and not _is(1, what.x, degrees):
            return False
    later = [(name, row) for state in run.states[1:] for name, value in state for row in value[0, :, 0]]
    return all(_is(of_field[name], row, degrees) for name, row in later if name in of_field)


def _is(wanted: int, vector: Vector, degrees: Mapping[int, int]) -> bool:
    degree: Any = sum((value * degrees[i] for i, value in vector.coefficients.items()), 0) - wanted
    if isinstance(degree, Swept):
        return bool(np.all(abs(np.asarray(degree.values, dtype=float)) <= ROUNDING))
    return bool(degree == 0)
