"""A compressor named on the command line: a member, or a class of the user's own module."""

from __future__ import annotations

import importlib
import os
import re
import sys
from collections.abc import Iterable
from typing import Any

from toolkit.cli.inline import build, build_from
from toolkit.cli.simplest import simplest
from toolkit.errors import WrongUse, nearest

__all__ = ["compressor_named", "own_class"]

PACKAGE = "toolkit.compressors"
OWN = re.compile(r"(?P<module>[A-Za-z_][\w.]*):(?P<name>[A-Za-z_]\w*)(?:\((?P<settings>.*)\))?", flags=re.DOTALL)
CALLED = re.compile(r"(?P<name>[A-Za-z][\w-]*)\((?P<settings>.*)\)", flags=re.DOTALL)
REMEDY = "write a member such as top-k:k=3 or TopK(k=3), or a class of yours as mymodule:MyCompressor(k=2)"


def compressor_named(text: str) -> Any:
    """Return the compressor that a text names.

    Parameters
    ----------
    text : str
        A member, as ``top-k:k=3``, ``TopK(k=3)`` or, with its simplest parameters, ``top-k``; or a class of a module
        that can be imported from here, as ``mymodule:MyCompressor`` or ``mymodule:MyCompressor(k=2)``. A compressor
        inside is a member in parentheses: ``Scaled(compressor=(qsgd:s=4))``.

    Raises
    ------
    WrongUse
        If there is no such member, module or class, or a parameter is missing, unknown or impossible.

    Examples
    --------
    >>> compressor_named("TopK(k=3)"), compressor_named("top-k:k=2"), compressor_named("natural")
    (TopK(k=3), TopK(k=2), Natural())
    >>> compressor_named("toolkit.compressors.top_k:TopK(k=1)")
    TopK(k=1)
    """
    from toolkit import members

    own = own_class(text, REMEDY, members.names(PACKAGE))
    if own is not None:
        found, settings = own
        return build_from(found, f"{found.__name__}:{settings}".rstrip(":"))
    called = CALLED.fullmatch(text.strip())
    if called is not None:
        return build(PACKAGE, f"{called['name']}:{called['settings']}")
    if ":" in text:
        return build(PACKAGE, text)
    member = simplest(members.load(PACKAGE, text.strip()))
    if member is None:
        raise WrongUse(text, "it needs parameters", REMEDY)
    return member


def own_class(text: str, remedy: str, members: Iterable[str] = ()) -> tuple[type, str] | None:
    """Return the class that ``module:Class`` or ``module:Class(settings)`` names, and the settings.

    The module lies in the current folder or can be imported anyway. None if the text is of another form, or the module
    is called as one of `members`, which take parameters after a colon.
    """
    from toolkit.members import short

    own = OWN.fullmatch(text.strip())
    if own is None or short(own["module"]) in map(short, members):
        return None
    return _class(text, own["module"], own["name"], remedy), own["settings"] or ""


def _class(text: str, module: str, name: str, remedy: str) -> type:
    sys.path.insert(0, os.getcwd())
    try:
        found = getattr(importlib.import_module(module), name, None)
    except ModuleNotFoundError as error:
        if error.name is None or (module != error.name and not module.startswith(f"{error.name}.")):
            raise  # a module of the user's is there, and lacks something itself
        raise WrongUse(text, f"there is no module {error.name!r} here", remedy) from None
    finally:
        sys.path.pop(0)
    if not isinstance(found, type):
        classes = [known for known, value in vars(sys.modules[module]).items() if isinstance(value, type)]
        raise WrongUse(text, f"the module {module!r} has no class {name!r}", remedy, nearest(name, classes))
    return found
