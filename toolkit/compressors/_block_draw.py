"""The randomness of vectors that are cut into blocks."""

from __future__ import annotations

from typing import Any

import numpy as np

from toolkit.arrays import Array, contiguous


def cut(x: Array, count: int) -> Array:
    """Return every row of `x` cut into `count` equal pieces, each piece a run of its own.

    Parameters
    ----------
    x : array, shape (run, worker, count·size)

    Returns
    -------
    array, shape (run·count, worker, size)
        The pieces of a run side by side.

    Examples
    --------
    >>> cut(np.arange(8).reshape(1, 2, 4), 2).tolist()
    [[[0, 1], [4, 5]], [[2, 3], [6, 7]]]
    """
    runs, workers, length = x.shape
    pieces = x.reshape(runs, workers, count, length // count).transpose(0, 2, 1, 3)
    return contiguous(pieces.reshape(runs * count, workers, length // count))


def join(pieces: Array, count: int) -> Array:
    """Return what `cut` was given."""
    _, workers, size = pieces.shape
    return pieces.reshape(-1, count, workers, size).transpose(0, 2, 1, 3).reshape(-1, workers, count * size)


class BlockDraw:
    """A draw for blocks that are runs of their own: see `cut` and `Draw.rows`.

    Parameters
    ----------
    draw : Draw
        That of the vectors.
    runs : int
        The runs of the batch; the draw has as many or one.
    count : int
        Blocks per run.
    """

    def __init__(self, draw: Any, runs: int, count: int) -> None:
        self._draw, self._runs, self._count = draw, runs, count

    def of(self, purpose: str, index: int = 0) -> BlockDraw:
        """Return the draw for a purpose within this one's."""
        return BlockDraw(self._draw.of(purpose, index), self._runs, self._count)

    def rows(self, count: int) -> BlockDraw:
        """Return the draw that has `count` rows of numbers in the place of each of its own."""
        return BlockDraw(self._draw.rows(count), self._runs, self._count)

    @property
    def per_worker(self) -> BlockDraw:
        """The draw whose numbers are independent between the workers of a run."""
        return BlockDraw(self._draw.per_worker, self._runs, self._count)

    @property
    def shape(self) -> tuple[int, int]:
        """The shape of a batch of blocks."""
        return self._runs * self._count, self._draw.shape[1]

    @property
    def seeds(self) -> Array:
        """The seed value of the run of each block."""
        return np.repeat(np.broadcast_to(self._draw.seeds, self._runs), self._count)

    def uniform(self, d: int) -> Array:
        """Return uniform numbers in (0, 1), shape ``(*shape, d)``."""
        return self._of_blocks(self._rows.uniform(d))

    def normal(self, d: int) -> Array:
        """Return standard normal numbers, shape ``(*shape, d)``."""
        return self._of_blocks(self._rows.normal(d))

    def signs(self, d: int) -> Array:
        """Return fair signs, shape ``(*shape, d)``."""
        return self._of_blocks(self._rows.signs(d))

    def coin(self, p: Any) -> Array:
        """Return coins that are True with probability `p`, shape ``(*shape, 1)``."""
        return self.uniform(1) < p

    def subset(self, d: int, k: Any) -> Array:
        """Return uniformly random subsets as masks, shape ``(*shape, d)``; `k` is equal in all blocks of a run."""
        return self._of_blocks(self._rows.subset(d, k[:: self._count] if np.ndim(k) else k))

    def permutation(self, d: int) -> Array:
        """Return uniformly random orders, shape ``(*shape, d)``."""
        return self._of_blocks(self._rows.permutation(d))

    @property
    def _rows(self) -> Any:
        return self._draw.rows(self._count)

    def _of_blocks(self, numbers: Array) -> Array:
        """Return numbers of shape (run, worker·count, d) by blocks."""
        runs, rows, d = numbers.shape
        by_worker = np.broadcast_to(
            numbers.reshape(runs, rows // self._count, -1), (self._runs, rows // self._count, self._count * d)
        )
        return cut(by_worker, self._count)
