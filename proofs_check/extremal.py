"""Compressors that attain the constant of their class."""

from __future__ import annotations

from typing import Any

import numpy as np

from toolkit.arrays import Array
from toolkit.compressors import Compressor
from toolkit.constants import CompressorConstants, exact

__all__ = ["Shrink"]


class Shrink(Compressor):
    r"""Shrink every coordinate alike: the contraction whose error memory is the largest.

    .. math:: C(x) = (1 - q)\,x, \qquad q = \sqrt{1 - \delta}, \qquad \|C(x) - x\|^2 = (1 - \delta)\|x\|^2 .

    Parameters
    ----------
    delta : float
        δ, with equality for every x.

    Notes
    -----
    It saves no bits. With a constant gradient its memory tends to γg·q/(1 − q), the bound of S-d1 (sharp) and S-d2.

    Examples
    --------
    >>> Shrink(delta=0.75).compress(np.array([2.0, -4.0]))
    array([ 1., -2.])
    """

    delta: Any

    def message(self, x: Array, draw: Any) -> Array:
        return (1 - np.sqrt(1 - self.delta)) * x

    def constants(self, d: int, n: int = 1) -> CompressorConstants:
        return CompressorConstants(delta=exact(self.delta, "the definition, with equality for every x"))
