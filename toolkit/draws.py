"""Random numbers as a pure function of their address: (seed, worker, step, purpose, index, coordinate).

The generator is Philox4x32-10. Its key is the seed and a 32-bit hash of the purpose; its counter is (⌊coordinate/4⌋,
step, worker, index); coordinate j is lane j mod 4 of its block. So a number depends neither on the dimension, nor on
the batch it is drawn in, nor on what was drawn before.
"""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np

from toolkit import kernels
from toolkit.arrays import Array
from toolkit.errors import WrongUse

__all__ = ["Draw"]

_END = 2**32
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
    return np.ascontiguousarray(seeds, dtype=np.uint32).reshape(-1)


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

    __slots__ = ("_index", "_key", "_path", "_seeds", "_shared", "_step", "_workers")

    def __init__(self, seed: Any, step: int = 0, workers: int = 1) -> None:
        if workers < 1:
            raise WrongUse(f"Draw(workers={workers})", "there must be at least one worker", "pass workers=1 or more")
        self._seeds, self._workers, self._shared = _check_seeds(seed), workers, True
        self._path, self._key, self._index = "", _key(""), 0
        self._step = self._number("step", step)

    @staticmethod
    def _number(name: str, value: int) -> int:
        if not 0 <= value < _END:
            raise WrongUse(f"a draw with {name}={value}", f"{name} must be in [0, 2³²)", f"pass a smaller {name}")
        return value

    def _copy(self) -> Draw:
        copy = object.__new__(Draw)
        copy._seeds, copy._workers, copy._shared = self._seeds, self._workers, self._shared
        copy._path, copy._key, copy._index, copy._step = self._path, self._key, self._index, self._step
        return copy

    def of(self, purpose: str, index: int = 0) -> Draw:
        """Return the draw for a purpose within this one's, and for one of its instances, such as a local step.

        Examples
        --------
        >>> Draw(seed=1).of("message", 2).of("levels")
        <Draw 'message[2]/levels', index 0, step 0, 1 run, 1 worker, shared>
        """
        draw = self._copy()
        parent = f"{self._path}[{self._index}]" if self._index else self._path
        draw._path = f"{parent}/{purpose}" if parent else purpose
        draw._key, draw._index = _key(draw._path), self._number("index", index)
        return draw

    def at(self, step: int) -> Draw:
        """Return the draw of another step."""
        draw = self._copy()
        draw._step = self._number("step", step)
        return draw

    @property
    def per_worker(self) -> Draw:
        """The draw whose numbers are independent between the workers of a run."""
        draw = self._copy()
        draw._shared = False
        return draw

    @property
    def shared(self) -> Draw:
        """The draw whose numbers are the same for all workers of a run."""
        draw = self._copy()
        draw._shared = True
        return draw

    @property
    def step(self) -> int:
        """The step of the address."""
        return self._step

    @property
    def shape(self) -> tuple[int, int]:
        """The shape of a batch of vectors: (runs, 1) if shared by the workers of a run, else (runs, workers)."""
        return len(self._seeds), 1 if self._shared else self._workers

    def __repr__(self) -> str:
        runs = len(self._seeds)
        return (
            f"<Draw {self._path!r}, index {self._index}, step {self._step}, {runs} run{'s' * (runs > 1)}, "
            f"{self._workers} worker{'s' * (self._workers > 1)}, {'shared' if self._shared else 'per worker'}>"
        )

    def _address(self, d: int) -> tuple[Array, int, int, int, int, int]:
        return self._seeds, self._step, 0 if self._shared else self._workers, self._key, self._index, d

    def uniform(self, d: int) -> Array:
        """Return uniform numbers (word + 1/2)/2³² in (0, 1), shape ``(*shape, d)``."""
        return kernels.uniform(*self._address(d))

    def normal(self, d: int) -> Array:
        """Return standard normal numbers, shape ``(*shape, d)``; they end at ±6.76, where 32-bit words end."""
        return kernels.normal(*self._address(d))

    def signs(self, d: int) -> Array:
        """Return fair signs −1.0 and +1.0, shape ``(*shape, d)``."""
        return kernels.signs(*self._address(d))

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

        The k coordinates with the smallest random words are taken; equal words, which go to the lowest index, are
        the only departure from uniformity (probability below d²/2³³ that there are any).

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
        return kernels.smallest(kernels.words(*self._address(d)), k)

    def permutation(self, d: int) -> Array:
        """Return uniformly random orders of 0, …, d − 1, shape ``(*shape, d)``.

        The order that sorts random words; as in `subset`, equal words keep their order.
        """
        return np.argsort(kernels.words(*self._address(d)), axis=-1, stable=True)
