"""Weighted means over all steps of a run, kept by a recursion that cannot overflow."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from toolkit.arrays import Array, namespace
from toolkit.errors import WrongUse
from toolkit.parameters import Schedule

__all__ = ["RunningMean", "Weight", "contracting", "geometric", "polynomial", "uniform"]


@dataclass(frozen=True)
class Weight:
    r"""The weight of each step in a mean, known by the ratio of neighbours.

    .. math:: w_t = q^{-(t+1)} \, (\text{shift} + t)^{\text{power}}, \qquad t = 0, 1, \dots

    `uniform`, `geometric` and `polynomial` are the weights of the field's theorems.

    Parameters
    ----------
    q : float or array, shape (run,)
        In (0, 1]; an array, stored as a tuple, gives each run its own.
    shift : float
        Positive.
    power : float
        Not negative.
    rate : float
        Each run's q is taken times 1 − γ·rate, with its own step size γ.
    include_last : bool
        Whether the mean at step T covers t = 0 … T; by default 0 … T−1, as in most theorems.

    Raises
    ------
    WrongUse
        If a parameter is out of its range.
    """

    q: float = 1.0
    shift: float = 1.0
    power: float = 0.0
    rate: float = 0.0
    include_last: bool = False

    def __post_init__(self) -> None:
        if np.ndim(self.q) or not 0 < self.q <= 1:
            remedy = "give such a number; `contracting` follows each run's step size"
            raise WrongUse(f"a weight with q={self.q!r}", "q must be one number in (0, 1]", remedy)
        if not 0 <= self.rate < np.inf:
            raise WrongUse(
                f"a weight with rate={self.rate!r}", "it must not be negative", "give a number of at least 0"
            )
        if not 0 < self.shift < np.inf:
            raise WrongUse(f"a weight with shift={self.shift!r}", "the shift must be positive", "give a number above 0")
        if not 0 <= self.power < np.inf:
            raise WrongUse(
                f"a weight with power={self.power!r}", "it must not be negative", "give a number of at least 0"
            )

    def contraction(self, stepsize: Any) -> Any:
        """Return 1 − γ·rate for a step size γ, a number or an array of shape ``(run, 1, 1)``.

        Returns
        -------
        float or array, shape (run,)

        Raises
        ------
        WrongUse
            If the step size is a schedule, or so large that the factor leaves (0, 1].

        Examples
        --------
        >>> contracting(0.5).contraction(0.25)
        0.875
        """
        if self.rate == 0:
            return 1.0
        if isinstance(stepsize, Schedule):
            raise WrongUse(f"a weight with rate={self.rate}", "the step size is a schedule", "give one step size")
        factor = 1 - np.ravel(stepsize) * self.rate
        if not ((factor > 0) & (factor <= 1)).all():
            raise WrongUse(f"a weight with rate={self.rate}", "1 − γ·rate leaves (0, 1]", "give smaller step sizes")
        return factor.item() if factor.size == 1 else factor

    def including_last(self) -> Weight:
        """Return the weight of the mean over t = 0 … T, in place of 0 … T−1.

        Examples
        --------
        >>> uniform.including_last().include_last
        True
        """
        return replace(self, include_last=True)

    def ratio(self, t: int) -> float:
        """Return w_{t−1}/w_t for t ≥ 1, a number in (0, 1] or an array of them, shape (run,).

        Examples
        --------
        >>> polynomial(shift=3, power=2).ratio(1)
        0.5625
        """
        return self.q * ((self.shift + t - 1) / (self.shift + t)) ** self.power


uniform = Weight()


def geometric(q: float) -> Weight:
    r"""Return the weights of theorems with linear convergence, :math:`w_t = q^{-(t+1)}`.

    Parameters
    ----------
    q : float or array, shape (run,)
        In (0, 1], for example 1 − γμ/2 in S-a7 (derived).

    Returns
    -------
    Weight

    Raises
    ------
    WrongUse
        If a q is outside (0, 1].

    Examples
    --------
    >>> geometric(0.5).ratio(1)
    0.5
    """
    return Weight(q=q)


def contracting(rate: float) -> Weight:
    r"""Return the weights :math:`w_t = (1 - \gamma \cdot \text{rate})^{-(t+1)}` with each run's own step size γ.

    Parameters
    ----------
    rate : float
        Positive, for example μ/2 in S-a7 (derived).

    Returns
    -------
    Weight
    """
    return Weight(rate=rate)


def polynomial(shift: float, power: float) -> Weight:
    r"""Return the weights of theorems with decaying steps, :math:`w_t = (\text{shift} + t)^{\text{power}}`.

    Parameters
    ----------
    shift : float
        Positive, for example the a of Mem-SGD's step size 8/(μ(a + t)).
    power : float
        Not negative; 2 in Mem-SGD (S-m3, derived).

    Returns
    -------
    Weight

    Raises
    ------
    WrongUse
        If a parameter is out of its range.

    Examples
    --------
    >>> polynomial(shift=1, power=1).ratio(1)
    0.5
    """
    return Weight(shift=shift, power=power)


class RunningMean:
    r"""The weighted mean of a sequence, in one pass.

    .. math:: r_0 = 1, \quad r_t = 1 + \frac{w_{t-1}}{w_t} r_{t-1}, \qquad
              \bar v_t = \bar v_{t-1} + \frac{v_t - \bar v_{t-1}}{r_t}

    r_t = Σ_{s≤t} w_s / w_t is at most t + 1, so nothing overflows, however large the weights are.

    Parameters
    ----------
    weight : Weight
        The weight of each step; where its q has one value per run, so has the first axis of every value.

    Examples
    --------
    >>> running = RunningMean(polynomial(shift=1, power=1))
    >>> [float(running.update(value)) for value in (1.0, 4.0, 7.0)]
    [nan, 1.0, 3.0]
    """

    def __init__(self, weight: Weight, stepsize: Any = 0.0) -> None:
        self.weight = weight
        self._contraction = weight.contraction(stepsize)
        self._t = 0
        self._relative_sum: Any = 1.0
        self._mean: Array = None

    def update(self, value: Array) -> Array:
        """Take in the value of the next step, t = 0, 1, …, and return the mean that belongs to that step.

        Parameters
        ----------
        value : array, shape (run,) or (run, 1, d), or float
            The value v_t; kept, never written to.

        Returns
        -------
        array, shape of `value`
            The mean over 0 … t − 1, which is NaN at t = 0; over 0 … t if the weight includes the last step.
        """
        before = self._mean
        if self._t == 0:
            before, self._mean = value * np.nan, value
        else:
            self._relative_sum = 1 + self.weight.ratio(self._t) * self._contraction * self._relative_sum
            self._mean = before + (value - before) / _along_runs(self._relative_sum, value)
        self._t += 1
        return self._mean if self.weight.include_last else before


def _along_runs(number: Any, value: Array) -> Any:
    """Give one number per run the axes of `value`, in its array library; one number for all stays as it is."""
    if np.ndim(number) == 0:
        return number
    return namespace(value).asarray(number.reshape((-1,) + (1,) * (value.ndim - 1)), dtype=value.dtype)
