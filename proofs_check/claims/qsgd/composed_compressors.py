"""Compressors made of others: what their constants follow from, by all outcomes of their draws."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from proofs_check.claim import Claim, Instance
from proofs_check.extremal import Shrink
from proofs_check.families import families
from proofs_check.outcomes import outcomes
from proofs_check.panel import panel
from proofs_check.sides import equality, inequality
from toolkit.arrays import Array
from toolkit.compressors import Compressor
from toolkit.compressors.blocks import Blocks
from toolkit.compressors.composition import Composition
from toolkit.compressors.fcc import FCC
from toolkit.compressors.induced import Induced
from toolkit.compressors.natural import Natural
from toolkit.compressors.qsgd import QSGD
from toolkit.compressors.rand_k import RandK
from toolkit.compressors.scaled import Scaled
from toolkit.compressors.scaled_sign import ScaledSign
from toolkit.compressors.top_k import TopK

LIMIT = 1 << 20  # outcomes of all vectors together


def vectors_of(d: int, level: str) -> tuple[Array, list[str]]:
    """Return vectors of dimension d with what they are: random ones, and some that are the worst of a compressor."""
    known = {name: families(d)[name] for name in ("constant magnitude", "one entry", "k equal entries", "4/3·2^z")}
    first = np.where(np.arange(d) < (d + 1) // 2, 1.0, 0.0)
    found = panel(d, {"quick": 4, "full": 32}[level], known | {"equal entries, then zeros": first})
    return found.x, list(found.kinds)


def mean_square_error(compressor: Compressor, x: Array) -> Array:
    """Return E‖C(x) − x‖² of each vector, over all outcomes.

    Examples
    --------
    >>> mean_square_error(RandK(k=1), np.ones((1, 1, 4)))
    array([3.])
    """
    found = outcomes(compressor, x, limit=LIMIT)
    return found.expect(((found.sent - x[found.vector]) ** 2).sum(axis=(1, 2)))


class _Rule(Claim):
    """A constant of a compressor made of others, from theirs: by enumeration, and as the toolkit declares it."""

    kind = "tight"
    expected = "tight"
    quantity: ClassVar[str] = "omega"
    made: ClassVar[Mapping[str, tuple[Compressor, int]]] = {}  # by name, with a dimension

    def formula(self, compressor: Any, d: int) -> float:
        """Return the constant from those of the parts."""
        raise NotImplementedError

    def check(self, data: Mapping[str, Any], level: str) -> list[Instance]:
        instances, declared, derived = [], [], []
        for name, (compressor, d) in self.made.items():
            x, kinds = vectors_of(d, level)
            norm_sq = (x**2).sum(axis=(1, 2))
            constant = self.formula(compressor, d)
            lost = constant if self.quantity == "omega" else 1 - constant
            error = mean_square_error(compressor, x)
            # Means over some hundred outcomes of sums of d terms.
            sides = error, lost * norm_sq
            instances.append(inequality(f"{name}, d={d}", *sides, rounding=256, kinds=kinds))
            declared.append(float(getattr(compressor.constants(d), self.quantity)))
            derived.append(constant)
        return [*instances, equality("declared by the toolkit", declared, derived, rounding=8)]


def _omega(compressor: Compressor, d: int) -> float:
    return float(compressor.constants(d).omega)  # type: ignore[arg-type]


def _delta(compressor: Compressor, d: int) -> float:
    return float(compressor.constants(d).delta)  # type: ignore[arg-type]


class UnbiasedComposition(_Rule):
    """One unbiased compressor after another."""

    id = "S-n2"
    title = "The relative variance of one unbiased compressor after another; attained by natural compression of Rand-k"
    statement = (
        r"C=C_1\circ C_2\text{ independent and unbiased}\ \Rightarrow\ E\,C(x)=x,\quad "
        r"\omega=\omega_1\omega_2+\omega_1+\omega_2,\qquad "
        r"\omega=\frac98\omega_2+\frac18\text{ for natural compression outside}"
    )
    reference = "Horváth, Ho, Horváth, Sahu, Canini and Richtárik, 2019 (S-n2)"
    made: ClassVar[Mapping[str, tuple[Compressor, int]]] = {
        "natural of Rand-1": (Composition(outer=Natural(), inner=RandK(k=1, unbiased=True)), 4),
        "natural of Rand-2": (Composition(outer=Natural(), inner=RandK(k=2, unbiased=True)), 4),
        "natural of QSGD": (Composition(outer=Natural(), inner=QSGD(s=2)), 3),
        "QSGD of Rand-2": (Composition(outer=QSGD(s=1), inner=RandK(k=2, unbiased=True)), 4),
        "Rand-2 of QSGD": (Composition(outer=RandK(k=2, unbiased=True), inner=QSGD(s=1)), 4),
    }

    def formula(self, compressor: Any, d: int) -> float:
        first, second = _omega(compressor.outer, d), _omega(compressor.inner, d)
        return first * second + first + second

    def check(self, data: Mapping[str, Any], level: str) -> list[Instance]:
        instances = super().check(data, level)
        for name, (compressor, d) in self.made.items():
            x, _ = vectors_of(d, level)
            found = outcomes(compressor, x, limit=LIMIT)
            mean = found.expect(found.sent[:, 0])
            # Scaled by what the largest outcome is, of which no coordinate's mean has more.
            scale = np.repeat(np.maximum.reduceat(abs(found.sent[:, 0]).max(axis=1), _first(found.vector)), d)
            instances.append(equality(f"{name}, d={d}: mean", mean, x, rounding=256, scale=scale))
        return instances


def _first(vector: Array) -> Array:
    return np.flatnonzero(np.diff(vector, prepend=-1))


class ScaledContraction(_Rule):
    """An unbiased compressor divided by 1 + ω."""

    id = "rule-scaled"
    title = "An unbiased compressor divided by 1 + ω contracts by 1/(1 + ω), attained where ω is"
    statement = (
        r"E\,C(x)=x,\ E\lVert C(x)-x\rVert^2\le\omega\lVert x\rVert^2\ \Rightarrow\ "
        r"E\left\lVert\frac{C(x)}{1+\omega}-x\right\rVert^2\le\left(1-\frac1{1+\omega}\right)\lVert x\rVert^2"
    )
    reference = "Beznosikov, Horváth, Richtárik and Safaryan, JMLR 2023 (D5)"
    quantity = "delta"
    made: ClassVar[Mapping[str, tuple[Compressor, int]]] = {
        "scaled unbiased Rand-1": (Scaled(RandK(k=1, unbiased=True)), 4),
        "scaled QSGD": (Scaled(QSGD(s=1)), 4),
        "scaled natural compression": (Scaled(Natural()), 3),
    }

    def formula(self, compressor: Any, d: int) -> float:
        return 1 / (1 + _omega(compressor.compressor, d))


class SelectedContraction(_Rule):
    """A contraction that keeps zeros, or an unbiased compressor, after one that selects."""

    id = "rule-selected"
    title = "After a selection contractions compose: δ = δ₁δ₂"
    statement = (
        r"C_2(x)\perp x-C_2(x),\ C_1\text{ unbiased or keeping zeros}\ \Rightarrow\ "
        r"E\lVert C_1(C_2(x))-x\rVert^2\le(1-\delta_1\delta_2)\lVert x\rVert^2"
    )
    reference = "derived; for natural compression after Top-k as in Horváth et al., 2019"
    quantity = "delta"
    made: ClassVar[Mapping[str, tuple[Compressor, int]]] = {
        "natural of Top-2": (Composition(outer=Natural(), inner=TopK(k=2)), 5),
        "sign of Top-1": (Composition(outer=ScaledSign(zero=0), inner=TopK(k=1)), 4),
        "natural of Rand-2": (Composition(outer=Natural(), inner=RandK(k=2)), 4),
    }

    def formula(self, compressor: Any, d: int) -> float:
        return _delta(compressor.outer, d) * _delta(compressor.inner, d)


class InducedVariance(_Rule):
    """A contraction, and an unbiased compressor of what it leaves."""

    id = "rule-induced"
    title = "A contraction and an unbiased message of the rest: ω = ω_U(1 − δ_B)"
    statement = (
        r"C(x)=B(x)+U(x-B(x))\ \Rightarrow\ E\,C(x)=x,\quad "
        r"E\lVert C(x)-x\rVert^2\le\omega_U(1-\delta_B)\lVert x\rVert^2"
    )
    reference = "Horváth and Richtárik, ICLR 2021"
    status = "recalled"
    made: ClassVar[Mapping[str, tuple[Compressor, int]]] = {
        "Top-1 and Rand-1": (Induced(biased=TopK(k=1), unbiased=RandK(k=1, unbiased=True)), 4),
        "sign and Rand-2": (Induced(biased=ScaledSign(), unbiased=RandK(k=2, unbiased=True)), 4),
        "Top-1 and natural": (Induced(biased=TopK(k=1), unbiased=Natural()), 4),
    }

    def formula(self, compressor: Any, d: int) -> float:
        return _omega(compressor.unbiased, d) * (1 - _delta(compressor.biased, d))


class RepeatedContraction(_Rule):
    """What is left is compressed again, p times in all."""

    id = "rule-repeated"
    title = "Compressing the rest p times: δ = 1 − (1 − δ)^p"
    statement = (
        r"C_p(x)=C_{p-1}(x)+C(x-C_{p-1}(x))\ \Rightarrow\ E\lVert C_p(x)-x\rVert^2\le(1-\delta)^p\lVert x\rVert^2"
    )
    reference = "the fast compressed communication of He et al., 2023"
    status = "recalled"
    quantity = "delta"
    made: ClassVar[Mapping[str, tuple[Compressor, int]]] = {
        "Rand-1, twice": (FCC(RandK(k=1), rounds=2), 4),
        "Top-1, twice": (FCC(TopK(k=1), rounds=2), 4),
        "sign, three times": (FCC(ScaledSign(), rounds=3), 4),
        "shrink, three times": (FCC(Shrink(delta=0.25), rounds=3), 4),
    }

    def formula(self, compressor: Any, d: int) -> float:
        return float(1 - (1 - _delta(compressor.compressor, d)) ** compressor.rounds)


class BlockwiseContraction(_Rule):
    """Every block by itself."""

    id = "rule-blocks"
    title = "Block by block: δ is that of the worst block"
    statement = (
        r"E\lVert C(x_b)-x_b\rVert^2\le(1-\delta_b)\lVert x_b\rVert^2\ \Rightarrow\ "
        r"E\lVert C'(x)-x\rVert^2\le(1-\min_b\delta_b)\lVert x\rVert^2"
    )
    reference = "derived"
    quantity = "delta"
    made: ClassVar[Mapping[str, tuple[Compressor, int]]] = {
        "Top-1 of blocks of 2": (Blocks(TopK(k=1), 2), 6),
        "Top-1 of blocks of 3 and 2": (Blocks(TopK(k=1), 3), 5),
        "sign of blocks of 3": (Blocks(ScaledSign(), 3), 6),
    }

    def formula(self, compressor: Any, d: int) -> float:
        sizes = {compressor.size, d % compressor.size or compressor.size}
        return min(_delta(compressor.compressor, size) for size in sizes)
