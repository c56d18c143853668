"""What carries over from message to message is known to the receiver."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from proofs_check.contracts._base import OverVectors
from proofs_check.contracts._bits import different
from proofs_check.contracts._report import Violation
from proofs_check.contracts._subject import Subject
from proofs_check.contracts._vectors import ordinary
from proofs_check.contracts.assembly import received
from toolkit.arrays import Array
from toolkit.parameters import bind

MESSAGES = 4  # in a row


class State(OverVectors):
    """The next state follows from the parts that are sent, so that sender and receiver go on from the same."""

    topic: ClassVar[str] = "bits"
    statement: ClassVar[str] = (
        f"over {MESSAGES} messages in a row the receiver, from the bytes and its own state, decodes what was sent, and "
        "the parts that are sent give both sides the same state, bit for bit"
    )

    most: ClassVar[int | None] = 4

    def reason_not_applicable(self, subject: Subject) -> str:
        return "" if subject.compressor.state else "it has no state"

    def choose(self, subject: Subject, x: Array) -> Array:
        return ordinary(x)

    def failing(self, subject: Subject, x: Array) -> Array:
        return np.array([bool(_wrong(subject, one[None])) for one in x])

    def violation(self, subject: Subject, x: Array) -> Violation:
        return Violation(_wrong(subject, x), draw="Draw(seed=0), Draw(seed=1), … for the messages x, 2x, 3x, …")


def _wrong(subject: Subject, x: Array) -> str:
    """Return what goes wrong between sender and receiver; empty if nothing does."""
    sender = receiver = subject.compressor
    for number in range(MESSAGES):
        draw, own = subject.draw([number]), (number + 1) * np.roll(x, number, axis=-1)
        sent = sender.message(own, draw)
        decoded = receiver.decode(sender.encode(own, draw), x.shape[-1], x.dtype, draw)
        if different(decoded, sent).any():
            return f"message {number} does not decode to what was sent"
        parts = sender.parts(own, draw)
        new, known = sender.after(parts), receiver.after(received(receiver, parts, x.shape[-1], x.dtype))
        if set(new) != set(subject.compressor.state):
            return f"after(parts) returns {', '.join(new) or 'nothing'}, and state lists {', '.join(sender.state)}"
        for field in new:
            if different(np.asarray(new[field])[..., None], np.asarray(known[field])[..., None]).any():
                return f"after message {number} the receiver has another {field}: it depends on what is not sent"
        sender = bind(sender, {tuple(field.split(".")): value for field, value in new.items()})
        receiver = bind(receiver, {tuple(field.split(".")): value for field, value in known.items()})
    return ""
