"""A saddle, many times over: Rand-k with memory and injected noise against plain and batched NumPy.

All three run the same law: 1,000 repetitions on a strict saddle of d = 100, k = 10, float64, along the axes and in a
rotated basis, where every gradient takes two products with the basis. The aim is 10,000 steps in 60 seconds on two
cores. Ratios are taken in one process, rounds interleaved; everything is timed on fewer steps, the plain loop also on
one run, and extended linearly to all.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks import interleaved, ratio
from problems import Rotated, StrictSaddle
from toolkit import Draw, simulate
from toolkit.algorithms import CompressedPerturbedSGD
from toolkit.compressors import RandK

RUNS, STEPS, D, K, STEPSIZE, RADIUS = 1000, 10_000, 100, 10, 0.05, 1.0
AIM = 60.0  # seconds on two cores
ROUNDS = 7
TIMED = {"plain loop": 300, "batched": 10, "ours": 100}
RECORDED = 50  # steps between two records: as often as 10,000 steps are recorded by default


def strict_saddle(d: int = D) -> StrictSaddle:
    """Return the saddle: one direction leads down, the others up with curvatures from 0.1 to 1."""
    return StrictSaddle([-1.0, *np.linspace(0.1, 1.0, d - 1)])


def slope(saddle: StrictSaddle, basis: np.ndarray | None, x: np.ndarray) -> np.ndarray:
    """Return the gradient, shape ``(…, d)``, as one writes it for this saddle."""
    y = x if basis is None else x @ basis.T
    end, pull = 6 / saddle.rho, saddle.rho**2 / 12  # where the quartic ends, and κ
    gradient = saddle.eigenvalues * y
    within = np.clip(y[..., 0], -end, end)
    gradient[..., 0] += pull * (within**3 / 3 + end**2 * (y[..., 0] - within))
    return gradient if basis is None else gradient @ basis


def plain_loop(saddle: StrictSaddle, basis: np.ndarray | None, k: int, steps: int, runs: int) -> np.ndarray:
    """Step every run in a Python loop, as one writes it first; return where each ends."""
    d = saddle.dimension
    finals = []
    for seed in range(runs):
        rng = np.random.default_rng(seed)
        x, memory = np.zeros(d), np.zeros(d)
        for _ in range(steps):
            p = memory + slope(saddle, basis, x) + RADIUS / np.sqrt(d) * rng.standard_normal(d)
            kept = rng.choice(d, k, replace=False)
            sent = np.zeros(d)
            sent[kept] = p[kept]
            memory = p - sent
            x = x - STEPSIZE * sent
        finals.append(x)
    return np.array(finals)


def batched(saddle: StrictSaddle, basis: np.ndarray | None, k: int, steps: int, runs: int) -> np.ndarray:
    """Step all runs as one array of shape (run, d); return where they end."""
    d = saddle.dimension
    rng = np.random.default_rng(0)
    x, memory = np.zeros((runs, d)), np.zeros((runs, d))
    for _ in range(steps):
        p = memory + slope(saddle, basis, x) + RADIUS / np.sqrt(d) * rng.standard_normal((runs, d))
        kept = np.argpartition(rng.random((runs, d)), k, axis=-1)[:, :k]
        sent = np.zeros_like(p)
        np.put_along_axis(sent, kept, np.take_along_axis(p, kept, axis=-1), axis=-1)
        memory = p - sent
        x = x - STEPSIZE * sent
    return x


def ours(problem: Any, k: int, steps: int, runs: int, threads: int) -> np.ndarray:
    """Step all runs through the public `simulate`; return where they end."""
    method, compressor = CompressedPerturbedSGD(radius=RADIUS), RandK(k=k, common=True)
    settings: dict[str, Any] = {"stepsize": STEPSIZE, "steps": steps, "runs": runs, "keep": ("x",)}
    record = sorted({*range(0, steps, RECORDED), steps})
    result = simulate(problem, method, compressor, threads=threads, progress=False, record=record, **settings)
    return result.x.isel(step=-1).values[:, 0]


def measure(rotated: bool) -> dict[str, Any]:
    """Return seconds for all steps of all runs, and the ratios, each the median of those within a round."""
    saddle = strict_saddle()
    problem = Rotated(saddle) if rotated else saddle
    basis = problem.basis if rotated else None
    contestants: dict[str, Callable[[], Any]] = {
        "plain loop": lambda: plain_loop(saddle, basis, K, TIMED["plain loop"], 1),
        "batched": lambda: batched(saddle, basis, K, TIMED["batched"], RUNS),
        "one thread": lambda: ours(problem, K, TIMED["ours"], RUNS, 1),
        "two threads": lambda: ours(problem, K, TIMED["ours"], RUNS, 2),
    }
    with threadpool_limits(1):  # the rivals have one core; `simulate` sees to its own threads
        seconds = interleaved(contestants, ROUNDS)
    for name, taken in seconds.items():
        missing = STEPS / TIMED.get(name, TIMED["ours"]) * (RUNS if name == "plain loop" else 1)
        seconds[name] = [one * missing for one in taken]
    result: dict[str, Any] = {"basis": "rotated" if rotated else "axes"}
    result |= {f"{name}, seconds (extended)": statistics.median(taken) for name, taken in seconds.items()}
    result["two threads, seconds, aim"] = AIM
    for rival in ("plain loop", "batched"):
        result |= {f"{rival} / {name}": ratio(seconds[rival], seconds[name]) for name in ("one thread", "two threads")}
    return result


def parts() -> dict[str, float]:
    """Return the nanoseconds per run and coordinate of the parts of a step, each alone, on one thread."""
    rows = RUNS // 2  # a block of runs, as two threads have it
    saddle, draw = strict_saddle(), Draw(np.arange(rows))
    rotated, compressor = Rotated(saddle), RandK(k=K, common=True)
    x, memory = draw.of("x").normal(D), draw.of("memory").normal(D)
    tasks: dict[str, Callable[[], Any]] = {
        "normal numbers": lambda: draw.normal(D),
        "sets of Rand-k": lambda: draw.subset(D, K),
        "gradient": lambda: saddle.gradient(x),
        "gradient in a rotated basis": lambda: rotated.gradient(x),
        "memory, with the sets": lambda: compressor.message_with_memory(memory, x, 1.0, draw),
    }
    contestants: dict[str, Callable[[], Any]] = {name: partial(repeated, task) for name, task in tasks.items()}
    contestants["whole step"] = lambda: ours(saddle, K, TIMED["ours"], rows, 1)
    seconds = interleaved(contestants, ROUNDS)
    return {name: statistics.median(taken) / (TIMED["ours"] * rows * D) * 1e9 for name, taken in seconds.items()}


def repeated(task: Callable[[], Any]) -> None:
    """Do one part of as many steps as are timed."""
    for _ in range(TIMED["ours"]):
        task()


def run() -> dict[str, Any]:
    """Measure and return everything, as `python -m benchmarks saddle` prints and writes it."""
    return {"saddle": [measure(False), measure(True)], "nanoseconds per run and coordinate": parts()}
