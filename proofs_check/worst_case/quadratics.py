"""Quadratic functions: their matrix inequality is that a few further vectors have a certain Gram matrix."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, combinations_with_replacement

from proofs_check.worst_case.expressions import Constraint, Vector
from proofs_check.worst_case.functions import Point, Smooth
from proofs_check.worst_case.model import Function
from toolkit.errors import WrongUse

__all__ = ["Quadratic", "assume_quadratic"]


@dataclass(frozen=True)
class Quadratic(Smooth):
    r"""Quadratic functions :math:`f(x) = \tfrac12 \langle x, Ax \rangle + \langle b, x \rangle + c` with
    :math:`\mu I \preceq A \preceq L I`.

    With :math:`u_i = x_i - x_0` and :math:`v_i = g_i - g_0`, where the point 0 is the minimiser if there is one and
    else the first,

    .. math:: f_i - f_0 = \tfrac12 \langle u_i, g_i + g_0 \rangle, \qquad \langle u_i, v_j \rangle = \langle u_j, v_i
              \rangle, \qquad \langle v_i - \mu u_i, L u_j - v_j \rangle = \langle w_i, w_j \rangle .

    Parameters
    ----------
    L, mu : exact numbers, mu < L, L > 0, and mu ≥ 0 if the function has a minimum

    Notes
    -----
    Necessary: v = Au, and :math:`w = ((A - \mu I)(L I - A))^{1/2} u`. Sufficient: that such w exist says that the
    matrix of the inner products on the left is positive semidefinite, which is, for every combination u of the u_i and
    the same v of the v_i, that ‖v − (L + μ)u/2‖ ≤ (L − μ)/2 · ‖u‖; a symmetric map of the span of the u_i into a larger
    space extends to a symmetric one of the same norm (Krein 1947). So worst cases are exact, and lower bounds hold.

    The w occur in nothing but their own inner products. They stand behind the vectors of the model in its Gram matrix,
    as a block of their own, and in no statement: there the name of the class says it all.

    Source: Bousselmi, Hendrickx and Glineur 2024 (recalled); the matrix inequality as a Gram matrix: derived here.

    Examples
    --------
    >>> from fractions import Fraction as Q
    >>> from proofs_check.worst_case import distance, gap, solve, trace
    >>> from toolkit.algorithms import SGD
    >>> for kind in (Smooth(L=1), Quadratic(L=1)):
    ...     run = trace(SGD(stepsize=Q(1, 2)), kind, steps=1)
    ...     round(solve(run.worst(gap, initial=distance)).value, 6)
    0.25
    0.148148
    """

    def allow(self, anchor: str | None) -> None:
        if anchor == "infimum" or (anchor == "minimum" and not self.convex):
            asked = f"{self} with {'a lower bound' if anchor == 'infimum' else 'a minimum'}"
            remedy = "take mu ≥ 0 and a minimiser, or minimiser=None"
            raise WrongUse(asked, "this is not modelled for quadratic functions", remedy)

    def parameters(self) -> dict[str, object]:
        return {**super().parameters(), "class": "quadratic"}

    def further(self, points: int) -> int:
        return max(points - 1, 0)

    def conditions(self, points: Mapping[str, Point], further: Sequence[Vector]) -> Iterator[Constraint]:
        if not points:
            return
        (_, first), *others = points.items()
        steps = [(a, point.x - first.x, point.g - first.g) for a, point in others]
        for (a, point), (_, u, v) in zip(others, steps, strict=True):
            yield Constraint(f"({a},{a})", u @ v + 2 * u @ first.g - 2 * (point.f - first.f), equality=True)
        for (a, u, v), (b, y, z) in combinations(steps, 2):
            yield Constraint(f"({a},{b})", u @ z - y @ v, equality=True)
        every = zip(steps, further, strict=True)
        for ((a, u, v), w), ((b, y, z), root) in combinations_with_replacement(every, 2):
            bent = (v - self.mu * u) @ (self.L * y - z) - w @ root
            yield Constraint(f"({a},{b}) bent", bent, equality=True)


def assume_quadratic(function: Function) -> None:
    """Assume that a function of class `Smooth` is quadratic, in a model that is there already.

    Raises
    ------
    WrongUse
        If the class is another, or only a lower bound of the function is known.
    """
    kind = function.kind
    if not isinstance(kind, Smooth):
        raise WrongUse(f"the function {function.name!r} as a quadratic", "it is not smooth", "take Smooth(mu=…, L=…)")
    found = Quadratic(mu=kind.mu, L=kind.L)
    found.allow(function.anchor)
    function.kind = found
