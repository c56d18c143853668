"""Open-loop memories: equal to the sum over all paths of noise that is held, and to their closed form."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import numpy as np
import pytest

from proofs_check.multipliers import multipliers
from proofs_check.open_loop import open_loop_memory, rand_k_memory, stationary_rand_k_memory
from toolkit.compressors import RandK


def enumerated(c, steps):
    """Rand-1 in the plane on (z, −z), z = ±1: drawn anew with probability 1 − |c|, else kept, and turned if c < 0."""
    paths = [(Fraction(1, 2), z, (Fraction(0),) * 2) for z in (1, -1)]
    squares = [Fraction(0)]
    for _ in range(steps):
        longer = []
        for chance, z, e in paths:
            p = e[0] + z, e[1] - z
            kept = z if c > 0 else -z
            following = [(abs(c), kept), ((1 - abs(c)) / 2, 1), ((1 - abs(c)) / 2, -1)]
            for sent, (more, then) in product((0, 1), following):
                left = tuple(Fraction(0) if j == sent else p[j] for j in range(2))
                longer.append((chance * more / 2, then, left))
        paths = longer
        squares.append(sum(chance * (e[0] ** 2 + e[1] ** 2) for chance, _, e in paths))
    return squares


@pytest.mark.parametrize("c", [Fraction(1, 3), Fraction(-1, 2), Fraction(1)])
def test_moments_are_the_sum_over_all_paths(c):
    covariance = np.array([[1, -1], [-1, 1]]) * Fraction(1)  # of (z, −z)
    found = open_loop_memory(multipliers(RandK(k=1), 2, Fraction), covariance, c, 4)
    assert found.tolist() == enumerated(c, 4)
    assert found.tolist() == (2 * rand_k_memory(Fraction(1, 2), c, 4)).tolist()  # σ² = 2


def test_the_closed_form_tends_to_its_limit():
    for mu, c in product((0.125, 0.5, 1.0), (-1.0, -0.5, 0.0, 0.9, 1.0)):
        # After 1000 steps at least 1e-50 of the start is left at most; each step adds a few eps of the sum of c^s.
        assert rand_k_memory(mu, c, 1000)[-1] == pytest.approx(stationary_rand_k_memory(mu, c), rel=1e-13)
