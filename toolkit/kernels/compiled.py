"""How kernels are compiled, and where the compiled code is kept.

Numba's own cache looks at the file of a function only and misses edits in the functions it calls. So the cache is in a
folder named by a hash of all kernel sources: an edit anywhere begins a new folder.
"""

from __future__ import annotations

import atexit
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

__all__ = ["cache_folder", "is_compiled", "kernel"]


def _sources() -> str:
    """Return a hash of all kernel sources."""
    digest = hashlib.blake2b(digest_size=8)
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


@cache
def cache_folder() -> Path:
    """Return the folder of compiled code: ``NUMBA_CACHE_DIR``, or a user folder, or a temporary one if not writable."""
    if chosen := os.environ.get("NUMBA_CACHE_DIR"):
        return Path(chosen)
    home = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    folder = Path(home, "csgd-toolkit", f"numba-{_sources()}")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError:
        folder = Path(tempfile.mkdtemp(prefix="csgd-toolkit-"))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def is_compiled() -> bool:
    """Tell whether a former process has left compiled kernels, so that the first call will not have to compile."""
    return any(cache_folder().glob("**/cpu.*.nbc"))


def kernel(function: Callable[..., Any] | None = None, **options: Any) -> Any:
    """Compile a function with Numba: without the interpreter lock, with NumPy's division, kept in `cache_folder`.

    No floating-point rewriting is allowed unless the options say so: products and sums are not fused, so the results
    are those of the same formula in NumPy.
    """
    import numba

    if function is None:
        return lambda decorated: kernel(decorated, **options)
    config: Any = numba.config
    # Numba reads its folder when a function is decorated; functions that are not ours keep theirs.
    previous, config.CACHE_DIR = config.CACHE_DIR, str(cache_folder())
    try:
        return numba.njit(cache=True, nogil=True, error_model="numpy", **options)(function)
    finally:
        config.CACHE_DIR = previous
