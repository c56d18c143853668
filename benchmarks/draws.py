"""Standard normal numbers, keyed row by row, against NumPy's own Philox generator, which fills the same array.

The aim is a ratio of at least 4 on rows of 1,000, one thread on each side.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks import interleaved, ratio
from toolkit.draws import Draw

AIMS = {(1048, 1000): 4.0}
NUMBERS = 2**20  # about as many in each timing, so that it takes milliseconds


def run() -> dict[str, Any]:
    """Measure many rows in one call, and one row in each call."""
    shapes = [(NUMBERS // d, d) for d in (10, 100, 1000)] + [(1, 1000), (1, 10**6)]
    return {"normal": [_measure(rows, d) for rows, d in shapes]}


def _measure(rows: int, d: int) -> dict[str, Any]:
    draw, calls = Draw(np.arange(rows)).of("noise"), max(1, NUMBERS // (rows * d))
    generator, buffer = np.random.Generator(np.random.Philox(1)), np.empty((rows, 1, d))

    def toolkit() -> None:
        for _ in range(calls):
            draw.normal(d)

    def numpy() -> None:
        for _ in range(calls):
            generator.standard_normal(out=buffer)

    seconds = interleaved({"toolkit": toolkit, "numpy": numpy})
    numbers = calls * rows * d
    return {
        "rows in a call": rows,
        "d": d,
        "toolkit, nanoseconds per number": float(np.median(seconds["toolkit"])) / numbers * 1e9,
        "numpy, nanoseconds per number": float(np.median(seconds["numpy"])) / numbers * 1e9,
        "numpy / toolkit": ratio(seconds["numpy"], seconds["toolkit"]),
        "numpy / toolkit, aim": AIMS.get((rows, d)),
    }
