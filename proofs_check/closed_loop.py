"""Memories of error feedback in closed loop, beside what the open-loop law makes of the run's own gradients."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from proofs_check.multipliers import Multipliers
from toolkit.arrays import Array

__all__ = ["ClosedLoop", "closed_loop", "corrected", "factor"]


class ClosedLoop(NamedTuple):
    """Both memories at t = 0 … T and in every coordinate, arrays of shape ``(T + 1, …, d)``."""

    memory: Array  # E e_t²
    predicted: Array  # what the open-loop law says for the autocovariances that g has in the loop


def closed_loop(
    by: Multipliers, hessian: Array, covariance: Array, autocorrelation: Any, stepsize: Any, start: Array, steps: int
) -> ClosedLoop:
    r"""Return E e² of error feedback on a quadratic, and its prediction from the gradients, by second moments.

    .. math:: g_t = Ax_t + \xi_t, \quad p_t = e_t + \gamma g_t, \quad x_{t+1} = x_t - m_t \circ p_t, \quad
              e_{t+1} = (1 - m_t) \circ p_t, \qquad E\,\xi_t \xi_{t-j}^\top = c^j\,\Sigma, \quad E\,\xi_t = 0,

    with multipliers m independent of ξ and over steps, each 0 or 1 and 1 with probability μ; q = 1 − μ. The prediction
    is the law that holds where g does not depend on m,

    .. math:: v_{t+1} = q\Bigl(v_t + \gamma^2 E\,g_t^2 + 2\gamma^2 \sum_{j=1}^{t} q^j E\,g_t g_{t-j}\Bigr), \qquad
              v_0 = 0,

    in each coordinate: :math:`\frac{q}{\mu}\gamma^2(c_0 + 2\sum_j q^j c_j)` once autocovariances are stationary.

    Parameters
    ----------
    by : Multipliers
        The compressor's, Rand-k's or coins; all of the same mean μ.
    hessian : array, shape (…, d, d)
        A; of several settings at once, if there are more axes.
    covariance : array, shape (d, d)
        Σ.
    autocorrelation : number or array, shape (…, 1, 1)
        c in [−1, 1].
    stepsize : number or array, shape (…, 1, 1)
        γ.
    start : array, shape (d,)
        x_0.
    steps : int
        T.

    Returns
    -------
    ClosedLoop
        Exact if all numbers are fractions. Source: derived, beside sheet saddle_escape, A4.

    Examples
    --------
    >>> from fractions import Fraction
    >>> from proofs_check.multipliers import multipliers
    >>> from toolkit.compressors import RandK
    >>> half, one, zero = Fraction(1, 2), np.ones((2, 2), dtype=int) * Fraction(1), np.zeros(2, dtype=int) * Fraction(1)
    >>> found = closed_loop(multipliers(RandK(k=1), 2, Fraction), np.diag([1, 0]) * one, one, 0 * half, half, zero, 2)
    >>> found.memory[2].tolist(), found.predicted[2].tolist()
    ([Fraction(13, 64), Fraction(3, 16)], [Fraction(11, 64), Fraction(3, 16)])
    """
    mu = by.mean[0]
    q = 1 - mu
    A, c, eta = hessian, autocorrelation, stepsize
    both = 1 - by.mean[:, None] - by.mean + by.second  # E (1 − m)(1 − m)'
    mixed = by.mean[:, None] - by.second  # E m(1 − m)'
    nothing = 0 * (A * c * eta * covariance)
    xx, xe, ee = nothing + start[:, None] * start, nothing, nothing  # E xx', E xe', E ee'
    x_noise = e_noise = nothing  # E xξ', E eξ'
    x_past = e_past = noise_past = nothing  # the sums over j ≥ 1 of q^j E x_t g_{t−j}', of e, and of ξ
    memory, predicted = [_diagonal(nothing)], [_diagonal(nothing)]
    for _ in range(steps):
        gx, ge = A @ xx + _turned(x_noise), A @ xe + _turned(e_noise)
        g_noise = A @ x_noise + covariance
        g_past = A @ x_past + noise_past
        gg = gx @ A + g_noise
        predicted.append(q * (predicted[-1] + _diagonal(eta * eta * (gg + 2 * g_past))))
        # Of the message p = e + γg; p_past has the last gradient itself as well.
        xp, gp = xe + eta * _turned(gx), ge + eta * gg
        pp = ee + eta * (_turned(ge) + gp)
        p_noise = e_noise + eta * g_noise
        p_past = e_past + eta * g_past + _turned(gp)
        x_past, e_past, noise_past = (
            q * (x_past + _turned(gx) - mu * p_past),
            q * q * p_past,
            q * c * (noise_past + _turned(g_noise)),
        )
        x_noise, e_noise = c * (x_noise - mu * p_noise), c * q * p_noise
        xx, xe, ee = xx - mu * (xp + _turned(xp)) + by.second * pp, q * xp - mixed * pp, both * pp
        memory.append(_diagonal(ee))
    return ClosedLoop(np.array(memory), np.array(predicted))


def _turned(moments: Array) -> Array:
    return np.swapaxes(moments, -1, -2)


def _diagonal(moments: Array) -> Array:
    return np.diagonal(moments, axis1=-2, axis2=-1)


def corrected(predicted: Array, mu: Any, gain: Any) -> Array:
    r"""Return E e_t² of a coordinate of curvature a, at every t, from the open-loop prediction v alone.

    As long as a coordinate is not sent, its x rests. So of the gradients that its memory sums up, the correlation is
    that *given* that it was not sent in between, h_j, and

    .. math:: \sum_{j\ge1} q^j(h_j - c_j) = a\sum_{j\ge1} q^j\,E\,g_{t-j}(x_{t-j} - x_t)
              = a\mu \sum_{s<t} q^{t-s} W_s, \qquad W_s = \sum_{r\le s} q^{s-r}\,E\,g_r p_s,

    with :math:`x_{s} - x_{s+1} = m_s p_s`. Here W follows from the memory u = E e² and the prediction v themselves,

    .. math:: 2\gamma W_t = \tfrac1q(u + v)_{t+1} - (u + v)_t + 2\gamma q^2 W_{t-1}, \qquad
              (u - v)_{t+1} = q(u - v)_t + 2q\gamma^2 a\mu \sum_{s<t} q^{t-s} W_s,

    whatever the noise is, as long as the masks do not depend on it. Exact if all numbers are fractions.

    Parameters
    ----------
    predicted : array, shape (T + 1,)
        v_t.
    mu : number
        μ.
    gain : number
        γa.

    Source: derived.
    """
    q = 1 - mu
    memory, w, lagged = [0 * predicted[0]], 0 * predicted[0], 0 * predicted[0]  # w = 2γW_t; lagged its weighted sum
    for v, v_next in pairwise(predicted):
        memory.append(v_next + q * (memory[-1] - v) + q * gain * mu * lagged)
        w = (memory[-1] + v_next) / q - (memory[-2] + v) + q * q * w
        lagged = q * (lagged + w)
    return np.array(memory)


def factor(mu: Any, gain: Any, growth: Any = 1) -> Any:
    r"""Return what E e² tends to, in units of the open-loop prediction from the run's own autocovariances.

    .. math:: \frac{1 + u}{1 - u}, \qquad u = \frac{\gamma a\,\mu q\,\Lambda}{(\Lambda - q)(\Lambda - q^2)},
              \qquad q = 1 - \mu,

    where all second moments grow by Λ a step; u = γa(1 − μ)/(μ(2 − μ)) where they are stationary. Source: derived; the
    limit of `corrected`.

    Parameters
    ----------
    mu : number
        μ = k/d.
    gain : number
        γa, a being the curvature of the coordinate.
    growth : number
        Λ.

    Examples
    --------
    >>> factor(0.5, 0.0), round(factor(0.25, 0.1), 4), round(factor(0.25, -0.1, 1.2), 4)
    (1.0, 1.4138, 0.8545)
    """
    q = 1 - mu
    u = gain * mu * q * growth / ((growth - q) * (growth - q * q))
    return (1 + u) / (1 - u)
