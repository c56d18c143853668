"""Top-k against the hard threshold on three data sets, in the manner of Sahu et al.: the runs that figures share."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from problems import LogisticRegression
from problems._data import load, standardised
from toolkit.algorithms import SGD, Algorithm, ErrorFeedback
from toolkit.arrays import Array
from toolkit.compressors import Compressor, HardThreshold, Identity, TopK
from toolkit.experiment import Experiment

if TYPE_CHECKING:
    import xarray

__all__ = ["HIGHER", "RUNS", "SETTINGS", "K", "Setting", "experiments", "in_words", "logistic", "relative_gap"]

WORKERS, K = 20, 1
RUNS = {"quick": 2, "full": 4}
QUICK = 120  # steps at the quick level
HIGHER = 4  # a threshold that spends less, times the one that spends what Top-k spends
OFFSET = 10.0  # of Madelon's features, in their deviations: like its own, they are far from centred


@dataclass(frozen=True)
class Setting:
    """A data set with the step size, threshold and start used on it.

    Parameters
    ----------
    data : str
        Its name.
    lam : float
        λ of the threshold, for which it spends the bits of Top-1 over the whole run.
    shift : float
        The start is x* + shift·(1, …, 1).
    epochs : int
        Length of a run at the full level.
    """

    data: str
    lam: float
    shift: float
    epochs: int

    @property
    def problem(self) -> LogisticRegression:
        """The logistic regression, with ℓ2 = L/10⁴."""
        return logistic(self.data, WORKERS, 1e4)

    @property
    def share(self) -> int:
        """Samples per worker, so steps per epoch."""
        return self.problem.signed_features.shape[1]

    @property
    def stepsize(self) -> float:
        """One over the mean smoothness of one sample's loss: in the paper's data it is nearly that of all."""
        one_sample = float((self.problem.signed_features**2).sum(axis=-1).mean()) / 4
        return 1 / (one_sample + self.problem.strength)

    @property
    def start(self) -> Array:
        x_star: Any = self.problem.x_star
        return x_star + self.shift

    def steps(self, level: str) -> int:
        """Return the length of a run."""
        return QUICK if level == "quick" else self.epochs * self.share


SETTINGS = (
    Setting("madelon-like", lam=180.0, shift=0.005, epochs=30),
    Setting("breast-cancer", lam=0.27, shift=2.0, epochs=100),
    Setting("digits", lam=1.5, shift=1.0, epochs=30),
)


@cache
def logistic(data: str, workers: int, condition: float) -> LogisticRegression:
    """Return the logistic regression with ℓ2 = L/condition, L without ℓ2; Madelon's features keep their offset."""
    L: Any = _logistic(data, workers, 0.0).constants.L
    return _logistic(data, workers, float(L) / condition)


def _logistic(data: str, workers: int, strength: float) -> LogisticRegression:
    if data != "madelon-like":
        return LogisticRegression.on(data, workers, strength=strength)
    features, labels = load(data)
    return LogisticRegression(standardised(features) + OFFSET, labels, workers, strength=strength, standardise=False)


def experiments(level: str, *methods: str) -> dict[str, Experiment]:
    """Return the stochastic runs named ``data/method``: 'Top-k', 'threshold', 'higher threshold' or 'SGD'."""
    return {f"{one.data}/{method}": _experiment(one, method, level) for one in SETTINGS for method in methods}


def _experiment(one: Setting, method: str, level: str) -> Experiment:
    pairs: dict[str, tuple[Algorithm, Compressor]] = {
        "Top-k": (ErrorFeedback(), TopK(k=K)),
        "threshold": (ErrorFeedback(), HardThreshold(lam=one.lam)),
        "higher threshold": (ErrorFeedback(), HardThreshold(lam=HIGHER * one.lam)),
        "SGD": (SGD(), Identity()),
    }
    algorithm, compressor = pairs[method]
    steps = one.steps(level)
    early, later = np.arange(0, min(steps, 300) + 1, 10), np.arange(300, steps + 1, 50)
    return Experiment(
        one.problem,
        algorithm,
        compressor,
        stepsize=one.stepsize,
        steps=steps,
        runs=RUNS[level],
        x0=one.start,
        batch=1,
        record=[*early.tolist(), *later.tolist(), steps],
    )


def relative_gap(result: xarray.Dataset) -> Array:
    """Return (f(x_t) − f*)/(f(x_0) − f*), shape ``(run, step)``."""
    return (result.f_gap / result.f_gap.isel(step=0)).values


def in_words(level: str) -> str:
    """Return the table of settings, as sentences."""
    rows = []
    for one in SETTINGS:
        problem, gamma = one.problem, one.stepsize
        L: Any = problem.constants.L
        rows.append(
            f"{one.data}: $d = {problem.dimension}$, {one.share} samples per worker, "
            f"$L = {float(L) - problem.strength:.4g}$, $\\gamma = {gamma:.3g}$, $\\lambda = {one.lam:g}$ "
            f"(raw threshold {gamma * one.lam:.3g}), start $x^* + {one.shift:g}\\cdot(1, \\dots, 1)$, "
            f"{one.steps(level)} steps; {problem.left_out}."
        )
    return (
        f"Logistic regression with $\\ell_2 = L/10^4$, {WORKERS} workers, one sample per step and worker, $\\gamma$ "
        f"one over the mean smoothness of a sample's loss, Top-{K}. {' '.join(rows)} Madelon's features are moved by "
        f"{OFFSET:g} deviations, as far from the origin as its own are. The gap is relative to that of the start."
    )
