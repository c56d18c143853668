"""The octopus: legs, total time and the artefact of float64, and what breaks the claims about them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from problems import Octopus
from proofs_check.claims.saddle import octopus
from proofs_check.claims.saddle.octopus import ExponentialTime, LegFactor, LinearTime, Underflow, perturbed
from tests.proofs_check.judging import claims_in, record_of
from toolkit.algorithms import SGD
from toolkit.experiment import Experiment
from toolkit.simulation import run

CLAIMS = claims_in(octopus)


@pytest.mark.parametrize("name", CLAIMS)
def test_verdict(name, results):
    record = record_of(CLAIMS[name], results)
    assert record["verdict"] == record["expected"], record["reason"]
    assert {one["verdict"] for one in record["instances"]} == {"holds"}


class SmallSteps(LegFactor):
    """The factor of small steps, as the paper has it."""

    def factor(self, octopus: Octopus, stepsize: float) -> float:
        return (octopus.L + octopus.gamma) / octopus.gamma


class SmallStepsOfAll(ExponentialTime):
    factor = SmallSteps.factor


class Linear(ExponentialTime):
    """Time that does not grow from leg to leg."""

    def factor(self, octopus: Octopus, stepsize: float) -> float:
        return 1.0


class LaterUnderflow(Underflow):
    """One leg more, in runs that are as long as those of the claim."""

    def legs_left(self, octopus: Octopus, stepsize: float) -> int:
        return super().legs_left(octopus, stepsize) + 1

    def experiments(self, level: str) -> dict[str, Experiment]:
        return Underflow().experiments(level)


@pytest.mark.parametrize("control", [SmallSteps, SmallStepsOfAll, Linear])
def test_negative_controls_are_violated(control, results):
    assert record_of(control(), results)["verdict"] == "violated"


def test_one_leg_more_is_violated(results):
    assert record_of(LaterUnderflow(), results)["verdict"] == "violated"


def test_a_run_that_still_moves_is_violated():
    class Early(Underflow):
        def experiments(self, level: str) -> dict[str, Experiment]:
            one = super().experiments(level)["L=3"]
            return {"L=3": replace(one, steps=1000, record=(999, 1000))}

    early = Early()
    assert record_of(early)["verdict"] == "violated"


def test_a_turn_at_the_underflow_itself_is_not_applicable():
    class AtTheEdge(Underflow):
        def experiments(self, level: str) -> dict[str, Experiment]:
            octopus = Octopus(dimension=10, L=1.0, tau=3.75)
            one = super().experiments(level)["L=3"]
            return {"τ=3.75": replace(one, problem=octopus, stepsize=0.25, steps=20, record=(19, 20))}

    assert abs(Octopus(dimension=10, L=1.0, tau=3.75).passages(0.25) - 1074).min() <= 20
    edge = AtTheEdge()
    record = record_of(edge)
    assert record["verdict"] == "not applicable"


def test_time_that_grows_from_leg_to_leg_is_violated():
    class WithoutPerturbation(LinearTime):
        marks = (1, 3, 5)  # κ² = 7.3 in place of 1

        def experiments(self, level: str) -> dict[str, Experiment]:
            return {"L=1": replace(super().experiments(level)["L=1"], algorithm=SGD(), steps=400, record="all")}

    claim = WithoutPerturbation()
    assert record_of(claim)["verdict"] == "violated"


def test_float64_has_the_legs_that_were_measured_before():
    left = [Underflow().legs_left(Octopus(dimension=10, L=L), 1 / (4 * L)) for L in (1.0, 1.5, 2.0, 3.0)]
    assert left == [7, 6, 5, 4]


# Legs from one random start each (sheet saddle_escape, A3): of descent, and the range of those of perturbed descent.
TABLE = {
    1.0: ([7, 18, 46, 126, 341, 926], (18, 29)),
    1.5: ([10, 31, 104, 354, 1208], (30, 36)),
    2.0: ([12, 48, 195, 798, 3280], (36, 45)),
    3.0: ([17, 93, 502, 2759], (48, 65)),
}


@pytest.mark.parametrize("L", TABLE)
def test_legs_from_random_starts_are_like_those_of_the_sheet(L):
    """Each printed leg of descent lies between the extremes of 100 starts; the middle of perturbed ones where printed.

    Were it of the same law, each would be the largest or smallest of 101 with probability 2 %.
    """
    legs, (shortest, longest) = TABLE[L]
    starts = np.random.default_rng(0).uniform(-1, 1, (100, len(legs)))
    found = np.array([Octopus(len(legs), L).legs(1 / (4 * L), one) for one in starts])
    assert (found.min(axis=0) <= legs).all()
    assert (legs <= found.max(axis=0)).all()
    experiment = perturbed(10, L, runs=20)
    x = run(replace(experiment, record=tuple(range(experiment.steps + 1))))["x"].values[:, :, 0]
    passages = (abs(x) > 2 * np.e).argmax(axis=1)
    assert shortest <= np.median(np.diff(passages, axis=1)[:, 2:]) <= longest
