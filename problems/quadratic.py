"""Quadratics: every constant exact, the minimiser in closed form, noise and heterogeneity chosen."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from problems._base import Problem
from problems._threads import one_blas_thread
from toolkit import kernels
from toolkit.arrays import Array, contiguous
from toolkit.constants import ProblemConstants, exact
from toolkit.errors import WrongUse

__all__ = ["Quadratic"]


class Quadratic(Problem):
    r"""A quadratic per worker, with Gaussian gradient noise if declared.

    .. math:: f_i(x) = \tfrac12 x^\top A_i x - b_i^\top x, \qquad
              g_i = \nabla f_i(x) + \xi_i, \quad \xi_i \sim N\!\left(0, \tfrac{\sigma^2}{d\,B} I\right)

    for a batch of B, so that :math:`E\|\xi_i\|^2 = \sigma^2 / B`.

    Parameters
    ----------
    hessians : array, shape (worker, d, d) or (worker, d)
        The symmetric matrices A_i, or their diagonals.
    linear : array, shape (worker, d), optional
        The vectors b_i; zero by default.
    sigma_sq : float
        σ², the declared noise of one stochastic gradient; with 0 (the default) a sample is the exact gradient.
    start : array, shape (d,), optional
        A default starting point.

    Attributes
    ----------
    x_star : array, shape (d,), or None
        The minimiser of f (of smallest norm if there are several); None if f has none.
    f_star : float or None
        The minimum of f; None if f is unbounded below.

    Raises
    ------
    WrongUse
        If shapes do not fit, a matrix is not symmetric, a number is not finite, or σ² is negative.

    Examples
    --------
    >>> import numpy as np
    >>> problem = Quadratic(hessians=np.array([[1.0, 3.0], [3.0, 1.0]]), linear=np.array([[2.0, 4.0], [2.0, 4.0]]))
    >>> problem.x_star, problem.f_star, float(problem.constants.L)
    (array([1., 2.]), -5.0, 2.0)
    >>> problem.gradient(np.zeros((1, 1, 2))).shape
    (1, 2, 2)
    """

    def __init__(
        self, hessians: Array, linear: Array | None = None, sigma_sq: float = 0.0, start: Array | None = None
    ) -> None:
        self.hessians = _symmetric(_finite("hessians", hessians))
        self.workers, self.dimension = self.hessians.shape[:2]
        shape = (self.workers, self.dimension)
        self.linear = _fitting("linear", _finite("linear", np.zeros(shape) if linear is None else linear), shape)
        self.sigma_sq = float(sigma_sq)
        if not 0 <= self.sigma_sq < np.inf:
            raise WrongUse(f"Quadratic(sigma_sq={sigma_sq})", "a variance is finite and at least 0", "give σ² ≥ 0")
        self.start = None if start is None else _fitting("start", _finite("start", start), (self.dimension,))
        self.default_batch = 1 if self.sigma_sq > 0 else "full"
        self._has_linear = bool(self.linear.any())
        self._made_from: dict[str, Any] | None = None

    def value(self, x: Array) -> Array:
        half = _times(self.hessians, x)
        half *= 0.5
        if self._has_linear:
            half -= self.linear
        return kernels.dot(half, x)

    def gradient(self, x: Array) -> Array:
        gradient = _times(self.hessians, x)
        if self._has_linear:
            gradient -= self.linear
        return gradient

    def hessian_product(self, x: Array, v: Array) -> Array:
        return _times(self._mean_hessian, v) + 0 * x

    def smallest_eigenvalue(self, x: Array) -> Array:
        return np.full(len(x), self._smallest)

    def stochastic_gradient(self, x: Array, draw: Any, batch: int) -> Array:
        """Return the gradient plus Gaussian noise of variance σ²/(d·batch) in every coordinate."""
        if self.sigma_sq == 0:
            return self.gradient(x)
        noise, scale = draw.normal(self.dimension), float(np.sqrt(self.sigma_sq / (self.dimension * batch)))
        if self.hessians.ndim == 2:
            sample = kernels.multiply_add(self.hessians, x, noise, scale)
            if self._has_linear:
                sample -= self.linear
            return sample
        noise *= scale
        noise += self.gradient(x)
        return noise

    @cached_property
    @one_blas_thread
    def constants(self) -> ProblemConstants:
        """The constants, exact to rounding.

        ``mu`` is None unless f is strongly convex, ``zeta_sq`` unless all Hessians are equal (otherwise it is
        infinite), ``mu_pl`` and ``heterogeneity`` unless f has a minimiser.
        """
        per_worker, mean = _eigenvalues(self.hessians), _eigenvalues(self._mean_hessian)
        L_i = np.abs(per_worker).max(axis=-1)
        positive = mean[mean > _rounding(self.hessians)]
        x_star = self.x_star
        return ProblemConstants(
            L=exact(float(np.abs(mean).max()), "largest eigenvalue of the mean Hessian"),
            L_i=exact(L_i, "largest eigenvalue of A_i"),
            L_tilde=exact(float(np.sqrt(np.mean(L_i**2))), "root mean square of L_i"),
            mu=exact(float(mean.min()), "smallest eigenvalue of the mean Hessian")
            if positive.size == mean.size
            else None,
            mu_pl=exact(float(positive.min()), "smallest non-zero eigenvalue of the mean Hessian")
            if x_star is not None and positive.size
            else None,
            sigma_sq=exact(self.sigma_sq, "declared"),
            zeta_sq=exact(_mean_sq(self.linear - self.linear.mean(axis=0)), "mean of ‖b_i − b‖², equal Hessians")
            if (self.hessians == self.hessians[0]).all()
            else None,
            heterogeneity=exact(_mean_sq(self.gradient(x_star[None, None])[0]), "mean of ‖∇f_i(x*)‖²")
            if x_star is not None
            else None,
            rho=exact(0.0, "the Hessian is constant"),
            convex=bool((per_worker >= -_rounding(self.hessians)).all()),
        )

    @cached_property
    @one_blas_thread
    def x_star(self) -> Array | None:
        """The minimiser of f of smallest norm, shape ``(d,)``; None if f is unbounded below."""
        b = self.linear.mean(axis=0)
        mean = self._mean_hessian[0]
        if mean.ndim == 1:
            values, basis = mean, None
        else:
            values, basis = np.linalg.eigh(mean)
        zero = np.abs(values) <= _rounding(self.hessians)
        coordinates = b if basis is None else basis.T @ b
        if (values[~zero] < 0).any() or (np.abs(coordinates[zero]) > _rounding(self.linear)).any():
            return None
        if not zero.any() and basis is not None:
            return np.linalg.solve(mean, b)
        solution = np.where(zero, 0.0, coordinates / np.where(zero, 1.0, values))
        return solution if basis is None else basis @ solution

    @cached_property
    @one_blas_thread
    def f_star(self) -> float | None:  # type: ignore[override]
        """The minimum of f, −b'x*/2; None if f is unbounded below."""
        return None if self.x_star is None else float(0.0 - 0.5 * (self.linear.mean(axis=0) @ self.x_star))

    def gap(self, x: Array) -> Array | None:
        """Return f(x) − f* = (x − x*)'A(x − x*)/2, A the mean Hessian, shape ``(run,)``; None without a minimiser."""
        if self.x_star is None:
            return None
        offset = x - self.x_star
        return 0.5 * (offset * _times(self._mean_hessian, offset)).sum(axis=-1)[:, 0]

    def describe(self) -> dict[str, Any]:
        """Return the arguments it was generated with, or else its data."""
        if self._made_from is not None:
            return self._made_from | {"sigma_sq": self.sigma_sq}
        return {"hessians": self.hessians, "linear": self.linear, "sigma_sq": self.sigma_sq, "start": self.start}

    @cached_property
    def _mean_hessian(self) -> Array:
        return self.hessians.mean(axis=0, keepdims=True)

    @cached_property
    @one_blas_thread
    def _smallest(self) -> float:
        return float(_eigenvalues(self._mean_hessian).min())

    @classmethod
    @one_blas_thread
    def generate(
        cls,
        workers: int,
        dimension: int,
        *,
        spectrum: Any = (0.1, 1.0),
        spread: float = 0.0,
        heterogeneity: float = 0.0,
        sigma_sq: float = 0.0,
        rotated: bool = True,
        seed: int = 0,
    ) -> Quadratic:
        r"""Return a random quadratic with a chosen spectrum, heterogeneity and noise, started at 0.

        .. math:: A_i = s_i\,H, \quad s_i = 1 + \text{spread} \cdot c_i, \qquad b_i = A_i x^\star + r_i,

        with c_i equally spaced in [−1, 1], x* standard normal, and r_i normal, centred over the workers and scaled to
        :math:`\tfrac1n\sum_i \|r_i\|^2 = D`. So the mean Hessian is H, the minimiser is x*, and D is `heterogeneity`.

        Parameters
        ----------
        workers, dimension : int
            Their numbers n and d.
        spectrum : pair (mu, L), or array of shape (d,)
            The eigenvalues of H: equally spaced from μ to L, or all of them.
        spread : float
            How far the workers' Hessians differ; with 0 they are equal, and then ζ² = D at every point. At most 1, so
            that every f_i is convex if H is.
        heterogeneity : float
            D = (1/n) Σ ‖∇f_i(x*)‖².
        sigma_sq : float
            σ², as in the class.
        rotated : bool
            Whether H has random eigenvectors; otherwise it is diagonal and stored so.
        seed : int
            Seed of NumPy's default generator.

        Raises
        ------
        WrongUse
            If a size is below 1, the spectrum does not fit, or one worker is to be heterogeneous.

        Examples
        --------
        >>> problem = Quadratic.generate(4, 10, spectrum=(0.5, 1.0), heterogeneity=3.0, rotated=False)
        >>> round(float(problem.constants.heterogeneity), 12), float(problem.constants.L)
        (3.0, 1.0)
        """
        asked = f"Quadratic.generate({workers}, {dimension}, …)"
        if workers < 1 or dimension < 1:
            raise WrongUse(asked, "there must be at least one worker and one coordinate", "give sizes of 1 or more")
        eigenvalues = _finite("spectrum", spectrum)
        if isinstance(spectrum, tuple) and eigenvalues.shape == (2,):
            if dimension == 1 and spectrum[0] != spectrum[1]:
                raise WrongUse(asked, "one coordinate has one eigenvalue, not two", "give spectrum=(L, L)")
            eigenvalues = np.linspace(eigenvalues[0], eigenvalues[1], dimension)
        _fitting("spectrum", eigenvalues, (dimension,))
        if not 0 <= spread <= 1:
            raise WrongUse(asked, f"spread={spread} would make some f_i concave", "give a spread in [0, 1]")
        if not 0 <= heterogeneity < np.inf:
            raise WrongUse(asked, f"heterogeneity={heterogeneity} is no mean of squares", "give a number of at least 0")
        if workers == 1 and (heterogeneity or spread):
            raise WrongUse(asked, "one worker cannot differ from the mean", "give two workers or more")
        rng = np.random.default_rng(seed)
        x_star = rng.standard_normal(dimension)
        r = rng.standard_normal((workers, dimension))
        if rotated:
            basis, triangle = np.linalg.qr(rng.standard_normal((dimension, dimension)))
            basis *= np.sign(np.diag(triangle))  # uniform over the orthogonal group
            mean = (basis * eigenvalues) @ basis.T
            mean = (mean + mean.T) / 2
        else:
            mean = eigenvalues
        scales = 1 + spread * np.linspace(-1, 1, workers) if workers > 1 else np.ones(1)
        r -= r.mean(axis=0)
        r *= np.sqrt(heterogeneity / _mean_sq(r)) if heterogeneity else 0.0
        hx = mean @ x_star if rotated else mean * x_star
        problem = cls(
            scales.reshape(-1, *(1,) * mean.ndim) * mean, scales[:, None] * hx + r, sigma_sq, np.zeros(dimension)
        )
        problem._made_from = {
            "generate": cls.__name__,
            "workers": workers,
            "dimension": dimension,
            "spectrum": spectrum if isinstance(spectrum, tuple) else eigenvalues,
            "spread": spread,
            "heterogeneity": heterogeneity,
            "sigma_sq": sigma_sq,
            "rotated": rotated,
            "seed": seed,
        }
        return problem


def _times(hessians: Array, x: Array) -> Array:
    """Return A_i x_i, shape ``(run, worker, d)``, by one product per row: a row's bits do not depend on its batch."""
    if hessians.ndim == 2:
        return hessians * x
    return np.matmul(hessians, contiguous(x)[..., None])[..., 0]


def _eigenvalues(hessians: Array) -> Array:
    """Return the eigenvalues of every A_i, shape ``(worker, d)``."""
    return hessians if hessians.ndim == 2 else np.linalg.eigvalsh(hessians)


def _rounding(values: Array) -> float:
    """Return the size below which an eigenvalue or a mean computed from `values` counts as zero."""
    return float(values.shape[-1] * np.finfo(float).eps * np.abs(values).max(initial=0.0))


def _mean_sq(vectors: Array) -> float:
    """Return (1/n) Σ ‖v_i‖² over the rows."""
    return float(np.mean(np.sum(vectors**2, axis=-1)))


def _finite(name: str, numbers: Any) -> Array:
    try:
        array = np.array(numbers, dtype=float, order="C")
    except (TypeError, ValueError) as error:
        wrong = f"{name} is not one array of numbers"
        raise WrongUse(f"Quadratic({name}=…)", wrong, "give rows of equal length") from error
    if not np.isfinite(array).all():
        raise WrongUse(f"Quadratic({name}=…)", f"{name} holds a number that is not finite", "give finite numbers")
    array.flags.writeable = False
    return array


def _fitting(name: str, array: Array, shape: tuple[int, ...]) -> Array:
    if array.shape != shape:
        raise WrongUse(f"Quadratic({name}=…)", f"{name} has shape {array.shape}", f"give shape {shape}")
    return array


def _symmetric(hessians: Array) -> Array:
    if hessians.ndim not in (2, 3) or 0 in hessians.shape or (hessians.ndim == 3 and len(set(hessians.shape[1:])) > 1):
        raise WrongUse(
            "Quadratic(hessians=…)",
            f"hessians has shape {hessians.shape}",
            "give shape (worker, d, d), or (worker, d) for diagonal ones",
        )
    if hessians.ndim == 2:
        return hessians
    transposed = hessians.swapaxes(1, 2)
    if np.abs(hessians - transposed).max() > _rounding(hessians):
        raise WrongUse("Quadratic(hessians=…)", "a matrix is not symmetric", "give (A + A')/2, the same quadratic")
    symmetric = np.ascontiguousarray((hessians + transposed) / 2)
    symmetric.flags.writeable = False
    return symmetric
