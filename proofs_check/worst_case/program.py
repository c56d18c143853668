"""A model as arrays: the semidefinite program in the Gram matrix G of its vectors and its scalars F."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import lcm
from typing import Any

import numpy as np

from proofs_check.worst_case.expressions import Constraint, Expression
from proofs_check.worst_case.model import Model
from proofs_check.worst_case.swept import Swept
from toolkit.arrays import Array
from toolkit.errors import WrongUse

__all__ = ["Program", "assemble", "assemble_exactly", "entries", "rows"]


@dataclass(frozen=True)
class Program:
    r"""Maximise F_t subject to ⟨A_i, G⟩ + b_i'F + c_i ≤ 0 (or = 0) and G positive semidefinite.

    F_t, the last scalar, is at most every metric, so that it is the smallest of them.

    Parameters
    ----------
    names : tuple of str
        The names of the constraints.
    equality : array of bool, shape (m,)
    A : array, shape (m, n(n+1)/2)
        Coefficients of the entries (i, j), i ≤ j, of G, column by column; that of (j, i) is included.
    b : array, shape (m, scalars + 1)
    c : array, shape (m,)
    order : int
        n, the order of G.
    scale : int
        What A, b and c are multiplied by: 1 for floats, their common denominator for exact ones.

    Notes
    -----
    Arrays are of float, or of integers of any length; those of a sweep have a first axis for its points.
    """

    names: tuple[str, ...]
    equality: Array
    A: Array
    b: Array
    c: Array
    order: int
    scale: int = 1

    def at(self, point: int) -> Program:
        """Return the program of one point of a sweep."""
        return Program(self.names, self.equality, self.A[point], self.b[point], self.c[point], self.order)

    def blocks(self) -> tuple[Array, list[int]]:
        """Return the entries that lie in diagonal blocks of G, block by block, and the orders of the blocks.

        No constraint has an entry outside of them.
        """
        i, j = entries(self.order)
        occurs = (self.A != 0).any(axis=0)
        linked = np.eye(self.order, dtype=bool)
        linked[i[occurs], j[occurs]] = linked[j[occurs], i[occurs]] = True
        for _ in range(self.order.bit_length()):
            linked = linked @ linked
        first = linked.argmax(axis=1)  # of each vector's block
        if not first.any():
            return np.arange(len(i)), [self.order]
        blocks = np.unique(first)
        places = [np.flatnonzero((first[i] == one) & (first[j] == one)) for one in blocks]
        return np.concatenate(places), [int((first == one).sum()) for one in blocks]


def entries(n: int) -> tuple[Array, Array]:
    """Return the indices i ≤ j of the upper triangle of a matrix of order n, column by column."""
    columns, lines = np.tril_indices(n)
    return lines, columns


def rows(model: Model) -> list[Constraint]:
    """Return the constraints of a model's program, those that say what F_t is included.

    Raises
    ------
    WrongUse
        If the model has no metric, or two constraints have one name.
    """
    if not model.metric:
        raise WrongUse("the worst case of a model", "it has nothing to maximise", "call model.maximise(…) first")
    smallest = Expression(scalars={len(model.scalars): Fraction(1)})
    found = model.constraints()
    found += [Constraint(f"metric {k}", smallest - one) for k, one in enumerate(model.metric)]
    if len({one.name for one in found}) < len(found):
        raise WrongUse("the worst case of a model", "two constraints have one name", "give them names of their own")
    return found


def assemble(model: Model) -> Program:
    r"""Return the program of a model in floats.

    .. math:: \max F_t, \qquad \langle A_i, G \rangle + b_i^\top F + c_i \le 0 \text{ (or } = 0), \quad G \succeq 0

    Parameters
    ----------
    model : Model
        Swept numbers make a program with one line of arrays per point.

    Returns
    -------
    Program

    Raises
    ------
    WrongUse
        As of `rows`, or if sets of different lengths are swept.

    Notes
    -----
    Source: Drori and Teboulle 2014; Taylor, Hendrickx and Glineur 2017 (recalled).

    Examples
    --------
    >>> model = Model()
    >>> x, y = model.vector("x"), model.vector("y")
    >>> model.assume("initial", x**2 + y**2 <= 1)
    >>> model.maximise(x @ y)
    >>> program = assemble(model)
    >>> program.names, program.A.tolist(), program.c.tolist()
    (('initial', 'metric 0'), [[1.0, 0.0, 1.0], [0.0, -1.0, 0.0]], [-1.0, 0.0])
    """
    constraints = rows(model)
    places, shape = _places(model, constraints)
    lengths = {len(value.values) for _, _, value in places if isinstance(value, Swept)}
    if len(lengths) > 1:
        raise WrongUse("a sweep", f"its sets have {sorted(lengths)} values", "give sets of one length")
    whole = np.zeros((*lengths, *shape))
    for line, column, value in places:
        whole[..., line, column] = value.values if isinstance(value, Swept) else float(value)
    return _program(model, constraints, whole)


def assemble_exactly(model: Model) -> tuple[Program, Program]:
    """Return the program of a model in floats and, exactly, in integers over a common denominator.

    Raises
    ------
    WrongUse
        If the model is one of a sweep.
    """
    constraints = rows(model)
    places, shape = _places(model, constraints)
    if any(isinstance(value, Swept) for _, _, value in places):
        raise WrongUse("the exact program of a sweep", "swept numbers are floats", "take one point, in fractions")
    scale = lcm(*(value.denominator for _, _, value in places))
    floats, integers = np.zeros(shape), np.zeros(shape, dtype=object)
    for line, column, value in places:
        floats[line, column] = float(value)
        integers[line, column] = value.numerator * (scale // value.denominator)
    return _program(model, constraints, floats), _program(model, constraints, integers, scale)


def _places(model: Model, constraints: list[Constraint]) -> tuple[list[tuple[int, int, Any]], tuple[int, int]]:
    """Return line, column and number of what is not zero in [A b c], and its shape."""
    triangle, scalars = model.order * (model.order + 1) // 2, len(model.scalars) + 1
    places: list[tuple[int, int, Any]] = []
    for line, one in enumerate(constraints):
        expression = one.expression
        places += [(line, j * (j + 1) // 2 + i, value) for (i, j), value in expression.gram().items()]
        places += [(line, triangle + j, value) for j, value in (expression.scalars or {}).items()]
        places.append((line, triangle + scalars, expression.constant))
    return places, (len(constraints), triangle + scalars + 1)


def _program(model: Model, constraints: list[Constraint], whole: Array, scale: int = 1) -> Program:
    triangle = model.order * (model.order + 1) // 2
    return Program(
        tuple(one.name for one in constraints),
        np.array([one.equality for one in constraints]),
        whole[..., :triangle],
        whole[..., triangle:-1],
        whole[..., -1],
        model.order,
        scale,
    )
