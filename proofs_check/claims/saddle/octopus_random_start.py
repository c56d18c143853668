"""Du et al., NeurIPS 2017: how a random start lengthens and shortens the legs of gradient descent on the octopus."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from problems.saddles.octopus import Octopus
from proofs_check.claim import Claim, Instance
from proofs_check.claims.saddle.octopus import REFERENCE, settings
from proofs_check.sides import inequality
from toolkit.arrays import Array

if TYPE_CHECKING:
    import xarray

ENTRIES = 4001  # of a seam, at which its terms are computed
BETWEEN = 0.01  # steps: what they may differ by between two of these entries


def seam_terms(octopus: Octopus, stepsize: float) -> tuple[Array, Array]:
    r"""Return what the seam of a coordinate adds to its own leg and to the wait of the next, as functions of its entry.

    Within τ the coordinate grows by 1 + 2ηγ a step, up to :math:`\tau(1 + 2\eta\gamma)^\theta`, 0 < θ ≤ 1. It then
    makes n(θ) steps to 2τ, in which the next coordinate moves by :math:`1 - 2\eta g_2(u)` in place of 1 − 2ηL. In
    steps of growth these are :math:`A = \theta + n` and
    :math:`D = (n \ln\frac{1}{1 - 2\eta L} + \sum\ln(1 - 2\eta g_2(u)))/\ln(1 + 2\eta\gamma)`; the next coordinate is
    taken to be too small to act back.
    """
    grow, shrink = np.log1p(2 * stepsize * octopus.gamma), -np.log1p(-2 * stepsize * octopus.L)
    theta = np.linspace(0.0, 1.0, ENTRIES)[1:]
    u = octopus.tau * np.exp(theta * grow)
    steps, moved = np.zeros_like(u), np.zeros_like(u)
    while (on := u <= 2 * octopus.tau).any():
        moved += np.where(on, np.log1p(-2 * stepsize * octopus.g2(u)), 0.0)
        steps += on
        u = np.where(on, u - stepsize * octopus.g1(u, 1), u)
    return theta + steps, (shrink * steps + moved) / grow


class RandomStart(Claim):
    """The legs from random starts, of which the law of equal coordinates knows all but the ratio of two starts."""

    id = "A3-random-start"
    title = "On the octopus a random start adds ln(x_k/x_(k+1))/ln(1 + 2ηγ) to a leg, up to the steps of the seams"
    statement = (
        r"t_{k+1}=\kappa\,t_k+\frac{\ln(|x_{0,k}|/|x_{0,k+1}|)}{\ln(1+2\eta\gamma)}+\rho_k,"
        r"\quad|\rho_k|\le B(\eta),\ k\ge3,\qquad B=\max A-\min(A+D)+\max D\text{ over the entries of a seam}"
    )
    reference = f"{REFERENCE}; derived"
    kind = "upper bound"
    dimension: ClassVar[int] = 9
    starts: ClassVar[Mapping[str, int]] = {"quick": 40, "full": 250}

    def added(self, octopus: Octopus, stepsize: float, start: Array) -> Array:
        """Return what starts add to the legs after the first."""
        return np.log(start[..., :-1] / start[..., 1:]) / np.log1p(2 * stepsize * octopus.gamma)

    def bound(self, octopus: Octopus, stepsize: float) -> float:
        """Return B."""
        own, waited = seam_terms(octopus, stepsize)
        up, down = own.max() - (own + waited).min() + waited.max(), (own + waited).max() - own.min() - waited.min()
        return float(max(up, down)) + BETWEEN

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        instances, rng = [], np.random.default_rng(0)
        shape = (self.starts[level], self.dimension)
        starts = {"uniform": rng.uniform(size=shape), "log-uniform": 10 ** rng.uniform(-6, 0, shape)}
        for name, setting, stepsize in settings(level):
            octopus = Octopus(self.dimension, setting.L, setting.gamma, setting.tau)
            bound, kappa = self.bound(octopus, stepsize), octopus.leg_factor(stepsize)
            for law, start in starts.items():
                legs = np.array([octopus.legs(stepsize, one) for one in start])
                off = (legs[:, 1:] - kappa * legs[:, :-1])[:, 2:]
                left = abs(off - self.added(octopus, stepsize, start)[:, 2:])
                reason = f"{left.size} legs; without the term off by up to {abs(off).max():.3g}; in steps"
                # κ times a leg rounds once, and legs come to some 10^8 steps of which the bound is a few.
                rounding = 4 * float(legs.max()) / bound
                instances.append(inequality(f"{name}, {law}", left, bound, rounding=rounding, reason=reason))
        return instances
