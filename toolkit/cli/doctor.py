"""``csgd doctor``: whether this machine has what the toolkit needs."""

from __future__ import annotations

import importlib.util
import os
import platform
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click

__all__ = ["doctor"]

SIBLINGS = ("toolkit", "problems", "proofs_check", "figures")


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at: whether it is as needed, and what it is."""

    fine: bool
    about: str
    found: str


@click.command()
def doctor() -> int:
    """Look at what the toolkit needs of this machine; exit with 3 if something lacks."""
    findings = [*_versions(), *_packages(), *_requirements(), _kernel_cache(), *_processors()]
    for finding in findings:
        click.echo(f"{'ok  ' if finding.fine else 'LACK'}  {finding.about}: {finding.found}")
    lacking = sum(not finding.fine for finding in findings)
    click.echo(f"{lacking} of {len(findings)} things lack" if lacking else "everything that is needed is there")
    return 3 if lacking else 0


def _versions() -> Iterator[Finding]:
    from toolkit.provenance import commit, toolkit_version

    yield Finding(True, "csgd-toolkit", f"{toolkit_version()}, commit {commit()}")
    yield Finding(True, "Python", f"{platform.python_version()} on {platform.platform()}")


def _packages() -> Iterator[Finding]:
    """Look whether each package is the sibling of this one: their names are words that other files may have, too."""
    root = Path(__file__).resolve().parent.parent.parent
    for name in SIBLINGS:
        spec = importlib.util.find_spec(name)
        found = Path(spec.origin).resolve() if spec is not None and spec.origin else None
        if found == root / name / "__init__.py":
            yield Finding(True, name, str(found.parent))
        elif found is None:
            yield Finding(False, name, f"not found; it belongs beside {root / 'toolkit'}: install csgd-toolkit again")
        else:
            yield Finding(False, name, f"hidden by {found}: rename that, or start from another folder")


def _requirements() -> Iterator[Finding]:
    from importlib.metadata import PackageNotFoundError, requires, version

    from packaging.requirements import Requirement

    try:
        requirements = [Requirement(text) for text in requires("csgd-toolkit") or ()]
    except PackageNotFoundError:
        yield Finding(True, "dependencies", "not checked, because the sources run without being installed")
        return
    for requirement in requirements:
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
            continue
        wanted = f"{requirement.specifier} is needed"
        try:
            found = version(requirement.name)
        except PackageNotFoundError:
            yield Finding(False, requirement.name, f"not installed, and {wanted}")
            continue
        fine = requirement.specifier.contains(found, prereleases=True)
        yield Finding(fine, requirement.name, found if fine else f"{found}, and {wanted}")


def _kernel_cache() -> Finding:
    """Look whether compiled kernels can be kept: else every process compiles them again."""
    from toolkit.kernels import is_compiled
    from toolkit.kernels.compiled import cache_folder

    folder = cache_folder()
    existing = next(parent for parent in (folder, *folder.parents) if parent.exists())
    if not os.access(existing, os.W_OK):
        return Finding(
            False, "compiled kernels", f"{folder} cannot be written: let NUMBA_CACHE_DIR name another folder"
        )
    if Path(tempfile.gettempdir()) in folder.parents and "NUMBA_CACHE_DIR" not in os.environ:
        return Finding(False, "compiled kernels", "the user's cache folder cannot be written: set NUMBA_CACHE_DIR")
    return Finding(True, "compiled kernels", f"{folder}, {'compiled' if is_compiled() else 'not yet compiled'}")


def _processors() -> Iterator[Finding]:
    from threadpoolctl import threadpool_info

    from toolkit.simulation import default_threads  # brings NumPy, whose linear algebra is reported

    cores = f"{default_threads()} used, {os.cpu_count()} cores; CSGD_THREADS sets another number"
    yield Finding(True, "threads", cores)
    for pool in threadpool_info():
        version = pool["version"] or "unknown version"
        yield Finding(True, pool["internal_api"], f"{version}, {pool['num_threads']} threads")
    found = importlib.util.find_spec("cupy") is not None
    yield Finding(True, "CuPy (optional)", "installed" if found else "not installed: no GPU is used")
