"""Error feedback with every fused compressor, in place, and all members' messages, against the error-feedback floor.

The floor is ``e += γ·g`` in place, the least that such a step must move, on as many threads, in the same process.
Aims for float32 and Gaussian gradients at d ≥ 10⁷, as multiples of the floor, medians of three processes: Top-k at most
2.0 at k/d = 10⁻³ and 3.0 at 10⁻², and ten times faster than PyTorch; Rand-k 2.2; sign 2.0; QSGD and natural compression
3.5, random words included. On other data the answer is exact too, and the ratio has no aim.

The plain path is the compressor's `message_with_memory`, on one thread; NumPy and PyTorch are what one writes first.
Steps in place have their rounds of their own with the floor, apart from the slow rivals; above 10⁷ only Top-k meets
rivals. ``BENCHMARK_SIZES`` chooses the sizes; 10⁸ is left out by default where less than 12 GB are free.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from benchmarks import interleaved, ratio
from benchmarks._rivals import BUCKET, SCALE, S, Step, numpy_step, torch, torch_step
from toolkit import members
from toolkit.cli.inline import build
from toolkit.compressors import QSGD, Compressor, Natural, RandK, ScaledSign, TopK
from toolkit.draws import Draw
from toolkit.kernels import feedback
from toolkit.kernels.parallel import in_parts

THREADS = (1, 2)
LONG = 10**7  # from this size on there are aims
PROCESSES = 3
AIMS = {
    "Top-k, k/d = 0.001": 2.0,
    "Top-k, k/d = 0.01": 3.0,
    "Rand-k, k/d = 0.01": 2.2,
    "scaled sign": 2.0,
    "QSGD": 3.5,
    "QSGD, buckets": 3.5,
    "natural": 3.5,
}
TORCH_AIM = 10.0  # times faster than PyTorch, of Top-k


def gradients(d: int) -> list[np.ndarray]:
    """Return two Gaussian gradients, to be used in turn, so that the memory is not stationary."""
    generator = np.random.default_rng(1)
    return [generator.standard_normal((1, 1, d), dtype=np.float32) for _ in range(2)]


def floor(v: np.ndarray, threads: int) -> Step:
    """Return ``e += γ·g`` in place."""
    from toolkit.kernels.in_place import add_scaled

    d, memory, scale = v.size, np.zeros_like(v)[0, 0], np.float32(SCALE)
    return lambda: in_parts(lambda a, b: add_scaled(memory[a:b], v[0, 0, a:b], scale), d, threads, 1024)


def in_place(name: str, vs: list[np.ndarray], threads: int) -> Step:
    """Return a step in place, which writes over the arrays of its last message."""
    d, draw, turn = vs[0].size, Draw(1).of("message"), 0
    memory, former = np.zeros_like(vs[0]), None
    calls: dict[str, Callable[..., Any]] = {
        "Top-k, k/d = 0.001": lambda v, into: feedback.top_k(memory, v, SCALE, max(1, d // 1000), threads, into),
        "Top-k, k/d = 0.01": lambda v, into: feedback.top_k(memory, v, SCALE, max(1, d // 100), threads, into),
        "Rand-k, k/d = 0.01": lambda v, into: feedback.rand_k(
            memory, v, SCALE, max(1, d // 100), draw, threads=threads, into=into
        ),
        "scaled sign": lambda v, into: feedback.scaled_sign(memory, v, SCALE, threads, into),
        "QSGD": lambda v, into: feedback.qsgd(memory, v, SCALE, S, draw, threads=threads, into=into),
        "QSGD, buckets": lambda v, into: feedback.qsgd(
            memory, v, SCALE, S, draw, bucket=BUCKET, threads=threads, into=into
        ),
        "natural": lambda v, into: feedback.natural(memory, v, SCALE, draw, threads, into),
    }

    def step() -> None:
        nonlocal turn, former
        turn += 1
        former, _ = calls[name](vs[turn % 2], former)

    return step


def in_place_ratios(d: int, threads: int, rounds: int) -> dict[str, float]:
    """Return the times of all steps in place, as multiples of the floor, and the floor itself."""
    vs = gradients(d)
    seconds = interleaved({"floor": floor(vs[0], threads)} | {n: in_place(n, vs, threads) for n in AIMS}, rounds)
    per_coordinate = statistics.median(seconds["floor"]) / d * 1e9
    return {"floor, ns per coordinate": per_coordinate} | {n: ratio(seconds[n], seconds["floor"]) for n in AIMS}


def in_processes(d: int, threads: int) -> dict[str, float]:
    """Return the medians of `in_place_ratios` over fresh processes."""
    code = f"import json; from benchmarks.compressors import *; print(json.dumps(in_place_ratios({d}, {threads}, 7)))"
    outputs = [
        json.loads(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout)
        for _ in range(PROCESSES)
    ]
    return {name: statistics.median(one[name] for one in outputs) for name in outputs[0]}


def plain_step(name: str, v: np.ndarray) -> Step | None:
    """Return the compressor's own error feedback, out of place, on one thread."""
    d, draw, memory = v.size, Draw(1), np.zeros_like(v)
    compressors: dict[str, Compressor] = {
        "Top-k, k/d = 0.001": TopK(k=max(1, d // 1000)),
        "Top-k, k/d = 0.01": TopK(k=max(1, d // 100)),
        "Rand-k, k/d = 0.01": RandK(k=max(1, d // 100)),
        "scaled sign": ScaledSign(),
        "QSGD": QSGD(s=S),
        "natural": Natural(),
    }
    if name not in compressors:
        return None

    def step() -> None:
        nonlocal memory
        _, memory, _ = compressors[name].message_with_memory(memory, v, SCALE, draw)

    return step


def rivals(d: int, name: str, rounds: int) -> dict[str, float]:
    """Return the times of the other ways to do a step, as multiples of the floor on as many threads."""
    v = gradients(d)[0]
    steps: dict[str, Step] = {f"floor, {n} threads": floor(v, n) for n in THREADS} | {"NumPy": numpy_step(name, v)}
    plain = plain_step(name, v)
    if plain is not None:
        steps["plain path"] = plain
    if torch() is not None:
        steps |= {f"PyTorch, {n} threads": torch_step(name, v, n) for n in THREADS}
    seconds = interleaved(steps, rounds)
    return {
        step: ratio(times, seconds[f"floor, {step[9:]}" if step.startswith("PyTorch") else "floor, 1 threads"])
        for step, times in seconds.items()
        if not step.startswith("floor")
    }


def fused(d: int) -> list[dict[str, Any]]:
    """Return one row for each fused step."""
    rounds = 25 if d < 10**6 else 3 if d <= LONG else 1
    own = {n: in_processes(d, n) if d >= LONG else in_place_ratios(d, n, rounds) for n in THREADS}
    rows = []
    for name in AIMS:
        row: dict[str, Any] = {"step": name, "d": d}
        for threads in THREADS:
            row[f"in place / floor, {threads} threads"] = own[threads][name]
            row[f"floor, {threads} threads, ns per coordinate"] = own[threads]["floor, ns per coordinate"]
        row["in place / floor, aim"] = AIMS[name] if d >= LONG else None
        if d <= LONG or name.startswith("Top"):
            row |= {f"{rival} / floor": multiple for rival, multiple in rivals(d, name, rounds).items()}
        if name.startswith("Top") and torch() is not None:
            for threads in THREADS:
                mine = row[f"in place / floor, {threads} threads"]
                row[f"PyTorch / in place, {threads} threads"] = row[f"PyTorch, {threads} threads / floor"] / mine
            row["PyTorch / in place, aim"] = TORCH_AIM if d >= LONG else None
        rows.append(row)
    return rows


def other_data(d: int) -> dict[str, float]:
    """Return Top-k at k/d = 0.01 in place on one thread, on data that are hard for it, as multiples of the floor."""
    normal = gradients(d)[0]
    kinds = {
        "ties": np.round(2 * normal),
        "one magnitude": np.sign(normal),
        "zeros": np.zeros_like(normal),
        "heavy tails": normal / np.maximum(np.abs(gradients(d)[1]), 1e-6) ** 3,
        "sorted": np.sort(normal, axis=-1),
    }
    steps = {"floor": floor(normal, 1)} | {
        kind: partial(feedback.top_k, np.zeros_like(v), v, 1.0, max(1, d // 100)) for kind, v in kinds.items()
    }
    seconds = interleaved(steps, 3)
    return {kind: ratio(seconds[kind], seconds["floor"]) for kind in kinds}


def parameters(d: int) -> dict[str, str]:
    """Return what a member is given here, where it needs something; about one coordinate in a hundred is kept."""
    k = max(1, d // 100)
    return {
        "adaptive-threshold": f"count={k}",
        "bernoulli": "p=0.01",
        "block-rand-k": f"k={max(1, k // 10)},size=10",
        "blocks": "compressor=(scaled-sign),size=100",
        "composition": f"outer=(natural),inner=(top-k:k={k})",
        "count-sketch": f"rows=3,columns={k},k={k}",
        "dithered-uniform": "spacing=0.5",
        "eden": "bits=2",
        "fcc": f"compressor=(top-k:k={k}),rounds=2",
        "float-format": "format=bfloat16",
        "hard-threshold": "raw=2.5",
        "induced": f"biased=(top-k:k={k}),unbiased=(rand-k:k={k},unbiased=true)",
        "lloyd-max": "levels=4",
        "natural-dithering": "s=4",
        "noisy-sign": "noise=1",
        "nonzero-sampling": f"k={k}",
        "power-sgd": "rank=1",
        "qsgd": f"s={S}",
        "r-top-k": f"k={k},r={2 * k}",
        "rand-k": f"k={k}",
        "rotated": "compressor=(scaled-sign)",
        "scaled": f"compressor=(qsgd:s={S})",
        "stochastic-sign": "norm=max",
        "top-k": f"k={k}",
    }


def all_members(sizes: list[int], limit: float = 10.0) -> list[dict[str, Any]]:
    """Return the time of one plain message of every member, on one thread, as a multiple of the floor.

    A member is not asked at a size where, judged by the size before, a call would take longer than `limit` seconds.
    """
    vs = {d: gradients(d)[0] for d in sizes}
    floors = {d: fastest(floor(v, 1)) for d, v in vs.items()}
    rows = []
    for name in members.names("toolkit.compressors"):
        row: dict[str, Any] = {"member": name}
        expected = 0.0
        for d, v in vs.items():
            try:
                compressor = build("toolkit.compressors", f"{name}:{parameters(d).get(name, '')}")
                compressor.check(d)
                if expected <= limit:
                    seconds = fastest(partial(compressor.message, v, Draw(1)))
            except Exception as error:  # one that cannot is named, and the others are measured
                row[f"d = {d}"] = f"not measured: {str(error).splitlines()[0]}"
                continue
            row[f"d = {d}"] = seconds / floors[d] if expected <= limit else f"not measured: about {expected:.0f} s"
            expected = max(expected, seconds) * 100
        rows.append(row)
    return rows


def fastest(step: Step) -> float:
    """Return the least of up to five times in seconds, after one call to warm up; fewer where they are long."""
    step()
    times: list[float] = []
    while len(times) < 5 and sum(times) < 1.0:
        start = time.perf_counter()
        step()
        times.append(time.perf_counter() - start)
    return min(times)


def run() -> dict[str, Any]:
    """Measure and return everything, as `python -m benchmarks compressors` prints and writes it."""
    free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    default = "1e3,1e5,1e7,1e8" if free > 12e9 else "1e3,1e5,1e7"
    sizes = [int(float(size)) for size in os.environ.get("BENCHMARK_SIZES", default).split(",")]
    result: dict[str, Any] = {"fused, in place": [row for d in sizes for row in fused(d)]}
    moderate = [d for d in sizes if d <= LONG]
    if moderate:
        key = "exact Top-k in place, k/d = 0.01, one thread, on other data, multiples of the floor"
        result[key] = {f"d = {max(moderate)}": other_data(max(moderate))}
        result["plain messages of all members, one thread, multiples of the floor"] = all_members(moderate)
    result["PyTorch"] = "not installed: its columns are left out" if torch() is None else torch().__version__
    return result
