"""Send everything."""

from __future__ import annotations

from typing import Any

from toolkit.arrays import Array, namespace
from toolkit.compressors._base import Compressor
from toolkit.constants import CompressorConstants, exact


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

    def message(self, x: Array, draw: Any) -> Array:
        return x

    def constants(self, d: int) -> CompressorConstants:
        return CompressorConstants(
            delta=exact(1.0, "C(x) = x"), omega=exact(0.0, "C(x) = x"), kappa_sq=exact(0.0, "C(x) = x")
        )

    def expected_error(self, x: Array) -> Array:
        return namespace(x).zeros(x.shape[:-1], dtype=x.dtype)
