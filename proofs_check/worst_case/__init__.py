"""Worst cases of methods over classes of functions and compressors, with exact certificates.

A method of ``toolkit.algorithms`` runs unchanged on symbolic vectors; the largest value that a measure can then take is
a semidefinite program. `solve` gives it in floating point, `certify` proves a bound of it in exact arithmetic:

>>> from fractions import Fraction as Q
>>> from proofs_check.worst_case import Contractive, ErrorFeedbackPotential, Smooth, certify_tightly, solve, trace
>>> from toolkit.algorithms import ErrorFeedback
>>> method, potential = ErrorFeedback(stepsize=Q(5, 8)), ErrorFeedbackPotential(s=Q(1, 3))
>>> run = trace(method, Smooth(mu=Q(3, 5), L=1), Contractive(delta=Q(8, 9)), steps=2, start="any")
>>> model = run.worst(potential, initial=potential)
>>> round(solve(model).value, 6)
0.197531
>>> certificate = certify_tightly(model)
>>> certificate.bound, certificate.verified()[:6]
(Fraction(16, 81), 'proved')
"""

from __future__ import annotations

import importlib
from typing import Any

_HOME = {
    name: f"proofs_check.worst_case.{module}"
    for module, names in {
        "certificate": ("Certificate",),
        "certifying": ("certify", "exhibit"),
        "functions": ("Convex", "Lipschitz", "Smooth"),
        "lyapunov": ("LyapunovProof", "Potential", "Search", "certify_every_step"),
        "measures": (
            "EF21Potential",
            "ErrorFeedbackPotential",
            "GossipPotential",
            "distance",
            "gap",
            "gradient",
            "norm_sq",
        ),
        "messages": ("AbsoluteError", "Contractive", "Noise", "Projection", "Unbiased"),
        "model": ("Model",),
        "program": ("assemble",),
        "quadratics": ("Quadratic",),
        "statements": ("statement",),
        "solving": ("Solution", "solve", "solve_all"),
        "swept": ("Swept", "sweep"),
        "tight": ("certify_tightly",),
        "tracing": ("trace",),
        "worst_functions": ("worst_case",),
    }.items()
    for name in names
}
__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME[name]), name)
