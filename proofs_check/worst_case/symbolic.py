"""Proofs for all parameters at once: residual matrices of rational functions, and the signs of pivots, by SymPy."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any

from proofs_check.worst_case.expressions import Expression, Vector
from proofs_check.worst_case.model import Model
from proofs_check.worst_case.program import rows
from toolkit.errors import WrongUse

__all__ = ["Parametric", "all_positive", "on_a_line", "parameters", "pivots", "positive", "proves", "residual"]


class Parametric:
    """A rational function of parameters, with the arithmetic of a number; zero is what is identically zero.

    Parameters
    ----------
    field : element of a field of fractions of SymPy
    """

    __slots__ = ("field",)

    def __init__(self, field: Any) -> None:
        self.field = field

    def _other(self, other: Any) -> Any:
        if isinstance(other, Parametric):
            return other.field
        if isinstance(other, (int, Fraction)):
            one = self.field.field.one
            return one * other.numerator / other.denominator
        return None

    def __add__(self, other: Any) -> Any:
        if isinstance(other, (int, Fraction)) and other == 0:
            return self
        other = self._other(other)
        return NotImplemented if other is None else Parametric(self.field + other)

    def __mul__(self, other: Any) -> Any:
        if (
            isinstance(other, (int, Fraction)) and abs(other) == 1
        ):  # most coefficients, and SymPy would look for divisors
            return self if other == 1 else -self
        other = self._other(other)
        return NotImplemented if other is None else Parametric(self.field * other)

    def __truediv__(self, other: Any) -> Any:
        other = self._other(other)
        return NotImplemented if other is None else Parametric(self.field / other)

    __radd__, __rmul__ = __add__, __mul__

    def __neg__(self) -> Parametric:
        return Parametric(-self.field)

    def __sub__(self, other: Any) -> Any:
        return self + -other if isinstance(other, (Parametric, int, Fraction)) else NotImplemented

    def __rsub__(self, other: Any) -> Any:
        return -self + other

    def __rtruediv__(self, other: Any) -> Any:
        other = self._other(other)
        return NotImplemented if other is None else Parametric(other / self.field)

    def __pow__(self, power: int) -> Parametric:
        return Parametric(self.field**power)

    def __bool__(self) -> bool:
        return bool(self.field)

    def __eq__(self, other: object) -> bool:
        other = self._other(other)
        return other is not None and bool(self.field == other)

    def __hash__(self) -> int:
        return hash(self.field)

    def __repr__(self) -> str:
        return str(self.field)


def parameters(*names: str) -> tuple[Parametric, ...]:
    """Return parameters, as rational functions of themselves."""
    from sympy import ZZ, field  # takes a moment

    _, *found = field(names, ZZ)  # the same fractions as over QQ, in integers, which are faster
    return tuple(map(Parametric, found))


def residual(model: Model, multipliers: Mapping[str, Any]) -> list[list[Any]]:
    """Return the matrix S of Σ λ·(what is at most 0) = t + ⟨S, G⟩ − bound, for a model with one `initial` ≤ 1.

    Parameters
    ----------
    model : Model
    multipliers : mapping of str to number
        λ by the names of the constraints, without that of the metric, which is 1; that of ``initial`` is the bound.

    Raises
    ------
    WrongUse
        If a multiplier belongs to nothing, or the scalars do not cancel, so that there is no such matrix.
    """
    constraints = {one.name: one.expression for one in rows(model)}
    told = {**multipliers, "metric 0": Fraction(1)}
    if told.keys() - constraints.keys():
        wrong = f"there is nothing named {sorted(told.keys() - constraints.keys())}"
        raise WrongUse("a residual matrix", wrong, "name constraints of the model")
    n = len(model.vectors)
    S: list[list[Any]] = [[Fraction(0)] * n for _ in range(n)]
    scalars: dict[int, Any] = {len(model.scalars): Fraction(-1)}
    for name, multiplier in told.items():
        expression: Expression = constraints[name]
        for (i, j), coefficient in expression.gram().items():
            S[i][j] = S[i][j] + multiplier * coefficient / (1 if i == j else 2)
            S[j][i] = S[i][j]
        for j, coefficient in (expression.scalars or {}).items():
            scalars[j] = scalars.get(j, Fraction(0)) + multiplier * coefficient
    if any(scalars.values()):
        raise WrongUse("a residual matrix", "the scalars do not cancel", "balance the multipliers")
    return S


def pivots(matrix: Sequence[Sequence[Any]]) -> list[Any] | None:
    """Return the pivots of LDLᵀ, in order; None if a zero pivot has something in its row: then it is indefinite.

    Examples
    --------
    >>> pivots([[Fraction(2), Fraction(2)], [Fraction(2), Fraction(2)]])
    [Fraction(2, 1), Fraction(0, 1)]
    """
    S, found = [list(row) for row in matrix], []
    for k in range(len(S)):
        pivot, row = S[k][k], S[k]
        if not pivot and any(row[k:]):
            return None
        found.append(pivot)
        for i in range(k + 1, len(S) if pivot else 0):
            for j in range(i, len(S)):
                S[i][j] = S[j][i] = S[i][j] - row[i] * row[j] / pivot
    return found


def positive(value: Any, domain: Mapping[str, Any]) -> bool:
    """Tell whether a rational function is seen to be positive on a domain.

    Parameters
    ----------
    value : Parametric or number
    domain : mapping of str to Parametric
        Every parameter as a function of others, which take all positive values. In these, all coefficients of the
        numerator must have one sign, and all of the denominator the same.
    """
    if not isinstance(value, Parametric):
        return bool(value > 0)
    numbers = [domain[str(one)].field for one in value.field.field.symbols]
    signs = {_sign(part, numbers) for part in (value.field.numer, value.field.denom)}
    return signs in ({1}, {-1}) and all(_sign(one.denom, one.denom.ring.gens) == 1 for one in numbers)


def _sign(polynomial: Any, numbers: Sequence[Any]) -> int:
    """Return the sign of all coefficients of a polynomial of fractions, times their denominators; 0 if they differ."""
    fractions = [(one, one.ring.one) if not hasattr(one, "denom") else (one.numer, one.denom) for one in numbers]
    total: Any = 0
    for powers, coefficient in polynomial.terms():
        term = coefficient
        for (above, below), power, degree in zip(fractions, powers, polynomial.degrees(), strict=True):
            term = term * above**power * below ** (degree - power)
        total = total + term
    coefficients = [total] if not hasattr(total, "coeffs") else total.coeffs()
    return 1 if all(one > 0 for one in coefficients) else -1 if all(one < 0 for one in coefficients) else 0


def proves(matrix: Sequence[Sequence[Any]], domain: Mapping[str, Any]) -> bool:
    """Tell whether a matrix is seen to be positive semidefinite on a domain: its pivots are zero or positive there."""
    found = pivots(matrix)
    return found is not None and all(not one or positive(one, domain) for one in found)


def all_positive(values: Iterable[Any], domain: Mapping[str, Any]) -> bool:
    """Tell whether all of some rational functions, as the multipliers of inequalities, are seen to be positive."""
    return all(positive(one, domain) for one in values)


def on_a_line(
    model: Model, start: Mapping[str, Any], curvature: Any, slope: Any, send: Callable[[Any], Any]
) -> Callable[[Expression], Any]:
    """Return what the expressions of a model are for f(x) = hx²/2 + gx in one dimension and a compressor.

    Parameters
    ----------
    model : Model
    start : mapping of str to number
        The vectors that nothing gives.
    curvature, slope : number
        h and g; the slope is 0 where the minimiser is the origin.
    send : callable
        What arrives of a message.
    """
    x, scalars = dict(start), {}

    def line(vector: Vector) -> Any:
        return sum((a * x[model.vectors[i]] for i, a in vector.coefficients.items()), Fraction(0))

    reference = None  # values count from the minimum, or else from the first point
    for kind, symbol, what in model.events:
        if kind == "message":
            x[model.vectors[next(iter(symbol.coefficients))]] = send(line(what.given))
            continue
        at = line(what.x)
        f = curvature * at * at / 2 + slope * at
        if reference is None:
            reference = Fraction(0) if symbol.anchor == "minimum" else f
        x[model.vectors[next(iter(what.g.coefficients))]] = curvature * at + slope
        for j in what.f.scalars or {}:
            scalars[j] = f - reference

    def value(expression: Expression) -> Any:
        products = (weight * line(u) * line(v) for weight, u, v in expression.products)
        values = (a * scalars[j] for j, a in (expression.scalars or {}).items())
        return sum(products, expression.constant) + sum(values, Fraction(0))

    return value
