"""Messages to bytes and back: each field of the layout in turn, each beginning at a whole byte."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from toolkit.arrays import Array
from toolkit.codecs import EliasGamma, Gaps, Golomb, Integers, LevelCode, Packed, PositionCode, SharedSeed
from toolkit.errors import WrongUse
from toolkit.layout import Field, Numbers, Positions, Seed
from toolkit.parameters import Parametrised

__all__ = ["Codec", "Written", "chosen", "read", "seed_of", "write"]


class Codec(Parametrised):
    """Which codes a message uses.

    Parameters
    ----------
    positions : PositionCode, optional
        The code of sets of positions. By default a set that the receiver can draw costs its seed alone, and any other
        is sent as Golomb-coded gaps.
    levels : LevelCode, optional
        The code of integers. By default those of a bounded alphabet have a fixed width, others an Elias gamma code.

    Notes
    -----
    Floating-point numbers are sent as they are. The number of positions of a set that is sent is written in
    ⌈log2(size + 1)⌉ bits before it.
    """

    positions: PositionCode | None = None
    levels: LevelCode | None = None

    def validate(self) -> None:
        for name, kind, such in (("positions", PositionCode, Gaps()), ("levels", LevelCode, Packed())):
            code = getattr(self, name)
            if code is not None and not isinstance(code, kind):
                raise WrongUse(f"Codec({name}={code!r})", f"this is no {kind.__name__}", f"give one, such as {such!r}")

    def for_positions(self, field: Positions) -> PositionCode:
        """Return the code of a field of positions."""
        if self.positions is None:
            return SharedSeed() if field.drawn else Gaps(Golomb())
        if isinstance(self.positions, SharedSeed) and not field.drawn:
            raise WrongUse(
                f"{self.positions!r} for {field.name!r}",
                "these positions depend on the vector, so the receiver cannot draw them",
                "choose a code that sends them, such as Gaps(Golomb())",
            )
        return self.positions

    def draws(self, field: Field) -> bool:
        """Tell whether the receiver draws what the field stands for; a message has one seed for all such fields."""
        if isinstance(field, Seed):
            return True
        return isinstance(field, Positions) and isinstance(self.for_positions(field), SharedSeed)

    def for_levels(self, low: Any, high: Any) -> LevelCode:
        """Return the code of integers from low, …, high."""
        if self.levels is not None:
            return self.levels
        return Integers(EliasGamma()) if low is None or high is None else Packed()


def chosen(codec: Codec | None, default: Codec) -> Codec:
    """Return the codes that were given, and those of `default` where none is given."""
    if codec is None:
        return default
    if not isinstance(codec, Codec):
        raise WrongUse(f"codec={codec!r}", "this is no Codec", "give one, such as toolkit.wire.Codec()")
    return Codec(codec.positions or default.positions, codec.levels or default.levels)


@dataclass(frozen=True)
class Written:
    """One field of a message on the wire.

    Parameters
    ----------
    field : Field
        What it is.
    data : bytes
        Its bytes.
    bits : int
        How many bits of them are used; the rest is padding.
    side : int
        How many of the bits are side information.
    """

    field: Field
    data: bytes
    bits: int
    side: int = 0


def write(
    layout: Sequence[Field], contents: Mapping[str, Array], dtype: Any, codec: Codec, seed: int | None
) -> list[Written]:
    """Return the fields of one message as bytes.

    Parameters
    ----------
    layout : sequence of Field
        What the message consists of.
    contents : mapping of str to array, shape (size,)
        The content of each field.
    dtype : dtype
        Of the numbers of the message.
    codec : Codec
        The codes.
    seed : int, optional
        The seed that the receiver needs to draw what it can draw.
    """
    written: list[Written] = []
    seeded = False
    for field in layout:
        if codec.draws(field):
            if not seeded:
                written.append(_seed(field, seed))
            seeded = True
            continue
        assert not isinstance(field, Seed)
        content = np.asarray(contents[field.name])
        if isinstance(field, Positions):
            code = codec.for_positions(field)
            positions = np.flatnonzero(content)
            width = field.size.bit_length()
            count = len(positions).to_bytes(-(-width // 8), "little")
            encoded = code.encode(positions, field.size)
            written.append(Written(field, count, width, side=width))
            written.append(Written(field, encoded.data.tobytes(), encoded.bits, encoded.side))
            continue
        if field.at is not None:
            content = content[np.asarray(contents[field.at])]
        if isinstance(field, Numbers):
            data = content.astype(_little(field.dtype or dtype)).tobytes()
            written.append(Written(field, data, 8 * len(data), side=8 * len(data) if field.side else 0))
        else:
            low, high = field.low, field.high
            content = content.astype(np.uint8) if content.dtype == bool else content
            encoded = codec.for_levels(low, high).encode(content, low, high)
            side = encoded.bits if field.side else encoded.side
            written.append(Written(field, encoded.data.tobytes(), encoded.bits, side))
    return written


def read(
    layout: Sequence[Field],
    data: bytes,
    dtype: Any,
    codec: Codec,
    drawn: Mapping[str, Array],
    seed: int | None,
) -> dict[str, Array]:
    """Return the contents of the fields of one message; the inverse of `write`.

    Parameters
    ----------
    drawn : mapping of str to array, shape (size,)
        The contents of the fields that the receiver draws.

    Raises
    ------
    WrongUse
        If the data do not have the length or the seed that the layout implies.
    """
    rest = np.frombuffer(data, np.uint8)
    contents: dict[str, Array] = {}

    def take(count: int) -> Array:
        nonlocal rest
        if count > len(rest):
            raise WrongUse(
                f"decoding {len(data)} bytes", "the message ends too early", "pass all bytes that encode gave"
            )
        taken, rest = rest[:count], rest[count:]
        return taken

    def check_seed() -> None:
        found, used = SharedSeed().decode_seed(rest)
        take(used)
        if found != seed:
            raise WrongUse(
                f"decoding with a draw of seed {seed}", f"the message has seed {found}", "pass the sender's draw"
            )

    seeded = False
    for field in layout:
        if codec.draws(field):
            if not seeded:
                check_seed()
            seeded = True
            if isinstance(field, Positions):
                contents[field.name] = np.asarray(drawn[field.name])
            continue
        assert not isinstance(field, Seed)
        if isinstance(field, Positions):
            code = codec.for_positions(field)
            count = int.from_bytes(take(-(-field.size.bit_length() // 8)).tobytes(), "little")
            if count > field.size:
                raise WrongUse(
                    f"decoding {len(data)} bytes", f"{count} positions out of {field.size}", "pass what encode gave"
                )
            positions, used = code.decode(rest, field.size, count)
            take(used)
            mask = np.zeros(field.size, dtype=bool)
            mask[positions] = True
            contents[field.name] = mask
        else:
            sent = np.ones(field.size, dtype=bool) if field.at is None else contents[field.at]
            count = int(np.count_nonzero(sent))
            if isinstance(field, Numbers):
                kind = _little(field.dtype or dtype)
                values = np.frombuffer(take(count * kind.itemsize).tobytes(), kind).astype(kind.newbyteorder("="))
            else:
                values, used = codec.for_levels(field.low, field.high).decode(rest, count, field.low, field.high)
                take(used)
            content = np.zeros(field.size, dtype=values.dtype)
            content[sent] = values
            contents[field.name] = content
    if len(rest):
        raise WrongUse(f"decoding {len(data)} bytes", f"{len(rest)} bytes are left over", "pass one message at a time")
    return contents


def seed_of(draw: Any, run: int) -> int | None:
    """Return the seed value of one run of a draw, or None where there is no draw."""
    return None if draw is None else int(draw.seeds[run if len(draw.seeds) > 1 else 0])


def _little(dtype: Any) -> np.dtype:
    """Return the type in little-endian order, so that bytes mean the same on every machine."""
    return np.dtype(dtype).newbyteorder("<")


def _seed(field: Field, seed: int | None) -> Written:
    if seed is None:
        raise WrongUse(
            f"encoding {field.name!r}", "its receiver needs a seed and there is no draw", "pass draw=Draw(seed)"
        )
    encoded = SharedSeed().encode_seed(seed)
    return Written(field, encoded.data.tobytes(), encoded.bits, encoded.side)
