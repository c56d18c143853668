"""What every code must do: give back the integers, in as many bits as it says, and refuse what was cut off."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from hypothesis import strategies as st

from toolkit import members
from toolkit.codecs import IntegerCode, LevelCode, PositionCode
from toolkit.codecs.shared_seed import SharedSeed
from toolkit.errors import WrongUse

__all__ = ["Coded", "codes", "data_for", "wrong_with"]

PACKAGE = "toolkit.codecs"
MOST = 24  # integers of one example
GARBAGE = b"\x5a\xff"  # what follows on the wire


class Coded(NamedTuple):
    """A code and what it is to code.

    Parameters
    ----------
    code : IntegerCode, PositionCode or LevelCode
    values : tuple of int
        Positive integers, positions or levels.
    given : tuple
        What the receiver knows besides their number: nothing, the dimension, or the ends of the alphabet.
    """

    code: Any
    values: tuple[int, ...]
    given: tuple[Any, ...]


def codes() -> list[str]:
    """Return the names of all codes that write something.

    Examples
    --------
    >>> "golomb" in codes(), "shared-seed" in codes()
    (True, False)
    """
    return [name for name in members.names(PACKAGE) if not issubclass(members.load(PACKAGE, name), SharedSeed)]


def data_for(name: str) -> st.SearchStrategy[Coded]:
    """Return a code of this name, with parameters, and data for it."""
    some = _instances(name)
    kind = next(kind for kind in (IntegerCode, PositionCode, LevelCode) if isinstance(some[0], kind))
    given, values = {IntegerCode: _integers, PositionCode: _positions, LevelCode: _levels}[kind]()
    return given.flatmap(lambda known: st.builds(Coded, st.sampled_from(some), values(known), st.just(known)))


def wrong_with(coded: Coded) -> str:
    """Return what a code does wrong with some data; empty if nothing.

    Examples
    --------
    >>> from toolkit.codecs import EliasGamma
    >>> wrong_with(Coded(EliasGamma(), (1, 7, 1), ()))
    ''
    """
    values = np.array(coded.values, np.int64)
    code = coded.code.fit(len(values), int(values.sum())) if isinstance(coded.code, IntegerCode) else coded.code
    arguments = _receiver(code, coded)
    try:
        encoded = code.encode(values, *coded.given)
        data = encoded.data.tobytes()
        decoded, used = code.decode(np.frombuffer(data + GARBAGE, np.uint8), *arguments)
    except Exception as error:
        return f"it raises {type(error).__name__}: {error}"
    if not np.array_equal(decoded, values):
        return f"it gives back {decoded.tolist()}"
    if len(data) != -(-encoded.bits // 8) or used != len(data) or not 0 <= encoded.side <= encoded.bits:
        return f"it says {encoded.bits} bits, {encoded.side} of them aside, writes {len(data)} bytes and reads {used}"
    predicted = int(code.lengths(values).sum()) if isinstance(code, IntegerCode) else code.bits(values, *coded.given)
    if predicted != encoded.bits:
        return f"it predicts {predicted} bits and writes {encoded.bits}"
    return _cut_off(code, data, arguments)


def _receiver(code: Any, coded: Coded) -> tuple[Any, ...]:
    """Return what the receiver passes to `decode` besides the bytes."""
    count = len(coded.values)
    if isinstance(code, PositionCode):
        return *coded.given, count
    return count, *coded.given


def _cut_off(code: Any, data: bytes, arguments: tuple[Any, ...]) -> str:
    """Return what is wrong with how a code decodes data without their last byte."""
    if not data:
        return ""
    try:
        code.decode(np.frombuffer(data[:-1], np.uint8), *arguments)
    except WrongUse:
        return ""
    except Exception as error:
        return f"without the last byte it raises {type(error).__name__}: {error}"
    return "without the last byte it decodes as if nothing were missing"


@cache
def _instances(name: str) -> list[Any]:
    """Return a code of each set of parameters: by default, and with each code of integers inside."""
    member = members.load(PACKAGE, name)
    inside = [field.name for field in dataclasses.fields(member) if "IntegerCode" in str(field.type)]
    return [member(), *(member(**{inside[0]: code}) for code in _integer_codes() if inside)]


def _integer_codes() -> Iterator[IntegerCode]:
    for name in members.names(PACKAGE):
        member = members.load(PACKAGE, name)
        if issubclass(member, IntegerCode):
            yield member()


def _integers() -> tuple[Any, Any]:
    whole = st.integers(0, 40).flatmap(lambda digits: st.integers(1, 2**digits))
    return st.just(()), lambda given: st.lists(whole, max_size=MOST).map(tuple)


def _positions() -> tuple[Any, Any]:
    sizes = st.one_of(st.integers(1, 12), st.integers(1, 5000))
    return sizes.map(lambda d: (d,)), lambda given: _sets(given[0])


def _sets(d: int) -> st.SearchStrategy[tuple[int, ...]]:
    few = st.sets(st.integers(0, d - 1), max_size=min(MOST, d)).map(sorted).map(tuple)
    return st.one_of(few, st.just(tuple(range(d)))) if d <= MOST else few


def _levels() -> tuple[Any, Any]:
    ends = st.one_of(
        st.sampled_from([(0, 1), (-1, 1), (-2, 2), (-8, 8), (0, 255), (5, 5)]),
        st.tuples(st.integers(-(2**20), 0), st.integers(0, 2**20)),
    )
    return ends, lambda given: st.lists(st.integers(*given), max_size=MOST).map(tuple)
