"""Every member keeps the contracts, and each wrong compressor is rejected for the right reason."""

from __future__ import annotations

import json

import numpy as np
import pytest

from proofs_check import ContractViolation, check_compressor
from proofs_check.contracts._checking import all_contracts
from tests.proofs_check.mutants import MUTANTS, SOUND, SignedSort
from tests.toolkit.instances import instances
from toolkit.compressors import (
    FCC,
    QSGD,
    Bernoulli,
    Blocks,
    Composition,
    Compressor,
    CountSketch,
    FloatFormat,
    HardThreshold,
    Identity,
    Induced,
    RandK,
    RawSign,
    Rotated,
    TopK,
)
from toolkit.errors import WrongUse

EVERY = instances()
FIRST = {type(compressor): compressor for compressor, _ in reversed(EVERY)}.values()  # of each member
# The others differ from the first in what they do to vectors.
OF_VECTORS = [one.name for one in all_contracts() if one.topic in ("messages", "error") and one.name != "approached"]


@pytest.mark.parametrize(("compressor", "n"), EVERY, ids=repr)
def test_every_member_keeps_the_contracts(compressor, n):
    report = check_compressor(compressor, workers=n, contracts=None if compressor in FIRST else OF_VECTORS)
    assert {finding.verdict for finding in report.findings} <= {"holds", "not applicable"}


@pytest.mark.slow
@pytest.mark.parametrize(("compressor", "n"), EVERY, ids=repr)
def test_every_member_keeps_the_contracts_at_the_full_level(compressor, n):
    assert check_compressor(compressor, workers=n, level="full", seed=1).passed


@pytest.mark.parametrize("compressor", SOUND, ids=repr)
def test_what_the_wrong_ones_are_made_from_is_sound(compressor):
    assert check_compressor(compressor).passed


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: f"{type(mutant.compressor).__name__}-{mutant.contract}")
def test_a_wrong_compressor_is_rejected_for_the_right_reason(mutant):
    with pytest.raises(ContractViolation) as caught:
        check_compressor(mutant.compressor, contracts=[mutant.contract])
    finding = caught.value.report[mutant.contract]
    assert finding.verdict == "violated"
    assert mutant.reason in finding.violation.wrong
    assert mutant.contract in str(caught.value)


@pytest.mark.parametrize("p", [0.975, 0.99, 0.025])
def test_rare_errors_are_not_taken_for_dependent_ones(p):
    """Of rare errors a few thousand runs often show no two at once; t limits alone are wrong one time in ten."""
    for seed in range(0, 20 * 4096, 4096):
        report = check_compressor(Bernoulli(p=p), dimensions=1, contracts="own-draws", seed=seed)
        assert report["own-draws"].verdict in ("holds", "undecided")


@pytest.mark.parametrize(("p", "verdict"), [(0.5, "holds"), (0.999, "undecided")])
def test_it_is_said_if_errors_are_too_rare_to_tell(p, verdict):
    finding = check_compressor(Bernoulli(p=p), dimensions=1, contracts="own-draws", seed=1)["own-draws"]
    assert finding.verdict == verdict
    assert ("a correlation of 1 would not be seen" in finding.tried) == (verdict == "undecided")


def test_an_expected_error_may_be_known_in_some_dimensions_only():
    compressor = Blocks(Rotated(QSGD(s=2)), 3)
    known = [compressor.expected_error(np.ones((1, 1, d))) is not None for d in (1, 2, 4)]
    assert known == [True, True, False]
    finding = check_compressor(compressor, dimensions=(1, 2, 4), contracts="expected-error")["expected-error"]
    assert finding.verdict == "holds"
    assert "dimension 1, 2," in finding.tried
    unknown = check_compressor(compressor, dimensions=4, contracts="expected-error")["expected-error"]
    assert unknown.verdict == "not applicable"


def test_what_is_left_of_a_vector_without_ties_may_tie():
    """Of (1, 3, 4), QSGD of Top-2 may leave (1, 1/2, −1), of which a second round keeps the first."""
    compressor = FCC(Composition(QSGD(s=2), TopK(k=2)), rounds=2)
    assert check_compressor(compressor, dimensions=3, contracts="permutation")["permutation"].verdict == "holds"


@pytest.mark.parametrize(
    "compressor",
    [
        Induced(RawSign(), RandK(k=1, unbiased=True)),  # one real number beside two that are ±1
        FCC(CountSketch(rows=1, columns=4), rounds=2),  # numbers that cancel, but for rounding
    ],
    ids=repr,
)
def test_the_price_of_a_sound_message_is_enough(compressor):
    assert check_compressor(compressor, contracts=["price"])["price"].verdict == "holds"


def test_a_constant_that_is_one_less_another_is_good_to_the_rounding_of_that():
    report = check_compressor(Induced(FloatFormat("bfloat16"), RandK(k=1, unbiased=True)), contracts=["approached"])
    assert report.passed


def test_a_bound_that_only_rounding_exceeds_is_said_to_be_so():
    report = check_compressor(Rotated(Identity()), contracts=["approached"])
    assert any("no gap, for rounding may make" in line for line in report["approached"].measured)


def test_every_contract_rejects_something():
    assert {one.name for one in all_contracts()} == {mutant.contract for mutant in MUTANTS}


def test_all_contracts_together_reject_what_one_rejects():
    report = check_compressor(SignedSort(k=1), raises=False)
    assert {finding.contract for finding in report.violations} == {"approached", "contraction"}
    assert len(report.findings) == len(all_contracts())


def test_a_failing_vector_is_made_small():
    report = check_compressor(SignedSort(k=1), raises=False)
    x = report["contraction"].violation.x
    assert np.array_equal(x, [0.0, -1.0])
    assert "at        x = [0, -1]  (float64, d = 2)" in str(report)


def test_what_is_no_array_is_told_by_its_type():
    class Listed(Compressor):
        def message(self, x, draw):
            return x.tolist()

    report = check_compressor(Listed(), contracts="form", raises=False)
    assert report["form"].violation.came == "shape (1, 1), type list"


def test_findings_go_by_the_names_of_contracts():
    report = check_compressor(TopK(k=1), contracts=["own-draws", "zero"])
    assert report["own_draws"] is report["own-draws"]
    with pytest.raises(WrongUse, match=r"no such contract was checked.*Nearest names: zero"):
        report["zeros"]


def test_a_report_is_a_record_that_json_can_hold():
    wrong = [mutant.compressor for mutant in MUTANTS if mutant.contract in ("refusal", "contraction")]
    reports = [check_compressor(one, contracts=["refusal", "contraction"], raises=False) for one in wrong]
    records = [json.loads(json.dumps(report.as_record(), allow_nan=False)) for report in reports]
    violated = [one["violation"]["x"] for record in records for one in record["findings"] if one["violation"]]
    assert [0.0, -1.0] in violated
    assert "[nan]" in violated
    assert not any(record["passed"] for record in records)


def test_wrong_use_is_refused():
    with pytest.raises(WrongUse, match="not a compressor"):
        check_compressor(TopK)
    with pytest.raises(WrongUse, match="Nearest names: contraction"):
        check_compressor(TopK(k=1), contracts=["contracton"])
    with pytest.raises(WrongUse, match="larger than the dimension"):
        check_compressor(TopK(k=4), dimensions=[3])
    with pytest.raises(WrongUse, match="k is not one value"):
        check_compressor(TopK(k=[1, 2]))
    with pytest.raises(WrongUse, match=r"refuses every dimension .* because lam is in gradient units"):
        check_compressor(HardThreshold(lam=1.0))
    with pytest.raises(WrongUse, match="single and double precision"):
        check_compressor(TopK(k=1), dtypes="float16")
    with pytest.raises(WrongUse, match="no such level"):
        check_compressor(TopK(k=1), level="slow")
