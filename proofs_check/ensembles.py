"""The runs of error feedback that statements about its memory are checked on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import numpy as np

from problems.logistic_regression import LogisticRegression
from problems.quadratic import Quadratic
from toolkit.algorithms import Algorithm
from toolkit.algorithms.error_feedback import ErrorFeedback
from toolkit.compressors import Compressor
from toolkit.compressors.hard_threshold import HardThreshold
from toolkit.compressors.top_k import TopK
from toolkit.draws import Draw
from toolkit.experiment import Experiment

__all__ = ["HARD_THRESHOLDS", "TOP_K", "constant_gradients", "ensembles", "paths", "problems"]

# Swept compressors that several claims look at: equal experiments run once.
COUNTS: Any = (1, 2)
LAMBDAS: Any = (0.1, 1.0, 10.0)
TOP_K = TopK(k=COUNTS)
HARD_THRESHOLDS = HardThreshold(lam=LAMBDAS)


def constant_gradients(workers: int, d: int, sigma_sq: float = 0.0) -> Quadratic:
    """Return f_i(x) = −⟨b_i, x⟩ with normal b_i: whatever the method does, the gradients are −b_i, plus noise."""
    b = Draw(seed=3, workers=workers).per_worker.normal(d)[0]
    return Quadratic(hessians=np.zeros((workers, d)), linear=b, sigma_sq=sigma_sq)


@cache
def problems() -> dict[str, tuple[Any, int | str, float]]:
    """Return problems by name, each with a batch and a step size."""
    noisy = Quadratic.generate(4, 12, heterogeneity=0.5, sigma_sq=2.0, seed=1)
    heterogeneous = Quadratic.generate(4, 12, spread=0.5, heterogeneity=9.0, seed=2)
    logistic = LogisticRegression.on("breast-cancer", workers=4, regulariser="nonconvex")
    return {
        "constant gradients with noise": (constant_gradients(4, 12, sigma_sq=4.0), 1, 0.1),
        "a noisy quadratic": (noisy, 1, 0.1),
        "a heterogeneous quadratic": (heterogeneous, "full", 0.1),
        "logistic regression with batches of 2": (logistic, 2, 0.02),
    }


def paths(
    compressors: Mapping[str, Compressor], level: str, method: Callable[[], Algorithm] = ErrorFeedback
) -> dict[str, Experiment]:
    """Return every compressor on every problem in a few runs with their whole state, for statements on every path."""
    runs, steps = {"quick": (8, 80), "full": (16, 150)}[level]
    return _every_pair(compressors, method(), runs, steps, ("x", "memory"))


def ensembles(compressors: Mapping[str, Compressor], level: str) -> dict[str, Experiment]:
    """Return every compressor on every problem in many runs, for statements in expectation."""
    runs, steps = {"quick": (64, 80), "full": (256, 100)}[level]
    return _every_pair(compressors, ErrorFeedback(), runs, steps, ("x",))


def _every_pair(
    compressors: Mapping[str, Compressor], method: Algorithm, runs: int, steps: int, keep: tuple[str, ...]
) -> dict[str, Experiment]:
    """Return the experiments by name, recorded at every step; a pair without chance runs once."""
    return {
        f"{name}, {label}": Experiment(
            problem,
            method,
            compressor,
            stepsize=stepsize,
            batch=batch,
            steps=steps,
            runs=1 if batch == "full" and not compressor.random else runs,
            record="all",
            keep=keep,
            unproven=True,
        )
        for name, (problem, batch, stepsize) in problems().items()
        for label, compressor in compressors.items()
    }
