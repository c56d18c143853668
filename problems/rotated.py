"""A problem in another orthonormal basis."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from problems._wrapped import Wrapped
from toolkit import kernels
from toolkit.arrays import Array
from toolkit.errors import WrongUse

__all__ = ["Rotated"]


class Rotated(Wrapped):
    r"""A problem turned by an orthogonal matrix.

    .. math:: \tilde f_i(x) = f_i(Qx), \qquad \nabla \tilde f_i(x) = Q^\top \nabla f_i(Qx), \qquad
              \nabla^2 \tilde f(x) = Q^\top \nabla^2 f(Qx)\, Q

    Constants, eigenvalues and the radius are unchanged; start, saddles and minimisers are turned by Qᵀ.

    Parameters
    ----------
    problem : Problem
        The problem f.
    seed : int
        Of NumPy's generator that draws Q, uniform over the orthogonal matrices.
    basis : array, shape (d, d), optional
        Q itself; then `seed` has no effect.

    Raises
    ------
    WrongUse
        If `basis` is not orthogonal to rounding.

    Notes
    -----
    Methods that do not look at coordinates make the turned steps, up to rounding. That rounding counts: in the basis of
    its eigenvectors descent keeps to a saddle's stable subspace exactly, and in another one float64 leaves it after
    about 36/ln(1 + ηγ) steps. Compare every escape without declared noise with that time.

    Examples
    --------
    >>> from problems import StrictSaddle
    >>> plain = StrictSaddle([-1.0, 1.0])
    >>> problem = Rotated(plain, basis=[[0.0, 1.0], [1.0, 0.0]])
    >>> problem.minimisers, plain.minimisers
    (array([[0., 6.]]), array([[6., 0.]]))
    """

    def __init__(self, problem: Any, seed: int = 0, basis: Any = None) -> None:
        super().__init__(problem)
        self.seed, d = seed, self.dimension
        if basis is None:
            basis, triangle = np.linalg.qr(np.random.default_rng(seed).standard_normal((d, d)))
            basis *= np.sign(np.diag(triangle))
        self.basis = np.array(basis, dtype=float)
        if self.basis.shape != (d, d) or not np.allclose(self.basis @ self.basis.T, np.eye(d), rtol=0, atol=1e-12):
            raise WrongUse(
                "Rotated(basis=…)", "the basis is not orthogonal", f"give Q of shape ({d}, {d}) with QQ' = I"
            )
        self.basis.flags.writeable = False
        self._inverse = np.ascontiguousarray(self.basis.T)
        start = problem.start
        self.start = None if start is None else self.back(np.asarray(start, dtype=float))

    def into(self, x: Array) -> Array:
        """Return Qx, the point of the problem inside, for points of shape ``(…, d)``."""
        return kernels.matrix_product(x, self._inverse)

    def back(self, y: Array) -> Array:
        """Return Qᵀy, the point of this problem that is y inside."""
        return kernels.matrix_product(y, self.basis)

    def value(self, x: Array) -> Array:
        return self.problem.value(self.into(x))

    def gradient(self, x: Array) -> Array:
        return self.back(self.problem.gradient(self.into(x)))

    def stochastic_gradient(self, x: Array, draw: Any, batch: int) -> Array:
        return self.back(self.problem.stochastic_gradient(self.into(x), draw, batch))

    def hessian_product(self, x: Array, v: Array) -> Array:
        return self.back(self.problem.hessian_product(self.into(x), self.into(v)))

    def smallest_eigenvalue(self, x: Array) -> Array | None:
        return self.problem.smallest_eigenvalue(self.into(x))

    def gap(self, x: Array) -> Array | None:
        return self.problem.gap(self.into(x))

    def observe(self, x: Array) -> dict[str, Array]:
        return self.problem.observe(self.into(x))

    @property
    def x_star(self) -> Array | None:
        inside = getattr(self.problem, "x_star", None)
        return None if inside is None else self.back(inside)

    @cached_property
    def saddles(self) -> Array | None:  # type: ignore[override]
        return None if self.problem.saddles is None else self.back(self.problem.saddles)

    @cached_property
    def minimisers(self) -> Array | None:  # type: ignore[override]
        return None if self.problem.minimisers is None else self.back(self.problem.minimisers)

    def describe(self) -> dict[str, Any]:
        return {"problem": self.problem, "basis": self.basis}
