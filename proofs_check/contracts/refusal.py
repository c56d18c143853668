"""Infinities and NaN are refused."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from proofs_check.contracts._base import Contract
from proofs_check.contracts._report import Finding, Violation
from proofs_check.contracts._subject import Subject
from toolkit.errors import WrongUse

BAD = (math.nan, math.inf, -math.inf)


class Refusal(Contract):
    """`compress` and `encode` refuse a vector that is not finite, with words."""

    topic: ClassVar[str] = "messages"
    statement: ClassVar[str] = "compress and encode refuse NaN and infinities by a WrongUse, at any position"

    def check(self, subject: Subject) -> Finding:
        compressor, draw = subject.compressor, subject.draw([0])
        tried = 0
        for d in subject.dimensions[:3]:
            for position in {0, d - 1}:
                for bad in BAD:
                    x = np.ones((1, subject.n, d))
                    x[..., position] = bad
                    methods: dict[str, Callable[..., Any]] = {
                        "compress": compressor.compress,
                        "encode": compressor.encode,
                    }
                    for name, method in methods.items():
                        tried += 1
                        came = _outcome(method, x, draw)
                        if came:
                            violation = Violation(
                                f"{name} takes {bad}", x[0, 0], came=came, expected="a WrongUse that names the number"
                            )
                            return self.finding("violated", f"{tried} vectors", violation=violation)
        return self.finding("holds", f"{tried} vectors with NaN, +∞ or −∞")


def _outcome(method: Callable[..., Any], x: Any, draw: Any) -> str:
    """Return what a method does other than refusing; empty if it refuses."""
    try:
        returned = method(x, draw)
    except WrongUse:
        return ""
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return f"it returns {type(returned).__name__}"
