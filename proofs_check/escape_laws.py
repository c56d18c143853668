r"""How long an escape from a saddle takes: laws on :math:`f = \tfrac12(\sum_{j>1} \lambda_j x_j^2 - \gamma x_1^2)`.

The escape time T is the first step at which :math:`|x_1| \ge R`, and :math:`a = \eta\gamma`. Everything here is derived
from the recursion of :math:`x_1` alone, which no other coordinate enters as long as the axes are those of the saddle.
"""

from __future__ import annotations

from math import log, sqrt
from typing import Any

import numpy as np
from scipy import special, stats

from toolkit.arrays import Array

__all__ = [
    "every_step_mean",
    "gradient_sq",
    "largest_step",
    "log_growth",
    "mean_growth",
    "mean_path",
    "memory_mean",
    "memory_rate",
    "once_mean",
]


def once_mean(a: float, reach: float, d: int) -> float:
    r"""Return E T for one perturbation ηξ, ξ uniform in a ball, and descent from there on.

    .. math:: E\,T = \sum_{t \ge 0} P\!\left(|u|\,(1 + a)^t < \frac{R}{\eta r}\right), \qquad
              u^2 \sim \mathrm{Beta}\!\left(\tfrac12, \tfrac{d+1}2\right),

    which but for the rounding to whole steps is :math:`\left(\ln\frac{R}{\eta r} + \tfrac12\psi(\tfrac d2 + 1) -
    \tfrac12\psi(\tfrac12)\right) / \ln(1 + a)`, ψ the digamma function: for large d it grows as
    :math:`\ln d / (2\ln(1 + a))`.

    Parameters
    ----------
    a : float
        ηγ.
    reach : float
        R/(ηr), above 1.
    d : int
        The dimension.

    Examples
    --------
    >>> round(once_mean(0.25, 1e3, 400) - once_mean(0.25, 1e3, 100), 2), round(log(4) / (2 * log(1.25)), 2)
    (3.09, 3.11)
    """
    t = np.arange(_long(a, reach * sqrt(d)))
    inside = np.minimum(reach / (1 + a) ** t, 1.0)
    return float(stats.beta.cdf(inside**2, 0.5, (d + 1) / 2).sum())


def every_step_mean(a: float, reach: Any) -> Any:
    r"""Return E T for :math:`x_1 \leftarrow (1 + a) x_1 - \eta\xi_1` from 0, with normal ξ_1 of variance v.

    .. math:: E\,T = \sum_{t \ge 0} P(|x_{t,1}| < R) = \sum_{t \ge 0}
              \operatorname{erf}\!\left(\frac{R}{\eta\sqrt v} \sqrt{\frac{(1 + a)^2 - 1}{2((1 + a)^{2t} - 1)}}\right),

    but for runs that come back from beyond R, for which a single :math:`\eta\xi_1` would have to exceed aR.
    With :math:`v = r^2/d` it grows as :math:`\ln d / (2\ln(1 + a))`.

    Parameters
    ----------
    a : float
        ηγ.
    reach : float or array
        R/(η√v).

    Examples
    --------
    >>> round(float(every_step_mean(0.25, 2e3) - every_step_mean(0.25, 1e3)), 3), round(log(2) / log(1.25), 3)
    (3.106, 3.106)
    """
    t = np.arange(1, _long(a, float(np.max(reach))))
    wide = ((1 + a) ** (2.0 * t) - 1) / ((1 + a) ** 2 - 1)
    return 1 + special.erf(np.asarray(reach)[..., None] / np.sqrt(2 * wide)).sum(axis=-1)


def memory_rate(mu: float, a: float) -> float:
    r"""Return Λ, the growth of :math:`\ln|x_1|` per step with Rand-k and memory, in the axes of the saddle.

    .. math:: \Lambda = \mu\,E\ln(1 + a\tau), \qquad P(\tau = j) = \mu(1 - \mu)^{j-1},

    because x_1 stands still while its coordinate is not sent, for τ steps, in which the memory collects τ equal
    gradients: :math:`x_1 \leftarrow (1 + a\tau) x_1`. So :math:`\Lambda = a - a^2/\mu + a^2/2 + \dots` for a ≪ μ, and
    :math:`\Lambda \approx \mu\,(\ln(a/\mu) - 0.577)` for μ ≪ a: about as fast as without compression while μ > a.

    Examples
    --------
    >>> memory_rate(1.0, 0.25) == log(1.25), round(memory_rate(0.5, 0.01) / log(1.01), 3)
    (True, 0.99)
    """
    tau, weight = _waits(mu)
    return mu * float((weight * np.log1p(a * tau)).sum())


def log_growth(mu: float, a: float, steps: Any) -> Array:
    r"""Return :math:`E\ln(x_{t,1}/x_{0,1})` without noise in x_1, :math:`\mu \sum_{s \le t} E\ln(1 + a\min(\tau, s))`.

    A step sends the coordinate with probability μ, and s steps after the start it has then waited min(τ, s) steps.
    """
    steps = np.asarray(steps)
    tau, weight = _waits(mu)
    s = np.arange(1, steps.max() + 1)
    of_step = np.array([(weight * np.log1p(a * np.minimum(tau, one))).sum() for one in s])
    return mu * np.concatenate([[0.0], of_step.cumsum()])[steps]


def mean_growth(mu: Any, a: Any) -> Any:
    r"""Return z, the growth of :math:`E\,x_1` per step with Rand-k and memory, in any basis.

    .. math:: z^2 - (2 - \mu + \mu a)\,z + 1 - \mu = 0

    since :math:`E\,x' = E\,x - \mu E(\eta e - a x)` and :math:`E\,\eta e' = (1 - \mu) E(\eta e - a x)` along the escape
    direction. It is :math:`1 + a - a^2/\mu + a^2 + \dots` for a ≪ μ and about :math:`1 + \sqrt{\mu a}` for μ ≪ a.

    Examples
    --------
    >>> float(mean_growth(1.0, 0.25)), round(float(mean_growth(0.001, 0.1)), 3)
    (1.25, 1.01)
    """
    middle = 2 - mu + mu * a
    return (middle + np.sqrt(middle**2 - 4 * (1 - mu))) / 2


def mean_path(mu: float, a: float, steps: Any) -> Array:
    """Return E x_{t,1} in units of x_{0,1} at some steps t, without noise; see `mean_growth`.

    Examples
    --------
    >>> mean_path(1.0, 0.5, (0, 1, 2))
    array([1.  , 1.5 , 2.25])
    """
    of_step = np.array([[1 + mu * a, -mu], [-(1 - mu) * a, 1 - mu]])  # of (E x, E ηe)
    return np.array([np.linalg.matrix_power(of_step, t)[0, 0] for t in steps])


def memory_mean(mu: float, a: float, reach: float, samples: int = 2000, seed: int = 0) -> tuple[float, float]:
    r"""Return E T for Rand-k with memory from the saddle, in its axes, and the standard error of what is returned.

    Given the masks x_1 is normal, with the variance :math:`v \leftarrow (1 + a\tau)^2 v + \eta^2 v_\xi \tau` from one
    sending to the next: so :math:`E\,T = \sum_t E\operatorname{erf}(R / \sqrt{2 v_t})`, of which the mean over masks is
    taken from samples.

    Parameters
    ----------
    mu, a : float
        μ, and ηγ.
    reach : float
        R/(η√v_ξ), with the variance of the noise along the escape direction.

    Examples
    --------
    >>> found, error = memory_mean(1.0, 0.25, 1e3)
    >>> bool(abs(found - every_step_mean(0.25, 1e3)) < 1e-9), error
    (True, 0.0)
    """
    rng = np.random.default_rng(seed)
    v, waited, times = np.zeros(samples), np.zeros(samples), np.ones(samples)
    while True:
        waited += 1
        sent = rng.random(samples) < mu
        v = np.where(sent, (1 + a * waited) ** 2 * v + waited, v)
        waited[sent] = 0
        outlasting = np.where(v > 0, special.erf(reach / np.sqrt(2 * np.maximum(v, 1e-300))), 1.0)
        times += outlasting
        if outlasting.max() < 1e-12:
            error = float(times.std(ddof=1) / sqrt(samples)) if mu < 1 else 0.0
            return float(times.mean()), error


def gradient_sq(mu: Any, step: Any) -> Any:
    r"""Return the stationary E‖∇f‖²/σ² of Rand-k with memory where all curvatures are L; `step` is b = ηL.

    .. math:: \frac{b}{2 - b\,\frac{2 - \mu}\mu}, \qquad\text{stable for } b < \frac{2\mu}{2 - \mu}.

    From one sending of a coordinate to the next :math:`x \leftarrow (1 - b\tau) x - \eta\sum\xi` with τ summands, and
    x stands still between; :math:`E(1 - b\tau)^2 = 1 - 2b/\mu + b^2(2 - \mu)/\mu^2`.
    """
    return step / (2 - step * (2 - mu) / mu)


def largest_step(mu: Any, share: Any) -> Any:
    r"""Return the largest ηL with :math:`E\|\nabla f\|^2 \le \varepsilon^2`, `share` being ε²/σ².

    .. math:: \eta L = \frac{2\varepsilon^2}{\sigma^2 + \varepsilon^2\,\frac{2 - \mu}\mu},

    the inverse of `gradient_sq`: it is half of :math:`2\varepsilon^2/\sigma^2`, that without a memory for small ε, at
    about μ = 2ε²/σ², and about μ far below.
    """
    return 2 * share / (1 + share * (2 - mu) / mu)


def _waits(mu: float) -> tuple[Array, Array]:
    """Return the waits and their probabilities, up to where 1e-17 is left; the last has all of that."""
    longest = 1 if mu == 1 else int(39 / -np.log1p(-mu)) + 2
    tau = np.arange(1, longest + 1)
    weight = mu * (1 - mu) ** (tau - 1.0)
    return tau, weight


def _long(a: float, reach: float) -> int:
    """Return steps after which a start within 1e-16 of the stable subspace has escaped as well."""
    return int((log(max(reach, 1.0)) + 37) / np.log1p(a)) + 2
