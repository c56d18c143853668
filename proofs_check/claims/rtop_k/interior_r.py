"""Error feedback with rTop-k on sparse-plus-noise quadratics: is an r between k and d best, and is it predicted?

The answer found: with several workers an interior r is best in a window of steps, there by factors; before and long
after it, and on average over the run, Top-k is. The one-step formula tells whether an interior r is best in that
window, and an r that beats both ends, but not the best one: what is not sent is not lost, so a larger r, by which more
of the coordinates are sent in time, is better than one step shows. All r have the same step size.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from problems.quadratic import Quadratic
from proofs_check.claim import Claim, Instance, not_applicable
from proofs_check.convergence import ERROR_PROBABILITY, curve
from proofs_check.sides import expectation
from proofs_check.statistics import decide_upper_bound
from toolkit.algorithms.error_feedback import ErrorFeedback
from toolkit.arrays import Array
from toolkit.averages import uniform
from toolkit.compressors.r_top_k import RTopK, best_r
from toolkit.experiment import Experiment

if TYPE_CHECKING:
    import xarray

__all__ = ["DIMENSION", "EARLY", "LATE", "RANGES", "SENT", "ensemble", "gaps", "predicted", "sparse_plus_noise"]

REFERENCE = "Barnes, Inan, Isik and Özgür, JSAIT 2020 (S-b5; claim to examine of the sheet, derived here)"
DIMENSION, SENT, SPARSITY = 64, 2, 8
SIGMA_SQ = 4.0
STEPSIZE = 0.05
RANGES: Any = (2, 4, 8, 16, 32, 64)
EARLY, LATE = 40, 120  # steps: little more than d/k, in which k coordinates per step go round once; and some rounds
SEED = 1000  # seeds on which no number of this file was chosen
WORKERS = {"quick": (16,), "full": (1, 4, 16, 64)}


def sparse_plus_noise(n: int) -> Quadratic:
    """Return f(x) = ‖x − x*‖²/2 with 8 of 64 coordinates of x* equal to 4, the others 0, and Gaussian gradient noise.

    The workers have equal f_i, so that at the start their messages differ by noise alone.
    """
    signal = np.where(np.arange(DIMENSION) < SPARSITY, 4.0, 0.0)
    return Quadratic(np.ones((n, DIMENSION)), np.tile(signal, (n, 1)), sigma_sq=SIGMA_SQ, start=np.zeros(DIMENSION))


def ensemble(n: int) -> Experiment:
    """Return runs with every r, on common seeds: more where fewer workers average the noise."""
    return Experiment(
        sparse_plus_noise(n),
        ErrorFeedback(),
        RTopK(k=SENT, r=RANGES),
        stepsize=STEPSIZE,
        steps=LATE,
        runs=128 if n <= 4 else 32,
        seed=SEED,
        record=[0, 10, 20, 30, EARLY, 50, 60, 80, 100, LATE],
        average={"f_gap": uniform},
    )


def gaps(result: xarray.Dataset, r: int, step: int, name: str = "f_gap") -> Array:
    """Return the gap at a step, or the mean gap of the steps before it, of every run with one r, shape ``(run,)``."""
    runs = result.sel(r=r)
    return curve(runs, name)[:, int(np.flatnonzero(runs["step"].values == step)[0])]


def predicted(n: int) -> int:
    """Return the r that loses least in the first step, if there were no noise."""
    problem = sparse_plus_noise(n)
    return best_r(problem.gradient(np.zeros((1, 1, DIMENSION)))[0, 0], SENT, n)


class _OnRuns(Claim):
    """A statement about the gap of error feedback with different r."""

    reference = REFERENCE

    def experiments(self, level: str) -> dict[str, Experiment]:
        return {f"n = {n}": ensemble(n) for n in WORKERS[level]}

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        return [one for n in WORKERS[level] for one in self.judge(n, data[f"n = {n}"])]

    def judge(self, n: int, result: xarray.Dataset) -> Iterator[Instance]:
        """Yield the instances of one number of workers."""
        raise NotImplementedError


class InteriorWins(_OnRuns):
    """After 40 steps the r of the formula beats both ends."""

    id = "S-b5-interior"
    title = (
        "EF with rTop-k, several workers: in a window of steps, the r of the one-step formula beats Top-k and Rand-k"
    )
    statement = (
        r"\hat r=\operatorname{argmax}_rw(r)\lVert\nabla f(x_0)_{S_r}\rVert^2\ \Rightarrow\ k<\hat r<d,\quad "
        r"Ef(x_{40})-f^\star\text{ with }\hat r\ \le\ \text{with }k\text{ and with }d"
    )

    step: ClassVar[int] = EARLY

    def chosen(self, n: int) -> int:
        """Return r̂."""
        return predicted(n)

    def judge(self, n: int, result: xarray.Dataset) -> Iterator[Instance]:
        r = self.chosen(n)
        if r in (SENT, DIMENSION):
            yield not_applicable(f"n = {n}", f"the formula says r = {r}, which is no interior one")
            return
        ends = np.stack([gaps(result, end, self.step) for end in (SENT, DIMENSION)], axis=1)
        own = np.repeat(gaps(result, r, self.step)[:, None], 2, axis=1)
        decision = decide_upper_bound(own, ends, ERROR_PROBABILITY)
        top, rand = decision.measured / decision.bound
        reason = f"r = {r}: {top:.2f} times the gap of Top-k, {rand:.2f} times that of Rand-k, after {self.step} steps"
        yield expectation(f"n = {n}", decision, reason=reason)


class FormulaIsBest(_OnRuns):
    """The r of the formula is not the best one."""

    id = "S-b5-predicts"
    title = "EF with rTop-k: the r of the one-step formula is the best one of the run: false"
    statement = (
        r"\hat r=\operatorname{argmax}_rw(r)\lVert\nabla f(x_0)_{S_r}\rVert^2\ \Rightarrow\ "
        r"Ef(x_{40})-f^\star\text{ with }\hat r\ \le\ \text{with any }r"
    )
    expected = "violated"
    rival: ClassVar[int] = 16  # the best one on other seeds

    def judge(self, n: int, result: xarray.Dataset) -> Iterator[Instance]:
        r = predicted(n)
        decision = decide_upper_bound(
            gaps(result, r, EARLY)[:, None], gaps(result, self.rival, EARLY)[:, None], ERROR_PROBABILITY
        )
        reason = f"predicted r = {r} against r = {self.rival}, after {EARLY} steps"
        yield expectation(f"n = {n}", decision, reason=reason)


class InteriorWinsOverall(_OnRuns):
    """Over the whole run Top-k is better than every larger r."""

    id = "S-b5-interior-overall"
    title = "EF with rTop-k: some larger r has a smaller mean gap over the whole run than Top-k: false"
    statement = (
        r"\min_{k<r}\frac1T\sum_{t<T}E\left(f(x_t)-f^\star\right)\ \le\ "
        r"\frac1T\sum_{t<T}E\left(f(x_t)-f^\star\right)\text{ with }r=k,\qquad T=120"
    )
    expected = "violated"
    own: ClassVar[int] = SENT  # what all others are held against

    def judge(self, n: int, result: xarray.Dataset) -> Iterator[Instance]:
        others = [r for r in RANGES if r != self.own]
        bound = gaps(result, self.own, LATE, "f_gap_average")[:, None]
        # Violated if each of them is worse: were one better, its own limit would have to fail for that. That one looks
        # better by chance has at most the sum of their probabilities.
        decisions = {
            r: decide_upper_bound(
                gaps(result, r, LATE, "f_gap_average")[:, None], bound, ERROR_PROBABILITY / len(others)
            )
            for r in others
        }
        verdicts = {decision.verdict for decision in decisions.values()}
        verdict = "holds" if "holds" in verdicts else "violated" if verdicts == {"violated"} else "undecided"
        best = min(others, key=lambda r: float(decisions[r].measured[0]))
        measured, least = float(decisions[best].measured[0]), float(decisions[best].bound[0])
        yield Instance(
            f"n = {n}",
            verdict,
            measured,
            least,
            measured / least,
            error_probability=ERROR_PROBABILITY,
            basis=decisions[best].basis,
            runs=len(bound),
            reason=f"the best r above {self.own} is {best}",
        )
