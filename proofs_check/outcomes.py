"""Every outcome of a random compressor with its exact probability, found by playing its draws.

The compressor runs on a draw that is a script. Whenever it asks for something that can turn out in finitely many ways
(a subset, a permutation, signs, or whether a uniform number is below a threshold), the script forks: the run is
repeated once for each way, all of them as rows of one batch. So a compressor runs once more than it makes choices, and
an expectation is a finite sum instead of an average over samples.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from proofs_check.forking import Choice, Fork, ForkingDraw, NotFinite, Play
from toolkit.arrays import Array
from toolkit.compressors import Compressor

__all__ = ["NotFinite", "Outcomes", "outcomes"]

LIMIT = 1 << 15  # outcomes of one batch of vectors


@dataclass(frozen=True)
class Outcomes:
    """All messages of some vectors, with their probabilities.

    Parameters
    ----------
    sent : array, shape (outcome, worker, d)
        The messages, those of one vector together, in the order of the vectors.
    probability : array, shape (outcome,)
        Of each outcome of its vector.
    vector : array of int, shape (outcome,)
        Which vector it belongs to.
    """

    sent: Array
    probability: Array
    vector: Array

    def then(self, more: Outcomes) -> Outcomes:
        """Return the outcomes of these vectors and then of more."""
        return Outcomes(
            np.concatenate([self.sent, more.sent]),
            np.concatenate([self.probability, more.probability]),
            np.concatenate([self.vector, self.vector[-1] + 1 + more.vector]),
        )

    def expect(self, values: Array) -> Array:
        """Return the expectation of a function of the outcome, shape (outcome, …), for each vector."""
        first = np.flatnonzero(np.diff(self.vector, prepend=-1))
        weights = self.probability.reshape(-1, *[1] * (values.ndim - 1))
        return np.add.reduceat(weights * values, first, axis=0)


def outcomes(compressor: Compressor, x: Array, limit: int = LIMIT) -> Outcomes:
    """Return every message of each vector with its probability.

    Parameters
    ----------
    compressor : Compressor
        Any; a deterministic one has one outcome.
    x : array, shape (vector, worker, d)
        Finite vectors; the workers draw the same numbers if the compressor says so, else each its own.
    limit : int
        The most outcomes, of all vectors together.

    Raises
    ------
    NotFinite
        If the compressor draws normal numbers, uses uniform numbers otherwise than by comparing or rounding them, takes
        two kinds of numbers from one address, or has more outcomes.

    Notes
    -----
    A draw's uniform numbers are (word + 1/2)/2³², so in a run every probability of a comparison is met to within 2⁻³³.

    Examples
    --------
    >>> from toolkit.compressors import Natural, RandK
    >>> all_sent = outcomes(Natural(), np.array([[[1.25, -6.0]]]))
    >>> all_sent.sent[:, 0].tolist(), all_sent.probability
    ([[2.0, -8.0], [1.0, -8.0], [2.0, -4.0], [1.0, -4.0]], array([0.125, 0.375, 0.125, 0.375]))
    >>> len(outcomes(RandK(k=2), np.ones((1, 1, 5))).sent)
    10
    """
    try:
        return _played(compressor.message, x, compressor.random, compressor.shared, limit)
    except NotFinite:
        raise
    except Exception as error:
        # A faster `message` may want more of a draw than a script has; `parts` and `assemble` say the same.
        if type(compressor).parts is Compressor.parts:
            raise NotFinite(f"message(x, draw) does not run on a script: {error}") from error
    try:
        return _played(_through_parts(compressor), x, compressor.random, compressor.shared, limit)
    except NotFinite:
        raise
    except Exception as error:
        raise NotFinite(f"parts(x, draw) does not run on a script: {error}") from error


Message = Callable[[Array, Any], Array]


def _through_parts(compressor: Compressor) -> Message:
    def message(x: Array, draw: Any) -> Array:
        return compressor.assemble(compressor.parts(x, draw), draw, x.shape[-1], x.dtype)

    return message


def _played(message: Message, x: Array, random: bool, shared: bool, limit: int) -> Outcomes:
    """Run a message, forking until everything it asks for is decided."""
    vector, probability = np.arange(len(x)), np.ones(len(x))
    made: dict[str, Choice] = {}
    while True:
        script = ForkingDraw(Play(made, len(vector), x.shape[1], limit), own=not shared)
        try:
            sent = message(np.ascontiguousarray(x[vector]), script if random else None)
            return Outcomes(np.asarray(sent), probability, vector)
        except Fork as fork:
            made = {address: choice.of_rows(fork.row) for address, choice in made.items()}
            made[fork.address] = fork.choice
            vector, probability = vector[fork.row], probability[fork.row] * fork.probability
