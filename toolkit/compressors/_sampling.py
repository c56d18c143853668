"""What sparsifiers that keep every coordinate with the same probability have in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from toolkit import kernels
from toolkit.arrays import Array, namespace
from toolkit.compressors._base import Compressor
from toolkit.compressors._bits import width
from toolkit.compressors._check import check_switch
from toolkit.compressors._fields import like, per_row
from toolkit.compressors._unbiased import unbiased
from toolkit.constants import CompressorConstants, exact
from toolkit.layout import Field, Numbers, Positions


class Sampling(Compressor):
    r"""Keep a random set S of coordinates, as they are or divided by their probability p of being kept.

    .. math:: C(x)_j = c\,x_j\,1[j \in S], \qquad P(j \in S) = p, \qquad
              E\|C(x) - x\|^2 = \begin{cases} (1 - p)\,\|x\|^2, & c = 1, \\ (1/p - 1)\,\|x\|^2, & c = 1/p. \end{cases}

    How the set is drawn is said by a subclass, in `ratio`, `kept`, `value_count` and `position_bits`. Whether the
    workers of a run share it (`common`) and what c is (`unbiased`) are its fields.

    Notes
    -----
    With a common set the mean of the messages is the message of the mean, so what n independent sets gain in the AB
    inequality is lost: for c = 1/p, (A, B) = (1/p − 1, 0), attained by workers with equal vectors, instead of
    ((1/p − 1)/n, 0) (derived).
    """

    random: ClassVar[bool] = True
    homogeneous: ClassVar[bool] = True
    keeps_zeros: ClassVar[bool] = True
    source: ClassVar[str]

    @property
    def unbiased(self) -> bool:
        raise TypeError(f"{type(self).__name__} has no field `unbiased`")

    @property
    def common(self) -> bool:
        raise TypeError(f"{type(self).__name__} has no field `common`")

    @property
    def shared(self) -> bool:  # type: ignore[override]
        return self.common

    @property
    def summable(self) -> bool:  # type: ignore[override]
        return self.common

    @property
    def selects(self) -> bool:  # type: ignore[override]
        return not self.unbiased

    def validate(self) -> None:
        check_switch(self, "unbiased", "common")

    def ratio(self, d: int) -> tuple[Any, Any]:
        """Return numerator and denominator of p in dimension `d`, numbers or arrays of shape ``(run, 1, 1)``."""
        raise TypeError(f"{type(self).__name__} does not say how probable a coordinate is: define ratio(d)")

    def kept(self, d: int, draw: Any) -> Array:
        """Return the set as a mask, shape ``(run, worker, d)``."""
        raise TypeError(f"{type(self).__name__} does not say what is kept: define kept(d, draw)")

    def value_count(self, d: int) -> Any:
        """Return the number of values charged."""
        raise TypeError(f"{type(self).__name__} does not say how many values it sends: define value_count(d)")

    def position_bits(self, d: int) -> Any:
        """Return the bits of the positions of a worker's own set."""
        raise TypeError(f"{type(self).__name__} does not say what positions cost: define position_bits(d)")

    def layout(self, d: int, dtype: Any) -> tuple[Field, ...]:
        return Positions("kept", d, drawn=True), Numbers("value", d, at="kept")

    def parts(self, x: Array, draw: Any) -> dict[str, Array]:
        return {**self.redraw(x.shape, draw), "value": x}

    def redraw(self, shape: tuple[int, int, int], draw: Any) -> dict[str, Array]:
        kept = self.kept(shape[-1], draw)
        return {"kept": namespace(kept).broadcast_to(kept, shape)}

    def message(self, x: Array, draw: Any) -> Array:
        return self._of_kept(x, self.kept(x.shape[-1], draw))

    def assemble(self, parts: Mapping[str, Array], draw: Any, d: int, dtype: Any) -> Array:
        return self._of_kept(parts["value"], parts["kept"])

    def message_with_memory(self, memory: Array, v: Array, scale: Any, draw: Any) -> tuple[Array, Array, Array]:
        kept = self.kept(v.shape[-1], draw)
        return kernels.kept_with_memory(memory, v, scale, kept, self._factor(v.shape[-1]))

    def _of_kept(self, x: Array, kept: Array) -> Array:
        sent = namespace(x).where(kept, x, namespace(x).zeros_like(x))
        return sent * like(self._factor(x.shape[-1]), x) if self.unbiased else sent

    def _factor(self, d: int) -> Any:
        """Return c."""
        part, whole = self.ratio(d)
        return whole / part if self.unbiased else 1.0

    def constants(self, d: int, n: int = 1) -> CompressorConstants:
        part, whole = self.ratio(d)
        if not self.unbiased:
            return CompressorConstants(delta=exact(part / whole, f"{self.source}: p, attained by every x"))
        omega = exact(whole / part - 1, f"{self.source}: 1/p − 1, attained by every x")
        return unbiased(omega, n, common=self.common)

    def expected_error(self, x: Array) -> Array:
        part, whole = self.ratio(x.shape[-1])
        return per_row(like(whole / part - 1 if self.unbiased else 1 - part / whole, x)) * kernels.sum_sq(x)

    def price(self, n: int, d: int, dtype: Any) -> Any:
        positions = 0.0 if self.common else self.position_bits(d)
        return self.value_count(d) * width(dtype) + positions
