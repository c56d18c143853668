"""Damaged bytes are refused, or decode to some vector; they break nothing."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from proofs_check.contracts._base import OverVectors
from proofs_check.contracts._report import Violation
from proofs_check.contracts._subject import Subject
from toolkit.arrays import Array
from toolkit.errors import WrongUse


class Damage(OverVectors):
    """Bytes cut off or added are refused; changed ones are refused or decode to a vector."""

    topic: ClassVar[str] = "bits"
    statement: ClassVar[str] = (
        "decode refuses, by a WrongUse, a message with bytes too few or too many; one with a changed byte is refused "
        "or decoded to a vector of the right shape"
    )

    most: ClassVar[int | None] = 2

    def failing(self, subject: Subject, x: Array) -> Array:
        return np.array([bool(_wrong(subject, one[None])) for one in x])

    def violation(self, subject: Subject, x: Array) -> Violation:
        wrong, came = _wrong(subject, x)
        return Violation(wrong, draw=subject.draw_in_words(0, 1), came=came, expected="a WrongUse in words")


def _wrong(subject: Subject, x: Array) -> tuple[str, ...]:
    """Return what is wrong with how damaged messages of one vector are decoded, and what came."""
    compressor, draw = subject.compressor, subject.draw([0])
    data = compressor.encode(x, draw)
    first = data[0][0]
    damaged = {"with a byte added": first + b"\x5a"}
    if first:
        damaged |= {"with its last byte cut off": first[:-1], "cut off in the middle": first[: len(first) // 2]}
    must = set(damaged)
    for place in np.unique(np.linspace(0, max(len(first) - 1, 0), 4).astype(int)) if first else ():
        changed = bytearray(first)
        changed[place] ^= 0xFF
        damaged[f"with byte {place} changed"] = bytes(changed)
    for how, message in damaged.items():
        came = _decoded(subject, [[message, *data[0][1:]]], x, draw)
        if came and (how in must or came != "a vector"):
            return f"a message {how} is not refused", came
    return ()


def _decoded(subject: Subject, data: Any, x: Array, draw: Any) -> str:
    """Return what comes of decoding; empty if it is refused."""
    try:
        decoded = np.asarray(subject.compressor.decode(data, x.shape[-1], x.dtype, draw))
    except WrongUse:
        return ""
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return "a vector" if decoded.shape == x.shape else f"an array of shape {decoded.shape}"
