"""A random rotation before a compressor, and back after it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import product
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from toolkit import kernels
from toolkit.arrays import Array, namespace
from toolkit.compressors._base import Compressor
from toolkit.compressors._fields import like
from toolkit.compressors._hadamard import hadamard, power_of_two
from toolkit.layout import SEED_BITS, Field, Seed

if TYPE_CHECKING:
    from toolkit.wire import Codec

__all__ = ["Rotation"]

ENUMERATED = 12  # dimensions up to which the expected error is the average over all 2^d rotations


class Rotation(Compressor):
    r"""What is true for any compressor of the rotated vector y = Rx, decoded as R⁻¹C(y).

    R = HS in dimension D, the power of two from d on: S random signs, H the orthonormal Hadamard matrix. The vector is
    padded by zeros, and the decoded padding is dropped, so ‖R⁻¹C(Rx) − x‖ ≤ ‖C(y) − y‖ with equality for d = D.
    """

    random: ClassVar[bool] = True
    symmetric: ClassVar[bool] = False
    keeps_zeros: ClassVar[bool] = False

    @property
    def rotated(self) -> Compressor:
        """The compressor of the rotated vector."""
        raise TypeError(f"{type(self).__name__} does not say what compresses the rotated vector: define rotated")

    @property
    def shared(self) -> bool:  # type: ignore[override]
        return self.rotated.shared

    @property
    def correlated(self) -> bool:  # type: ignore[override]
        return self.rotated.correlated

    @property
    def summable(self) -> bool:  # type: ignore[override]
        return self.rotated.summable and self.shared  # messages of different rotations do not add up

    @property
    def homogeneous(self) -> bool:  # type: ignore[override]
        return self.rotated.homogeneous

    @property
    def fixes_zero(self) -> bool:  # type: ignore[override]
        return self.rotated.fixes_zero

    def domain(self, d: int, dtype: Any) -> tuple[float, float]:
        low, high = self.rotated.domain(power_of_two(d), dtype)
        # No coordinate of Rx is larger than ‖x‖, and what does not cancel is a last bit of √D·Rx at least.
        return low * math.sqrt(power_of_two(d)) / float(np.finfo(dtype).eps), high / math.sqrt(d)

    @property
    def codec(self) -> Codec:
        return self.rotated.codec

    def check(self, d: int) -> None:
        self.rotated.check(power_of_two(d))

    def message(self, x: Array, draw: Any) -> Array:
        return self._back(self.rotated.message(self._rotate(x, draw), draw.of("rotated")), draw, x.shape[-1])

    def layout(self, d: int, dtype: Any) -> tuple[Field, ...]:
        return Seed("rotation"), *self.rotated.layout(power_of_two(d), dtype)

    def parts(self, x: Array, draw: Any) -> dict[str, Array]:
        return self.rotated.parts(self._rotate(x, draw), draw.of("rotated"))

    def redraw(self, shape: tuple[int, int, int], draw: Any) -> dict[str, Array]:
        return self.rotated.redraw((*shape[:2], power_of_two(shape[2])), draw.of("rotated"))

    def assemble(self, parts: Mapping[str, Array], draw: Any, d: int, dtype: Any) -> Array:
        return self._back(self.rotated.assemble(parts, draw.of("rotated"), power_of_two(d), dtype), draw, d)

    def _rotate(self, x: Array, draw: Any) -> Array:
        return _transformed(x * like(draw.of("rotation").signs(x.shape[-1]), x))

    def _back(self, sent: Array, draw: Any, d: int) -> Array:
        return hadamard(sent)[..., :d] * like(draw.of("rotation").signs(d), sent)

    def expected_error(self, x: Array) -> Array | None:
        d = x.shape[-1]
        if d > ENUMERATED or self.correlated or (self.rotated.random and d < power_of_two(d)):
            return None
        signs = like(np.array(list(product([1.0, -1.0], repeat=d)))[None], x)
        errors = [self._over_rotations(x[:, worker : worker + 1], signs) for worker in range(x.shape[1])]
        xp = namespace(x)
        means = [None if error is None else xp.mean(error, axis=-1, keepdims=True) for error in errors]
        return None if any(mean is None for mean in means) else xp.concat(means, axis=-1)

    def _over_rotations(self, x: Array, signs: Array) -> Array | None:
        """Return the (expected) errors of vectors of shape (run, 1, d) under each rotation, shape (run, rotation)."""
        y = _transformed(x * signs)
        if self.rotated.random:
            return self.rotated.expected_error(y)
        return kernels.sum_sq_difference(hadamard(self.rotated.message(y, None))[..., : x.shape[-1]] * signs, x)

    def price(self, n: int, d: int, dtype: Any) -> Any:
        price = self.rotated.price(n, power_of_two(d), dtype)
        return None if price is None else price + SEED_BITS

    def price_of_parts(self, parts: Mapping[str, Array], draw: Any, d: int, dtype: Any) -> Array:
        return self.rotated.price_of_parts(parts, draw.of("rotated"), power_of_two(d), dtype) + SEED_BITS


def _transformed(x: Array) -> Array:
    """Return the Hadamard transform of each row, padded by zeros."""
    xp, d = namespace(x), x.shape[-1]
    zeros = xp.zeros((*x.shape[:-1], power_of_two(d) - d), dtype=x.dtype)
    return hadamard(xp.concat([x, zeros], axis=-1))
