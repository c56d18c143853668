"""Compress a randomly rotated vector."""

from __future__ import annotations

from typing import ClassVar

from toolkit.compressors._base import Compressor
from toolkit.compressors._combinator import Combinator
from toolkit.compressors._hadamard import power_of_two
from toolkit.compressors._rotation import Rotation
from toolkit.constants import CompressorConstants, Constant


class Rotated(Rotation, Combinator):
    r"""Rotated: compress the randomly rotated vector, and rotate back at the receiver.

    .. math:: C'(x) = R^{-1} C(Rx), \qquad R = HS, \qquad
              E\|C'(x) - x\|^2 \le E_R\,E\|C(Rx) - Rx\|^2 ,

    where S holds random signs, H is the orthonormal Hadamard matrix of dimension D, the smallest power of two that is
    at least d, and x is padded by zeros. The inequality is an equality for d = D; else the receiver drops what was
    decoded beside x.

    Parameters
    ----------
    compressor : Compressor
        The compressor C of dimension D; its fields may be swept.

    Raises
    ------
    WrongUse
        If `compressor` is not one.

    Notes
    -----
    ‖Rx‖ = ‖x‖, so δ, ω, κ² and (A, B) of C in dimension D hold for C' too: the worst case over all vectors is the same
    before and after a rotation. They are not sharp, because no vector is a worst case under most rotations (derived).
    What is known for uniformly distributed rotations, such as asymptotic errors, need not hold for this one, which has
    2^d outcomes: a vector of two equal entries always has half its rotated entries zero.

    The expected error is the average over the 2^d signs for d ≤ 12, if C is deterministic, or if d = D and C is not
    correlated; otherwise it is not known in closed form. The workers have rotations of their own unless C needs shared
    randomness. The price is that of C in dimension D and a seed of 32 bits.

    Examples
    --------
    >>> import numpy as np
    >>> from toolkit.compressors import ScaledSign
    >>> from toolkit.draws import Draw
    >>> spike = np.array([0.0, 0.0, 3.0, 0.0])
    >>> ScaledSign().compress(spike)
    array([0.75, 0.75, 0.75, 0.75])
    >>> bool((Rotated(ScaledSign()).compress(spike, Draw(seed=1)) == spike).all())
    True
    """

    # Numbers that are equal up to rounding, as a transform computes them, are no ties to a selecting compressor.
    homogeneous: ClassVar[bool] = False

    compressor: Compressor

    @property
    def rotated(self) -> Compressor:
        return self.compressor

    def constants(self, d: int, n: int = 1) -> CompressorConstants:
        known = vars(self.compressor.constants(power_of_two(d), n))
        return CompressorConstants(**{name: constant and _carried(name, constant) for name, constant in known.items()})


def _carried(name: str, constant: Constant) -> Constant:
    """Return a constant of C as one of C'."""
    kind = constant.kind
    if kind == "exact" and constant.value is not None:
        kind = "lower bound" if name == "delta" else "upper bound"
    return Constant(constant.value, kind, f"of the rotated vector: {constant.source}")
