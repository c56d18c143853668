"""Error feedback as one writes it first in NumPy, and in PyTorch's usual form."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

__all__ = ["numpy_step", "torch", "torch_step"]

SCALE, S, BUCKET = 0.1, 8, 500

Step = Callable[[], Any]


def kept_share(name: str) -> float | None:
    """Return k/d of a sparsifier's name, such as ``'Top-k, k/d = 0.01'``."""
    return float(name.rpartition(" ")[2]) if "k/d" in name else None


def numpy_step(name: str, v: np.ndarray) -> Step:
    """Return the same as one writes it first in NumPy."""
    generator, memory, d = np.random.default_rng(2), np.zeros_like(v)[0, 0], v.size

    def message(p: np.ndarray) -> np.ndarray:
        if (share := kept_share(name)) is not None:
            k = max(1, int(d * share))
            top = np.argpartition(np.abs(p), d - k)[d - k :] if name.startswith("Top") else None
            kept = generator.choice(d, k, replace=False, shuffle=False) if top is None else top
            sent = np.zeros_like(p)
            sent[kept] = p[kept]
            return sent
        if name == "scaled sign":
            scale = np.abs(p).mean()
            np.packbits(p < 0)
            return np.where(p < 0, -scale, scale)
        if name == "natural":
            mantissa, exponent = np.frexp(np.abs(p))
            up = generator.random(d, dtype=np.float32) < 2 * mantissa - 1
            return np.copysign(np.ldexp(np.float32(0.5), exponent + up), p)
        norm = np.linalg.norm(p.reshape(-1, BUCKET) if name == "QSGD, buckets" else p[None], axis=1).repeat(
            BUCKET if name == "QSGD, buckets" else d
        )
        level = np.abs(p) * (S / norm)
        below = np.floor(level)
        return np.sign(p) * (below + (generator.random(d, dtype=np.float32) < level - below)) * (norm / S)

    def step() -> None:
        nonlocal memory
        p = memory + np.float32(SCALE) * v[0, 0]
        memory = p - message(p)

    return step


@cache
def torch() -> Any:
    """Return PyTorch, or None if it is not installed."""
    return importlib.import_module("torch") if importlib.util.find_spec("torch") is not None else None


def torch_step(name: str, v: np.ndarray, threads: int) -> Step:
    """Return PyTorch's usual form: a residual memory around a compressor that returns the dense message."""
    library, d = torch(), v.size
    gradient, memory = library.from_numpy(v[0, 0]), library.zeros(d)

    def message(p: Any) -> Any:
        if (share := kept_share(name)) is not None:
            k = max(1, int(d * share))
            top = library.topk(p.abs(), k, sorted=False)[1] if name.startswith("Top") else None
            kept = library.randperm(d)[:k] if top is None else top
            return library.zeros_like(p).scatter_(0, kept, p.gather(0, kept))
        if name == "scaled sign":
            return p.sign() * p.abs().mean()
        if name == "natural":
            mantissa, exponent = library.frexp(p.abs())
            up = library.rand(d) < 2 * mantissa - 1
            return library.copysign(library.ldexp(library.tensor(0.5), exponent + up), p)
        norm = p.view(-1, BUCKET).norm(dim=1).repeat_interleave(BUCKET) if name == "QSGD, buckets" else p.norm()
        level = p.abs() * (S / norm)
        below = level.floor()
        return p.sign() * (below + (library.rand(d) < level - below)) * (norm / S)

    def step() -> None:
        nonlocal memory
        library.set_num_threads(threads)
        p = memory + SCALE * gradient
        memory = p - message(p)

    return step
