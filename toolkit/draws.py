"""Random numbers as a pure function of their address: (seed, worker, step, purpose, index, coordinate).

The generator is Philox4x32-10. Its key is the seed and a 32-bit hash of the purpose; its counter is (⌊coordinate/4⌋,
step, worker, index); coordinate j is lane j mod 4 of its block. So a number depends neither on the dimension, nor on
the batch it is drawn in, nor on what was drawn before.
"""

from __future__ import annotations

import hashlib
import operator
from typing import Any

import numpy as np

from toolkit import kernels
from toolkit.arrays import Array
from toolkit.errors import WrongUse

__all__ = ["Draw"]

_END = 2**32
_SHARED = 0  # the number of workers in the address of numbers that the workers of a run share
_paths: dict[int, str] = {}
_keys: dict[str, int] = {}


def _key(path: str) -> int:
    """Return the 32-bit hash of a purpose path; two different paths never share one within a process."""
    key = _keys.get(path)
    if key is None:
        key = int.from_bytes(hashlib.blake2b(path.encode(), digest_size=4).digest(), "little")
        if _paths.setdefault(key, path) != path:
            raise WrongUse(
                f"draws for the purpose {path!r}",
                f"its 32-bit hash is also that of {_paths[key]!r}, so the two would share their numbers",
                "rename one of the two purposes",
            )
        _keys[path] = key
    return key


def _check_seeds(seed: Any) -> Array:
    seeds = np.asarray(seed)
    if seeds.dtype.kind not in "iu" or seeds.ndim > 1 or seeds.size == 0 or (seeds < 0).any() or (seeds >= _END).any():
        raise WrongUse(f"Draw(seed={seed!r})", "a seed is an integer in [0, 2³²)", "pass one, or a 1-D array of them")
    return np.array(seeds, dtype=np.uint32).reshape(-1)


def _check_word(name: str, value: Any) -> int:
    if not (hasattr(value, "__index__") and 0 <= value < _END):
        raise WrongUse(f"a draw with {name}={value}", f"{name} must be an integer in [0, 2³²)", f"pass such a {name}")
    return operator.index(value)


class Draw:
    """A source of random numbers at one address.

    Parameters
    ----------
    seed : int or array of int, shape (run,)
        The seed value of each run, in [0, 2³²).
    step : int
        The step, in [0, 2³²).
    workers : int
        Number of workers of a run.

    Raises
    ------
    WrongUse
        If a seed or the step is not an integer in [0, 2³²), or there is no worker.

    Notes
    -----
    Numbers are shared by the workers of a run; those of ``draw.per_worker`` are not. Every method returns the same
    numbers when called again: another purpose, index or step gives fresh ones.

    Examples
    --------
    >>> draw = Draw(seed=7)
    >>> bool((draw.of("noise").normal(3)[..., :2] == draw.of("noise").normal(2)).all())
    True
    >>> Draw(seed=[7, 8], workers=3).per_worker.uniform(5).shape
    (2, 3, 5)
    """

    __slots__ = ("_address", "_path", "_workers")

    def __init__(self, seed: Any, step: int = 0, workers: int = 1) -> None:
        if workers < 1:
            raise WrongUse(f"Draw(workers={workers})", "there must be at least one worker", "pass workers=1 or more")
        self._path, self._workers = "", workers
        self._address = _check_seeds(seed), _check_word("step", step), _SHARED, _key(""), 0

    def _moved(self, address: tuple[Array, int, int, int, int], path: str) -> Draw:
        draw = object.__new__(Draw)
        draw._address, draw._path, draw._workers = address, path, self._workers
        return draw

    def of(self, purpose: str, index: int = 0) -> Draw:
        """Return the draw for a purpose within this one's, and for one of its instances, such as a local step.

        Examples
        --------
        >>> Draw(seed=1).of("message", 2).of("levels")
        <Draw 'message[2]/levels', index 0, step 0, 1 run, 1 worker, shared>
        """
        seeds, step, workers, _, own_index = self._address
        parent = f"{self._path}[{own_index}]" if own_index else self._path
        path = f"{parent}/{purpose}" if parent else purpose
        return self._moved((seeds, step, workers, _key(path), _check_word("index", index)), path)

    def at(self, step: int) -> Draw:
        """Return the draw of another step."""
        seeds, _, workers, key, index = self._address
        return self._moved((seeds, _check_word("step", step), workers, key, index), self._path)

    @property
    def per_worker(self) -> Draw:
        """The draw whose numbers are independent between the workers of a run."""
        seeds, step, _, key, index = self._address
        return self._moved((seeds, step, self._workers, key, index), self._path)

    def rows(self, count: int) -> Draw:
        """Return the draw that has `count` rows of numbers in the place of each of its own, independent of each other.

        Row w·count + b is the b-th of worker w, or, if the workers share their numbers, of all of them (w = 0): where
        vectors are cut into blocks, every block has numbers of its own, whatever the batch.

        Examples
        --------
        >>> Draw(seed=[1, 2], workers=3).per_worker.rows(10).uniform(4).shape
        (2, 30, 4)
        """
        seeds, step, workers, _, index = self._address
        path = f"{self._path} in {count} rows"
        return self._moved((seeds, step, _check_word("rows", max(workers, 1) * count), _key(path), index), path)

    def runs(self, rows: Any) -> Draw:
        """Return the draw of some of the runs, chosen by index or by mask: their numbers are the same.

        Examples
        --------
        >>> draw = Draw(seed=[7, 8, 9], workers=2).of("noise").per_worker
        >>> bool((draw.runs([0, 2]).normal(4) == draw.normal(4)[[0, 2]]).all())
        True
        """
        seeds, *rest = self._address
        return self._moved((seeds[rows], *rest), self._path)

    @property
    def shape(self) -> tuple[int, int]:
        """The shape of a batch of vectors: (runs, 1) if shared by the workers of a run, else (runs, workers)."""
        return len(self._address[0]), self._address[2] or 1

    @property
    def seeds(self) -> Array:
        """The seed value of each run, shape ``(run,)``."""
        return self._address[0]

    @property
    def address(self) -> tuple[Array, int, int, int, int]:
        """Seeds, step, workers (0 if shared by them), key of the purpose and index: what `kernels.words` takes."""
        return self._address

    def __repr__(self) -> str:
        seeds, step, workers, _, index = self._address
        return (
            f"<Draw {self._path!r}, index {index}, step {step}, {len(seeds)} run{'s' * (len(seeds) > 1)}, "
            f"{self._workers} worker{'s' * (self._workers > 1)}, {'shared' if workers == _SHARED else 'per worker'}>"
        )

    def uniform(self, d: int) -> Array:
        """Return uniform numbers (word + 1/2)/2³² in (0, 1), shape ``(*shape, d)``."""
        return kernels.uniform(*self._address, d)

    def normal(self, d: int) -> Array:
        """Return standard normal numbers, shape ``(*shape, d)``; they end at ±6.76, where 32-bit words end."""
        return kernels.normal(*self._address, d)

    def signs(self, d: int) -> Array:
        """Return fair signs −1.0 and +1.0, shape ``(*shape, d)``."""
        return kernels.signs(*self._address, d)

    def coin(self, p: Any) -> Array:
        """Return coins that are True with probability `p`, shape ``(*shape, 1)``.

        Parameters
        ----------
        p : float or array of shape (run, 1, 1)
            The probability, met to within 2⁻³³.
        """
        return self.uniform(1) < p

    def subset(self, d: int, k: Any) -> Array:
        """Return uniformly random subsets as masks of shape ``(*shape, d)`` with exactly k True each.

        Floyd's algorithm makes min(k, d − k) choices, of 64 bits each, so that the time grows with k and not with d; a
        choice is uniform to within d/2⁶⁴.

        Parameters
        ----------
        d : int
            Number of coordinates.
        k : int or array of shape (run, 1, 1)
            Size of the subsets.

        Raises
        ------
        WrongUse
            If k is not in 0, …, d.
        """
        if not (0 <= k <= d if isinstance(k, int) else bool(np.all((k >= 0) & (k <= d)))):
            raise WrongUse(f"subset(d={d}, k={k})", "k must be between 0 and d", "give a k in that range")
        choices = min(k, d - k) if isinstance(k, int) else int(np.max(np.minimum(k, d - k)))
        return kernels.subset(kernels.words(*self._address, 2 * choices), d, k)

    def permutation(self, d: int) -> Array:
        """Return uniformly random orders of 0, …, d − 1, shape ``(*shape, d)``.

        The order that sorts random words; equal words, which keep their order, are the only departure from uniformity
        (probability below d²/2³³ that there are any).
        """
        return np.argsort(kernels.words(*self._address, d), axis=-1, stable=True)
