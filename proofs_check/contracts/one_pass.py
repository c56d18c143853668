"""Error feedback in one pass is what its steps are."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from proofs_check.contracts._base import OverVectors
from proofs_check.contracts._bits import different
from proofs_check.contracts._report import Violation, in_words
from proofs_check.contracts._subject import Subject
from proofs_check.contracts._vectors import ordinary
from toolkit.arrays import Array

SCALE = 0.25


class OnePass(OverVectors):
    """`message_with_memory` returns C(p), p − C(p) and its square for p = memory + scale·v."""

    topic: ClassVar[str] = "messages"
    statement: ClassVar[str] = (
        "message_with_memory(memory, v, scale, draw) = C(p), p − C(p) for p = memory + scale·v, bit for bit, and "
        "‖p − C(p)‖² up to rounding"
    )

    def choose(self, subject: Subject, x: Array) -> Array:
        return ordinary(x)

    def failing(self, subject: Subject, x: Array) -> Array:
        return np.any([apart for apart, *_ in _results(subject, x)], axis=0)

    def violation(self, subject: Subject, x: Array) -> Violation:
        _, name, came, expected = next(one for one in _results(subject, x) if one[0].any())
        return Violation(
            f"message_with_memory returns another {name} than its steps, for memory = x, v = x and scale = {SCALE}",
            draw=subject.draw_in_words(0, 1),
            came=f"{name} = {in_words(came[0, 0])}",
            expected=f"{name} = {in_words(expected[0, 0])}",
        )


def _results(subject: Subject, x: Array) -> list[tuple[Array, str, Array, Array]]:
    """Return for each result where it differs, its name, what came and what was expected."""
    compressor, draw = subject.compressor, subject.draw(np.zeros(len(x), dtype=int))
    scale = x.dtype.type(SCALE)
    came = compressor.message_with_memory(x, x, scale, draw)
    p = x + scale * x
    sent = compressor.message(p, draw)
    error = np.sum((p.astype(float) - sent) ** 2, axis=-1)[..., None]
    largest = np.sum(p.astype(float) ** 2 + sent.astype(float) ** 2, axis=-1)[..., None]
    far = np.abs(came[2][..., None] - error) > 8 * (x.shape[-1] + 8) * np.finfo(x.dtype).eps * largest
    return [
        (different(came[0], sent).any(axis=1), "C(p)", came[0], sent),
        (different(came[1], p - sent).any(axis=1), "p − C(p)", came[1], p - sent),
        (far.any(axis=(1, 2)), "‖p − C(p)‖²", came[2][..., None], error),
    ]
