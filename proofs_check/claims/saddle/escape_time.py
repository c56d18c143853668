"""How long it takes to leave a saddle: against the dimension and against the accuracy."""

from __future__ import annotations

from collections.abc import Mapping
from math import log1p, sqrt
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from problems.noisy import Noisy
from problems.rotated import Rotated
from problems.saddles.strict_saddle import StrictSaddle
from proofs_check.claim import Claim, Instance
from proofs_check.convergence import ERROR_PROBABILITY
from proofs_check.escape_laws import every_step_mean, once_mean
from proofs_check.sides import agreement, mean_equality
from toolkit.algorithms import Algorithm
from toolkit.algorithms.perturbed_gd import PerturbedGD
from toolkit.algorithms.perturbed_sgd import PerturbedSGD
from toolkit.arrays import Array
from toolkit.experiment import Experiment
from toolkit.rates import slope
from toolkit.stationarity import UntilEscaped

if TYPE_CHECKING:
    import xarray

JIN = "derived, beside Jin, Netrapalli, Ge, Kakade and Jordan, JACM 2021 (saddle_escape, A2)"
BASE = r"f=\tfrac12\Big(\sum_{j>1}\lambda_jx_j^2-\gamma x_1^2\Big),\ T=\min\{t:|x_{t,1}|\ge R\},\ a=\eta\gamma"
FLAT = 1e-6  # ρ of saddles that are quadratic as far as runs go: at distance 1 the quartic adds a share of 3e-14
ETA, RADIUS = 0.25, 1e-3  # with γ = 1, R = 1
CONFIDENCE = 0.999  # of slopes
TAIL = 16.0  # e-folds that a run may take beyond the mean: 1e-7 of the runs take more


def saddle(d: int, gamma: float, curvature: float, rho: float = FLAT) -> StrictSaddle:
    """Return a saddle with one escape direction, the first axis, and one curvature in all others."""
    return StrictSaddle([-gamma] + [curvature] * (d - 1), rho=rho)


def noisy(problem: StrictSaddle, sigma_sq: float, noise: str) -> Any:
    """Return the saddle with one of the kinds of noise: isotropic, not Lipschitz, or orthogonal to the escape."""
    if noise == "orthogonal":
        return Noisy(problem, sigma_sq, avoiding=np.eye(problem.dimension)[0])
    return Noisy(problem, sigma_sq, law="flipping" if noise == "not Lipschitz" else "normal", width=1e-3)


def escape(
    problem: Any, method: Algorithm, *, mean: float, rate: float, distance: float = 1.0, **more: Any
) -> Experiment:
    """Return runs from the saddle that end at a distance along its escape direction, with steps enough for all."""
    steps, axis = int(mean + TAIL / rate), np.eye(1, problem.dimension)
    direction = problem.back(axis) if isinstance(problem, Rotated) else axis
    return Experiment(
        problem, method, steps=steps, record=[steps], x0=np.zeros(problem.dimension),
        stop=UntilEscaped(direction, distance), unproven=True, **more,
    )  # fmt: skip


def times(result: xarray.Dataset) -> Array:
    """Return T of every run, infinite where it had not escaped at the end."""
    return np.where(result.status.values == "stopped", result.last_step.values, np.inf).astype(float)


class LogDimension(Claim):
    """The polylogarithm of the theorem on one saddle: half a logarithm of d, from the size of one component of ξ."""

    id = "A2-escape-log-d"
    title = "The time to leave a saddle grows as ln d/(2 ln(1 + ηγ)), whatever the noise; its mean is known exactly"
    statement = (
        BASE + r",\ \mathbb E\lVert\xi\rVert^2=r^2\ \Rightarrow\ "
        r"\mathbb E\,T=\sum_{t\ge0}\mathbb P(|x_{t,1}|<R),\qquad"
        r"\frac{d\,\mathbb E\,T}{d\ln d}\to\frac1{2\ln(1+a)}"
    )
    reference = JIN
    kind = "identity"
    kinds: ClassVar[tuple[str, ...]] = ("one step", "isotropic", "not Lipschitz", "orthogonal")
    dimensions: ClassVar[Mapping[str, tuple[int, ...]]] = {"quick": (16, 256), "full": (16, 64, 256, 1024)}
    runs: ClassVar[Mapping[str, int]] = {"quick": 100, "full": 400}

    def law(self, kind: str, d: int) -> float:
        """Return E T."""
        reach = 1 / (ETA * RADIUS)
        if kind == "one step":
            return 1 + once_mean(ETA, reach, d)  # it perturbs in the second step, and descends in it
        share = 1 if kind == "orthogonal" else 2  # σ² = r² adds as much along the escape direction
        return float(every_step_mean(ETA, reach * sqrt(d / share)))

    def radius(self, d: int) -> float:
        """Return r."""
        return RADIUS

    def experiments(self, level: str) -> dict[str, Experiment]:
        return {
            f"{kind}, d={d}": self.experiment(kind, d, level) for kind in self.kinds for d in self.dimensions[level]
        }

    def experiment(self, kind: str, d: int, level: str) -> Experiment:
        """Return the escapes with γ = 1 and η = 1/4."""
        problem: Any = saddle(d, 1.0, 0.5)
        method: Algorithm = PerturbedSGD(radius=self.radius(d))
        if kind == "one step":
            # Only at the saddle itself the gradient is 0: there is one perturbation.
            method = PerturbedGD(radius=self.radius(d), threshold=0.0, patience=0)
        else:
            problem = noisy(problem, RADIUS**2, kind)
        mean = LogDimension().law(kind, d)
        return escape(problem, method, mean=mean, rate=log1p(ETA), stepsize=ETA, runs=self.runs[level])

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        instances, dimensions = [], self.dimensions[level]
        logs = np.log(dimensions)
        weights = (logs - logs.mean()) / ((logs - logs.mean()) ** 2).sum()
        for kind in self.kinds:
            of_runs = np.stack([times(data[f"{kind}, d={d}"]) for d in dimensions], axis=1)
            law = np.array([self.law(kind, d) for d in dimensions])
            means = ", ".join(
                f"{mean:.2f} at d = {d}" for mean, d in zip(of_runs.mean(axis=0), dimensions, strict=True)
            )
            # Runs of one seed share their noise over d, so that the slope is known far better than the means.
            for what, samples, mean, reason in (
                ("E T", of_runs, law, means),
                ("slope in ln d", of_runs @ weights, law @ weights, f"for large d it is {1 / (2 * log1p(ETA)):.4g}"),
            ):
                name = f"{what}, {kind}"
                instances.append(mean_equality(name, samples, mean, error_probability=ERROR_PROBABILITY, reason=reason))
        return instances


class Accuracy(Claim):
    """The power of 1/ε in the time of one escape, of curvature γ = √(ρε), with the step sizes of the theorems.

    With exact gradients η = 1/ℓ; with noise η = ε²/(ℓσ²), for which E‖∇f‖² ≤ ε² where it has settled. T is the number
    of e-folds from the noise to R ∝ γ/ρ, which is a logarithm, over ln(1 + ηγ) ≈ ηγ. A fall from such a saddle, 9γ³/ρ²
    here, is worth √(ε³/ρ): so the steps per unit of f have the exponents of the theorems, −2 and −4.
    """

    id = "A2-escape-epsilon"
    title = "But for a logarithm an escape takes ε^(−1/2) steps, with noise ε^(−5/2); per unit of f, ε⁻² and ε⁻⁴"
    statement = (
        BASE + r",\ \gamma=\sqrt{\rho\epsilon},\ R\propto\gamma/\rho,\ "
        r"\mathcal F\propto\sqrt{\epsilon^3/\rho}\ \Rightarrow\ "
        r"\frac{\mathbb E\,T}{\mathcal F}\propto\epsilon^{-2}\log\ (\eta=1/\ell),\qquad"
        r"\frac{\mathbb E\,T}{\mathcal F}\propto\epsilon^{-4}\log\ (\eta=\epsilon^2/\ell\sigma^2)"
    )
    reference = JIN
    kind = "rate"
    margin: ClassVar[float] = 0.2  # at the largest ηγ, 1/4, ln(1 + ηγ) is already 11 % less
    rho: ClassVar[float] = 1 / 16
    d: ClassVar[int] = 16
    near: ClassVar[float] = 0.5  # R in γ/ρ, where the quartic has cost 0.3 % of an e-fold
    exponents: ClassVar[Mapping[str, float]] = {"descent": -0.5, "noise": -2.5}
    accuracies: ClassVar[Mapping[str, tuple[float, ...]]] = {
        "descent": tuple(2.0 ** -np.arange(10, 3, -2)),
        "noise": (1 / 8, 1 / 4, 1 / 2, 1.0),
    }
    runs: ClassVar[Mapping[str, int]] = {"quick": 400, "full": 400}

    def used(self, how: str, level: str) -> tuple[float, ...]:
        """Return the ε of a level, from the smallest on."""
        return self.accuracies[how][1 if level == "quick" else 0 :]

    def stepsize(self, how: str, epsilon: float) -> float:
        """Return η, with ℓ = 1 and σ² + r² = 1."""
        return 1.0 if how == "descent" else epsilon**2

    def mean(self, how: str, epsilon: float) -> float:
        """Return E T."""
        gamma, radius, eta = sqrt(self.rho * epsilon), self.radius(how, epsilon), self.stepsize(how, epsilon)
        reach = self.near * gamma / self.rho / (eta * radius)
        if how == "descent":
            return 1 + once_mean(eta * gamma, reach, self.d)
        return float(every_step_mean(eta * gamma, reach * sqrt(self.d)))

    def radius(self, how: str, epsilon: float) -> float:
        """Return r: a tenth of ε, and with noise r² = σ² = 1/2."""
        return epsilon / 10 if how == "descent" else sqrt(0.5)

    def experiments(self, level: str) -> dict[str, Experiment]:
        found = {}
        for how in self.exponents:
            for epsilon in self.used(how, level):
                gamma, radius = sqrt(self.rho * epsilon), self.radius(how, epsilon)
                problem: Any = saddle(self.d, gamma, 1.0, self.rho)
                method: Algorithm = PerturbedGD(radius=radius, threshold=0.0, patience=0)
                if how == "noise":
                    problem, method = noisy(problem, 0.5, "orthogonal"), PerturbedSGD(radius=radius)
                eta = self.stepsize(how, epsilon)
                found[f"{how}, ε={epsilon:g}"] = escape(
                    problem, method, mean=self.mean(how, epsilon), rate=log1p(eta * gamma), stepsize=eta,
                    distance=self.near * gamma / self.rho, runs=self.runs[level],
                )  # fmt: skip
        return found

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        instances = []
        for how, exponent in self.exponents.items():
            epsilons = np.array(self.used(how, level))
            rates = np.log1p([self.stepsize(how, one) * sqrt(self.rho * one) for one in epsilons])
            folds = rates * [self.mean(how, one) for one in epsilons]
            of_runs = np.stack([times(data[f"{how}, ε={one:g}"]) for one in epsilons], axis=1)
            name = f"{how}, ε from {epsilons[0]:g} to {epsilons[-1]:g}"
            if np.isinf(of_runs).any():
                instances.append(Instance(name, "violated", measured=float("inf"), reason="a run did not escape"))
                continue
            raw = slope(epsilons, of_runs, confidence=CONFIDENCE)
            found = slope(epsilons, of_runs / folds, confidence=CONFIDENCE)
            reason = (
                f"with its logarithm {raw.value:.3f} [{raw.low:.3f}, {raw.high:.3f}]; per unit of f "
                f"{found.value - 1.5:.3f}"
            )
            instances.append(agreement(name, found, exponent, self.margin, runs=len(of_runs), reason=reason))
        return instances
