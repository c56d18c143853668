"""Horváth et al., 'Natural compression for distributed deep learning', 2019: natural against standard dithering."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from itertools import product
from typing import Any, ClassVar

import numpy as np

from proofs_check.claim import Claim, Instance
from proofs_check.enumeration import two_point_law
from proofs_check.families import families
from proofs_check.panel import Panel, panel
from proofs_check.sides import inequality
from toolkit.arrays import Array
from toolkit.compressors import Compressor
from toolkit.compressors.natural_dithering import NaturalDithering
from toolkit.compressors.qsgd import QSGD

REFERENCE = "Horváth, Ho, Horváth, Sahu, Canini and Richtárik, 2019 (S-n3)"
NORMS = ("2", "max", "1")
SIZES = {"quick": ((4, 3), (64, 2), (64, 6)), "full": ((2, 2), (4, 3), (16, 2), (16, 4), (64, 2), (64, 6))}


@cache
def _vectors(d: int, s: int, level: str) -> Panel:
    """Return vectors with some that are the worst: of constant magnitude, and one entry with equal small ones."""
    a = 2.0 ** (1 - s)
    low = a / (1 + np.sqrt(1 + (d - 1) * a * a))  # where one coordinate is the norm, the level that rounds worst
    small = [np.where(np.arange(d) == 0, 1.0, y) for y in (low, a / 2, 0.75, 1.5 * a)]
    known = {name: families(d)[name] for name in ("constant magnitude", "k equal entries", "two magnitudes", "4/3·2^z")}
    found = {"one entry and equal small ones": np.array(small)}
    return panel(d, {"quick": 8, "full": 24}[level], known | found)


@cache
def _error(compressor: Compressor, d: int, s: int, level: str) -> Array:
    """Return E‖C(x) − x‖² of these vectors, by the law of every coordinate."""
    x = _vectors(d, s, level).x
    return two_point_law(compressor, x).expected_error(x)


class NaturalDitheringBound(Claim):
    """The printed relative variance, against the exact variance."""

    id = "S-n3"
    title = "Natural dithering's relative variance as printed"
    statement = (
        r"E\lVert C(x)-x\rVert^2\le\Big(\frac18+d^{1/r}2^{1-s}\min\{1,d^{1/r}2^{1-s}\}\Big)\lVert x\rVert^2,\quad "
        r"r=\min(p,2),\quad\text{levels }0,2^{1-s},\dots,\tfrac12,1\text{ times }\lVert x\rVert_p"
    )
    reference = REFERENCE
    status = "recalled"
    kind = "upper bound"
    compressor: ClassVar[type[NaturalDithering]] = NaturalDithering

    def omega(self, compressor: NaturalDithering, d: int) -> float:
        """Return the constant."""
        return float(compressor.printed_omega(d))

    def check(self, data: Mapping[str, Any], level: str) -> list[Instance]:
        return [self._judge(norm, d, s, level) for (d, s), norm in product(SIZES[level], NORMS)]

    def _judge(self, norm: str, d: int, s: int, level: str) -> Instance:
        compressor = self.compressor(s=s, norm=norm)
        vectors, error = _vectors(d, s, level), _error(compressor, d, s, level)
        bound = self.omega(compressor, d) * (vectors.x**2).sum(axis=(1, 2))
        # A share y of the norm is good to some eps of it, which is up to √d·2^(s−1) times the smallest level.
        rounding = d + 2.0 ** (s + 2) * d**0.5
        return inequality(f"p = {norm}, s={s}, d={d}", error, bound, rounding=rounding, kinds=vectors.kinds)


class SharpNaturalDithering(NaturalDitheringBound):
    """The relative variance that the toolkit declares, with the inputs that attain it."""

    id = "S-n3-sharp"
    title = "Natural dithering's relative variance as the toolkit derives it"
    statement = (
        r"\omega=t-1\text{ for }p=2,\ \tfrac t2\ge\tfrac98-\tfrac{a^2}2,\ t=a\sqrt d,\ a=2^{1-s};\qquad "
        r"\omega=t-1\text{ for }p=1,\ t=ad\ge\tfrac32;\qquad "
        r"\omega=\tfrac12\left(\sqrt{1+(d-1)a^2}-1\right)\text{ for }p=\infty\text{, few levels}"
    )
    reference = f"{REFERENCE}; constants derived"
    status = "derived"
    kind = "tight"
    expected = "tight"

    def omega(self, compressor: NaturalDithering, d: int) -> float:
        constant: Any = compressor.constants(d).omega
        return float(constant)


class AgainstStandardDithering(Claim):
    r"""Natural dithering's s levels against the 2^{s−1} equally spaced ones with the same smallest level.

    The levels of the former are some of the latter, so it loses no less. Below the smallest level both lose the same,
    and between two powers of two natural dithering loses at most an eighth of the square.
    """

    id = "S-n3-levels"
    title = "Natural dithering with s levels loses at most ‖x‖²/8 more than 2^(s−1) equally spaced levels"
    statement = (
        r"E\lVert D_u(x)-x\rVert^2\le E\lVert N_s(x)-x\rVert^2\le E\lVert D_u(x)-x\rVert^2+\frac18\lVert x\rVert^2,"
        r"\qquad u=2^{s-1}"
    )
    reference = f"{REFERENCE}; the two inequalities derived"
    kind = "tight"
    expected = "tight"
    surplus: ClassVar[float] = 1 / 8

    def check(self, data: Mapping[str, Any], level: str) -> list[Instance]:
        return [one for (d, s), norm in product(SIZES[level], NORMS) for one in self._judge(norm, d, s, level)]

    def _judge(self, norm: str, d: int, s: int, level: str) -> Iterator[Instance]:
        vectors = _vectors(d, s, level)
        natural = _error(NaturalDithering(s=s, norm=norm), d, s, level)
        standard = _error(QSGD(s=2 ** (s - 1), norm=norm), d, s, level)
        norm_sq = (vectors.x**2).sum(axis=-1)
        rounding = d + 2.0 ** (s + 2) * d**0.5
        name = f"p = {norm}, s={s} for {2 ** (s - 1)}, d={d}"
        yield inequality(f"{name}: no less", standard, natural, rounding=rounding, kinds=vectors.kinds)
        more = standard + self.surplus * norm_sq
        yield inequality(f"{name}: at most an eighth more", natural, more, rounding=rounding, kinds=vectors.kinds)
