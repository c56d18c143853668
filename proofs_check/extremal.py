"""Compressors that attain the constant of their class."""

from __future__ import annotations

from typing import Any

import numpy as np

from toolkit.arrays import Array
from toolkit.compressors import Compressor
from toolkit.constants import CompressorConstants, exact

__all__ = ["Shrink", "Stretch"]


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


class Stretch(Compressor):
    r"""Send more than there is: :math:`C(x) = (1 + s)\,x`, so that :math:`\|C(x) - x\| = s\,\|x\|`.

    Parameters
    ----------
    s : float
        In [0, 1).

    Notes
    -----
    It saves no bits. With f(x) = hx²/2 on a line it makes EF and EF21 linear recursions of trace 1 − s − (1 + s)γh and
    determinant −s, whose larger root is their exact worst rate for h = μ or h = L (sheet 4.2, derived).

    Examples
    --------
    >>> Stretch(s=0.5).compress(np.array([2.0, -4.0]))
    array([ 3., -6.])
    """

    s: Any

    def message(self, x: Array, draw: Any) -> Array:
        return (1 + self.s) * x

    def constants(self, d: int, n: int = 1) -> CompressorConstants:
        return CompressorConstants(delta=exact(1 - self.s**2, "the definition, with equality for every x"))
