"""What a compressor does to the vectors of a source: bits of its messages, and error."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np

from toolkit.arrays import Array
from toolkit.codecs import Range
from toolkit.compressors import Compressor
from toolkit.draws import Draw
from toolkit.ledger import charge
from toolkit.parameters import bind
from toolkit.wire import Codec

__all__ = ["SOURCES", "D", "Measured", "P", "measure", "vectors", "worst_case"]

D = 1024  # a power of two, so that rotations fill nothing up
P = 0.1  # of a coordinate of the sparse vectors that is not 0
SOURCES = ("gaussian", "laplace", "sparse")
BEFORE = 3


@dataclass(frozen=True)
class Measured:
    """Some messages: arrays of shape ``(message,)``.

    Parameters
    ----------
    formula, entropy, encoded : array
        Bits per coordinate by the three counts of the ledger; encoded with the compressor's own codec, or with its
        levels in a range code, whichever is shorter in the mean.
    lost, size : array
        ‖C(x) − x‖² and ‖x‖².
    """

    formula: Array
    entropy: Array
    encoded: Array
    lost: Array
    size: Array

    @property
    def error(self) -> float:
        """Σ‖C(x) − x‖²/Σ‖x‖²."""
        return float(self.lost.sum() / self.size.sum())

    def margin(self, count: str, least_bits: Callable[[float], float]) -> tuple[float, float]:
        """Return by how many bits per coordinate a mean count exceeds the least at the error, and the standard error.

        Parameters
        ----------
        count : {'formula', 'entropy', 'encoded'}
        least_bits : callable
            Of an error.

        Notes
        -----
        The standard error is the jackknife's: it leaves out one message at a time.
        """
        bits, number = getattr(self, count), len(self.lost)
        others = ~np.eye(number, dtype=bool)
        margins = [bits[kept].mean() - least_bits(self.lost[kept].sum() / self.size[kept].sum()) for kept in others]
        return float(bits.mean() - least_bits(self.error)), float(np.std(margins) * sqrt(number - 1))


def vectors(source: str, draw: Draw) -> Array:
    """Return i.i.d. vectors of one of the `SOURCES`, of variance 1, shape ``(run, worker, D)``."""
    own = draw.of(source).per_worker
    if source == "gaussian":
        return own.normal(D)
    if source == "laplace":
        return -own.of("sign").signs(D) * np.log(own.of("size").uniform(D)) / sqrt(2)
    return np.where(own.of("support").uniform(D) < P, own.of("value").normal(D) / sqrt(P), 0.0)


def measure(compressor: Compressor, source: str, draw: Draw) -> Measured:
    """Return what a compressor does to vectors of a source that it gets rounded to float32; errors count from before.

    One that carries state has seen `BEFORE` other vectors of the source.
    """
    for step in range(1, BEFORE + 1) if compressor.state else ():
        parts, _ = _parts(compressor, vectors(source, draw.at(step)), draw.at(step))
        compressor = bind(compressor, {tuple(path.split(".")): one for path, one in compressor.after(parts).items()})
    x = vectors(source, draw)
    own = _own(compressor, draw.of("compressor"))
    parts, batch = _parts(compressor, x, draw)
    sent = compressor.assemble(parts, own, D, batch.dtype)
    bits = min(
        (charge(compressor, batch, parts, own, codec) for codec in (None, Codec(levels=Range()))),
        key=lambda bits: float(bits.encoded.mean()),
    )
    lost, size = (np.sum(each**2, axis=-1).ravel() for each in (sent - x, x))
    formula, entropy, encoded = (np.ravel(count) / D for count in (bits.formula, bits.entropy, bits.encoded))
    return Measured(formula, entropy, encoded, lost, size)


def _own(compressor: Compressor, draw: Draw) -> Draw | None:
    return None if not compressor.random else draw if compressor.shared else draw.per_worker


def _parts(compressor: Compressor, x: Array, draw: Draw) -> tuple[dict[str, Array], Array]:
    """Return the parts of the messages of vectors, and the vectors as the compressor gets them."""
    own = _own(compressor, draw.of("compressor"))
    batch = compressor.batch(x.astype(np.float32), own)
    return compressor.parts(batch, own), batch


def worst_case(compressor: Compressor, workers: int) -> tuple[float, float] | None:
    """Return formula bits per coordinate and the declared worst error, 1 − δ or ω; None where one is not known.

    The formula counts every message alike, so it is the longest one. An error of 0 is one relative to the vector's
    floats, and no worst error over the ball.
    """
    constants: Any = compressor.constants(D, workers)
    bits = compressor.price(workers, D, np.float32)
    if bits is None or (constants.omega is None and constants.delta is None):
        return None
    error = float(constants.omega) if constants.omega is not None else 1 - float(constants.delta)
    return (float(bits) / D, error) if error else None
