"""Worst cases in floating point: the dual program by Clarabel, from arrays, or by cvxpy for a second opinion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from proofs_check.worst_case.model import Model
from proofs_check.worst_case.program import Program, assemble, entries
from toolkit.arrays import Array
from toolkit.errors import EnvironmentLack, WrongUse

__all__ = ["Solution", "Unbounded", "Unsolved", "solve", "solve_all"]

GAP = 1e-9  # absolute and relative: ten times less than by default, because worst cases may be small
# What solvers say of a dual program that has no solution, and of one whose solutions are as low as you like.
INFINITE = ("PrimalInfeasible", "AlmostPrimalInfeasible", "infeasible", "infeasible_inaccurate")
VOID = ("DualInfeasible", "AlmostDualInfeasible", "unbounded", "unbounded_inaccurate")


class Unsolved(EnvironmentLack):
    """The solver found no worst case: it is infinite, or its numbers were too hard.

    Attributes
    ----------
    status : str
        What the solver said.
    """

    status = ""


class Unbounded(Unsolved):
    """The solver found that no finite bound follows from what is assumed: the request is wrong, not the machine."""

    exit_code = WrongUse.exit_code


@dataclass(frozen=True)
class Solution:
    """A worst case as a solver sees it: numeric, never a bound.

    Parameters
    ----------
    value : float
        The dual value −c'λ.
    multipliers : dict of str to float
        λ by the names of the constraints.
    gram : array, shape (n, n)
        G, in the order of the model's vectors.
    scalars : array, shape (scalars,)
        F.
    status : str
        What the solver says of it.

    Notes
    -----
    Source: duality of semidefinite programs; what proves a bound is `certify`, which starts from this.

    Examples
    --------
    After a step of gradient descent, in the worst case, x_0 and both gradients are on a line, g_0 = g_1 = x_0/3:

    >>> from proofs_check.worst_case import Smooth, distance, gap, trace
    >>> from toolkit.algorithms import SGD
    >>> solution = solve(trace(SGD(stepsize=1), Smooth(L=1), steps=1).worst(gap, initial=distance))
    >>> solution.status, round(solution.multipliers["initial"], 6)
    ('Solved', 0.166667)
    >>> solution.gram.round(3)
    array([[1.   , 0.333, 0.333],
           [0.333, 0.111, 0.111],
           [0.333, 0.111, 0.111]])
    """

    value: float
    multipliers: dict[str, float]
    gram: Array
    scalars: Array
    status: str


def solve(model: Model | Program, *, solver: str = "clarabel") -> Solution:
    r"""Return the worst case of a model.

    .. math:: \min_\lambda -c^\top\lambda, \qquad \sum_i \lambda_i A_i \succeq 0, \quad
              \sum_i \lambda_i b_i = e_t, \quad \lambda_i \ge 0 \text{ for inequalities}

    Parameters
    ----------
    model : Model or Program
    solver : {'clarabel', 'cvxpy-clarabel', 'cvxpy-scs'}
        The first goes to Clarabel directly, the others by cvxpy.

    Returns
    -------
    Solution

    Raises
    ------
    Unbounded
        If the solver says that the worst case is infinite, or that nothing is as assumed.
    Unsolved
        If it ends without a solution otherwise.
    WrongUse
        If the model is one of a sweep, has nothing to maximise, or the solver is none of these.

    Notes
    -----
    Source: performance estimation, Drori and Teboulle 2014; Taylor, Hendrickx and Glineur 2017 (recalled).

    Examples
    --------
    N steps of gradient descent on convex functions have f(x_N) − f* ≤ L‖x_0 − x*‖²/(4N + 2):

    >>> from proofs_check.worst_case import Smooth, distance, gap, trace
    >>> from toolkit.algorithms import SGD
    >>> for N in (1, 2, 3):
    ...     value = solve(trace(SGD(stepsize=1), Smooth(L=1), steps=N).worst(gap, initial=distance)).value
    ...     round(1 / value, 4)
    6.0
    10.0
    14.0
    """
    program = model if isinstance(model, Program) else assemble(model)
    if program.A.ndim == 3:
        raise WrongUse("solve(…) of a sweep", "it has many worst cases", "call solve_all")
    if solver == "clarabel":
        return _clarabel(program)
    if solver in ("cvxpy-clarabel", "cvxpy-scs"):
        return _cvxpy(program, solver.removeprefix("cvxpy-").upper())
    raise WrongUse(f"solve(solver={solver!r})", "there is no such solver", "choose clarabel, cvxpy-clarabel, cvxpy-scs")


def solve_all(model: Model | Program) -> Array:
    """Return the worst case at every point of a sweep; NaN where the solver found none.

    Parameters
    ----------
    model : Model or Program
        With at least one `Swept` number.

    Returns
    -------
    array, shape (point,)

    Notes
    -----
    Source: as of `solve`; its arrays are made once for all points.

    Examples
    --------
    The best step size of gradient descent is 2/(L + μ) = 4/3, where both ends of the curvature have the same rate:

    >>> from fractions import Fraction
    >>> from proofs_check.worst_case import Smooth, distance, sweep, trace
    >>> from toolkit.algorithms import SGD
    >>> (stepsize,) = sweep([1.0, 4 / 3, 1.5])
    >>> run = trace(SGD(stepsize=stepsize), Smooth(L=1, mu=Fraction(1, 2)), steps=1)
    >>> solve_all(run.worst(distance, initial=distance)).round(4).tolist()
    [0.25, 0.1111, 0.25]
    """
    program = model if isinstance(model, Program) else assemble(model)
    values = np.full(len(program.A), np.nan)
    for point in range(len(values)):
        try:
            values[point] = _clarabel(program.at(point)).value
        except Unsolved:
            continue
    return values


def _unsolved(status: Any, kind: type[Unsolved] = Unsolved, wrong: str = "the solver found no solution") -> Unsolved:
    remedy = "check that the step size is in range, and that what is assumed bounds the metric"
    error = kind("this worst case", f"{wrong} (it ended with {status})", remedy)
    error.status = str(status)
    return error


def _no_worst_case(status: str) -> Unsolved:
    """Return the error of a dual program that a solver ended so."""
    if status in INFINITE:
        return _unsolved(status, Unbounded, "no finite bound was found: by the solver it is infinite")
    if status in VOID:
        return _unsolved(status, Unbounded, "by the solver nothing at all is as assumed")
    return _unsolved(status)


def svec(A: Array, n: int) -> Array:
    """Return coefficients of upper entries as those of a vector in which both products agree (off-diagonal /√2)."""
    i, j = entries(n)
    return np.where(i == j, A, A / np.sqrt(2))


def smat(vector: Array, n: int) -> Array:
    """Return the symmetric matrix of such a vector."""
    i, j = entries(n)
    matrix = np.zeros((n, n))
    matrix[i, j] = np.where(i == j, vector, vector / np.sqrt(2))
    return matrix + np.triu(matrix, 1).T


def cone_solve(q: Array, A: Array, b: Array, zero: int, nonnegative: int, *orders: int) -> Any:
    """Minimise q'x subject to Ax + s = b by Clarabel.

    s is `zero` zeros, then `nonnegative` numbers at least 0, then positive semidefinite matrices of these orders.

    Raises
    ------
    Unsolved
        If it finds no solution, with its own scaling of the rows or without.
    """
    import clarabel
    from scipy import sparse

    cones = [clarabel.ZeroConeT(zero)] if zero else []
    cones += [clarabel.NonnegativeConeT(nonnegative), *map(clarabel.PSDTriangleConeT, orders)]
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    settings.chordal_decomposition_enable = False  # the matrices are small and dense
    settings.tol_gap_abs = settings.tol_gap_rel = GAP
    nothing, A = sparse.csc_matrix((len(q), len(q))), sparse.csc_matrix(A)
    almost = None
    for scaled in (True, False):
        settings.equilibrate_enable = scaled
        found = clarabel.DefaultSolver(nothing, q, A, b, cones, settings).solve()
        if str(found.status) == "Solved":
            return found
        if str(found.status) == "AlmostSolved":
            almost = almost or found
        elif str(found.status) in INFINITE + VOID:
            break
    if almost is None:
        raise _unsolved(found.status)
    return almost


def _clarabel(program: Program) -> Solution:
    n, (m, scalars) = program.order, program.b.shape
    free = program.equality
    positive = -np.eye(m)[~free]
    places, orders = program.blocks()
    A = np.concatenate([program.b.T, positive, -svec(program.A, n).T[places]])
    b = np.zeros(len(A))
    b[scalars - 1] = 1.0
    try:
        found = cone_solve(-program.c, A, b, scalars, len(positive), *orders)
    except Unsolved as error:
        raise _no_worst_case(error.status) from None
    multipliers, dual, gram = np.array(found.x), np.array(found.z), np.zeros(program.A.shape[1])
    gram[places] = dual[scalars + len(positive) :]
    return Solution(
        float(-program.c @ multipliers),
        dict(zip(program.names, multipliers.tolist(), strict=True)),
        smat(gram, n),
        -dual[:scalars - 1],
        str(found.status),
    )  # fmt: skip


def _cvxpy(program: Program, solver: str) -> Solution:
    import cvxpy

    n, (m, scalars) = program.order, program.b.shape
    multipliers = cvxpy.Variable(m)
    i, j = entries(n)
    flat = np.zeros((n * n, m))
    halves = np.where(i == j, program.A, program.A / 2).T
    flat[i * n + j] = halves
    flat[j * n + i] = halves
    residual = cvxpy.reshape(flat @ multipliers, (n, n), order="C")
    target = np.eye(scalars)[-1]
    balance, order = program.b.T @ multipliers == target, residual >> 0
    constraints = [balance, order, multipliers[np.flatnonzero(~program.equality)] >= 0]
    problem = cvxpy.Problem(cvxpy.Minimize(-program.c @ multipliers), constraints)
    options = {"eps": 1e-7, "max_iters": 100_000} if solver == "SCS" else {}
    problem.solve(solver=solver, **options)
    if multipliers.value is None or problem.status not in ("optimal", "optimal_inaccurate"):
        raise _no_worst_case(problem.status)
    return Solution(
        float(problem.value),
        dict(zip(program.names, multipliers.value.tolist(), strict=True)),
        np.asarray(order.dual_value),
        -np.asarray(balance.dual_value)[:-1],
        problem.status,
    )
