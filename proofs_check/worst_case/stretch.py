"""Messages that are one number times what was to be sent: the worst contractive compressors where all is linear."""

from __future__ import annotations

from typing import Any, ClassVar

from toolkit.arrays import Array
from toolkit.compressors import Compressor
from toolkit.compressors._fields import like
from toolkit.constants import CompressorConstants, exact

__all__ = ["Stretch"]


class Stretch(Compressor):
    r"""Every message times one number.

    .. math:: C(x) = a x, \qquad \|C(x) - x\| = |a - 1| \cdot \|x\|

    Parameters
    ----------
    factor : float
        a; contractive between 0 and 2.

    Examples
    --------
    >>> import numpy as np
    >>> Stretch(factor=1.5).compress(np.array([1.0, -2.0]))
    array([ 1.5, -3. ])
    """

    homogeneous: ClassVar[bool] = True

    factor: float

    def message(self, x: Array, draw: Any) -> Array:
        return like(self.factor, x) * x

    def constants(self, d: int, n: int = 1) -> CompressorConstants:
        if not 0 < self.factor < 2:
            return CompressorConstants()
        return CompressorConstants(delta=exact(1 - (self.factor - 1) ** 2, "the same for every vector"))
