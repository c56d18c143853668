"""A narrow valley that compressed descent crosses at every step: the worst case of messages that project."""

from __future__ import annotations

from functools import cached_property
from math import sqrt
from typing import Any

import numpy as np

from problems.quadratic import Quadratic
from toolkit.arrays import Array
from toolkit.errors import WrongUse

__all__ = ["Zigzag"]


class Zigzag(Quadratic):
    r"""The plane with curvature μ along (1, 1) and L along (1, −1), and a start from which descent zigzags.

    .. math:: f(x) = \tfrac12 x^\top H x, \qquad H = \tfrac12 \begin{pmatrix} L + \mu & \mu - L \\ \mu - L & L + \mu
              \end{pmatrix}, \qquad x_{t+1} = x_t - \eta\,C(\nabla f(x_t))

    C projects every gradient on a line that lies at the angle arcsin s from it, on the side of the steep direction
    (1, −1): that is `proofs_check.worst_case.zigzag.SteepProjection`.

    Parameters
    ----------
    stepsize : float
        η > 0, for which the start is made.
    s : float, optional
        The relative error of messages, in (0, 1); by default that of Top-1 on this path, which then is this C.
    mu, L : float
        0 < μ < L.

    Attributes
    ----------
    factor : float
        λ², by which every step multiplies f.

    Raises
    ------
    WrongUse
        If the constants are out of range, or Top-1 does not zigzag with this step size: η > 2/(L + μ).

    Notes
    -----
    The gradients lie in turn on both sides of (1, −1), as mirror images, so that every step is the same linear map up
    to the mirror: x_{t+1} = λ·(the mirror image of x_t), where

    .. math:: \lambda^2 = \tau\lambda + D, \quad \tau = \eta(1 - s^2)(L - \mu), \quad
              D = 1 - \eta(1 - s^2)(L + \mu) + \eta^2(1 - s^2) L\mu

    and λ < 1 if and only if η < 2/L. The mirror exchanges both coordinates, and Top-1 sends them in turn: with it
    λ² = ½η(L − μ)λ + 1 − ½η(L + μ), and s is what it leaves out. Source: sheet 4.6 (derived); Top-1: derived here.

    Examples
    --------
    >>> problem = Zigzag(stepsize=1.0, mu=0.1)
    >>> round(problem.s, 4), round(problem.factor, 4)
    (0.4346, 0.8696)
    """

    def __init__(self, stepsize: float = 1.0, s: float | None = None, mu: float = 0.1, L: float = 1.0) -> None:
        asked = f"Zigzag(stepsize={stepsize}, s={s}, mu={mu}, L={L})"
        if not (0 < mu < L and stepsize > 0 and (s is None or 0 < s < 1)):
            raise WrongUse(asked, "a constant is out of range", "give 0 < mu < L, a positive step size and 0 < s < 1")
        if s is None and stepsize > 2 / (L + mu):
            raise WrongUse(asked, "Top-1 does not zigzag with this step size", f"give s, or at most {2 / (L + mu):.6g}")
        self.stepsize, self.mu, self.L = float(stepsize), float(mu), float(L)
        self.s = self._left_out_by_top_1() if s is None else float(s)
        kept = self.stepsize * (1 - self.s**2)
        along, across = kept * self.s / sqrt(1 - self.s**2) * L, self.root - 1 + kept * mu
        start = np.array([along + across, along - across])
        mean, half = (L + mu) / 2, (mu - L) / 2
        super().__init__(np.array([[[mean, half], [half, mean]]]), start=start / np.linalg.norm(start))

    def describe(self) -> dict[str, Any]:
        return {"stepsize": self.stepsize, "s": self.s, "mu": self.mu, "L": self.L}

    @cached_property
    def root(self) -> float:
        """λ, by which every step multiplies ‖x‖."""
        kept = self.stepsize * (1 - self.s**2)
        trace, product = kept * (self.L - self.mu), 1 - kept * (self.L + self.mu - self.stepsize * self.L * self.mu)
        return (trace + sqrt(trace**2 + 4 * product)) / 2

    @property
    def factor(self) -> float:
        return self.root**2

    def law(self, steps: int) -> Array:
        """Return f after 0, …, `steps` steps, from the start."""
        return float(self.value(self.start[None, None])[0, 0]) * self.factor ** np.arange(steps + 1)  # type: ignore[index]

    def _left_out_by_top_1(self) -> float:
        """Return the relative error of Top-1 at gradients (μ/(1 − λ), L/(1 + λ)) along both eigenvectors."""
        trace, product = self.stepsize * (self.L - self.mu) / 2, 1 - self.stepsize * (self.L + self.mu) / 2
        root = (trace + sqrt(trace**2 + 4 * product)) / 2
        flat, steep = self.mu * (1 + root), self.L * (1 - root)
        return (flat - steep) / sqrt(2 * (flat**2 + steep**2))
