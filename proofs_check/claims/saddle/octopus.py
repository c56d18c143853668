"""Du et al., NeurIPS 2017: on the octopus function gradient descent takes κ times as long at every next saddle."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from problems.saddles.octopus import Octopus
from proofs_check.claim import Claim, Instance, not_applicable
from proofs_check.convergence import ERROR_PROBABILITY
from proofs_check.sides import agreement, equality, inequality
from proofs_check.statistics import mean_interval
from toolkit.algorithms.perturbed_gd import PerturbedGD
from toolkit.algorithms.sgd import SGD
from toolkit.arrays import Array
from toolkit.experiment import Experiment
from toolkit.rates import Estimate

if TYPE_CHECKING:
    import xarray

REFERENCE = "Du, Jin, Lee, Jordan, Poczos and Singh, NeurIPS 2017 (saddle_escape, A3)"
KAPPA = r"\kappa(\eta)=1+\frac{\ln\frac1{1-2\eta L}}{\ln(1+2\eta\gamma)}"
PAPER = (1.0, 1.5, 2.0, 3.0)  # L of the paper's experiments, where γ = 1, τ = e and η = 1/(4L)
LONG = 40  # steps: shorter legs, at η = 1/(4L), are bent by the seams and by being whole numbers


def settings(level: str) -> list[tuple[str, Octopus, float]]:
    """Return octopuses with step sizes, by name: the paper's, and larger and smaller steps and another shape."""
    found = [(Octopus(dimension=10, L=L), 1 / (4 * L)) for L in PAPER]
    found += [(Octopus(dimension=9, L=3.0), 1 / 7), (Octopus(dimension=12, L=1.0), 1 / 16)]
    if level == "full":
        found += [(Octopus(dimension=10, L=L, gamma=0.5, tau=1.0), share / L) for L in PAPER for share in (0.06, 0.4)]
    return [(f"L={one.L:g}, γ={one.gamma:g}, ηL={eta * one.L:.3g}", one, eta) for one, eta in found]


class _GrowthOfDescent(Claim):
    """A statement about the times of gradient descent from the start at which all coordinates are 1."""

    reference = REFERENCE
    kind = "rate"
    margin: ClassVar[float] = 0.02

    def factor(self, octopus: Octopus, stepsize: float) -> float:
        """Return the κ of the statement."""
        return octopus.leg_factor(stepsize)

    def times(self, legs: Array) -> Array:
        """Return what grows by the factor."""
        raise NotImplementedError

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        instances = []
        for name, octopus, stepsize in settings(level):
            legs, kappa = octopus.legs(stepsize), self.factor(octopus, stepsize)
            times = self.times(legs)
            # The seams take a number of steps that is proportional to 1/η, so what is long is so as well.
            ratios = (times[1:] / times[:-1])[legs[:-1] >= LONG / min(4 * stepsize * octopus.L, 1.0)]
            worst = float(ratios[abs(ratios / kappa - 1).argmax()])
            judged = inequality(name, abs(ratios / kappa - 1), self.margin, rounding=0)
            last = f"the last of {len(ratios)} ratios is {ratios[-1]:.5g} and κ = {kappa:.5g}; legs {_short(legs)}"
            verdict = "violated" if judged.verdict == "violated" else "holds"
            instances.append(Instance(name, verdict, measured=worst, bound=kappa, ratio=worst / kappa, reason=last))
        return instances


class LegFactor(_GrowthOfDescent):
    """The ratio of one leg to the one before it."""

    id = "A3-leg-factor"
    title = "On the octopus every leg of gradient descent is κ(η) times as long as the one before, to 2 %"
    statement = (
        r"x_0=(1,\dots,1),\ t_k\ge\max(40,\tfrac{10}{\eta L})\ \Rightarrow\ "
        r"\left|\frac{t_{k+1}}{\kappa(\eta)\,t_k}-1\right|\le0.02,\qquad " + KAPPA
    )

    def times(self, legs: Array) -> Array:
        return legs


class ExponentialTime(_GrowthOfDescent):
    """The time until all coordinates have passed, against d; it is the passage of the d-th of more coordinates."""

    id = "A3-exponential-time"
    title = "On the octopus the time of gradient descent is exponential in d, by the factor κ(η) per dimension to 2 %"
    statement = (
        r"T(d)=\min\{t:\min_j|x_{t,j}|>2\tau\},\ T(d)-T(d-1)\ge\max(40,\tfrac{10}{\eta L})"
        r"\ \Rightarrow\ "
        r"\left|\frac{T(d+1)}{\kappa(\eta)\,T(d)}-1\right|\le0.02,\qquad " + KAPPA
    )

    def times(self, legs: Array) -> Array:
        return legs.cumsum()


def perturbed(dimension: int, L: float, runs: int) -> Experiment:
    """Return runs of perturbed descent with the paper's settings, perturbed at most every other step.

    Its radius is e/100 in x, its threshold γe/100; longer than any leg, of at most 70 steps each.
    """
    octopus, stepsize = Octopus(dimension, L), 1 / (4 * L)
    method = PerturbedGD(radius=np.e / (100 * stepsize), threshold=np.e / 100, patience=1)
    steps = int(dimension * (15 + 15 * L))
    return Experiment(
        octopus, method, stepsize=stepsize, steps=steps, runs=runs, record=range(0, steps + 1, 3), keep=("x",),
        unproven=True,
    )  # fmt: skip


class LinearTime(Claim):
    """Perturbed descent: the second half of the coordinates takes as long as the first."""

    id = "A3-linear-time"
    title = "On the octopus the time of perturbed descent is linear in d: four later legs take as long as four earlier"
    statement = (
        r"T(j)=\min\{t:\min_{i\le j}|x_{t,i}|>2\tau\}\ \Rightarrow\ "
        r"\mathbb E\frac{T(10)-T(6)}{T(6)-T(2)}\in[0.8,1.2],\quad\text{where descent has }\kappa^4"
    )
    reference = REFERENCE
    status = "recalled"  # the settings; the statement in this form is ours
    kind = "rate"
    margin: ClassVar[float] = 0.2
    runs: ClassVar[Mapping[str, int]] = {"quick": 12, "full": 30}
    marks: ClassVar[tuple[int, int, int]] = (2, 6, 10)

    def experiments(self, level: str) -> dict[str, Experiment]:
        return {f"L={L:g}": perturbed(10, L, self.runs[level]) for L in {"quick": (1.0, 3.0), "full": PAPER}[level]}

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        instances = []
        for name, experiment in self.experiments(level).items():
            octopus, result = experiment.problem, data[name]
            passed = abs(result["x"].values[:, :, 0]) > 2 * octopus.tau
            times = np.where(passed.any(axis=1), result.step.values[passed.argmax(axis=1)], np.inf)
            first, middle, last = (times[:, mark - 1] for mark in self.marks)
            with np.errstate(invalid="ignore"):  # where not all have passed
                ratios = (last - middle) / (middle - first)
            found = mean_interval(ratios, ERROR_PROBABILITY)
            value, low, high = (float(one) for one in (found.value, found.low, found.high))
            reason = (
                f"means of {', '.join(f'T({mark}) = {times[:, mark - 1].mean():.4g}' for mark in self.marks)}; "
                f"κ⁴ = {octopus.leg_factor(experiment.stepsize) ** 4:.4g}"
            )
            estimate = Estimate(value, low, high, found.confidence, found.basis)
            instances.append(agreement(name, estimate, 1.0, self.margin, runs=len(times), reason=reason))
        return instances


class Underflow(Claim):
    """Simulated in float64, descent stops for ever after a few legs: an artefact, which the logarithms do not have."""

    id = "A3-underflow"
    title = "In float64 gradient descent on the octopus freezes after 7, 6, 5, 4 legs: an artefact of underflow"
    statement = (
        r"\eta=\tfrac1{4L},\ x_0=(1,\dots,1),\ |T_k-1074|>20\ \Rightarrow\ "
        r"\text{in float64 }\#\{j:|x_{\infty,j}|>2\tau\}="
        r"1+\#\{k:T_k\le1074\},\quad\text{as }2^{-1074}\text{ is the smallest number}"
    )
    reference = f"{REFERENCE}; derived"
    kind = "counterexample"
    dimension: ClassVar[int] = 10

    def legs_left(self, octopus: Octopus, stepsize: float) -> int:
        """Return how many legs there are: a coordinate must begin to grow before its halvings come to 2^(−1074)."""
        return 1 + int((octopus.passages(stepsize) <= 1074).sum())

    def experiments(self, level: str) -> dict[str, Experiment]:
        found = {}
        for L in {"quick": (3.0,), "full": PAPER}[level]:
            octopus, stepsize = Octopus(self.dimension, L), 1 / (4 * L)
            # 200 steps after the last passage all that goes on is over: what has passed halves its distance to 4τ.
            steps = int(octopus.passages(stepsize)[self.legs_left(octopus, stepsize) - 1]) + 200
            found[f"L={L:g}"] = Experiment(
                octopus, SGD(), stepsize=stepsize, steps=steps, record=(steps - 1, steps), keep=("x",), unproven=True
            )
        return found

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        instances = []
        for name, experiment in self.experiments(level).items():
            octopus, steps = experiment.problem, experiment.steps
            if (abs(octopus.passages(experiment.stepsize) - 1074) <= 20).any():
                instances.append(not_applicable(name, "a turn comes while its coordinate underflows, on the seam"))
                continue
            before, x = abs(data[name]["x"].values[0, -2:, 0])
            passed, left = int((x > 2 * octopus.tau).sum()), self.legs_left(octopus, experiment.stepsize)
            moved = float(abs(x - before).max())
            largest = float(x[passed:].max(initial=0.0))
            passages = octopus.passages(experiment.stepsize)
            reason = (
                f"after {steps} steps a step moves nothing (by {moved:g}), so none ever will; what waits is at most "
                f"{largest:.3g}; with logarithms all {len(x)} coordinates pass, in {passages[-1]} steps"
            )
            # No step moves x: descent, a function of x, is at its end; waiting coordinates are 0 or 2^(−1074).
            sides = [passed, moved, float(largest <= 2.0**-1074)], [left, 0.0, 1.0]
            judged = equality(name, *sides, rounding=0)
            instances.append(Instance(name, judged.verdict, float(passed), float(left), passed / left, reason=reason))
        return instances


def _short(legs: Array) -> str:
    return ", ".join(f"{leg}" for leg in np.asarray(legs)[:8]) + (", …" if len(legs) > 8 else "")
