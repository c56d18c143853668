"""Symbolic vectors and what is quadratic in them: exact coefficients over the basis of the model that owns them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from numbers import Rational
from typing import Any

import numpy as np

from proofs_check.worst_case.swept import Swept
from toolkit.errors import WrongUse

__all__ = ["Constraint", "Expression", "Vector", "exact"]


def exact(value: Any) -> Any:
    """Return a number as a `Fraction`; a `Swept` set of numbers, or a rational function of SymPy, stays what it is.

    Raises
    ------
    WrongUse
        If it is a float that is no whole number: 0.1 is not 1/10, and what follows from it would not be exact.

    Examples
    --------
    >>> exact(2.0), exact("1/10")
    (Fraction(2, 1), Fraction(1, 10))
    """
    if isinstance(value, (Fraction, Swept)) or hasattr(value, "field"):
        return value
    if isinstance(value, (Rational, np.integer)):
        return Fraction(int(value)) if isinstance(value, np.integer) else Fraction(value)
    if isinstance(value, float) and value.is_integer():
        return Fraction(int(value))
    try:
        return Fraction(value) if isinstance(value, str) else _refuse(value)
    except ValueError:
        return _refuse(value)


def _refuse(value: Any) -> Any:
    asked = f"the coefficient {value!r} of a symbolic vector"
    raise WrongUse(asked, "it is not an exact number", "give an int, or a fractions.Fraction such as Fraction(1, 10)")


class Vector:
    """A linear combination of a model's basis vectors; never written to.

    ``+``, ``−``, products and quotients with numbers give vectors, ``u @ v`` the inner product and ``u**2`` the squared
    norm, which are `Expression`. Vectors of two models do not mix.
    """

    __slots__ = ("coefficients", "owner")

    def __init__(self, owner: Any, coefficients: Mapping[int, Any]) -> None:
        self.owner = owner
        self.coefficients = {i: value for i, value in coefficients.items() if value}

    def __add__(self, other: Any) -> Vector:
        if isinstance(other, int) and other == 0:  # where sum() starts
            return self
        if not isinstance(other, Vector):
            return NotImplemented
        if other.owner is not self.owner:
            raise WrongUse("a sum of symbolic vectors", "they belong to two models", "make them from one model")
        total = dict(self.coefficients)
        for i, value in other.coefficients.items():
            total[i] = total[i] + value if i in total else value
        return Vector(self.owner, total)

    __radd__ = __add__

    def __neg__(self) -> Vector:
        return self * -1

    def __sub__(self, other: Any) -> Vector:
        return self + -other

    def __mul__(self, number: Any) -> Vector:
        if isinstance(number, (Vector, np.ndarray)):
            return NotImplemented
        number = exact(number)
        return Vector(self.owner, {i: value * number for i, value in self.coefficients.items()})

    __rmul__ = __mul__

    def __truediv__(self, number: Any) -> Vector:
        return self * (1 / exact(number))

    def __matmul__(self, other: Vector) -> Expression:
        return Expression(((Fraction(1), self, other),))

    def __pow__(self, power: int) -> Expression:
        if power != 2:
            raise WrongUse(f"a symbolic vector to the power {power}", "only its square has a meaning", "write v**2")
        return self @ self

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Vector) and other.owner is self.owner and other.coefficients == self.coefficients

    def __hash__(self) -> int:
        return hash(frozenset(self.coefficients.items()))

    def __repr__(self) -> str:
        return " + ".join(f"{value}·{self.owner.vectors[i]}" for i, value in self.coefficients.items()) or "0"


@dataclass(frozen=True, eq=False)
class Expression:
    r"""A number that is linear in inner products of vectors and in a model's scalars.

    .. math:: \sum_k w_k \langle u_k, v_k \rangle + \sum_j a_j F_j + c

    Parameters
    ----------
    products : tuple of (number, Vector, Vector)
        w_k, u_k and v_k, kept as they were written, so that a statement can be read.
    scalars : dict of int to number
        a_j by the number j of the scalar in its model.
    constant : number
        c.
    """

    products: tuple[tuple[Any, Vector, Vector], ...] = ()
    scalars: Mapping[int, Any] | None = None
    constant: Any = Fraction(0)

    def __add__(self, other: Any) -> Expression:
        if not isinstance(other, Expression):
            return Expression(self.products, self.scalars, self.constant + exact(other))
        scalars = dict(self.scalars or {})
        for j, value in (other.scalars or {}).items():
            scalars[j] = scalars[j] + value if j in scalars else value
        kept = {j: value for j, value in scalars.items() if value}
        return Expression(self.products + other.products, kept, self.constant + other.constant)

    __radd__ = __add__

    def __mul__(self, number: Any) -> Expression:
        number = exact(number)
        return Expression(
            tuple((number * weight, u, v) for weight, u, v in self.products) if number else (),
            {j: number * value for j, value in (self.scalars or {}).items()} if number else None,
            number * self.constant,
        )

    __rmul__ = __mul__

    def __truediv__(self, number: Any) -> Expression:
        return self * (1 / exact(number))

    def __neg__(self) -> Expression:
        return self * -1

    def __sub__(self, other: Any) -> Expression:
        return self + -1 * other

    def __rsub__(self, other: Any) -> Expression:
        return -self + other

    def __le__(self, other: Any) -> Constraint:
        return Constraint("", self - other)

    def __ge__(self, other: Any) -> Constraint:
        return Constraint("", -self + other)

    def equals(self, other: Any) -> Constraint:
        """Return the constraint that both are equal."""
        return Constraint("", self - other, equality=True)

    def gram(self) -> dict[tuple[int, int], Any]:
        """Return the coefficients of the entries (i, j), i ≤ j, of the Gram matrix, those of (j, i) included."""
        total: dict[tuple[int, int], Any] = {}
        for weight, u, v in self.products:
            for i, a in u.coefficients.items():
                for j, b in v.coefficients.items():
                    entry = (i, j) if i <= j else (j, i)
                    term = weight * a * b
                    total[entry] = total[entry] + term if entry in total else term
        return {entry: value for entry, value in total.items() if value}


@dataclass(frozen=True, eq=False)
class Constraint:
    """``expression ≤ 0``, or ``expression = 0``, by a name that its dual multiplier goes by."""

    name: str
    expression: Expression
    equality: bool = False
