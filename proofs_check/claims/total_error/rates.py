"""Sahu et al., NeurIPS 2021: the leading term of S-a6, (nT)^(−1/2), as slopes in the steps and in the workers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING

import numpy as np

from problems.quadratic import Quadratic
from proofs_check.cases import Setting
from proofs_check.claim import Claim, Instance, not_applicable
from proofs_check.convergence import curve
from proofs_check.sides import agreement
from toolkit.algorithms.error_feedback import ErrorFeedback
from toolkit.arrays import Array
from toolkit.averages import uniform
from toolkit.compressors.hard_threshold import HardThreshold
from toolkit.errors import WrongUse
from toolkit.experiment import Experiment
from toolkit.rates import slope

if TYPE_CHECKING:
    import xarray

__all__ = ["Rate", "SlopeInSteps", "SlopeInWorkers", "in_steps", "in_workers", "measured"]

DIMENSION = 8
SIGMA_SQ = 8.0  # noise of standard deviation 1 in every coordinate
THRESHOLD = 0.25  # λ: what noise alone would exceed in four of five coordinates
SCALE = 0.4  # c in γ = c√(n/T), so that start and noise contribute alike
SEED = 1000  # seeds on which neither c nor λ was chosen
RUNS = 64
SHARE = 0.05  # what the memory's part of the bound may make up of the mean
MARGIN = 0.05  # slopes within it count as equal
CONFIDENCE = 0.99


@dataclass(frozen=True)
class Rate:
    """Runs along one variable, T or n, with γ = c√(n/T), and what S-a6 says of them.

    Attributes
    ----------
    variable : {'T', 'n'}
        What varies.
    values : array, shape (point,)
        Its values.
    experiments : dict of str to Experiment
        One for each value, in this order; each records its last step.
    bound : array, shape (point,)
        The right side of S-a6.
    memory_term : array, shape (point,)
        That part of it, 2L²γ²κ², which falls faster than the rate.
    """

    variable: str
    values: Array
    experiments: dict[str, Experiment]
    bound: Array
    memory_term: Array


def in_steps(level: str) -> Rate:
    """Return the runs over T at n = 4."""
    steps = {"quick": (128, 512, 2048), "full": (512, 1024, 2048, 4096, 8192, 16384)}[level]
    return _rate("T", steps, [(4, T) for T in steps])


def in_workers(level: str) -> Rate:
    """Return the runs over n at one T, so large that the memory's part, which grows with √(n³/T), stays negligible."""
    T = {"quick": 2048, "full": 8192}[level]
    workers = {"quick": (1, 4, 16), "full": (1, 2, 4, 8, 16)}[level]
    return _rate("n", workers, [(n, T) for n in workers])


def _rate(variable: str, values: tuple[int, ...], sizes: list[tuple[int, int]]) -> Rate:
    sides = [_sides(n, T) for n, T in sizes]
    return Rate(
        variable,
        np.array(values, dtype=float),
        {f"n = {n}, T = {T}": _experiment(n, T) for n, T in sizes},
        np.array([sum(terms) for terms in sides]),
        np.array([terms[-1] for terms in sides]),
    )


def _stepsize(n: int, T: int) -> float:
    return SCALE * sqrt(n / T)


def _setting(n: int) -> Setting:
    unlike = 1.0 if n > 1 else 0.0  # which the rate does not see
    # Not rotated: the draws of a rotation would depend on n, so that other n had other starting gaps, up to 8 %.
    problem = Quadratic.generate(
        n, DIMENSION, spectrum=(0.75, 1.0), heterogeneity=unlike, sigma_sq=SIGMA_SQ, rotated=False
    )
    return Setting(f"noisy quadratic, n = {n}", problem, batch=1, sigma_sq=SIGMA_SQ)


def _experiment(n: int, T: int) -> Experiment:
    return Experiment(
        _setting(n).problem,
        ErrorFeedback(),
        HardThreshold(lam=THRESHOLD),
        stepsize=_stepsize(n, T),
        steps=T,
        runs=RUNS,
        seed=SEED,
        record=[T],
        average={"grad_norm_sq": uniform},
    )


def _sides(n: int, T: int) -> tuple[float, float, float]:
    """Return the three terms of S-a6."""
    setting, gamma = _setting(n), _stepsize(n, T)
    memory = 2 * (setting.L * gamma) ** 2 * DIMENSION * THRESHOLD**2
    return 4 * setting.F_0 / (gamma * T), 2 * setting.L * gamma * setting.sigma_sq / n, memory


def measured(rate: Rate, data: Mapping[str, xarray.Dataset]) -> Array:
    """Return the mean squared gradient norm over all steps, shape ``(run, point)``."""
    return np.stack([curve(data[name], "grad_norm_sq_average")[:, -1] for name in rate.experiments], axis=-1)


class _Slope(Claim):
    """The slope of log E against the logarithm of one variable is −1/2."""

    reference = "Sahu et al., NeurIPS 2021 (S-a6, T-a5)"
    kind = "rate"

    def rate(self, level: str) -> Rate:
        """Return the runs along the variable."""
        raise NotImplementedError

    def experiments(self, level: str) -> dict[str, Experiment]:
        return self.rate(level).experiments

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        rate = self.rate(level)
        means = measured(rate, data)
        low, high = rate.values[[0, -1]]
        name = f"noisy heterogeneous quadratic, hard threshold, {rate.variable} from {low:g} to {high:g}"
        if np.isinf(means).any():
            reason = f"{np.isinf(means).any(axis=1).sum()} of {len(means)} runs diverged: an infinite mean has no slope"
            return [Instance(name, "violated", measured=float("inf"), runs=len(means), reason=reason)]
        try:
            found = slope(rate.values, means, confidence=CONFIDENCE, other_terms=rate.memory_term, at_most=SHARE)
        except WrongUse as error:
            return [not_applicable(name, str(error))]
        share = float((rate.memory_term / means.mean(axis=0)).max())
        reason = f"the memory's part of the bound is at most {share:.1%} of the mean"
        return [agreement(name, found, -0.5, MARGIN, runs=len(means), reason=reason)]


class SlopeInSteps(_Slope):
    """The slope in T."""

    id = "T-a5-steps"
    title = "Error feedback with a hard threshold converges like one over the root of the steps"
    statement = (
        r"\gamma=c\sqrt{n/T}\ \Rightarrow\ "
        r"\frac{d}{d\log T}\log\Big(\frac1T\sum_{t<T}E\lVert\nabla f(x_t)\rVert^2\Big)=-\frac12"
    )

    def rate(self, level: str) -> Rate:
        return in_steps(level)


class SlopeInWorkers(_Slope):
    """The slope in n: linear speed-up."""

    id = "T-a5-workers"
    title = "Error feedback with a hard threshold converges like one over the root of the workers"
    statement = (
        r"\gamma=c\sqrt{n/T}\ \Rightarrow\ "
        r"\frac{d}{d\log n}\log\Big(\frac1T\sum_{t<T}E\lVert\nabla f(x_t)\rVert^2\Big)=-\frac12"
    )

    def rate(self, level: str) -> Rate:
        return in_workers(level)
