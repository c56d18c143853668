"""A quadratic saddle, confined by a quartic: the simplest place to escape from."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from problems._base import Problem
from problems.saddles._constants import of_one_worker
from problems.saddles._subsets import subsets
from toolkit import kernels
from toolkit.arrays import Array
from toolkit.constants import ProblemConstants, exact
from toolkit.errors import WrongUse

__all__ = ["StrictSaddle"]


class StrictSaddle(Problem):
    r"""A quadratic with negative eigenvalues, whose negative directions end in a quartic.

    .. math:: f(x) = \sum_{\lambda_j > 0} \tfrac12 \lambda_j x_j^2 + \sum_{\lambda_j < 0} h_j(x_j), \qquad
              h_j''(u) = \min\!\left(-\gamma_j + \kappa_j u^2,\ t_j\right), \quad h_j(0) = h_j'(0) = 0,

    with :math:`\gamma_j = -\lambda_j`. So near the saddle 0 the negative part is
    :math:`-\tfrac{\gamma}{2} u^2 + \tfrac{\kappa}{12} u^4`, and from :math:`R = 2(\gamma + t)/\rho` on, where its
    curvature has grown to t, a quadratic: :math:`\kappa = \rho^2 / (4(\gamma + t))` makes the Hessian ρ-Lipschitz
    everywhere, and the minimisers are at :math:`u = \pm\tfrac{4(\gamma + t)^2}{3\rho t}`.

    Parameters
    ----------
    eigenvalues : array, shape (d,)
        The λ_j, none of them 0 and at least one negative.
    rho : float
        ρ, positive.
    top : float, optional
        The largest curvature of a negative direction, t_j = min(top, 2γ_j); by default t_j = 2γ_j, where the quartic
        ends just at the minimiser, 6γ/ρ. With ``top`` at most γ, the constant L is that of the quadratic: the choice
        for statements that ask for λ_min = −L.

    Attributes
    ----------
    wells : array, shape (d,)
        The distance of the minimisers from 0 in each coordinate; 0 where λ_j > 0.

    Raises
    ------
    WrongUse
        If an eigenvalue is 0 or not finite, none is negative, or ρ or ``top`` is not positive.

    Notes
    -----
    Near 0, gradient descent from the stable subspace stays there: exactly in this basis, up to rounding in a rotated
    one (`Rotated`), where float64 leaves after about 36/ln(1 + ηγ) steps. Saddles are the points that have 0 in some
    and ± the wells in the other negative directions, minimisers those without a 0; both are listed up to signs.
    The minimum is :math:`-9\sum \gamma_j^3/\rho^2` for t = 2γ. Source: sheet saddle_escape, A4 (its quartic has no L
    and no ρ; that it ends in a quadratic is ours).

    Examples
    --------
    >>> problem = StrictSaddle([-1.0, 0.5], rho=3.0)
    >>> problem.minimisers, problem.f_star, float(problem.constants.L)
    (array([[2., 0.]]), -1.0, 2.0)
    >>> problem.gradient(np.array([[[2.0, 0.0]]]))
    array([[[0., 0.]]])
    """

    workers = 1

    def __init__(self, eigenvalues: Any, rho: float = 1.0, top: float | None = None) -> None:
        self.eigenvalues = np.array(eigenvalues, dtype=float)
        self.eigenvalues.flags.writeable = False
        self.rho, self.top = float(rho), None if top is None else float(top)
        asked = f"StrictSaddle({eigenvalues!r}, rho={rho!r}, top={top!r})"
        if self.eigenvalues.ndim != 1 or not np.isfinite(self.eigenvalues).all() or (self.eigenvalues == 0).any():
            raise WrongUse(asked, "eigenvalues are finite numbers other than 0", "give an array of shape (d,)")
        if not (self.eigenvalues < 0).any():
            raise WrongUse(asked, "no eigenvalue is negative, so 0 is no saddle", "make one of them negative")
        if not (0 < self.rho < np.inf and (self.top is None or 0 < self.top < np.inf)):
            raise WrongUse(asked, "rho and top are positive", "give positive numbers")
        self.dimension = self.eigenvalues.size
        self.start = np.zeros(self.dimension)

    @cached_property
    def _negative(self) -> Any:
        """Where the eigenvalues are negative: a slice if they lie side by side, which is several times faster."""
        where = np.flatnonzero(self.eigenvalues < 0)
        beside = where[-1] - where[0] == len(where) - 1
        return slice(int(where[0]), int(where[-1]) + 1) if beside else where

    @cached_property
    def _gamma(self) -> Array:
        return -self.eigenvalues[self._negative]

    @cached_property
    def _most(self) -> Array:
        """t_j, the curvature in which each negative direction ends."""
        return 2 * self._gamma if self.top is None else np.minimum(self.top, 2 * self._gamma)

    @cached_property
    def _rise(self) -> Array:
        """γ_j + t_j, by which the quartic raises the curvature."""
        return self._gamma + self._most

    @cached_property
    def _end(self) -> Array:
        """R_j, where the quartic ends."""
        return 2 * self._rise / self.rho

    @cached_property
    def _kappa(self) -> Array:
        return self.rho**2 / (4 * self._rise)

    @cached_property
    def wells(self) -> Array:
        wells = np.zeros(self.dimension)
        wells[self._negative] = 4 * self._rise**2 / (3 * self.rho * self._most)
        return wells

    @cached_property
    def f_star(self) -> float:  # type: ignore[override]
        """The sum of the minima of the h_j."""
        return float((self._end**2 * ((self._most - 5 * self._gamma) / 12 - self._depth)).sum())

    @cached_property
    def _depth(self) -> Array:
        """(t − 2γ)²/(18t): R² times it is what h_j falls beyond R."""
        return (self._most - 2 * self._gamma) ** 2 / (18 * self._most)

    def _split(self, x: Array) -> tuple[Array, Array]:
        """Return the negative coordinates as what lies in the quartic and what lies beyond its end."""
        u = x[..., self._negative]
        within = np.minimum(np.maximum(u, -self._end), self._end)  # np.clip takes longer
        return within, u - within

    def value(self, x: Array) -> Array:
        within, beyond = self._split(x)
        cube = within * within * within  # a power of NumPy's takes ten times as long
        confined = self._kappa * (cube * (within / 12 + beyond / 3) + (self._end * beyond) ** 2 / 2)
        return kernels.dot(0.5 * self.eigenvalues * x, x) + confined.sum(axis=-1)

    def gradient(self, x: Array) -> Array:
        gradient = self.eigenvalues * x
        within, beyond = self._split(x)
        # κR² is γ + t.
        gradient[..., self._negative] += self._kappa / 3 * within * within * within + self._rise * beyond
        return gradient

    def hessian_product(self, x: Array, v: Array) -> Array:
        return self._curvatures(x) * v

    def smallest_eigenvalue(self, x: Array) -> Array:
        return self._curvatures(x).min(axis=-1)[:, 0]

    def _curvatures(self, x: Array) -> Array:
        """Return the diagonal of the Hessian."""
        curvatures = np.broadcast_to(self.eigenvalues, x.shape).copy()
        curvatures[..., self._negative] += self._kappa * np.minimum(abs(x[..., self._negative]), self._end) ** 2
        return curvatures

    def gap(self, x: Array) -> Array:
        """Return f(x) − f*, shape ``(run,)``: a sum of what each coordinate is above its minimum."""
        u = abs(x[..., self._negative])
        short = np.maximum(self._end - u, 0.0)
        wells = 0.5 * self._most * (u - self.wells[self._negative]) ** 2
        wells += self._kappa * (short * short * short) * (short / 12 - self._end / 3)
        bowls = 0.5 * np.maximum(self.eigenvalues, 0.0) * x**2
        return (bowls.sum(axis=-1) + wells.sum(axis=-1))[:, 0]

    @cached_property
    def constants(self) -> ProblemConstants:
        """L and ρ, on the whole space."""
        L = float(max(abs(self.eigenvalues).max(), self._most.max()))
        source = "the largest of |λ_j| and of the curvatures in which the wells end"
        rho = exact(self.rho, "declared; the slope of h_j'' where the quartic ends")
        return of_one_worker(exact(L, source), rho)

    @cached_property
    def saddles(self) -> Array:  # type: ignore[override]
        """The saddles with no negative coordinate, shape ``(2^m − 1, d)`` for m negative eigenvalues; 0 is first."""
        m = len(self._gamma)
        return self._in_wells(subsets(m, range(m), "the saddles of StrictSaddle"))

    @cached_property
    def saddle_eigenvalues(self) -> Array:  # type: ignore[override]
        return self.smallest_eigenvalue(self.saddles[:, None])

    @cached_property
    def minimisers(self) -> Array:  # type: ignore[override]
        """The minimiser with no negative coordinate, shape ``(1, d)``."""
        return self.wells[None].copy()

    def _in_wells(self, chosen: Array) -> Array:
        points = np.zeros((len(chosen), self.dimension))
        points[:, self._negative] = np.where(chosen, self.wells[self._negative], 0.0)
        return points

    def describe(self) -> dict[str, Any]:
        return {"eigenvalues": self.eigenvalues, "rho": self.rho, "top": self.top}
