"""The price of a message is at least what it tells."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

import numpy as np

from proofs_check.contracts._base import Contract
from proofs_check.contracts._report import Finding, Violation
from proofs_check.contracts._subject import Subject
from proofs_check.statistics import mean_interval
from toolkit.arrays import Array
from toolkit.draws import Draw
from toolkit.layout import Numbers, Positions, Seed
from toolkit.ledger import ledger

MESSAGES = 2048  # in which patterns are counted
POINTS = 96  # at which derivatives are taken
DIRECTIONS = 40  # of derivatives, at most
STEP = 2.0**-28  # of a difference, relative to the vector: rarely over a jump
SMOOTH = 1e-4  # what rounding makes of singular values that are 0 is below this
DIGITS = 9  # to which multiples of one number are told apart
EXPONENTS = 500  # of the largest and smallest magnitudes, base 2


class Price(Contract):
    """The formula price is, on average, at least the information that messages carry."""

    topic: ClassVar[str] = "bits"
    statement: ClassVar[str] = (
        "the formula price is on average at least the information in a message: the width of each real number that "
        "varies freely with x, and the entropy of the pattern (support, levels, signs), given what the receiver draws"
    )

    def check(self, subject: Subject) -> Finding:
        tried, measured = [], ""
        for d in subject.dimensions:
            told = _information(subject, d)
            tried.append(str(d))
            bits = ledger(subject.compressor, told.x, subject.draw([0]))
            measured = (
                f"d = {d}: formula {told.price:.6g} bits, of which {told.bits:.6g} were seen in use; one message has "
                f"an entropy of {bits.entropy[0, 0]:.6g} and {bits.encoded[0, 0]:.6g} bits as bytes"
            )
            if told.lacking > 0:
                violation = Violation(
                    "the price is less than the message tells",
                    told.x[0] if subject.n > 1 else told.x[0, 0],
                    came=f"the price of such messages is {told.price:.6g} bits",
                    expected=f"at least {told.bits:.6g}: {told.in_words}",
                )
                return self._judged("violated", tried, subject, violation=violation)
        return self._judged("holds", tried, subject, measured=(measured,))

    def _judged(self, verdict: str, tried: list[str], subject: Subject, **more: object) -> Finding:
        what = f"float64 of dimension {', '.join(tried)}, {MESSAGES} messages each"
        return self.finding(verdict, what, error_probability=subject.error_probability, basis="asymptotic (t)", **more)


class _Information(NamedTuple):
    """What messages tell on average, and by how much at least the price is less than that."""

    price: float
    bits: float
    lacking: float
    in_words: str
    x: Array


def _information(subject: Subject, d: int) -> _Information:
    """Count what messages in dimension `d` tell, from below."""
    compressor, x = subject.compressor, _vectors(subject, d)
    layout = compressor.layout(d, x.dtype)
    widths = [8 * np.dtype(field.dtype or x.dtype).itemsize for field in layout if isinstance(field, Numbers)]
    width = min(widths, default=8 * x.dtype.itemsize)
    known = any(isinstance(field, Seed) or (isinstance(field, Positions) and field.drawn) for field in layout)
    sent = compressor.message(x, subject.draw(np.zeros(len(x), dtype=int) if known else np.arange(len(x))))
    points = x[:POINTS]
    reals, scaled = _reals(subject, points)
    what, keys = _patterns(sent[:, 0], int(reals.max()), scaled)
    share = np.unique(keys, axis=0, return_counts=True)[1] / len(keys)
    entropy = max(0.0, -float(share @ np.log2(share)))
    # One real number that scales a pattern has its sign in the pattern.
    values = reals * float(width) - (reals == 1) * (what == "patterns up to scale")
    price = compressor.price(subject.n, d, x.dtype)
    if price is None:
        draw = subject.draw(np.arange(POINTS))
        each = compressor.price_of_parts(compressor.parts(points, draw), draw, d, x.dtype)
        prices = np.broadcast_to(np.asarray(each, dtype=float), points.shape[:2])[:, 0]
    else:
        prices = np.full(POINTS, float(np.min(price)))
    lacking = mean_interval(values + entropy - prices, subject.error_probability)
    in_words = f"{reals.mean():.4g} times {width} bits of real numbers, and {entropy:.4g} bits for {len(share)} {what}"
    allowance = 1e-9 * float(values.mean() + entropy)
    bits = float(values.mean()) + entropy
    return _Information(float(prices.mean()), bits, float(lacking.low) - allowance, in_words, x[:1])


def _vectors(subject: Subject, d: int) -> Array:
    """Return vectors without zeros, the first half normal, the others of all magnitudes; the same for all workers."""
    draw = Draw(subject.seed + np.arange(MESSAGES // 2)).of("price")
    exponents = np.floor(EXPONENTS * (2 * draw.of("exponents").uniform(d) - 1))
    normal = draw.of("normal").normal(d)
    return np.repeat(
        np.concatenate([normal, np.ldexp(draw.of("wide").normal(d), exponents.astype(int))]), subject.n, axis=1
    )


def _reals(subject: Subject, x: Array) -> tuple[Array, bool]:
    """Return how many real numbers vary freely with x, and whether one number scales each message.

    The first is the rank of the derivative, with the draw held fixed; the second is that a derivative of rank 1 goes
    along the message.
    """
    d = x.shape[-1]
    directions = np.eye(d) if d <= DIRECTIONS else Draw(subject.seed + np.arange(DIRECTIONS)).normal(d)[:, 0]
    step = STEP * np.abs(x).max(axis=(1, 2), keepdims=True)
    moved = np.stack([x, *(x + step * direction for direction in directions)], axis=1)
    seeds = np.repeat(np.arange(len(x)), moved.shape[1])
    sent = subject.compressor.message(np.ascontiguousarray(moved.reshape(-1, *x.shape[1:])), subject.draw(seeds))
    sent = sent.reshape(moved.shape)[:, :, 0]
    slopes = (sent[:, 1:] - sent[:, :1]) / step
    _, lengths, along = np.linalg.svd(slopes, full_matrices=False)
    rank = (lengths > SMOOTH).sum(axis=-1)
    message = _in_units_of_peak(sent[:, 0])
    across = message - np.sum(message * along[:, 0], axis=-1, keepdims=True) * along[:, 0]
    return rank, bool((np.abs(across)[rank == 1] <= SMOOTH).all())


def _patterns(sent: Array, reals: int, scaled: bool) -> tuple[str, Array]:
    """Return what may differ between messages besides their real numbers, and a key of it for each message."""
    if reals == 0:
        return "messages", sent
    rounded: Array = np.round(_in_units_of_peak(sent), DIGITS) + 0.0
    if reals == 1 and scaled:
        return "patterns up to scale", rounded
    # What rounding leaves of numbers that cancel is no support; of numbers of all magnitudes it may be all there is.
    return "supports", rounded[: len(sent) // 2] != 0


def _in_units_of_peak(sent: Array) -> Array:
    peak = np.abs(sent).max(axis=-1, keepdims=True)
    return sent / np.where(peak > 0, peak, 1.0)
