"""A worst case as a mathematical statement: vectors, functions, messages, what is assumed, and what is to be large."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import count
from typing import Any

from proofs_check.worst_case.expressions import Constraint, Expression, Vector
from proofs_check.worst_case.functions import FunctionClass, Point
from proofs_check.worst_case.messages import Message, MessageClass
from toolkit.errors import WrongUse

__all__ = ["Function", "Model"]


@dataclass(eq=False)
class Function:
    """A function of a class, known by the points where it was evaluated.

    Parameters
    ----------
    model : Model
    kind : FunctionClass
    name : str
        Also the first part of the names of its constraints.
    anchor : {'minimum', 'infimum', None}
        Whether it is minimal at the origin with value 0 (then the minimiser needs no vector), nowhere below 0 (which
        need not be its infimum, see `Smooth`), or neither.
    suffix : str
        What is put after the names of its vectors, as the number of a worker.
    """

    model: Model
    kind: FunctionClass
    name: str
    anchor: str | None
    suffix: str = ""
    points: list[Point] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.kind.allow(self.anchor)

    def at(self, x: Vector) -> Point:
        """Return the point at `x`; the same x is evaluated once."""
        for point in self.known():
            if point.x == x:
                return point
        number = len(self.points)
        g = self.model.vector(f"g_{number}{self.suffix}")
        # Without an anchor only differences of values mean something: the first of them is 0.
        f = self.model.scalar(f"f_{number}{self.suffix}") if self.anchor or number else Expression()
        return self.add(Point(x, g, f))

    def add(self, point: Point) -> Point:
        """Declare that the function takes this value, with this gradient, at this point."""
        self.points.append(point)
        self.model.events.append(("point", self, point))
        return point

    def known(self) -> list[Point]:
        """Return the points where it is known, the minimiser first if it has one."""
        zero = self.model.zero
        return [Point(zero, zero, Expression()), *self.points] if self.anchor == "minimum" else self.points

    @property
    def further(self) -> int:
        """How many vectors its conditions need for themselves."""
        return self.kind.further(len(self.known()))

    def constraints(self, further: Sequence[Vector] = ()) -> Iterator[Constraint]:
        """Yield the interpolation conditions, named ``f(i,j)`` by the points' numbers, ``*`` being the minimiser."""
        labels = ["*"] * (self.anchor == "minimum") + [str(k) for k in range(len(self.points))]
        points = dict(zip(labels, self.known(), strict=True))
        for one in self.kind.conditions(points, further):
            yield replace(one, name=f"{self.name}{one.name}")
        if self.anchor == "infimum" or (self.anchor == "minimum" and not self.kind.convex):
            for k, point in enumerate(self.points):
                yield Constraint(f"{self.name}({k}) infimum", self.kind.infimum(point))


class Model:
    """All that a worst case consists of; nothing is kept outside it, and it can be pickled.

    Attributes
    ----------
    vectors, scalars : list of str
        The names of the basis vectors and of the scalars, in the order in which they were made.
    named : dict of str to Vector
        Other vectors that have a name, such as later iterates.
    functions : list of Function
    messages : list of Message
    assumptions : list of Constraint
    metric : list of Expression
        What is to be as large as possible: the smallest of these.
    events : list
        Points and messages in the order in which they came about, for a replay with numbers.

    Notes
    -----
    Source: performance estimation, Drori and Teboulle 2014 (recalled); messages as objects of their own: ours.

    Examples
    --------
    Gradient descent with step size 1, one step, f(x_1) against ‖x_0‖² (minimiser and minimum are 0):

    >>> from proofs_check.worst_case import Smooth, solve
    >>> model = Model()
    >>> x, f = model.vector("x_0"), model.function(Smooth(L=1))
    >>> model.assume("initial", x**2 <= 1)
    >>> model.maximise(f.at(x - f.at(x).g).f)
    >>> round(solve(model).value, 6)
    0.166667
    """

    def __init__(self) -> None:
        self.vectors: list[str] = []
        self.scalars: list[str] = []
        self.named: dict[str, Vector] = {}
        self.functions: list[Function] = []
        self.messages: list[Message] = []
        self.assumptions: list[Constraint] = []
        self.metric: list[Expression] = []
        self.events: list[tuple[str, Any, Any]] = []

    @property
    def order(self) -> int:
        """The order of the Gram matrix: of its vectors, and of those that conditions need for themselves."""
        return len(self.vectors) + sum(function.further for function in self.functions)

    @property
    def zero(self) -> Vector:
        """The zero vector."""
        return Vector(self, {})

    def basis(self, i: int) -> Vector:
        """Return the i-th basis vector."""
        return Vector(self, {i: Fraction(1)})

    def vector(self, name: str) -> Vector:
        """Return a new basis vector."""
        self._new_name(name)
        self.vectors.append(name)
        return self.basis(len(self.vectors) - 1)

    def scalar(self, name: str) -> Expression:
        """Return a new scalar."""
        self._new_name(name)
        self.scalars.append(name)
        return Expression(scalars={len(self.scalars) - 1: Fraction(1)})

    def _new_name(self, name: str) -> None:
        if name in self.vectors or name in self.scalars or name in self.named:
            raise WrongUse(f"a symbol named {name!r}", "the model has one of this name", "choose another name")

    def name(self, name: str, vector: Vector) -> None:
        """Give a vector a name, by which a statement will call it; basis vectors and known ones keep theirs."""
        if len(vector.coefficients) > 1 and vector not in self.named.values():
            self._new_name(name)
            self.named[name] = vector

    def function(
        self, kind: FunctionClass, name: str = "f", anchor: str | None = "minimum", suffix: str = ""
    ) -> Function:
        """Declare a function; by default its minimum is 0, at the origin."""
        self.functions.append(Function(self, kind, name, anchor, suffix))
        return self.functions[-1]

    def message(self, kind: MessageClass, given: Vector, name: str, past: int | None = None) -> Vector:
        """Return what arrives of `given`; `past` counts the basis vectors that a noise is orthogonal to (all)."""
        past = len(self.vectors) if past is None else past
        fresh = self.vector(name)
        arrived = given + fresh if kind.noisy else fresh
        self.messages.append(Message(kind, given, arrived, past))
        self.events.append(("message", fresh, self.messages[-1]))
        return arrived

    def assume(self, name: str, constraint: Constraint) -> None:
        """Assume an inequality or equality between expressions."""
        self.assumptions.append(replace(constraint, name=name))

    def maximise(self, *metric: Expression) -> None:
        """Ask for the largest value of the metric, of the smallest where there are several."""
        self.metric = list(metric)

    def constraints(self) -> list[Constraint]:
        """Return everything that holds, each under its own name."""
        found = list(self.assumptions)
        beyond = count(len(self.vectors))
        for function in self.functions:
            found += function.constraints([self.basis(next(beyond)) for _ in range(function.further)])
        for k, message in enumerate(self.messages):
            for one in message.kind.conditions(self, message):
                found.append(replace(one, name=f"message {k} {one.name}".strip()))
        return found
