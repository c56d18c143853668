"""Alistarh et al., 'QSGD', NIPS 2017: the bits of a message whose positions and levels are written in Elias codes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from proofs_check.claim import Claim, Instance
from proofs_check.outcomes import outcomes
from proofs_check.panel import Panel, panel
from proofs_check.sides import equality, inequality
from toolkit.arrays import Array
from toolkit.codecs import EliasOmega, Gaps, Integers
from toolkit.codecs._base import IntegerCode
from toolkit.compressors.qsgd import QSGD
from toolkit.entropy import qsgd_elias_bits

REFERENCE = "Alistarh, Grubic, Li, Tomioka and Vojnovic, NIPS 2017 (S-q3)"
NORM_BITS = 32
SIZES = {
    "quick": ((4, 1), (16, 1), (16, 4), (64, 1), (64, 8), (256, 1), (256, 16)),
    "full": (
        (4, 1),
        (4, 2),
        (16, 1),
        (16, 4),
        (64, 1),
        (64, 2),
        (64, 8),
        (256, 1),
        (256, 4),
        (256, 16),
        (1024, 1),
        (1024, 32),
    ),
}


def _panel(d: int, level: str) -> Panel:
    heads = {f"{count} equal entries": (np.arange(d) < count).astype(float) for count in (1, d // 4, d // 2)}
    last = {"one entry, the last": np.eye(d)[-1]}
    return panel(d, {"quick": 6, "full": 48}[level], {"constant magnitude": np.ones(d)} | heads | last)


class EliasBits(Claim):
    """The mean bits by the exact law of the message, against the printed bound.

    A message is the norm in 32 bits and, for each coordinate that is not zero, the gap to the one before it and the
    level, both in Elias omega, and a sign bit. The o(1) of the bound is not known; here it is 0, which asks the most.
    At s = √d the bound is 9d + 32.
    """

    id = "S-q3"
    title = "The mean bits of an Elias-coded QSGD message, as printed, without the o(1)"
    statement = (
        r"E\,\mathrm{bits}\le\left(3+\frac32\log_2\frac{2(s^2+d)}{s(s+\sqrt d)}\right)s(s+\sqrt d)+32,\qquad "
        r"\text{which is }9d+32\text{ at }s=\sqrt d"
    )
    reference = REFERENCE
    status = "recalled"
    kind = "upper bound"
    code: ClassVar[IntegerCode] = EliasOmega()

    def bound(self, d: int, s: int) -> float:
        """Return the right side."""
        return float(qsgd_elias_bits(d, s))

    def check(self, data: Mapping[str, Any], level: str) -> list[Instance]:
        instances = []
        for d, s in SIZES[level]:
            vectors = _panel(d, level)
            bits = mean_bits(vectors.x[:, 0], s, self.code)
            # Sums of up to d²/2 terms that are not negative.
            instances.append(inequality(f"s={s}, d={d}", bits, self.bound(d, s), rounding=d**2, kinds=vectors.kinds))
        few = [(d, 1) for d in (2**12, 2**15, 2**20)]
        bits = [equal_bits(d, s, self.code) for d, s in few]
        bounds = [self.bound(d, s) for d, s in few]
        kinds = [f"s = {s}, d = {d}" for d, s in few]
        return [
            *instances,
            inequality("constant magnitude, many coordinates", bits, bounds, rounding=2**20, kinds=kinds),
        ]


class DenseBits(EliasBits):
    """The figure that is recalled for s = √d does not follow from the bound, nor does this coding meet it."""

    id = "S-q3-dense"
    title = "QSGD with s = √d levels in 2.8d + 32 bits: not by Elias codes of gaps and levels"
    statement = r"s=\sqrt d\ \Rightarrow\ E\,\mathrm{bits}\le2.8d+32"
    expected = "violated"

    def bound(self, d: int, s: int) -> float:
        return 2.8 * d + 32

    def check(self, data: Mapping[str, Any], level: str) -> list[Instance]:
        instances = []
        for d, s in SIZES[level]:
            if s**2 == d:
                vectors = _panel(d, level)
                ways = {
                    "gaps and levels": mean_bits(vectors.x[:, 0], s, self.code),
                    "levels": self._every_level(vectors, s),
                }
                instances += [
                    inequality(f"{way}, s={s}, d={d}", bits, self.bound(d, s), rounding=d**2, kinds=vectors.kinds)
                    for way, bits in ways.items()
                ]
        return instances

    def _every_level(self, vectors: Panel, s: int) -> Array:
        """Return the mean bits if every coordinate's level plus one is written, and a sign where it is not zero."""
        below, up = _levels(vectors.x[:, 0], s)
        low, high = (self.code.lengths(below + more) + (below + more > 1) for more in (1, 2))
        return NORM_BITS + ((1 - up) * low + up * high).sum(axis=-1)


class BitsWritten(Claim):
    """The mean that S-q3 is checked with is that of bits really written."""

    id = "S-q3-written"
    title = "The mean bits of Elias-coded QSGD in closed form are those of the messages that are written"
    statement = (
        r"E\,\mathrm{bits}=32+\sum_ip_i\sum_{j<i}p_j\prod_{j<l<i}(1-p_l)\,\ell(i-j)+\sum_iE\big[1+\ell(\xi_i);"
        r"\xi_i\ne0\big],\qquad p_i=P(\xi_i\ne0),\ p_0=1"
    )
    reference = REFERENCE
    kind = "identity"
    compressor: ClassVar[type[QSGD]] = QSGD
    code: ClassVar[IntegerCode] = EliasOmega()

    def check(self, data: Mapping[str, Any], level: str) -> list[Instance]:
        instances = []
        for d, s in ((3, 1), (5, 2), (6, 3)):
            x = panel(d, {"quick": 2, "full": 12}[level], {"constant magnitude": np.ones(d)}).x
            all_sent = outcomes(self.compressor(s=s), x)
            norm = np.linalg.norm(x[all_sent.vector, 0], axis=-1)
            written = [
                self._written(message, length, s) for message, length in zip(all_sent.sent[:, 0], norm, strict=True)
            ]
            expected = all_sent.expect(np.array(written, dtype=float))
            reason = f"{len(written)} outcomes encoded and decoded again"
            left = mean_bits(x[:, 0], s, self.code)
            instances.append(equality(f"s={s}, d={d}", left, expected, rounding=8 * d**2, reason=reason))
        return instances

    def _written(self, message: Array, norm: float, s: int) -> int:
        """Return the bits of one message, which is decoded again from its bytes."""
        positions = np.flatnonzero(message)
        if not len(positions):
            return NORM_BITS
        levels = np.rint(s * message[positions] / norm).astype(int)
        gaps, sizes = Gaps(self.code), Integers(self.code)
        of_positions = gaps.encode(positions, d=len(message))
        of_sizes = sizes.encode(abs(levels), low=1, high=None)
        there, _ = gaps.decode(of_positions.data, d=len(message), count=len(positions))
        back, _ = sizes.decode(of_sizes.data, count=len(positions), low=1, high=None)
        if (there != positions).any() or (back != abs(levels)).any():
            return -1
        return NORM_BITS + len(positions) + of_positions.bits + of_sizes.bits


def _levels(x: Array, s: int) -> tuple[Array, Array]:
    """Return the lower level of each coordinate, and the probability of the next one."""
    norm = np.linalg.norm(x, axis=-1, keepdims=True)
    level = s * abs(x) / np.where(norm > 0, norm, 1.0)
    below = np.floor(level).astype(int)
    return below, level - below


def mean_bits(x: Array, s: int, code: IntegerCode) -> Array:
    """Return the mean bits of Q_s(x): norm, gaps between non-zero coordinates, levels and signs.

    Parameters
    ----------
    x : array, shape (vector, d)
        Vectors.
    s : int
        Number of levels above zero.
    code : IntegerCode
        Of gaps and levels.

    Returns
    -------
    array, shape (vector,)

    Examples
    --------
    >>> mean_bits(np.ones((1, 4)), 2, EliasOmega())  # all levels are 1: one bit each for gap, level and sign
    array([44.])
    """
    below, up = _levels(x, s)
    there = np.where(below > 0, 1.0, up)
    low, high = code.lengths(np.maximum(below, 1)), code.lengths(below + 1)
    bits = NORM_BITS + np.where(below > 0, (1 - up) * (1 + low), 0.0).sum(axis=1) + (up * (1 + high)).sum(axis=1)
    d = x.shape[1]
    of_gap = code.lengths(np.arange(1, d + 1))
    last = np.zeros((len(x), d + 1))  # the probability that the last non-zero coordinate so far is this one
    last[:, 0] = 1.0
    for i in range(d):
        bits += there[:, i] * (last[:, : i + 1] @ of_gap[i::-1])
        last[:, : i + 1] *= 1 - there[:, i, None]
        last[:, i + 1] = there[:, i]
    return bits


def equal_bits(d: int, s: int, code: IntegerCode) -> float:
    """Return the mean bits of Q_s of a vector of constant magnitude with s ≤ √d, for which all levels are 0 or 1.

    A gap of m has the probability p(1 − p)^(m−1); it begins at the start, or at one of d − m coordinates.

    Examples
    --------
    >>> round(equal_bits(64, 3, EliasOmega()), 6), mean_bits(np.ones((1, 64)), 3, EliasOmega()).round(6)
    (151.145438, array([151.145438]))
    """
    p, m = s / d**0.5, np.arange(1, d + 1)
    gaps = p * np.exp((m - 1) * np.log1p(-p)) * (1 + p * (d - m)) if p < 1 else np.where(m == 1, float(d), 0.0)
    return float(NORM_BITS + d * p * (1 + code.lengths(np.array([1]))[0]) + gaps @ code.lengths(m))
