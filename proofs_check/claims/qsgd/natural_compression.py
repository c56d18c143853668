"""Horváth et al., 'Natural compression for distributed deep learning', 2019: law and variance of the rounding."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from proofs_check.claim import Claim, Instance
from proofs_check.enumeration import two_point_law
from proofs_check.panel import Panel, panel
from proofs_check.sides import equality, inequality
from toolkit.compressors.natural import Natural

REFERENCE = "Horváth, Ho, Horváth, Sahu, Canini and Richtárik, 2019"


def _panel(d: int, level: str) -> Panel:
    powers = np.arange(d) % 7 - 3
    extremal = {"magnitudes 4/3·2^z": 4 / 3 * np.exp2(powers), "powers of two": np.exp2(powers)}
    return panel(d, {"quick": 64, "full": 512}[level], extremal)


class NaturalLaw(Claim):
    """Natural compression is unbiased, and its variance is a product of two distances."""

    id = "S-n1-variance"
    title = "Natural compression is unbiased, with its variance in closed form"
    statement = (
        r"E\,C(t)=t,\qquad E(C(t)-t)^2=\left(\lvert t\rvert-2^z\right)\left(2^{z+1}-\lvert t\rvert\right),\qquad "
        r"z=\lfloor\log_2\lvert t\rvert\rfloor"
    )
    reference = f"{REFERENCE} (S-n1)"
    kind = "identity"
    compressor: ClassVar[type[Natural]] = Natural

    def check(self, data: Mapping[str, Any], level: str) -> list[Instance]:
        vectors = _panel(16, level)
        x = vectors.x
        law = two_point_law(self.compressor(), x)
        mantissa, exponent = np.frexp(abs(x))
        below = np.where(mantissa > 0, np.ldexp(0.5, exponent), 0.0)
        formula = (abs(x) - below) * (2 * below - abs(x))
        error = (1 - law.probability) * (law.low - x) ** 2 + law.probability * (law.high - x) ** 2
        kinds = np.repeat(vectors.kinds, x.shape[-1]).tolist()
        return [
            equality("mean of every coordinate", law.mean, x, rounding=2, kinds=kinds),
            equality("variance of every coordinate", error, formula, rounding=4, kinds=kinds),
        ]


class NaturalBound(Claim):
    """Natural compression's relative variance is at most 1/8."""

    id = "S-n1"
    title = "Natural compression has ω = 1/8, attained at 4/3 times a power of two"
    statement = (
        r"E\lVert C(x)-x\rVert^2\le\frac18\lVert x\rVert^2,\qquad "
        r"\max_{1\le t\le2}\frac{(2-t)(t-1)}{t^2}=\frac18\text{ at }t=\frac43"
    )
    reference = f"{REFERENCE} (S-n1)"
    kind = "tight"
    expected = "tight"
    compressor: ClassVar[type[Natural]] = Natural

    def omega(self) -> float:
        """Return the constant."""
        return 0.125

    def check(self, data: Mapping[str, Any], level: str) -> list[Instance]:
        instances = []
        for d in (1, 16, 256):
            vectors = _panel(d, level)
            error = two_point_law(self.compressor(), vectors.x).expected_error(vectors.x)
            bound = self.omega() * (vectors.x**2).sum(axis=(1, 2))
            # Sums of d non-negative terms, each side good to d/2 eps, its terms to a few.
            instances.append(inequality(f"d={d}", error, bound, rounding=d + 4, kinds=vectors.kinds))
        return instances
