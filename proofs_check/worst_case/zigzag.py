"""The exact worst case of compressed gradient descent whose messages project, and the compressor that attains it."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from proofs_check.worst_case.certificate import Certificate, upper_certificate
from proofs_check.worst_case.functions import Smooth
from proofs_check.worst_case.measures import gap
from proofs_check.worst_case.messages import Projection
from proofs_check.worst_case.model import Model
from proofs_check.worst_case.plane import PlaneProjection
from proofs_check.worst_case.statements import statement
from proofs_check.worst_case.tracing import trace
from toolkit.algorithms.compressed_sgd import CompressedSGD
from toolkit.arrays import Array

__all__ = [
    "SteepProjection",
    "best_zigzag_factor",
    "descent_certificate",
    "descent_multipliers",
    "zigzag_delta",
    "zigzag_factor",
]


def zigzag_factor(mu: Any, s: Any, stepsize: Any) -> Any:
    r"""Return λ², the worst factor of f − f* per step of compressed gradient descent, for messages that project, L = 1.

    .. math:: \lambda^2 = \tau\lambda + D, \qquad \tau = \eta(1 - s^2)(L - \mu), \quad
              D = 1 - \eta(1 - s^2)(L + \mu) + \eta^2(1 - s^2) L\mu

    Source: derived, as a lower bound by a zigzag in the plane; that no step is worse where η < 2/L: derived, with the
    multipliers of `descent_multipliers`.

    Examples
    --------
    >>> round(float(zigzag_factor(0.1, 0.5, 1.1 * 40 / 31)), 4)
    0.8777
    """
    mu, s, stepsize = (np.asarray(one, dtype=float) for one in (mu, s, stepsize))
    kept = stepsize * (1 - s * s)
    trace, product = kept * (1 - mu), 1 - kept * (1 + mu) + stepsize * kept * mu
    return ((trace + np.sqrt(trace * trace + 4 * product)) / 2) ** 2


def best_zigzag_factor(mu: Any, s: Any) -> Any:
    """Return ((K − 1)/(K + 1))² with K = κ(1 + s)/(1 − s), the smallest λ² over all step sizes; exact for fractions.

    Examples
    --------
    >>> from fractions import Fraction as Q
    >>> best_zigzag_factor(Q(1, 10), Q(1, 2))
    Fraction(841, 961)
    """
    flat, steep = mu * (1 - s), 1 + s
    return ((steep - flat) / (steep + flat)) ** 2


def zigzag_delta(mu: Any, root: Any, stepsize: Any) -> Any:
    r"""Return δ = 1 − s² at which the worst factor per step is λ², L = 1; exact for fractions.

    .. math:: \delta = \frac{1 - \lambda^2}{\eta\,(L + \mu - (L - \mu)\lambda - \eta L\mu)}

    Examples
    --------
    >>> zigzag_delta(Fraction(1, 10), Fraction(29, 31), Fraction(40, 31))
    Fraction(3, 4)
    """
    return (1 - root * root) / (stepsize * (1 + mu - (1 - mu) * root - stepsize * mu))


def descent_multipliers(mu: Any, root: Any, stepsize: Any) -> dict[str, Any]:
    r"""Return the multipliers that prove f(x_1) − f* ≤ λ²(f(x_0) − f*), L = 1, by the names of the model's constraints.

    Those of the two inequalities between minimiser and iterates, of that between the iterates, and of what is known of
    the message:

    .. math:: \lambda(1 - \lambda), \quad 1 - \lambda, \quad \lambda, \quad
              \frac{\eta\lambda\,(1 + \mu - (1 - \mu)\lambda - \eta\mu)}{(1 + \mu)\lambda - (1 - \mu)}, \quad
              \frac{\eta\lambda\,(1 + \mu - (1 - \mu)\lambda - 2\eta\mu)}{(1 + \mu)\lambda - (1 - \mu)}

    The residual matrix is then positive semidefinite of rank 2, and the multipliers of inequalities are positive, for
    every s > 0 and 0 < η < 2: `zigzag_proof`.
    """
    share = stepsize * root / ((1 + mu) * root - (1 - mu))
    bent = 1 + mu - (1 - mu) * root
    return {
        "initial": root * root,
        "f(*,0)": root * (1 - root),
        "f(*,1)": 1 - root,
        "f(0,1)": root,
        "message 0": share * (bent - stepsize * mu),
        "message 0 projection": share * (bent - 2 * stepsize * mu),
        "metric 0": 1,
    }


def descent_model(mu: Any, delta: Any, stepsize: Any) -> Model:
    """Return f(x_1) − f* of compressed gradient descent from f(x_0) − f* ≤ 1, messages projecting, L = 1."""
    run = trace(CompressedSGD(stepsize=stepsize), Smooth(mu=mu, L=1), Projection(delta=delta), steps=1)
    return run.worst(gap, gap)


def descent_certificate(mu: Fraction, root: Fraction, stepsize: Fraction) -> Certificate:
    """Return the certificate, without slack, that one step multiplies f − f* by λ² at most, where δ is `zigzag_delta`.

    Examples
    --------
    >>> found = descent_certificate(Fraction(1, 10), Fraction(29, 31), Fraction(40, 31))
    >>> found.bound, found.verified()[:28]
    (Fraction(841, 961), 'proved: f_1 <= 841/961, wher')
    """
    model = descent_model(mu, zigzag_delta(mu, root, stepsize), stepsize)
    multipliers = {name: Fraction(value) for name, value in descent_multipliers(mu, root, stepsize).items()}
    return upper_certificate(statement(model), root * root, multipliers)


class SteepProjection(PlaneProjection):
    r"""Projections turned towards (1, −1): to the right of x where :math:`|x_1| \ge |x_2|`, else to the left.

    On the problem `zigzag` no messages that project are worse.

    Parameters
    ----------
    s : float
        In [0, 1).

    Examples
    --------
    >>> SteepProjection(s=0.6).compress(np.array([1.0, 0.0])).round(12)
    array([ 0.64, -0.48])
    """

    def side(self, x: Array) -> Any:
        return 1 - 2 * (abs(x[..., :1]) >= abs(x[..., 1:])).astype(x.dtype)
