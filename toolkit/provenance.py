"""What a result was made with: versions, commit, and a hash of the sources."""

from __future__ import annotations

import hashlib
import importlib.util
import platform
import subprocess
import tomllib
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

__all__ = ["checkout_commit", "commit", "source_hash", "toolkit_version", "versions"]


@cache
def toolkit_version() -> str:
    """Return the version of the installed distribution, or else of the checkout; 'unknown' if there is neither."""
    try:
        return version("csgd-toolkit")
    except PackageNotFoundError:
        try:
            project = (Path(__file__).parent.parent / "pyproject.toml").read_text(encoding="utf-8")
        except FileNotFoundError:
            return "unknown"
        return str(tomllib.loads(project)["project"]["version"])


@cache
def commit() -> str:
    """Return the commit baked in at build time, else the checkout's (marked if it has changes), else 'unknown'."""
    try:
        from toolkit import _build  # type: ignore[attr-defined, unused-ignore]  # written when a wheel is built

        return str(_build.COMMIT)
    except ImportError:
        return checkout_commit(Path(__file__).parent.parent) or "unknown"


def checkout_commit(root: Path) -> str | None:
    """Return the commit of a Git checkout, with '-dirty' if it has changes; None if `root` is none."""
    if not (root / ".git").exists():
        return None
    try:
        return subprocess.run(
            ["git", "-C", str(root), "describe", "--always", "--abbrev=40", "--dirty", "--exclude=*"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None


@cache
def source_hash() -> str:
    """Return the SHA-256 of the sources of `toolkit` and `problems`, without the command line.

    Every stored number depends on these.
    """
    digest = hashlib.sha256()
    for package in ("toolkit", "problems"):
        spec = importlib.util.find_spec(package)
        root = Path(next(iter(spec.submodule_search_locations)))  # type: ignore[union-attr, arg-type]
        for path in sorted(root.rglob("*.py")):
            if path.name == "_build.py" or path.parent.name == "cli":
                continue
            digest.update(str(path.relative_to(root.parent)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


@cache
def libraries() -> dict[str, str]:
    """Return the versions of the libraries whose code computes stored numbers."""
    return {name: version(name) for name in ("numpy", "scipy", "numba", "scikit-learn")}


def versions() -> dict[str, str]:
    """Return the versions a result depends on, by name."""
    ours = {"csgd-toolkit": toolkit_version(), "commit": commit(), "python": platform.python_version()}
    return ours | libraries() | {name: version(name) for name in ("xarray", "h5netcdf")}
