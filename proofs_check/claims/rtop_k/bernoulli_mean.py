"""Barnes, Inan, Isik and Özgür, 'rTop-k …', JSAIT 2020: the mean of sparse Bernoulli vectors from k bits per worker."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from scipy.optimize import brentq

from problems.sparse_bernoulli import SparseBernoulli
from proofs_check.claim import Claim, Instance
from proofs_check.outcomes import Outcomes, outcomes
from proofs_check.ranks import ranked_outcomes
from proofs_check.sides import agreement, equality, inequality
from proofs_check.statistics import mean_interval
from toolkit.algorithms.compressed_sgd import CompressedSGD
from toolkit.arrays import Array
from toolkit.compressors import Compressor
from toolkit.compressors.nonzero_sampling import NonzeroSampling
from toolkit.draws import Draw
from toolkit.estimation.schemes import AllCoordinates, LowestOnes, RandomCoordinates, RandomOnes, Scheme
from toolkit.experiment import Experiment
from toolkit.rates import slope

if TYPE_CHECKING:
    import xarray

__all__ = ["REFERENCE", "families", "measured_risks", "one_step"]

REFERENCE = "Barnes, Inan, Isik and Özgür, JSAIT 2020"
CONFIDENCE = 0.999
# Of small models: probabilities that no symmetry makes special, certain ones and impossible ones among them.
SMALL: tuple[tuple[float, ...], ...] = ((0.5,), (0.25, 0.75), (0.7, 0.2, 0.4), (1.0, 0.3, 0.0), (0.6, 0.6, 0.6))
# The model of the sheet's check, and what it leaves open: how θ is spread.
DIMENSION, SPARSITY, SENT, WORKERS = 200, 12, 4, 20


def families(d: int, s: float) -> dict[str, Array]:
    """Return θ of dimension `d` with Σ θ_j = s, from the flattest to the most concentrated."""
    return {
        "flat θ": SparseBernoulli.flat(1, d, s).theta,
        "θ ∝ j^(−1/2)": SparseBernoulli.power_law(1, d, s, exponent=0.5).theta,
        "θ ∝ 1/j": SparseBernoulli.power_law(1, d, s).theta,
        "certain ones": SparseBernoulli.concentrated(1, d, s).theta,
    }


def one_step(theta: Array, scheme: Scheme, workers: int, runs: int, seed: int = 1000) -> Experiment:
    """Return the estimate as a run: one step of compressed SGD of size 1 on the sparse Bernoulli model."""
    compressor = scheme.compressor
    assert compressor is not None
    settings: dict[str, Any] = {"stepsize": 1.0, "steps": 1, "runs": runs, "seed": seed, "record": [1]}
    return Experiment(SparseBernoulli(theta, workers), CompressedSGD(), compressor, **settings, unproven=True)


def measured_risks(result: xarray.Dataset) -> Array:
    """Return ‖θ̂ − θ‖² of every run of `one_step`, shape ``(run,)``."""
    return 2 * result["f"].isel(step=-1).values


def estimates(theta: Any, workers: int, law: Any) -> Outcomes:
    """Return every estimate of a small model with its probability, shape (outcome, 1, d), as those of one vector.

    Parameters
    ----------
    theta : array, shape (d,)
    workers : int
    law : callable
        The outcomes of messages of batches of samples.
    """
    theta = np.asarray(theta)
    samples = np.array(list(product([0.0, 1.0], repeat=workers * theta.size))).reshape(-1, workers, theta.size)
    likelihood = np.where(samples == 1, theta, 1 - theta).prod(axis=(1, 2))
    every = law(samples)
    probability = likelihood[every.vector] * every.probability
    return Outcomes(every.sent.mean(axis=1, keepdims=True), probability, np.zeros(len(probability), dtype=int))


def of_compressor(compressor: Compressor) -> Any:
    """Return the law of the vectors X̂ = −C(−X) that a step of SGD at 0 makes of messages."""
    play = ranked_outcomes if isinstance(compressor, NonzeroSampling) else outcomes

    def law(samples: Array) -> Outcomes:
        every = play(compressor, -samples)
        return Outcomes(-every.sent, every.probability, every.vector)

    return law


def of_lowest_ones(scheme: LowestOnes) -> Any:
    """Return the law of what the centre makes of the first ones."""

    def law(samples: Array) -> Outcomes:
        first = np.where(np.cumsum(samples, axis=-1) <= scheme.m, samples, 0.0)
        if scheme.scaled:
            first = first * np.maximum(samples.sum(axis=-1, keepdims=True) / scheme.m, 1.0)
        return Outcomes(first, np.ones(len(samples)), np.arange(len(samples)))

    return law


def risk(every: Outcomes, theta: Any) -> float:
    """Return E‖θ̂ − θ‖² of all estimates."""
    return float(every.expect(((every.sent[:, 0] - theta) ** 2).sum(axis=-1))[0])


class _Risks(Claim):
    """Exact risks: against all outcomes of small models, and against runs of a large one."""

    reference = f"{REFERENCE} (S-b1, S-b2)"
    kind = "identity"
    margin: ClassVar[float] = 0.03  # of a risk, on runs

    def small(self) -> Iterator[tuple[str, Scheme, Any]]:
        """Yield schemes for dimensions up to 3 by name, with the law of what is sent."""
        raise NotImplementedError

    def large(self, level: str) -> dict[str, tuple[Array, Scheme]]:
        """Return what is run."""
        raise NotImplementedError

    def stated(self, scheme: Scheme, theta: Any, n: int) -> float:
        """Return the risk as it is stated."""
        return scheme.risk(theta, n)

    def experiments(self, level: str) -> dict[str, Experiment]:
        runs = {"quick": 2048, "full": 8192}[level]
        return {name: one_step(theta, scheme, WORKERS, runs) for name, (theta, scheme) in self.large(level).items()}

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        return [*self._enumerated(), *self._sampled(data, level)]

    def _enumerated(self) -> Iterator[Instance]:
        for name, scheme, law in self.small():
            fitting = [theta for theta in SMALL if len(theta) >= getattr(scheme, "m", 1)]
            cases = [(theta, n) for theta in fitting for n in (1, 2) if n * len(theta) <= 4]
            left = [risk(estimates(theta, n, law), theta) for theta, n in cases]
            right = [self.stated(scheme, theta, n) for theta, n in cases]
            # Sums of some hundred terms; an estimate has coordinates of at most 3, so no squared error is above 27.
            kinds = [f"θ = {theta}, n = {n}" for theta, n in cases]
            reason = f"all samples and messages of {len(cases)} models"
            yield equality(f"{name}, d ≤ 3", left, right, rounding=64, scale=27.0, kinds=kinds, reason=reason)

    def _sampled(self, data: Mapping[str, xarray.Dataset], level: str) -> Iterator[Instance]:
        for name, (theta, scheme) in self.large(level).items():
            samples = measured_risks(data[name])
            exact = self.stated(scheme, theta, WORKERS)
            found = mean_interval(samples, 1 - CONFIDENCE)
            yield agreement(name, found, exact, self.margin * exact, runs=len(samples))


class ExactRisk(_Risks):
    """The risk of the estimation scheme."""

    id = "S-b1"
    title = "The exact risk of estimating a sparse Bernoulli mean from m random ones of each worker"
    statement = (
        r"E\lVert\hat\theta-\theta\rVert^2=\frac1n\Big(E\big[N\max(1,N/m)\big]-\lVert\theta\rVert^2\Big),\quad "
        r"N\sim\text{Poisson-binomial}(\theta)"
    )
    reference = f"{REFERENCE} (ALG-b3 recalled, S-b1)"

    def small(self) -> Iterator[tuple[str, Scheme, Any]]:
        for m in (1, 2, 3):
            scheme = RandomOnes(m)
            yield f"{m} random ones", scheme, of_compressor(scheme.compressor)

    def large(self, level: str) -> dict[str, tuple[Array, Scheme]]:
        every = families(DIMENSION, SPARSITY)
        chosen = {"quick": ("θ ∝ 1/j",), "full": tuple(every)}[level]
        return {f"4 random ones, {name}, d = 200, n = 20": (every[name], RandomOnes(SENT)) for name in chosen}


class Competitors(_Risks):
    """The risks of other schemes."""

    id = "S-b2"
    title = "The exact risks of random coordinates (own or common), the lowest ones, and no limit"
    statement = (
        r"\frac1n\Big(\frac dm\sum_j\theta_j-\lVert\theta\rVert^2\Big),\quad "
        r"\frac1n\frac dm\sum_j\theta_j(1-\theta_j)+\Big(\frac dm-1\Big)\lVert\theta\rVert^2,\quad "
        r"\frac1n\sum_j\theta_j(1-\theta_j)"
    )
    reference = f"{REFERENCE} (S-b2)"

    def small(self) -> Iterator[tuple[str, Scheme, Any]]:
        schemes: dict[str, Scheme] = {}
        for m in (1, 2, 3):
            schemes[f"{m} random coordinates, own sets"] = RandomCoordinates(m)
            schemes[f"{m} random coordinates, one common set"] = RandomCoordinates(m, sets="common")
        schemes["all coordinates"] = AllCoordinates()
        for name, scheme in schemes.items():
            assert scheme.compressor is not None
            yield name, scheme, of_compressor(scheme.compressor)
        for m, scaled in product((1, 2), (False, True)):
            lowest = LowestOnes(m, scaled)
            yield f"the lowest {m} ones{', scaled' * scaled}", lowest, of_lowest_ones(lowest)

    def large(self, level: str) -> dict[str, tuple[Array, Scheme]]:
        theta = families(DIMENSION, SPARSITY)["θ ∝ 1/j"]
        schemes: dict[str, Scheme] = {
            "4 random coordinates": RandomCoordinates(SENT),
            "4 random coordinates, one common set": RandomCoordinates(SENT, sets="common"),
            "the lowest 4 ones": LowestOnes(SENT),
            "all coordinates": AllCoordinates(),
        }
        # A common set that misses the likely coordinates makes risks of several times the mean.
        chosen = {"quick": ("the lowest 4 ones",), "full": ("4 random coordinates", "the lowest 4 ones")}[level]
        return {f"{name}, θ ∝ 1/j, d = 200, n = 20": (theta, schemes[name]) for name in (*chosen, "all coordinates")}


class Unbiased(Claim):
    """The scheme has no bias."""

    id = "S-b1-unbiased"
    title = "The estimate from random ones has no bias"
    statement = r"E\hat\theta=\theta"
    reference = f"{REFERENCE} (S-b1)"
    kind = "identity"
    compressor: ClassVar[type[Compressor]] = NonzeroSampling

    def check(self, data: Mapping[str, Any], level: str) -> list[Instance]:
        instances = []
        for m in (1, 2, 3):
            law = of_compressor(self.compressor(k=m))  # type: ignore[call-arg]
            means, thetas = [], []
            for theta in (*SMALL, (0.9, 0.1, 0.5, 0.3)):
                if len(theta) >= m:
                    every = estimates(theta, 1, law)
                    means.append(every.expect(every.sent[:, 0])[0])
                    thetas.append(np.asarray(theta))
            # Sums of at most 2⁴·24 terms that are at most d.
            sides = np.concatenate(means), np.concatenate(thetas)
            instances.append(equality(f"{m} random ones, d ≤ 4", *sides, rounding=32, scale=4.0))
        return instances


class Bound(Claim):
    """The bound of the risk by the sparsity."""

    id = "S-b1-bound"
    title = "The risk of random ones is bounded by the sparsity, the number sent and the number of workers"
    statement = r"E\lVert\hat\theta-\theta\rVert^2\le\frac1n\Big(\frac{s^2+s}m+s\Big),\quad s=\sum_j\theta_j"
    reference = f"{REFERENCE} (S-b1)"
    scheme: ClassVar[type[RandomOnes]] = RandomOnes

    def bound(self, s: float, m: int) -> float:
        """Return n times the right side."""
        return (s**2 + s) / m + s

    def check(self, data: Mapping[str, Any], level: str) -> list[Instance]:
        counts = {"quick": (1, 4, 16), "full": (1, 2, 4, 16, 64)}[level]
        dimensions = {"quick": (200, 1000), "full": (200, 1000, 4000)}[level]
        typical = [(d, s) for d in dimensions for s in (0.5, 2, 12, 50) if s < d]
        extreme = 1 << 14
        return [
            self._judge("typical", typical, counts),
            self._judge(f"many ones, d = {extreme}", [(extreme, extreme / 64)], (1, 2)),
        ]

    def _judge(self, name: str, models: list[tuple[int, float]], counts: tuple[int, ...]) -> Instance:
        left, right, kinds = [], [], []
        for d, s in models:
            for (family, theta), m in product(families(d, s).items(), counts):
                left.append(self.scheme(m).risk(theta, 1))
                right.append(self.bound(theta.sum(), m))
                kinds.append(f"{family}, d = {d}, s = {s:g}, m = {m}")
        # Both sides are sums of positive terms, good to some log2 d eps.
        return inequality(f"{name}, n = 1", left, right, rounding=32, kinds=kinds)


class SharperBound(Bound):
    """What was given away: a message that is not full loses at most m/4."""

    id = "S-b1-bound-sharper"
    title = "The same with m/4 in the place of s where it is smaller"
    statement = r"E\lVert\hat\theta-\theta\rVert^2\le\frac1n\Big(\frac{s^2+s}m+\min\left\{s,\frac m4\right\}\Big)"
    reference = f"{REFERENCE} (S-b1; sharpened here: N ≤ N²/m + m/4)"

    def bound(self, s: float, m: int) -> float:
        return (s**2 + s) / m + min(s, m / 4)


class FlatIsWorst(Claim):
    """The worst model of a given sparsity."""

    id = "S-b1-worst"
    title = "Of all models of one sparsity, the flat one has the largest risk"
    statement = (
        r"\sum_j\theta_j=s\ \Rightarrow\ E\lVert\hat\theta-\theta\rVert^2\le\frac1n\Big(E\big[B\max(1,B/m)\big]-"
        r"\frac{s^2}d\Big),\quad B\sim\mathrm{Bin}(d,s/d)"
    )
    reference = "Hoeffding 1956 for convex functions of the number of ones (derived)"
    kind = "tight"
    expected = "tight"
    worst: ClassVar[str] = "flat θ"

    def check(self, data: Mapping[str, Any], level: str) -> list[Instance]:
        count = {"quick": 8, "full": 100}[level]
        instances = []
        for d, s in ((5, 2.0), (40, 3.0), (200, 12.0)):
            models = families(d, s) | self._random(d, s, count)
            for m in (1, 4, 16):
                if m > d:
                    continue
                scheme = RandomOnes(m)
                left = [scheme.risk(theta, 1) for theta in models.values()]
                right = scheme.risk(models[self.worst], 1)
                name = f"{m} random ones, d = {d}, s = {s:g}, n = 1"
                instances.append(inequality(name, left, right, rounding=d, kinds=list(models)))
        return instances

    def _random(self, d: int, s: float, count: int) -> dict[str, Array]:
        """Return models of that sparsity that are spread at random, from nearly flat to nearly certain."""
        uniform = Draw(np.arange(count)).of("spread").uniform(d)[:, 0]
        found = {}
        for i, weight in enumerate(-np.log(uniform)):
            weight = weight ** (4.0 * (i + 1) / count)
            # The multiple of the weights, cut at 1, that has the sum asked for.
            scale = brentq(lambda c, w=weight: np.minimum(c * w, 1).sum() - s, 0, 1e12, xtol=1e-300, rtol=1e-15)
            theta = np.minimum(scale * weight, 1)
            found[f"random θ number {i}"] = theta * (s / theta.sum())
        return {name: theta for name, theta in found.items() if theta.max() <= 1}


class Slopes(Claim):
    """How the risk depends on workers, bits and sparsity."""

    id = "S-b1-slopes"
    title = "For m ≤ s/8 the risk of random ones goes like s²/(n·bits)"
    statement = (
        r"m\le\frac s8\ \Rightarrow\ \frac{d\log\text{risk}}{d\log n}=-1,\quad "
        r"\frac{d\log\text{risk}}{d\log\text{bits}}\approx-1,\quad \frac{d\log\text{risk}}{d\log s}\approx2"
    )
    reference = f"{REFERENCE} (S-b1, S-b2)"
    kind = "rate"
    margin: ClassVar[float] = 0.05
    scheme: ClassVar[type[RandomOnes]] = RandomOnes

    def check(self, data: Mapping[str, Any], level: str) -> list[Instance]:
        d, s = 8192, 1024.0
        theta = SparseBernoulli.flat(1, d, s).theta
        workers, counts = np.array([1, 4, 16, 64, 256]), np.array([16, 32, 64, 128])
        sparsities = np.array([128.0, 256, 512, 1024])
        schemes = [self.scheme(int(m)) for m in counts]
        curves = {
            "n from 1 to 256": (workers, [schemes[0].risk(theta, int(n)) for n in workers], -1.0),
            "bits, m from 16 to 128": ([one.bits(d) for one in schemes], [one.risk(theta, 1) for one in schemes], -1.0),
            "s from 128 to 1024": (
                sparsities,
                [schemes[0].risk(SparseBernoulli.flat(1, d, float(one)).theta, 1) for one in sparsities],
                2.0,
            ),
        }
        instances = []
        for name, (x, risks, target) in curves.items():
            found = slope(np.array(x), np.array(risks))
            instances.append(agreement(f"d = {d}, {name}", found, target, self.margin, reason="exact risks, flat θ"))
        return instances
