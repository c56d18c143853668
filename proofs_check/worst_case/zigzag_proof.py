"""The worst case of compressed descent whose messages project, for all parameters at once, by rational functions.

The residual matrix is that of the method's own step. The parameters are μ, η and λ, in which δ is rational, with L = 1,
and the proof is for 0 < μ < 1, 0 < η < 2 and (1 − μ)/(1 + μ) < λ < 1. These are all: λ is at least its value without
compression, max{1 − ημ, η − 1}, and that at least the bound of λ here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from proofs_check.worst_case.symbolic import parameters, positive, proves, residual
from proofs_check.worst_case.zigzag import descent_model, descent_multipliers, zigzag_delta
from toolkit.errors import WrongUse

__all__ = ["unproved"]

Multipliers = Callable[[Any, Any, Any], Mapping[str, Any]]


def unproved(multipliers: Multipliers = descent_multipliers) -> list[str]:
    """Return which parts of the proof fail, in words; the proof needs that none does.

    Examples
    --------
    >>> unproved()
    []
    """
    mu, stepsize, root = parameters("mu", "eta", "lambda")
    model = descent_model(mu, zigzag_delta(mu, root, stepsize), stepsize)
    told = multipliers(mu, root, stepsize)
    try:
        matrix = residual(model, told)
    except WrongUse as lack:
        return [lack.wrong]
    everywhere = _domain()
    inequalities = [one.name for one in model.constraints() if one.name in told and not one.equality]
    parts = {f"the multiplier of {name} is positive": positive(told[name], everywhere) for name in inequalities}
    parts |= {
        "the factor is λ²": told["initial"] == root**2,
        "the residual matrix is positive semidefinite": proves(matrix, everywhere),
    }
    return [name for name, holds in parts.items() if not holds]


def _domain() -> dict[str, Any]:
    """Return μ, η and λ as functions of three positive numbers, which reach all of the proof's domain."""
    p, q, w = parameters("p", "q", "w")
    mu = 1 / (1 + p)
    least = (1 - mu) / (1 + mu)
    return {"mu": mu, "eta": 2 / (1 + q), "lambda": least + (1 - least) * w / (1 + w)}
