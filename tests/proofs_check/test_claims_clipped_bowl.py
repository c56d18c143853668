"""The bowl across which error feedback steps for ever, simulated."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from problems.counterexamples.clipped_bowl import ClippedBowl
from proofs_check.claim import Claim
from proofs_check.claims.museum.clipped_bowl import Repair, Stepping, StretchLong
from proofs_check.contracts import check_compressor
from tests.proofs_check.judging import record_of
from toolkit import simulate
from toolkit.algorithms.error_feedback import ErrorFeedback
from toolkit.errors import WrongUse


@pytest.mark.parametrize("kind", [Stepping, Repair])
def test_verdict(kind: type[Claim]) -> None:
    record = record_of(kind())
    assert record["verdict"] == kind.expected == "holds", record["reason"]


class Shorter(Stepping):
    factor = 0.9


class NotRepaired(Repair):
    methods = {
        "error feedback, the same step": (ErrorFeedback(), StretchLong(delta=float(1 - Fraction(1, 11) ** 2)), 1.0)
    }


@pytest.mark.parametrize("kind", [Shorter, NotRepaired])
def test_negative_controls_are_violated(kind: type[Claim]) -> None:
    assert record_of(kind())["verdict"] == "violated"


def test_the_compressor_is_what_it_declares() -> None:
    check_compressor(StretchLong(delta=0.75, threshold=1.0), dimensions=3)


def test_samples_are_signs_with_the_gradient_as_their_mean() -> None:
    problem, x = ClippedBowl(sampled=True), np.linspace(-1.5, 1.5, 7)
    result = simulate(
        problem, ErrorFeedback(), stepsize=0.1, steps=3, runs=4, record="all", keep=("x",), progress=False
    )
    # Every step is ±γ, so that x is 1 ± 0.1 ± 0.1 …
    np.testing.assert_allclose(np.diff(result.x.values[:, :, 0, 0]) ** 2, 0.01, rtol=1e-12)
    assert (problem.gradient(x[:, None, None])[:, 0, 0] == np.clip(x, -1, 1)).all()
    # Numerical derivative of a function with f'' ≤ 1 by central differences.
    slope = (problem.value(x[:, None, None] + 1e-6) - problem.value(x[:, None, None] - 1e-6))[:, 0] / 2e-6
    np.testing.assert_allclose(slope, np.clip(x, -1, 1), atol=1e-6)
    assert float(problem.constants.sigma_sq) == 1.0


def test_parameters_out_of_range_are_refused() -> None:
    for q, walk in ((0, 0), (1, 0), (Fraction(1, 2), -1)):
        with pytest.raises(WrongUse, match="out of range"):
            ClippedBowl.stepping(q, walk)
