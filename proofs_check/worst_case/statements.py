"""A model as a JSON statement: everything a stranger needs to derive its constraints again, in exact numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from proofs_check.worst_case.expressions import Constraint, Expression, Vector
from proofs_check.worst_case.model import Model
from proofs_check.worst_case.swept import Swept
from toolkit.errors import WrongUse

__all__ = ["FORMAT", "statement"]

FORMAT = "worst case of a first-order method, 1"


def statement(model: Model, about: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return the statement of a model, whose constraints can be derived from it.

    Parameters
    ----------
    model : Model
    about : mapping of str to str, optional
        What else a reader may want to know, as the name of the method; nothing is derived from it.

    Returns
    -------
    dict
        As it stands in the file of a certificate, numbers as strings "p/q".

    Raises
    ------
    WrongUse
        If a number is swept, and so not exact.

    Notes
    -----
    Source: a format of this package; `verify` derives the constraints from it anew.

    Examples
    --------
    >>> from proofs_check.worst_case import Smooth
    >>> model = Model()
    >>> model.function(Smooth(L=1)).at(model.vector("x_0")).g
    1·g_0
    >>> statement(model)["functions"][0]["points"]
    [{'x': {'x_0': '1'}, 'g': {'g_0': '1'}, 'f': {'f_0': '1'}}]
    """
    return {
        "format": FORMAT,
        "about": dict(about or {}),
        "vectors": list(model.vectors),
        "scalars": list(model.scalars),
        "named": {name: _over_basis(vector) for name, vector in model.named.items()},
        "functions": [
            {
                "name": function.name,
                **_kind(function.kind.parameters()),
                "anchor": function.anchor or "none",
                "points": [
                    {"x": _combination(one.x), "g": _combination(one.g), "f": _scalars(model, one.f)}
                    for one in function.points
                ],
            }
            for function in model.functions
        ],
        "messages": [
            {
                **_kind(one.kind.parameters()),
                "given": _combination(one.given),
                "arrived": _combination(one.arrived),
                "past": str(one.past),
            }
            for one in model.messages
        ],
        "assumptions": [_constraint(model, one) for one in model.assumptions],
        "metric": [_expression(model, one) for one in model.metric],
    }


def _text(number: Any) -> str:
    if isinstance(number, Swept):
        raise WrongUse("the statement of a sweep", "swept numbers are floats", "take one point, in fractions")
    return str(number)


def _kind(parameters: Mapping[str, Any]) -> dict[str, Any]:
    constants = {name: _text(value) for name, value in parameters.items() if name != "class"}
    return {"class": parameters["class"], "constants": constants}


def _over_basis(vector: Vector) -> dict[str, str]:
    return {vector.owner.vectors[i]: _text(value) for i, value in sorted(vector.coefficients.items())}


def _combination(vector: Vector) -> dict[str, str]:
    """Return a vector by its name if it has one, else over the basis."""
    if len(vector.coefficients) > 1:
        for name, known in vector.owner.named.items():
            if known == vector:
                return {name: "1"}
    return _over_basis(vector)


def _scalars(model: Model, expression: Expression) -> dict[str, str]:
    return {model.scalars[j]: _text(value) for j, value in sorted((expression.scalars or {}).items())}


def _expression(model: Model, expression: Expression) -> dict[str, Any]:
    return {
        "products": [[_text(w), _combination(u), _combination(v)] for w, u, v in expression.products],
        "scalars": _scalars(model, expression),
        "constant": _text(expression.constant),
    }


def _constraint(model: Model, one: Constraint) -> dict[str, Any]:
    return {"name": one.name, "is": "= 0" if one.equality else "<= 0", **_expression(model, one.expression)}
