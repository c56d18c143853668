"""The octopus function: a path of strict saddles on which gradient descent takes exponential time."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from problems._base import Problem
from problems.saddles._constants import of_one_worker
from problems.saddles._octopus_descent import Descent
from toolkit import kernels
from toolkit.arrays import Array
from toolkit.constants import ProblemConstants, exact
from toolkit.errors import WrongUse

__all__ = ["Octopus"]


class Octopus(Problem):
    r"""Du et al.'s function: coordinate after coordinate has to leave 0, and each waits for the one before.

    Let i be the first coordinate with :math:`|x_i| \le 2\tau`. With :math:`s = \max(0, u/\tau - 1)` and

    .. math:: g_1(u) &= -\gamma u^2 + \tau^2\left(\tfrac{10\gamma - 14L}{3} s^3 + \tfrac{5L - 3\gamma}{2} s^4\right), \\
              g_2(u) &= L - (L + \gamma)\,s^3 (10 - 15 s + 6 s^2), \qquad \nu = \tau^2\,\tfrac{37 L + 13\gamma}{6}, \\
              f(x) &= \sum_{j<i} L(|x_j| - 4\tau)^2 + g_1(|x_i|) + g_2(|x_i|)\,x_{i+1}^2
                      + \sum_{j \ge i+2} L x_j^2 - (i - 1)\nu,

    and without such an i, :math:`f(x) = \sum_j L(|x_j| - 4\tau)^2 - d\nu`. The pieces meet in C². The domain is
    :math:`2\tau \le |x_j| \le 6\tau` before i and :math:`|x_j| \le \tau` after it; `value` is +∞ outside, where
    `gradient` and `hessian_product` go on with the formula above.

    Parameters
    ----------
    dimension : int
        d.
    L, gamma, tau : float
        L ≥ γ > 0 and τ ≥ 1; in the paper's experiments γ = 1, τ = e and L ∈ {1, 1.5, 2, 3}.

    Raises
    ------
    WrongUse
        If a parameter is out of its range.

    Notes
    -----
    The saddles are :math:`(\pm 4\tau, \dots, \pm 4\tau, 0, \dots, 0)` with value −kν for k non-zero coordinates and the
    smallest eigenvalue −2γ, the minimisers all :math:`\pm 4\tau`, listed up to signs. While it waits, a coordinate
    shrinks by 1 − 2ηL a step; when its turn comes, it grows by 1 + 2ηγ: it takes `leg_factor` times as long as the one
    before.

    In float64 a waiting coordinate underflows, to 0 or the smallest subnormal number, after about
    745/ln(1/(1 − 2ηL)) steps and never leaves: descent is then frozen by arithmetic, after 4 to 7 legs at the paper's
    settings. `descent` and `passages` keep logarithms of the waiting coordinates and do not end there. Runs with
    injected noise do not underflow.

    The smoothness of f, `constants.L`, is not its parameter L but 12 to 16 times as large, from the seams; so
    the paper's step 1/(4L) exceeds 1/`constants.L`.

    Source: Du et al., NeurIPS 2017, by the public code of its experiments (A3, code); constants and laws derived.

    Examples
    --------
    >>> problem = Octopus(dimension=3, L=2.0, gamma=1.0, tau=1.0)
    >>> problem.saddles[1], problem.minimisers[0]
    (array([4., 0., 0.]), array([4., 4., 4.]))
    >>> problem.value(np.array([[[4.0, 0.0, 0.0]], [[4.0, 4.0, 3.0]], [[0.0, 2.0, 0.0]]])).ravel()
    array([-14.5, -41.5,   inf])
    >>> Octopus(dimension=7, L=1.0).legs(stepsize=0.25)
    array([   5,   10,   28,   77,  207,  561, 1520])
    """

    workers = 1

    def __init__(self, dimension: int, L: float = 1.0, gamma: float = 1.0, tau: float = float(np.e)) -> None:
        asked = f"Octopus(dimension={dimension!r}, L={L!r}, gamma={gamma!r}, tau={tau!r})"
        if not isinstance(dimension, (int, np.integer)) or dimension < 1:
            raise WrongUse(asked, "there must be a coordinate", "give dimension=1 or more")
        if not (0 < gamma <= L < np.inf and 1 <= tau < np.inf):
            raise WrongUse(asked, "the parameters are out of their range", "give L ≥ gamma > 0 and tau ≥ 1")
        self.dimension, self.L, self.gamma, self.tau = int(dimension), float(L), float(gamma), float(tau)
        self.start = np.ones(self.dimension)
        self.nu = self.tau**2 * (37 * self.L + 13 * self.gamma) / 6
        self.f_star = -self.dimension * self.nu

    def value(self, x: Array) -> Array:
        return np.where(self.inside(x), self._sum(x) - self._at(x).index * self.nu, np.inf)

    def inside(self, x: Array) -> Array:
        """Return whether points are in the domain, shape ``(run, worker)``."""
        far, index = abs(x), self._at(x).index[..., None]
        waiting = np.arange(self.dimension) > index
        return ((far <= 6 * self.tau) & ~(waiting & (far > self.tau))).all(axis=-1)

    def _sum(self, x: Array) -> Array:
        """Return f(x) without its multiples of ν."""
        at, far = self._at(x), abs(x)
        numbers = np.arange(self.dimension)
        passed, waiting = numbers < at.index[..., None], numbers > at.index[..., None] + 1
        squares = np.where(passed, far - 4 * self.tau, np.where(waiting, far, 0.0))
        return self.L * kernels.sum_sq(squares) + np.where(at.ended, 0.0, self.g1(at.u) + self.g2(at.u) * at.w**2)

    def gradient(self, x: Array) -> Array:
        at = self._at(x)
        numbers, index = np.arange(self.dimension), at.index[..., None]
        slopes = 2 * self.L * (x - np.where(numbers < index, np.copysign(4 * self.tau, x), 0.0))
        own = np.sign(at.x_i) * (self.g1(at.u, 1) + self.g2(at.u, 1) * at.w**2)
        slopes = np.where(numbers == index, own[..., None], slopes)
        return np.where(numbers == index + 1, (2 * self.g2(at.u))[..., None] * x, slopes)

    def hessian_product(self, x: Array, v: Array) -> Array:
        diagonal, cross, index = self._second(x)
        shape = np.broadcast_shapes(diagonal.shape, np.shape(v))
        product = np.broadcast_to(diagonal * v, shape).copy()
        if self.dimension > 1:
            here = np.broadcast_to(np.minimum(index, self.dimension - 2)[..., None], (*shape[:-1], 1))
            v = np.broadcast_to(v, shape)
            for one, other in ((here, here + 1), (here + 1, here)):
                changed = np.take_along_axis(product, one, -1) + cross[..., None] * np.take_along_axis(v, other, -1)
                np.put_along_axis(product, one, changed, -1)
        return product

    def smallest_eigenvalue(self, x: Array) -> Array:
        """Return the smaller eigenvalue of the 2 × 2 block of coordinates i and i + 1, or 2L beyond the last saddle."""
        diagonal, cross, index = self._second(x)
        smallest = diagonal.min(axis=-1)
        if self.dimension > 1:
            here = np.minimum(index, self.dimension - 2)[..., None]
            one, other = (np.take_along_axis(diagonal, here + k, -1)[..., 0] for k in (0, 1))
            smallest = np.minimum(smallest, (one + other - np.hypot(one - other, 2 * cross)) / 2)
        return smallest[:, 0]

    def _second(self, x: Array) -> tuple[Array, Array, Array]:
        """Return the diagonal of the Hessian, its entry (i, i + 1), and i."""
        at = self._at(x)
        numbers, index = np.arange(self.dimension), at.index[..., None]
        own = self.g1(at.u, 2) + self.g2(at.u, 2) * at.w**2
        diagonal = np.where(numbers == index, own[..., None], 2 * self.L)
        diagonal = np.where(numbers == index + 1, (2 * self.g2(at.u))[..., None], diagonal)
        cross = np.where(at.index < self.dimension - 1, np.sign(at.x_i) * 2 * self.g2(at.u, 1) * at.x_next, 0.0)
        return diagonal, cross, at.index

    def _at(self, x: Array) -> _At:
        waits = abs(x) <= 2 * self.tau
        ended = ~waits.any(axis=-1)
        index = np.where(ended, self.dimension, waits.argmax(axis=-1))
        x_i = np.take_along_axis(x, np.minimum(index, self.dimension - 1)[..., None], -1)[..., 0]
        x_next = np.take_along_axis(x, np.minimum(index + 1, self.dimension - 1)[..., None], -1)[..., 0]
        x_next = np.where(index < self.dimension - 1, x_next, 0.0)
        return _At(index, ended, x_i, abs(x_i), x_next, abs(x_next))

    def g1(self, u: Any, order: int = 0) -> Any:
        """Return g_1 or one of its first three derivatives."""
        L, gamma, tau = self.L, self.gamma, self.tau
        s = np.maximum(u / tau - 1, 0.0)
        a, b = (10 * gamma - 14 * L) / 3, (5 * L - 3 * gamma) / 2
        if order == 0:
            return -gamma * u**2 + tau**2 * s**3 * (a + b * s)
        if order == 1:
            return -2 * gamma * u + tau * s**2 * (3 * a + 4 * b * s)
        return -2 * gamma + s * (6 * a + 12 * b * s) if order == 2 else (6 * a + 24 * b * s) / tau

    def g2(self, u: Any, order: int = 0) -> Any:
        """Return g_2, continued by L below τ, or one of its first three derivatives."""
        height, tau = self.L + self.gamma, self.tau
        s = np.minimum(np.maximum(u / tau - 1, 0.0), 1.0)  # on single numbers np.clip takes several times as long
        if order == 0:
            return self.L - height * s**3 * (10 - s * (15 - 6 * s))
        if order == 1:
            return -30 * height * (s * (1 - s)) ** 2 / tau
        if order == 2:
            return -60 * height * s * (1 - s) * (1 - 2 * s) / tau**2
        return -60 * height * (1 - 6 * s * (1 - s)) / tau**3

    def gap(self, x: Array) -> Array:
        """Return f(x) − f*, shape ``(run,)``; +∞ outside the domain."""
        left = (self.dimension - self._at(x).index) * self.nu
        return np.where(self.inside(x), self._sum(x) + left, np.inf)[:, 0]

    @cached_property
    def constants(self) -> ProblemConstants:
        """L and ρ on the domain, ρ along segments within it.

        The smoothness is the largest eigenvalue, in magnitude, of the block of coordinates i and i + 1; it does not
        depend on τ, is largest at |x_{i+1}| = τ, and is found by a search in u that narrows down to rounding.
        ρ = (88L + 40γ)/τ is the third derivative at the beginning of the seam, u = τ, with :math:`|x_{i+1}| = τ`.
        """
        rho = (88 * self.L + 40 * self.gamma) / self.tau
        if self.dimension == 1:
            rho = float(abs(self.g1(self.tau * np.array([1.0, 2.0]), 3)).max())
        L = self._largest_on_seam(self.tau if self.dimension > 1 else 0.0)
        return of_one_worker(
            exact(L, "the largest eigenvalue on the seams, found by a search in u"),
            exact(rho, "the third derivative where a seam begins"),
        )

    def _largest_on_seam(self, w: float) -> float:
        """Return the largest magnitude of an eigenvalue of the block of coordinates i and i + 1 where |x_{i+1}| = w."""
        low, high, found = self.tau, 2 * self.tau, 2 * self.L
        for _ in range(8):
            u = np.linspace(low, high, 513)
            one = self.g1(u, 2) + self.g2(u, 2) * w**2
            other, cross = 2 * self.g2(u), 2 * self.g2(u, 1) * w
            largest = abs(one + other) / 2 + np.hypot(one - other, 2 * cross) / 2
            best, width = u[largest.argmax()], (high - low) / 512
            low, high = max(self.tau, best - width), min(2 * self.tau, best + width)
            found = max(found, float(largest.max()))
        return found

    @cached_property
    def saddles(self) -> Array:  # type: ignore[override]
        """(4τ, …, 4τ, 0, …, 0) with k = 0, …, d − 1 coordinates 4τ, shape ``(d, d)``."""
        return 4 * self.tau * np.tri(self.dimension, self.dimension, -1)

    @cached_property
    def saddle_eigenvalues(self) -> Array:  # type: ignore[override]
        return np.full(self.dimension, -2 * self.gamma)

    @cached_property
    def minimisers(self) -> Array:  # type: ignore[override]
        return np.full((1, self.dimension), 4 * self.tau)

    def leg_factor(self, stepsize: float) -> float:
        r"""Return the factor by which gradient descent is slower at each saddle than at the one before.

        .. math:: \kappa(\eta) = 1 + \frac{\ln\frac{1}{1 - 2\eta L}}{\ln(1 + 2\eta\gamma)}

        It tends to (L + γ)/γ for small steps. Source: A3 (derived).

        Examples
        --------
        >>> round(Octopus(dimension=5, L=3.0).leg_factor(1 / 12), 2)
        5.5
        """
        self._check(stepsize)
        return float(1 - np.log1p(-2 * stepsize * self.L) / np.log1p(2 * stepsize * self.gamma))

    def legs(self, stepsize: float, start: Any = None) -> Array:
        """Return the numbers of steps between passing 2τ in successive coordinates, shape ``(d,)``; see `passages`."""
        return np.diff(self.passages(stepsize, start), prepend=0)

    def passages(self, stepsize: float, start: Any = None) -> Array:
        """Return the steps after which gradient descent has passed 2τ in coordinate 1, …, d, shape ``(d,)``.

        As by iteration with numbers that cannot underflow: where a coordinate moves by a factor, its logarithm is moved
        by many steps at once, so that a billion steps take no time.

        Parameters
        ----------
        stepsize : float
            η, below 1/(2L).
        start : array, shape (d,), optional
            None of it 0, all within τ; by default all ones.

        Raises
        ------
        WrongUse
            If the step size or the start is out of its range.

        Examples
        --------
        >>> Octopus(dimension=10, L=3.0).passages(stepsize=1 / 12)[-1] > 10**7
        np.True_
        """
        run = self._run(stepsize, start)
        run.run()
        return np.array(run.passages)

    def descent(self, stepsize: float, steps: Sequence[int], start: Any = None) -> tuple[Array, Array]:
        """Return the iterates of gradient descent after some numbers of steps, and the logarithms of their magnitudes.

        Parameters
        ----------
        stepsize, start
            As in `passages`.
        steps : sequence of int
            Increasing numbers of steps.

        Returns
        -------
        points, logs : array, shape (step, d)
            In `points` what is below the smallest number of float64 is 0; `logs` has ln|x_j| of it all the same.

        Examples
        --------
        >>> problem = Octopus(dimension=8, L=1.0)
        >>> points, logs = problem.descent(stepsize=0.25, steps=[0, 4000, 10000])
        >>> float(points[1, 7]), float(logs[1, 7].round(1)), float(points[2, 7].round(3))
        (0.0, -1022.8, 10.873)
        """
        wanted = [int(step) for step in steps]
        if not wanted or wanted != sorted(set(wanted)) or wanted[0] < 0:
            raise WrongUse(f"Octopus.descent(steps={steps!r})", "steps increase from 0 on", "give such numbers")
        run = self._run(stepsize, start)
        found = []
        for step in wanted:
            run.run(step)
            found.append(run.point())
        points, logs = zip(*found, strict=True)
        return np.array(points), np.array(logs)

    def _run(self, stepsize: float, start: Any) -> Descent:
        self._check(stepsize)
        x = np.array(self.start if start is None else start, dtype=float)
        if x.shape != (self.dimension,) or not ((abs(x) > 0) & (abs(x) <= self.tau)).all():
            remedy = f"give shape ({self.dimension},) and magnitudes in (0, {self.tau:.6g}]"
            raise WrongUse(f"Octopus with start={start!r}", "a coordinate is 0 or beyond τ, or missing", remedy)
        return Descent(self, stepsize, x)

    def _check(self, stepsize: float) -> None:
        if not 0 < 2 * stepsize * self.L < 1:
            raise WrongUse(f"Octopus with stepsize={stepsize!r}", "2ηL is not in (0, 1)", "give a step below 1/(2L)")

    def describe(self) -> dict[str, Any]:
        return {"dimension": self.dimension, "L": self.L, "gamma": self.gamma, "tau": self.tau}


class _At(NamedTuple):
    """Where points are: i (d beyond the last saddle), x_i and x_{i+1} (0 if there is none), and their magnitudes."""

    index: Array
    ended: Array
    x_i: Array
    u: Array
    x_next: Array
    w: Array
