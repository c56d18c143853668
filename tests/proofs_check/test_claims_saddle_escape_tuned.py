"""Escapes with tuned step sizes: verdicts, and what breaks them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from proofs_check.claim import Claim
from proofs_check.claims.saddle import escape_tuned
from proofs_check.claims.saddle.escape_tuned import (
    BreakEven,
    BreakEvenPower,
    FactorDimension,
    LargestStep,
    Tuned,
    TwoTerms,
    implied_step,
)
from proofs_check.escape_laws import largest_step
from tests.proofs_check.judging import claims_in, record_of
from toolkit.algorithms import PerturbedSGD
from toolkit.compressors import Identity
from toolkit.simulation import run

CLAIMS = claims_in(escape_tuned)


@pytest.mark.parametrize("name", CLAIMS)
def test_verdict(name: str, results: Any) -> None:
    record = record_of(CLAIMS[name], results)
    assert record["verdict"] == record["expected"], record["reason"]


def test_which_step_has_which_slope(results: Any) -> None:
    found = {one["name"]: one for one in record_of(TwoTerms(), results)["instances"]}
    assert {name: one["verdict"] for name, one in found.items()} == {
        "largest step, orthogonal, ε=1/2": "violated",
        "step ∝ μ², orthogonal, ε=1": "holds",
    }
    assert abs(found["largest step, orthogonal, ε=1/2"]["measured"] + 1) < 0.15


def test_the_power_of_the_break_even_is_that_of_the_law(results: Any) -> None:
    """The law's, 1.42; its interval of 99 % is as narrow as the margin, and the seeds are fixed."""

    class OfTheLaw(BreakEvenPower):
        exponent = 1.42

    (one,) = record_of(OfTheLaw(), results)["instances"]
    assert one["verdict"] == "holds"


class UncompressedGradient(LargestStep):
    def law(self, mu: Any, step: Any) -> Any:
        return step / (2 - step)


class Faster(BreakEven):
    factor = 0.9


class SlopeMinusOne(TwoTerms):
    exponent = -1.0


class NoFactor(FactorDimension):
    """The same time for all d, also with r² = dσ²."""

    exponents = {"r² = dσ²": 0.0}


@pytest.mark.parametrize("control", [UncompressedGradient, Faster, SlopeMinusOne, NoFactor])
def test_what_is_wrong_is_violated(control: type[Claim], results: Any) -> None:
    assert record_of(control(), results)["verdict"] == "violated"


def test_with_all_coordinates_it_is_perturbed_sgd() -> None:
    compressed = Tuned("not Lipschitz", 16, 16, 0.5).experiment(20)
    method: Any = compressed.algorithm
    plain = replace(compressed, algorithm=PerturbedSGD(radius=method.radius), compressor=Identity())
    np.testing.assert_array_equal(run(compressed).last_step, run(plain).last_step)


def test_step_sizes() -> None:
    assert largest_step(1.0, 1 / 4) == pytest.approx(0.4)  # E‖∇f‖²/σ² = 0.4/1.6
    assert implied_step(0.6, 0.5) == largest_step(1.0, 1 / 4)  # above the break-even, 0.595
    assert implied_step(0.2, 0.5) == pytest.approx(4 * implied_step(0.1, 0.5))
    assert Tuned("orthogonal", 16, 16, 0.5).reach == pytest.approx(np.sqrt(2) * Tuned("isotropic", 16, 16, 0.5).reach)
