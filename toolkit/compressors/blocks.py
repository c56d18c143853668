"""Compress block by block."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import reduce
from typing import Any

import numpy as np

from toolkit import kernels
from toolkit.arrays import Array
from toolkit.compressors._base import Compressor
from toolkit.compressors._block_draw import BlockDraw, cut, join
from toolkit.compressors._check import check_size
from toolkit.compressors._combinator import Combinator, price_of_one, workers_of
from toolkit.constants import CompressorConstants, Constant
from toolkit.errors import WrongUse
from toolkit.layout import Field, Numbers, Positions, Seed
from toolkit.parameters import bind, columns


@dataclasses.dataclass(frozen=True)
class _Piece:
    """Equal blocks of vectors, and what compresses them as runs of their own.

    Parameters
    ----------
    count, size : int
        Their number and their size.
    compressor : Compressor
        With its swept fields repeated for the blocks of each run.
    draw : BlockDraw, optional
    """

    count: int
    size: int
    compressor: Compressor
    draw: Any


class Blocks(Combinator):
    r"""Blocks: compress every block of consecutive coordinates by itself, with random numbers of its own.

    .. math:: C'(x_1, \dots, x_B) = (C(x_1), \dots, C(x_B)), \qquad
              E\|C'(x) - x\|^2 = \sum_b E\|C(x_b) - x_b\|^2, \qquad B = \lceil d/\text{size} \rceil .

    Top-k in blocks, QSGD in buckets and the scaled sign of every block are ``Blocks(TopK(k=1), 64)``,
    ``Blocks(QSGD(s=4), 512)`` and ``Blocks(ScaledSign(), 64)``.

    Parameters
    ----------
    compressor : Compressor
        What every block is compressed with; its fields may be swept.
    size : int
        Coordinates per block; the last block is shorter where it does not divide d.

    Raises
    ------
    WrongUse
        If `compressor` is no compressor or has state, `size` is not an integer of at least 1, or, once the dimension is
        known, the compressor cannot work on a block.

    Notes
    -----
    δ and ω are those of the worst block, attained where that block attains them and all others are 0; κ² is the sum
    over the blocks; A − B and B are the largest ones of a block (derived: all of it by summing over the blocks). The
    price is the sum of those of the blocks, and so is a message: each field holds those of all blocks in turn.

    A block is a run of its own to the compressor inside, so with `PermK` every block is dealt out to the workers. Its
    numbers come from `Draw.rows`.

    Examples
    --------
    >>> from toolkit.compressors import ScaledSign, TopK
    >>> x = np.array([3.0, -5.0, 1.0, 4.0, 2.0])
    >>> Blocks(TopK(k=1), 2).compress(x)
    array([ 0., -5.,  0.,  4.,  2.])
    >>> Blocks(ScaledSign(), 2).compress(x)
    array([ 4. , -4. ,  2.5,  2.5,  2. ])
    """

    compressor: Compressor
    size: int

    @property
    def symmetric(self) -> bool:  # type: ignore[override]
        return False

    @property
    def selects(self) -> bool:  # type: ignore[override]
        return self.compressor.selects

    def validate(self) -> None:
        super().validate()
        check_size(self, "size")
        if self.compressor.state:
            raise WrongUse(
                f"Blocks({self.compressor!r}, {self.size})",
                "the compressor inside remembers something from message to message, and not for each block",
                "put one without state inside",
            )

    def check(self, d: int) -> None:
        for _, size in self._sizes(d):
            try:
                self.compressor.check(size)
            except WrongUse as error:
                whose = "a block" if size == self.size else "the last block"
                raise WrongUse(
                    f"{self!r} on vectors of dimension {d}",
                    f"{whose} has {size} coordinates, and there {error.wrong}",
                    f"give another size, such as one that divides {d}, or: {error.remedy}",
                ) from error

    def _sizes(self, d: int) -> list[tuple[int, int]]:
        """Return number and size of the whole blocks and of the last one, if it is shorter."""
        count, rest = divmod(d, self.size)
        return [(number, size) for number, size in ((count, self.size), (1, rest)) if number and size]

    def _pieces(self, runs: int, d: int, draw: Any) -> list[_Piece]:
        fields = columns(self.compressor)
        return [
            _Piece(
                count,
                size,
                bind(self.compressor, {path: np.repeat(column, count, axis=0) for path, column in fields.items()}),
                None if draw is None else BlockDraw(draw.of("blocks", index), runs, count),
            )
            for index, (count, size) in enumerate(self._sizes(d))
        ]

    def _cut(self, x: Array, draw: Any = None) -> Iterator[tuple[_Piece, Array]]:
        """Yield the pieces of a batch, and their blocks."""
        start = 0
        for piece in self._pieces(x.shape[0], x.shape[2], draw):
            end = start + piece.count * piece.size
            yield piece, cut(x[..., start:end], piece.count)
            start = end

    def message(self, x: Array, draw: Any) -> Array:
        return _beside(join(one.compressor.message(blocks, one.draw), one.count) for one, blocks in self._cut(x, draw))

    def layout(self, d: int, dtype: Any) -> tuple[Field, ...]:
        counts, sizes = zip(*self._sizes(d), strict=True)
        layouts = [self.compressor.layout(size, dtype) for size in sizes]
        return tuple(_joined(fields, counts) for fields in zip(*layouts, strict=True))

    def parts(self, x: Array, draw: Any) -> dict[str, Array]:
        return _fields((one, one.compressor.parts(blocks, one.draw)) for one, blocks in self._cut(x, draw))

    def redraw(self, shape: tuple[int, int, int], draw: Any) -> dict[str, Array]:
        runs, workers, d = shape
        pieces = self._pieces(runs, d, draw)
        return _fields((one, one.compressor.redraw((runs * one.count, workers, one.size), one.draw)) for one in pieces)

    def assemble(self, parts: Mapping[str, Array], draw: Any, d: int, dtype: Any) -> Array:
        return _beside(
            join(one.compressor.assemble(own, one.draw, one.size, dtype), one.count)
            for one, own in self._cut_parts(parts, draw, d, dtype)
        )

    def _cut_parts(
        self, parts: Mapping[str, Array], draw: Any, d: int, dtype: Any
    ) -> Iterator[tuple[_Piece, dict[str, Array]]]:
        """Yield the pieces of a batch, and the parts of the messages of their blocks."""
        start = dict.fromkeys(parts, 0)
        for piece in self._pieces(max(len(part) for part in parts.values()), d, draw):
            own = {}
            for field in self.compressor.layout(piece.size, dtype):
                if not isinstance(field, Seed):
                    end = start[field.name] + piece.count * field.size
                    own[field.name] = cut(parts[field.name][..., start[field.name] : end], piece.count)
                    start[field.name] = end
            yield piece, own

    def constants(self, d: int, n: int = 1) -> CompressorConstants:
        counts, sizes = zip(*self._sizes(d), strict=True)
        each = [self.compressor.constants(size, n) for size in sizes]
        return CompressorConstants(
            delta=_worst([one.delta for one in each], np.minimum),
            omega=_worst([one.omega for one in each], np.maximum),
            kappa_sq=_sum([one.kappa_sq for one in each], counts),
            ab=_pair([one.ab for one in each]),
        )

    def domain(self, d: int, dtype: Any) -> tuple[float, float]:
        ends = [Compressor.domain(self, d, dtype), *(self.compressor.domain(size, dtype) for _, size in self._sizes(d))]
        return max(low for low, _ in ends), min(high for _, high in ends)

    def expected_error(self, x: Array) -> Array | None:
        errors = []
        for one, blocks in self._cut(x):
            error = one.compressor.expected_error(blocks)
            if error is None:
                return None
            errors.append(join(error[..., None], one.count))
        of_blocks = _beside(errors)
        return kernels.dot(of_blocks, np.ones_like(of_blocks))

    def price(self, n: int, d: int, dtype: Any) -> Any:
        prices = [(count, self.compressor.price(n, size, dtype)) for count, size in self._sizes(d)]
        return None if any(price is None for _, price in prices) else sum(count * price for count, price in prices)

    def price_of(self, message: Array) -> Array:
        prices = [join(one.compressor.price_of(blocks)[..., None], one.count) for one, blocks in self._cut(message)]
        return _beside(prices).sum(axis=-1)

    def price_of_parts(self, parts: Mapping[str, Array], draw: Any, d: int, dtype: Any) -> Array:
        prices = []
        for one, own in self._cut_parts(parts, draw, d, dtype):
            shape = max(len(part) for part in own.values()), workers_of(own)
            price = np.broadcast_to(price_of_one(one.compressor, own, one.draw, one.size, dtype), shape)
            prices.append(join(price[..., None], one.count))
        return _beside(prices).sum(axis=-1)


def _beside(arrays: Iterable[Array]) -> Array:
    """Return arrays put side by side along the last axis."""
    each = list(arrays)
    return each[0] if len(each) == 1 else np.concatenate(each, axis=-1)


def _fields(pieces: Iterable[tuple[_Piece, Mapping[str, Array]]]) -> dict[str, Array]:
    """Return parts, each field with the blocks of all pieces side by side."""
    each = [{name: join(part, piece.count) for name, part in parts.items()} for piece, parts in pieces]
    return {name: _beside(parts[name] for parts in each) for name in each[0]}


def _joined(fields: Sequence[Any], counts: Sequence[int]) -> Field:
    """Return the field that holds those of all blocks: `counts` times each of `fields`."""
    first = fields[0]
    if isinstance(first, Seed):
        return first
    size = sum(count * field.size for count, field in zip(counts, fields, strict=True))
    if isinstance(first, Numbers):
        return dataclasses.replace(first, size=size)
    if isinstance(first, Positions):
        known = first.count is not None
        number = sum(count * field.count for count, field in zip(counts, fields, strict=True)) if known else None
        return dataclasses.replace(first, size=size, count=number)
    ends = {"low": np.minimum, "high": np.maximum}
    alphabet = {end: _end([getattr(field, end) for field in fields], pick) for end, pick in ends.items()}
    return dataclasses.replace(first, size=size, **alphabet)


def _end(ends: Sequence[Any], pick: Callable[[Any, Any], Any]) -> Any:
    """Return the end of an alphabet that contains others; None is no end."""
    if any(end is None for end in ends):
        return None
    found = reduce(pick, ends)
    return found if np.ndim(found) else int(found)


def _worst(constants: Sequence[Constant | None], pick: Callable[[Any, Any], Any]) -> Constant | None:
    """Return the constant of the worst block; it is exact if that one is."""
    known = [one for one in constants if one is not None]
    if len(known) < len(constants):
        return None
    value = reduce(pick, [one.value for one in known])
    decisive = [one for one in known if np.any(one.value == value)]
    kind = next((one.kind for one in decisive if one.kind != "exact"), "exact")
    return Constant(value, kind, f"the worst block: {decisive[0].source}")


def _sum(constants: Sequence[Constant | None], counts: Sequence[int]) -> Constant | None:
    known = [one for one in constants if one is not None]
    if len(known) < len(constants):
        return None
    value = sum(count * one.value for count, one in zip(counts, known, strict=True))
    kind = next((one.kind for one in known if one.kind != "exact"), "exact")
    return Constant(value, kind, f"the sum over the blocks: {known[0].source}")


def _pair(constants: Sequence[Constant | None]) -> Constant | None:
    """Return (A, B) with A − B and B the largest of a block; exact if the blocks have the same pair."""
    known = [one for one in constants if one is not None]
    if len(known) < len(constants):
        return None
    difference = reduce(np.maximum, [one.value[0] - one.value[1] for one in known])
    b = reduce(np.maximum, [one.value[1] for one in known])
    same = all(np.array_equal(one.value[i], known[0].value[i]) for one in known for i in (0, 1))
    kind = known[0].kind if same else "upper bound"
    return Constant((difference + b, b), kind, f"the worst block: {known[0].source}")
