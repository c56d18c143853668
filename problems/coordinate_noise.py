"""A separable function with its own smoothness and its own noise in every coordinate."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from scipy.special import ndtr

from problems._base import Problem
from problems._input import whole
from toolkit import kernels
from toolkit.arrays import Array
from toolkit.constants import ProblemConstants, exact
from toolkit.errors import WrongUse, nearest

__all__ = ["CoordinateNoise"]

ROOT_3 = float(np.sqrt(3))
MARGIN = 1e-6  # a wrong sign of the skewed law has this times the size of the gradient
SMALLEST = 0.01  # S below which the skewed law stays as it is, so that its rare values are not too rare to be drawn


class CoordinateNoise(Problem):
    r"""The same separable function for every worker, with independent noise of standard deviation σ_j in coordinate j.

    .. math:: f(x) = \sum_j h_j(x_j), \qquad h_j(t) = \begin{cases} \tfrac12 L_j t^2, & L_j |t| \le G_j, \\
              G_j |t| - G_j^2/(2L_j), & L_j |t| > G_j, \end{cases} \qquad g_{ij} = h_j'(x_j) + \sigma_j \xi_{ij},

    with E ξ = 0 and E ξ² = 1. A batch of B is the mean of B such samples.

    Parameters
    ----------
    smoothness : array, shape (d,)
        The coordinate-wise smoothness L_j, above 0.
    sigma : array, shape (d,)
        The standard deviations σ_j.
    slopes : array, shape (d,), optional
        The largest slopes G_j, above 0; by default infinite, so that f is a quadratic.
    law : {'normal', 'uniform', 'unimodal', 'skewed'}
        That of ξ. The last two depend on the signal-to-noise ratio S = |h_j'(x_j)|/σ_j, so that at every point a
        sign is wrong as often as it can be: among symmetric unimodal laws, and among all laws.
    workers : int
        Their number.
    start : array, shape (d,), optional
        A default starting point.

    Attributes
    ----------
    f_star, x_star
        0, and the origin.

    Raises
    ------
    WrongUse
        If shapes do not fit, a number is not finite or has the wrong sign, or there is no such law.

    Notes
    -----
    The probability of a wrong sign, given S (sheet sign_methods, S-s2; derived): Φ(−S) for 'normal';
    max(0, 1/2 − S/(2√3)) for 'uniform', on [−√3, √3]; Gauss's bound for 'unimodal', which is uniform up to S = 2/√3 and
    beyond has an atom at 0; and 1/(1 + S²), but for one part in 10⁴, for 'skewed', which has two values.

    Examples
    --------
    >>> problem = CoordinateNoise(smoothness=[1.0, 4.0], sigma=[2.0, 0.0])
    >>> problem.gradient(np.array([[[3.0, -1.0]]]))
    array([[[ 3., -4.]]])
    >>> problem.wrong_sign(np.array([[[0.0, -1.0]]]))
    array([[[0.5, 0. ]]])
    """

    f_star = 0.0
    start: Any

    def __init__(
        self,
        smoothness: Any,
        sigma: Any,
        slopes: Any = None,
        law: str = "normal",
        workers: int = 1,
        start: Any = None,
    ) -> None:
        self.smoothness = _numbers("smoothness", smoothness)
        self.dimension, self.workers, self.law = self.smoothness.size, whole("CoordinateNoise", "workers", workers), law
        self.sigma = _numbers("sigma", sigma, self.dimension)
        self.slopes = None if slopes is None else _numbers("slopes", slopes, self.dimension)
        self.start = None if start is None else _numbers("start", start, self.dimension)
        self.x_star = np.zeros(self.dimension)
        positive = self.smoothness if self.slopes is None else np.append(self.smoothness, self.slopes)
        if (positive <= 0).any() or (self.sigma < 0).any():
            remedy = "give L_j > 0, σ_j ≥ 0 and G_j > 0"
            raise WrongUse("CoordinateNoise(…)", "a constant has the wrong sign", remedy)
        if law not in LAWS:
            raise WrongUse(f"law={law!r}", "there is no such law", f"choose {', '.join(LAWS)}", nearest(law, LAWS))
        self.default_batch = 1 if self.sigma.any() else "full"

    def value(self, x: Array) -> Array:
        bent = self._bent(x)
        return self._for_all(kernels.dot(self.smoothness * bent, x - bent / 2))

    def gradient(self, x: Array) -> Array:
        return self._for_all(self.smoothness * self._bent(x))

    def stochastic_gradient(self, x: Array, draw: Any, batch: int) -> Array:
        """Return the mean of `batch` samples; in one draw for normal noise."""
        gradient = self.gradient(x)
        if self.law == "normal":
            return gradient + self.sigma / np.sqrt(batch) * draw.normal(self.dimension)
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = gradient / self.sigma
        noise = LAWS[self.law].noise
        samples = (noise(draw.of("of a batch", b).uniform(self.dimension), ratio) for b in range(batch))
        return gradient + np.where(self.sigma > 0, self.sigma * sum(samples) / batch, 0.0)

    def wrong_sign(self, x: Array, batch: int = 1) -> Array:
        """Return the probability that a worker's sample has a wrong sign, shape of `gradient`; 1/2 where that is 0.

        Raises
        ------
        WrongUse
            For a batch of more than one of noise that is not normal: no closed form.
        """
        if batch != 1 and self.law != "normal":
            asked = f"wrong_sign(x, batch={batch}) with law={self.law!r}"
            raise WrongUse(asked, "the law of the mean has no closed form here", "ask for a batch of 1 or normal noise")
        gradient = self.gradient(x)
        with np.errstate(divide="ignore", invalid="ignore"):
            wrong = LAWS[self.law].wrong_sign(abs(gradient) * np.sqrt(batch) / self.sigma)
        return np.where(gradient == 0, 0.5, np.where(self.sigma > 0, wrong, 0.0))

    @cached_property
    def constants(self) -> ProblemConstants:
        """The constants, exact to rounding; ``mu`` only of a quadratic."""
        L = float(self.smoothness.max())
        mu = None if self.slopes is not None else exact(float(self.smoothness.min()), "smallest L_j")
        return ProblemConstants(
            L=exact(L, "largest L_j"),
            L_i=exact(np.full(self.workers, L), "largest L_j"),
            L_tilde=exact(L, "largest L_j"),
            mu=mu,
            mu_pl=mu,
            sigma_sq=exact(float((self.sigma**2).sum()), "declared, ‖σ‖²"),
            zeta_sq=exact(0.0, "equal workers"),
            heterogeneity=exact(0.0, "equal workers"),
            rho=exact(0.0, "the Hessian is constant") if self.slopes is None else None,
            convex=True,
        )

    def gap(self, x: Array) -> Array:
        """Return f(x), whose minimum is 0, shape ``(run,)``."""
        return self.value(x)[:, 0]

    @classmethod
    def sparse(cls, dimension: int = 100, sigma: float = 100.0) -> CoordinateNoise:
        r"""Return the toy with noise in one coordinate, :math:`f = \tfrac12\|x\|^2` with noise σ on the first.

        Source: Bernstein et al., ICML 2018, supplement (code).

        Examples
        --------
        >>> CoordinateNoise.sparse().sigma[:3]
        array([100.,   0.,   0.])
        """
        return cls(np.ones(dimension), np.append(sigma, np.zeros(dimension - 1)))

    def _bent(self, x: Array) -> Array:
        """Return x_j, or the end of the quadratic part where x_j is beyond it."""
        if self.slopes is None:
            return x
        ends = self.slopes / self.smoothness
        return np.clip(x, -ends, ends)

    def _for_all(self, of_one: Array) -> Array:
        """Give every worker a row of its own."""
        return np.ascontiguousarray(np.broadcast_to(of_one, (len(of_one), self.workers, *of_one.shape[2:])))


class _Law(NamedTuple):
    noise: Callable[[Array, Array], Array]  # from uniform numbers and the signed ratio gradient/σ
    wrong_sign: Callable[[Array], Array]  # from S


def _uniform(u: Array, ratio: Array) -> Array:
    return ROOT_3 * (2 * u - 1)


def _unimodal(u: Array, ratio: Array) -> Array:
    S = np.maximum(abs(ratio), 2 / ROOT_3)
    spread = np.where(abs(ratio) > 2 / ROOT_3, 4 / (3 * S**2), 1.0)  # the rest is an atom at 0
    end = np.where(abs(ratio) > 2 / ROOT_3, 1.5 * S, ROOT_3)
    return np.where(u < spread, end * (2 * u / spread - 1), 0.0)


def gauss_bound(S: Array) -> Array:
    """Return the largest probability of a wrong sign among symmetric unimodal laws (Gauss's inequality, S-s2)."""
    S = np.asarray(S, dtype=float)
    with np.errstate(divide="ignore"):
        return np.where(S > 2 / ROOT_3, 2 / (9 * S**2), 0.5 - S / (2 * ROOT_3))


def _skewed(u: Array, ratio: Array) -> Array:
    """Two values: with probability q the one that just turns the sign, and far out on the other side otherwise."""
    S, q = np.maximum(abs(ratio), SMALLEST), _skewed_wrong(abs(ratio))
    return (1 + MARGIN) * np.copysign(S, ratio) * np.where(u < q, -1.0, q / (1 - q))


def _skewed_wrong(S: Array) -> Array:
    return 1 / (1 + ((1 + MARGIN) * np.maximum(S, SMALLEST)) ** 2)


LAWS = {
    "normal": _Law(lambda u, ratio: u, lambda S: ndtr(-S)),
    "uniform": _Law(_uniform, lambda S: np.maximum(0.5 - S / (2 * ROOT_3), 0.0)),
    "unimodal": _Law(_unimodal, gauss_bound),
    "skewed": _Law(_skewed, _skewed_wrong),
}


def _numbers(name: str, numbers: Any, size: int | None = None) -> Array:
    try:
        array = np.array(numbers, dtype=float)
    except (TypeError, ValueError):
        raise WrongUse(f"CoordinateNoise({name}={numbers!r})", "these are no numbers", "give a list of them") from None
    if array.ndim != 1 or array.size == 0 or (size is not None and array.size != size):
        wanted = "(d,)" if size is None else f"({size},)"
        raise WrongUse(f"CoordinateNoise({name}=…)", f"{name} has shape {array.shape}", f"give shape {wanted}")
    if not np.isfinite(array).all():
        raise WrongUse(f"CoordinateNoise({name}=…)", f"{name} holds a number that is not finite", "give finite numbers")
    array.flags.writeable = False
    return array
