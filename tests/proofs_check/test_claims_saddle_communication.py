"""The bits to a second-order point: verdicts, and what breaks the claims about them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from proofs_check.claim import Claim
from proofs_check.claims.saddle import communication
from proofs_check.claims.saddle.communication import (
    GainInAccuracy,
    GainInDimension,
    LargerGain,
    Point,
    along_accuracy,
    along_dimension,
    rand_k,
    spent,
    uncompressed,
    with_memory,
)
from tests.proofs_check.judging import broken, claims_in, record_of
from toolkit.algorithms import CompressedPerturbedSGD, State, mean
from toolkit.compressors import Identity, RandK, TopK
from toolkit.experiment import Experiment
from toolkit.simulation import run

CLAIMS = claims_in(communication)


@pytest.mark.parametrize("name", CLAIMS)
def test_verdict(name: str, results: Any) -> None:
    # The seeds are fixed. That one of the intervals misses the truth has probability 1 % in each of four instances,
    # that of a mean 1e-3 in each of three.
    record = record_of(CLAIMS[name], results)
    assert record["verdict"] == "holds", record["reason"]


class Forgetful(CompressedPerturbedSGD):
    """What is not sent is lost."""

    def step(self, state: State, oracle: Any, channel: Any, draw: Any) -> State:
        sent = channel.send(oracle.sample(state.x) + self.perturbation(draw, state.x))
        return State(x=state.x - self.stepsize * mean(sent), memory=state.memory)


class WithoutMemory(GainInDimension):
    exponents: Mapping[bool, float] = {False: 0.5}

    def compressed(self, point: Point) -> Experiment:
        return point.run(Forgetful(radius=point.radius), rand_k(point))


class ShareOfAll(GainInDimension):
    """Keeps a share of d where the theory keeps √d."""

    exponents: Mapping[bool, float] = {False: 0.5}

    def compressed(self, point: Point) -> Experiment:
        return with_memory(point, RandK(k=point.d // 2, common=True))


class WholeSquareRoot(GainInAccuracy):
    """Says that the gain is that of k alone squared."""

    exponents: Mapping[bool, float] = {True: -1.5}


class SharperThanKnown(GainInAccuracy):
    margin: Mapping[str, float] = {"quick": 0.04}


class ManyCoordinates(LargerGain):
    few = 4


class LongSteps(LargerGain):
    """A larger ε, with its longer steps: ηL = 2.3/d."""

    limit = np.inf

    def points(self, level: str) -> list[Point]:
        return [along_accuracy(True, level)[1]]


def test_the_larger_gain_asks_for_small_steps() -> None:
    assert record_of(LongSteps())["verdict"] == "violated"
    assert record_of(broken(LongSteps, limit=1.0))["verdict"] == "not applicable"


@pytest.mark.parametrize("control", [WithoutMemory, ShareOfAll])
def test_negative_controls_are_violated(control: type[Claim]) -> None:
    assert record_of(control())["verdict"] == "violated"


def test_a_wrong_exponent_is_violated_and_a_narrow_margin_undecided(results: Any) -> None:
    assert record_of(WholeSquareRoot(), results)["verdict"] == "violated"
    assert record_of(SharperThanKnown(), results)["verdict"] == "undecided"


def test_all_coordinates_take_more_bits_than_the_theory() -> None:
    assert record_of(ManyCoordinates())["verdict"] == "violated"


def test_a_diverged_run_gains_nothing_and_a_slow_one_leaves_it_open() -> None:
    class TooLong(GainInDimension):
        exponents: Mapping[bool, float] = {True: 0.0}

        def compressed(self, point: Point) -> Experiment:
            return replace(super().compressed(point), stepsize=50.0)

    class TooShort(GainInDimension):
        exponents: Mapping[bool, float] = {True: 0.0}

        def compressed(self, point: Point) -> Experiment:
            return replace(super().compressed(point), steps=5, record=(5,))

    assert record_of(TooLong())["verdict"] == "violated"
    assert record_of(TooShort())["verdict"] == "undecided"


def test_without_compression_nothing_is_gained() -> None:
    point = along_dimension(False, "quick")[1]
    everything, plain = with_memory(point, RandK(k=point.d, common=True)), uncompressed(point)
    np.testing.assert_array_equal(spent(everything, run(everything)), spent(plain, run(plain)))


def test_every_message_of_an_experiment_costs_what_the_first_does() -> None:
    point = along_dimension(False, "quick")[1]
    for compressor, bits in ((Identity(), 64 * 9), (RandK(k=3, common=True), 64 * 3), (TopK(k=3), 64 * 3 + 7)):
        whole = replace(with_memory(point, compressor), stop=None, steps=20, record=(0, 20), runs=2)
        result = run(whole)
        assert (result["bits_up"].values[:, -1] == 20 * bits).all()
        ended = result.assign(status=("run", ["stopped"] * 2))
        assert (spent(whole, ended) == 20 * bits).all()


def test_parameters_follow_the_theory() -> None:
    a, b = Point(False, 16, 0.4, 4, (16, 0.25)), Point(False, 64, 0.2, 4, (16, 0.25))
    assert a.sigma_sq == b.sigma_sq  # fixed along a sweep
    assert a.stepsize / b.stepsize == pytest.approx(4 * 4)  # ε²/d
    assert b.radius**2 / b.sigma_sq == pytest.approx(64)
    for point in (a, b):
        saddle = np.zeros((1, 1, point.d))
        assert point.problem.smallest_eigenvalue(saddle)[0] < -np.sqrt(point.epsilon)
        assert float(point.problem.constants.L) == 1.0
        assert float(point.problem.constants.rho) == 1.0
        assert point.problem.lipschitz is None
