"""Projections in the plane on lines at one angle from what is sent, to a side of one's choice."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from toolkit.arrays import Array
from toolkit.compressors import Compressor
from toolkit.compressors._fields import like
from toolkit.constants import CompressorConstants, exact
from toolkit.errors import WrongUse

__all__ = ["PlaneProjection"]


class PlaneProjection(Compressor):
    r"""The projection of vectors of the plane on lines at the angle arcsin s from them; a subclass says on which side.

    .. math:: C(x) = (1 - s^2)\,x + s\sqrt{1 - s^2}\;\sigma(x)\,(-x_2, x_1), \qquad \sigma(x) = \pm 1

    so that ‖C(x) − x‖ = s‖x‖ and C(x) is orthogonal to C(x) − x.

    Parameters
    ----------
    s : float
        In [0, 1).

    Raises
    ------
    WrongUse
        If a vector is not of the plane.
    """

    homogeneous: ClassVar[bool] = True

    s: float

    def side(self, x: Array) -> Any:
        """Return σ, shape (run, worker, 1) or 1: 1 to the left of x, −1 to the right."""
        raise NotImplementedError

    def message(self, x: Array, draw: Any) -> Array:
        if x.shape[-1] != 2:
            raise WrongUse(f"{self!r} on vectors of {x.shape[-1]} coordinates", "it acts on the plane", "take two")
        s, left = like(self.s, x), np.stack([-x[..., 1], x[..., 0]], axis=-1)
        return (1 - s * s) * x + s * np.sqrt(1 - s * s) * self.side(x) * left

    def constants(self, d: int, n: int = 1) -> CompressorConstants:
        return CompressorConstants(delta=exact(1 - self.s**2, "the same for every vector"))
