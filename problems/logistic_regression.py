"""Logistic regression over shards of data, with a convex or a nonconvex regulariser."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
from scipy.special import expit

from problems import _data
from problems._base import Problem
from problems._threads import one_blas_thread
from toolkit.arrays import Array, contiguous
from toolkit.constants import Constant, ProblemConstants, exact
from toolkit.errors import ToolkitError, WrongUse

__all__ = ["LogisticRegression"]

REGULARISERS = ("l2", "nonconvex")
CERTIFIED = 1e-12  # how far f_star may be above the minimum
NEWTON_STEPS = 200  # some tens are usual


class LogisticRegression(Problem):
    r"""Logistic loss over equal shards of labelled samples (a_j, y_j), y_j = ±1, plus a regulariser.

    .. math:: f_i(x) = \frac1{m_i} \sum_{j \in \text{shard } i} \log(1 + e^{-y_j a_j^\top x}) + \lambda R(x), \qquad
              R(x) = \tfrac12\|x\|^2 \text{ or } \sum_k \frac{x_k^2}{1 + x_k^2}.

    One fixed permutation of the samples is cut into equal shards; the remainder is dropped, so that f = (1/n) Σ f_i is
    the mean over all samples that are used. Features are standardised over these, and constant ones dropped.

    Parameters
    ----------
    features : array, shape (sample, d)
        The samples a_j.
    labels : array, shape (sample,)
        Two values; the larger counts as +1.
    workers : int
        Number n of shards.
    regulariser : {'l2', 'nonconvex'}
        R(x).
    strength : float, optional
        λ. By default L₀/1000 for 'l2', where L₀ = λ_max(A'A)/(4m) is the smoothness of the loss: at the condition
        number 1001 gradient descent needs some thousand steps; and 0.1 for 'nonconvex'.
    standardise : bool
        Whether features get mean 0 and variance 1.
    seed : int or None
        Seed of the permutation; None keeps the given order.

    Attributes
    ----------
    signed_features : array, shape (worker, sample, d)
        y_j a_j of the samples that are used, by worker: all that the loss depends on.
    dropped : int
        Number of samples left over by the equal shards, and not used.
    constant_features : int
        Number of features left out because they are constant.
    left_out : str
        Both numbers in words.
    x_star, f_star, f_star_certificate
        For 'l2': the minimiser, the minimum, and ‖∇f‖²/(2λ) there, which bounds how far `f_star` is above the true
        minimum (at most 1e-12). Computed when first asked for. None for 'nonconvex'.
    f_inf : float
        A certified lower bound of f: `f_star` less its certificate, or else 0.
    start : array, shape (d,)
        Zero.

    Raises
    ------
    WrongUse
        If shapes do not fit, numbers are not finite, labels are not two-valued, there are more workers than samples,
        or regulariser, strength or seed are impossible.

    Notes
    -----
    Sources: objective, 20 workers and the constant of the loss as in Sahu et al., NeurIPS 2021 (code); the nonconvex
    regulariser with λ = 0.1 as in Richtárik et al., NeurIPS 2021 (recalled; its curvature bound 2λ: code).

    With 20 workers, 9 of 569 samples of breast-cancer are left out, 17 of 1797 samples and 3 of 64 features of digits,
    and nothing of madelon-like.

    Examples
    --------
    >>> problem = LogisticRegression.on("breast-cancer", workers=20)
    >>> problem.dimension, problem.signed_features.shape, problem.dropped
    (30, (20, 28, 30), 9)
    >>> problem.f_star_certificate < 1e-12
    True
    """

    def __init__(
        self,
        features: Array,
        labels: Array,
        workers: int,
        regulariser: str = "l2",
        strength: float | None = None,
        *,
        standardise: bool = True,
        seed: int | None = 0,
    ) -> None:
        features, labels = np.asarray(features, dtype=float), np.asarray(labels, dtype=float)
        if features.ndim != 2 or labels.shape != features.shape[:1]:
            raise WrongUse(
                "LogisticRegression(features, labels)",
                f"features have shape {features.shape} and labels {labels.shape}",
                "give shapes (sample, d) and (sample,)",
            )
        if not np.isfinite(features).all():
            raise WrongUse("LogisticRegression(features, …)", "a feature is not finite", "give finite numbers")
        if not 1 <= workers <= len(labels):
            raise WrongUse(
                f"LogisticRegression(workers={workers})",
                f"{len(labels)} samples cannot be shared equally by {workers} workers",
                f"give 1 to {len(labels)} workers",
            )
        if regulariser not in REGULARISERS:
            raise WrongUse(
                f"LogisticRegression(regulariser={regulariser!r})",
                "there is no such regulariser",
                f"choose one of: {', '.join(REGULARISERS)}",
            )
        if strength is not None and not 0 <= strength < np.inf:
            raise WrongUse(f"LogisticRegression(strength={strength})", "it must be finite and at least 0", "give λ ≥ 0")
        if seed is not None and seed < 0:
            raise WrongUse(f"LogisticRegression(seed={seed})", "a seed is at least 0", "give such an integer, or None")
        held = _data.shards(len(labels), workers, seed)
        used = features[held.ravel()]
        if standardise:
            used = _data.standardised(used)
        if used.shape[1] == 0:
            raise WrongUse("LogisticRegression(features, …)", "every feature is constant", "give features that vary")
        y = _data.signs(labels, "LogisticRegression(labels=…)")[held]
        self.workers, self.dimension = workers, used.shape[1]
        self.dropped, self.constant_features = len(labels) - held.size, features.shape[1] - used.shape[1]
        self.signed_features = y[..., None] * used.reshape(*held.shape, -1)
        self.signed_features.flags.writeable = False
        self.regulariser = regulariser
        self.start = np.zeros(self.dimension)
        self._share = held.shape[1]
        self._made_from: dict[str, Any] | None = None
        if strength is None:
            strength = 0.1 if regulariser == "nonconvex" else _loss_smoothness(self._all_samples) / 1000
        self.strength = float(strength)

    @classmethod
    def on(
        cls,
        name: str,
        workers: int = 20,
        regulariser: str = "l2",
        strength: float | None = None,
        *,
        standardise: bool = True,
        seed: int | None = 0,
    ) -> LogisticRegression:
        """Return the problem on a data set by its name, or on a LIBSVM file by its path.

        Parameters
        ----------
        name : {'breast-cancer', 'digits', 'madelon-like'} or path
            569 samples with 30 features, malignant against benign; 1797 images of 8 × 8 pixels, even digits against
            odd ones; 2000 made-up samples with 500 features, 5 of them informative; or the user's own file.
        workers, regulariser, strength, standardise, seed
            As in the class.

        Raises
        ------
        WrongUse
            If there is neither a data set nor a file of that name, or a file is malformed: the message names the line.

        Examples
        --------
        >>> LogisticRegression.on("digits", regulariser="nonconvex").strength
        0.1
        """
        features, labels = _data.load(name)
        problem = cls(features, labels, workers, regulariser, strength, standardise=standardise, seed=seed)
        if name in _data.DATA_SETS:
            problem._made_from = {
                "data": name,
                "workers": workers,
                "regulariser": regulariser,
                "strength": problem.strength,
                "standardise": standardise,
                "seed": seed,
                "dropped": problem.dropped,
            }
        return problem

    @property
    def left_out(self) -> str:
        used, features = self.workers * self._share, self.dimension + self.constant_features
        return (
            f"{self.dropped} of {used + self.dropped} samples left out, so that shards are equal; "
            f"{self.constant_features} of {features} features left out as constant"
        )

    def value(self, x: Array) -> Array:
        losses = np.logaddexp(0.0, -self._margins(x))
        squares = x * x
        if self.regulariser == "l2":
            penalty = 0.5 * squares.sum(axis=-1)
        else:
            penalty = (squares / (1 + squares)).sum(axis=-1)
        return losses.sum(axis=-1) / self._share + self.strength * penalty

    def gradient(self, x: Array) -> Array:
        return self._gradient(self.signed_features, self._margins(x), x)

    def stochastic_gradient(self, x: Array, draw: Any, batch: int) -> Array:
        """Return the gradient over `batch` samples of each worker's own shard, drawn with replacement.

        Every sample has the same probability to within 2⁻³², the width of a random word.
        """
        chosen = (draw.of("rows").uniform(batch) * self._share).astype(np.intp)
        rows = self.signed_features[np.arange(self.workers)[:, None], chosen]  # (run, worker, batch, d)
        return self._gradient(rows, np.matmul(rows, contiguous(x)[..., None])[..., 0], x)

    def _margins(self, x: Array) -> Array:
        """Return y_j a_j'x of every sample, shape ``(run, worker, sample)``, by one product per row of the batch."""
        return np.matmul(self.signed_features, contiguous(x)[..., None])[..., 0]

    def _gradient(self, signed_features: Array, margins: Array, x: Array) -> Array:
        """Return the gradient of the mean loss over the given samples, plus that of the regulariser."""
        weights = expit(-margins)
        weights /= -margins.shape[-1]
        gradient = np.matmul(weights[..., None, :], signed_features)[..., 0, :]
        if self.regulariser == "l2":
            gradient += self.strength * x
        else:
            gradient += 2 * self.strength * x / (1 + x * x) ** 2
        return gradient

    @cached_property
    @one_blas_thread
    def constants(self) -> ProblemConstants:
        """The constants: the smoothness ones are attained at x = 0, where the logistic curvature is 1/4.

        With 'nonconvex', R has curvature 2 at 0 and between −½ and 2 elsewhere.
        """
        convex = self.regulariser == "l2"
        curvature = self.strength if convex else 2 * self.strength
        source = f"λ_max(A'A)/(4m) + {'λ' if convex else '2λ'}, attained at x = 0"
        L_i = np.array([_loss_smoothness(shard) for shard in self.signed_features]) + curvature
        known = ProblemConstants(
            L=exact(_loss_smoothness(self._all_samples) + curvature, source),
            L_i=exact(L_i, f"{source}, on shard i"),
            L_tilde=exact(float(np.sqrt(np.mean(L_i**2))), "root mean square of L_i"),
            convex=convex,
        )
        if self.x_star is None:
            return known
        D = float(np.mean(np.sum(self.gradient(self.x_star[None, None])[0] ** 2, axis=-1)))
        return replace(
            known,
            mu=exact(self.strength, "λ: the curvature of the loss vanishes far away"),
            mu_pl=Constant(self.strength, "lower bound", "strong convexity"),
            heterogeneity=exact(D, "mean of ‖∇f_i(x*)‖²"),
        )

    @cached_property
    @one_blas_thread
    def x_star(self) -> Array | None:
        """The minimiser for 'l2' with λ > 0, by Newton's method down to rounding; otherwise None."""
        if self.regulariser != "l2" or self.strength == 0:
            return None
        A = self._all_samples

        def gradient(x: Array) -> Array:
            return self.strength * x - expit(-(A @ x)) @ A / len(A)

        x = np.zeros(self.dimension)
        g = gradient(x)
        for _ in range(NEWTON_STEPS):
            margins = A @ x
            curvature = expit(margins) * expit(-margins) / len(A)
            direction = np.linalg.solve((A.T * curvature) @ A + self.strength * np.eye(self.dimension), g)
            # ‖∇f‖² falls along the Newton direction; where no part of the step lowers it, rounding is reached.
            for fraction in 0.5 ** np.arange(40):
                closer = x - fraction * direction
                g_closer = gradient(closer)
                if g_closer @ g_closer < g @ g:
                    x, g = closer, g_closer
                    break
            else:
                break
        return x

    @cached_property
    @one_blas_thread
    def f_star_certificate(self) -> float | None:
        """‖∇f(x*)‖²/(2λ), which bounds how far `f_star` is above the minimum; None without a minimiser.

        Raises
        ------
        ToolkitError
            If it exceeds 1e-12.
        """
        if self.x_star is None:
            return None
        g = self.gradient(self.x_star[None, None])[0].mean(axis=0)
        certificate = float(g @ g) / (2 * self.strength)
        if not certificate <= CERTIFIED:
            raise ToolkitError(
                "the minimum of a logistic regression",
                f"it is certified to {certificate:.1e} only, not to {CERTIFIED:.0e}",
                "raise the strength of the regulariser, or standardise the features",
            )
        return certificate

    @cached_property
    @one_blas_thread
    def f_star(self) -> float | None:  # type: ignore[override]
        """The minimum of f; None if it is not known."""
        if self.x_star is None or self.f_star_certificate is None:
            return None
        return float(self.value(self.x_star[None, None]).mean())

    @cached_property
    def f_inf(self) -> float:
        """A certified lower bound of f: the loss and both regularisers are at least 0."""
        return 0.0 if self.f_star is None else self.f_star - (self.f_star_certificate or 0.0)

    def gap(self, x: Array) -> Array | None:
        r"""Return f(x) − f*, shape ``(run,)``, by the Bregman distance at x*; None if f* is not known.

        .. math:: f(x) - f^\star = \frac1m\sum_j \big[\ell(z_j + \delta_j) - \ell(z_j) - \ell'(z_j)\delta_j\big]
                  + \tfrac\lambda2\|x - x^\star\|^2, \qquad \ell(z) = \log(1 + e^{-z}),

        with :math:`z = A x^\star` and :math:`\delta = A(x - x^\star)`: near x* its rounding error is that of δ, not of
        f*.
        """
        if self.x_star is None:
            return None
        offset = x - self.x_star
        z, change = self._margins(self.x_star[None, None]), self._margins(offset)
        slope = expit(-z)
        near = np.log1p(slope * np.expm1(-np.clip(change, -1.0, 1.0)))
        far = np.logaddexp(0.0, -z - change) - np.logaddexp(0.0, -z)
        distances = np.where(np.abs(change) <= 1.0, near, far) + slope * change
        loss = (distances.sum(axis=-1) / self._share).sum(axis=-1) / self.workers
        return loss + 0.5 * self.strength * (offset * offset).sum(axis=-1)[:, 0]

    def describe(self) -> dict[str, Any]:
        """Return the name of the data set and the other arguments; of own data, the signed features they became."""
        if self._made_from is not None:
            return dict(self._made_from)
        return {
            "signed_features": self.signed_features,
            "regulariser": self.regulariser,
            "strength": self.strength,
            "dropped": self.dropped,
        }

    @property
    def _all_samples(self) -> Array:
        return self.signed_features.reshape(-1, self.dimension)


@one_blas_thread
def _loss_smoothness(signed_features: Array) -> float:
    """Return λ_max(A'A)/(4m) of m samples."""
    m, d = signed_features.shape
    gram = signed_features.T @ signed_features if d <= m else signed_features @ signed_features.T
    return float(np.linalg.eigvalsh(gram)[-1] / (4 * m))
