"""Chen, Li and Chi, AISTATS 2024: what workers and their differences do to Power-EF, as it is put together here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from problems.noisy import Noisy
from problems.saddles.strict_saddle import StrictSaddle
from problems.spread import Spread
from proofs_check.claim import Claim, Instance
from proofs_check.convergence import curve
from proofs_check.sides import agreement, inequality
from toolkit.algorithms import Algorithm
from toolkit.algorithms.error_feedback import ErrorFeedback
from toolkit.algorithms.power_ef import PowerEF
from toolkit.arrays import Array
from toolkit.averages import uniform
from toolkit.compressors.top_k import TopK
from toolkit.draws import Draw
from toolkit.experiment import Experiment
from toolkit.rates import slope

if TYPE_CHECKING:
    import xarray

REFERENCE = "Chen, Li and Chi, AISTATS 2024, abstract (A5), of a form of the method that is put together here"
D = 8
ROUNDS = 2
CONFIDENCE = 0.99
SEED = 1000


def saddle() -> StrictSaddle:
    """Return a saddle between two wells, all curvatures at most 1 and at the minimisers equal to 1."""
    return StrictSaddle([-1.0] + [1.0] * (D - 1), rho=2.0, top=1.0)


class SpeedUp(Claim):
    """The part of the error that is due to noise falls with the number of workers."""

    id = "A5-speed-up"
    title = "At a given step size the squared gradient that noise leaves in Power-EF falls like one over the workers"
    statement = (
        r"\frac{d}{d\log n}\log\Big(\frac2T\sum_{T/2\le t<T}\mathbb E\lVert\nabla f(x_t)\rVert^2\Big)=-1,"
        r"\qquad\eta,\sigma^2,\zeta^2\text{ fixed}"
    )
    reference = REFERENCE
    kind = "rate"
    method: ClassVar[Algorithm] = PowerEF(rounds=ROUNDS)
    kept: ClassVar[int] = 1
    margin: ClassVar[float] = 0.1
    workers: ClassVar[Mapping[str, tuple[int, ...]]] = {"quick": (2, 8, 32), "full": (2, 4, 8, 16, 32)}
    steps: ClassVar[Mapping[str, int]] = {"quick": 400, "full": 1000}

    def experiments(self, level: str) -> dict[str, Experiment]:
        steps = self.steps[level]
        return {
            f"n = {n}": Experiment(
                Spread(Noisy(saddle(), sigma_sq=1.0), workers=n, zeta_sq=16.0),
                self.method,
                TopK(k=self.kept),
                stepsize=0.02,
                steps=steps,
                runs=16,
                seed=SEED,
                x0=saddle().minimisers[0],
                record=[steps // 2, steps],
                average={"grad_norm_sq": uniform},
            )
            for n in self.workers[level]
        }

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        workers = np.array(self.workers[level])
        halves = np.stack([curve(data[f"n = {n}"], "grad_norm_sq_average") for n in workers], axis=1)
        late = 2 * halves[..., 1] - halves[..., 0]
        found = slope(workers, late, confidence=CONFIDENCE)
        plain = 0.02 / (2 - 0.02) / workers  # around a minimum where all curvatures are 1: ησ²/(n(2 − η))
        ratio = late.mean(axis=0) / plain
        reason = f"{ratio[0]:.3g} to {ratio[-1]:.3g} times what uncompressed SGD has, σ² = 1, ζ² = 16"
        name = f"Top-{self.kept}, n from {workers[0]} to {workers[-1]}"
        return [agreement(name, found, -1.0, self.margin, runs=len(late), reason=reason)]


class _Unlike(Claim):
    """What workers that differ do to a method without noise, from starts beside a saddle."""

    reference = REFERENCE
    method: ClassVar[Algorithm]
    kept: ClassVar[int]
    workers: ClassVar[int] = 8
    stepsize: ClassVar[float] = 0.1
    differences: ClassVar[Mapping[str, tuple[float, ...]]] = {"quick": (1, 30, 1000), "full": (1, 10, 100, 1000)}  # ζ²

    def experiments(self, level: str) -> dict[str, Experiment]:
        runs, steps = {"quick": (8, 500), "full": (32, 1500)}[level]
        return {
            f"{type(self.method).__name__}, ζ² = {zeta_sq:g}": Experiment(
                Spread(saddle(), workers=self.workers, zeta_sq=zeta_sq),
                self.method,
                TopK(k=self.kept),
                stepsize=self.stepsize,
                steps=steps,
                runs=runs,
                x0=1e-2 * Draw(np.arange(runs)).of("start").normal(D)[:, 0],
                record=[0, *range(steps // 2, steps + 1, 5)],
            )
            for zeta_sq in self.differences[level]
        }

    def gaps(self, data: Mapping[str, xarray.Dataset], level: str) -> dict[str, Array]:
        """Return the gaps at the start and in the second half, shape ``(run, point)``, by the name of the runs."""
        return {name: curve(data[name], "f_gap") for name in self.experiments(level)}


class Heterogeneity(_Unlike):
    """Power-EF comes to the minimum."""

    id = "A5-heterogeneity"
    title = "Without noise Power-EF converges to the last digit, however much the workers differ"
    statement = (
        r"\sigma=0\ \Rightarrow\ f(x_T)-f^\star\le10^{-15}\,(f(x_0)-f^\star),\qquad\text{whatever }\zeta^2,\ "
        r"\eta T\ge50"
    )
    kind = "upper bound"
    method = PowerEF(rounds=ROUNDS)
    kept = 1
    share: ClassVar[float] = 1e-15

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        return [
            inequality(name, gaps[:, -1], self.share * gaps[:, 0], rounding=0, reason=f"all of {len(gaps)} starts")
            for name, gaps in self.gaps(data, level).items()
        ]


class FloorOfErrorFeedback(_Unlike):
    """Error feedback that sends as many values stays off it."""

    id = "A5-heterogeneity-ef14"
    title = "Sending as many values as Power-EF, error feedback stays off the minimum in proportion to ζ²"
    statement = (
        r"\sigma=0,\ \mathrm{EF14}\ \Rightarrow\ "
        r"\frac{d}{d\log\zeta^2}\log\Big(\frac2T\sum_{T/2\le t<T}\big[f(x_t)-f^\star\big]\Big)=1"
    )
    kind = "rate"
    method = ErrorFeedback()
    kept = 1 + ROUNDS
    margin: ClassVar[float] = 0.1

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        means = np.stack([gaps[:, 1:].mean(axis=1) for gaps in self.gaps(data, level).values()], axis=1)
        zeta_sq = np.array(self.differences[level], dtype=float)
        found = slope(zeta_sq, means, confidence=CONFIDENCE)
        reason = f"floors from {means[:, 0].mean():.3g} to {means[:, -1].mean():.3g}"
        name = f"Top-{self.kept}, ζ² from {zeta_sq[0]:g} to {zeta_sq[-1]:g}"
        return [agreement(name, found, 1.0, self.margin, runs=len(means), reason=reason)]
