"""Least squares with more features than samples, where the shortest solution generalises and others do not."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from problems._base import Problem
from problems._input import whole
from problems._threads import one_blas_thread
from toolkit import kernels
from toolkit.arrays import Array
from toolkit.constants import ProblemConstants, exact
from toolkit.errors import WrongUse

__all__ = ["OverparametrisedLeastSquares"]


class OverparametrisedLeastSquares(Problem):
    r"""Least squares on n labelled samples with 12n features, tested on n others.

    .. math:: f(w) = \frac{1}{2n} \|Xw - y\|^2, \qquad \nabla f(w) = \tfrac1n X^\top (Xw - y)

    Feature 1 is the label y = ±1, features 2 and 3 are 1, and of five features that are a sample's own the first, or if
    y = −1 all five, are 1. From 0 gradient descent stays in the span of the samples and learns feature 1; a solution
    with a part outside it fits the samples just as well and fails on others.

    Parameters
    ----------
    samples : int
        n, of each of the two sets.
    positive : float
        P(y = 1).
    seed : int
        Seed of the labels and of the split, by NumPy's default generator.

    Attributes
    ----------
    features, labels : arrays, shape (n, 12n) and (n,)
        X and y; `test_features` and `test_labels` the others.
    x_star, f_star
        The solution of smallest norm, and 0.
    start : array, shape (d,)
        Zero.

    Raises
    ------
    WrongUse
        If `samples` is no integer of 1 or more, `seed` none of 0 or more, or `positive` no probability.

    Notes
    -----
    Observed: ``span_distance``, the distance of w to the span of the rows of X, in which all gradients lie;
    ``train_loss`` and ``test_loss``, the mean squared residuals (twice f on the samples). Of the 12n features the last
    2n − 3 are 0 in all samples. Source: Karimireddy et al., ICML 2019, after Wilson et al. (code); the instance of the
    published figure was picked from several draws and is not public.

    Examples
    --------
    >>> problem = OverparametrisedLeastSquares(samples=20)
    >>> problem.features.shape, int(problem.features[0].sum()) in (4, 6)
    ((20, 240), True)
    >>> {name: float(value[0]) for name, value in problem.observe(np.zeros((1, 1, 240))).items()}
    {'span_distance': 0.0, 'train_loss': 1.0, 'test_loss': 1.0}
    """

    workers = 1
    f_star = 0.0

    def __init__(self, samples: int = 100, positive: float = 0.5, seed: int = 0) -> None:
        name = type(self).__name__
        if not 0 <= positive <= 1:
            raise WrongUse(f"{name}(positive={positive!r})", "this is no probability", "give a number from 0 to 1")
        self.samples, self.positive = whole(name, "samples", samples), positive
        self.seed = whole(name, "seed", seed, least=0)
        self.dimension = 12 * self.samples
        self.start = np.zeros(self.dimension)

    def describe(self) -> dict[str, Any]:
        """Return the arguments it was made with."""
        return {"samples": self.samples, "positive": self.positive, "seed": self.seed}

    @cached_property
    def _data(self) -> tuple[Array, Array]:
        """Features and labels of both sets, shuffled."""
        rng, rows = np.random.default_rng(self.seed), 2 * self.samples
        labels = np.where(rng.random(rows) < self.positive, 1.0, -1.0)
        features = np.zeros((rows, self.dimension))
        features[:, 0] = labels
        features[:, 1:3] = 1
        for row, label in enumerate(labels):
            own = 3 + 5 * row
            features[row, own : own + (1 if label > 0 else 5)] = 1
        order = rng.permutation(rows)
        return features[order], labels[order]

    @property
    def features(self) -> Array:
        return self._data[0][: self.samples]

    @property
    def labels(self) -> Array:
        return self._data[1][: self.samples]

    @property
    def test_features(self) -> Array:
        return self._data[0][self.samples :]

    @property
    def test_labels(self) -> Array:
        return self._data[1][self.samples :]

    def value(self, x: Array) -> Array:
        residuals = _residuals(self.features, self.labels, x)
        return kernels.sum_sq(residuals) / (2 * self.samples)

    def gradient(self, x: Array) -> Array:
        residuals = _residuals(self.features, self.labels, x)
        return np.matmul(self.features.T, residuals[..., None])[..., 0] / self.samples

    def observe(self, x: Array) -> dict[str, Array]:
        """Return the distance to the span of the samples, and the mean squared residuals on both sets."""
        train = _residuals(self.features, self.labels, x)
        test = _residuals(self.test_features, self.test_labels, x)
        return {
            "span_distance": self.span_distance(x)[:, 0],
            "train_loss": kernels.sum_sq(train)[:, 0] / self.samples,
            "test_loss": kernels.sum_sq(test)[:, 0] / self.samples,
        }

    def span_distance(self, x: Array) -> Array:
        """Return the distance of every x to the span of the samples, shape ``(run, worker)``."""
        inside = np.matmul(self._basis, x[..., None])
        return np.sqrt(kernels.sum_sq(x - np.matmul(self._basis.T, inside)[..., 0]))

    @cached_property
    @one_blas_thread
    def constants(self) -> ProblemConstants:
        """The constants, exact to rounding; f is not strongly convex."""
        L, mu_pl = float(self._values[0]), float(self._values[-1])
        return ProblemConstants(
            L=exact(L, "largest eigenvalue of X'X/n"),
            L_i=exact(np.array([L]), "largest eigenvalue of X'X/n"),
            L_tilde=exact(L, "largest eigenvalue of X'X/n"),
            mu_pl=exact(mu_pl, "smallest eigenvalue of XX'/n"),
            sigma_sq=exact(0.0, "full gradients"),
            zeta_sq=exact(0.0, "one worker"),
            heterogeneity=exact(0.0, "one worker"),
            rho=exact(0.0, "the Hessian is constant"),
            convex=True,
        )

    @cached_property
    @one_blas_thread
    def x_star(self) -> Array:
        """The solution of smallest norm, X'(XX')⁻¹y, shape ``(d,)``."""
        return self.features.T @ np.linalg.solve(self.features @ self.features.T, self.labels)

    @cached_property
    @one_blas_thread
    def _decomposition(self) -> Any:
        return np.linalg.svd(self.features, full_matrices=False)

    @property
    def _basis(self) -> Array:
        """An orthonormal basis of the span of the samples, which their own features make independent."""
        return self._decomposition.Vh

    @property
    def _values(self) -> Array:
        """The eigenvalues of XX'/n, the largest first."""
        return self._decomposition.S**2 / self.samples


def _residuals(features: Array, labels: Array, x: Array) -> Array:
    """Return Xw − y, shape ``(run, worker, sample)``, by one product per row."""
    return np.matmul(features, np.ascontiguousarray(x)[..., None])[..., 0] - labels
