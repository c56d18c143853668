"""Given vectors: the budget as a constraint of a linear program, whose multiplier is a squared threshold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from toolkit.arrays import Array
from toolkit.budget._input import check_budget, sequences
from toolkit.errors import EnvironmentLack

__all__ = ["LinearOptimum", "linear_optimum"]

GAP = 1e-12  # of the solver, relative to the largest square


@dataclass(frozen=True)
class LinearOptimum:
    """The solution of the linear program.

    Parameters
    ----------
    error : float or array, shape (run,)
        The least total error.
    share : array, shape (…, T, d)
        How much of each entry is kept, between 0 and 1; where entries tie they may share.
    multiplier : float or array, shape (run,)
        λ², what one more element would save: somewhere between |P|²_(K+1) and |P|²_(K).
    """

    error: Array
    share: Array
    multiplier: Array


def linear_optimum(p: Any, budget: int) -> LinearOptimum:
    r"""Solve the total-error problem for given vectors as a linear program.

    .. math:: \min_s \sum_{t,j} (1 - s_{tj})\,p_{tj}^2 \quad\text{subject to}\quad \sum_{t,j} s_{tj} \le K,
              \quad 0 \le s \le 1 .

    Parameters
    ----------
    p : array, shape (T, d) or (run, T, d)
        The vectors p_1, …, p_T; the runs of a batch become one program.
    budget : int
        K, from 0 to T·d, for each run.

    Returns
    -------
    LinearOptimum

    Raises
    ------
    WrongUse
        If the shape is another, a number is not finite, or the budget is impossible.
    EnvironmentLack
        If the solver gives up.

    Notes
    -----
    Source: S-a3 (derived). The vertices are integral, so the value is that of `decoupled_optimum`. The multiplier is
    not unique: every number in [|P|²_(K+1), |P|²_(K)] is one. An interior method returns one inside the interval.

    Examples
    --------
    >>> found = linear_optimum([[3.0, 1.0], [-2.0, 0.5]], budget=2)
    >>> round(float(found.error), 9), bool(1.0 < found.multiplier < 4.0)
    (1.25, True)
    """
    import cvxpy  # takes a second

    asked = f"linear_optimum(p, budget={budget!r})"
    batch, single = sequences(p, asked)
    K = check_budget(budget, batch[0].size, asked)
    squares = batch.astype(float).reshape(len(batch), -1) ** 2
    scale = squares.max() or 1.0
    share = cvxpy.Variable(squares.shape)
    spent = cvxpy.sum(share, axis=1) <= K
    lost = cvxpy.sum(cvxpy.multiply(squares / scale, 1 - share))
    program = cvxpy.Problem(cvxpy.Minimize(lost), [spent, share >= 0, share <= 1])
    program.solve(solver=cvxpy.CLARABEL, tol_gap_abs=GAP, tol_gap_rel=GAP, tol_feas=GAP)
    if program.status != cvxpy.OPTIMAL:
        raise EnvironmentLack(asked, f"the solver says {program.status}", "look at the range of the numbers")
    kept, multiplier = np.asarray(share.value), np.ravel(spent.dual_value) * scale
    error = ((1 - kept) * squares).sum(axis=1)
    own = 0 if single else slice(None)
    return LinearOptimum(error[own], kept.reshape(batch.shape)[own], multiplier[own])
