"""Ensembles of small runs: EF14 with Top-k against the plain loop and the batched NumPy a user would write.

All three run the same law: a noisy diagonal quadratic, 8 workers, 256 seeds, k = d/10, float64. Ratios are taken in
one process, rounds interleaved; the plain loop is timed on one run and extended linearly in the number of runs.
"""

from __future__ import annotations

import importlib.util
import statistics
from collections.abc import Callable
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks import interleaved, ratio
from problems import Quadratic
from toolkit import simulate
from toolkit.algorithms import ErrorFeedback
from toolkit.compressors import TopK

WORKERS, RUNS, STEPSIZE, SIGMA = 8, 256, 0.1, 0.5
ROUNDS = 7
STEPS = {10: 4000, 100: 1000, 1000: 150}
AIMS = {"plain loop": {10: 50, 100: 8, 1000: 3}, "batched": {10: 2.2, 100: 2.2, 1000: 2.2}}


def plain_loop(curvature: np.ndarray, k: int, steps: int, runs: int) -> np.ndarray:
    """Step every run and every worker in a Python loop, as one writes it first."""
    d = len(curvature)
    finals = []
    for seed in range(runs):
        rng = np.random.default_rng(seed)
        x, memory = np.ones(d), np.zeros((WORKERS, d))
        for _ in range(steps):
            total = np.zeros(d)
            for i in range(WORKERS):
                p = memory[i] + STEPSIZE * (curvature * x + SIGMA * rng.standard_normal(d))
                kept = np.argpartition(np.abs(p), d - k)[d - k :]
                sent = np.zeros(d)
                sent[kept] = p[kept]
                memory[i] = p - sent
                total += sent
            x = x - total / WORKERS
        finals.append(0.5 * curvature @ x**2)
    return np.array(finals)


def batched(curvature: np.ndarray, k: int, steps: int, runs: int) -> np.ndarray:
    """Step all runs and workers as one array of shape (run, worker, d)."""
    d = len(curvature)
    rng = np.random.default_rng(0)
    x, memory = np.ones((runs, 1, d)), np.zeros((runs, WORKERS, d))
    for _ in range(steps):
        p = memory + STEPSIZE * (curvature * x + SIGMA * rng.standard_normal((runs, WORKERS, d)))
        kept = np.argpartition(np.abs(p), d - k, axis=-1)[..., d - k :]
        sent = np.zeros_like(p)
        np.put_along_axis(sent, kept, np.take_along_axis(p, kept, axis=-1), axis=-1)
        memory = p - sent
        x = x - sent.mean(axis=1, keepdims=True)
    return 0.5 * (curvature * x**2).sum(axis=-1)[:, 0]


def ours(curvature: np.ndarray, k: int, steps: int, runs: int, threads: int) -> np.ndarray:
    """Step all runs through the public `simulate` with its default recording."""
    d = len(curvature)
    problem = Quadratic(hessians=np.tile(curvature, (WORKERS, 1)), sigma_sq=d * SIGMA**2)
    settings: dict[str, Any] = {"stepsize": STEPSIZE, "steps": steps, "runs": runs, "x0": np.ones(d)}
    result = simulate(problem, ErrorFeedback(), TopK(k=k), threads=threads, progress=False, **settings)
    return result.f_gap.isel(step=-1).values


def jax_scan(curvature: np.ndarray, k: int, steps: int) -> Callable[[], Any]:
    """Return one compiled run of one seed: jit of a scan, vmapped over workers, in float64."""
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    d = len(curvature)

    def compress(p: Any) -> Any:
        _, kept = jax.lax.top_k(jnp.abs(p), k)
        return jnp.zeros_like(p).at[kept].set(p[kept])

    def step(carry: Any, key: Any) -> Any:
        x, memory = carry
        p = memory + STEPSIZE * (curvature * x + SIGMA * jax.random.normal(key, (WORKERS, d)))
        sent = jax.vmap(compress)(p)
        return (x - sent.mean(axis=0), p - sent), None

    run = jax.jit(lambda key: jax.lax.scan(step, (jnp.ones(d), jnp.zeros((WORKERS, d))), jax.random.split(key, steps)))
    key = jax.random.key(0)
    return lambda: jax.block_until_ready(run(key))


def measure(d: int) -> dict[str, Any]:
    """Return the ratios in dimension `d`, each the median over rounds of the ratio within a round."""
    curvature, k, steps = np.linspace(0.1, 1.0, d), max(1, d // 10), STEPS[d]
    few = max(10, steps // 20)  # steps of the slow rivals; their time is extended linearly
    contestants: dict[str, Callable[[], Any]] = {
        "plain loop": lambda: plain_loop(curvature, k, few, 1),
        "batched": lambda: batched(curvature, k, few, RUNS),
        "one thread": lambda: ours(curvature, k, steps, RUNS, 1),
        "two threads": lambda: ours(curvature, k, steps, RUNS, 2),
        "one run": lambda: ours(curvature, k, steps, 1, 1),
    }
    if importlib.util.find_spec("jax") is not None:
        contestants["jax, one run"] = jax_scan(curvature, k, steps)
    seconds = interleaved(contestants, ROUNDS)
    seconds["plain loop"] = [one * RUNS * steps / few for one in seconds["plain loop"]]
    seconds["batched"] = [one * steps / few for one in seconds["batched"]]
    result = {
        "d": d,
        "k": k,
        "steps": steps,
        "ns per step, run and worker": statistics.median(seconds["one thread"]) / (steps * RUNS * WORKERS) * 1e9,
        "two-thread speed-up": ratio(seconds["one thread"], seconds["two threads"]),
    }
    for rival, aims in AIMS.items():
        result[f"{rival} / one thread"] = ratio(seconds[rival], seconds["one thread"])
        result[f"{rival} / one thread, aim"] = aims[d]
    if "jax, one run" in seconds:
        result["jax / ours, one run of one seed"] = ratio(seconds["jax, one run"], seconds["one run"])
    return result


def products(x: np.ndarray, hessians: np.ndarray, steps: int) -> None:
    """Multiply all runs by each worker's matrix, on one thread as `simulate` does."""
    with threadpool_limits(1):
        for _ in range(steps):
            for hessian in hessians:
                x @ hessian


def dense(d: int = 50, steps: int = 200) -> dict[str, Any]:
    """Return the cost of a dense quadratic, where equal bits forbid one product over the batch; no aim."""
    problem = Quadratic.generate(WORKERS, d, spectrum=(0.1, 1.0), heterogeneity=1.0, sigma_sq=1.0)
    settings: dict[str, Any] = {"stepsize": STEPSIZE, "steps": steps, "runs": RUNS, "threads": 1, "progress": False}
    x = np.ones((RUNS, d))
    seconds = interleaved(
        {
            "step": lambda: simulate(problem, ErrorFeedback(), TopK(k=d // 10), **settings),
            "products": lambda: products(x, problem.hessians, steps),
        },
        ROUNDS,
    )
    return {
        "d": d,
        "ns per step, run and worker": statistics.median(seconds["step"]) / (steps * RUNS * WORKERS) * 1e9,
        "whole step / its products alone, each over the batch": ratio(seconds["step"], seconds["products"]),
    }


def run() -> dict[str, Any]:
    """Measure and return everything, as `python -m benchmarks ensemble` prints and writes it."""
    return {"diagonal": [measure(d) for d in STEPS], "dense": dense()}
