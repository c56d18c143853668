"""A swept field gives what its values give one by one."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any, ClassVar, NamedTuple

import numpy as np

from proofs_check.contracts._base import OverVectors
from proofs_check.contracts._bits import different
from proofs_check.contracts._report import Violation, in_words
from proofs_check.contracts._subject import Subject, accepts
from proofs_check.contracts._vectors import ordinary
from toolkit.arrays import Array
from toolkit.compressors import Compressor
from toolkit.errors import WrongUse
from toolkit.parameters import Path, bind


class Swept(OverVectors):
    """A numeric field that accepts a set of values works as an array of shape ``(run, 1, 1)``."""

    topic: ClassVar[str] = "messages"
    statement: ClassVar[str] = (
        "a numeric field that accepts a set of values gives, as an array with one value for each run, the message of "
        "each value, bit for bit, and its price"
    )
    most: ClassVar[int | None] = 12

    def reason_not_applicable(self, subject: Subject) -> str:
        return "" if any(_sweepable(subject.compressor)) else "no field accepts a set of values"

    def choose(self, subject: Subject, x: Array) -> Array:
        return ordinary(x)

    def failing(self, subject: Subject, x: Array) -> Array:
        return np.any([one.wrong for one in _compared(subject, x)], axis=0)

    def violation(self, subject: Subject, x: Array) -> Violation:
        found = next(one for one in _compared(subject, x) if one.wrong.any())
        return Violation(
            f"{found.what} as one of a sweep is not what it is alone",
            draw=subject.draw_in_words(0, 1),
            came=f"as an array of shape (run, 1, 1): C(x) = {_with_type(found.together)}",
            expected=f"as a number: C(x) = {_with_type(found.alone)}, and the same price",
        )


def _with_type(sent: Array) -> str:
    return f"{in_words(sent[0, 0])} ({sent.dtype})"


class _Compared(NamedTuple):
    """The messages of one value of a field, as one of a sweep and alone, and for which vectors something differs."""

    what: str
    together: Array
    alone: Array
    wrong: Array


def _compared(subject: Subject, x: Array) -> Iterator[_Compared]:
    d, size = x.shape[-1], len(x)
    for path, value in _sweepable(subject.compressor):
        each = {
            one: compressor
            for one in _two(value)
            if (compressor := _with(subject.compressor, path, one)) and accepts(compressor, d, subject.n)
        }
        swept = bind(subject.compressor, {path: np.repeat(list(each), size)[:, None, None]})
        rows = np.tile(x, (len(each), 1, 1))
        together = swept.message(rows, subject.draw(np.zeros(len(rows), dtype=int)))
        prices = swept.price(subject.n, d, x.dtype)
        for number, (one, compressor) in enumerate(each.items()):
            own = slice(number * size, (number + 1) * size)
            alone = compressor.message(x, subject.draw(np.zeros(size, dtype=int)))
            price = compressor.price(subject.n, d, x.dtype)
            dearer = price is not None and bool((np.broadcast_to(prices, (len(rows), 1, 1))[own] != price).any())
            wrong = different(together[own], alone).any(axis=1) | dearer
            yield _Compared(f"{'.'.join(path)} = {one}", together[own], alone, wrong)


def _sweepable(compressor: Compressor) -> Iterator[tuple[Path, Any]]:
    """Yield the numeric fields, of those inside too, that do not refuse a set of values, and their values."""
    for path, value in _numbers(compressor):
        if _with(compressor, path, (value, value)) is not None:
            yield path, value


def _numbers(compressor: Compressor, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    for field in dataclasses.fields(compressor):
        value = getattr(compressor, field.name)
        if isinstance(value, Compressor):
            yield from _numbers(value, (*path, field.name))
        elif type(value) in (int, float) and "Array" not in str(field.type):
            yield (*path, field.name), value


def _with(compressor: Compressor, path: Path, value: Any) -> Compressor | None:
    """Return the compressor with another value of a field, or None if it refuses that."""
    name, *rest = path
    inner = value if not rest else _with(getattr(compressor, name), tuple(rest), value)
    try:
        return None if inner is None else dataclasses.replace(compressor, **{name: inner})
    except WrongUse:
        return None


def _two(value: Any) -> tuple[Any, Any]:
    """Return a value of a field and another one."""
    return value, (value - 1 if value > 1 else value + 1) if isinstance(value, int) else value / 2
