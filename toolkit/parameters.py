"""Objects whose numeric fields may be a value, a swept set or a schedule.

A swept set is a list, a tuple or a 1-D array given to a numeric field; it is stored as a tuple, and `simulate` turns
it into one batch dimension of the field's name. A schedule is a function of the step. A field annotated ``Array`` is
always a value. Fields may hold further such objects (a compressor of a compressor): their fields count as well.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from itertools import product
from numbers import Rational
from typing import Any, ClassVar, TypeVar, dataclass_transform

import numpy as np

from toolkit.errors import WrongUse

__all__ = [
    "Parametrised",
    "Path",
    "Schedule",
    "at_each",
    "at_first",
    "at_step",
    "bind",
    "check_number",
    "columns",
    "exact_fields",
    "scheduled",
    "swept",
    "values",
]

Path = tuple[str, ...]  # the field names that lead from an object to a value inside it
Owner = TypeVar("Owner")


class Schedule:
    """A number that depends on the step: call it with the step (0 for `init`, 1 … T in the loop)."""

    def __call__(self, step: int) -> Any:
        """Return the value at `step`."""
        raise TypeError(f"{type(self).__name__} does not say its value: define __call__(step)")


@dataclass_transform(frozen_default=True)
class Parametrised:
    """Base class that turns each subclass into a frozen dataclass with sweepable numeric fields.

    A subclass checks its fields in ``validate``.
    """

    keyword_only: ClassVar[bool] = False

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        dataclasses.dataclass(frozen=True, kw_only=cls.keyword_only, repr=False)(cls)

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):  # type: ignore[arg-type]
            value = getattr(self, field.name)
            if "Array" in str(field.type) or not isinstance(value, (list, np.ndarray, np.generic)):
                continue
            if np.ndim(value) > 1:
                asked = f"{type(self).__name__}({field.name}=…) with an array of shape {np.shape(value)}"
                remedy = "give a 1-D array to sweep, or annotate the field as Array to make it a value"
                raise WrongUse(asked, "a swept set has one axis", remedy)
            plain = np.asarray(value).tolist()
            if plain == []:
                raise WrongUse(f"{type(self).__name__}({field.name}=[])", "the swept set is empty", "give some values")
            object.__setattr__(self, field.name, tuple(plain) if isinstance(plain, list) else plain)
        self.validate()

    def __repr__(self) -> str:
        """Return the call that makes it, without what is at its default."""
        fields = {field.name: (getattr(self, field.name), field.default) for field in dataclasses.fields(self)}  # type: ignore[arg-type]
        told = (f"{name}={value!r}" for name, (value, default) in fields.items() if not _same(value, default))
        return f"{type(self).__name__}({', '.join(told)})"

    def validate(self) -> None:
        """Refuse impossible field values; the default accepts everything."""


def _same(value: Any, default: Any) -> bool:
    return value is default or (type(value) is type(default) and np.ndim(value) == 0 and value == default)


def values(field: Any) -> tuple[Any, ...]:
    """Return all values a field takes: the members of a swept set, or the value alone.

    Examples
    --------
    >>> values((1, 2)), values(3)
    ((1, 2), (3,))
    """
    if isinstance(field, tuple):
        return field
    return tuple(np.ravel(field).tolist()) if isinstance(field, np.ndarray) else (field,)


def check_number(owner: Any, field: str, wanted: str, fits: Callable[[Any], bool]) -> None:
    """Refuse a field of which some value is no number that fits; `wanted` says which do. Schedules pass.

    Examples
    --------
    >>> from toolkit.algorithms import Signum
    >>> Signum(beta=1.5)
    Traceback (most recent call last):
    toolkit.errors.WrongUse: Signum(beta=1.5): beta must be a number in [0, 1]. Give such a number.
    """
    for value in values(getattr(owner, field)):
        # A Fraction is a number too: of a method that is analysed exactly, on symbolic vectors.
        number = isinstance(value, (Rational, float, np.integer, np.floating)) and not isinstance(value, bool)
        if not (isinstance(value, Schedule) or (number and fits(value))):
            asked = f"{type(owner).__name__}({field}={value!r})"
            raise WrongUse(asked, f"{field} must be {wanted}", "give such a number")


def _walk(owner: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    if dataclasses.is_dataclass(owner):
        for field in dataclasses.fields(owner):
            value = getattr(owner, field.name)
            if isinstance(value, Parametrised):
                yield from _walk(value, (*path, field.name))
            elif "Array" not in str(field.type):
                yield (*path, field.name), value


def swept(owner: Any) -> dict[Path, tuple[Any, ...]]:
    """Return the swept fields of an object and of the objects inside it."""
    return {path: value for path, value in _walk(owner) if isinstance(value, tuple)}


def scheduled(owner: Any) -> dict[Path, Schedule]:
    """Return the fields that are schedules, of an object and of the objects inside it."""
    return {path: value for path, value in _walk(owner) if isinstance(value, Schedule)}


def exact_fields(owner: Any) -> dict[Path, Fraction]:
    """Return the fields that are fractions, of an object and of the objects inside it: made for symbolic runs."""
    return {path: one for path, value in _walk(owner) for one in values(value) if isinstance(one, Fraction)}


def columns(owner: Any) -> dict[Path, Any]:
    """Return the fields that a simulation has bound to its batch, arrays of shape ``(run, 1, 1)``."""
    return {path: value for path, value in _walk(owner) if isinstance(value, np.ndarray)}


def bind(owner: Owner, changes: Mapping[Path, Any]) -> Owner:
    """Return a copy with some fields replaced, unchecked: the simulation's way to put batch arrays into fields."""
    if not changes:
        return owner
    fields = dict(owner.__dict__)
    for name in {path[0] for path in changes}:
        inner = {path[1:]: value for path, value in changes.items() if path[0] == name}
        fields[name] = inner[()] if () in inner else bind(fields[name], inner)
    bound = object.__new__(type(owner))
    bound.__dict__.update(fields)
    return bound


def at_step(owner: Owner, schedules: Mapping[Path, Schedule], step: int) -> Owner:
    """Return a copy whose schedules are replaced by their values at `step`."""
    return bind(owner, {path: schedule(step) for path, schedule in schedules.items()})


def at_each(owner: Owner) -> Iterator[Owner]:
    """Yield a copy for each cell of its sweep, its schedules at their first value.

    Examples
    --------
    >>> from toolkit.compressors import RTopK
    >>> list(at_each(RTopK(k=[1, 2], r=3)))
    [RTopK(k=1, r=3), RTopK(k=2, r=3)]
    """
    fields = swept(owner)
    for cell in product(*fields.values()):
        yield at_first(bind(owner, dict(zip(fields, cell, strict=True))))


def at_first(owner: Owner) -> Owner:
    """Return a copy at the first value of each swept set and schedule, to ask what does not depend on the value."""
    firsts = {path: among[0] for path, among in swept(owner).items()}
    return bind(owner, firsts | {path: schedule(0) for path, schedule in scheduled(owner).items()})
