"""Step sizes that are not one number: decaying, tuned to the horizon, and what a theorem prescribes.

A schedule is called with the loop's step t = 1 … T. Papers count from 0, so step t uses the paper's γ_{t−1}; step 0,
the start of a method, uses γ_0 as well.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from toolkit.errors import WrongUse
from toolkit.parameters import Parametrised, Schedule, values

__all__ = ["Decaying", "InverseSqrt", "Prescribed", "prescribed", "tuned", "tuning_bound"]


def _require_positive(asked: str, name: str, value: Any) -> None:
    if not isinstance(value, (int, float, np.integer, np.floating)) or not 0 < value < math.inf:
        raise WrongUse(asked, f"{name} = {value!r} is not a positive finite number", f"give {name} as a number above 0")


@dataclass(frozen=True)
class _PositiveSchedule(Schedule):
    """A schedule whose parameters, and with them all its values, are positive."""

    def __post_init__(self) -> None:
        for field in fields(self):
            _require_positive(repr(self), field.name, getattr(self, field.name))


@dataclass(frozen=True)
class Decaying(_PositiveSchedule):
    r"""A step size that decays like 1/t.

    .. math:: \gamma_t = \frac{\text{numerator}}{\text{shift} + t}, \qquad t = 0, 1, \dots

    The loop's step t uses γ_{t−1}.

    Parameters
    ----------
    numerator, shift : float
        Positive numbers.

    Raises
    ------
    WrongUse
        If a parameter is not a positive finite number.

    Notes
    -----
    Mem-SGD's theorem (S-m2, recalled) has numerator 8/μ and shift a; its released code (code) has 2/ℓ2.

    Examples
    --------
    >>> stepsize = Decaying(numerator=8.0, shift=4.0)
    >>> [stepsize(step) for step in (1, 5, 13)]
    [2.0, 1.0, 0.5]
    """

    numerator: float
    shift: float

    def __call__(self, step: int) -> float:
        return self.numerator / (self.shift + max(step - 1, 0))


@dataclass(frozen=True)
class InverseSqrt(_PositiveSchedule):
    r"""A step size that decays like 1/√t.

    .. math:: \gamma_t = \frac{\text{scale}}{\sqrt{\text{shift} + t}}, \qquad t = 0, 1, \dots

    The loop's step t uses γ_{t−1}.

    Parameters
    ----------
    scale, shift : float
        Positive numbers; shift 1 makes γ_0 equal to scale.

    Raises
    ------
    WrongUse
        If a parameter is not a positive finite number.

    Examples
    --------
    >>> stepsize = InverseSqrt(scale=2.0)
    >>> [stepsize(step) for step in (1, 4, 16)]
    [2.0, 1.0, 0.5]
    """

    scale: float
    shift: float = 1.0

    def __call__(self, step: int) -> float:
        return self.scale / math.sqrt(self.shift + max(step - 1, 0))


class Prescribed(Parametrised):
    """The step size that the method's theorem allows for this problem and compressor, times a factor.

    The simulation puts ``factor * algorithm.theory_stepsize(problem constants, compressor constants)`` in its place.

    Parameters
    ----------
    factor : float
        A positive number; may be swept.

    Raises
    ------
    WrongUse
        If a factor is not a positive finite number.

    Examples
    --------
    >>> prescribed(factor=[0.5, 1, 2])
    Prescribed(factor=(0.5, 1.0, 2.0))
    """

    factor: float = 1.0

    def validate(self) -> None:
        for factor in values(self.factor):
            _require_positive(f"prescribed(factor={self.factor!r})", "factor", factor)


prescribed = Prescribed  # a verb's participle reads better in simulate(…, stepsize=prescribed(factor=2))


def tuned(r: float, b: float, c: float, a: float, steps: int) -> float:
    r"""Return the step size that minimises the usual form of a convergence bound.

    .. math:: \arg\min_{0 < \gamma \le 1/a} \Big\{ \frac{r}{\gamma T} + b\gamma + c\gamma^2 \Big\}

    Parameters
    ----------
    r : float
        What the start contributes; positive.
    b, c : float
        What the noise and the compression contribute; not negative.
    a : float
        1/a is the largest step size allowed; a = 0 allows all.
    steps : int
        The horizon T.

    Returns
    -------
    float
        The minimiser, exact to rounding.

    Raises
    ------
    WrongUse
        If a number has the wrong sign, or b = c = a = 0, where every larger step size is better.

    Notes
    -----
    Source: the left side of S-x1 (derived). The minimiser is 1/a or the one positive root of 2cγ³ + bγ² = r/T.

    Examples
    --------
    >>> tuned(r=4.0, b=1.0, c=0.0, a=0.0, steps=16)
    0.5
    >>> tuned(r=4.0, b=1.0, c=0.0, a=4.0, steps=16)
    0.25
    """
    _check_tuning(r, b, c, a, steps)
    largest = 1 / a if a > 0 else math.inf
    per_step = r / steps
    root_of_square = math.sqrt(per_step / b) if b > 0 else math.inf
    root_of_cubic = math.cbrt(per_step / (2 * c)) if c > 0 else math.inf
    scale = min(root_of_square, root_of_cubic)
    if scale == math.inf:
        if largest == math.inf:
            raise WrongUse(
                f"tuned(r={r!r}, b={b!r}, c={c!r}, a={a!r})",
                "every larger step size is better",
                "give an a, b or c that matters",
            )
        return largest
    # With γ = scale·u the root solves cubic·u³ + square·u² = 1, where both are at most 1 and the larger one is 1: no
    # overflow, and u = 1 is not below the root, so that Newton's method on this convex function falls towards it.
    cubic, square = (scale / root_of_cubic) ** 3, (scale / root_of_square) ** 2
    u, previous = 1.0, math.inf
    while u < previous:
        previous = u
        u -= ((cubic * u + square) * u * u - 1) / ((3 * cubic * u + 2 * square) * u)
    return min(largest, scale * previous)


def tuning_bound(r: float, b: float, c: float, a: float, steps: int) -> float:
    r"""Return the closed-form bound on the least value of a convergence bound over its step size.

    .. math:: \min_{0 < \gamma \le 1/a} \Big\{ \frac{r}{\gamma T} + b\gamma + c\gamma^2 \Big\}
              \le 2\sqrt{\frac{br}{T}} + 2c^{1/3} \Big(\frac{r}{T}\Big)^{2/3} + \frac{ar}{T}

    Parameters
    ----------
    r, b, c, a, steps
        As in `tuned`.

    Returns
    -------
    float
        The right side.

    Raises
    ------
    WrongUse
        If a number has the wrong sign.

    Notes
    -----
    Source: S-x1 (derived). It is the sum of the terms at γ = min{1/a, √(r/(bT)), (r/(cT))^{1/3}}, each taken at its
    largest.

    Examples
    --------
    >>> tuning_bound(r=4.0, b=1.0, c=0.0, a=4.0, steps=16)
    2.0
    """
    _check_tuning(r, b, c, a, steps)
    per_step = r / steps
    return 2 * math.sqrt(b * per_step) + 2 * math.cbrt(c * per_step**2) + a * per_step


def _check_tuning(r: float, b: float, c: float, a: float, steps: int) -> None:
    asked = f"the tuning lemma with r={r!r}, b={b!r}, c={c!r}, a={a!r}, steps={steps!r}"
    _require_positive(asked, "r", r)
    _require_positive(asked, "steps", steps)
    for name, value in (("b", b), ("c", c), ("a", a)):
        if value != 0:
            _require_positive(asked, name, value)
