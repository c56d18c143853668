"""A compressor that treats all coordinates alike has a law that does so."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from proofs_check.contracts._base import OverVectors
from proofs_check.contracts._report import Violation, in_words
from proofs_check.contracts._subject import Subject
from proofs_check.contracts._vectors import beside, ordinary
from toolkit.arrays import Array


class Permutation(OverVectors):
    """Permuting the coordinates permutes the law of the message, where `symmetric` is declared."""

    topic: ClassVar[str] = "messages"
    statement: ClassVar[str] = (
        "permuting the coordinates permutes the mean and the expected squares of the message, without ties, because "
        "symmetric is declared"
    )

    def reason_not_applicable(self, subject: Subject) -> str:
        if not subject.compressor.symmetric:
            return "symmetric is not declared"
        return "" if self.dimensions(subject) else f"only samples are known: {_why(subject, subject.small[0])}"

    def dimensions(self, subject: Subject) -> tuple[int, ...]:
        return tuple(d for d in subject.small if not _why(subject, d))

    def vectors(self, subject: Subject, d: int, dtype: np.dtype[Any]) -> Array:
        return subject.vectors_with_law(d, dtype)

    def choose(self, subject: Subject, x: Array) -> Array:
        magnitudes = np.sort(np.abs(x), axis=-1)
        return ordinary(x) & (magnitudes[..., 1:] > magnitudes[..., :-1]).all(axis=(1, 2))

    def failing(self, subject: Subject, x: Array) -> Array:
        failing = _depart(subject, x)
        # What is left of numbers without ties may tie, and the lowest index then decides; not so beside that point.
        failing[failing] = _depart(subject, beside(x[failing]))
        return failing

    def violation(self, subject: Subject, x: Array) -> Violation:
        order = next(order for order in _orders(x.shape[-1]) if _departs(subject, x, order)[0].any())
        _, mean, permuted = _departs(subject, x, order)
        return Violation(
            "the compressor is declared symmetric, and is not",
            draw=subject.laws.basis(x),
            came=f"E C(Px) = {in_words(permuted[0, 0])}, with P the order {in_words(order)}",
            expected=f"P E C(x) = {in_words(mean[0, 0])}, and the same expected squares",
        )


def _why(subject: Subject, d: int) -> str:
    """Return why outcomes cannot be enumerated; empty if they can."""
    return subject.laws.finite(d, subject.n)[0]


def _orders(d: int) -> list[Array]:
    """Return the reversal, a rotation and a swap of the first two."""
    j = np.arange(d)
    return [j[::-1], np.roll(j, 1), np.concatenate([j[:2][::-1], j[2:]])]


def _depart(subject: Subject, x: Array) -> Array:
    """Tell for which vectors the law changes otherwise than by the permutation, by one of them at least."""
    return np.any([_departs(subject, x, order)[0] for order in _orders(x.shape[-1])], axis=0)


def _departs(subject: Subject, x: Array, order: Array) -> tuple[Array, Array, Array]:
    """Tell for which vectors the law changes otherwise than by the permutation; return the means to compare."""
    mean, square, largest = _moments(subject, x)
    permuted_mean, permuted_square, _ = _moments(subject, np.ascontiguousarray(x[..., order]))
    # A mean is good to eps of the largest message, however rare.
    apart = subject.apart(largest.astype(x.dtype), mean[..., order], permuted_mean)
    scale = largest.astype(float) ** 2
    far = np.abs(square[..., order] - permuted_square) > 32 * (x.shape[-1] + 8) * np.finfo(x.dtype).eps * scale
    return apart | far.any(axis=(1, 2)), mean[..., order], permuted_mean


def _moments(subject: Subject, x: Array) -> tuple[Array, Array, Array]:
    """Return mean and expected squares of the messages, and the largest number among them and x, (vector, 1, 1)."""
    outcomes = subject.laws.outcomes(x)
    if outcomes is None:
        return np.zeros(x.shape), np.zeros(x.shape), np.ones((len(x), 1, 1))
    sent = outcomes.sent.astype(float)
    largest = np.zeros(len(x))
    np.maximum.at(largest, outcomes.vector, np.abs(sent).max(axis=(1, 2)))
    largest = np.maximum(largest, np.abs(x).max(axis=(1, 2)))[:, None, None]
    return outcomes.expect(sent), outcomes.expect(sent**2), largest
