"""Failing inputs become short vectors of simple numbers, in few calls, and still fail."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofs_check.minimal import minimal_input
from proofs_check.strategies import batches, vectors
from toolkit.compressors.top_k import TopK
from toolkit.draws import Draw
from toolkit.errors import WrongUse


class Counted:
    """A predicate that counts its calls and refuses to be handed an array it shares."""

    def __init__(self, fails):
        self.fails, self.calls = fails, 0

    def __call__(self, x):
        self.calls += 1
        failed = bool(self.fails(x))
        x[...] = np.nan  # must harm nobody
        return failed


LONG = Draw(seed=5).normal(64)[0, 0]

CASES = [  # what fails, from where, to what, in how many calls
    (lambda x: x.sum() > 3, [0.7, 12.34, -2.0], [4.0], 150),
    (lambda x: np.count_nonzero(x) >= 3, LONG, [1.0, 1.0, 1.0], 100),
    (lambda x: np.abs(x).max() > 1.7, LONG, [2.0], 100),
    (lambda x: np.abs(x).max() > 1e200, 1e203 * LONG, [1e202], 150),
    (lambda x: 0 < np.abs(x).max() < 1e-310, 1e-313 * LONG[:5], [1e-312], 150),
    (lambda x: x.any() and np.unique(np.abs(x)).size < x.size, [*LONG, LONG[5]], [1.0, 1.0], 150),
    (lambda x: x.size >= 7, LONG, [0.0] * 7, 100),
    (lambda x: np.signbit(x).any() and not x.any(), [-0.0] * 9, [-0.0], 50),
    (lambda x: np.isnan(x).any(), [1.1, np.nan, 0.5], [np.nan], 50),
    (lambda x: x.min() < -0.3, LONG, [-1.0], 100),
    (lambda x: x.size == 2 and abs(3 * x[1] - x[0]) < 1e-9, [1.1, 1.1 / 3], [0.0, 0.0], 50),
    (lambda x: x.size == 2 and x.any() and abs(3 * x[1] - x[0]) < 1e-9, [1.1, 1.1 / 3], [3.0, 1.0], 150),
]


@pytest.mark.parametrize(("fails", "x", "minimal", "calls"), CASES)
def test_what_is_left_is_what_matters(fails, x, minimal, calls):
    counted = Counted(fails)
    before = np.array(x)
    found = minimal_input(counted, before)
    np.testing.assert_array_equal(found, minimal)
    assert np.signbit(found).tolist() == np.signbit(minimal).tolist()
    np.testing.assert_array_equal(before, x)
    assert counted.calls <= calls


def test_a_dimension_can_be_kept():
    found = minimal_input(lambda x: np.count_nonzero(TopK(k=2).compress(x)) == 2, LONG[:6], keep_dimension=True)
    assert found.shape == (6,)
    assert sorted(found) == [0, 0, 0, 0, 1, 1]


def test_a_batch_keeps_its_rows():
    x = Draw(seed=[1, 2], workers=3).per_worker.normal(8)
    found = minimal_input(lambda x: x[1, 0].max() != x[1, 2].max(), x)
    assert found.shape == (2, 3, 1)
    assert found.sum() == 1
    assert found[1, 0, 0] + found[1, 2, 0] == 1


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_number_type_is_kept(dtype):
    found = minimal_input(lambda x: x.dtype == dtype and abs(x).max() > 0.05, np.array([0.1, 0.07], dtype))
    assert found.dtype == dtype
    assert found.tolist() == [1.0]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_ends_of_the_number_range(dtype):
    largest = np.finfo(dtype).max
    found = minimal_input(lambda x: np.isfinite(x).all() and abs(x).max() > largest / 2, np.array([largest, -1], dtype))
    assert largest / 2 < found.item() <= largest
    assert len(str(found[0])) < len(str(largest))


def test_the_calls_are_bounded():
    counted = Counted(lambda x: x[0] > 0.1)
    found = minimal_input(counted, np.abs(LONG), calls=5)
    assert counted.calls == 5
    assert found[0] > 0.1


def test_what_does_not_fail_is_refused():
    with pytest.raises(WrongUse, match="does not fail"):
        minimal_input(lambda x: False, LONG)


def test_errors_of_the_predicate_are_passed_on():
    with pytest.raises(ZeroDivisionError):
        minimal_input(lambda x: 1 / 0, LONG)


@given(x=vectors(max_dimension=12) | batches(max_dimension=6), bar=st.floats(0, 3), wanted=st.integers(1, 3))
def test_the_result_fails_is_no_larger_and_is_the_same_each_time(x, bar, wanted):
    def fails(x):
        return np.count_nonzero(np.abs(x) > bar) >= wanted

    if not fails(x):
        return
    found = minimal_input(fails, x)
    assert fails(found)
    assert found.size <= x.size
    assert np.count_nonzero(found) == wanted
    again = minimal_input(fails, x)
    np.testing.assert_array_equal(found, again)
