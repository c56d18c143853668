"""Sahu et al., NeurIPS 2021: with a relative compressor the workers' own gradients decide how large the memory is."""

from __future__ import annotations

from math import ceil, log
from typing import TYPE_CHECKING

import numpy as np

from problems.quadratic import Quadratic
from proofs_check.claims.sign.error_feedback_fixes_sign import DELTAS, ErrorLemma, SharpErrorLemma
from proofs_check.claims.total_error.heterogeneity import STEPSIZE, K, unlike_workers
from toolkit.algorithms.error_feedback import ErrorFeedback
from toolkit.compressors.rand_k import RandK
from toolkit.compressors.scaled_sign import ScaledSign
from toolkit.compressors.top_k import TopK
from toolkit.experiment import Experiment

if TYPE_CHECKING:
    from toolkit.compressors import Compressor

__all__ = ["SharpWorkersMemory", "WorkersMemory"]

REFERENCE = "Sahu et al., NeurIPS 2021"
STEPS, RUNS = {"quick": 80, "full": 400}, {"quick": 64, "full": 256}


def one_against_the_others() -> Quadratic:
    """Return eight workers of which seven pull alike, and one as hard as they together, at the minimiser 0."""
    pull = np.ones((8, 6))
    pull[0] = -7.0
    return Quadratic(np.ones((8, 6)), pull, start=np.zeros(6))


def _forgetting(delta: float) -> int:
    """Return after how many steps the memory is at its limit up to e^−40."""
    return ceil(80 / -log(1 - delta))


class WorkersMemory(ErrorLemma):
    """The mean of the workers' memories, by the printed constant."""

    id = "S-a8"
    title = "With a relative compressor the workers' memories are bounded by their own gradients, printed constant"
    statement = (
        r"\frac1n\sum_iE\lVert e^i_t\rVert^2\le\frac{4(1-\delta)}{\delta^2}\gamma^2"
        r"\max_{s<t}\frac1n\sum_iE\lVert g^i_s\rVert^2"
    )
    reference = f"{REFERENCE} (S-a8, by S-d1 on the stacked vector)"

    def experiments(self, level: str) -> dict[str, Experiment]:
        """Return runs without noise: at the minimiser, where the right side is D and nothing moves, and towards it."""
        at_rest = unlike_workers()
        at_rest.start = np.zeros(at_rest.dimension)
        slow, fast = self.extremal(delta=DELTAS), self.extremal(delta=max(DELTAS))
        chosen: dict[str, tuple[Quadratic, Compressor, int]] = {
            "unlike workers at their minimiser, C(p) = (1 − q)p": (at_rest, slow, _forgetting(min(DELTAS))),
            "one worker against seven, C(p) = (1 − q)p": (one_against_the_others(), fast, _forgetting(max(DELTAS))),
            f"one worker against seven, Top-{K}": (one_against_the_others(), TopK(k=K), STEPS[level]),
            f"unlike workers, Top-{K}": (unlike_workers(3.0), TopK(k=K), STEPS[level]),
            "unlike workers, scaled sign": (unlike_workers(3.0), ScaledSign(), STEPS[level]),
            f"unlike workers, Rand-{K}": (unlike_workers(3.0), RandK(k=K), STEPS[level]),
        }
        return {
            name: Experiment(
                problem,
                ErrorFeedback(),
                compressor,
                stepsize=STEPSIZE,
                steps=steps,
                runs=RUNS[level] if compressor.random else 1,
                record="all",
                keep=("x",),
            )
            for name, (problem, compressor, steps) in chosen.items()
        }


class SharpWorkersMemory(SharpErrorLemma):
    """The same with the smallest constant."""

    id = "S-a8-sharp"
    title = "With a relative compressor the workers' memories are bounded by their own gradients, sharp constant"
    statement = (
        r"\frac1n\sum_iE\lVert e^i_t\rVert^2\le\frac{q^2}{(1-q)^2}\gamma^2\max_{s<t}\frac1n\sum_iE\lVert g^i_s\rVert^2"
        r",\qquad q=\sqrt{1-\delta}"
    )
    reference = WorkersMemory.reference
    experiments = WorkersMemory.experiments
