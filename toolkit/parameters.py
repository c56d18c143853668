"""Objects whose numeric fields may be a value, a swept set or a schedule.

A swept set is a list, a tuple or a 1-D array given to a numeric field; it is stored as a tuple, and `simulate` turns
it into one batch dimension of the field's name. A schedule is a function of the step. A field annotated ``Array`` is
always a value.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar, TypeVar, dataclass_transform

import numpy as np

__all__ = ["Parametrised", "Schedule", "at_step", "bind", "scheduled", "swept", "values"]

Self = TypeVar("Self", bound="Parametrised")


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
        dataclasses.dataclass(frozen=True, kw_only=cls.keyword_only, repr=True)(cls)

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):  # type: ignore[arg-type]
            value = getattr(self, field.name)
            if "Array" in str(field.type):
                continue
            if isinstance(value, list) or (isinstance(value, np.ndarray) and value.ndim == 1):
                object.__setattr__(self, field.name, tuple(np.asarray(value).tolist()))
        self.validate()

    def validate(self) -> None:
        """Refuse impossible field values; the default accepts everything."""


def values(field: Any) -> tuple[Any, ...]:
    """Return all values a field takes: the members of a swept set, or the value alone."""
    if isinstance(field, tuple):
        return field
    return tuple(np.ravel(field).tolist()) if isinstance(field, np.ndarray) else (field,)


def _fields(owner: Any, wanted: Callable[[Any], bool]) -> Iterator[tuple[str, Any]]:
    if dataclasses.is_dataclass(owner):
        for field in dataclasses.fields(owner):
            if "Array" not in str(field.type) and wanted(getattr(owner, field.name)):
                yield field.name, getattr(owner, field.name)


def swept(owner: Any) -> dict[str, tuple[Any, ...]]:
    """Return the swept fields of an object, by name."""
    return dict(_fields(owner, lambda value: isinstance(value, tuple)))


def scheduled(owner: Any) -> dict[str, Schedule]:
    """Return the fields of an object that are schedules, by name."""
    return dict(_fields(owner, lambda value: isinstance(value, Schedule)))


def bind(owner: Self, changes: Mapping[str, Any]) -> Self:
    """Return a copy with some fields replaced, unchecked: the simulation's way to put batch arrays into fields."""
    if not changes:
        return owner
    bound = object.__new__(type(owner))
    bound.__dict__.update(owner.__dict__ | dict(changes))
    return bound


def at_step(owner: Self, schedules: Mapping[str, Schedule], step: int) -> Self:
    """Return a copy whose schedules are replaced by their values at `step`."""
    return bind(owner, {name: schedule(step) for name, schedule in schedules.items()})
