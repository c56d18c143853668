"""Jin et al., JACM 2021, Lemmas 19 and 21: how far descent must fall, and how far it can go without falling."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from problems.quadratic import Quadratic
from problems.saddles.matrix_factorisation import MatrixFactorisation
from problems.saddles.saddle_chain import SaddleChain
from problems.saddles.strict_saddle import StrictSaddle
from proofs_check.claim import Claim, Instance, not_applicable
from proofs_check.paths import cells
from proofs_check.sides import EPS
from proofs_check.statistics import decide_exact
from toolkit.algorithms.sgd import SGD
from toolkit.arrays import Array
from toolkit.experiment import Experiment

if TYPE_CHECKING:
    import xarray

REFERENCE = "Jin, Netrapalli, Ge, Kakade and Jordan, JACM 2021"
ROUNDING = 32  # of a value of f and of the point where it is taken: sums of a few terms
SHARES = (0.25, 1.0, 1.5)  # of the largest step size, 1/L


@cache
def _starts() -> dict[str, tuple[Any, tuple[float, ...]]]:
    """Return problems by name, each with a start whose way leads past a saddle."""
    return {
        "x²/2": (Quadratic(np.ones((1, 1))), (1.0,)),
        "a quadratic": (Quadratic(np.array([[1.0, 0.25, 0.01]])), (1.0, -2.0, 3.0)),
        "strict saddle": (StrictSaddle([-1.0, -0.3, 0.5], top=1.0), (1e-2, -1e-3, 3.0)),
        "saddle chain": (SaddleChain([3.0, 2.0, 1.0], decay=0.01), (1e-3, 1e-2, 1.0)),
        "matrix factorisation": (MatrixFactorisation([2.0, 1.0], rank=1), (0.02, -0.03, 0.01, 0.04)),
    }


class _Descent(Claim):
    """A statement about every step of gradient descent; ratios are taken where f falls by more than rounding."""

    kind = "tight"
    expected = "tight"
    limit: ClassVar[float] = 1.0  # of η, in 1/L

    def experiments(self, level: str) -> dict[str, Experiment]:
        steps = {"quick": 150, "full": 600}[level]  # twice as many would be lost to underflow
        return {
            name: Experiment(
                problem,
                SGD(),
                stepsize=tuple(share / float(problem.constants.L) for share in SHARES),
                steps=steps,
                x0=start,
                record="all",
                keep=("x",),
            )
            for name, (problem, start) in _starts().items()
        }

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        return [self._judge(*cell) for cell in cells(self.experiments(level), data)]

    def _judge(self, name: str, experiment: Experiment, result: xarray.Dataset) -> Instance:
        problem, eta = experiment.problem, experiment.stepsize
        if eta * float(problem.constants.L) > self.limit + EPS:
            return not_applicable(name, "η > 1/L")
        x = result["x"].values[0, :, 0]
        radius = getattr(problem, "radius", None)
        if radius is not None and np.linalg.norm(x, axis=-1).max() > radius:
            return not_applicable(name, "it leaves the ball on which L holds")
        gap, slope = result["f_gap"].values[0], np.sqrt(result["grad_norm_sq"].values[0])
        size = gap + abs(result["f"].values[0]) + slope * np.linalg.norm(x, axis=-1)  # of what f and x round
        left, right, scale = self.sides(eta, x, gap, slope, size)
        found = decide_exact(left, right, rounding=ROUNDING, scale=scale)
        clear = right > 1e6 * ROUNDING * EPS * scale
        ratio = np.where(clear, left / np.where(clear, right, 1.0), -np.inf)
        at = int(np.argmax(ratio))
        attained = found.verdict == "holds" and ratio[at] > 1 - 1e-6
        told = f"attained in step {at + 1}" if attained else f"closest in step {at + 1}"
        reason = "; ".join(part for part in (found.reason, f"{told}, of {clear.sum()} with a clear fall") if part)
        verdict = "tight" if attained else found.verdict
        return Instance(name, verdict, float(left[at]), float(right[at]), float(ratio[at]), reason=reason)

    def sides(self, eta: float, x: Array, gap: Array, slope: Array, size: Array) -> tuple[Array, Array, Array]:
        """Return both sides for t = 1 … T, and the size of what was rounded on the way to their difference."""
        raise NotImplementedError


class DescentLemma(_Descent):
    """A step of length η falls by η/2 times the squared gradient."""

    id = "A2-19"
    title = "A gradient step falls by at least half of what its gradient promises; attained by x²/2 at η = 1/L"
    statement = r"f(x^+)-f(x)\le-\frac\eta2\lVert\nabla f(x)\rVert^2\quad\text{for }\eta\le\frac1L"
    reference = f"{REFERENCE}, Lemma 19 (A2)"
    factor: ClassVar[float] = 0.5

    def sides(self, eta: float, x: Array, gap: Array, slope: Array, size: Array) -> tuple[Array, Array, Array]:
        return self.factor * eta * slope[:-1] ** 2, gap[:-1] - gap[1:], np.maximum(size[:-1], size[1:])


class ImproveOrLocalise(_Descent):
    """Who goes far falls far."""

    id = "A2-21"
    title = "Descent improves or stays near: the way is bounded by the fall; attained by one step of x²/2 at η = 1/L"
    statement = (
        r"\lVert x_\tau-x_0\rVert^2\le2\eta t\left(f(x_0)-f(x_t)\right)\quad\text{for all }\tau\le t,\ \eta\le\frac1L"
    )
    reference = f"{REFERENCE}, Lemma 21, squared (A2)"
    factor: ClassVar[float] = 2.0

    def sides(self, eta: float, x: Array, gap: Array, slope: Array, size: Array) -> tuple[Array, Array, Array]:
        t = np.arange(1, len(x))
        way_sq = np.maximum.accumulate(((x - x[0]) ** 2).sum(axis=-1))[1:]
        bound = self.factor * eta * t * (gap[0] - gap[1:])
        longest = np.linalg.norm(x, axis=-1).max()
        return way_sq, bound, self.factor * eta * t * np.maximum(size[0], size[1:]) + np.sqrt(way_sq) * longest
