r"""Classes of functions, by the inequalities that any finitely many values and gradients of a member satisfy.

They are also sufficient: numbers that satisfy them belong to some member of the class (interpolation).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import permutations
from typing import Any

from proofs_check.worst_case.expressions import Constraint, Expression, Vector, exact
from toolkit.errors import WrongUse

__all__ = ["Convex", "FunctionClass", "Lipschitz", "Point", "Smooth"]


@dataclass(frozen=True, eq=False)
class Point:
    """Where a function was evaluated: the point x, a (sub)gradient g there, and the value f."""

    x: Vector
    g: Vector
    f: Expression


class FunctionClass:
    """A class of functions; a subclass says its interpolation conditions."""

    def parameters(self) -> dict[str, Any]:
        """Return the name of the class and its exact constants, as they stand in a statement."""
        raise NotImplementedError

    def allow(self, anchor: str | None) -> None:
        """Refuse what cannot be known of a minimiser of these functions; see `model.Function`."""

    def further(self, points: int) -> int:
        """Return how many vectors, besides the model's, the conditions on so many points need for themselves."""
        return 0

    def conditions(self, points: Mapping[str, Point], further: Sequence[Vector]) -> Iterator[Constraint]:
        """Yield the interpolation conditions of points, by names made of the points' names."""
        for (a, i), (b, j) in permutations(points.items(), 2):
            yield Constraint(f"({a},{b})", self.pair(i, j))
        for a, i in points.items():
            for what, expression in self.single(i):
                yield Constraint(f"({a}) {what}", expression)

    def pair(self, i: Point, j: Point) -> Expression:
        """Return what is at most 0 for every two different points."""
        raise NotImplementedError

    def single(self, i: Point) -> Iterator[tuple[str, Expression]]:
        """Yield what is at most 0 at every point, by a name."""
        yield from ()

    @property
    def convex(self) -> bool:
        """Whether all of these functions are convex, as far as is known."""
        return True

    def infimum(self, i: Point) -> Expression:
        """Return what is at most 0 because the function is nowhere below 0."""
        return -1 * i.f


@dataclass(frozen=True)
class Smooth(FunctionClass):
    r"""L-smooth functions of curvature at least μ: strongly convex, convex (μ = 0) or not convex (μ < 0).

    .. math:: f_i \ge f_j + \langle g_j, x_i - x_j \rangle + \tfrac\mu2 \|x_i - x_j\|^2
              + \tfrac{1}{2(L-\mu)} \|g_i - g_j - \mu (x_i - x_j)\|^2

    Parameters
    ----------
    L, mu : exact numbers, mu < L, L > 0

    Raises
    ------
    WrongUse
        If μ ≥ L or L ≤ 0.

    Notes
    -----
    Source: Taylor, Hendrickx and Glineur 2017, Theorem 4 (derived here from f − μ‖x‖²/2, convex and (L − μ)-smooth, so
    that any μ < L will do). A lower bound f* adds f* ≤ f_i − ‖g_i‖²/(2L), which for μ ≤ 0 suffices too (derived here):
    the largest member through the points is f = conv(min_i q_i + c) − c, where q_i is the parabola of curvature L that
    touches it at x_i, and c = −μ‖x‖²/2. Since c is convex, so is conv(min_i q_i) + c, which is below the min_i q_i + c.
    Hence f ≥ conv(min_i q_i) ≥ min_i (f_i − ‖g_i‖²/(2L)) ≥ f*. For μ < 0 some member attains f*: the conditions also
    hold between the points and (y, 0, f*) for y far away in a new direction, where all their terms stay as they are but
    ‖x_i − y‖², which has the coefficient μL/(2(L − μ)) < 0. For μ = 0 its values need not even tend to f*, as a point
    with g_0 = 0 and f_0 > f* shows: then f* is a lower bound of f, and nothing more. A minimum at the origin is, for
    μ < 0, the same with a point (0, 0, f*).

    Examples
    --------
    Without convexity the smallest gradient of N + 1 points of gradient descent has ‖g‖² ≤ 4/(3N + 2) · L(f(x_0) − f*):

    >>> from proofs_check.worst_case import gap, gradient, solve, trace
    >>> from toolkit.algorithms import SGD
    >>> for N in (1, 2):
    ...     run = trace(SGD(stepsize=1), Smooth(L=1, mu=-1), steps=N, minimiser="infimum")
    ...     round(solve(run.worst(gradient, initial=gap, smallest=True)).value, 6)
    0.8
    0.5
    """

    L: Any = 1
    mu: Any = 0

    def __post_init__(self) -> None:
        for name in ("L", "mu"):
            object.__setattr__(self, name, exact(getattr(self, name)))
        known = isinstance(self.L, Fraction) and isinstance(self.mu, Fraction)
        if known and not (self.mu < self.L and self.L > 0):
            raise WrongUse(f"Smooth(L={self.L}, mu={self.mu})", "no function has such constants", "give mu < L, L > 0")

    @property
    def convex(self) -> bool:
        return not (isinstance(self.mu, Fraction) and self.mu < 0)

    def parameters(self) -> dict[str, Any]:
        return {"class": "smooth", "mu": self.mu, "L": self.L}

    def pair(self, i: Point, j: Point) -> Expression:
        step, change = i.x - j.x, i.g - j.g
        curved = (change - self.mu * step) ** 2 / (2 * (self.L - self.mu))
        return j.f - i.f + j.g @ step + self.mu / 2 * step**2 + curved

    def infimum(self, i: Point) -> Expression:
        return i.g**2 / (2 * self.L) - i.f


@dataclass(frozen=True)
class Convex(FunctionClass):
    r"""Closed convex functions, smooth or not: :math:`f_i \ge f_j + \langle g_j, x_i - x_j \rangle`.

    Notes
    -----
    Source: Taylor, Hendrickx and Glineur 2017 (recalled); sufficient because the largest of the lines is such a
    function (derived here).

    Examples
    --------
    A proximal step x_1 = x_0 − γg_1, whose subgradient is one at x_1, has f(x_1) − f* ≤ ‖x_0 − x*‖²/(4γ):

    >>> from proofs_check.worst_case import Model, solve
    >>> model = Model()
    >>> x, g, f = model.vector("x_0"), model.vector("g_1"), model.function(Convex())
    >>> model.assume("initial", x**2 <= 1)
    >>> model.maximise(f.add(Point(x - g / 10, g, model.scalar("f_1"))).f)
    >>> round(solve(model).value, 4)
    2.5
    """

    def parameters(self) -> dict[str, Any]:
        return {"class": "convex"}

    def pair(self, i: Point, j: Point) -> Expression:
        return j.f - i.f + j.g @ (i.x - j.x)


@dataclass(frozen=True)
class Lipschitz(Convex):
    r"""Closed convex functions with :math:`\|g\| \le M` for every subgradient.

    Parameters
    ----------
    M : exact number > 0

    Raises
    ------
    WrongUse
        If M is not positive.

    Notes
    -----
    Source: Taylor, Hendrickx and Glineur 2017 (recalled); sufficient as for `Convex`, since the slopes of the lines
    bound those of their largest (derived here).

    Examples
    --------
    The best of N + 1 points of the subgradient method with γ = 1/(M√(N + 1)) is within M/√(N + 1), and the last is not:

    >>> from proofs_check.worst_case import distance, gap, solve, trace
    >>> from toolkit.algorithms import SGD
    >>> for smallest in (True, False):
    ...     run = trace(SGD(stepsize=Fraction(1, 2)), Lipschitz(M=1), steps=3)
    ...     round(solve(run.worst(gap, initial=distance, smallest=smallest)).value, 4)
    0.5
    0.7214
    """

    M: Any = 1

    def __post_init__(self) -> None:
        object.__setattr__(self, "M", exact(self.M))
        if isinstance(self.M, Fraction) and self.M <= 0:
            raise WrongUse(f"Lipschitz(M={self.M})", "M is not positive", "give M > 0")

    def parameters(self) -> dict[str, Any]:
        return {"class": "lipschitz", "M": self.M}

    def single(self, i: Point) -> Iterator[tuple[str, Expression]]:
        yield "slope", i.g**2 - self.M * self.M
