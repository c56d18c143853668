"""What a message consists of, field by field: numbers, levels, positions and a seed.

A compressor lists the fields of its messages in `layout`, gives their contents in `parts` and rebuilds the decoded
message from them in `assemble`. Contents are arrays of shape ``(run, worker, size)``; where a field is sent only `at`
the positions of an earlier one, entries elsewhere mean nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["SEED_BITS", "Field", "Levels", "Numbers", "Positions", "Seed"]

SEED_BITS = 32


@dataclass(frozen=True)
class Numbers:
    """Floating-point numbers, sent at their own width.

    Parameters
    ----------
    name : str
        Of the field, as in `parts`.
    size : int
        How many numbers a message has.
    at : str, optional
        The `Positions` field at whose positions only they are sent; its size is then the same.
    side : bool
        Whether they are side information, such as a norm.
    dtype : str, optional
        Their type, if it is not that of the message.
    """

    name: str
    size: int
    at: str | None = None
    side: bool = False
    dtype: str | None = None


@dataclass(frozen=True)
class Levels:
    """Integers from a declared alphabet.

    Parameters
    ----------
    name, size, at, side
        As of `Numbers`.
    low, high : int or array of shape (run, 1, 1), optional
        The alphabet low, …, high; None where it is unbounded.
    """

    name: str
    size: int
    low: Any = None
    high: Any = None
    at: str | None = None
    side: bool = False


@dataclass(frozen=True)
class Positions:
    """A set of positions, as a mask.

    Parameters
    ----------
    name : str
        Of the field, as in `parts`.
    size : int
        Out of how many.
    count : int or array of shape (run, 1, 1), optional
        How many there are in general; None if that depends on the vector.
    drawn : bool
        Whether the receiver can draw the same set; `Compressor.redraw` then returns it.
    """

    name: str
    size: int
    count: Any = None
    drawn: bool = False


@dataclass(frozen=True)
class Seed:
    """The seed of numbers that sender and receiver both draw: 32 bits of side information, one seed for a message."""

    name: str = "seed"


Field = Numbers | Levels | Positions | Seed
