"""The best rank-one matrix: a chain of strict saddles, one at each eigenvector."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from problems._base import Problem
from problems.saddles._constants import of_one_worker
from toolkit import kernels
from toolkit.arrays import Array
from toolkit.constants import ProblemConstants, exact
from toolkit.errors import WrongUse

__all__ = ["SaddleChain"]


class SaddleChain(Problem):
    r"""Approximation of a diagonal matrix by a matrix of rank one.

    .. math:: f(x) = \tfrac14\|x x^\top - M\|_F^2, \qquad M = \mathrm{diag}(\lambda_1 > \dots > \lambda_d > 0)

    Besides 0, the critical points are :math:`\pm\sqrt{\lambda_i}\,e_i`, with the Hessian's eigenvalues
    :math:`\lambda_i - \lambda_j` and :math:`2\lambda_i`: minimisers for i = 1, saddles for all others, and from the
    saddle at e_i ways lead down to those at e_{i−1}, …, e_1.

    Parameters
    ----------
    eigenvalues : array, shape (d,)
        The λ_i, positive and decreasing, at least two.
    decay : float
        The default start is :math:`\sqrt{\lambda_d}\,(q^{m_1}, \dots, q^{m_d})`, q = `decay` in (0, 1), with
        :math:`m_i` so chosen that descent passes every saddle, each after a time of ln(1/q) in units of its own gap
        (see `passages`).
    radius : float, optional
        The ball on which L and ρ hold; by default :math:`2\sqrt{\lambda_1}`. With γ ≤ 1/L descent does not leave it.

    Raises
    ------
    WrongUse
        If the eigenvalues are not positive and decreasing, or `decay` or `radius` is out of its range.

    Notes
    -----
    Gradient descent multiplies :math:`x_j` by :math:`1 - \eta\|x\|^2 + \eta\lambda_j`, and the gradient flow is
    :math:`x(t) \propto e^{Mt} x(0)`: which coordinate is the largest is read off the upper envelope of the lines
    :math:`\ln|x_j(0)| + \lambda_j t`. Source: the function is PCA's, its Hessian classical; the chain's law is derived
    here.

    Examples
    --------
    >>> problem = SaddleChain([3.0, 2.0, 1.0], decay=1e-4)
    >>> problem.saddle_eigenvalues, problem.f_star
    (array([-3., -1., -2.]), 1.25)
    >>> problem.passages(problem.start).round(3)
    array([ 9.21 , 18.421])
    """

    workers = 1
    radius: float

    def __init__(self, eigenvalues: Any, decay: float = 1e-3, radius: float | None = None) -> None:
        self.eigenvalues = np.array(eigenvalues, dtype=float)
        self.eigenvalues.flags.writeable = False
        asked = f"SaddleChain({eigenvalues!r}, decay={decay!r}, radius={radius!r})"
        values = self.eigenvalues
        if values.ndim != 1 or values.size < 2 or not (values > 0).all() or not (np.diff(values) < 0).all():
            raise WrongUse(asked, "eigenvalues are positive and decreasing", "give two or more such numbers")
        if not np.isfinite(values).all() or not 0 < decay < 1 or (radius is not None and not 0 < radius < np.inf):
            raise WrongUse(asked, "a number is out of its range", "give 0 < decay < 1 and a positive radius")
        self.dimension, self.decay = values.size, float(decay)
        self.radius = 2 * float(np.sqrt(values[0])) if radius is None else float(radius)
        self.f_star = float((values[1:] ** 2).sum() / 4)

    @cached_property
    def start(self) -> Array:  # type: ignore[override]
        """A point near the last saddle from which descent passes all the others, each after the same log-ratio."""
        gaps = -np.diff(self.eigenvalues)
        times = np.cumsum((1 / gaps)[::-1])[::-1]  # from the last saddle on, in units of ln(1/q)
        exponents = np.append(np.cumsum((gaps * times)[::-1])[::-1], 0.0)
        start = np.sqrt(self.eigenvalues[-1]) * self.decay**exponents
        if (start < np.finfo(float).tiny).any():
            wrong = "its smallest coordinate is below the smallest number of float64"
            raise WrongUse(f"the default start of SaddleChain with decay={self.decay}", wrong, "give a larger decay")
        return start

    def passages(self, start: Array) -> Array:
        """Return the times at which the gradient flow changes the largest coordinate, shape ``(d − 1,)``, last first.

        At the k-th the flow passes from the saddle at e_{d−k+1} to that at e_{d−k}, if the times increase.
        """
        logs = np.log(abs(np.asarray(start, dtype=float)))
        return (np.diff(logs) / -np.diff(self.eigenvalues))[::-1]

    def value(self, x: Array) -> Array:
        return self._above(x) + self.f_star

    def gap(self, x: Array) -> Array:
        """Return f(x) − f*, shape ``(run,)``: a sum of squares."""
        return self._above(x)[:, 0]

    def _above(self, x: Array) -> Array:
        to_first = self.eigenvalues[0] - self.eigenvalues
        return (kernels.sum_sq(x) - self.eigenvalues[0]) ** 2 / 4 + kernels.dot(to_first * x, x) / 2

    def gradient(self, x: Array) -> Array:
        return (kernels.sum_sq(x)[..., None] - self.eigenvalues) * x

    def hessian_product(self, x: Array, v: Array) -> Array:
        inner = (x * v).sum(axis=-1, keepdims=True)
        return (kernels.sum_sq(x)[..., None] - self.eigenvalues) * v + 2 * inner * x

    @cached_property
    def constants(self) -> ProblemConstants:
        """L and ρ on the ball ‖x‖ ≤ `radius`."""
        first, last, radius = self.eigenvalues[0], self.eigenvalues[-1], self.radius
        L = float(max(3 * radius**2 - last, first))
        where = "on the ball, at the end of e_d or at 0"
        rho = exact(6 * radius, "the third derivative 6⟨x, u⟩ along a unit u, at the end of the ball")
        return of_one_worker(exact(L, where), rho)

    @cached_property
    def saddles(self) -> Array:  # type: ignore[override]
        """0, a maximum, and √λ_i e_i for i = 2, …, d, shape ``(d, d)``."""
        return np.vstack([np.zeros(self.dimension), np.diag(np.sqrt(self.eigenvalues))[1:]])

    @cached_property
    def saddle_eigenvalues(self) -> Array:  # type: ignore[override]
        """−λ_1 at 0 and λ_i − λ_1 at √λ_i e_i."""
        return np.append(0.0, self.eigenvalues[1:]) - self.eigenvalues[0]

    @cached_property
    def minimisers(self) -> Array:  # type: ignore[override]
        return np.diag(np.sqrt(self.eigenvalues))[:1]

    def describe(self) -> dict[str, Any]:
        return {"eigenvalues": self.eigenvalues, "decay": self.decay, "radius": self.radius}
