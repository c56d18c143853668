"""Jin et al., JACM 2021, Lemmas 28 and 30: two runs whose noise differs in the sign of one component."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from math import ceil, sqrt
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from scipy import special

from problems.noisy import Noisy
from problems.quadratic import Quadratic
from problems.rotated import Rotated
from problems.saddles.matrix_factorisation import MatrixFactorisation
from problems.saddles.saddle_chain import SaddleChain
from proofs_check.claim import Claim, Instance
from proofs_check.paths import gradient_samples
from proofs_check.sides import equality, proportion
from toolkit.algorithms.perturbed_sgd import PerturbedSGD
from toolkit.arrays import Array
from toolkit.draws import Draw
from toolkit.experiment import Experiment
from toolkit.stationarity import escape_directions, hessian

if TYPE_CHECKING:
    import xarray

REFERENCE = "Jin, Netrapalli, Ge, Kakade and Jordan, JACM 2021"
ERROR_PROBABILITY = 1e-6  # of one instance that rests on chance
NODES = 0.5 + np.array([-0.5, 0.5]) / sqrt(3)  # of Gauss's rule on [0, 1]: exact, as the Hessians here are quadratic


class Flipped(PerturbedSGD):
    """The other run of a pair: the component of ξ along one direction has the other sign."""

    direction: Array

    def perturbation(self, draw: Draw, x: Array) -> Array:
        noise = super().perturbation(draw, x)
        return noise - 2 * (noise * self.direction).sum(axis=-1, keepdims=True) * self.direction


@dataclass(frozen=True)
class Pair:
    """Two coupled runs from one point, the saddle."""

    problem: Any
    saddle: Array
    radius: float
    share: float  # of η, in 1/‖H‖
    steps: int
    runs: int

    @property
    def H(self) -> Array:
        """The Hessian at the saddle."""
        return hessian(self.problem, self.saddle[None, None])[0]

    @property
    def direction(self) -> Array:
        """e_1, along which f falls fastest."""
        return escape_directions(self.problem, self.saddle)[0]

    def experiments(self, name: str, record: Any) -> dict[str, Experiment]:
        """Return both runs; their seeds, and so their samples and ξ, are the same."""
        eta = self.share / np.linalg.norm(self.H, 2)
        methods = {
            "as drawn": PerturbedSGD(radius=self.radius),
            "flipped": Flipped(radius=self.radius, direction=self.direction),
        }
        return {
            f"{name}, {which}": Experiment(
                self.problem,
                method,
                stepsize=float(eta),
                steps=self.steps,
                runs=self.runs,
                x0=self.saddle,
                record=record,
                keep=("x",),
            )
            for which, method in methods.items()
        }


@cache
def _pairs(level: str) -> dict[str, Pair]:
    runs = {"quick": 4, "full": 64}[level]
    matrix, chain = MatrixFactorisation([2.0, 1.0], rank=1), SaddleChain([3.0, 2.0, 1.0])
    return {
        "matrix factorisation, exact gradients": Pair(matrix, matrix.saddles[0], 0.1, 0.2, 40, runs),
        "matrix factorisation, noise that is not Lipschitz": Pair(
            Noisy(matrix, 0.01, "flipping", width=0.05), matrix.saddles[0], 0.1, 0.1, 50, runs
        ),
        "rotated matrix factorisation, noise that vanishes at the saddle": Pair(
            Rotated(Noisy(matrix, 4.0, "vanishing")), np.zeros(4), 0.1, 0.1, 50, runs
        ),
        "saddle chain, from the last saddle": Pair(Noisy(chain, 0.01), chain.saddles[-1], 0.1, 0.1, 50, runs),
    }


class Decomposition(Claim):
    """The difference of the runs is a sum over what drives it: bending, samples and the perturbation."""

    id = "A2-28"
    title = "The difference of two coupled runs is −q_h − q_sg − q_p, to rounding"
    statement = (
        r"\hat x_t=-q_h(t)-q_{sg}(t)-q_p(t),\qquad q_\bullet(t)=\eta\sum_{\tau<t}(I-\eta H)^{t-1-\tau}v_\tau,\qquad "
        r"v_\tau=\Delta_\tau\hat x_\tau,\ \hat\zeta_\tau,\ \hat\xi_\tau"
    )
    reference = f"{REFERENCE}, Lemma 28 (A2)"
    kind = "identity"

    def experiments(self, level: str) -> dict[str, Experiment]:
        return {
            key: experiment
            for name, pair in _pairs(level).items()
            for key, experiment in pair.experiments(name, "all").items()
        }

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        return [self._compare(name, pair, data) for name, pair in _pairs(level).items()]

    def _compare(self, name: str, pair: Pair, data: Mapping[str, xarray.Dataset]) -> Instance:
        runs = pair.experiments(name, "all")
        eta, H = next(iter(runs.values())).stepsize, pair.H
        points = [np.ascontiguousarray(data[key]["x"].values[:, :, 0]) for key in runs]
        samples, noise = zip(*(driven(experiment, data[key]) for key, experiment in runs.items()), strict=True)
        exact = [each(pair.problem.gradient, x[:, :-1]) for x in points]
        apart = points[0] - points[1]
        drives = self.drives(
            self.bending(pair, points[1], apart, H),
            samples[0] - exact[0] - (samples[1] - exact[1]),
            noise[0] - noise[1],
        )
        parts = [sums(eta, H, v) for v in drives]
        # A step rounds numbers of this size, and what was rounded grows by at most 1 + η‖H‖ in each later one.
        curved = np.linalg.norm(H, 2)
        size = sum(long(x[:, :-1]) * (2 + 4 * eta * curved) + long(x[:, 1:]) for x in points)
        size = size + eta * sum(long(v) for v in (*samples, *exact, *noise))
        grown = np.zeros(apart.shape[:2])
        for t in range(size.shape[1]):
            grown[:, t + 1] = (1 + eta * curved) * grown[:, t] + size[:, t]
        found = -sum(parts)
        worst = (abs(apart - found).max(axis=-1) / np.maximum(long(apart), 1e-300))[:, 1:].max()
        largest = [float((long(part)[:, 1:] / long(apart)[:, 1:]).max()) for part in parts]
        shares = ", ".join(f"{what} up to {value:.2g}" for what, value in zip(PARTS, largest, strict=True))
        scale = np.broadcast_to(grown[..., None], apart.shape)
        reason = f"relative to the difference {worst:.1g}; parts against it: {shares}"
        sides = (apart.ravel(), found.ravel())
        return equality(name, *sides, rounding=4 + apart.shape[2], scale=scale.ravel(), reason=reason)

    def drives(self, bending: Array, samples: Array, noise: Array) -> tuple[Array, ...]:
        """Return the v of the three parts, shape ``(run, T, d)``."""
        return bending, samples, noise

    def bending(self, pair: Pair, other: Array, apart: Array, H: Array) -> Array:
        """Return Δ_τ x̂_τ by the mean of the Hessian's products over the segment."""
        x, v = other[:, :-1], apart[:, :-1]
        curved = [each(pair.problem.hessian_product, x + node * v, v) for node in NODES]
        return sum(curved) / len(NODES) - v @ H


PARTS = ("q_h", "q_sg", "q_p")


def driven(experiment: Experiment, result: xarray.Dataset) -> tuple[Array, Array]:
    """Return the gradient samples and the ξ of every step of a run, shape ``(run, T, d)``: functions of addresses."""
    draw, x = Draw(result.seed.values), result["x"].values
    method: Any = experiment.algorithm
    noise = [method.perturbation(draw.at(step).of("method"), x[:, step]) for step in range(1, x.shape[1])]
    return gradient_samples(experiment, result)[:, :, 0], np.stack(noise, axis=1)[:, :, 0]


def each(function: Any, *arrays: Array) -> Array:
    """Return a function of points, shape ``(run, 1, d)``, at those of every step, shape ``(run, step, d)``."""
    runs, steps, d = arrays[0].shape
    return function(*(np.ascontiguousarray(array).reshape(-1, 1, d) for array in arrays)).reshape(runs, steps, d)


def sums(eta: float, H: Array, v: Array) -> Array:
    """Return q(t) for t = 0 … T, by q(t + 1) = (I − ηH) q(t) + η v_t."""
    q = [np.zeros_like(v[:, 0])]
    for t in range(v.shape[1]):
        q.append(q[-1] - eta * (q[-1] @ H) + eta * v[:, t])
    return np.stack(q, axis=1)


def long(vectors: Array) -> Array:
    """Return the lengths of vectors."""
    return np.linalg.norm(vectors, axis=-1)


class PerturbationGrows(Claim):
    """The part of the perturbation is long with a probability of at least 2/3."""

    id = "A2-30"
    title = "The perturbation drives coupled runs apart with probability 2/3 at least; by its exact law, 0.94"
    statement = (
        r"\mathbb P\left(\lVert q_p(\mathcal T)\rVert\ge\frac{\beta(\mathcal T)\eta r}{10\sqrt d}\right)\ge\frac23,"
        r"\qquad\beta(t)=\frac{(1+\eta\gamma)^t}{\sqrt{2\eta\gamma}},\qquad "
        r"\mathcal T\ge\frac\iota{\eta\gamma},\ \iota\ge1"
    )
    reference = f"{REFERENCE}, Lemma 30 (A2)"
    kind = "lower bound"
    part: ClassVar[float] = 0.1

    def experiments(self, level: str) -> dict[str, Experiment]:
        return {
            key: experiment
            for name, pair in self._quadratics(level).items()
            for key, experiment in pair.experiments(name, [pair.steps]).items()
        }

    def _quadratics(self, level: str) -> dict[str, Pair]:
        """Return pairs on a quadratic, where there is nothing but q_p: −x̂ is q_p (A2-28)."""
        runs = {"quick": 2000, "full": 20_000}[level]
        problem = Quadratic(np.array([[-1.0, 0.3, 1.0]]))
        return {f"sampled, ηγ = {a:g}": Pair(problem, np.zeros(3), 1.0, a, ceil(1 / a), runs) for a in (0.02, 0.1, 0.5)}

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        a, iota = (part.ravel() for part in np.meshgrid(np.logspace(-8, 0, 33), [1.0, 2.0, 5.0, 20.0]))
        t = np.ceil(iota / a)
        probability = special.erfc(self.part * self.against_spread(a, t) / sqrt(2))
        at = int(np.argmin(probability))
        reason = f"{len(a)} pairs; smallest at ηγ = {a[at]:g}, 𝒯 = {t[at]:g}"
        verdict = "holds" if probability[at] >= 2 / 3 else "violated"
        found = float(probability[at])
        instances = [Instance("exact law", verdict, found, 2 / 3, 1.5 * found, reason=reason)]
        return instances + [self._sampled(name, pair, data) for name, pair in self._quadratics(level).items()]

    def against_spread(self, a: Array, t: Array) -> Array:
        """Return β(t)ηr/√d in standard deviations of q_p(t), whose law is normal."""
        left = -np.expm1(-2 * t * np.log1p(a))  # 1 − (1 + a)^(−2t)
        return 0.5 * np.sqrt((1 + a / 2) / left)

    def _sampled(self, name: str, pair: Pair, data: Mapping[str, xarray.Dataset]) -> Instance:
        drawn, flipped = (data[f"{name}, {which}"]["x"].values[:, -1, 0] for which in ("as drawn", "flipped"))
        a, t = pair.share, pair.steps
        threshold = self.part * (1 + a) ** t / sqrt(2 * a) * a * pair.radius / sqrt(drawn.shape[1])  # η = a, as γ = 1
        successes = int((long(drawn - flipped) >= threshold).sum())
        return proportion(name, successes, len(drawn), 2 / 3, at_least=True, error_probability=ERROR_PROBABILITY)
