"""What a problem is to the program."""

from __future__ import annotations

from typing import Any

import numpy as np

from toolkit.arrays import Array
from toolkit.constants import ProblemConstants

__all__ = ["Problem"]


class Problem:
    """f(x) = (1/n) Σ_i f_i(x): subclass it, set `workers` and `dimension`, write `value` and `gradient`.

    Attributes
    ----------
    workers : int
        Number n of workers.
    dimension : int
        Number d of coordinates.
    f_star : float or None
        The minimum of f, if known.
    f_inf : float or None
        A certified lower bound of f; by default `f_star`.
    start : array, shape (d,), or None
        A default starting point.
    default_batch : 'full' or int
        What a sample is unless the experiment says otherwise.
    radius : float or None
        ``L`` and ``rho`` of `constants` are meant on the ball ‖x‖ ≤ radius; None: wherever f is defined.
    saddles, minimisers : array, shape (count, d), or None
        The saddles and the minimisers of f, one of each orbit of f's symmetries, if all are known.
    saddle_eigenvalues : array, shape (count,), or None
        The smallest eigenvalue of ∇²f at each of `saddles`, in closed form.
    """

    workers: int
    dimension: int
    f_star: float | None = None
    start: Array | None = None
    default_batch: str | int = "full"
    radius: float | None = None
    saddles: Array | None = None
    saddle_eigenvalues: Array | None = None
    minimisers: Array | None = None

    @property
    def f_inf(self) -> float | None:
        """A certified lower bound of f, None if none is known."""
        return self.f_star

    def value(self, x: Array) -> Array:
        """Return f_i(x_i).

        Parameters
        ----------
        x : array, shape (run, worker, d) or (run, 1, d)
            One point per worker, or one that all workers share.

        Returns
        -------
        array, shape (run, worker)
        """
        raise TypeError(f"{type(self).__name__} does not say its value: define value(x)")

    def gradient(self, x: Array) -> Array:
        """Return ∇f_i(x_i), shape ``(run, worker, d)``, for `x` as in `value`."""
        raise TypeError(f"{type(self).__name__} does not say its gradient: define gradient(x)")

    def stochastic_gradient(self, x: Array, draw: Any, batch: int) -> Array:
        """Return an unbiased estimate of `gradient` from `batch` samples; `draw` has the workers of the problem."""
        raise TypeError(f"{type(self).__name__} has no stochastic gradient: use batch='full'")

    def hessian_product(self, x: Array, v: Array) -> Array:
        """Return ∇²f(x) v, of the mean f over the workers.

        Parameters
        ----------
        x, v : array, shape (run, 1, d)
            Points and directions; one of them may have a single run for all of the other's.

        Returns
        -------
        array, shape (run, 1, d)
        """
        raise TypeError(f"{type(self).__name__} does not say its Hessian: define hessian_product(x, v)")

    def smallest_eigenvalue(self, x: Array) -> Array | None:
        """Return the smallest eigenvalue of ∇²f(x) in closed form, shape ``(run,)``; None if there is none.

        `toolkit.stationarity.smallest_eigenvalue` finds it from products where there is no closed form.
        """
        return None

    @property
    def constants(self) -> ProblemConstants:
        """The constants known of this problem; by default none."""
        return ProblemConstants()

    def gap(self, x: Array) -> Array | None:
        """Return f(x) − f*, shape ``(run,)``, free of cancellation where it can be, for `x` of shape ``(run, 1, d)``.

        None if f* is not known.
        """
        if self.f_star is None:
            return None
        return np.mean(self.value(x), axis=1) - self.f_star

    def observe(self, x: Array) -> dict[str, Array]:
        """Return further curves by name, arrays of shape ``(run,)``, at the output `x` of shape ``(run, 1, d)``."""
        return {}
