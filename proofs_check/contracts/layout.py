"""The parts of a message are what the layout declares: alphabets, supports, types."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np

from proofs_check.contracts._base import OverVectors
from proofs_check.contracts._report import Violation
from proofs_check.contracts._subject import Subject
from toolkit.arrays import Array
from toolkit.draws import Draw
from toolkit.layout import Field, Levels, Numbers, Positions, Seed


class Layout(OverVectors):
    """Levels are in their alphabet, positions as many as declared, numbers of their type."""

    topic: ClassVar[str] = "messages"
    statement: ClassVar[str] = (
        "the parts of every message are those of the layout: integers in their alphabet, at most as many positions as "
        "declared, numbers of the declared type, finite ones unless x is too large"
    )

    def failing(self, subject: Subject, x: Array) -> Array:
        rows, draw = subject.repeated(x)
        failing = [failing for failing, _ in _departures(subject, rows, draw)]
        return np.any(failing, axis=0).reshape(len(x), -1).any(axis=1) if failing else np.zeros(len(x), dtype=bool)

    def violation(self, subject: Subject, x: Array) -> Violation:
        rows, draw = subject.repeated(x)
        failing, wrong = next(one for one in _departures(subject, rows, draw) if one[0].any())
        return Violation(wrong, draw=subject.draw_in_words(int(np.argmax(failing))))


def _departures(subject: Subject, x: Array, draw: Draw | None) -> Iterator[tuple[Array, str]]:
    """Yield for each thing that may be wrong the rows where it is."""
    runs, n, d = x.shape
    parts = subject.compressor.parts(x, draw)
    layout = subject.compressor.layout(d, x.dtype)
    for field in layout:
        if isinstance(field, Seed):
            continue
        if field.name not in parts:
            yield np.ones(runs, dtype=bool), f"parts(x, draw) has no {field.name!r}, which the layout lists"
            continue
        part = np.asarray(parts[field.name])
        if part.ndim != 3 or part.shape[:2] != (runs, n) or part.shape[2] != field.size:
            yield (
                np.ones(runs, dtype=bool),
                f"{field.name!r} has shape {part.shape}; the layout says ({runs}, {n}, {field.size}), for "
                "(run, worker, size)",
            )
            continue
        at = None if isinstance(field, Positions) else field.at
        sent = np.ones(part.shape, dtype=bool) if at is None else np.asarray(parts[at])
        for bad, wrong in _of_field(field, part, sent, x.dtype):
            yield np.asarray(bad).reshape(runs, -1).any(axis=1), wrong
        if isinstance(field, Numbers):
            infinite = (~np.isfinite(part) & sent).reshape(runs, -1).any(axis=1)
            yield infinite & subject.below(x), f"{field.name!r} has a number that is not finite"


def _of_field(field: Field, part: Array, sent: Array, dtype: Any) -> Iterator[tuple[Array, str]]:
    """Yield for each thing that may be wrong with one field where it is."""
    everywhere = np.ones(len(part), dtype=bool)
    if isinstance(field, Positions):
        if part.dtype != bool:
            yield everywhere, f"{field.name!r} is a set of positions, and its type is {part.dtype}, not bool"
            return
        if field.count is not None:
            count, most = np.count_nonzero(part, axis=-1), np.max(field.count)
            yield count > most, f"{count.max()} positions are sent as {field.name!r} where {most} are declared"
    elif isinstance(field, Levels):
        if part.dtype.kind not in "iub":
            yield everywhere, f"{field.name!r} are levels, and their type is {part.dtype}, not an integer"
            return
        levels = part.astype(np.int64)
        for end, bad in (
            (field.low, field.low is not None and (levels < field.low) & sent),
            (field.high, field.high is not None and (levels > field.high) & sent),
        ):
            if np.any(bad):
                found = levels[bad][0]
                yield bad, f"{field.name!r} has the level {found}, and the alphabet ends at {end}"
    elif isinstance(field, Numbers):
        kind = np.dtype(field.dtype or dtype)
        if part.dtype != kind:
            yield everywhere, f"{field.name!r} are numbers of type {part.dtype}; the layout says {kind}"
