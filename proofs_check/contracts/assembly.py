"""A message is made from its parts alone."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from proofs_check.contracts._base import OverVectors
from proofs_check.contracts._bits import different
from proofs_check.contracts._report import Violation, in_words
from proofs_check.contracts._subject import Subject
from toolkit.arrays import Array
from toolkit.compressors import Compressor
from toolkit.layout import Levels, Numbers

MEANINGLESS = 7  # put where a field is not sent


class Assembly(OverVectors):
    """`message` is what `assemble` makes of the parts that the layout lists."""

    topic: ClassVar[str] = "messages"
    statement: ClassVar[str] = (
        "message(x, draw) = assemble(parts(x, draw), …), bit for bit, by an equal compressor that has not seen x, from "
        "the fields of the layout alone, whatever stands where a field is not sent"
    )

    def failing(self, subject: Subject, x: Array) -> Array:
        sent, assembled = _both(subject, x)
        return different(assembled, sent).reshape(len(x), -1).any(axis=1)

    def violation(self, subject: Subject, x: Array) -> Violation:
        sent, assembled = _both(subject, x)
        row, worker = np.argwhere(different(assembled, sent))[0]
        return Violation(
            "the message is not made from its parts",
            draw=subject.draw_in_words(row),
            came=f"message(x, draw) = {in_words(sent[row, worker])}",
            expected=f"assemble(parts(x, draw), …) = {in_words(assembled[row, worker])}",
        )


def _both(subject: Subject, x: Array) -> tuple[Array, Array]:
    """Return the messages and what is assembled from their parts."""
    compressor, d = subject.compressor, x.shape[-1]
    rows, draw = subject.repeated(x)
    parts = received(compressor, compressor.parts(rows, draw), d, x.dtype)
    receiver = dataclasses.replace(compressor)
    return compressor.message(rows, draw), receiver.assemble(parts, draw, d, x.dtype)


def received(compressor: Compressor, parts: Mapping[str, Array], d: int, dtype: Any) -> dict[str, Array]:
    """Return the parts as a receiver has them: the fields of the layout, with something else where nothing is sent."""
    known = {}
    for field in compressor.layout(d, dtype):
        if isinstance(field, (Numbers, Levels)) and field.at is not None:
            part = np.asarray(parts[field.name])
            known[field.name] = np.where(parts[field.at], part, np.asarray(MEANINGLESS, part.dtype))
        elif field.name in parts:
            known[field.name] = parts[field.name]
    return known
