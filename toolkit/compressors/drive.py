"""One bit for each coordinate of a randomly rotated vector."""

from __future__ import annotations

from toolkit.compressors._base import Compressor
from toolkit.compressors._check import check_choice
from toolkit.compressors._fitted import ALIGNED, LEAST_SQUARES, Fitted
from toolkit.compressors._rotation import Rotation
from toolkit.compressors.eden import Eden
from toolkit.constants import CompressorConstants


class Drive(Rotation):
    r"""DRIVE: send the signs of the randomly rotated vector and a scale.

    .. math:: C(x) = S\,R^{-1}\mathrm{sign}(Rx), \qquad S = \frac{\|x\|^2}{\|Rx\|_1} \text{ (aligned)} \quad \text{or}
              \quad S = \frac{\|Rx\|_1}{D} \text{ (least squares)},

    where R is that of `Rotated`, in dimension D.

    Parameters
    ----------
    scale : {'aligned', 'least-squares'}
        With the first ⟨C(x), x⟩ = ‖x‖², with the second the error is smallest.

    Raises
    ------
    WrongUse
        If `scale` is something else.

    Notes
    -----
    This is `Eden` with one bit, where its constants are derived; with least squares it is ``Rotated(ScaledSign())``.
    For uniformly distributed rotations the aligned form is unbiased, and the errors over ‖x‖² tend to π/2 − 1 if
    aligned; with least squares they are (1 − 2/π)(1 − 1/d) in every dimension, because E|u₁u₂| = 2/(πd) for a uniformly
    distributed unit vector u (derived). For this rotation, of random signs and the Hadamard matrix, the aligned form is
    biased and has no ω; with least squares δ = 1/2, attained by (1, 1, 0, …, 0).

    The price is D bits, a scale, and a seed of 32 bits. Source: Vargaftik and others (NeurIPS 2021) (code: the
    authors').

    Examples
    --------
    >>> import numpy as np
    >>> from toolkit.draws import Draw
    >>> sent = Drive().compress(np.array([3.0, 1.0]), Draw(seed=1))
    >>> np.round(np.abs(sent), 12)  # (a² + b²)/a and 0, whatever is drawn
    array([3.33333333, 0.        ])
    """

    scale: str = ALIGNED

    def validate(self) -> None:
        check_choice(self, "scale", (ALIGNED, LEAST_SQUARES))

    @property
    def rotated(self) -> Compressor:
        return Fitted(levels=2, fit=self.scale)

    def constants(self, d: int, n: int = 1) -> CompressorConstants:
        return Eden(bits=1, scale=self.scale).constants(d, n)
