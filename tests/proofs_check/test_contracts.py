"""Every member keeps the contracts, and each wrong compressor is rejected for the right reason."""

from __future__ import annotations

import numpy as np
import pytest

from proofs_check import ContractViolation, check_compressor
from proofs_check.contracts._checking import all_contracts
from tests.proofs_check.mutants import MUTANTS, SOUND, SignedSort
from tests.toolkit.instances import instances
from toolkit.compressors import HardThreshold, TopK
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
