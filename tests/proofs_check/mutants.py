"""Compressors and codes that are wrong on purpose, each in one way, as public code has been wrong.

Each says which contract has to reject it, and with which words.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from toolkit.arrays import Array
from toolkit.codecs import EliasOmega, Gaps, PositionCode
from toolkit.compressors import Compressor
from toolkit.compressors._check import check_count
from toolkit.constants import CompressorConstants, exact, upper_bound
from toolkit.errors import WrongUse
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


class FreeIndices(Sparsifier):
    """Charges its values and not their positions."""

    def price(self, n, d, dtype):
        return float(self.k * 8 * np.dtype(dtype).itemsize)


class TooLargeDelta(Sparsifier):
    """Declares half of its δ as exact."""

    def constants(self, d, n=1):
        return CompressorConstants(delta=exact(self.k / (2 * d), "k/(2d)"))


class Halves(Sparsifier):
    """Sends half of each coordinate, and says that it selects."""

    selects = True

    def message(self, x, draw):
        return super().message(x, draw) / 2

    def constants(self, d, n=1):
        return CompressorConstants()


class OneForAll(Sparsifier):
    """Takes the first of several k for all runs."""

    def kept(self, x):
        return rank(-abs(x)) < np.ravel(self.k)[0]


class WrongFastPath(Sparsifier):
    """Keeps one coordinate fewer in its fast body, which only NumPy's own arrays go to."""

    def kept(self, x):
        return rank(-abs(x)) < (self.k if type(x) is not np.ndarray else np.maximum(self.k - 1, 1))

    def constants(self, d, n=1):
        return CompressorConstants()


class WrongOnePass(Sparsifier):
    """Forgets what it remembers, in its one pass of error feedback."""

    def message_with_memory(self, memory, v, scale, draw):
        sent, rest, error = super().message_with_memory(0 * memory, v, scale, draw)
        return sent, rest + memory, error


class Impossible(Sparsifier):
    """Declares more than everything."""

    def constants(self, d, n=1):
        return CompressorConstants(delta=exact(1 + self.k / d, "1 + k/d"))


class TakesDamage(Sparsifier):
    """Decodes what is left of a message as if the rest were zeros."""

    def decode(self, data, d, dtype=np.float64, draw=None, codec=None):
        try:
            return super().decode(data, d, dtype, draw, codec)
        except WrongUse:
            return np.zeros((1, 1, d), dtype)


class Threshold(Compressor):
    """Keeps what is larger than 1, and declares half of what it may lose."""

    def message(self, x, draw):
        return np.where(abs(x) > 1, x, 0).astype(x.dtype)

    def constants(self, d, n=1):
        return CompressorConstants(kappa_sq=upper_bound(d / 2, "d/2"))


class WrongPositions(Sparsifier):
    """Is sent in a code of positions that is wrong."""

    code: PositionCode

    @property
    def codec(self):
        return Codec(positions=self.code)


class LastIndexLost(Gaps):
    """A code of positions that does not write the last one."""

    def write(self, stream, positions, d):
        return super().write(stream, positions[:-1], d)

    def read(self, stream, d, count):
        first = super().read(stream, d, max(count - 1, 0))
        return np.append(first, d - 1) if count else first


class FailsOnOneIndex(Gaps):
    """An Elias code of gaps that assumes that there are two."""

    def write(self, stream, positions, d):
        if len(positions) == 1:
            raise IndexError("index 1 is out of bounds")
        return super().write(stream, positions, d)


class WrongBits(Gaps):
    """A code that predicts a bit less than it writes."""

    def bits(self, positions, d):
        return super().bits(positions, d) - 1


class IdentityInDisguise(Compressor):
    """Returns its input and charges four bits per coordinate; every upper bound holds."""

    def message(self, x, draw):
        return x

    def price(self, n, d, dtype):
        return 4.0 * d


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


class MaxNormForTwoNorm(Quantiser):
    """Scales by the largest magnitude, and declares the variance of the 2-norm."""

    def norm(self, x):
        return abs(x).max(axis=-1, keepdims=True)


class TwoNormForMaxNorm(Quantiser):
    """Scales by the 2-norm, and declares the variance of the largest magnitude."""

    def constants(self, d, n=1):
        return CompressorConstants(omega=upper_bound((d**0.5 - 1) / 2, "(√d − 1)/2") if self.s == 1 else None)


class DrawnLevels(Quantiser):
    """Says that the receiver can draw the levels that are sent."""

    def layout(self, d, dtype):
        return Numbers("norm", 1, side=True), Positions("up", d, drawn=True), Levels("level", d, -self.s, self.s)

    def parts(self, x, draw):
        return super().parts(x, draw) | {"up": draw.of("up").coin(0.5) & (x > 0)}

    def redraw(self, shape, draw):
        return {"up": np.broadcast_to(draw.of("up").coin(0.5), shape)}

    def assemble(self, parts, draw, d, dtype):
        return super().assemble(parts, draw, d, dtype) + parts["up"].astype(dtype)


class WrongState(Sparsifier):
    """Remembers what it does not send."""

    state = ("last",)
    last: Array = 0.0

    def after(self, parts):
        return {"last": parts["value"]}  # also where it is not sent

    def parts(self, x, draw):
        return super().parts(x, draw) | {"value": x}


class Regroups(Quantiser):
    """Says that levels of different norms can be added."""

    summable = True


class UnroundedMagnitude(Quantiser):
    """Rounds to levels and returns the magnitude as it was, at the price of the levels."""

    def message(self, x, draw):
        return x

    def price(self, n, d, dtype):
        return 8 * np.dtype(dtype).itemsize + d * np.ceil(np.log2(2 * self.s + 1))


class Understudy(Quantiser):
    """Charges one bit per coordinate for 2s + 1 levels."""

    def price(self, n, d, dtype):
        return 8.0 * np.dtype(dtype).itemsize + d


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


class LevelOffByOne(Quantiser):
    """Counts levels from one where it decodes."""

    def assemble(self, parts, draw, d, dtype):
        level = parts["level"]
        return super().assemble(parts | {"level": level + np.sign(level)}, draw, d, dtype)

    def constants(self, d, n=1):
        return CompressorConstants(omega=upper_bound(float(d), "d"))


class ReusedDraw(Quantiser):
    """Lets all workers round with the numbers of the first."""

    def rounded(self, level, draw):
        below = np.floor(level)
        return below + (draw.uniform(level.shape[-1])[:, :1] < level - below)


class Remembers(Sparsifier):
    """Adds what it did not send last time, which it keeps to itself."""

    def message(self, x, draw):
        left = getattr(type(self), "left", 0.0)
        left = left if np.shape(left) == x.shape else 0.0
        sent = super().message(x + left, draw)
        type(self).left = x + left - sent
        return sent


class BatchNorm(Sparsifier):
    """Scales by the mean over the batch."""

    def message(self, x, draw):
        return super().message(x, draw) * np.mean(x != 0).astype(x.dtype)


class Overflows(Quantiser):
    """Squares without care."""

    def norm(self, x):
        return np.sqrt((x**2).sum(axis=-1, keepdims=True))


class NotFirst(Sparsifier):
    """Never sends the first coordinate of several, and says that it treats all alike."""

    symmetric = True

    def kept(self, x):
        magnitude = abs(x)
        magnitude[..., 0] *= x.shape[-1] == 1
        return rank(-magnitude) < self.k

    def constants(self, d, n=1):
        return CompressorConstants()


class NotHomogeneous(Quantiser):
    """Rounds to multiples of a fixed number, and says that it scales."""

    homogeneous = True

    def norm(self, x):
        return np.full_like(x[..., :1], 4.0)

    def parts(self, x, draw):
        parts = super().parts(np.clip(x, -4, 4), draw)
        return parts | {"norm": self.norm(x)}

    def constants(self, d, n=1):
        return CompressorConstants()


class TooSmallA(Compressor):
    """Keeps the same random half for all workers, and declares the A of independent ones."""

    random = True
    shared = True

    def message(self, x, draw):
        kept = draw.uniform(x.shape[-1]) < 0.5
        return np.where(kept, 2 * x, 0).astype(x.dtype)

    def constants(self, d, n=1):
        return CompressorConstants(omega=exact(1.0, "1/p − 1"), ab=exact((1.0 / n, 0.0), "(ω/n, 0)"))


class WrongError(Sparsifier):
    """Gives the error of keeping one coordinate fewer."""

    def expected_error(self, x):
        kept = rank(-abs(x)) < self.k - 1
        return np.where(kept, 0, x**2).sum(axis=-1)


class TakesNaN(Sparsifier):
    """Compresses whatever it is given."""

    def compress(self, x, draw=None):
        return self.message(np.reshape(x, (1, 1, -1)), draw).reshape(np.shape(x))


class NonZeroAtZero(Compressor):
    """Sends what is not positive as minus the scale, which has a floor."""

    def message(self, x, draw):
        scale = np.maximum(abs(x).mean(axis=-1, keepdims=True), 1e-8)
        return np.where(x > 0, scale, -scale).astype(x.dtype)


MUTANTS = [
    Mutant(SignedSort(k=1), "contraction", "larger than δ"),
    Mutant(SmallestK(k=2), "contraction", "larger than δ"),
    Mutant(IdentityInDisguise(), "price", "the price is less than the message tells"),
    Mutant(MaxNormForTwoNorm(s=1), "approached", "declared exact, and no input comes near it"),
    Mutant(TwoNormForMaxNorm(s=1), "variance", "larger than ω"),
    Mutant(BiasedRounding(s=2), "unbiased", "the mean of the messages is not the vector"),
    Mutant(ForgottenScale(), "unbiased", "the mean of the messages is not the vector"),
    Mutant(TiesKept(k=2), "layout", "positions are sent as 'sent' where 2 are declared"),
    Mutant(FreeIndices(k=2), "price", "the price is less than the message tells"),
    Mutant(MutatedInput(k=1), "untouched", "message writes to its input"),
    Mutant(WrongPositions(k=2, code=LastIndexLost()), "decoding", "do not decode to the message"),
    Mutant(LevelTooMany(s=2), "layout", "and the alphabet ends at"),
    Mutant(LevelOffByOne(s=2), "unbiased", "the mean of the messages is not the vector"),
    Mutant(ReusedDraw(s=2), "own-draws", "dependent numbers"),
    Mutant(NonZeroAtZero(), "zero", "zero is not sent as zero"),
    Mutant(UnroundedMagnitude(s=2), "assembly", "not made from its parts"),
    Mutant(UnroundedMagnitude(s=2), "price", "the price is less than the message tells"),
    Mutant(WrongPositions(k=1, code=FailsOnOneIndex(EliasOmega())), "decoding", "IndexError"),
    Mutant(TooLargeDelta(k=2), "approached", "declared exact, and no input comes near it"),
    Mutant(Understudy(s=2), "price", "the price is less than the message tells"),
    Mutant(WrongPositions(k=2, code=WrongBits()), "ledger", "the codes and the bytes disagree"),
    Mutant(Remembers(k=1), "same-draw", "or on what was compressed before"),
    Mutant(BatchNorm(k=1), "same-draw", "depends on what else is in the batch"),
    Mutant(Overflows(s=2), "form", "overflow"),
    Mutant(NotFirst(k=1), "permutation", "declared symmetric, and is not"),
    Mutant(NotHomogeneous(s=8), "scale", "declared homogeneous, and is not"),
    Mutant(TooSmallA(), "ab", "errs more than (A, B)"),
    Mutant(DrawnLevels(s=2), "decoding", "do not decode to the message"),
    Mutant(WrongState(k=1), "state", "it depends on what is not sent"),
    Mutant(Halves(k=1), "support", "is sent as something else"),
    Mutant(WrongFastPath(k=2), "reference", "the compiled kernels and plain array code give different messages"),
    Mutant(WrongOnePass(k=2), "one-pass", "returns another C(p) than its steps"),
    Mutant(Regroups(s=1), "summable", "are declared summable, and are not"),
    Mutant(Threshold(), "absolute-error", "larger than κ²"),
    Mutant(Impossible(k=1), "declarations", "is not in (0, 1]"),
    Mutant(TakesDamage(k=1), "damage", "is not refused"),
    Mutant(OneForAll(k=2), "swept", "as one of a sweep is not what it is alone"),
    Mutant(WrongError(k=2), "expected-error", "not that of the messages"),
    Mutant(TakesNaN(k=1), "refusal", "compress takes nan"),
]

SOUND = [Sparsifier(k=2), Quantiser(s=2), WrongPositions(k=1, code=Gaps())]  # what the mutants are made from
