"""Does compression noise alone escape from a saddle? Off the axes it does, unless messages are exact or too slow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import log1p, sqrt
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from scipy.linalg import hadamard

from problems._wrapped import Wrapped
from problems.noisy import Noisy
from problems.rotated import Rotated
from problems.saddles.strict_saddle import StrictSaddle
from proofs_check.claim import Claim, Instance
from proofs_check.moments import Model, moments
from proofs_check.multipliers import multipliers
from proofs_check.sides import equality, inequality, proportion
from toolkit.algorithms import Algorithm
from toolkit.algorithms.compressed_sgd import CompressedSGD
from toolkit.algorithms.ef21 import EF21
from toolkit.algorithms.error_feedback import ErrorFeedback
from toolkit.algorithms.sgd import SGD
from toolkit.arrays import Array
from toolkit.compressors import Compressor
from toolkit.compressors.identity import Identity
from toolkit.compressors.natural import Natural
from toolkit.compressors.qsgd import QSGD
from toolkit.compressors.rand_k import RandK
from toolkit.compressors.scaled import Scaled
from toolkit.compressors.scaled_sign import ScaledSign
from toolkit.compressors.top_k import TopK
from toolkit.experiment import Experiment

if TYPE_CHECKING:
    import xarray

REFERENCE = "derived, beside Avdiukhin and Yaroslavtsev, NeurIPS 2021 (saddle_escape, A4)"
ERROR_PROBABILITY = 1e-6  # of one instance that rests on chance
EPS = float(np.finfo(float).eps)

D, GAMMA, L = 16, 1.0, 1.0
CURVATURES = np.append(-GAMMA, np.linspace(0.25, L, D - 1))
RHO = 6.0  # wells at distance 1
START, SCALE = 0.01, 0.5  # how far from the saddle runs start, and how far along v they count as escaped
E_FOLDS = 18.0  # of descent's growth until the horizon: half of 36, where its rounding is of the size of the start
METHODS: dict[str, Algorithm] = {"no memory": CompressedSGD(), "error feedback": ErrorFeedback(), "EF21": EF21()}
WITH_MEMORY = ("error feedback", "EF21")


class Split(Wrapped):
    """A saddle whose first axis is the escape direction v: |⟨v, x⟩| and the length of the rest are recorded."""

    def observe(self, x: Array) -> dict[str, Array]:
        return {"along": abs(x[:, 0, 0]), "across": np.sqrt((x[:, 0, 1:] ** 2).sum(axis=-1))}

    def describe(self) -> dict[str, Any]:
        return {"problem": self.problem}


def saddle(rho: float = RHO, *, sigma_sq: float = 0.0, isotropic: bool = False, **basis: Any) -> Rotated:
    """Return the saddle in another basis; noise, if there is any, avoids the escape direction or is isotropic."""
    inside: Any = StrictSaddle(CURVATURES, rho=rho)
    if sigma_sq > 0:
        inside = Noisy(inside, sigma_sq, avoiding=None if isotropic else np.eye(D)[0])
    return Rotated(Split(inside), **basis)


def starts(problem: Rotated, runs: int) -> Array:
    """Return points of the stable subspace, uniform on the sphere of radius `START`, shape ``(run, d)``."""
    points = np.random.default_rng(0).standard_normal((runs, D))
    points[:, 0] = 0
    return problem.back(START * points / np.linalg.norm(points, axis=1, keepdims=True))


def horizon(stepsize: float) -> int:
    """Return T = ⌊18/ln(1 + ηγ)⌋."""
    return int(E_FOLDS / log1p(stepsize * GAMMA))


def rounding_bound(stepsize: float) -> float:
    """Return B, with which descent's rounding keeps |⟨v, x_t⟩| ≤ B·ε·‖x_0‖·(1 + ηγ)^t.

    A step from x_t rounds two products with the basis, in which the basis is orthogonal only to rounding, and a sum:
    together at most (2ηLd^{3/2} + 1)·ε·‖x_t‖ along v, where ‖x_t‖ ≤ (1 − ηλ)^t ‖x_0‖ but for what has been rounded,
    and these add up with weights (1 + ηγ)^{−t−1}. The start is rounded, and what is recorded.
    """
    return D + (2 * stepsize * L * D**1.5 + 1) / (stepsize * (GAMMA + CURVATURES[1:].min()))


class Rounding(Claim):
    """What uncompressed descent does: nothing before the horizon, and then rounding escapes."""

    id = "saddle-rounding-escape"
    title = "In a rotated basis rounding alone pushes descent off the stable subspace, not before 36/ln(1 + ηγ) steps"
    statement = (
        r"\langle v,x_0\rangle=0,\ \lVert x_0\rVert=\tfrac R{50}\ \Rightarrow\ "
        r"\lvert\langle v,x_t\rangle\rvert\le\left(d+\frac{2\eta Ld^{3/2}+1}"
        r"{\eta(\gamma+\lambda)}\right)\varepsilon\lVert x_0\rVert(1+\eta\gamma)^t,\qquad"
        r"\lvert\langle v,x_t\rangle\rvert<R\text{ for }t\le\frac{36}{\ln(1+\eta\gamma)}"
    )
    reference = "derived; the time is that of Jin et al., JACM 2021 (saddle_escape, A2)"
    stepsizes: ClassVar[Mapping[str, tuple[float, ...]]] = {"quick": (1 / 4, 1.0), "full": (1 / 16, 1 / 4, 1.0)}
    longest: ClassVar[float] = 52.0  # e-folds
    start = staticmethod(starts)

    def experiments(self, level: str) -> dict[str, Experiment]:
        problem, runs = saddle(), {"quick": 8, "full": 100}[level]
        return {
            f"η={stepsize:g}": Experiment(
                problem, SGD(), stepsize=stepsize, steps=int(self.longest / log1p(stepsize * GAMMA)), runs=runs,
                x0=self.start(problem, runs), record="all",
            )
            for stepsize in self.stepsizes[level]
        }  # fmt: skip

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        instances = []
        for name, experiment in self.experiments(level).items():
            along, growth = data[name].along.values, log1p(experiment.stepsize * GAMMA)
            t = np.arange(along.shape[1])
            bound = rounding_bound(experiment.stepsize) * EPS * START * np.exp(growth * t)
            first = np.where((along >= SCALE).any(axis=1), (along >= SCALE).argmax(axis=1), np.inf) * growth
            reason = f"{np.isfinite(first).sum()} of {len(first)} escape, after {min(first):.1f} e-folds and more"
            instances.append(inequality(name, along, np.tile(bound, (len(along), 1)), rounding=0, reason=reason))
            early = along[:, : int(36 / growth) + 1].max()
            instances.append(inequality(f"{name}, until 36 e-folds", [early], [SCALE], rounding=0))
        return instances


class Escape(Claim):
    """From the stable subspace without noise, and from the saddle itself with noise that avoids v."""

    id = "saddle-compression-escape"
    title = "In a rotated basis compression alone escapes from the stable subspace long before rounding would"
    statement = (
        r"\langle v,x_0\rangle=0,\ \lVert x_0\rVert=\tfrac R{50},\ \xi_t=0\text{ or }x_0=0,\ \xi_t\perp v,\ "
        r"\mathbb E\lVert\xi_t\rVert^2=\tfrac{R^2}{625}\ \Rightarrow\ "
        r"\mathbb P\left(\lvert\langle v,x_T\rangle\rvert\ge R\right)\ge0.9,\ "
        r"T=\left\lfloor\tfrac{18}{\ln(1+\eta\gamma)}\right\rfloor,\ "
        r"\text{while descent has }\lvert\langle v,x_T\rangle\rvert\le10^{-3}R"
    )
    reference = REFERENCE
    kind = "lower bound"
    stepsize: ClassVar[float] = 0.25
    probability: ClassVar[float] = 0.9
    sigma: ClassVar[float] = 0.02
    runs: ClassVar[Mapping[str, int]] = {"quick": 320, "full": 1000}
    bases: ClassVar[Mapping[str, tuple[int, ...]]] = {"quick": (0,), "full": (0, 1, 2)}  # seeds
    settings: ClassVar[Mapping[str, tuple[Compressor, tuple[str, ...]]]] = {
        "Top-4": (TopK(k=4), tuple(METHODS)),
        "Rand-12": (RandK(k=12), ("no memory",)),
        "Rand-4": (RandK(k=4), WITH_MEMORY),
        "QSGD, s = 3": (Scaled(QSGD(s=3)), tuple(METHODS)),
        "scaled sign": (ScaledSign(), tuple(METHODS)),
        "natural": (Natural(), tuple(METHODS)),
    }

    def problem(self, sigma_sq: float, seed: int) -> Rotated:
        """Return the saddle in the basis of a seed."""
        return saddle(sigma_sq=sigma_sq, seed=seed)

    def experiments(self, level: str) -> dict[str, Experiment]:
        pairs = {
            f"{name}, {how}": (METHODS[how], compressor)
            for name, (compressor, hows) in self.settings.items()
            for how in hows
        } | {"descent": (SGD(), Identity())}
        found: dict[str, Experiment] = {}
        for seed in self.bases[level]:
            found |= self.runs_of(pairs, "stable subspace", self.problem(0.0, seed), level, f", basis {seed}")
        if level == "quick":  # EF21 then runs from the stable subspace only
            pairs = {name: pair for name, pair in pairs.items() if "EF21" not in name}
        return found | self.runs_of(pairs, "saddle, noise", self.problem(self.sigma**2, 0), level)

    def runs_of(
        self,
        pairs: Mapping[str, tuple[Algorithm, Compressor]],
        where: str,
        problem: Rotated,
        level: str,
        basis: str = "",
    ) -> dict[str, Experiment]:
        """Return the runs of methods with compressors from the stable subspace, or from the saddle."""
        x0 = np.zeros(D) if where.startswith("saddle") else starts(problem, self.runs[level])
        return {
            f"{name}, {where}{basis}": Experiment(
                problem, method, compressor, stepsize=self.stepsize, steps=horizon(self.stepsize),
                runs=self.runs[level], x0=x0, record=[horizon(self.stepsize)], unproven=True,
            )
            for name, (method, compressor) in pairs.items()
        }  # fmt: skip

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        return [self.judge(name, data[name].along.values[:, -1]) for name in self.experiments(level)]

    def judge(self, name: str, along: Array) -> Instance:
        """Judge the runs of a method at the horizon."""
        if name.startswith("descent"):
            still = inequality(name, [along.max()], [1e-3 * SCALE], rounding=0)
            return replace(still, ratio=None)  # no share of escapes
        escaped = int((along >= SCALE).sum())
        return proportion(
            name, escaped, len(along), self.probability, at_least=True, error_probability=ERROR_PROBABILITY
        )


def second_moment(k: int, stepsize: float, steps: int, memory: bool) -> float:
    """Return E⟨v, x_t⟩²/R² of Rand-k after some steps on the quadratic, exactly, from the first of the starts."""
    problem = saddle()
    hessian = problem.basis.T @ np.diag(CURVATURES) @ problem.basis
    of = Model(hessian[None], np.zeros((1, D)), np.zeros((1, D, D)), starts(problem, 1)[0])
    run = moments(of, multipliers(RandK(k=k), D), [stepsize] * steps, memory=memory)
    return float(problem.basis[0] @ run.second[1 : D + 1, 1 : D + 1] @ problem.basis[0]) / SCALE**2


class Slow(Claim):
    """Without memory Rand-k grows only by 1 + ηγk/d a step: too slow, as exact second moments show."""

    id = "saddle-rand-k-too-slow"
    title = "Without memory Rand-k with k ≤ d/4 does not escape before the horizon; with one it does"
    statement = (
        r"x_{t+1}=x_t-\eta\,\mathrm{Rand}_k(Hx_t)\ \Rightarrow\ \mathbb P\left(\max_{t\le T}\lvert\langle v,x_t\rangle"
        r"\rvert\ge R\right)\le\frac{\mathbb E\langle v,x_T\rangle^2}{R^2}\le0.01\quad\left(\tfrac kd\le\tfrac14\right)"
    )
    reference = f"{REFERENCE}; Doob's inequality, as ⟨v, x_t⟩ is a martingale times (1 + ηγk/d)^t"
    memory: ClassVar[bool] = False
    most: ClassVar[float] = 0.01
    stepsizes: ClassVar[tuple[float, ...]] = (1 / 8, 1 / 4)
    runs: ClassVar[Mapping[str, int]] = {"quick": 400, "full": 4000}
    sampled: ClassVar[int] = 6  # the k where both sides can be told from 0 and 1

    def experiments(self, level: str) -> dict[str, Experiment]:
        problem, stepsize = saddle(rho=1e-3), self.stepsizes[0]
        return {
            "sampled": Experiment(
                problem, METHODS["error feedback" if self.memory else "no memory"], RandK(k=self.sampled),
                stepsize=stepsize, steps=horizon(stepsize), runs=self.runs[level], x0=starts(problem, 1)[0],
                record=range(0, horizon(stepsize) + 1, 4), unproven=True,
            )
        }  # fmt: skip

    def bound(self, k: int, stepsize: float) -> float:
        """Return the right side."""
        return second_moment(k, stepsize, horizon(stepsize), self.memory)

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        instances = [
            inequality(f"exact moments, k={k}, η={stepsize:g}", [self.bound(k, stepsize)], [self.most], rounding=0)
            for stepsize in self.stepsizes
            for k in (1, 2, 4)
        ]
        along, bound = data["sampled"].along.values, self.bound(self.sampled, self.stepsizes[0])
        escaped = int((along >= SCALE).any(axis=1).sum())
        name = f"sampled, k={self.sampled}"
        sampled = proportion(name, escaped, len(along), bound, at_least=False, error_probability=ERROR_PROBABILITY)
        return [*instances, sampled]


class Exact(Claim):
    """The other side: no message is wrong, so that nobody is pushed."""

    id = "saddle-exact-messages"
    title = "Where all messages are exact no method, with memory or without, is pushed off the stable subspace"
    statement = (
        r"C(p_t)=p_t\text{ for all }t,\ \langle v,x_0\rangle=0\ \Rightarrow\ \langle v,x_t\rangle=0:\ "
        r"x_0=0;\quad x_0\propto(\pm1,\dots,\pm1)\text{ an eigenvector},\ \eta\lambda=\tfrac12"
    )
    reference = REFERENCE
    kind = "identity"
    steps: ClassVar[int] = 120  # where there is rounding, it escapes after some 100
    stepsize: ClassVar[float] = 0.5
    along_signs: ClassVar[Mapping[str, Compressor]] = {
        "scaled sign": ScaledSign(),
        "QSGD, s = 4 = √d": QSGD(s=4),
        "natural": Natural(),
        "Top-16": TopK(k=16),
    }
    at_saddle: ClassVar[Mapping[str, Compressor]] = {
        "scaled sign": ScaledSign(),
        "QSGD, s = 3": QSGD(s=3),
        "Rand-4": RandK(k=4),
    }

    def experiments(self, level: str) -> dict[str, Experiment]:
        signs = hadamard(D) / sqrt(D)
        turned = Rotated(Split(StrictSaddle(np.append(-GAMMA, np.full(D - 1, L)), rho=RHO)), basis=signs)
        cases = {
            **{f"{name}, from signs": (one, turned, signs[5], self.steps) for name, one in self.along_signs.items()},
            **{f"{name}, from the saddle": (one, saddle(), np.zeros(D), 10) for name, one in self.at_saddle.items()},
        }
        return {
            f"{name}, {how}": Experiment(
                problem, method, compressor, stepsize=self.stepsize, steps=steps, x0=x0, record=[steps],
                unproven=True,
            )
            for name, (compressor, problem, x0, steps) in cases.items()
            for how, method in METHODS.items()
        }  # fmt: skip

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        return [
            equality(name, data[name].along.values[0], 0.0, rounding=0, reason=f"{experiment.steps} steps")
            for name, experiment in self.experiments(level).items()
        ]
