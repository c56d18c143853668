"""Speed against peers, as ratios taken in one run; ``python -m benchmarks NAME`` prints them and writes them as JSON.

Each module of this folder has one function ``run() -> dict``. The folder ``measured`` keeps what some of them gave on
an idle machine with two cores (AVX2, no AVX-512).
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["interleaved", "ratio"]


def interleaved(variants: Mapping[str, Callable[[], Any]], rounds: int = 9) -> dict[str, list[float]]:
    """Return the seconds of each variant in each round.

    Every variant runs twice before, for compilation and caches. The order is reversed every second round, so that a
    drift of the processor's speed meets all alike.
    """
    for variant in variants.values():
        variant(), variant()
    seconds: dict[str, list[float]] = {name: [] for name in variants}
    for turn in range(rounds):
        for name in list(variants)[:: -1 if turn % 2 else 1]:
            start = time.perf_counter()
            variants[name]()
            seconds[name].append(time.perf_counter() - start)
    return seconds


def ratio(slow: list[float], fast: list[float]) -> float:
    """Return how many times as long the first took as the second: the median of the ratios of the rounds.

    Examples
    --------
    >>> ratio([4.0, 6.0, 9.0], [2.0, 2.0, 3.0])
    3.0
    """
    return statistics.median(a / b for a, b in zip(slow, fast, strict=True))
