"""Bounds without slack: where the worst case is a rational number, its exact proof."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from itertools import product
from math import ceil, floor

import numpy as np

from proofs_check.worst_case.certificate import Certificate, upper_certificate
from proofs_check.worst_case.certifying import Uncertified
from proofs_check.worst_case.model import Model
from proofs_check.worst_case.program import Program, assemble_exactly, entries
from proofs_check.worst_case.rational import common_denominator, dyadic, solve_exactly
from proofs_check.worst_case.solving import Solution, smat, solve, svec
from proofs_check.worst_case.statements import statement
from proofs_check.worst_case.verify import semidefinite
from toolkit.arrays import Array

__all__ = ["certify_tightly", "simplest"]

SIMPLE = 10**18  # the largest denominator that a recognised bound may have
SMALL = (1e-5, 1e-4, 1e-3)  # below which, relative to the largest, an eigenvalue or a multiplier is taken for zero
CLOSE = 1e-11  # how near a number of the polished kernel is to the fraction that it is taken for
NEWTON = 4  # steps; each doubles the digits


def certify_tightly(model: Model, *, about: Mapping[str, str] | None = None) -> Certificate:
    """Return a certificate of the worst case itself, if it and the worst function's directions are simple rationals.

    Parameters
    ----------
    model, about
        As of `certify`.

    Returns
    -------
    Certificate
        Its bound is the worst case, as the numeric one, attained, lets expect; what is proved is that it is a bound.

    Raises
    ------
    Unsolved
        If there is no numeric worst case.
    Uncertified
        If no rational proof was recognised.

    Notes
    -----
    The residual matrix S of an optimal proof vanishes on the range of every optimal G. That kernel K, in reduced
    echelon form, is read off the numeric S or the numeric G, to some digits only. Newton's method on all optimality
    conditions, SK = 0 and the active constraints at G = K'MK, then finds it to double precision, so that the simplest
    rational nearby is the right one. With it the equations of the multipliers are solved exactly, and the rest is
    decided exactly. Source: ours (derived); recognising kernels is usual for sums of squares.

    Examples
    --------
    N steps of gradient descent without convexity: 4/5 and 1/2, where `certify` gives fractions just above these:

    >>> from proofs_check.worst_case import Smooth, gap, gradient, trace
    >>> from toolkit.algorithms import SGD
    >>> for N in (1, 2):
    ...     run = trace(SGD(stepsize=1), Smooth(L=1, mu=-1), steps=N, minimiser="infimum")
    ...     certify_tightly(run.worst(gradient, initial=gap, smallest=True)).bound
    Fraction(4, 5)
    Fraction(1, 2)
    """
    program, exactly = assemble_exactly(model)
    found = solve(program)
    multipliers = np.array([found.multipliers[name] for name in program.names])
    i, j = (index.tolist() for index in entries(program.order))
    residual = smat(svec(multipliers @ program.A, program.order), program.order)
    for small, (matrix, vanishing) in product(SMALL, ((residual, True), (found.gram, False))):
        active = exactly.equality | (multipliers > small * np.abs(multipliers).max())
        kernel, pivots = _echelon(matrix, vanishing, small)
        polished, kernel = _polished(program, found, np.where(active, multipliers, 0.0), active, kernel, pivots)
        recognised = [[simplest(value, CLOSE) for value in row] for row in kernel]
        if any(value.denominator**2 > 0.01 / CLOSE for row in recognised for value in row):
            continue  # so near to any number at all there is a fraction as simple as this
        rounded = _on_face(exactly, polished, active, recognised)
        if rounded is None:
            continue
        whole, scale = common_denominator(rounded)
        bound = Fraction(-int(whole @ exactly.c), scale * exactly.scale)
        if bound.denominator > SIMPLE or abs(bound - Fraction(found.value)) > 1e-5 * abs(found.value):
            continue
        form = zip(zip(i, j, strict=True), map(Fraction, whole @ exactly.A), strict=True)
        if semidefinite(dict(form), program.order):
            return upper_certificate(statement(model, about), bound, dict(zip(program.names, rounded, strict=True)))
    wrong = "no rational proof without slack was recognised"
    raise Uncertified("the exact value of this worst case", wrong, "call certify, which allows some slack")


def simplest(value: float, tolerance: float) -> Fraction:
    """Return the rational number of smallest denominator within a tolerance.

    Examples
    --------
    >>> simplest(0.3334, 1e-3)
    Fraction(1, 3)
    """
    low, high = Fraction(value) - Fraction(tolerance), Fraction(value) + Fraction(tolerance)
    if ceil(low) <= floor(high):
        return Fraction(min(range(ceil(low), floor(high) + 1), key=abs))
    whole = floor(low)
    return whole + 1 / _simplest_between(1 / (high - whole), 1 / (low - whole))


def _simplest_between(low: Fraction, high: Fraction) -> Fraction:
    """Return the simplest rational between two positive ones, by their continued fractions."""
    whole = ceil(low)
    if whole <= high:
        return Fraction(whole)
    return floor(low) + 1 / _simplest_between(1 / (high - floor(low)), 1 / (low - floor(low)))


def _echelon(matrix: Array, vanishing: bool, small: float) -> tuple[Array, list[int]]:
    """Return a basis of the kernel of a semidefinite matrix, or of its range, in reduced form, and its pivots."""
    values, vectors = np.linalg.eigh(matrix)
    vanishes = values < small * values[-1]
    basis = vectors[:, vanishes if vanishing else ~vanishes].T
    pivots: list[int] = []
    for k in range(len(basis)):
        rest = np.abs(basis[k:])
        rest[:, pivots] = 0
        row, pivot = divmod(int(np.argmax(rest)), rest.shape[1])
        basis[[k, k + row]] = basis[[k + row, k]]
        basis[k] /= basis[k, pivot]
        others = np.arange(len(basis)) != k
        basis[others] -= np.outer(basis[others, pivot], basis[k])
        pivots.append(pivot)
    return basis, pivots


def _polished(
    program: Program, found: Solution, multipliers: Array, active: Array, kernel: Array, pivots: list[int]
) -> tuple[Array, Array]:
    """Solve the optimality conditions for the active multipliers, the kernel K, M of G = K'MK and F, from nearby."""
    n, r, scalars = program.order, len(kernel), program.b.shape[1]
    matrices = np.array([smat(svec(one, n), n) for one in program.A])[active]
    b, c, count = program.b[active], program.c[active], int(active.sum())
    free = [j for j in range(n) if j not in pivots]
    λ, K, M = multipliers[active], kernel.copy(), found.gram[np.ix_(pivots, pivots)]
    F = np.append(found.scalars, found.value)
    sizes = np.cumsum([count, r * len(free), r * r])
    for _ in range(NEWTON):
        S = np.tensordot(λ, matrices, 1)
        left = [np.ravel(K @ S), b.T @ λ - np.eye(scalars)[-1], np.tensordot(matrices, K.T @ M @ K) + b @ F + c]
        by_K = np.kron(np.eye(r), S[:, free])
        products = K @ matrices
        columns = [
            [products.reshape(count, -1).T, by_K, np.zeros((r * n, r * r + scalars))],
            [b.T, np.zeros((scalars, sizes[2] - count + scalars))],
            [
                np.zeros((count, count)),
                2 * (M @ products)[:, :, free].reshape(count, -1),
                (products @ K.T).reshape(count, -1),
                b,
            ],
        ]
        step = np.linalg.lstsq(np.block(columns), -np.concatenate(left), rcond=1e-9)[0]
        by_λ, by_K, by_M, by_F = np.split(step, sizes)
        λ, M, F = λ + by_λ, M + (by_M.reshape(r, r) + by_M.reshape(r, r).T) / 2, F + by_F
        K[:, free] += by_K.reshape(r, len(free))
    polished = np.zeros(len(multipliers))
    polished[active] = λ
    return polished, K


def _on_face(
    exactly: Program, multipliers: Array, active: Array, kernel: list[list[Fraction]]
) -> list[Fraction] | None:
    """Return exact multipliers near the numeric ones whose residual matrix vanishes on the kernel."""
    i, j = entries(exactly.order)
    blocks = [exactly.b.T]
    for direction in kernel:
        products = np.zeros((exactly.order, len(exactly.names)), dtype=object)
        for a, b, coefficient in zip(i, j, exactly.A.T, strict=True):
            products[a] += coefficient * direction[b]
            products[b] += coefficient * direction[a]
        blocks.append(products)
    equations = np.vstack(blocks)
    rounded = [value if one else Fraction(0) for one, value in zip(active, dyadic(multipliers, 20), strict=True)]
    missing = -(equations @ np.array(rounded, dtype=object))
    missing[exactly.b.shape[1] - 1] += exactly.scale
    order = [k for k in np.argsort(-multipliers, kind="stable") if active[k]]
    change = solve_exactly([equations[:, k] for k in order], missing)
    if change is None:
        return None
    for k, value in change.items():
        rounded[order[k]] += value
    negative = any(value < 0 and not free for value, free in zip(rounded, exactly.equality, strict=True))
    return None if negative else rounded
