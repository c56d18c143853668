r"""How badly error feedback can do where messages project, in space: a corkscrew, worse than the spirals in the plane.

.. math:: f(x) = \tfrac\mu2 \lVert x \rVert^2 + \tfrac{L - \mu}2\, \mathrm{dist}^2(x, K), \quad L = 1,

with K the cone over a regular polygon of m = 3, 4 or 6 corners and p on one of its edges. The projection of x = p + n
on K is p if n is at right angles to p and in the polar cone, that is ⟨U^k p, n⟩ ≤ 0 for the turns U of the polygon. On
the trajectory x_t = r^t U^t x_0 each message is r^t U^t c, and e_t = r^t U^t e: one equality and one inequality make it
a projection with relative error s at most, and then f falls by r² in every step.

In the plane across, a pair (a, b) stands for a + b√w·i with w = 1 for m = 4, else 3, so that everything is rational.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Any

from proofs_check.worst_case.spiral_proof import parabola
from proofs_check.worst_case.symbolic import parameters, positive
from proofs_check.worst_case.zigzag import best_zigzag_factor

__all__ = ["PATHS", "TURNS", "Corkscrew", "unproved"]

Pair = tuple[Any, Any]
Path = Sequence[tuple[Fraction, Fraction]]  # shapes (y, q), joined by straight lines


@dataclass(frozen=True)
class Turn:
    """The turn by 2π/m as a pair, the weight w, and the pair of the direction at the angle −π/m."""

    by: Pair
    weight: int
    normal: Pair

    def dot(self, u: Pair, v: Pair) -> Any:
        """Return the inner product of two pairs."""
        return u[0] * v[0] + self.weight * u[1] * v[1]

    def times(self, u: Pair, v: Pair) -> Pair:
        """Return the product of two pairs as complex numbers."""
        return u[0] * v[0] - self.weight * u[1] * v[1], u[0] * v[1] + u[1] * v[0]


HALF = Fraction(1, 2)
TURNS = {
    3: Turn((-HALF, HALF), 3, (1, -1)),
    4: Turn((0, 1), 1, (1, -1)),
    6: Turn((HALF, HALF), 3, (3, -1)),
}


def _path(*shapes: tuple[int, int]) -> Path:
    return [(Fraction(y, 2000), Fraction(q, 2000)) for y, q in shapes]


# By κ and s: m, and the paths of shapes from small to large step sizes.
PATHS: dict[tuple[int, Fraction], tuple[int, tuple[Path, ...]]] = {
    (4, Fraction(1, 7)): (
        3,
        (
            _path((55, 278), (94, 367), (129, 422), (151, 448)),
            _path((166, 463), (173, 470), (191, 484), (214, 501), (240, 514), (282, 529)),
        ),
    ),
    (4, Fraction(2, 9)): (4, (_path((84, 160), (122, 212), (158, 248), (194, 278)),)),
    (5, Fraction(3, 10)): (4, (_path((54, 178), (114, 290), (158, 350), (200, 388)),)),
    (6, Fraction(11, 20)): (6, (_path((32, 40), (34, 42)),)),
}


@dataclass(frozen=True)
class Corkscrew:
    """A trajectory of error feedback on the function of a cone, if its message is one that projects.

    Parameters
    ----------
    mu, s, r : number
        Curvature, relative error, and root of the rate: fractions, floats, or rational functions.
    m : {3, 4, 6}
    y, q : number
        p is (1, y) with y ≥ 0 along a corner; the part of n across the axis is q times the normal, q > 0.
    """

    mu: Any
    s: Any
    r: Any
    m: int
    y: Any
    q: Any

    @property
    def _parts(self) -> tuple[Any, Pair, Any, Pair]:
        """x and g, along the axis and across."""
        a, b = TURNS[self.m].normal
        along, across = -self.y * self.q * a, (self.q * a, self.q * b)
        x = 1 + along, (self.y + across[0], across[1])
        return x[0], x[1], self.mu + along, (self.mu * self.y + across[0], across[1])

    def _terms(self) -> tuple[Any, Any, Any, Any, Any]:
        r"""Return what ⟨c, λe⟩ = u − ηv and ‖λe‖² = ‖λx‖² − 2ηw + η²z are made of: u, v, ‖λx‖², w, z."""
        turn, r = TURNS[self.m], self.r
        root = r * turn.by[0], r * turn.by[1]
        left = 1 - root[0], -root[1]
        size = turn.dot(left, left)
        inverse = left[0] / size, -left[1] / size
        xa, xp, ga, gp = self._parts
        c, moved, pulled = turn.times(left, xp), turn.times(root, xp), turn.times(turn.times(root, inverse), gp)
        fa = r * ga / (1 - r)
        return (
            (1 - r) * xa * r * xa + turn.dot(c, moved),
            (1 - r) * xa * fa + turn.dot(c, pulled),
            r * r * xa * xa + turn.dot(moved, moved),
            r * xa * fa + turn.dot(moved, pulled),
            fa * fa + turn.dot(pulled, pulled),
        )

    @property
    def slope(self) -> Any:
        """v: where it is not 0, the step size changes continuously with y and q."""
        return self._terms()[1]

    @property
    def stepsize(self) -> Any:
        """η, at which the message is at right angles to what it leaves out."""
        u, v, *_ = self._terms()
        return u / v

    @property
    def excess(self) -> Any:
        """(1 − s²)‖λe‖² − s²‖c‖², which has to be at most 0: what is left out has at most the size that it may."""
        turn, r, s = TURNS[self.m], self.r, self.s
        left = 1 - r * turn.by[0], -r * turn.by[1]
        xa, xp, *_ = self._parts
        c = turn.times(left, xp)
        sent = (1 - r) ** 2 * xa * xa + turn.dot(c, c)
        _, _, size, w, z = self._terms()
        eta = self.stepsize
        return (1 - s * s) * (size - 2 * eta * w + eta * eta * z) - s * s * sent


def unproved(mu: Fraction, s: Fraction, m: int, paths: Sequence[Path]) -> list[str]:
    """Return which parts of the proof fail that error feedback has no step size with a rate below descent's, in words.

    At small and at large step sizes it is a spiral that shows it, and between them a corkscrew that has descent's rate:
    its shape (y, q) moves along paths, and so all step sizes between those at a path's ends occur. All inequalities are
    strict, so that the same holds for some larger rate: descent is better.

    Examples
    --------
    >>> unproved(Fraction(1, 4), Fraction(2, 9), *PATHS[4, Fraction(2, 9)])
    []
    """
    turn, power = TURNS[m], (1, 0)
    parts = {}
    for k in range(m):
        parts[f"n is polar to corner {k}"] = turn.dot(power, turn.normal) <= turn.normal[0]
        power = turn.times(power, turn.by)
    parts["the corners come round"] = power == (1, 0)
    root = (1 + s - mu * (1 - s)) / (1 + s + mu * (1 - s))
    parts["the rate is descent's"] = root * root == best_zigzag_factor(mu, s) > s
    (u,) = parameters("u")
    share = u / (1 + u)  # from 0 to 1
    for k, (one, other) in enumerate(line for path in paths for line in pairwise(path)):
        y, q = (a + (b - a) * share for a, b in zip(one, other, strict=True))
        moving = Corkscrew(mu, s, root, m, y, q)
        one_sign = positive(moving.slope, {"u": u}) or positive(-moving.slope, {"u": u})
        parts[f"the step size is continuous on line {k}"] = one_sign
        parts[f"the message projects on line {k}"] = positive(-moving.excess, {"u": u})
    corners = [Corkscrew(mu, s, root, m, y, q) for path in paths for y, q in path]
    parts["the messages project at the ends of lines"] = all(one.slope and one.excess < 0 for one in corners)
    parts["q > 0 and y ≥ 0"] = all(q > 0 and y >= 0 for path in paths for y, q in path)
    ends = [[Corkscrew(mu, s, root, m, *path[at]).stepsize for at in (0, -1)] for path in paths]
    parts["no step size is left out between paths"] = all(one[1] > other[0] for one, other in pairwise(ends))
    A, B, C = parabola(root * root, s * s)
    first, last = mu * ends[0][0], ends[-1][1]
    parts["the flat spiral shows it at smaller step sizes"] = A * first**2 + B * first + C > 0 > 2 * A * first + B
    parts["the steep spiral shows it at larger step sizes"] = A * last**2 + B * last + C > 0 and 2 * A * last + B > 0
    return [name for name, holds in parts.items() if not holds]
