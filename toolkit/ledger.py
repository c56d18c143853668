"""What a message costs: the formula of the literature, its entropy, and the bytes that are really sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from toolkit.arrays import Array
from toolkit.compressors import Compressor
from toolkit.entropy import level_entropy, set_entropy
from toolkit.layout import SEED_BITS, Field, Levels, Numbers, Positions, Seed
from toolkit.wire import Codec, chosen, seed_of, write

__all__ = ["Ledger", "charge", "ledger", "of_row"]


@dataclass(frozen=True)
class Ledger:
    """Bits of messages, each an array of shape ``(run, worker)``.

    Parameters
    ----------
    formula : array
        The count that the compressor's source prescribes: `Compressor.price`.
    entropy : array
        What an ideal code would need that is told the counts of everything: log2 C(d, k) for k positions out of d, the
        order-zero empirical entropy of integers, the full width of floating-point numbers, and the side information.
    encoded : array
        The bytes of `Compressor.encode`, in bits: the sum of the following four.
    values, indices, side, padding : array
        Numbers and integers; positions; norms, counts, seeds and tables; the unused rest of each field's last byte.

    Notes
    -----
    A vector that is not finite, as of a run that diverges, has no message: its bits are NaN, the formula apart.
    """

    formula: Array
    entropy: Array
    encoded: Array
    values: Array
    indices: Array
    side: Array
    padding: Array


def ledger(compressor: Compressor, x: Array, draw: Any = None, codec: Codec | None = None) -> Ledger:
    """Return the bits of the messages of `x` by every count.

    Parameters
    ----------
    compressor : Compressor
    x : array, shape (d,), (worker, d) or (run, worker, d)
    draw : Draw, optional
        Required by a random compressor.
    codec : Codec, optional
        The codes; by default the compressor's own.

    Examples
    --------
    >>> from toolkit.compressors import TopK
    >>> bits = ledger(TopK(k=2), np.array([3.0, -5.0, 1.0, 4.0]))
    >>> bits.formula, bits.encoded
    (array([[131.]]), array([[144.]]))
    """
    batch = compressor.batch(x, draw)
    return charge(compressor, batch, compressor.parts(batch, draw), draw, codec)


def charge(compressor: Compressor, x: Array, parts: Mapping[str, Array], draw: Any, codec: Codec | None) -> Ledger:
    """Return the bits of messages whose contents are known; `x` has shape ``(run, worker, d)``."""
    runs, n, d = x.shape
    layout = compressor.layout(d, x.dtype)
    formula = compressor.price(n, d, x.dtype)
    if formula is None:
        formula = compressor.price_of_parts(parts, draw, d, x.dtype)
    elif np.ndim(formula) == 3:
        formula = formula[..., 0]
    codec = chosen(codec, compressor.codec)
    columns = np.full((4, runs, n), np.nan)
    sound = _finite(layout, x, parts)
    for run in range(runs):
        fields = [of_row(field, run) for field in layout]
        for worker in np.flatnonzero(sound[run]).tolist():
            columns[:, run, worker] = 0.0
            contents = {name: np.asarray(part)[run, worker] for name, part in parts.items()}
            for written in write(fields, contents, x.dtype, codec, seed_of(draw, run)):
                kind = 1 if isinstance(written.field, Positions) else 0
                columns[kind, run, worker] += written.bits - written.side
                columns[2, run, worker] += written.side
                columns[3, run, worker] += 8 * len(written.data) - written.bits
    entropy = sum(
        (_entropy(field, parts, x.dtype) for field in layout if not codec.draws(field)),
        np.full((runs, n), float(SEED_BITS if any(map(codec.draws, layout)) else 0)),
    )
    return Ledger(
        np.broadcast_to(np.asarray(formula, dtype=float), (runs, n)),
        np.where(sound, entropy, np.nan),
        columns.sum(axis=0),
        *columns,
    )


def of_row(field: Field, run: int) -> Field:
    """Return a field with the alphabet of one run of a sweep."""
    if not isinstance(field, Levels):
        return field
    low, high = (int(end[run, 0, 0]) if np.ndim(end) else end for end in (field.low, field.high))
    return Levels(field.name, field.size, low, high, field.at, field.side)


def _finite(layout: Sequence[Field], x: Array, parts: Mapping[str, Array]) -> Array:
    """Return whether vectors and the numbers of their messages are finite, shape ``(run, worker)``."""
    finite = np.isfinite(x).all(axis=-1)
    for field in layout:
        if isinstance(field, Numbers):
            sent = np.isfinite(parts[field.name])
            finite &= np.all(sent if field.at is None else sent | ~np.asarray(parts[field.at]), axis=-1)
    return finite


def _entropy(field: Field, parts: Mapping[str, Array], dtype: Any) -> Array:
    """Return the entropy of one field of each message, shape ``(run, worker)`` or a number."""
    assert not isinstance(field, Seed)
    if isinstance(field, Positions):
        count = np.count_nonzero(np.asarray(parts[field.name]), axis=-1)
        return set_entropy(field.size, count) + (np.log2(field.size + 1) if field.count is None else 0.0)
    sent = None if field.at is None else np.asarray(parts[field.at])
    if isinstance(field, Numbers):
        count = field.size if sent is None else np.count_nonzero(sent, axis=-1)
        return count * 8.0 * np.dtype(field.dtype or dtype).itemsize
    return level_entropy(np.asarray(parts[field.name]), sent)
