"""Messages in the form in which they are sent, and how to write out the vectors that they stand for.

All arrays have axes (run, worker, …). ``message.write(out)`` gives the dense vectors, bit for bit what the compressor's
own `message` returns.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

from toolkit.arrays import Array
from toolkit.kernels.parallel import in_parts

__all__ = ["Levels", "Powers", "Signs", "Sparse"]

EIGHT = 8 * 256  # parts of a row begin at whole bytes of signs


@cache
def _bodies() -> Any:
    from toolkit.kernels import writing

    return writing


def _rows(out: Array) -> list[tuple[int, int]]:
    return [(run, worker) for run in range(out.shape[0]) for worker in range(out.shape[1])]


def _write(
    body: Callable[..., None], rows: tuple[Array, ...], rest: tuple[Any, ...], out: Array, threads: int
) -> Array:
    """Run a body on the parts of every row of `out`, with the same rows of other arrays before it."""
    for row in _rows(out):
        in_parts(partial(body, *(array[row] for array in rows), *rest, out[row]), out.shape[2], threads, EIGHT)
    return out


@dataclass(frozen=True)
class Sparse:
    """Values at positions, zero elsewhere.

    Attributes
    ----------
    positions : array of int64, shape (run, worker, k)
        In ascending order.
    values : array, shape (run, worker, k)
    """

    positions: Array
    values: Array

    def write(self, out: Array, previous: Sparse | None = None, threads: int = 1) -> Array:
        """Write the vectors into `out`, shape (run, worker, d), and return it.

        Parameters
        ----------
        out : array
            Where they go.
        previous : Sparse, optional
            The message that `out` holds and that nothing else was written to: then only its positions are cleared.
        """
        if previous is None:
            out.fill(0)
        for row in _rows(out):
            if previous is not None:
                _bodies().clear(out[row], previous.positions[row])
            _bodies().place(out[row], self.positions[row], self.values[row])
        return out


@dataclass(frozen=True)
class Signs:
    """One scale for each row, with a sign for each coordinate.

    Attributes
    ----------
    bits : array of uint8, shape (run, worker, ⌈d/8⌉)
        Bit j mod 8 of byte ⌊j/8⌋, counted from the lowest, is set where coordinate j is negative.
    scale : array, shape (run, worker, 1)
    """

    bits: Array
    scale: Array

    def write(self, out: Array, previous: Any = None, threads: int = 1) -> Array:
        """Write the vectors into `out`, shape (run, worker, d), and return it."""
        return _write(_bodies().signs, (self.bits, self.scale), (), out, threads)


@dataclass(frozen=True)
class Levels:
    """Multiples n_j·‖x‖/s of the norms of buckets.

    Attributes
    ----------
    levels : array of int8, int16 or int32, shape (run, worker, d)
        The n_j, from −s to s.
    norms : array, shape (run, worker, ⌈d/bucket⌉)
    s : int
    bucket : int
        Coordinates that share a norm; d for one norm.
    """

    levels: Array
    norms: Array
    s: int
    bucket: int

    def write(self, out: Array, previous: Any = None, threads: int = 1) -> Array:
        """Write the vectors into `out`, shape (run, worker, d), and return it."""
        rest = (out.dtype.type(self.s), self.bucket)
        return _write(_bodies().levels, (self.levels, self.norms), rest, out, threads)


@dataclass(frozen=True)
class Powers:
    """Powers of two.

    Attributes
    ----------
    codes : array of uint16, shape (run, worker, d)
        Sign and exponent field of each coordinate, 9 bits of a float32, 12 of a float64.
    """

    codes: Array

    def write(self, out: Array, previous: Any = None, threads: int = 1) -> Array:
        """Write the vectors into `out`, shape (run, worker, d), and return it."""
        return _write(_bodies().powers, (self.codes,), (), out, threads)
