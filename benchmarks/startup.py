"""Start-up: whole fresh processes, against the bare interpreter and ``import numba``, caches filled."""

from __future__ import annotations

import statistics
import subprocess
import sys
from collections.abc import Callable
from typing import Any

from benchmarks import interleaved, ratio

FIRST_CALL = """
from problems import ThreeWorkers
from toolkit import simulate
from toolkit.algorithms import EF21
from toolkit.compressors import TopK
simulate(ThreeWorkers(), EF21(), TopK(k=1), stepsize=0.01, steps=10)
"""
PROCESSES = {
    "bare interpreter": ["-c", ""],
    "import numba": ["-c", "import numba"],
    "csgd --help": ["-m", "toolkit", "--help"],
    "first compiled simulation": ["-c", FIRST_CALL],
}
AIMS = {"csgd --help": 0.15, "first compiled simulation": 2.0}


def process(arguments: list[str]) -> Callable[[], Any]:
    """Return a call that runs a fresh interpreter to its end."""
    return lambda: subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)


def run() -> dict[str, Any]:
    """Measure and return the median seconds of each process, and their ratios."""
    seconds = interleaved({name: process(arguments) for name, arguments in PROCESSES.items()})
    return {
        "seconds": {name: statistics.median(times) for name, times in seconds.items()},
        "aims": AIMS,
        "csgd --help / bare interpreter": ratio(seconds["csgd --help"], seconds["bare interpreter"]),
        "first compiled simulation / import numba": ratio(
            seconds["first compiled simulation"], seconds["import numba"]
        ),
    }
