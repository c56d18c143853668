"""Phase retrieval: a signal found from the magnitudes of random measurements."""

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

__all__ = ["PhaseRetrieval"]


class PhaseRetrieval(Problem):
    r"""Real phase retrieval from normal measurements, in expectation, with fresh measurements as samples.

    .. math:: f(x) = \tfrac14 E\left((a^\top x)^2 - (a^\top z)^2\right)^2
                   = \tfrac34\left(\|x\|^2 - \|z\|^2\right)^2 + \|x\|^2\|z\|^2 - \langle x, z\rangle^2,
              \qquad a \sim N(0, I)

    Parameters
    ----------
    signal : array, shape (d,)
        z, not 0.
    start : array, shape (d,), optional
        A default start; by default 0.
    radius : float, optional
        The ball on which L and ρ hold; by default 2‖z‖.
    sampled : bool
        Whether a gradient sample is of fresh measurements; otherwise it is the exact gradient.

    Raises
    ------
    WrongUse
        If the signal is zero or not finite, or the radius is not positive.

    Notes
    -----
    Minimisers are ±z. The saddles are a sphere: every x orthogonal to z with ‖x‖² = ‖z‖²/3, where the Hessian is
    6xxᵀ − 2zzᵀ and its smallest eigenvalue −2‖z‖²; 0 is a maximum with the smallest eigenvalue −3‖z‖². Listed are 0
    and one point of the sphere. But for a constant, f is three times that of `SaddleChain` with the eigenvalues ‖z‖²,
    once, and ‖z‖²/3.

    A sample's gradient, ((aᵀx)² − (aᵀz)²)(aᵀx)a, vanishes at ±z and has no bounded variance, so ``sigma_sq`` is absent;
    it is 0 also at x = 0, where samples do not escape. Source: classical (Sun, Qu and Wright); constants derived here.

    Examples
    --------
    >>> problem = PhaseRetrieval([3.0, 4.0])
    >>> problem.saddle_eigenvalues, float(problem.constants.L)
    (array([-75., -50.]), 875.0)
    >>> problem.value(problem.minimisers[:, None])
    array([[0.]])
    """

    workers = 1
    radius: float
    f_star = 0.0

    def __init__(self, signal: Any, start: Any = None, radius: float | None = None, sampled: bool = False) -> None:
        self.signal = np.array(signal, dtype=float)
        self.signal.flags.writeable = False
        asked = f"PhaseRetrieval({signal!r}, radius={radius!r})"
        if self.signal.ndim != 1 or not np.isfinite(self.signal).all() or not self.signal.any():
            raise WrongUse(asked, "the signal is an array of finite numbers, not all 0", "give shape (d,)")
        if not (radius is None or 0 < radius < np.inf):
            raise WrongUse(asked, "the radius is positive", "give a positive number")
        self.dimension = self.signal.size
        self._norm_sq = float(self.signal @ self.signal)
        self.radius = 2 * float(np.sqrt(self._norm_sq)) if radius is None else float(radius)
        self.start = np.zeros(self.dimension) if start is None else np.array(start, dtype=float)
        self.x_star = self.signal
        self.sampled = sampled
        self.default_batch = 1 if sampled else "full"

    def value(self, x: Array) -> Array:
        along = self._along(x) / self._norm_sq
        across = x - along * self.signal
        return 0.75 * (kernels.sum_sq(x) - self._norm_sq) ** 2 + self._norm_sq * kernels.sum_sq(across)

    def gap(self, x: Array) -> Array:
        """Return f(x), whose minimum is 0, shape ``(run,)``."""
        return self.value(x)[:, 0]

    def gradient(self, x: Array) -> Array:
        size = kernels.sum_sq(x)[..., None]
        return (3 * size - self._norm_sq) * x - 2 * self._along(x) * self.signal

    def hessian_product(self, x: Array, v: Array) -> Array:
        size, inner = kernels.sum_sq(x)[..., None], (x * v).sum(axis=-1, keepdims=True)
        return (3 * size - self._norm_sq) * v + 6 * inner * x - 2 * self._along(v) * self.signal

    def smallest_eigenvalue(self, x: Array) -> Array:
        """Return 3‖x‖² − ‖z‖² plus the smaller eigenvalue of 6xxᵀ − 2zzᵀ, which has rank two."""
        size, along = kernels.sum_sq(x)[:, 0], self._along(x)[:, 0, 0]
        trace = 6 * size - 2 * self._norm_sq
        minor = 12 * np.maximum(size * self._norm_sq - along**2, 0.0)
        root = np.sqrt(trace**2 + 4 * minor)
        # The sum of two numbers of one sign; in one dimension there is one eigenvalue, their trace.
        smaller = trace if self.dimension == 1 else np.where(trace < 0, trace - root, -4 * minor / (trace + root)) / 2
        return 3 * size - self._norm_sq + smaller

    def stochastic_gradient(self, x: Array, draw: Any, batch: int) -> Array:
        """Return the mean of ((aᵀx)² − (aᵀz)²)(aᵀx)a over a batch of fresh measurements a."""
        if not self.sampled:
            return self.gradient(x)
        total = np.zeros_like(x)
        for number in range(batch):
            a = draw.of("measurement", number).normal(self.dimension)
            seen = (a * x).sum(axis=-1, keepdims=True)
            total = total + (seen**2 - self._along(a) ** 2) * seen * a
        return total / batch

    def _along(self, x: Array) -> Array:
        """Return ⟨x, z⟩, shape ``(run, worker, 1)``."""
        return (x * self.signal).sum(axis=-1, keepdims=True)

    @cached_property
    def constants(self) -> ProblemConstants:
        """L and ρ on the ball ‖x‖ ≤ `radius`."""
        rest = self._norm_sq if self.dimension > 1 else 3 * self._norm_sq
        L = max(9 * self.radius**2 - rest, 3 * self._norm_sq)
        where = "on the ball, at its end orthogonal to z, or at 0"
        rho = exact(18 * self.radius, "the third derivative 18⟨x, u⟩ along a unit u, at the end of the ball")
        return of_one_worker(exact(L, where), rho, noise=self.sampled)

    @cached_property
    def saddles(self) -> Array:  # type: ignore[override]
        """0, a maximum, and with d > 1 one point of the sphere of saddles, shape ``(count, d)``."""
        zero = np.zeros(self.dimension)
        if self.dimension == 1:
            return zero[None]
        least = abs(self.signal).argmin()
        across = np.eye(self.dimension)[least] - self.signal[least] / self._norm_sq * self.signal
        across /= np.linalg.norm(across)
        return np.stack([zero, np.sqrt(self._norm_sq / 3) * across])

    @cached_property
    def saddle_eigenvalues(self) -> Array:  # type: ignore[override]
        return np.array([-3.0, -2.0])[: len(self.saddles)] * self._norm_sq

    @cached_property
    def minimisers(self) -> Array:  # type: ignore[override]
        """z, shape ``(1, d)``."""
        return np.array(self.signal)[None]

    def describe(self) -> dict[str, Any]:
        return {"signal": self.signal, "start": self.start, "radius": self.radius, "sampled": self.sampled}
