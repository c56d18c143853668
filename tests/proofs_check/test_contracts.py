"""Every member keeps the contracts, and each wrong compressor is rejected for the right reason."""

from __future__ import annotations

import numpy as np
import pytest

from proofs_check import check_compressor
from proofs_check.contracts import ContractViolation
from tests.proofs_check.mutants import MUTANTS, SOUND, SignedSort
from tests.toolkit.instances import instances
from toolkit.compressors import TopK
from toolkit.errors import WrongUse


@pytest.mark.parametrize(("compressor", "n"), instances(), ids=lambda one: repr(one))
def test_every_member_keeps_the_contracts(compressor, n):
    report = check_compressor(compressor, workers=n)
    assert report.passed
    assert not [finding for finding in report.findings if finding.verdict == "undecided"]


@pytest.mark.parametrize("compressor", SOUND, ids=repr)
def test_what_the_wrong_ones_are_made_from_is_sound(compressor):
    assert check_compressor(compressor).passed


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: type(mutant.compressor).__name__)
def test_a_wrong_compressor_is_rejected_for_the_right_reason(mutant):
    with pytest.raises(ContractViolation) as caught:
        check_compressor(mutant.compressor)
    finding = caught.value.report[mutant.contract]
    assert finding.verdict == "violated"
    assert mutant.reason in finding.violation.wrong
    assert mutant.contract in str(caught.value)


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
    with pytest.raises(WrongUse, match="no such level"):
        check_compressor(TopK(k=1), level="slow")
