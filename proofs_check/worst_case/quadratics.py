"""Quadratic functions, by vectors that exist for them alone: a matrix inequality without another kind of constraint."""

from __future__ import annotations

from itertools import combinations

from proofs_check.worst_case.functions import Smooth
from proofs_check.worst_case.model import Function
from toolkit.errors import WrongUse

__all__ = ["assume_quadratic"]


def assume_quadratic(function: Function) -> None:
    r"""Assume that a function of class `Smooth` is f(x) = ½⟨x, Ax⟩ with :math:`\mu I \preceq A \preceq L I`.

    For all its points, whose gradients are Ax, the vectors :math:`w = ((A - \mu I)(L I - A))^{1/2} x` exist, so that

    .. math:: f_i = \tfrac12 \langle x_i, g_i \rangle, \qquad \langle x_i, g_j \rangle = \langle x_j, g_i \rangle,
              \qquad \langle w_i, w_j \rangle = \langle g_i - \mu x_i, L x_j - g_j \rangle .

    Such w exist if and only if the matrix on the right is positive semidefinite, which with the symmetry suffices for A
    to exist. Call it when the function has all its points.

    Source: Bousselmi, Hendrickx and Glineur 2024 (recalled); the matrix inequality as a Gram matrix: derived here.

    Raises
    ------
    WrongUse
        If the class is another, or the minimiser is not the origin.

    Examples
    --------
    >>> from fractions import Fraction as Q
    >>> from proofs_check.worst_case import distance, gap, solve, trace
    >>> from toolkit.algorithms import SGD
    >>> run = trace(SGD(stepsize=Q(1, 2)), Smooth(L=1), steps=1)
    >>> model = run.worst(gap, initial=distance)
    >>> convex = solve(model).value
    >>> assume_quadratic(model.functions[0])
    >>> round(convex, 6), round(solve(model).value, 6)
    (0.25, 0.148148)
    """
    kind, model, name = function.kind, function.model, function.name
    if not (isinstance(kind, Smooth) and function.anchor == "minimum"):
        wrong = "it is not smooth with its minimum at the origin"
        raise WrongUse(f"the function {name!r} as a quadratic", wrong, "take Smooth(mu=…, L=…), alone or shared")
    points = list(function.points)
    roots = [model.vector(f"w_{k}{function.suffix}") for k in range(len(points))]
    for k, (point, root) in enumerate(zip(points, roots, strict=True)):
        model.assume(f"{name}_half_{k}", (2 * point.f - point.x @ point.g).equals(0))
        bent = (point.g - kind.mu * point.x) @ (kind.L * point.x - point.g)
        model.assume(f"{name}_bent_{k}", (root**2 - bent).equals(0))
    for (i, (p, u)), (j, (q, v)) in combinations(enumerate(zip(points, roots, strict=True)), 2):
        model.assume(f"{name}_symmetric_{i}_{j}", (p.x @ q.g - q.x @ p.g).equals(0))
        bent = (p.g - kind.mu * p.x) @ (kind.L * q.x - q.g)
        model.assume(f"{name}_bent_{i}_{j}", (u @ v - bent).equals(0))
