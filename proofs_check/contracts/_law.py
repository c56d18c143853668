"""The mean and the expected error of messages: exact, or within limits from samples."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from proofs_check.outcomes import Outcomes
from proofs_check.statistics import mean_interval
from toolkit.arrays import Array

__all__ = ["Law", "exact_law", "sampled_law"]


@dataclass(frozen=True)
class Law:
    """E C(x) and E‖C(x) − x‖² of vectors, in units that keep squares from overflow and underflow.

    Parameters
    ----------
    unit : array, shape (vector, worker, 1)
        Powers of two, at least as large as all numbers of the vector and its messages, and less than twice that.
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
    def norm_allowance(self) -> Array:
        """What rounding may do to the norm of the error, shape ``(vector, worker)``."""
        return self.allowance[..., 0] * np.sqrt(self.x.shape[-1])


def exact_law(x: Array, outcomes: Outcomes) -> Law:
    """Return the law of vectors, shape ``(vector, worker, d)``, all of whose outcomes are known."""
    first = np.flatnonzero(np.diff(outcomes.vector, prepend=-1))
    unit = _unit(x, np.maximum.reduceat(np.abs(outcomes.sent), first, axis=0))
    own = outcomes.vector
    sent, scaled = outcomes.sent / unit[own], x / unit
    mean = outcomes.expect(sent)
    error = outcomes.expect(np.sum((sent - scaled[own]) ** 2, axis=-1))
    return Law(unit, scaled, mean, mean, error, error, _allowance(x, unit))


def sampled_law(x: Array, sent: Array, error_probability: float) -> Law:
    """Return the law of vectors within limits from samples, shape ``(run, vector, worker, d)``.

    Each of the two statements (of all means, of all errors) misses with the error probability at most.
    """
    unit = _unit(x, np.abs(sent).max(axis=0))
    sent, scaled = sent / unit, x / unit
    mean = mean_interval(sent, error_probability, simultaneous=True)
    error = mean_interval(np.sum((sent - scaled) ** 2, axis=-1), error_probability, simultaneous=True)
    return Law(unit, scaled, mean.low, mean.high, error.low, error.high, _allowance(x, unit))


def _unit(x: Array, largest_sent: Array) -> Array:
    peak = np.maximum(np.abs(x), largest_sent).max(axis=-1, keepdims=True).astype(float)
    _, exponent = np.frexp(np.where(np.isfinite(peak) & (peak > 0), peak, 0.5))
    return np.ldexp(1.0, np.minimum(exponent, 1023))


def _allowance(x: Array, unit: Array) -> Array:
    """Sums of d terms, each good to a few eps, and the grid of subnormal numbers."""
    info, d = np.finfo(x.dtype), x.shape[-1]
    return 8 * (d + 8) * (float(info.eps) + float(info.smallest_subnormal) / unit)
