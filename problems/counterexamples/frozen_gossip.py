"""Averaging by gossip on quantised values: agreement is never reached, or on the wrong value."""

from __future__ import annotations

from typing import Any

import numpy as np

from problems.quadratic import Quadratic
from toolkit.arrays import Array

__all__ = ["FrozenGossip"]


class FrozenGossip(Quadratic):
    r"""Two workers at (2, 1) and (2, 0) who want their mean; Top-1 shows each other only what they agree on.

    .. math:: f_i(x) = \tfrac12\|x - c_i\|^2, \quad c_1 = (2, 1),\ c_2 = (2, 0), \qquad x^\star = (2, \tfrac12)

    Runs begin with worker i at c_i.

    Notes
    -----
    Both send (2, 0). With the update by differences of messages (Q2) nothing moves for ever: the disagreement
    (1/n) Σ ‖x_i − x̄‖² stays ¼. With the update towards the messages (Q1) the workers do agree, but on (2, 0): the mean
    is lost, x_t = (2, 2^{−t}) for worker 1. What repairs it: CHOCO's public copies, which compress differences that
    vanish. Source: sheet D4 (the two schemes recalled; instance and laws derived here).

    Examples
    --------
    >>> problem = FrozenGossip()
    >>> problem.x_star, problem.start.shape
    (array([2. , 0.5]), (1, 2, 2))
    """

    def __init__(self) -> None:
        values = np.array([[2.0, 1.0], [2.0, 0.0]])
        super().__init__(np.ones((2, 2)), linear=values)
        self.start = values[None]

    def describe(self) -> dict[str, Any]:
        return {}

    def disagreement_law(self, steps: int, towards: str) -> Array:
        """Return (1/n) Σ ‖x_i − x̄‖² of Q1 (towards 'messages') or Q2 ('differences'), shape ``(steps + 1,)``."""
        second = 2.0 ** -np.arange(steps + 1) if towards == "messages" else np.ones(steps + 1)
        return second**2 / 4

    def mean_law(self, steps: int, towards: str) -> Array:
        """Return the mean over workers, shape ``(steps + 1, 2)``."""
        second = 2.0 ** -np.arange(steps + 1) if towards == "messages" else np.ones(steps + 1)
        return np.stack([np.full(steps + 1, 2.0), second / 2], axis=-1)
