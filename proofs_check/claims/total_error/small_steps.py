"""Sahu et al., NeurIPS 2021: without noise, how the threshold's error falls with the step size and with the steps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from problems.quadratic import Quadratic
from proofs_check.claim import Claim, Instance, not_applicable
from proofs_check.convergence import curve
from proofs_check.sides import agreement
from toolkit.algorithms.error_feedback import ErrorFeedback
from toolkit.arrays import Array
from toolkit.averages import uniform
from toolkit.compressors.hard_threshold import HardThreshold
from toolkit.draws import Draw
from toolkit.experiment import Experiment
from toolkit.rates import slope

if TYPE_CHECKING:
    import xarray

REFERENCE = "Sahu et al., NeurIPS 2021"
WORKERS, DIMENSION, STARTS = 4, 8, 16
MU, L = 0.75, 1.0
CONFIDENCE = 0.99
LAM, RAW = 10.0, 1.0  # they agree at γ = 1/10
STEPSIZES = {"quick": (0.1, 0.05, 0.025), "full": (0.1, 0.05, 0.025, 0.0125)}
FLOOR_MARGIN = 0.1
LAST = {"quick": (200, 600, 1800), "full": (250, 500, 1000, 2000, 4000, 8000, 16000)}
SCALE, RATE_LAM, RATE_START = 0.5, 4.0, 0.3  # with these start and memory contribute alike
RATE_MARGIN = 0.05
SETTLED = 8.0  # the least γμT: what is left of the start is e^(−16) of it


def unlike_workers() -> Quadratic:
    """Return four workers with common curvatures from μ to L and different slopes; the minimiser is 0."""
    b = Draw(seed=0, workers=WORKERS).per_worker.normal(DIMENSION)[0]
    return Quadratic(np.tile(np.linspace(MU, L, DIMENSION), (WORKERS, 1)), b - b.mean(axis=0))


def starts() -> Array:
    """Return normal starts, shape ``(run, d)``."""
    return Draw(seed=np.arange(STARTS)).of("start").normal(DIMENSION)[:, 0]


class _Floor(Claim):
    """How the gap at which the threshold stays depends on the step size."""

    reference = f"{REFERENCE} (T-a7, S-a7)"
    kind = "rate"
    compressor: ClassVar[HardThreshold]
    exponent: ClassVar[float]

    def experiments(self, level: str) -> dict[str, Experiment]:
        stepsizes = STEPSIZES[level]
        steps = 2 * int(SETTLED / (MU * min(stepsizes)))
        return {
            "every γ": Experiment(
                unlike_workers(),
                ErrorFeedback(),
                self.compressor,
                stepsize=stepsizes,
                steps=steps,
                runs=STARTS,
                x0=starts(),
                record=[steps // 2, steps],
                average={"f_gap": uniform},
            )
        }

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        half, whole = np.moveaxis(data["every γ"]["f_gap_average"].values, -1, 0)
        gammas, floors = np.array(STEPSIZES[level])[::-1], (2 * whole - half).T[:, ::-1]
        found = slope(gammas, floors, confidence=CONFIDENCE)
        listed = ", ".join(f"{floor:.3g}" for floor in floors.mean(axis=0))
        reason = f"the floors are {listed}{self.remark()}"
        name = f"four unlike workers, γ from {gammas[0]:g} to {gammas[-1]:g}"
        return [agreement(name, found, self.exponent, FLOOR_MARGIN, runs=len(floors), reason=reason)]

    def remark(self) -> str:
        """Return what else there is to say."""
        return ""


class FloorAtLambda(_Floor):
    """With λ kept the floor falls with the square of the step size."""

    id = "T-a7-lambda"
    title = "The threshold's floor is proportional to the square of the step size if λ is kept"
    statement = (
        r"\mathrm{raw}=\gamma\lambda\ \Rightarrow\ \frac{d}{d\log\gamma}\log\Big(\frac2T\sum_{T/2\le t<T}"
        r"\big[f(x_t)-f^\star\big]\Big)=2"
    )
    compressor = HardThreshold(lam=LAM)
    exponent = 2.0


class FloorAtRaw(_Floor):
    """With the raw threshold kept the step size does not matter."""

    id = "T-a7-raw"
    title = "The threshold's floor does not depend on a small step size if the raw threshold is kept"
    statement = (
        r"\mathrm{raw}\text{ fixed}\ \Rightarrow\ \frac{d}{d\log\gamma}\log\Big(\frac2T\sum_{T/2\le t<T}"
        r"\big[f(x_t)-f^\star\big]\Big)=0"
    )
    compressor = HardThreshold(raw=RAW)
    exponent = 0.0

    def remark(self) -> str:
        # A sawtooth of height raw has variance raw²/12, and the mean of n that keep no time together an n-th of it.
        uniform_law = RAW**2 * np.linspace(MU, L, DIMENSION).sum() / (24 * WORKERS)
        return f"; memories that are independent and uniform would make it raw²·Σh/(24n) = {uniform_law:.3g}"


class NoiselessRate(Claim):
    """Without noise, step sizes that fall like T^(−1/3) give T^(−2/3)."""

    id = "T-a5-noiseless"
    title = "Without noise, error feedback with a hard threshold converges like the steps to the power −2/3"
    statement = (
        r"\sigma=0,\ \gamma=cT^{-1/3},\ \gamma T\gg\frac1\mu\ \Rightarrow\ "
        r"\frac{d}{d\log T}\log\Big(\frac1T\sum_{t<T}\lVert\nabla f(x_t)\rVert^2\Big)=-\frac23"
    )
    reference = f"{REFERENCE} (S-a6, T-a5)"
    kind = "rate"
    exponent: ClassVar[float] = 1 / 3  # of γ

    def stepsize(self, T: int) -> float:
        """Return γ for a horizon."""
        return SCALE * T**-self.exponent

    def experiments(self, level: str) -> dict[str, Experiment]:
        return {
            f"T = {T}": Experiment(
                unlike_workers(),
                ErrorFeedback(),
                HardThreshold(lam=RATE_LAM),
                stepsize=self.stepsize(T),
                steps=T,
                runs=STARTS,
                x0=RATE_START * starts(),
                record=[T // 2, T],
                average={"grad_norm_sq": uniform},
            )
            for T in LAST[level]
        }

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        horizons = np.array(LAST[level])
        name = f"four unlike workers, T from {horizons[0]} to {horizons[-1]}"
        settled = min(self.stepsize(T) * MU * T for T in LAST[level])
        if settled < SETTLED:
            return [not_applicable(name, f"γμT is only {settled:.3g} at one T: the start is not yet forgotten")]
        curves = [curve(data[f"T = {T}"], "grad_norm_sq_average") for T in LAST[level]]
        means = np.stack([one[:, -1] for one in curves], axis=1)
        late = np.stack([2 * one[:, 1] - one[:, 0] for one in curves], axis=1).mean(axis=0) / means.mean(axis=0)
        found = slope(horizons, means, confidence=CONFIDENCE)
        reason = f"γμT ≥ {settled:.3g}; the memory makes {late.min():.0%} to {late.max():.0%} of the mean"
        return [agreement(name, found, -2 / 3, RATE_MARGIN, runs=len(means), reason=reason)]
