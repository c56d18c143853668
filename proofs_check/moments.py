"""Exact second moments of error feedback and of compressed SGD on quadratics, in place of samples.

With a compressor that multiplies (`proofs_check.multipliers`) and noise that is added, a step maps what the method
holds to a random linear image of it, and the matrix of second moments to a linear image of itself. The same lines
compute with floating-point numbers and with `fractions.Fraction`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from problems.quadratic import Quadratic
from proofs_check.multipliers import Multipliers
from toolkit.arrays import Array
from toolkit.errors import WrongUse

__all__ = ["Model", "Moments", "line", "model", "moments", "stationary"]


@dataclass(frozen=True)
class Model:
    r"""Quadratics around the minimiser of their mean, u = x − x*, with noise that is added to their gradients.

    .. math:: \nabla f_i(x) = A_i u + r_i, \qquad \tfrac1n \sum_i r_i = 0, \qquad
              g_i = \nabla f_i(x) + \xi_i, \quad E\,\xi_i = 0, \quad E\,\xi_i \xi_i^\top = \Sigma_i,

    the noise independent over steps and workers.

    Parameters
    ----------
    hessians : array, shape (worker, d, d)
        The A_i.
    residuals : array, shape (worker, d)
        The r_i.
    noise : array, shape (worker, d, d)
        The Σ_i.
    start : array, shape (d,)
        x_0 − x*.
    """

    hessians: Array
    residuals: Array
    noise: Array
    start: Array

    @property
    def shape(self) -> tuple[int, int]:
        """Number n of workers, and dimension d."""
        return self.residuals.shape


def model(problem: Quadratic, batch: int | str | None = None) -> Model:
    """Return a quadratic as a model, with the noise of its samples.

    Parameters
    ----------
    problem : Quadratic
        With a minimiser and a start.
    batch : 'full' or int, optional
        What a sample is; by default the problem's.

    Raises
    ------
    WrongUse
        If it has no minimiser or no start.
    """
    if problem.x_star is None or problem.start is None:
        raise WrongUse("the moments on a quadratic", "it has no minimiser or no start", "give it both")
    batch = problem.default_batch if batch is None else batch
    (n, d), H = problem.linear.shape, problem.hessians
    hessians = np.stack([np.diag(row) for row in H]) if H.ndim == 2 else H
    variance = 0.0 if batch == "full" else problem.sigma_sq / (d * int(batch))
    noise = np.broadcast_to(variance * np.eye(d), (n, d, d))
    return Model(hessians, hessians @ problem.x_star - problem.linear, noise, problem.start - problem.x_star)


def line(x_0: Any, variance: Any, curvature: Any = 1) -> Model:
    """Return f(x) = curvature · x²/2 on the line, from x_0, with noise of this variance; exact if the numbers are."""
    one = np.ones((1, 1, 1), dtype=object if isinstance(x_0, Fraction) else float)
    return Model(curvature * one, 0 * one[0], variance * one, x_0 * one[0, 0])


@dataclass(frozen=True)
class Moments:
    """What the second moments say at every t = 0 … T, as arrays of shape ``(T + 1,)``.

    Parameters
    ----------
    f_gap, grad_norm_sq, distance_sq : array
        E f(x_t) − f*, E‖∇f(x_t)‖² and E‖x_t − x*‖².
    local_grad_norm_sq, sample_norm_sq : array
        (1/n) Σ E‖∇f_i(x_t)‖² and (1/n) Σ E‖g_i‖².
    memory_norm_sq : array
        (1/n) Σ E‖e_i‖²; 0 without a memory.
    f_gap_at_average : array, shape (T,)
        E f(x̄) − f* for the weighted mean x̄ of x_0 … x_{t−1}, t = 1 … T; empty if there are no weights.
    second : array
        E zz' at T, z = (1, x − x*, e_1 … e_n, Σ w_t (x_t − x*)).
    """

    f_gap: Array
    grad_norm_sq: Array
    distance_sq: Array
    local_grad_norm_sq: Array
    sample_norm_sq: Array
    memory_norm_sq: Array
    f_gap_at_average: Array
    second: Array


def moments(
    of: Model,
    by: Multipliers,
    stepsizes: Sequence[Any] | Array,
    *,
    memory: bool = True,
    weights: Sequence[Any] | Array | None = None,
) -> Moments:
    r"""Return the exact moments of a run.

    .. math:: p_i = e_i + \gamma_t g_i, \qquad x \leftarrow x - \tfrac1n \sum_i C(p_i), \qquad
              e_i \leftarrow p_i - C(p_i) \ \text{or, without a memory,}\ 0.

    Parameters
    ----------
    of : Model
        The problem.
    by : Multipliers
        The compressor.
    stepsizes : sequence of T numbers
        γ_0 … γ_{T−1}.
    memory : bool
        Error feedback, or compressed SGD.
    weights : sequence of T numbers, optional
        w_0 … w_{T−1} of the mean of the iterates.

    Returns
    -------
    Moments
        Of fractions if all that is given is exact, and then exact.

    Examples
    --------
    >>> from proofs_check.multipliers import sure
    >>> run = moments(line(Fraction(1), 1), sure(1, 1), [Fraction(1, 2)] * 2)
    >>> run.distance_sq.tolist()
    [Fraction(1, 1), Fraction(1, 2), Fraction(3, 8)]
    """
    step = _Step(of, by, memory, averaging=weights is not None)
    Z, total, at_average, all_Z = step.start(), 0, [], []
    for t, stepsize in enumerate(stepsizes):
        all_Z.append(Z)
        weight = 0 if weights is None else weights[t]
        Z = step(Z, stepsize, weight)
        if weights is not None:
            total += weight
            at_average.append(step.gap(Z[step.average, step.average]) / total**2)
    return step.observed([*all_Z, Z], at_average)


def stationary(of: Model, by: Multipliers, stepsize: Any, *, memory: bool = True) -> Moments:
    """Return the moments that a constant step size tends to, if it is stable, as a run of length 0.

    They solve a linear system, exactly if all numbers are fractions; that they are approached is not checked here.

    Examples
    --------
    >>> from proofs_check.multipliers import sure
    >>> stationary(line(Fraction(0), 1), sure(1, 1), Fraction(1, 2)).distance_sq
    array([Fraction(1, 3)], dtype=object)
    """
    step = _Step(of, by, memory, averaging=False)
    size = step.size
    pairs = [(i, j) for i in range(size) for j in range(i, size)][1:]  # but the one of 1 with itself
    nothing = 0 * step.start()
    noise = step(nothing, stepsize, 0)

    def image(*ones: tuple[int, int]) -> Array:
        """Return what a step makes of the matrix with a 1 there, without the noise."""
        unit = nothing.copy()
        for i, j in ones:
            unit[i, j] = unit[j, i] = 1
        out = step(unit, stepsize, 0) - noise
        return np.array([out[pair] for pair in pairs])

    matrix = np.eye(len(pairs), dtype=int) - np.array([image(pair) for pair in pairs]).T
    Z = nothing.copy()
    Z[0, 0] = 1
    right = image((0, 0)) + np.array([noise[pair] for pair in pairs])
    for (i, j), value in zip(pairs, solve(matrix, right), strict=True):
        Z[i, j] = Z[j, i] = value
    return step.observed([Z], [])


def solve(matrix: Array, right: Array) -> Array:
    """Solve a linear system, by elimination if its numbers are fractions."""
    if matrix.dtype != object:
        return np.linalg.solve(matrix, right)
    rows = [[*row, value] for row, value in zip(matrix.tolist(), right.tolist(), strict=True)]
    for at in range(len(rows)):
        pivot = next(i for i in range(at, len(rows)) if rows[i][at] != 0)
        rows[at], rows[pivot] = rows[pivot], rows[at]
        rows[at] = [entry / Fraction(rows[at][at]) for entry in rows[at]]
        for i, row in enumerate(rows):
            if i != at and row[at] != 0:
                rows[i] = [entry - row[at] * lead for entry, lead in zip(row, rows[at], strict=True)]
    return np.array([row[-1] for row in rows])


class _Step:
    """E zz' after a step, for z = (1, u, e_1 … e_n, average), of which the last two may be absent."""

    def __init__(self, of: Model, by: Multipliers, memory: bool, averaging: bool) -> None:
        n, d = of.shape
        self.of, self.memory, self.averaging = of, memory, averaging
        self.dtype = np.result_type(of.hessians, of.residuals, of.noise, of.start, by.mean)
        # Divided by, an integer would turn fractions that are whole into floating-point numbers.
        self.n = Fraction(n) if self.dtype == object else n
        self.u, self.e = slice(1, 1 + d), slice(1 + d, 1 + d + n * d * memory)
        self.average = slice(self.e.stop, self.e.stop + d * averaging)
        self.size = self.average.stop
        self.mean_hessian = of.hessians.sum(axis=0) / self.n
        self.gradients = np.concatenate([of.residuals[:, :, None], of.hessians], axis=2)  # times (1, u)
        self.noise = np.zeros((n * d, n * d), dtype=self.dtype)
        same = np.zeros((n * d, n * d), dtype=bool)  # the same worker
        for i in range(n):
            own = slice(i * d, i * d + d)
            self.noise[own, own], same[own, own] = of.noise[i], True
        self.mean = np.tile(by.mean, n)
        self.second = np.tile(by.second, (n, n))
        if not by.common:
            self.second = np.where(same, self.second, np.outer(self.mean, self.mean))

    def start(self) -> Array:
        z = np.zeros(self.size, dtype=self.dtype)
        z[0] = 1
        z[self.u] = self.of.start
        return np.outer(z, z)

    def __call__(self, Z: Array, stepsize: Any, weight: Any) -> Array:
        u, e, average = self.u, self.e, self.average
        gradients = (stepsize * self.gradients).reshape(-1, u.stop)
        Zp = Z[:, : u.stop] @ gradients.T  # E z p', for the messages p
        pp = gradients @ Zp[: u.stop] + stepsize * stepsize * self.noise
        if self.memory:
            pp += Zp[e] + Zp[e].T + Z[e, e]
            Zp = Zp + Z[:, e]
        new = Z.copy()
        if self.averaging:
            new[average] += weight * new[u]
            new[:, average] += weight * new[:, u]
            Zp[average] += weight * Zp[u]
        pc, cc = pp * self.mean, pp * self.second  # E p c' and E c c', for c = C(p)
        Zc = Zp * self.mean
        new[:, u] -= self._mean(Zc)
        new[u] -= self._mean(Zc).T
        new[u, u] += self._mean(self._mean(cc).T)
        if self.memory:
            new[:, e] = Zp - Zc
            new[u, e] -= self._mean(pc - cc).T
            new[e, e] = pp - pc - pc.T + cc
            new[e] = new[:, e].T
        # The step may stretch what is not symmetric, which only rounding brings in.
        return new if self.dtype == object else (new + new.T) / 2

    def _mean(self, of_workers: Array) -> Array:
        """Return the mean over the workers of columns that are theirs."""
        rows = len(of_workers)
        return of_workers.reshape(rows, *self.of.shape).sum(axis=1) / self.n

    def gap(self, uu: Array) -> Any:
        return (self.mean_hessian * uu).sum() / 2

    def observed(self, seconds: Sequence[Array], at_average: Sequence[Any]) -> Moments:
        n = self.n

        def curve(values: Iterator[Any]) -> Array:
            return np.array(list(values))

        local = curve(sum((G @ Z[: self.u.stop, : self.u.stop] * G).sum() for G in self.gradients) / n for Z in seconds)
        H = self.mean_hessian
        return Moments(
            f_gap=curve(self.gap(Z[self.u, self.u]) for Z in seconds),
            grad_norm_sq=curve((H @ H * Z[self.u, self.u]).sum() for Z in seconds),
            distance_sq=curve(np.trace(Z[self.u, self.u]) for Z in seconds),
            local_grad_norm_sq=local,
            sample_norm_sq=local + np.trace(self.noise) / n,
            memory_norm_sq=curve(np.trace(Z[self.e, self.e]) / n for Z in seconds),
            f_gap_at_average=np.array(at_average),
            second=seconds[-1],
        )
