"""What is held against a declared constant of a compressor, exactly or from draws."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from proofs_check.outcomes import NotFinite, outcomes
from toolkit import kernels
from toolkit.arrays import Array
from toolkit.compressors import Compressor
from toolkit.constants import CompressorConstants, Constant
from toolkit.draws import Draw

__all__ = ["FORMULAS", "Error", "Measure"]

# Held against ω, 1 − δ, κ² and A.
FORMULAS = {
    "omega": "E‖C(x) − x‖²/‖x‖²",
    "delta": "E‖C(x) − x‖²/‖x‖²",
    "kappa_sq": "E‖C(x) − x‖²",
    "ab": "(E‖(1/n)Σ(C(x_i) − x_i)‖² + B‖(1/n)Σx_i‖²)/((1/n)Σ‖x_i‖²)",
}
PIECE = 1 << 20  # numbers compressed at a time
EPS = float(np.finfo(float).eps)

Error = Callable[[Array], Array]  # the expected errors of a batch of inputs


class Measure:
    """The measure of one constant, on inputs of shape ``(candidate, n, d)``.

    Parameters
    ----------
    compressor : Compressor
        The compressor.
    d, n : int
        Dimension and number of workers.
    constant : str
        One of `FORMULAS`.
    error : callable, optional
        The exact expected errors, if the compressor does not know them: shape ``(candidate, n)`` or, of the mean over
        workers for 'ab', ``(candidate,)``.

    Attributes
    ----------
    error : callable or None
        The exact expected errors; None if they are not known in closed form.
    """

    def __init__(self, compressor: Compressor, d: int, n: int, constant: str, error: Error | None = None) -> None:
        self.compressor, self.d, self.n, self.constant = compressor, d, n, constant
        self.constants = constants_of(compressor, d, n)
        self.error = self._closed_form() if error is None else error

    @property
    def declared(self) -> float | None:
        """What the measure must not exceed by what the compressor declares: ω, 1 − δ, κ² or A; None if nothing."""
        declared: Constant | None = getattr(self.constants, self.constant)
        if declared is None:
            return None
        if self.constant == "ab":
            return float(declared.value[0])
        return 1 - float(declared) if self.constant == "delta" else float(declared)

    def values(self, x: Array) -> Array:
        """Return the exact measure, of the worst worker, shape ``(candidate,)``; only where `error` is known."""
        assert self.error is not None
        return self.worst(self.of(x, self.error(x)))

    def of(self, x: Array, error: Array) -> Array:
        """Return the measures of errors of shape ``(…, candidate, n)``; for 'ab', ``(…, candidate)``.

        An error that is not a number counts as infinite.
        """
        error = np.where(np.isnan(error), np.inf, error)
        if self.constant == "kappa_sq":
            return error
        norm_sq = kernels.sum_sq(x)
        if self.constant == "ab":
            B = 0.0 if self.constants.ab is None else float(self.constants.ab.value[1])
            error = error + B * kernels.sum_sq(x.mean(axis=1, keepdims=True))[:, 0]
            norm_sq = norm_sq.mean(axis=1)
        # C(0) must be 0: any error there is infinitely many times ‖0‖².
        at_zero = np.where(error == 0, 0.0, np.inf)
        return np.where(norm_sq > 0, error / np.where(norm_sq > 0, norm_sq, 1), at_zero)

    def worst(self, measures: Array) -> Array:
        """Return the measure of the worst worker."""
        return measures if self.constant == "ab" else measures.max(axis=-1)

    def drawn(self, x: Array, draws: int, seed: int, purpose: str) -> Array:
        """Return the measures of single draws, the same ones for all inputs, shape ``(draw, candidate, …)``."""
        size = max(1, PIECE // (draws * self.n * self.d))
        pieces = [self._drawn(x[i : i + size], draws, seed, purpose) for i in range(0, len(x), size)]
        return np.concatenate(pieces, axis=1)

    def enumerated(self, x: Array) -> float | None:
        """Return the exact measure of one input by all its outcomes, or None if these cannot be enumerated."""
        try:
            every = outcomes(self.compressor, x)
        except NotFinite:
            return None
        error = every.expect(self._errors(np.broadcast_to(x, every.sent.shape), every.sent))
        return float(self.worst(self.of(x, error))[0])

    def allowance(self, x: Array, value: float) -> float:
        """Return how far rounding may have moved a value and the declared one, see `worst_input`."""
        if not np.isfinite(value):
            return 0.0
        length = float(kernels.sum_sq(x).max()) ** 0.5 if self.constant == "kappa_sq" else 1.0
        declared = self.declared or 0.0
        if self.constant in ("delta", "omega"):
            declared = max(1.0, declared)  # 1 − δ is as good as δ, and ω may come from it
        return EPS * ((self.d + 16) * (length * value**0.5 + value) + declared)

    def _closed_form(self) -> Error | None:
        compressor, probe = self.compressor, np.ones((1, self.n, self.d))
        if compressor.expected_error(probe) is not None:
            if self.constant != "ab":
                return lambda x: np.asarray(compressor.expected_error(x))
            if self.constants.omega is not None and not compressor.shared:
                # Errors of workers that draw independently, and without bias, add up.
                return lambda x: np.asarray(compressor.expected_error(x)).sum(axis=1) / self.n**2
        return None if compressor.random else lambda x: self._errors(x, compressor.message(x, None))

    def _errors(self, x: Array, sent: Array) -> Array:
        """Return ‖C(x) − x‖² of each worker or, for the AB inequality, that of the mean."""
        if self.constant == "ab":
            return kernels.sum_sq_difference(x.mean(axis=1, keepdims=True), sent.mean(axis=1, keepdims=True))[:, 0]
        return kernels.sum_sq_difference(np.ascontiguousarray(x), sent)

    def _drawn(self, x: Array, draws: int, seed: int, purpose: str) -> Array:
        draw = Draw(np.tile(seed + np.arange(draws), len(x)), workers=self.n).of(purpose)
        batch = np.repeat(x, draws, axis=0)
        sent = self.compressor.message(batch, draw if self.compressor.shared else draw.per_worker)
        errors = self._errors(batch, sent)
        return self.of(x, np.moveaxis(errors.reshape(len(x), draws, *errors.shape[1:]), 1, 0))


def constants_of(compressor: Compressor, d: int, n: int) -> CompressorConstants:
    """Return the constants for `n` workers; a compressor of one's own need not know that number if it is 1."""
    constants: Any = compressor.constants
    return constants(d) if n == 1 else constants(d, n)
