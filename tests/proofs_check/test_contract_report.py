"""What is said of a compressor that was checked: every line of a report, and how a failing vector gets into it."""

from __future__ import annotations

import numpy as np
import pytest

from proofs_check.contracts._base import OverVectors
from proofs_check.contracts._report import ContractViolation, Finding, Report, Violation, in_words
from proofs_check.contracts._subject import LEVELS, Subject
from toolkit.compressors import TopK

HOLDS = Finding("own-draws", "randomness", "independent", "holds", "4 vectors", 1e-6, "asymptotic (t)", ("d = 4: 1/8",))
WRONG = Violation("zero is not zero", np.array([0.0, 1 / 3], np.float32), "Draw(seed=0)", "C(x) = [1, 0]", "zeros")
FAILS = Finding("zero", "messages", "C(0) = 0", "violated", "with the smallest vector found", violation=WRONG)


def test_a_report_says_all_that_was_found():
    assert str(Report("Mine()", "dimensions 4", (FAILS, HOLDS))).split("\n") == [
        "Mine() violates 1 contract: zero",
        "(dimensions 4)",
        "",
        "Messages",
        "  zero               violated: with the smallest vector found",
        "                       asked     C(0) = 0",
        "                       zero is not zero",
        "                       at        x = [0, 0.33333334]  (float32, d = 2)",
        "                       draw      Draw(seed=0)",
        "                       came      C(x) = [1, 0]",
        "                       expected  zeros",
        "",
        "Randomness",
        "  own-draws          holds: 4 vectors (error probability 1e-06, asymptotic (t))",
        "                       d = 4: 1/8",
    ]


def test_a_sound_compressor_is_said_to_be_so():
    report = Report("Mine()", "dimensions 4", (HOLDS,))
    assert report.passed
    assert str(report).startswith("Mine() keeps every contract\n")
    assert "asymptotic" not in str(Finding("zero", "messages", "C(0) = 0", "holds", "2 vectors"))


def test_what_is_raised_tells_of_the_violations_alone():
    error = ContractViolation(Report("Mine()", "dimensions 4", (FAILS, HOLDS)))
    assert isinstance(error, AssertionError)
    assert "zero is not zero" in str(error)
    assert "own-draws" not in str(error)
    assert error.report["own-draws"] is HOLDS


def test_numbers_read_back_as_they_were_and_long_vectors_are_cut():
    x = np.array([0.1, 1e300, 5e-324, -0.0, 2 / 3])
    assert [float(one) for one in in_words(x).strip("[]").split(", ")] == x.tolist()
    assert in_words(np.arange(16.0)).endswith("15]")
    assert in_words(np.arange(17.0)).endswith(", 15, … 17 in all]")
    assert in_words(np.eye(2)) == "[[1, 0], [0, 1]]"


def test_long_lines_are_wrapped_under_their_beginning():
    lines = str(Finding("zero", "messages", "C(0) = 0", "holds", "many words " * 30)).split("\n")
    assert len(lines) > 2
    assert all(len(line) <= 110 for line in lines)
    assert all(line.startswith(21 * " ") for line in lines[1:])


class LargeOnes(OverVectors):
    """Of vectors whose numbers sum to more than 10, that they do not."""

    topic = "messages"
    statement = "no sum is above 10"

    def choose(self, subject, x):
        return x.sum(axis=(1, 2)) > 10

    def failing(self, subject, x):
        return np.ones(len(x), dtype=bool)

    def violation(self, subject, x):
        return Violation("its sum is above 10")


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_failing_vector_stays_one_that_the_contract_speaks_of(dtype):
    subject = Subject(TopK(k=1), 1, (4,), (np.dtype(dtype),), LEVELS["quick"], 0, 1e-6)
    x = np.array([[[3.25, 30.5, -2.0, 7.0]]], dtype)
    found = LargeOnes().against(subject, x)
    assert found.violation.x.sum() > 10
    assert found.violation.x.size == 1
    assert found.violation.x.dtype == dtype
