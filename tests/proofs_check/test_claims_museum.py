"""The museum: every exhibit has its law and its repair, and no claim about one survives another method."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from problems import (
    ConservedSum,
    CoordinateNoise,
    FrozenGossip,
    LateImpulse,
    LopsidedNoise,
    OneSign,
    OverparametrisedLeastSquares,
    SampledPair,
    SkewedNoise,
)
from proofs_check.checking import find_claims
from proofs_check.claim import Claim
from proofs_check.claims.museum import (
    conserved_sum,
    frozen_gossip,
    late_impulse,
    lopsided_noise,
    one_sign,
    skewed_noise,
    tied_pair,
)
from tests.proofs_check.judging import broken, record_of
from toolkit import simulate
from toolkit.algorithms import CHOCO, CompressedSGD, EF21Ideal, EF21Momentum, ErrorFeedback, QuantizedGossip
from toolkit.compressors import Identity, RawSign, ScaledSign, TopK
from toolkit.draws import Draw
from toolkit.errors import WrongUse

CLAIMS = {name: claim for name, claim in find_claims(["museum"]).items() if not name.startswith("D5")}


@pytest.mark.parametrize("name", CLAIMS)
def test_verdict_is_the_expected_one(records, name):
    # The seeds are fixed; before they were, a true law was called violated with probability at most 1e-4 per instance.
    record = records[name]
    assert record["verdict"] == record["expected"], record["reason"]
    assert {one["verdict"] for one in record["instances"]} <= {"holds", "tight"}


class Quieter(frozen_gossip.Noise):
    """The law of a compressor with less noise."""

    def check(self, data, level):
        return super().check(
            {name: one.assign(disagreement=0.8 * one.disagreement) for name, one in data.items()}, level
        )


class WrongLaw(lopsided_noise.Law):
    def law(self, one, t):
        return one.problem.law(one.stepsize, one.steps, 2 * one.batch)[t]


def rerun(claim: type[Claim], **changes: Any) -> Claim:
    """Return the claim on the same experiments but for some settings."""

    def experiments(self, level):
        return {name: replace(one, **changes) for name, one in claim.experiments(self, level).items()}

    return broken(claim, experiments=experiments)


REMEMBERING: dict[str, Any] = {"algorithm": ErrorFeedback(), "compressor": ScaledSign()}
FORGETFUL: dict[str, Any] = {"algorithm": CompressedSGD(), "compressor": RawSign(), "unproven": True}


CONTROLS: dict[str, Claim] = {
    "SGD does not climb": broken(skewed_noise.Climb, compressor=Identity(), reach=0.25),
    "signSGD does not descend": broken(skewed_noise.Descent, method=CompressedSGD(), compressor=RawSign()),
    "a memory leaves the line": broken(one_sign.Pair, method=ErrorFeedback(), compressor=TopK(k=1)),
    "and gets below its best point": broken(one_sign.Line, method=ErrorFeedback(), compressor=TopK(k=1)),
    "the sign is no repair": broken(one_sign.Repair, method=CompressedSGD(), compressor=RawSign(zero=0)),
    "random ties move": broken(tied_pair.Stagnation, compressor=TopK(k=1, ties="random")),
    "other fixed ties are no repair": broken(
        tied_pair.Repair, methods={"highest": (CompressedSGD(), TopK(k=1, ties="highest"))}
    ),
    "another batch has another law": broken(WrongLaw),
    "a larger floor is not kept": broken(lopsided_noise.Floor, fraction=1.05),
    "an ideal estimate is no repair": broken(lopsided_noise.Repair, methods={"ideal": EF21Ideal()}),
    "nor its own estimates at half the bound": broken(lopsided_noise.OwnEstimates, share=0.25),
    "a memory leaves the kinked line": rerun(conserved_sum.Frozen, **REMEMBERING),
    "and gets below the start": rerun(conserved_sum.AnyStepSizes, **REMEMBERING),
    "the sign is no repair on the kink": rerun(conserved_sum.Repair, **FORGETFUL),
    "a threshold below both impulses": broken(late_impulse.ConstantThreshold, thresholds=(0.9,)),
    "a constant threshold is no repair": broken(late_impulse.Repair, thresholds=1.25),
    "exact gossip agrees": rerun(frozen_gossip.Frozen, compressor=Identity()),
    "no repair without copies": rerun(frozen_gossip.Repair, algorithm=QuantizedGossip()),
    "another disagreement": Quieter(),
}


@pytest.mark.parametrize("control", CONTROLS)
def test_negative_controls_are_violated(control):
    claim = CONTROLS[control]
    assert record_of(claim)["verdict"] == "violated"


def test_a_barrier_that_is_lower_is_seen_as_not_tight(records):
    """Of the schedules at least one comes back to the barrier, so that no larger one can be claimed."""
    assert records["CE2-any-steps"]["verdict"] == "tight"
    assert conserved_sum.AnyStepSizes.expected == "tight"
    ratios = [one["ratio"] for one in records["Thm-I"]["instances"]]
    assert min(ratios) < 1 + 1e-3


def kind(problem):
    return type(problem).__name__


@pytest.mark.parametrize(
    "problem", [SampledPair(0.5), OneSign.generate(6, 3), SkewedNoise(), LopsidedNoise(workers=2)], ids=kind
)
def test_samples_are_unbiased(problem):
    runs = 40_000
    x = np.broadcast_to(problem.start, (runs, 1, problem.dimension)).copy()
    draw = Draw(seed=np.arange(runs), workers=problem.workers).per_worker
    for batch in (1, 3):
        samples = problem.stochastic_gradient(x, draw, batch)
        mean, spread = samples.mean(axis=0), samples.std(axis=0) / np.sqrt(runs)
        # Six standard errors: a false alarm has a probability of about 2e-9 per coordinate.
        assert (abs(mean - problem.gradient(x[:1])[0]) <= 6 * spread + 1e-12).all()


@pytest.mark.parametrize("problem", [SampledPair(0.25), OneSign.generate(6, 3), LopsidedNoise(L=2.0)], ids=kind)
def test_gradients_are_those_of_the_values(problem):
    x = np.random.default_rng(0).standard_normal((4, 1, problem.dimension))
    step = 1e-6
    for j in range(problem.dimension):
        shift = step * np.eye(problem.dimension)[j]
        slope = (problem.value(x + shift) - problem.value(x - shift)) / (2 * step)
        np.testing.assert_allclose(problem.gradient(x)[..., j], slope, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: ConservedSum(1.0), "not in"),
        (lambda: SampledPair(0.0), "not in"),
        (lambda: OneSign([[1.0, 2.0], [1.0, -2.0]]), "other signs"),
        (lambda: OneSign([[1.0, 0.0]]), "has a zero"),
        (lambda: OneSign([1.0, 2.0]), "has shape"),
        (lambda: OneSign([[1.0, 2.0]], targets=[1.0, 2.0]), "do not fit"),
        (lambda: OneSign([[1.0, 2.0]], scale=-1.0), "do not fit"),
        (lambda: LopsidedNoise(workers=1.5), "an integer of at least 1"),
        (lambda: LateImpulse(T=2.5), "an integer of at least 2"),
        (lambda: OverparametrisedLeastSquares(seed=-1), "an integer of at least 0"),
        (lambda: CoordinateNoise("ab", [1.0]), "no numbers"),
        (lambda: LopsidedNoise(sigma_sq=0.0), "no noise"),
        (lambda: QuantizedGossip(towards="nowhere"), "two schemes"),
        (lambda: QuantizedGossip(consensus=-1.0), "above 0"),
        (lambda: CHOCO(consensus=(0.5, float("nan"))), "above 0"),
        (lambda: EF21Momentum(momentum=1.5), "in \\(0, 1\\]"),
        (lambda: simulate(FrozenGossip(), QuantizedGossip(), TopK(k=1), stepsize=0.0, steps=1), "topology"),
    ],
)
def test_bad_input_is_refused_in_words(make, match):
    with pytest.raises(WrongUse, match=match):
        make()
