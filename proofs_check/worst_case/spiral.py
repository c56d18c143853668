"""How badly error feedback can do where messages project: a spiral in the plane, a lower bound of its rate."""

from __future__ import annotations

from math import log
from typing import Any, ClassVar

import numpy as np

from proofs_check.worst_case.settings import best_stepsize
from proofs_check.worst_case.zigzag import best_zigzag_factor
from toolkit.arrays import Array
from toolkit.compressors import Compressor
from toolkit.compressors._fields import like
from toolkit.constants import CompressorConstants, exact
from toolkit.errors import WrongUse

__all__ = ["SCALES", "SpiralProjection", "gain_limit", "spiral_factor", "spiral_law"]

SCALES = np.linspace(0.5, 2.0, 751)  # step sizes, in units of `best_stepsize`


class SpiralProjection(Compressor):
    r"""The projection of vectors of the plane on lines at the angle arcsin s from them, always to the left.

    .. math:: C(x) = z x, \qquad z = \sqrt{1 - s^2}\,(\sqrt{1 - s^2} + i s), \quad x = x_1 + i x_2

    so that ‖C(x) − x‖ = |1 − z|·‖x‖ = s‖x‖ and C(x) is orthogonal to C(x) − x.

    Parameters
    ----------
    s : float
        In [0, 1).

    Examples
    --------
    >>> SpiralProjection(s=0.6).compress(np.array([1.0, 0.0])).round(12)
    array([0.64, 0.48])
    """

    homogeneous: ClassVar[bool] = True

    s: float

    def message(self, x: Array, draw: Any) -> Array:
        if x.shape[-1] != 2:
            raise WrongUse(f"{self!r} on vectors of {x.shape[-1]} coordinates", "it acts on the plane", "take two")
        s = like(self.s, x)
        return (1 - s * s) * x + s * np.sqrt(1 - s * s) * np.stack([-x[..., 1], x[..., 0]], axis=-1)

    def constants(self, d: int, n: int = 1) -> CompressorConstants:
        return CompressorConstants(delta=exact(1 - self.s**2, "the same for every vector"))


def _turn(s: Any) -> Any:
    kept = np.sqrt(1 - np.asarray(s, dtype=float) ** 2)
    return kept * (kept + 1j * np.asarray(s, dtype=float))


def spiral_factor(h: Any, s: Any, stepsize: Any) -> Any:
    r"""Return |λ|², by which f = h‖x‖²/2 falls per step of error feedback with `SpiralProjection`, in the long run.

    .. math:: \lambda^2 - (2 - z - \eta h z)\,\lambda + 1 - z = 0, \quad \lambda \text{ the larger root}

    It bounds the rate of error feedback from below, for all messages that project, μ ≤ h ≤ L. Source: derived here.

    Examples
    --------
    >>> round(float(spiral_factor(0.1, 0.5, 0.7)), 4)
    0.8654
    """
    z = _turn(s)
    trace = 2 - z - np.asarray(stepsize, dtype=float) * np.asarray(h, dtype=float) * z
    apart = np.sqrt(trace * trace - 4 * (1 - z))
    return np.maximum(abs(trace + apart), abs(trace - apart)) ** 2 / 4


def spiral_law(h: float, s: float, stepsize: float, steps: int) -> Array:
    """Return f/f(x_0) after 0, …, `steps` steps on the spiral, from no memory: by powers of a complex 2×2 matrix."""
    z = complex(_turn(s))
    step = np.array([[1 - z * stepsize * h, -z], [(1 - z) * stepsize * h, 1 - z]])
    states = [np.array([1.0 + 0j, 0.0])]
    for _ in range(steps):
        states.append(step @ states[-1])
    return np.abs(np.array(states)[:, 0]) ** 2


def gain_limit(mu: float, s: float) -> float:
    """Return how many steps of compressed descent one of error feedback can be worth at most, each at its best step.

    The largest over `SCALES` of what the spirals with h = μ and h = L = 1 leave. Where it is below 1, compressed
    descent has the better exact rate.

    Examples
    --------
    >>> round(gain_limit(0.1, 0.5), 3), round(gain_limit(0.5, 0.5), 3)
    (1.112, 0.722)
    """
    stepsizes = SCALES * best_stepsize(mu, s)
    factors = np.maximum(spiral_factor(mu, s, stepsizes), spiral_factor(1.0, s, stepsizes))
    return float(log(factors.min()) / log(best_zigzag_factor(mu, s)))
