"""What bounds on runs are checked on: problems with what is known of them before a run, compressors, step sizes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import Any, ClassVar

import numpy as np

from problems import Problem
from problems.logistic_regression import LogisticRegression
from problems.quadratic import Quadratic
from proofs_check.extremal import Shrink
from toolkit.arrays import Array
from toolkit.compressors import Compressor
from toolkit.compressors.natural import Natural
from toolkit.compressors.qsgd import QSGD
from toolkit.compressors.r_top_k import RTopK
from toolkit.compressors.rand_k import RandK
from toolkit.compressors.scaled import Scaled
from toolkit.compressors.scaled_sign import ScaledSign
from toolkit.compressors.top_k import TopK
from toolkit.constants import CompressorConstants, ProblemConstants, exact

__all__ = [
    "AbsoluteDeviations",
    "Case",
    "Overshoot",
    "RelativeNoise",
    "Setting",
    "contractions",
    "crossed",
    "half_square",
    "smooth_settings",
]

LARGE = 100  # dimension above which every compressor would take minutes


class Overshoot(Compressor):
    r"""Stretch every coordinate alike: a contraction whose message is longer than its input.

    .. math:: C(x) = (1 + q)\,x, \qquad q = \sqrt{1 - \delta}, \qquad \|C(x) - x\|^2 = (1 - \delta)\|x\|^2 .

    Examples
    --------
    >>> Overshoot(delta=0.75).compress(np.array([2.0, -4.0]))
    array([ 3., -6.])
    """

    delta: float

    def message(self, x: Array, draw: Any) -> Array:
        return (1 + np.sqrt(1 - self.delta)) * x

    def constants(self, d: int, n: int = 1) -> CompressorConstants:
        return CompressorConstants(delta=exact(self.delta, "the definition, with equality for every x"))


class RelativeNoise(Quadratic):
    r"""A quadratic whose gradient noise grows with the gradient.

    .. math:: E\|\xi_i\|^2 = M\,\|\nabla f_i(x)\|^2 + \sigma^2, \qquad M = 1

    Examples
    --------
    >>> RelativeNoise.generate(2, 3, sigma_sq=1.0).default_batch
    1
    """

    M: ClassVar[float] = 1.0

    def stochastic_gradient(self, x: Array, draw: Any, batch: int) -> Array:
        gradient = self.gradient(x)
        variance = self.M * np.sum(gradient**2, axis=-1, keepdims=True) + self.sigma_sq
        return gradient + np.sqrt(variance / (self.dimension * batch)) * draw.normal(self.dimension)


class AbsoluteDeviations(Problem):
    r"""Convex and not smooth: every subgradient is at most √d long, at every point.

    .. math:: f_i(x) = \|x - c_i\|_1, \qquad g_i = \mathrm{sign}(x - c_i) + \xi_i, \quad E\|\xi_i\|^2 = \sigma^2

    Parameters
    ----------
    centres : array, shape (worker, d)
        The c_i; their median minimises f.
    sigma_sq : float
        σ² of Gaussian noise; with 0 there is none.

    Examples
    --------
    >>> problem = AbsoluteDeviations(np.array([[0.0], [1.0], [5.0]]))
    >>> problem.x_star, problem.f_star
    (array([1.]), 1.6666666666666667)
    """

    def __init__(self, centres: Array, sigma_sq: float = 0.0) -> None:
        self.centres = np.asarray(centres, dtype=float)
        self.workers, self.dimension = self.centres.shape
        self.sigma_sq = sigma_sq
        self.default_batch = 1 if sigma_sq else "full"
        self.start = np.zeros(self.dimension)
        self.x_star = np.median(self.centres, axis=0)
        self.f_star = float(self.value(self.x_star[None, None]).mean())

    def value(self, x: Array) -> Array:
        return np.abs(x - self.centres).sum(axis=-1)

    def gradient(self, x: Array) -> Array:
        return np.sign(x - self.centres)

    def stochastic_gradient(self, x: Array, draw: Any, batch: int) -> Array:
        return self.gradient(x) + np.sqrt(self.sigma_sq / (self.dimension * batch)) * draw.normal(self.dimension)

    @property
    def constants(self) -> ProblemConstants:
        return ProblemConstants(sigma_sq=exact(self.sigma_sq, "declared"), convex=True)


@dataclass(frozen=True)
class Setting:
    """A problem with what is known of its gradient samples before the run; noise is independent over the workers.

    Parameters
    ----------
    name : str
        In words.
    problem : Problem
        The problem; its `start` is where runs begin.
    batch : 'full' or int
        What a sample is.
    sigma_sq, M : float
        E‖ξ_i‖² ≤ M‖∇f_i(x)‖² + σ² at every x.
    """

    name: str
    problem: Any
    batch: str | int = "full"
    sigma_sq: float = 0.0
    M: float = 0.0

    @property
    def noisy(self) -> bool:
        return self.batch != "full"

    @property
    def L(self) -> float:
        """The L for which every f_i is L-smooth."""
        return float(np.max(self.problem.constants.L_i.value))

    @property
    def F_0(self) -> float:
        """f at the start less the minimum, or less a certified lower bound of f."""
        start = self.problem.start[None, None]
        gap = self.problem.gap(start)
        return float(self.problem.value(start).mean()) - self.problem.f_inf if gap is None else float(gap[0])

    @property
    def R_0_sq(self) -> float:
        """The squared distance of the start to a minimiser."""
        return float(np.sum((self.problem.start - self.problem.x_star) ** 2))


@cache
def smooth_settings(level: str) -> tuple[Setting, ...]:
    """Return smooth problems: quadratics and logistic regressions, like and unlike workers, with and without noise."""
    unlike: dict[str, Any] = {"spread": 0.5, "heterogeneity": 10.0}
    found = [
        Setting("heterogeneous quadratic, n = 10", Quadratic.generate(10, 30, **unlike)),
        Setting("homogeneous quadratic, n = 10", Quadratic.generate(10, 30)),
        _noisy("noisy quadratic, n = 1", Quadratic.generate(1, 10, sigma_sq=4.0)),
        _noisy("noisy heterogeneous quadratic, n = 10", Quadratic.generate(10, 10, **unlike, sigma_sq=4.0)),
        Setting("logistic regression, n = 10", LogisticRegression.on("breast-cancer", 10)),
        Setting("nonconvex logistic regression, n = 10", LogisticRegression.on("breast-cancer", 10, "nonconvex")),
    ]
    if level == "full":
        found += [
            Setting("quadratic, n = 1", Quadratic.generate(1, 30)),
            _sampled("logistic regression, n = 10, batch 4", LogisticRegression.on("breast-cancer", 10), 4),
            Setting("Madelon-like logistic regression, n = 10", LogisticRegression.on("madelon-like", 10)),
        ]
    return tuple(found)


def half_square(x_0: float, name: str = "x²/2") -> Setting:
    """Return f(x) = x²/2 on the line, from x_0."""
    return Setting(name, Quadratic(np.ones((1, 1)), start=np.array([x_0])))


def _noisy(name: str, problem: Quadratic) -> Setting:
    return Setting(name, problem, batch=1, sigma_sq=problem.sigma_sq)


def _sampled(name: str, problem: LogisticRegression, batch: int) -> Setting:
    """One sample's loss has the gradient −w·y_j a_j with 0 < w < 1, so its variance is at most the mean of ‖a_j‖²."""
    longest = float(np.sum(problem.signed_features**2, axis=-1).mean(axis=-1).max())
    return Setting(name, problem, batch=batch, sigma_sq=longest / batch)


def contractions() -> dict[str, Compressor]:
    """Return compressors with a contraction constant δ, by name."""
    return {
        "top-k, k = 3": TopK(k=3),
        "top-k, k = 9": TopK(k=9),
        "rand-k, k = 3": RandK(k=3),
        "rTop-k, k = 3, r = 9": RTopK(k=3, r=9),
        "scaled sign": ScaledSign(),
        "scaled QSGD, s = 2": Scaled(QSGD(s=2)),
        "natural compression": Natural(),
        "shrink, δ = 3/4": Shrink(delta=0.75),
        "overshoot, δ = 63/64": Overshoot(delta=63 / 64),
    }


@dataclass(frozen=True)
class Case:
    """One experiment of a claim: a setting, a compressor and the step sizes that are swept.

    Parameters
    ----------
    name : str
        In words.
    setting : Setting
        The problem and what is known of it.
    compressor : Compressor
        The compressor; its fields may be swept.
    stepsizes : tuple of float
        The step sizes γ.
    """

    name: str
    setting: Setting
    compressor: Compressor
    stepsizes: tuple[float, ...]

    @property
    def random(self) -> bool:
        """Whether something is left to chance: the gradient samples, or the compressor."""
        return self.setting.noisy or self.compressor.random

    @property
    def delta(self) -> float:
        """The contraction constant δ of the compressor, which must have one."""
        problem = self.setting.problem
        delta = self.compressor.constants(problem.dimension, problem.workers).delta
        if delta is None:
            raise TypeError(f"{self.compressor!r} is no contraction")
        return float(delta.value)


def crossed(
    settings: tuple[Setting, ...], compressors: dict[str, Compressor], level: str
) -> Iterator[tuple[str, Setting, Compressor]]:
    """Pair every setting with every compressor.

    At the quick level only the first of one with all of the other; in a large dimension only the first compressor.
    """
    for (i, setting), (j, (name, compressor)) in product(enumerate(settings), enumerate(compressors.items())):
        if i == 0 or j == 0 or (level == "full" and setting.problem.dimension <= LARGE):
            yield f"{setting.name}, {name}", setting, compressor
