"""The instrument: compressors, methods, the channel that counts, and the one loop.

Importing this package imports neither Numba nor xarray nor SciPy: public names load when they are first used.
"""

from __future__ import annotations

import importlib
from typing import Any

_HOME = {
    "Draw": "toolkit.draws",
    "Experiment": "toolkit.experiment",
    "Store": "toolkit.store",
    "simulate": "toolkit.simulation",
}
__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return __all__
