"""How one long row is shared between threads: in consecutive parts, whose borders no number depends on.

Kernels hold no interpreter lock, so plain Python threads do, and the pool lives as long as the process.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any, TypeVar

import numpy as np

from toolkit.arrays import Array

__all__ = ["LONG", "in_parts", "parts", "room"]

LONG = 2**18  # a shorter row is not worth the hand-over to another thread

T = TypeVar("T")


class _Kept(threading.local):
    """The room of one thread."""

    def __init__(self) -> None:
        self.arrays: dict[tuple[str, Any], Array] = {}


_kept = _Kept()


def room(name: str, size: int, dtype: Any) -> Array:
    """Return an array with anything in it, which this thread is given again when it asks for that name and type.

    Memory that is new to the process is several times slower to write to. Nothing of it may be handed on.
    """
    array = _kept.arrays.get((name, dtype))
    if array is None or array.size < size:
        array = _kept.arrays[name, dtype] = np.empty(size, dtype)
    return array[:size]


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, thread_name_prefix="kernel")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pool.cache_clear)  # a forked child has none of its parent's threads


def parts(d: int, threads: int, unit: int) -> list[tuple[int, int]]:
    """Return consecutive ranges that make up range(d), one per thread, with borders at multiples of `unit`.

    Examples
    --------
    >>> parts(1_000_000, 2, 256)
    [(0, 500224), (500224, 1000000)]
    >>> parts(1000, 2, 256)
    [(0, 1000)]
    """
    if threads == 1 or d < LONG:
        return [(0, d)]
    length = -(-d // (threads * unit)) * unit
    return [(start, min(start + length, d)) for start in range(0, d, length)]


def in_parts(task: Callable[..., T], d: int, threads: int, unit: int, *each: Sequence[Any]) -> list[T]:
    """Return the results of `task(…, start, stop)` on the `parts`, in their order; the caller's thread does the first.

    Each further sequence has one entry for each part; they come before start and stop.
    """
    first, *others = ((*own, *part) for *own, part in zip(*each, parts(d, threads, unit), strict=True))
    waiting = [_pool(threads).submit(task, *arguments) for arguments in others]
    return [task(*first), *(future.result() for future in waiting)]
