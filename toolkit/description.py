"""A value in plain data, so precise that equal descriptions mean equal experiments.

What cannot be described that precisely is refused: such an experiment runs, but it is neither stored nor taken to equal
another one.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import inspect
import json
import math
import os
import sys
import sysconfig
import types
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path, PurePath
from typing import Any

import numpy as np

from toolkit.errors import WrongUse

__all__ = ["NotDescribable", "describe"]

HASHED = ("toolkit", "problems")  # their sources are part of every key of the store
PYTHONS = Path(sysconfig.get_path("stdlib"))  # its classes, as `Fraction`, change with its version only
OURS = ("proofs_check", "figures")  # a class in them stands for its own file, not for the whole package


class NotDescribable(WrongUse):
    """A value that cannot be described: its experiments run but are not stored."""


def describe(value: Any) -> Any:
    """Return a value as plain data for JSON.

    Numbers and texts stand for themselves, arrays for their shape, type and SHA-256, objects for their class and
    attributes, functions for their compiled code and all it captures. A user's class or function brings a hash of the
    loaded modules of its package or folder.

    Raises
    ------
    NotDescribable
        If the source of a user's class or function cannot be read (as in a notebook), or the value shows neither
        attributes nor a name.

    Examples
    --------
    >>> describe((1, 2.5, None))
    [1, 2.5, None]
    """
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, (complex, PurePath, np.dtype)):
        return {type(value).__name__: str(value)}
    if isinstance(value, bytes):
        return {"bytes": hashlib.sha256(value).hexdigest()}
    if isinstance(value, np.generic):
        return describe(value.item())
    if isinstance(value, np.ndarray):
        return _array(value)
    if isinstance(value, (list, tuple)):
        return [describe(item) for item in value]
    if isinstance(value, (set, frozenset)):
        return {"set": sorted(json.dumps(describe(item), sort_keys=True) for item in value)}
    if isinstance(value, Mapping):
        return {str(key): describe(item) for key, item in sorted(value.items(), key=lambda pair: str(pair[0]))}
    return _callable(value) if callable(value) and hasattr(value, "__name__") else _object(value)


def _array(value: np.ndarray) -> dict[str, Any]:
    if value.dtype.hasobject:
        raise _refusal("an array of objects", "its content has no bytes of its own", "use an array of numbers")
    digest = hashlib.sha256(np.ascontiguousarray(value).tobytes()).hexdigest()
    return {"shape": list(value.shape), "dtype": str(value.dtype), "sha256": digest}


def _callable(value: Any) -> dict[str, Any]:
    """Describe a class, a function, a bound method, or a named callable of a library such as a NumPy function."""
    name = f"{getattr(value, '__module__', None)}.{getattr(value, '__qualname__', value.__name__)}"
    if inspect.ismethod(value):
        return {"method": name, "of": describe(value.__self__)}
    if inspect.isfunction(value):
        captured = [cell.cell_contents for cell in value.__closure__ or ()]
        code = value.__code__
        seen = {one: value.__globals__[one] for one in sorted(_names(code)) if one in value.__globals__}
        plain = {one: item for one, item in seen.items() if not (inspect.ismodule(item) or callable(item))}
        digest = hashlib.sha256(repr(_code(code)).encode()).hexdigest()
        defaults = [value.__defaults__, value.__kwdefaults__]
        known = {"function": name, "code": digest, "captured": captured, "defaults": defaults, "globals": plain}
        return {key: describe(item) for key, item in known.items()} | _sources([value])
    return {"name": name} | (_sources(value.__mro__) if isinstance(value, type) else {})


def _code(code: types.CodeType) -> tuple[Any, ...]:
    """Return all of a code object that decides what it does, in a form whose text is the same in every process."""
    constants = [
        _code(one) if inspect.iscode(one) else sorted(map(repr, one)) if isinstance(one, frozenset) else repr(one)
        for one in code.co_consts
    ]
    return code.co_code, constants, code.co_names, code.co_varnames, code.co_freevars


def _names(code: types.CodeType) -> set[str]:
    inner = [_names(one) for one in code.co_consts if inspect.iscode(one)]
    return set(code.co_names).union(*inner)


def _object(value: Any) -> dict[str, Any]:
    """Describe an object by its class and attributes."""
    kind = type(value)
    own = [base for base in kind.__mro__ if _is_users(base)]
    if isinstance(value, functools.partial):
        fields: Any = {"function": value.func, "arguments": value.args, "keywords": value.keywords}
    elif dataclasses.is_dataclass(value):
        fields = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    elif hasattr(value, "describe") and (not own or any("describe" in vars(base) for base in own)):
        fields = value.describe()
    else:
        slots = [name for base in kind.__mro__ for name in vars(base).get("__slots__", ()) if hasattr(value, name)]
        fields = getattr(value, "__dict__", {}) | {name: getattr(value, name) for name in slots}
        # What is computed from the other attributes says nothing new, and may or may not be there yet.
        fields = {name: item for name, item in fields.items() if not _is_cached(kind, name)}
        if not (fields or hasattr(value, "__dict__")):
            raise _refusal(repr(value), "it shows no attributes", "use a function or an object of a class of your own")
    known = {"class": f"{kind.__module__}.{kind.__qualname__}"}
    return known | {name: describe(item) for name, item in fields.items()} | _sources(own)


def _is_cached(kind: type, name: str) -> bool:
    return isinstance(inspect.getattr_static(kind, name, None), cached_property)


def _is_users(thing: Any) -> bool:
    top = (thing.__module__ or "builtins").partition(".")[0]
    return thing is not object and top not in HASHED and not _is_pythons(top)


def _is_pythons(top: str) -> bool:
    """Tell whether a module is one of Python itself, and neither a user's of the same name nor without a file."""
    file = getattr(sys.modules.get(top), "__file__", None) if top in sys.stdlib_module_names else None
    return file is not None and file.endswith(".py") and Path(file).is_relative_to(PYTHONS)


def _sources(things: Any) -> dict[str, Any]:
    """Return a hash of the files in which users' classes and functions stand, and of the modules beside them."""
    files = {path for thing in things if _is_users(thing) for path in _files(thing)}
    if not files:
        return {}
    return {"source": sorted(_file_hash(path, path.stat().st_mtime_ns) for path in files)}


def _files(thing: Any) -> set[Path]:
    module = sys.modules.get(thing.__module__)
    file = getattr(module, "__file__", None)
    if file is None or not Path(file).is_file():
        raise _refusal(
            thing.__qualname__,
            "its source cannot be read, so a stored result could not notice a change of it",
            "put it into a file to have its experiments stored",
        )
    top = thing.__module__.partition(".")[0]
    if top in OURS:
        return {Path(file)}
    known = {name: getattr(one, "__file__", None) for name, one in list(sys.modules.items())}
    if getattr(module, "__package__", ""):
        beside = [path for name, path in known.items() if path and name.partition(".")[0] == top]
    else:
        beside = [path for path in known.values() if path and os.path.dirname(path) == os.path.dirname(file)]
    return {path for path in map(Path, beside) if path.suffix == ".py" and path.is_file()} | {Path(file)}


@functools.lru_cache(maxsize=4096)
def _file_hash(path: Path, changed: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _refusal(what: str, wrong: str, remedy: str) -> NotDescribable:
    return NotDescribable(f"the description of {what}", wrong, remedy)
