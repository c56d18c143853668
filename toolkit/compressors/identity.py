"""Send everything."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from toolkit.arrays import Array, namespace
from toolkit.compressors._base import Compressor
from toolkit.constants import CompressorConstants, exact
from toolkit.layout import Field, Numbers


class Identity(Compressor):
    """No compression: C(x) = x, at the price of d values.

    Notes
    -----
    δ = 1, ω = 0 and κ² = 0, by definition.

    Examples
    --------
    >>> import numpy as np
    >>> Identity().compress(np.array([3.0, -5.0]))
    array([ 3., -5.])
    """

    summable: ClassVar[bool] = True
    homogeneous: ClassVar[bool] = True
    symmetric: ClassVar[bool] = True
    keeps_zeros: ClassVar[bool] = True
    selects: ClassVar[bool] = True

    def message(self, x: Array, draw: Any) -> Array:
        return x

    def layout(self, d: int, dtype: Any) -> tuple[Field, ...]:
        return (Numbers("value", d),)

    def parts(self, x: Array, draw: Any) -> dict[str, Array]:
        return {"value": x}

    def assemble(self, parts: Mapping[str, Array], draw: Any, d: int, dtype: Any) -> Array:
        return parts["value"]

    def constants(self, d: int, n: int = 1) -> CompressorConstants:
        why = "C(x) = x"
        return CompressorConstants(exact(1.0, why), exact(0.0, why), exact(0.0, why), exact((0.0, 0.0), why))

    def expected_error(self, x: Array) -> Array:
        return namespace(x).zeros(x.shape[:-1], dtype=x.dtype)
