"""A problem that records more; apart from the drawing, for stored results depend on the code of their problem."""

from __future__ import annotations

import numpy as np
from scipy.special import expit

from problems import LogisticRegression
from toolkit.arrays import Array

__all__ = ["Watched"]


class Watched(LogisticRegression):
    """The same problem, which also records the second moment of one sample's gradient, what S-d1 is about."""

    def observe(self, x: Array) -> dict[str, Array]:
        margins = np.matmul(self.signed_features, x[..., None])[..., 0]
        weight = expit(-margins)
        # ‖−w a + λx‖² = w²‖a‖² − 2wλ⟨a, x⟩ + λ²‖x‖² for the sample y·a = a, averaged over all samples.
        lengths = np.sum(self.signed_features**2, axis=-1)
        data = np.mean(weight**2 * lengths - 2 * weight * self.strength * margins, axis=(1, 2))
        return {"sample_grad_norm_sq": data + self.strength**2 * np.sum(x**2, axis=(1, 2))}
