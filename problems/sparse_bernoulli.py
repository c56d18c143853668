"""Estimating the mean of sparse vectors of zeros and ones, as a problem of distributed SGD."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from problems._base import Problem
from problems._input import whole
from toolkit import kernels
from toolkit.arrays import Array
from toolkit.constants import ProblemConstants, exact
from toolkit.errors import WrongUse

__all__ = ["SparseBernoulli"]


class SparseBernoulli(Problem):
    r"""The sparse Bernoulli model: a worker's sample is a vector of independent coins, few of which show a one.

    .. math:: f(x) = \tfrac12\|x - \theta\|^2, \qquad g_i = x - X_i, \quad X_{ij} \sim \mathrm{Bern}(\theta_j), \qquad
              E\|g_i - \nabla f(x)\|^2 = \sum_j \theta_j(1 - \theta_j)

    At the start 0 the gradient sample is −X_i. So one step of `CompressedSGD` of size 1 leads to the mean of the
    workers' messages, an estimate θ̂ of θ, and f there is half its squared error: mean estimation is one step of
    distributed SGD.

    Parameters
    ----------
    theta : array, shape (d,)
        The probabilities θ_j, in [0, 1].
    workers : int
        Their number n; all see samples of the same law.

    Attributes
    ----------
    theta, x_star : array, shape (d,)
        The probabilities, which minimise f.
    sparsity : float
        s = Σ_j θ_j, the expected number of ones of a sample.

    Raises
    ------
    WrongUse
        If a probability is not in [0, 1], there is none, or there is no worker.

    Notes
    -----
    A sample of a batch of B is the mean of B vectors. The model is that of Barnes, Inan, Isik and Özgür (2020), where θ
    is known to have Σ θ_j ≤ s (recalled). A draw's uniform numbers are (word + 1/2)/2³², so every probability is met to
    within 2⁻³³.

    Examples
    --------
    >>> from toolkit import simulate
    >>> from toolkit.algorithms import CompressedSGD
    >>> from toolkit.compressors import RandK
    >>> problem = SparseBernoulli.flat(workers=50, dimension=20, s=2)
    >>> once = simulate(problem, CompressedSGD(), RandK(k=10, unbiased=True), stepsize=1.0, steps=1, runs=200)
    >>> risk = 2 * float(once.f.isel(step=-1).mean())
    >>> abs(risk - (20 / 10 * 2 - 0.2) / 50) < 0.01
    True
    """

    f_star = 0.0
    default_batch = 1

    def __init__(self, theta: Array, workers: int = 1) -> None:
        self.theta = np.array(theta, dtype=float)
        if self.theta.ndim != 1 or not self.theta.size or not ((self.theta >= 0) & (self.theta <= 1)).all():
            asked = f"SparseBernoulli with θ of shape {self.theta.shape}"
            raise WrongUse(asked, "θ is no vector of probabilities", "give numbers between 0 and 1, shape (d,)")
        self.theta.flags.writeable = False
        self.workers, self.dimension = whole("SparseBernoulli", "workers", workers), self.theta.size
        self.x_star = self.theta
        self.sparsity = float(self.theta.sum())
        self.start = np.zeros(self.dimension)

    def value(self, x: Array) -> Array:
        squares = kernels.sum_sq(np.ascontiguousarray(x - self.theta))
        return np.broadcast_to(0.5 * squares, (x.shape[0], self.workers))

    def gradient(self, x: Array) -> Array:
        return np.broadcast_to(x - self.theta, (x.shape[0], self.workers, self.dimension))

    def stochastic_gradient(self, x: Array, draw: Any, batch: int) -> Array:
        """Return x − X_i, with the mean of `batch` samples in the place of X_i."""
        ones = sum(draw.of("sample", index).uniform(self.dimension) < self.theta for index in range(batch))
        return x - np.asarray(ones, dtype=float) / batch

    @cached_property
    def constants(self) -> ProblemConstants:
        """The constants: the Hessian is the identity, and all workers have the same gradient."""
        identity = "the Hessian is the identity"
        return ProblemConstants(
            L=exact(1.0, identity),
            L_i=exact(np.ones(self.workers), identity),
            L_tilde=exact(1.0, identity),
            mu=exact(1.0, identity),
            mu_pl=exact(1.0, identity),
            sigma_sq=exact(float((self.theta * (1 - self.theta)).sum()), "Σ θ_j(1 − θ_j)"),
            zeta_sq=exact(0.0, "equal workers"),
            heterogeneity=exact(0.0, "equal workers"),
            rho=exact(0.0, identity),
            convex=True,
        )

    def describe(self) -> dict[str, Any]:
        """Return θ and the number of workers."""
        return {"theta": self.theta, "workers": self.workers}

    @classmethod
    def flat(cls, workers: int, dimension: int, s: float) -> SparseBernoulli:
        """Return the model with θ_j = s/d: of all with Σ θ_j = s, the least concentrated.

        Examples
        --------
        >>> SparseBernoulli.flat(workers=1, dimension=4, s=1).theta
        array([0.25, 0.25, 0.25, 0.25])
        """
        _check_sparsity(dimension, s)
        return cls(np.full(dimension, s / dimension), workers)

    @classmethod
    def power_law(cls, workers: int, dimension: int, s: float, exponent: float = 1.0) -> SparseBernoulli:
        r"""Return the model with :math:`\theta_j = \min(1, c\,j^{-a})`, c such that Σ θ_j = s, exponent a ≥ 0.

        Examples
        --------
        >>> SparseBernoulli.power_law(workers=1, dimension=3, s=1.5, exponent=2.0).theta.round(4)
        array([1.    , 0.3462, 0.1538])
        """
        _check_sparsity(dimension, s)
        if not 0 <= exponent < np.inf:
            asked = f"SparseBernoulli.power_law(exponent={exponent!r})"
            raise WrongUse(asked, "the exponent is no number of at least 0", "give such a number")
        weight = np.arange(1, dimension + 1.0) ** -exponent
        rest = np.cumsum(weight[::-1])[::-1]  # Σ over i ≥ j of the weights
        certain = np.arange(dimension)  # so many first probabilities are cut to 1
        scale = (s - certain) / rest
        first = int(np.argmax(scale * weight <= 1))
        return cls(np.where(certain < first, 1.0, np.minimum(scale[first] * weight, 1.0)), workers)

    @classmethod
    def concentrated(cls, workers: int, dimension: int, s: float) -> SparseBernoulli:
        """Return the extremal model: ⌊s⌋ certain ones, first in order, then one coin of what is left, and zeros.

        Examples
        --------
        >>> SparseBernoulli.concentrated(workers=1, dimension=4, s=1.5).theta
        array([1. , 0.5, 0. , 0. ])
        """
        _check_sparsity(dimension, s)
        return cls(np.clip(s - np.arange(dimension), 0.0, 1.0), workers)


def _check_sparsity(dimension: int, s: float) -> None:
    if not (isinstance(dimension, (int, np.integer)) and dimension >= 1 and 0 <= s <= dimension):
        asked = f"a sparse Bernoulli model with s={s!r} in dimension {dimension!r}"
        raise WrongUse(asked, "s is no sum of that many probabilities", "give a dimension d ≥ 1 and 0 ≤ s ≤ d")
