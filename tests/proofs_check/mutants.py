"""Compressors and codes that are wrong on purpose, each in one way, as public code has been wrong.

Each says which contract has to reject it, and with which words.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from toolkit.codecs import Gaps, Golomb
from toolkit.compressors import Compressor
from toolkit.compressors._check import check_count
from toolkit.constants import CompressorConstants, exact
from toolkit.layout import Levels, Numbers, Positions
from toolkit.wire import Codec


class Mutant(NamedTuple):
    """A wrong compressor, the contract that rejects it, and words of the reason."""

    compressor: Compressor
    contract: str
    reason: str


class Sparsifier(Compressor):
    """Keeps k coordinates; sound but for what a mutant changes."""

    k: int

    def check(self, d):
        check_count(self, "k", d)

    def layout(self, d, dtype):
        return Positions("sent", d, count=self.k), Numbers("value", d, at="sent")

    def kept(self, x):
        return rank(-abs(x)) < self.k

    def message(self, x, draw):
        return np.where(self.kept(x), x, 0).astype(x.dtype)

    def constants(self, d, n=1):
        return CompressorConstants(delta=exact(self.k / d, "k/d"))


def rank(values):
    """Return the rank of each entry of a row, from 0 for the smallest, ties in their order."""
    return np.argsort(np.argsort(values, axis=-1, stable=True), axis=-1, stable=True)


class SignedSort(Sparsifier):
    """Keeps the k largest numbers and not the k largest magnitudes."""

    def kept(self, x):
        return rank(-x) < self.k


class SmallestK(Sparsifier):
    """Keeps the k smallest magnitudes."""

    def kept(self, x):
        return rank(abs(x)) < self.k


class TiesKept(Sparsifier):
    """Keeps everything that is as large as the k-th largest magnitude."""

    def kept(self, x):
        return abs(x) >= np.sort(abs(x), axis=-1)[..., -self.k, None]


class MutatedInput(Sparsifier):
    """Zeroes what is not sent where it lies."""

    def message(self, x, draw):
        x[~self.kept(x)] = 0
        return x


class WrongCode(Sparsifier):
    """Is sent in a code that loses the last position."""

    @property
    def codec(self):
        return Codec(positions=LastIndexLost(Golomb()))


class LastIndexLost(Gaps):
    """A code of positions that does not write the last one."""

    def write(self, stream, positions, d):
        return super().write(stream, positions[:-1], d)

    def read(self, stream, d, count):
        first = super().read(stream, d, max(count - 1, 0))
        return np.append(first, d - 1) if count else first


class ForgottenScale(Compressor):
    """Keeps every coordinate with probability 1/2, and does not double it."""

    random = True

    def message(self, x, draw):
        return np.where(draw.uniform(x.shape[-1]) < 0.5, x, 0).astype(x.dtype)

    def constants(self, d, n=1):
        return CompressorConstants(omega=exact(1.0, "1/p − 1"))


class Quantiser(Compressor):
    """Rounds to s levels of the 2-norm; sound but for what a mutant changes."""

    random = True

    s: int

    def layout(self, d, dtype):
        return Numbers("norm", 1, side=True), Levels("level", d, -self.s, self.s)

    def norm(self, x):
        peak = np.maximum(abs(x).max(axis=-1, keepdims=True), np.finfo(x.dtype).smallest_subnormal)
        return peak * np.sqrt(((x / peak) ** 2).sum(axis=-1, keepdims=True))

    def rounded(self, level, draw):
        below = np.floor(level)
        return below + (draw.uniform(level.shape[-1]) < level - below)

    def parts(self, x, draw):
        norm = self.norm(x)
        level = self.rounded(self.s * (abs(x) / np.where(norm > 0, norm, 1)), draw)
        return {"norm": norm, "level": (np.sign(x) * level).astype(np.int64)}

    def assemble(self, parts, draw, d, dtype):
        return parts["norm"] * (parts["level"] / self.s).astype(dtype)

    def constants(self, d, n=1):
        omega = d**0.5 / self.s - 1
        return CompressorConstants(omega=exact(omega, "√d/s − 1") if 4 * self.s**2 <= d else None)


class BiasedRounding(Quantiser):
    """Rounds to the nearest level."""

    def rounded(self, level, draw):
        return np.rint(level)

    def constants(self, d, n=1):
        return CompressorConstants(omega=exact(d / (4 * self.s**2), "d/(4s²)"))


class LevelTooMany(Quantiser):
    """Declares an alphabet that lacks the highest level."""

    def layout(self, d, dtype):
        return Numbers("norm", 1, side=True), Levels("level", d, 1 - self.s, self.s - 1)


class ReusedDraw(Quantiser):
    """Lets all workers round with the numbers of the first."""

    def rounded(self, level, draw):
        below = np.floor(level)
        return below + (draw.uniform(level.shape[-1])[:, :1] < level - below)


class NonZeroAtZero(Compressor):
    """Sends what is not positive as minus the scale, which has a floor."""

    def message(self, x, draw):
        scale = np.maximum(abs(x).mean(axis=-1, keepdims=True), 1e-8)
        return np.where(x > 0, scale, -scale).astype(x.dtype)


MUTANTS = [
    Mutant(SignedSort(k=1), "contraction", "larger than δ"),
    Mutant(SmallestK(k=2), "contraction", "larger than δ"),
    Mutant(TiesKept(k=2), "layout", "positions are sent as 'sent' where 2 are declared"),
    Mutant(MutatedInput(k=1), "untouched", "message writes to its input"),
    Mutant(BiasedRounding(s=2), "unbiased", "the mean of the messages is not the vector"),
    Mutant(ForgottenScale(), "unbiased", "the mean of the messages is not the vector"),
    Mutant(WrongCode(k=2), "decoding", "do not decode to the message"),
    Mutant(LevelTooMany(s=2), "layout", "and the alphabet ends at"),
    Mutant(ReusedDraw(s=2), "own-draws", "dependent numbers"),
    Mutant(NonZeroAtZero(), "zero", "zero is not sent as zero"),
]

SOUND = [Sparsifier(k=2), Quantiser(s=2)]  # what the mutants are made from
