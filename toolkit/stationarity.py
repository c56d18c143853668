r"""Second-order stationarity as a measurement.

A point x is an ε-second-order stationary point of f, whose Hessian is ρ-Lipschitz, if

.. math:: \|\nabla f(x)\| \le \varepsilon \qquad\text{and}\qquad
          \lambda_{\min}(\nabla^2 f(x)) \ge -\sqrt{\rho\varepsilon} .

The functions here take any object with `gradient` and `hessian_product` (see `problems.Problem`).
"""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple

import numpy as np

from toolkit.arrays import Array
from toolkit.errors import WrongUse

__all__ = [
    "SecondOrder",
    "UntilEscaped",
    "UntilSecondOrder",
    "WatchedCurvature",
    "escape_directions",
    "hessian",
    "second_order",
    "smallest_eigenvalue",
]

DENSE = 128  # up to this dimension all eigenvalues are computed from the whole Hessian
AT_ONCE = 2**22  # numbers of the Hessians that are held at a time
TOLERANCE = 1e-9  # of a Lanczos eigenvalue, relative to its magnitude
METHODS = ("auto", "closed form", "dense", "lanczos")


class SecondOrder(NamedTuple):
    """What the test found at some points, arrays of shape ``(run,)``."""

    grad_norm: Array
    curvature: Array  # the smallest eigenvalue of the Hessian
    holds: Array  # whether the point is an ε-second-order stationary point


def hessian(problem: Any, x: Array) -> Array:
    """Return ∇²f(x), shape ``(run, d, d)``, of points of shape ``(run, 1, d)``, by d products per point.

    Examples
    --------
    >>> from problems import StrictSaddle
    >>> hessian(StrictSaddle([-1.0, 2.0]), np.zeros((1, 1, 2)))[0] @ [1.0, 1.0]
    array([-1.,  2.])
    """
    runs, _, d = x.shape
    points = np.repeat(x, d, axis=0)
    directions = np.tile(np.eye(d), (runs, 1))[:, None, :]
    return np.asarray(problem.hessian_product(points, directions)).reshape(runs, d, d)


def smallest_eigenvalue(problem: Any, x: Array, method: str = "auto") -> Array:
    """Return the smallest eigenvalue of the Hessian at each of some points.

    Parameters
    ----------
    problem : Problem
        Any object with ``hessian_product(x, v)``, and perhaps ``smallest_eigenvalue(x)``, its closed form.
    x : array, shape (run, 1, d)
        The points.
    method : {'auto', 'closed form', 'dense', 'lanczos'}
        By default the closed form; where the problem has none, all eigenvalues up to d = 128 and Lanczos beyond.

    Returns
    -------
    array, shape (run,)
        With Lanczos (ARPACK, from a fixed vector) a value from above, with a residual of about 10⁻⁹ relative.

    Raises
    ------
    WrongUse
        If the method is not one of these, the problem has no closed form or no Hessian, or Lanczos does not converge.

    Examples
    --------
    >>> from problems import StrictSaddle
    >>> problem = StrictSaddle([-0.5] + [1.0] * 199)
    >>> [smallest_eigenvalue(problem, np.zeros((1, 1, 200)), how).round(9) for how in ("closed form", "lanczos")]
    [array([-0.5]), array([-0.5])]
    """
    asked = f"smallest_eigenvalue({type(problem).__name__}, …, method={method!r})"
    if method not in METHODS:
        raise WrongUse(asked, "there is no such method", f"choose {', '.join(METHODS)}")
    closed = getattr(problem, "smallest_eigenvalue", None)
    if method in ("auto", "closed form") and closed is not None:
        found = closed(x)
        if found is not None:
            return np.asarray(found)
    if method == "closed form":
        raise WrongUse(asked, "the problem has no closed form of it", "ask for method='dense' or 'lanczos'")
    if not hasattr(problem, "hessian_product"):
        raise WrongUse(asked, "the problem has no Hessian", "define hessian_product(x, v)")
    d = x.shape[-1]
    if method == "dense" or (method == "auto" and d <= DENSE):
        return np.concatenate([np.linalg.eigvalsh(hessian(problem, part))[:, 0] for part in _parts(x)])
    return np.array([_lanczos(problem, point[None], asked) for point in x])


def escape_directions(problem: Any, point: Array) -> Array:
    """Return orthonormal directions, shape ``(m, d)``, that span the negative eigenvectors at `point`, shape ``(d,)``.

    The first has the smallest eigenvalue. Eigenvalues within rounding of zero count as zero.

    Examples
    --------
    >>> from problems import StrictSaddle
    >>> abs(escape_directions(StrictSaddle([1.0, -0.5, 2.0]), np.zeros(3)))
    array([[0., 1., 0.]])
    """
    values, vectors = np.linalg.eigh(hessian(problem, np.asarray(point, dtype=float)[None, None])[0])
    return vectors.T[values < -len(values) * np.finfo(float).eps * abs(values).max()]


def second_order(problem: Any, x: Array, epsilon: float, rho: float | None = None, method: str = "auto") -> SecondOrder:
    """Test points for ε-second-order stationarity.

    Parameters
    ----------
    problem : Problem
        Any object with ``gradient(x)`` and ``hessian_product(x, v)``.
    x : array, shape (run, 1, d)
        The points, such as a method's output or a kept ``x``.
    epsilon : float
        ε, positive.
    rho : float, optional
        ρ; by default that of the problem's constants.
    method : str
        How the smallest eigenvalue is found; see `smallest_eigenvalue`.

    Raises
    ------
    WrongUse
        If ε is not positive or ρ is not known.

    Examples
    --------
    >>> from problems import StrictSaddle
    >>> problem = StrictSaddle([-1.0, 1.0])
    >>> points = np.stack([problem.saddles[0], problem.minimisers[0]])[:, None]
    >>> second_order(problem, points, epsilon=0.1).holds
    array([False,  True])
    """
    bound = threshold(problem, epsilon, rho)
    gradient = np.mean(np.asarray(problem.gradient(x)), axis=1)
    grad_norm = np.sqrt((gradient**2).sum(axis=-1))
    curvature = smallest_eigenvalue(problem, x, method)
    return SecondOrder(grad_norm, curvature, (grad_norm <= epsilon) & (curvature >= bound))


def threshold(problem: Any, epsilon: float, rho: float | None = None) -> float:
    """Return −√(ρε), with the problem's own ρ unless one is given."""
    asked = f"second-order stationarity of {type(problem).__name__} with epsilon={epsilon!r}"
    if not 0 < epsilon < np.inf:
        raise WrongUse(asked, "ε is a positive number", "give epsilon > 0")
    if rho is None:
        known = getattr(getattr(problem, "constants", None), "rho", None)
        if known is None:
            raise WrongUse(asked, "the Lipschitz constant ρ of its Hessian is not known", "give rho=…")
        rho = float(known)
    return -float(np.sqrt(rho * epsilon))


@dataclasses.dataclass(frozen=True, eq=False)
class UntilEscaped:
    r"""A stop predicate: a run ends where its component along escape directions is long, and ``last_step`` is when.

    .. math:: \sum_i \langle v_i, x - c\rangle^2 \ge R^2

    Parameters
    ----------
    directions : array, shape (m, d)
        The v_i, orthonormal, such as ``escape_directions(problem, saddle)``.
    distance : float
        R.
    saddle : array, shape (d,), optional
        c; by default 0.

    Examples
    --------
    >>> from problems import StrictSaddle
    >>> from toolkit import simulate
    >>> from toolkit.algorithms import SGD
    >>> until = UntilEscaped(np.array([[1.0, 0.0]]), distance=0.1)
    >>> problem = StrictSaddle([-1.0, 1.0], rho=0.01)
    >>> int(simulate(problem, SGD(), stepsize=1.0, steps=50, x0=[1e-6, 1.0], stop=until).last_step[0])
    17
    """

    directions: Any
    distance: float
    saddle: Any = None

    def __call__(self, x: Array) -> Array:
        away = x[:, 0] if self.saddle is None else x[:, 0] - self.saddle
        along = [(away * direction).sum(axis=-1) for direction in self.directions]
        return sum(part**2 for part in along) >= self.distance**2


@dataclasses.dataclass(frozen=True, eq=False)
class UntilSecondOrder:
    """A stop predicate: a run ends at the first ε-second-order stationary point, so ``last_step`` is the time to it.

    The gradient is asked first: curvature is computed only where the gradient is small.

    Parameters
    ----------
    problem, epsilon, rho
        As in `second_order`.

    Examples
    --------
    >>> from problems import StrictSaddle
    >>> from toolkit import simulate
    >>> from toolkit.algorithms import SGD
    >>> problem = StrictSaddle([-1.0, 1.0])
    >>> until = UntilSecondOrder(problem, epsilon=0.01)
    >>> result = simulate(problem, SGD(), stepsize=0.25, steps=200, x0=[1e-6, 1.0], stop=until)
    >>> str(result.status.values[0]), int(result.last_step[0])
    ('stopped', 80)
    """

    problem: Any
    epsilon: float
    rho: float | None = None

    def __call__(self, x: Array) -> Array:
        bound = threshold(self.problem, self.epsilon, self.rho)
        gradient = np.mean(np.asarray(self.problem.gradient(x)), axis=1)
        holds = (gradient**2).sum(axis=-1) <= self.epsilon**2
        if holds.any():
            holds[holds] = smallest_eigenvalue(self.problem, x[holds]) >= bound
        return holds


@dataclasses.dataclass(frozen=True, eq=False)
class WatchedCurvature:
    """A problem that also records ``curvature`` and ``second_order`` (1 or 0) at the recorded steps; else the same.

    The mean of ``second_order`` over the recorded steps is the fraction of them that are second-order stationary.

    Parameters
    ----------
    problem, epsilon, rho
        As in `second_order`.

    Examples
    --------
    >>> from problems import StrictSaddle
    >>> from toolkit import simulate
    >>> from toolkit.algorithms import SGD
    >>> problem = WatchedCurvature(StrictSaddle([-1.0, 1.0]), epsilon=0.01)
    >>> result = simulate(problem, SGD(), stepsize=0.25, steps=200, x0=[1e-6, 1.0], record=[0, 100, 200])
    >>> result.second_order.values[0], result.curvature.values[0].round(6)
    (array([0., 1., 1.]), array([-1.,  1.,  1.]))
    """

    problem: Any
    epsilon: float
    rho: float | None = None

    def __getattr__(self, name: str) -> Any:
        if name == "problem" or name.startswith("__"):  # asked of an object not yet filled, as when it is copied
            raise AttributeError(name)
        return getattr(self.problem, name)

    def observe(self, x: Array) -> dict[str, Array]:
        """Return the problem's own curves and the two of the test."""
        own = self.problem.observe(x) if hasattr(self.problem, "observe") else {}
        found = second_order(self.problem, x, self.epsilon, self.rho)
        return own | {"curvature": found.curvature, "second_order": found.holds.astype(float)}


def _parts(x: Array) -> list[Array]:
    """Return the points in groups whose Hessians fit in memory."""
    count = max(1, AT_ONCE // x.shape[-1] ** 2)
    return [x[first : first + count] for first in range(0, len(x), count)]


def _lanczos(problem: Any, point: Array, asked: str) -> float:
    from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, eigsh

    d = point.shape[-1]
    operator = LinearOperator(
        (d, d), matvec=lambda v: np.asarray(problem.hessian_product(point, v.reshape(1, 1, d)))[0, 0], dtype=float
    )
    start = np.random.default_rng(0).standard_normal(d)
    try:
        found = eigsh(operator, k=1, which="SA", v0=start, tol=TOLERANCE, return_eigenvectors=False)
    except ArpackNoConvergence as error:
        raise WrongUse(asked, "Lanczos did not converge", "ask for method='dense'") from error
    return float(found[0])
