"""Peak memory grows with what is recorded, not with the number of steps."""

from __future__ import annotations

import tracemalloc

from problems import Quadratic
from toolkit import simulate
from toolkit.algorithms import ErrorFeedback
from toolkit.averages import uniform
from toolkit.compressors import TopK


def peak(steps: int, record: object) -> int:
    problem = Quadratic.generate(4, 200, spectrum=(0.1, 1.0), sigma_sq=1.0, rotated=False, seed=1)
    settings = {"stepsize": 0.1, "runs": 16, "steps": steps, "record": record, "average": {"grad_norm_sq": uniform}}
    tracemalloc.start()
    simulate(problem, ErrorFeedback(), TopK(k=20), keep=("x",), progress=False, threads=1, **settings)
    size = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return size


def test_peak_memory() -> None:
    peak(5, [0])  # imports and compilation
    short, long, everything = peak(50, [0, 50]), peak(1000, [0, 1000]), peak(1000, "all")
    assert long < 1.05 * short + 50_000
    assert everything > long + 16 * 200 * 8 * 1000  # x of every run and step, which was asked for
