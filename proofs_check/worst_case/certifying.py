"""From a numeric worst case to exact bounds of it: solve with slack, from well inside, round, repair, and check."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from fractions import Fraction

import numpy as np

from proofs_check.worst_case import verify
from proofs_check.worst_case.certificate import Certificate, lower_certificate, upper_certificate
from proofs_check.worst_case.model import Model
from proofs_check.worst_case.program import Program, assemble_exactly, entries
from proofs_check.worst_case.rational import common_denominator, dyadic, solve_exactly
from proofs_check.worst_case.solving import Solution, Unsolved, cone_solve, smat, solve, svec
from proofs_check.worst_case.statements import statement
from toolkit.arrays import Array
from toolkit.errors import EnvironmentLack, WrongUse

__all__ = ["Uncertified", "certify", "exhibit"]

SLACK = 1e-5
BITS = range(8, 42, 2)
# What is tried in turn: the share of the slack that the solver may use, and the unit of the margin, which is small
# while the solver stops at an absolute tolerance.
ATTEMPTS = ((0.5, 1e-2), (0.9, 1e-2), (0.9, 1.0))


class Uncertified(EnvironmentLack):
    """No exact bound was found near the numeric worst case."""


def certify(model: Model, *, slack: float = SLACK, about: Mapping[str, str] | None = None) -> Certificate:
    """Return a certificate of an upper bound on the worst case of a model, within a relative slack of it.

    Parameters
    ----------
    model : Model
    slack : float
        How far above the numeric worst case the bound may lie, relative to it (absolute where it is below 1e-6).
    about : mapping of str to str, optional
        As of `statement`.

    Returns
    -------
    Certificate
        Of a bound at least the worst case, within the slack of the numeric one.

    Raises
    ------
    Unsolved
        If there is no numeric worst case.
    Uncertified
        If double precision does not suffice for this slack.

    Notes
    -----
    With the bound capped at τ(1 + slack), maximise t such that every multiplier is at least t and the residual matrix
    at least t times the identity; round to multiples of 2^−k, k = 8, 10, …; make the equations hold exactly again by
    moving the largest multipliers; then decide exactly. Source: rounding from well inside, Peyrl and Parrilo 2008
    (recalled), with slack, for worst cases: ours.

    Examples
    --------
    >>> from proofs_check.worst_case import Smooth
    >>> model = Model()
    >>> x, f = model.vector("x_0"), model.function(Smooth(L=1))
    >>> model.assume("initial", x**2 <= 1)
    >>> model.maximise(f.at(x).f)
    >>> found = certify(model)
    >>> 0.5 <= found.bound <= 0.5 * (1 + 2e-5), found.verified()[:14]
    (True, 'proved: f_0 <=')
    """
    program, exactly = assemble_exactly(model)
    found = solve(program)
    allowed = slack * max(abs(found.value), 1e-6)
    i, j = (index.tolist() for index in entries(program.order))
    for share, unit in ATTEMPTS:
        try:
            multipliers = _interior(program, found, found.value + share * allowed, unit)
        except Unsolved:
            continue
        for bits in BITS:
            rounded = _repaired(exactly, multipliers, bits)
            if rounded is None:
                continue
            whole, scale = common_denominator(rounded)
            bound = Fraction(-int(whole @ exactly.c), scale * exactly.scale)
            residual = zip(zip(i, j, strict=True), map(Fraction, whole @ exactly.A), strict=True)
            if bound <= found.value + allowed and verify.semidefinite(dict(residual), program.order):
                return upper_certificate(statement(model, about), bound, dict(zip(program.names, rounded, strict=True)))
    raise _uncertified(slack)


def exhibit(model: Model, *, slack: float = SLACK, about: Mapping[str, str] | None = None) -> Certificate:
    """Return a certificate of a lower bound: an exact instance, which by interpolation is a worst function.

    Parameters
    ----------
    model, slack, about
        As of `certify`.

    Returns
    -------
    Certificate
        Of a value that the metric can take, at least (1 − slack) times the worst.

    Raises
    ------
    WrongUse
        If the conditions are not known to suffice: in a model of moments, whose instances need not be possible on
        every outcome, and for μ > 0 with a lower bound of the function in place of its minimiser.
    Unsolved, Uncertified
        As of `certify`.

    Notes
    -----
    The same as in `certify`, on the primal side. With quadratic functions alone, whose equalities leave little
    room, the numeric instance is first run again in fractions; see `exact_runs`. The classes of compressors are of maps
    that may change from message to message, as an adversary would. Source: of this package, on the interpolation
    theorems of the classes of functions.

    Examples
    --------
    With `certify` it makes a bracket of the worst case 1/6 of a step of gradient descent:

    >>> from proofs_check.worst_case import Smooth, distance, gap, trace
    >>> from toolkit.algorithms import SGD
    >>> model = trace(SGD(stepsize=1), Smooth(L=1), steps=1).worst(gap, initial=distance)
    >>> below, above = exhibit(model), certify(model)
    >>> below.bound < Fraction(1, 6) < above.bound, round(float(above.bound / below.bound), 4)
    (True, 1.0)
    >>> below.verified()[:6], above.verified()[:6]
    ('proved', 'proved')
    """
    told = statement(model, about)
    why = verify.Statement(told).no_lower
    if why:
        raise WrongUse("an exact instance of a worst case", why, "certify upper bounds of it")
    program, exactly = assemble_exactly(model)
    found = solve(program)
    allowed = slack * max(abs(found.value), 1e-6)
    metric = np.array([name.startswith("metric ") for name in program.names])
    i, j = (index.tolist() for index in entries(program.order))
    for instance in _instances(model, program, exactly, found, allowed):
        whole, scale = common_denominator(instance)
        values = exactly.A @ whole[: len(i)] + exactly.b[:, :-1] @ whole[len(i) :] + exactly.c * scale
        bound = Fraction(-int(max(values[metric])), scale * exactly.scale)  # t − m ≤ 0 without t
        fine = (values[~metric & ~exactly.equality] <= 0).all() and not values[exactly.equality].any()
        if bound < found.value - allowed or not fine:
            continue
        twice = {(a, b): value if a == b else 2 * value for a, b, value in zip(i, j, instance, strict=False)}
        if verify.semidefinite(twice, program.order):
            lines = [instance[k * (k + 1) // 2 : (k + 1) * (k + 2) // 2] for k in range(program.order)]
            return lower_certificate(told, bound, lines, instance[len(i) :])
    raise _uncertified(slack)


def _instances(
    model: Model, program: Program, exactly: Program, found: Solution, allowed: float
) -> Iterator[list[Fraction]]:
    """Yield exact instances near a numeric one, whose conditions are still to be checked."""
    from proofs_check.worst_case.exact_runs import exact_runs

    yield from exact_runs(model, exactly, found)
    for share, unit in ATTEMPTS:
        with contextlib.suppress(Unsolved):
            gram, scalars = _inner_instance(program, found, found.value - share * allowed, unit)
            for bits in BITS:
                instance = _on_equalities(exactly, gram, scalars, bits)
                if instance is not None:
                    yield instance


def _uncertified(slack: float) -> Uncertified:
    wrong = f"no rounding of the numeric solution is exact within a slack of {slack:g}"
    return Uncertified("an exact bound of this worst case", wrong, "allow more slack, or take fewer steps")


def _interior(program: Program, found: Solution, cap: float, unit: float) -> Array:
    """Return multipliers well inside of those that prove a bound of at most `cap`; t is measured in `unit`."""
    n, (m, scalars) = program.order, program.b.shape
    inequalities = np.flatnonzero(~program.equality)
    positive = np.zeros((len(inequalities), m + 1))
    positive[np.arange(len(inequalities)), inequalities] = -1.0
    positive[:, m] = unit
    i, j = entries(n)
    places, orders = program.blocks()
    A = np.vstack([
        np.column_stack([program.b.T, np.zeros(scalars)]),
        positive,
        np.append(-program.c, 0.0),
        np.column_stack([-svec(program.A, n).T, np.where(i == j, unit * _weights(found)[i], 0.0)])[places],
    ])  # fmt: skip
    b = np.zeros(len(A))
    b[scalars - 1] = 1.0
    b[scalars + len(inequalities)] = cap
    return np.array(cone_solve(-np.eye(m + 1)[m], A, b, scalars, len(inequalities) + 1, *orders).x)[:m]


def _weights(found: Solution) -> Array:
    """Return how large a margin each vector gets: 1, but for those whose squared lengths are of another magnitude."""
    lengths = np.diag(found.gram)
    relative = np.clip(lengths / np.median(lengths), 1e-6, 1e6)
    return np.where((relative > 1 / 64) & (relative < 64), 1.0, 1 / relative)


def _repaired(exactly: Program, multipliers: Array, bits: int) -> list[Fraction] | None:
    """Round multipliers, make the equations of the scalars hold again; None if an inequality's becomes negative."""
    rounded = dyadic(multipliers, bits)
    whole, scale = common_denominator(rounded)
    missing = -(whole @ exactly.b)
    missing[-1] += scale * exactly.scale
    # Those of equalities may take any sign, and the largest can best do without a little.
    order = np.argsort(np.where(exactly.equality, -np.inf, -multipliers), kind="stable")
    change = solve_exactly([exactly.b[k] for k in order], missing)
    if change is None:
        return None
    for k, value in change.items():
        rounded[order[k]] += value / scale
    negative = any(value < 0 and not free for value, free in zip(rounded, exactly.equality, strict=True))
    return None if negative else rounded


def _inner_instance(program: Program, found: Solution, floor: float, unit: float) -> tuple[Array, Array]:
    """Return G and F well inside of those whose metric is at least `floor`; t is measured in `unit`."""
    n, (m, scalars) = program.order, program.b.shape
    places, orders = program.blocks()
    inside = len(places)
    i, j = entries(n)
    lines = np.column_stack([svec(program.A, n)[:, places], program.b, np.where(program.equality, 0.0, unit)])
    diagonal = np.where(i == j, unit / _weights(found)[i], 0.0)[places]
    A = np.vstack([
        lines[program.equality],
        lines[~program.equality],
        -np.eye(inside + scalars + 1)[inside + scalars - 1],
        np.column_stack([-np.eye(inside), np.zeros((inside, scalars)), diagonal]),
    ])  # fmt: skip
    equalities = int(program.equality.sum())
    b = np.concatenate([-program.c[program.equality], -program.c[~program.equality], [-floor], np.zeros(inside)])
    x = np.array(cone_solve(-np.eye(A.shape[1])[-1], A, b, equalities, m - equalities + 1, *orders).x)
    gram = np.zeros(len(i))
    gram[places] = x[:inside]
    return smat(gram, n)[i, j], x[inside : inside + scalars - 1]


def _on_equalities(exactly: Program, gram: Array, scalars: Array, bits: int) -> list[Fraction] | None:
    """Round an instance, and make the equalities hold again by moving its largest numbers."""
    numbers = np.concatenate([gram, scalars])
    rounded = dyadic(numbers, bits)
    lines = np.column_stack([exactly.A, exactly.b[:, :-1]])[exactly.equality]
    if not len(lines):
        return rounded
    whole, scale = common_denominator(rounded)
    missing = -(lines @ whole) - exactly.c[exactly.equality] * scale
    order = np.argsort(-abs(numbers), kind="stable")
    change = solve_exactly([lines[:, k] for k in order], missing)
    for k, value in (change or {}).items():
        rounded[order[k]] += value / scale
    return None if change is None else rounded
