"""The levels of the Lloyd–Max quantiser, sent with a scale that is fitted to the vector."""

from __future__ import annotations

from typing import Any

import numpy as np

from toolkit import kernels
from toolkit.arrays import Array
from toolkit.compressors._check import check_choice
from toolkit.compressors.lloyd_max import LloydMax

__all__ = ["ALIGNED", "LEAST_SQUARES", "Fitted"]

ALIGNED, LEAST_SQUARES = "aligned", "least-squares"


class Fitted(LloydMax):
    r"""Gaussian levels q, chosen in units of the root mean square of y, and sent as ρq with a scale ρ of their own.

    .. math:: \rho = \frac{\|y\|^2}{\langle q, y \rangle} \text{ (aligned: } \langle C(y), y \rangle = \|y\|^2\text{)}
              \qquad \text{or} \qquad \rho = \frac{\langle q, y \rangle}{\|q\|^2} \text{ (least squares)} .
    """

    fit: str = ALIGNED

    def validate(self) -> None:
        super().validate()
        check_choice(self, "fit", (ALIGNED, LEAST_SQUARES))

    def parts(self, x: Array, draw: Any) -> dict[str, Array]:
        level = super().parts(x, draw)["level"]
        one = np.ones((*x.shape[:2], 1), x.dtype)
        q = self.assemble({"scale": one, "level": level}, draw, x.shape[-1], x.dtype)
        peak = np.max(np.abs(x), axis=-1, keepdims=True)
        y = x / np.where(peak > 0, peak, 1)
        along = kernels.dot(q, y)[..., None]  # above 0 but for y = 0
        if self.fit == ALIGNED:
            scale = peak * (kernels.sum_sq(y)[..., None] / np.where(along > 0, along, 1))
        else:
            scale = peak * (along / kernels.sum_sq(q)[..., None])
        return {"scale": scale, "level": level}
