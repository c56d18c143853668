"""The mean and the expected error of messages: exact, or within limits from samples."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from proofs_check.outcomes import Outcomes
from proofs_check.statistics import mean_interval
from toolkit.arrays import Array

__all__ = ["Law", "exact_law", "magnitude", "mean_of_workers", "sampled_law"]


@dataclass(frozen=True)
class Law:
    """E C(x) and E‖C(x) − x‖² of vectors, in units that keep squares from overflow and underflow.

    Parameters
    ----------
    unit : array, shape (vector, worker, 1)
        Powers of two, larger than all numbers of the vector and its messages, and at most twice the largest of them.
    x : array, shape (vector, worker, d)
        The vectors, in these units, as the other numbers are.
    mean_low, mean_high : array, shape (vector, worker, d)
        The mean, or limits of it.
    error_low, error_high : array, shape (vector, worker)
        The expected squared error, or limits of it.
    allowance : array, shape (vector, worker, 1)
        What rounding may do to one coordinate.
    """

    unit: Array
    x: Array
    mean_low: Array
    mean_high: Array
    error_low: Array
    error_high: Array
    allowance: Array

    @property
    def norm(self) -> Array:
        """‖x‖, shape ``(vector, worker)``."""
        return np.sqrt(np.sum(self.x**2, axis=-1))

    @property
    def root_error(self) -> Array:
        """The least √E‖C(x) − x‖² that is compatible with what is known, shape ``(vector, worker)``."""
        return np.sqrt(np.maximum(self.error_low, 0))

    @property
    def norm_allowance(self) -> Array:
        """What rounding may do to the norm of the error, shape ``(vector, worker)``."""
        return self.allowance[..., 0] * np.sqrt(self.x.shape[-1])


def exact_law(x: Array, outcomes: Outcomes, least: Array) -> Law:
    """Return the law of vectors, shape ``(vector, worker, d)``, all of whose outcomes are known.

    Parameters
    ----------
    least : array, shape (vector, worker, 1)
        The magnitude of what was rounded on the way to the vectors and messages.
    """
    first = np.flatnonzero(np.diff(outcomes.vector, prepend=-1))
    unit = _unit(np.maximum(np.maximum.reduceat(magnitude(outcomes.sent), first, axis=0), least))
    own = outcomes.vector
    sent, scaled = outcomes.sent / unit[own], x / unit
    mean = outcomes.expect(sent)
    error = outcomes.expect(np.sum((sent - scaled[own]) ** 2, axis=-1))
    return Law(unit, scaled, mean, mean, error, error, _allowance(x, unit))


def sampled_law(x: Array, sent: Array, least: Array, error_probability: float) -> Law:
    """Return the law of vectors within limits from samples, shape ``(run, vector, worker, d)``.

    Each of the two statements (of all means, of all errors) misses with the error probability at most. It rests on t
    limits and, for what was never drawn, on this: an outcome that R runs have not shown has a probability of at most
    log(1/α)/R, and is taken to be no larger than the largest number that was seen.
    """
    unit = _unit(np.maximum(magnitude(sent).max(axis=0), least))
    sent, scaled = sent / unit, x / unit
    errors = np.sum((sent - scaled) ** 2, axis=-1)
    mean = mean_interval(sent, error_probability, simultaneous=True)
    error = mean_interval(errors, error_probability, simultaneous=True)
    unseen = math.log(x.size / error_probability) / len(sent)
    of_mean, of_error = (
        2 * unseen,
        unseen * np.maximum(errors.max(axis=0), 1.0),
    )  # in these units x and C(x) are below 1
    return Law(
        unit,
        scaled,
        mean.low - of_mean,
        mean.high + of_mean,
        np.maximum(error.low - of_error, 0),
        error.high + of_error,
        _allowance(x, unit),
    )


def magnitude(x: Array) -> Array:
    """Return the largest |x_j| of each row, as float64, keeping the axis."""
    return np.abs(x).max(axis=-1, keepdims=True).astype(float)


def mean_of_workers(x: Array) -> Array:
    """Return (1/n) Σ x_i, shape ``(…, 1, d)``, as float64, without overflow."""
    return np.sum(x / float(x.shape[-2]), axis=-2, keepdims=True)


def _unit(peak: Array) -> Array:
    _, exponent = np.frexp(np.where(np.isfinite(peak) & (peak > 0), peak, 0.5))
    return np.ldexp(1.0, np.minimum(exponent, 1023))


def _allowance(x: Array, unit: Array) -> Array:
    """Sums of d terms, each good to a few eps, and the grid of subnormal numbers."""
    info, d = np.finfo(x.dtype), x.shape[-1]
    return 8 * (d + 8) * (float(info.eps) + float(info.smallest_subnormal) / unit)
