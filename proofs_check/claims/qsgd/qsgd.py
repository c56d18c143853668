"""Alistarh et al., 'QSGD', NIPS 2017: law, variance and sparsity of the quantised vector."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, ClassVar

import numpy as np

from proofs_check.claim import Claim, Instance
from proofs_check.enumeration import TwoPointLaw, two_point_law
from proofs_check.panel import Panel, panel
from proofs_check.sides import equality, inequality
from toolkit.arrays import Array
from toolkit.compressors import Compressor
from toolkit.compressors.qsgd import QSGD

REFERENCE = "Alistarh, Grubic, Li, Tomioka and Vojnovic, NIPS 2017 (S-q1, S-q2)"

# (d, s): few levels (4s² ≤ d), many, and in between; for (4, 3) and (8, 2), s² is a sum of d squares (l + 1/2)².
SIZES = ((4, 1), (4, 2), (4, 3), (8, 2), (16, 1), (16, 2), (64, 1), (64, 3), (64, 8))
HALF_ODD = {(4, 3): (5, 3, 1, 1), (8, 2): (3, 1, 1, 1, 1, 1, 1, 1)}


@cache
def _laws(compressor: Callable[..., Compressor], level: str) -> list[tuple[Panel, int, TwoPointLaw]]:
    """Return vectors, s, and the law of Q_s on them, for every size."""
    laws = []
    for d, s in SIZES:
        extremal = {"constant magnitude": np.full(d, 0.3)}
        if (d, s) in HALF_ODD:
            extremal["magnitudes (l + 1/2) with Σ (l + 1/2)² = s²"] = np.array(HALF_ODD[d, s], dtype=float)
        vectors = panel(d, {"quick": 24, "full": 256}[level], extremal)
        laws.append((vectors, s, two_point_law(compressor(s=s), vectors.x)))
    return laws


class _OverSizes(Claim):
    """A statement about Q_s(v), checked for all sizes by the law of every coordinate."""

    reference = REFERENCE
    compressor: ClassVar[Callable[..., Compressor]] = QSGD

    def check(self, data: Mapping[str, Any], level: str) -> list[Instance]:
        return [one for vectors, s, law in _laws(self.compressor, level) for one in self.judge(vectors, s, law)]

    def judge(self, vectors: Panel, s: int, law: TwoPointLaw) -> list[Instance]:
        """Return the instances of one size."""
        raise NotImplementedError

    @staticmethod
    def name(vectors: Panel, s: int, what: str) -> str:
        """Return the name of an instance."""
        return f"{what}, s={s}, d={vectors.x.shape[-1]}"


def _norm(x: Array) -> Array:
    return np.sqrt((x**2).sum(axis=-1, keepdims=True))


class Unbiased(_OverSizes):
    """QSGD is unbiased."""

    id = "S-q1-unbiased"
    title = "QSGD is unbiased"
    statement = r"E\,Q_s(v)=v"
    kind = "identity"

    def judge(self, vectors: Panel, s: int, law: TwoPointLaw) -> list[Instance]:
        x = vectors.x
        # A level is good to some eps of s, and one level is worth ‖v‖/s.
        scale = np.broadcast_to(_norm(x), x.shape)
        kinds = np.repeat(vectors.kinds, x.shape[-1]).tolist()
        return [equality(self.name(vectors, s, "mean"), law.mean, x, rounding=8, scale=scale.ravel(), kinds=kinds)]


class Variance(_OverSizes):
    """QSGD's variance in closed form."""

    id = "S-q1"
    title = "QSGD's variance in closed form"
    statement = (
        r"E\lVert Q_s(v)-v\rVert^2=\frac{\lVert v\rVert^2}{s^2}\sum_if_i(1-f_i),\qquad "
        r"f_i=\frac{s\lvert v_i\rvert}{\lVert v\rVert}"
        r"-\left\lfloor\frac{s\lvert v_i\rvert}{\lVert v\rVert}\right\rfloor"
    )
    kind = "identity"

    def judge(self, vectors: Panel, s: int, law: TwoPointLaw) -> list[Instance]:
        x, norm = vectors.x, _norm(vectors.x)
        level = s * abs(x) / np.where(norm > 0, norm, 1.0)
        f = level - np.floor(level)
        formula = ((norm / s) ** 2 * f * (1 - f)).sum(axis=-1)
        # An error of eps·level_i in f_i changes its term by at most that times (‖v‖/s)²: ‖v‖·‖v‖₁/s in all.
        scale = formula + norm[..., 0] * abs(x).sum(axis=-1) / s
        name = self.name(vectors, s, "variance")
        return [equality(name, law.expected_error(x), formula, rounding=8, scale=scale.ravel(), kinds=vectors.kinds)]


class _VarianceBound(_OverSizes):
    """An upper bound of the variance by a constant times ‖v‖²."""

    def omega(self, d: int, s: int) -> float:
        """Return the constant."""
        raise NotImplementedError

    def judge(self, vectors: Panel, s: int, law: TwoPointLaw) -> list[Instance]:
        x = vectors.x
        d = x.shape[-1]
        bound = self.omega(d, s) * (x**2).sum(axis=(1, 2))
        name = self.name(vectors, s, "variance")
        # Levels near an integer carry their rounding into the variance, hence √d·s eps beside that of the sums.
        return [inequality(name, law.expected_error(x), bound, rounding=d + 4 * s * d**0.5, kinds=vectors.kinds)]


class VarianceBound(_VarianceBound):
    """The printed variance bound."""

    id = "S-q1-printed"
    title = "QSGD's variance bound as printed"
    statement = r"E\lVert Q_s(v)-v\rVert^2\le\min\left(\frac d{s^2},\frac{\sqrt d}s\right)\lVert v\rVert^2"
    kind = "upper bound"

    def omega(self, d: int, s: int) -> float:
        return min(d / s**2, d**0.5 / s)


class SharpVarianceBound(_VarianceBound):
    """The smallest constant that holds for all vectors."""

    id = "S-q1-sharp"
    title = "QSGD's variance bound with its sharp constant"
    statement = (
        r"E\lVert Q_s(v)-v\rVert^2\le\omega\lVert v\rVert^2,\qquad "
        r"\omega=\frac{\sqrt d}s-1\ \text{if }4s^2\le d,\quad\omega=\frac d{4s^2}\ \text{if }4s^2\ge d"
    )
    kind = "tight"
    expected = "tight"

    def omega(self, d: int, s: int) -> float:
        return d**0.5 / s - 1 if 4 * s**2 <= d else d / (4 * s**2)


class Sparsity(_OverSizes):
    """The printed bound of the number of non-zero coordinates."""

    id = "S-q2"
    title = "QSGD's sparsity bound as printed"
    statement = r"E\lVert Q_s(v)\rVert_0\le s(s+\sqrt d)"
    kind = "upper bound"

    def judge(self, vectors: Panel, s: int, law: TwoPointLaw) -> list[Instance]:
        d = vectors.x.shape[-1]
        bound = s * (s + d**0.5)
        name = self.name(vectors, s, "non-zero coordinates")
        return [inequality(name, law.expected_support, bound, rounding=d + 4 * s * d**0.5, kinds=vectors.kinds)]


class SharpSparsity(_OverSizes):
    """The expected number of non-zero coordinates in closed form, and its supremum."""

    id = "S-q2-sharp"
    title = "QSGD's sparsity in closed form, and the vector with the most non-zero coordinates"
    statement = (
        r"E\lVert Q_s(v)\rVert_0=\sum_i\min\left(1,\frac{s\lvert v_i\rvert}{\lVert v\rVert}\right)"
        r"\le\min\left(d,s\sqrt d\right)"
    )
    kind = "tight"
    expected = "tight"

    def judge(self, vectors: Panel, s: int, law: TwoPointLaw) -> list[Instance]:
        x, norm = vectors.x, _norm(vectors.x)
        d = x.shape[-1]
        formula = np.minimum(1.0, s * abs(x) / np.where(norm > 0, norm, 1.0)).sum(axis=-1)
        bound = min(d, s * d**0.5)
        rounding = d + 4 * s * d**0.5
        kinds = vectors.kinds
        return [
            equality(self.name(vectors, s, "formula"), law.expected_support, formula, rounding=rounding, kinds=kinds),
            inequality(self.name(vectors, s, "supremum"), law.expected_support, bound, rounding=rounding, kinds=kinds),
        ]
