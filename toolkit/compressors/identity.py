"""Send everything."""

from __future__ import annotations

from typing import Any

from toolkit.arrays import Array
from toolkit.compressors._base import Compressor
from toolkit.constants import CompressorConstants, exact


class Identity(Compressor):
    """No compression: C(x) = x.

    Examples
    --------
    >>> import numpy as np
    >>> Identity().compress(np.array([1.0, 2.0]))
    array([1., 2.])
    """

    def message(self, x: Array, draw: Any) -> Array:
        return x

    def constants(self, d: int) -> CompressorConstants:
        return CompressorConstants(delta=exact(1.0, "C(x) = x"), omega=exact(0.0, "C(x) = x"), kappa_sq=exact(0.0, "C(x) = x"))

    def expected_error(self, x: Array) -> Array:
        return 0 * x[..., 0]
