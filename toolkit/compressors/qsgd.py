"""Random rounding of every coordinate to one of s levels of the norm."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np

from toolkit import kernels
from toolkit.arrays import Array, namespace
from toolkit.compressors._base import Compressor
from toolkit.compressors._bits import symbol_bits, width
from toolkit.compressors._check import check_choice, check_count
from toolkit.compressors._fields import like, per_row
from toolkit.compressors._norms import NORMS, norm_and_levels
from toolkit.compressors._rounding import rounded, rounding_variance
from toolkit.compressors._unbiased import unbiased
from toolkit.constants import CompressorConstants, exact, upper_bound
from toolkit.errors import WrongUse
from toolkit.kernels import feedback
from toolkit.layout import Field, Levels, Numbers
from toolkit.parameters import values

LARGEST = 2**51 - 1  # of the levels that codes take


class QSGD(Compressor):
    r"""QSGD: round each magnitude at random, without bias, to a multiple of ‖x‖/s.

    .. math:: C(x)_j = \|x\|\,\mathrm{sign}(x_j)\,\frac{l_j + b_j}{s}, \qquad
              l_j = \Big\lfloor \frac{s|x_j|}{\|x\|} \Big\rfloor, \qquad
              P(b_j = 1) = f_j = \frac{s|x_j|}{\|x\|} - l_j, \qquad
              E\|C(x) - x\|^2 = \frac{\|x\|^2}{s^2} \sum_j f_j(1 - f_j) .

    Parameters
    ----------
    s : int
        Number of levels above zero, at least 1; may be swept.
    norm : {'2', 'max', '1'}
        The norm that is divided into s levels, and sent.

    Raises
    ------
    WrongUse
        If `s` is no positive integer below 2⁵¹ or `norm` is none of these.

    Notes
    -----
    It goes by several names: with the 2-norm it is the quantiser of QSGD, which in practice uses the maximum norm and
    buckets; in the p-norm it is standard dithering with s levels; in the maximum norm it is the stochastic uniform
    quantiser of Malcom-PSGD, and with s = 1 that of TernGrad without clipping.

    The relative variance ω is the largest Σ f_j(1 − f_j)/Σ y_j² over the levels y_j = s|x_j|/‖x‖ = l_j + f_j.

    - 2-norm: with f(1 − f) = ¼ − (y − l − ½)² it is (d/4 − g²)/s², g the distance of s to the nearest √(d/4 + 2m),
      m ≥ 0 an integer: the lengths of the vectors of half-odd numbers, because from d = 3 on every m is a sum of d
      triangular numbers. It is attained at s/√(d/4 + 2m) times such a vector, and only a bound for d = 2. If 4s² ≤ d it
      is √d/s − 1, attained by vectors of constant magnitude, and at most d/(4s²) otherwise. Source: S-q1 (derived,
      sharp form); `printed_omega` is the paper's larger min(d/s², √d/s).
    - Maximum norm: (√(1 + (d − 1)/s²) − 1)/2, attained if all levels but one are 1/(1 + √(1 + (d − 1)/s²)) (derived:
      one y_j is s, and for λ > 0 the others maximise f(1 − f) − λy² at y = 1/(2 + 2λ); λ is the largest ratio where the
      sum of these maxima is λs²).
    - 1-norm: with a = s/d the mean level, f(1 − f)/a² at y_j = a, hence d/s − 1 if 3s ≤ 2d, attained by vectors of
      constant magnitude; where an integer L has |a − L| ≤ 1/(1 + √(1 + 1/q)), q = L(2a − L), a bound,
      (√(1 + 1/q) − 1)/2, that is approached as d grows by levels in two adjacent cells (derived, in the same way).

    In dimension 1 every message is exact. The norm neither overflows nor underflows as long as ‖x‖ itself does not.
    Levels are rounded in double precision.

    The price is the norm and ⌈log2(2s + 1)⌉ bits for sign and level of each coordinate;
    `toolkit.entropy.qsgd_elias_bits` is the paper's for Elias-coded levels (S-q3, recalled).

    Examples
    --------
    >>> import numpy as np
    >>> from toolkit.draws import Draw
    >>> x = np.array([3.0, -4.0])
    >>> QSGD(s=5).compress(x, Draw(seed=1))
    array([ 3., -4.])
    >>> QSGD(s=1).expected_error(x[None, None]), QSGD(s=1, norm="max").expected_error(x[None, None])
    (array([[10.]]), array([[3.]]))
    """

    random: ClassVar[bool] = True
    homogeneous: ClassVar[bool] = True
    symmetric: ClassVar[bool] = True
    keeps_zeros: ClassVar[bool] = True

    s: int
    norm: str = "2"

    def validate(self) -> None:
        check_count(self, "s")
        for s in values(self.s):
            if isinstance(s, int) and s > LARGEST:
                raise WrongUse(f"QSGD(s={s})", "no code of levels reaches so far", "give s below 2⁵¹")
        check_choice(self, "norm", NORMS)

    def layout(self, d: int, dtype: Any) -> tuple[Field, ...]:
        return Numbers("norm", 1, side=True), Levels("level", d, -self.s, self.s)

    def message(self, x: Array, draw: Any) -> Array:
        return kernels.qsgd(x, self.s, draw.of("levels")) if self.norm == "2" else super().message(x, draw)

    def parts(self, x: Array, draw: Any) -> dict[str, Array]:
        xp = namespace(x)
        norm, level = norm_and_levels(x, self.norm, self.s)
        level = rounded(level, draw.of("levels").uniform(x.shape[-1]))
        return {"norm": norm, "level": xp.astype(xp.where(x < 0, -level, level), xp.int64)}

    def assemble(self, parts: Mapping[str, Array], draw: Any, d: int, dtype: Any) -> Array:
        xp = namespace(parts["norm"])
        norm, level = xp.astype(parts["norm"], xp.float64), xp.astype(parts["level"], xp.float64)
        s = like(self.s, norm)
        return xp.astype(level * (norm / s) if dtype == xp.float32 else norm * (level / s), dtype)

    def take_from(
        self, memory: Array, v: Array, scale: Any, draw: Any, threads: int, into: Any = None
    ) -> tuple[Any, Array] | None:
        if self.norm != "2" or not isinstance(self.s, int) or self.s >= 2**31:
            return None
        return feedback.qsgd(memory, v, scale, self.s, draw.of("levels"), threads=threads, into=into)

    def constants(self, d: int, n: int = 1) -> CompressorConstants:
        if d == 1:
            return unbiased(exact(0 / self.s, "d = 1: every message is exact"), n)
        omega, attained, source = _WORST[self.norm](d, np.asarray(self.s, dtype=float))
        return unbiased((exact if np.all(attained) else upper_bound)(omega[()], source), n)

    def printed_omega(self, d: int) -> Any:
        """Return the relative variance that the paper prints for the 2-norm, min(d/s², √d/s); None for other norms.

        Examples
        --------
        >>> float(QSGD(s=2).printed_omega(64)), float(QSGD(s=2).constants(64).omega)
        (4.0, 3.0)
        """
        return np.minimum(d / self.s**2, np.sqrt(d) / self.s) if self.norm == "2" else None

    def expected_error(self, x: Array) -> Array:
        norm, level = norm_and_levels(x, self.norm, self.s)
        variance = namespace(x).sum(rounding_variance(level), axis=-1)
        return (norm[..., 0] / per_row(like(self.s, x))) ** 2 * namespace(x).astype(variance, x.dtype)

    def price(self, n: int, d: int, dtype: Any) -> Any:
        return width(dtype) + d * symbol_bits(2 * self.s + 1)


def _worst_2(d: int, s: Array) -> tuple[Array, Any, str]:
    few = 4 * s * s <= d
    m = np.maximum((s * s - d / 4) / 2, 0)
    gap = np.minimum(*(np.abs(s - np.sqrt(d / 4 + 2 * end(m))) for end in (np.floor, np.ceil)))
    omega = np.where(few, np.sqrt(d) / s - 1, (d / 4 - gap * gap) / (s * s))
    return omega, d != 2, "S-q1: √d/s − 1 if 4s² ≤ d, else (d/4 − g²)/s², g = min |s − √(d/4 + 2m)|"


def _worst_max(d: int, s: Array) -> tuple[Array, Any, str]:
    ratio = (d - 1) / (s * s)
    return ratio / (2 * np.sqrt(1 + ratio) + 2), True, "derived: (√(1 + (d − 1)/s²) − 1)/2"


def _worst_1(d: int, s: Array) -> tuple[Array, Any, str]:
    a = s / d
    nearest = np.maximum(np.rint(a), 1)
    q = np.maximum(nearest * (2 * a - nearest), 0)  # 0 where one cell is best
    root = np.sqrt(1 + 1 / np.where(q > 0, q, np.inf))
    two_cells = (q > 0) & (np.abs(a - nearest) < 1 / (1 + root))
    f = a - np.floor(a)
    omega = np.where(two_cells, (root - 1) / 2, f * (1 - f) / (a * a))
    return omega, ~two_cells, "derived: f(1 − f)/a² at a = s/d, or (√(1 + 1/q) − 1)/2 with levels in two cells"


_WORST: dict[str, Callable[[int, Array], tuple[Array, Any, str]]] = {"1": _worst_1, "2": _worst_2, "max": _worst_max}
