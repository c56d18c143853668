"""Avdiukhin and Yaroslavtsev, NeurIPS 2021: the bits to a second-order point, against d and against ε."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from math import sqrt
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from problems.noisy import Noisy
from problems.saddles.strict_saddle import StrictSaddle
from proofs_check.claim import Claim, Instance, not_applicable
from proofs_check.sides import agreement, expectation
from proofs_check.statistics import decide_upper_bound
from toolkit.algorithms import Algorithm
from toolkit.algorithms.compressed_perturbed_sgd import CompressedPerturbedSGD
from toolkit.algorithms.perturbed_sgd import PerturbedSGD
from toolkit.arrays import Array
from toolkit.compressors import Compressor
from toolkit.compressors.identity import Identity
from toolkit.compressors.rand_k import RandK
from toolkit.draws import Draw
from toolkit.experiment import Experiment
from toolkit.ledger import ledger
from toolkit.rates import Estimate, slope
from toolkit.stationarity import UntilSecondOrder

if TYPE_CHECKING:
    import xarray

__all__ = ["Point", "along_accuracy", "along_dimension", "name_of", "rand_k", "spent", "uncompressed", "with_memory"]

L, RHO = 1.0, 1.0
EPSILON = 0.64  # where a sweep begins: √(ρε) = 0.8
DEEPER = 1.25  # γ/√(ρε): above 1, so that the saddle is no second-order stationary point
QUIET = 0.25  # c in η = cε²/(Lσ²…): around a minimum ‖∇f‖² is then some cε²/2
STEPSIZES = {"d": 0.25, "ε": 0.4}  # η where a sweep begins
PATIENCE = 200.0  # how long a run may take, in 1/(ηγ); it takes about 7
RUNS = 32
SEED = 1000
CONFIDENCE = 0.99
MARGIN = {"quick": 0.15, "full": 0.1}  # slopes within it count as equal
ERROR_PROBABILITY = 1e-3

DIMENSIONS = {"quick": (4, 9, 16), "full": (4, 16, 64, 256)}
D = 24  # the dimension of a sweep over ε
KEPT = {"quick": (17, 10, 6), "full": (17, 12, 8, 5, 3)}  # k along it: ε is such that they are whole numbers


@dataclass(frozen=True)
class Point:
    """A saddle with noise, and the parameters that the theory gives it; σ² is the same along a sweep.

    Parameters
    ----------
    lipschitz : bool
        Whether the gradient noise is Lipschitz; then α = 1, else α = d.
    d : int
        The dimension.
    epsilon : float
        ε.
    k : int
        How many coordinates the theory keeps.
    first : tuple of int and float
        The dimension where the sweep begins, and η there.
    """

    lipschitz: bool
    d: int
    epsilon: float
    k: int
    first: tuple[int, float]

    @property
    def gamma(self) -> float:
        """γ = −λ_min of the saddle: just beyond what the test allows."""
        return DEEPER * sqrt(RHO * self.epsilon)

    @property
    def sigma_sq(self) -> float:
        """σ², with which η is what it is to be where the sweep begins."""
        d, stepsize = self.first
        return QUIET * EPSILON**2 / (L * stepsize * (1 if self.lipschitz else d))

    @property
    def stepsize(self) -> float:
        """η = cε²/(Lσ²α), Eq. 8 of Jin et al. without its logarithms, where the noise outweighs the 1 in N."""
        return QUIET * self.epsilon**2 / (L * self.sigma_sq * (1 if self.lipschitz else self.d))

    @property
    def radius(self) -> float:
        """r = σ√α, as Eq. 8 has it, without its logarithm."""
        return sqrt(self.sigma_sq * (1 if self.lipschitz else self.d))

    @cached_property
    def problem(self) -> Noisy:
        """The noise is as bad as it may be: orthogonal to the escape direction, or along it and against the escape."""
        escape = np.eye(self.d)[0]
        saddle = StrictSaddle([-self.gamma] + [L] * (self.d - 1), rho=RHO, top=self.gamma)
        if self.lipschitz:
            return Noisy(saddle, self.sigma_sq, avoiding=escape)
        return Noisy(saddle, self.sigma_sq, "opposing", along=escape)

    def run(self, algorithm: Algorithm, compressor: Compressor) -> Experiment:
        """Return runs from the saddle to the first second-order stationary point."""
        steps = round(PATIENCE / (self.stepsize * self.gamma))
        return Experiment(
            self.problem,
            algorithm,
            compressor,
            stepsize=self.stepsize,
            steps=steps,
            runs=RUNS,
            seed=SEED,
            record=[steps],
            stop=UntilSecondOrder(self.problem, self.epsilon),
        )


def along_dimension(lipschitz: bool, level: str) -> list[Point]:
    """Return points with ε fixed: k = √d, or d/2 if the noise is Lipschitz."""
    ds = DIMENSIONS[level]
    first = ds[0], STEPSIZES["d"]
    return [Point(lipschitz, d, EPSILON, d // 2 if lipschitz else round(sqrt(d)), first) for d in ds]


def along_accuracy(lipschitz: bool, level: str) -> list[Point]:
    """Return points with d fixed, from small ε to large: k falls like ε^(3/4)."""
    ks = KEPT[level]
    first = D, STEPSIZES["ε"]
    return [Point(lipschitz, D, EPSILON * (k / ks[0]) ** (4 / 3), k, first) for k in reversed(ks)]


def uncompressed(point: Point) -> Experiment:
    """Return the runs of `PerturbedSGD`."""
    return point.run(PerturbedSGD(radius=point.radius), Identity())


def with_memory(point: Point, compressor: Compressor) -> Experiment:
    """Return the runs of `CompressedPerturbedSGD`."""
    return point.run(CompressedPerturbedSGD(radius=point.radius), compressor)


def rand_k(point: Point) -> RandK:
    """Return Rand-k with the k of the theory and one mask for all workers."""
    return RandK(k=point.k, common=True)


def spent(experiment: Experiment, result: xarray.Dataset, count: str = "formula") -> Array:
    """Return the bits up to the first second-order point, shape ``(run,)``: NaN if it was not reached, ∞ if diverged.

    All messages of an experiment cost the same, by the formula or as encoded bytes, so one of them is asked.
    """
    d = experiment.problem.dimension
    message = ledger(experiment.compressor, np.ones(d), Draw(seed=0))
    each, status = float(getattr(message, count)[0, 0]), result["status"].values
    return np.select(
        [status == "stopped", status == "diverged"], [each * result["last_step"].values, np.inf], default=np.nan
    )


def name_of(point: Point) -> str:
    """Return the name of the experiments at a point, but for the method."""
    noise = "Lipschitz" if point.lipschitz else "not Lipschitz"
    return f"{noise}, d = {point.d}, ε = {point.epsilon:.3g}, k = {point.k}"


class _Gain(Claim):
    """The slope, along one variable, of the logarithm of the bits that compression saves.

    A run of either method goes from one saddle to the first second-order point. The theorem's bound has Δ/𝓕 such
    escapes one after the other; they multiply the bits of both methods and are not in the gain. Of the gain, d/k has
    the published exponents by the choice of k: what can fail, and is measured, is that the steps stay the same. The
    gain of a run is that over the uncompressed run with the same random numbers; nothing is sent but to the server.
    """

    reference = "Avdiukhin and Yaroslavtsev, NeurIPS 2021, abstract (A4)"
    kind = "rate"
    exponents: ClassVar[Mapping[bool, float]]  # by whether the noise is Lipschitz
    margin: ClassVar[Mapping[str, float]] = MARGIN
    variable: ClassVar[str]

    def points(self, lipschitz: bool, level: str) -> list[Point]:
        """Return the points of a sweep, the variable increasing."""
        raise NotImplementedError

    def value(self, point: Point) -> float:
        """Return the variable."""
        raise NotImplementedError

    def compressed(self, point: Point) -> Experiment:
        """Return the compressed runs."""
        return with_memory(point, rand_k(point))

    def experiments(self, level: str) -> dict[str, Experiment]:
        return {
            f"{method}, {name_of(point)}": experiment(point)
            for lipschitz in self.exponents
            for point in self.points(lipschitz, level)
            for method, experiment in (("uncompressed", uncompressed), ("compressed", self.compressed))
        }

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        return [self._judge(lipschitz, exponent, data, level) for lipschitz, exponent in self.exponents.items()]

    def _judge(self, lipschitz: bool, exponent: float, data: Mapping[str, xarray.Dataset], level: str) -> Instance:
        points = self.points(lipschitz, level)
        experiments, x = self.experiments(level), np.array([self.value(point) for point in points])

        def of(method: str, count: str) -> Array:
            names = [f"{method}, {name_of(point)}" for point in points]
            return np.stack([spent(experiments[one], data[one], count) for one in names], axis=1)

        noise = "Lipschitz" if lipschitz else "not Lipschitz, against the escape"
        name = f"noise {noise}, {self.variable} from {x[0]:.3g} to {x[-1]:.3g}"
        plain, compressed = of("uncompressed", "formula"), of("compressed", "formula")
        if np.isinf(compressed).any():
            reason = f"{np.isinf(compressed).any(axis=1).sum()} of {RUNS} compressed runs diverged: they gain nothing"
            return Instance(name, "violated", measured=0.0, runs=RUNS, reason=reason)
        if np.isnan(compressed + plain).any():
            return Instance(name, "undecided", runs=RUNS, reason="not every run came to a second-order point")
        found = slope(x, plain / compressed, confidence=CONFIDENCE)
        encoded = slope(x, of("uncompressed", "encoded") / of("compressed", "encoded"), confidence=CONFIDENCE)
        steps = [np.stack([data[f"{method}, {name_of(point)}"]["last_step"].values for point in points], axis=1)
                 for method in ("uncompressed", "compressed")]  # fmt: skip
        ratio, growth = steps[1].mean(axis=0) / steps[0].mean(axis=0), slope(x, steps[0], confidence=CONFIDENCE)
        reason = (
            f"of encoded bytes {_words(encoded)}; compressed runs take {ratio[0]:.3f} to {ratio[-1]:.3f} times the "
            f"steps of uncompressed ones, whose exponent is {_words(growth)}"
        )
        return agreement(name, found, exponent, self.margin[level], runs=RUNS, reason=reason)


def _words(found: Estimate) -> str:
    return f"{found.value:.3f} in [{found.low:.3f}, {found.high:.3f}]"


class GainInDimension(_Gain):
    """Along d."""

    id = "A4-gain-d"
    title = "At the theory's k and step size Rand-k with memory saves √d of the bits, and no power of d if Lipschitz"
    statement = (
        r"\frac{\partial}{\partial\log d}\log\frac{\text{bits of perturbed SGD}}{\text{bits of Rand}_k}="
        r"\frac12\text{ at }k\propto\sqrt d\,\epsilon^{3/4},\quad0\text{ at }k\propto d\,\epsilon^{3/4}"
        r"\text{ (Lipschitz)}"
    )
    exponents = {False: 0.5, True: 0.0}
    variable = "d"

    def points(self, lipschitz: bool, level: str) -> list[Point]:
        return along_dimension(lipschitz, level)

    def value(self, point: Point) -> float:
        return point.d


class GainInAccuracy(_Gain):
    """Along ε."""

    id = "A4-gain-eps"
    title = "At the theory's k and step size Rand-k with memory saves ε^(−3/4) of the bits"
    statement = (
        r"\frac{\partial}{\partial\log\epsilon}\log\frac{\text{bits of perturbed SGD}}{\text{bits of Rand}_k}="
        r"-\frac34\text{ at }k\propto\sqrt d\,\epsilon^{3/4}\text{ and, Lipschitz, at }k\propto d\,\epsilon^{3/4}"
    )
    exponents = {False: -0.75, True: -0.75}
    variable = "ε"

    def points(self, lipschitz: bool, level: str) -> list[Point]:
        return along_accuracy(lipschitz, level)

    def value(self, point: Point) -> float:
        return point.epsilon


class LargerGain(Claim):
    """Fewer coordinates than the theory keeps.

    Steps stay about the same here while ηL ≲ k/d, and ηL ∝ ε²/α is below the theory's (k/d)² ∝ ε^(3/2)/α. So for small
    ε one coordinate does as well; with longer steps, ηL = 2.3/d at d = 24, it takes more bits.
    """

    id = "A4-gain-larger"
    title = "The published gain is not the largest: up to ηL = 1/d one coordinate takes fewer bits than the theory's k"
    statement = (
        r"\eta L\le\tfrac1d\ \Rightarrow\ \mathbb E[\text{bits of Rand}_1]\le\mathbb E[\text{bits of Rand}_k],\qquad "
        r"k\propto\sqrt d\,\epsilon^{3/4},\quad k\propto d\,\epsilon^{3/4}\text{ (Lipschitz)}"
    )
    reference = "derived, beside Avdiukhin and Yaroslavtsev, NeurIPS 2021 (A4)"
    few: ClassVar[int] = 1
    limit: ClassVar[float] = 1.0  # of ηLd

    def points(self, level: str) -> list[Point]:
        """Return the points along d, but for the last and dearest of many, and one of small ε with Lipschitz noise."""
        return [*along_dimension(False, level)[:3], along_accuracy(True, level)[{"quick": 0, "full": 1}[level]]]

    def experiments(self, level: str) -> dict[str, Experiment]:
        return {
            f"{method}, {name_of(point)}": with_memory(point, compressor)
            for point in self.points(level)
            for method, compressor in (("few", RandK(k=self.few, common=True)), ("compressed", rand_k(point)))
        }

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        experiments, instances = self.experiments(level), []
        for point in self.points(level):
            name = f"{name_of(point)} against {self.few}"
            if point.stepsize * L * point.d > self.limit + 1e-9:
                instances.append(not_applicable(name, f"ηL = {point.stepsize * L * point.d:.2g}/d"))
                continue
            few, theory = (
                spent(experiments[one], data[one]) for one in (f"{m}, {name_of(point)}" for m in ("few", "compressed"))
            )
            decision = decide_upper_bound(few, theory, ERROR_PROBABILITY)
            reason = f"ηL = {point.stepsize * L * point.d:.2g}/d"
            instances.append(expectation(name, decision, reason=reason))
        return instances
