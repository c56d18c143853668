"""Members found by scanning a folder: file ``top_k.py``, class ``TopK``, command-line name ``top-k``.

A file whose name begins with ``_`` is not a member; a folder inside is a group of members. Third-party packages join
through entry points of the group ``csgd.<package>``, for example ``csgd.compressors``. Listing names imports nothing.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from toolkit.errors import WrongUse, nearest

__all__ = ["by_class_name", "groups", "load", "load_module", "names", "short"]


def short(name: str) -> str:
    """Return a name without case, ``_`` and ``-``: what file, class and command-line name have in common.

    Examples
    --------
    >>> short("top-k") == short("TopK") == short("top_k")
    True
    """
    return name.replace("_", "").replace("-", "").lower()


@cache
def _found(package: str) -> dict[str, str]:
    """Map command-line names to module paths (or ``module:Class`` for entry points)."""
    folder = Path(importlib.import_module(package).__path__[0])
    found: dict[str, str] = {}
    for path in sorted(folder.glob("**/[!_]*.py"), key=lambda path: path.stem):
        name, target = path.stem.replace("_", "-"), ".".join((package, *path.relative_to(folder).with_suffix("").parts))
        if found.setdefault(name, target) != target:
            raise WrongUse(
                f"the members of {package}", f"{found[name]} and {target} share a name", "rename one of them"
            )
    for point in entry_points(group=f"csgd.{package.rpartition('.')[2]}"):
        found.setdefault(point.name, point.value)
    return found


def names(package: str) -> list[str]:
    """Return the command-line names of the members of a package.

    Examples
    --------
    >>> "top-k" in names("toolkit.compressors")
    True
    """
    return list(_found(package))


def groups(package: str) -> dict[str, list[str]]:
    """Return the names of the members in each folder of a package, by the folder's command-line name.

    Examples
    --------
    >>> "three-workers" in groups("proofs_check.claims")["museum"]
    True
    """
    found: dict[str, list[str]] = {}
    for name, target in _found(package).items():
        folder, _, _ = target.removeprefix(f"{package}.").rpartition(".")
        if folder and target.startswith(f"{package}."):
            found.setdefault(folder.replace("_", "-"), []).append(name)
    return found


def _resolve(package: str, name: str) -> str:
    for candidate, target in _found(package).items():
        if short(candidate) == short(name):
            return target
    raise WrongUse(
        f"{name!r} in {package}",
        "there is no member of that name",
        f"choose one of: {', '.join(names(package))}",
        nearest(name, names(package)),
    )


def load_module(package: str, name: str) -> Any:
    """Return the module of a member.

    Raises
    ------
    WrongUse
        If there is no such member; the message names the nearest ones.
    """
    return importlib.import_module(_resolve(package, name).partition(":")[0])


def load(package: str, name: str) -> Any:
    """Return the class of a member, by its class, file or command-line name.

    Raises
    ------
    WrongUse
        If there is no such member; the message names the nearest ones.

    Examples
    --------
    >>> load("toolkit.compressors", "top-k").__name__
    'TopK'
    """
    target = _resolve(package, name)
    module_name, _, attribute = target.partition(":")
    module = importlib.import_module(module_name)
    if attribute:
        return getattr(module, attribute)
    stem = module_name.rpartition(".")[2]
    for candidate, value in vars(module).items():
        if isinstance(value, type) and value.__module__ == module_name and short(candidate) == short(stem):
            return value
    raise WrongUse(
        f"{name!r} in {package}", f"{module_name} defines no class named like its file", "rename one of them"
    )


def by_class_name(package: str) -> Callable[[str], Any]:
    """Return a package's ``__getattr__``, so that ``from toolkit.compressors import TopK`` loads that one file."""

    def find(name: str) -> Any:
        if not name.startswith("_"):
            try:
                return load(package, name)
            except WrongUse as error:
                raise AttributeError(str(error)) from None
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    return find
