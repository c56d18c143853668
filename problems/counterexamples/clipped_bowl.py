"""A bowl with straight sides, across which error feedback steps to and fro for ever: a recalled theorem fails on it."""

from __future__ import annotations

from typing import Any

import numpy as np

from problems._base import Problem
from toolkit.arrays import Array
from toolkit.constants import ProblemConstants, exact
from toolkit.errors import WrongUse

__all__ = ["ClippedBowl"]


class ClippedBowl(Problem):
    r"""x²/2 up to where its slope is 1, and straight from there: Huber's function.

    .. math:: f(x) = \begin{cases} \tfrac12 x^2, & |x| \le 1, \\ |x| - \tfrac12, & |x| \ge 1, \end{cases} \qquad
              f'(x) = \max(-1, \min(1, x)), \qquad L = 1, \quad E\,g(x)^2 \le \sigma^2 = 1 \ \text{at every } x .

    Parameters
    ----------
    start : float
        Where runs begin.
    sampled : bool
        Whether a sample is a sign, g = ±1 with mean f'(x), so that g² = 1 at every x; otherwise it is f'(x).

    Notes
    -----
    Error feedback with a compressor that stretches, C(p) = (1 + q)p, hence 1 − δ = q² and nearly no compression, and
    γ = 2/(1 + q) steps from 1 to beyond −1, from there to beyond 1, and so on: without noise, without end, with
    f'(x_t)² = 1 at every t (`law`). So the smallest of the squared gradients is 1. The bound that is recalled for it,
    :math:`\frac{2F_0}{\gamma(T+1)} + \frac{L\gamma\sigma^2}2 + \frac{4(1-\delta)}{\delta^2}L^2\gamma^2\sigma^2`, is
    below 1 from T = 33 on with q = 1/33, and tends to 0.984. If the compressor shrinks its first `walk` messages by
    1 − q before it stretches, and the start is as much farther away, the memory is at its largest when the stepping
    begins; then smaller steps do, γ = 2(1 − q)/((1 + q)(1 − q^(walk + 1))), and for q near 1/11 the bound is down to
    0.92666, the least value it can have (claim S-d3-cap). What repairs it: the middle term that the proof gives, twice
    as large. Source: derived here; that the printed theorem has the recalled constant is open.

    Examples
    --------
    >>> from fractions import Fraction
    >>> problem, gamma = ClippedBowl.stepping(q=Fraction(1, 3))
    >>> gamma, problem.start
    (Fraction(3, 2), array([1.]))
    >>> [str(x) for x in ClippedBowl.law(Fraction(1, 3), steps=4)]
    ['1', '-1', '5/3', '-11/9', '47/27']
    """

    workers = 1
    dimension = 1
    f_star = 0.0
    x_star = np.zeros(1)

    def __init__(self, start: float = 1.0, sampled: bool = False) -> None:
        self.start = np.array([float(start)])
        self.sampled = sampled
        self.default_batch = 1 if sampled else "full"

    def value(self, x: Array) -> Array:
        far = abs(x[..., 0])
        return np.where(far <= 1, far**2 / 2, far - 0.5)

    def gradient(self, x: Array) -> Array:
        return np.clip(x, -1.0, 1.0)

    def stochastic_gradient(self, x: Array, draw: Any, batch: int) -> Array:
        """Return the mean of a batch of signs, or the gradient if these are not asked for."""
        gradient = self.gradient(x)
        if not self.sampled:
            return gradient
        return np.where(draw.uniform(batch) < (1 + gradient) / 2, 1.0, -1.0).mean(axis=-1, keepdims=True)

    @property
    def F_0(self) -> float:
        """f(x_0) − f*."""
        return float(self.value(self.start)[()])

    @property
    def constants(self) -> ProblemConstants:
        return ProblemConstants(
            L=exact(1.0, "the slope of f'"),
            L_i=exact(np.ones(1), "the slope of f'"),
            sigma_sq=exact(float(self.sampled), "1 − f'(x)², largest at 0"),
            convex=True,
        )

    def describe(self) -> dict[str, Any]:
        return {"start": self.start, "sampled": self.sampled}

    @classmethod
    def stepping(cls, q: Any, walk: int = 0) -> tuple[ClippedBowl, Any]:
        """Return the problem and the step size γ of the law.

        Parameters
        ----------
        q : float or Fraction
            √(1 − δ), in (0, 1); γ is a fraction if it is.
        walk : int
            How many messages the compressor shrinks before it stretches.

        Raises
        ------
        WrongUse
            If q or `walk` is out of its range.
        """
        gamma = cls._stepsize(q, walk)
        return cls(float(1 + cls._way(q, walk))), gamma

    @classmethod
    def law(cls, q: Any, steps: int, walk: int = 0) -> list[Any]:
        """Return the iterates x_0 … x_steps, as fractions if q is one; none of them is within (−1, 1)."""
        gamma = cls._stepsize(q, walk)
        iterates = [1 + cls._way(q, walk)]
        for t in range(steps):
            message = gamma * (1 - q ** (t + 1)) / (1 - q)  # its magnitude: what is remembered is q times the last one
            if t < walk:
                iterates.append(iterates[-1] - (1 - q) * message)
            else:
                iterates.append(iterates[-1] - (1 + q) * message * (-1) ** (t - walk))
        return iterates

    @classmethod
    def threshold(cls, q: Any, walk: int) -> Any:
        """Return a length between those of the messages that are to be shrunk and of those to be stretched."""
        return cls._stepsize(q, walk) * (1 - q**walk * (1 + q) / 2) / (1 - q)

    @staticmethod
    def _stepsize(q: Any, walk: int) -> Any:
        if not 0 < q < 1 or walk < 0:
            raise WrongUse(f"ClippedBowl with q={q!r}, walk={walk!r}", "out of range", "give 0 < q < 1 and walk ≥ 0")
        return 2 * (1 - q) / ((1 + q) * (1 - q ** (walk + 1)))

    @classmethod
    def _way(cls, q: Any, walk: int) -> Any:
        """Return how far the walk leads."""
        return cls._stepsize(q, walk) * (walk - q * (1 - q**walk) / (1 - q))
