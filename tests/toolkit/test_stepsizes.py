"""Schedules count as the papers do, and the tuned step size is the minimiser."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.errors import WrongUse
from toolkit.parameters import Schedule, swept
from toolkit.stepsizes import Decaying, InverseSqrt, Prescribed, prescribed, tuned, tuning_bound

BAD = [0, 0.0, -1.0, math.nan, math.inf, "0.1", None, (1.0, 2.0)]


def test_step_one_uses_the_papers_first_step_size_and_so_does_the_start():
    mu, a = 0.5, 20.0
    stepsize = Decaying(numerator=8 / mu, shift=a)
    assert [stepsize(step) for step in (1, 2, 3)] == [8 / (mu * (a + t)) for t in (0, 1, 2)]
    assert stepsize(0) == stepsize(1)
    slow = InverseSqrt(scale=0.3, shift=2.0)
    assert [slow(step) for step in (1, 2, 3)] == [0.3 / math.sqrt(2.0 + t) for t in (0, 1, 2)]
    assert slow(0) == slow(1)


def test_schedules_are_values():
    assert isinstance(Decaying(1.0, 2.0), Schedule)
    assert Decaying(1.0, 2.0) == Decaying(1.0, 2.0)
    assert hash(Decaying(1.0, 2.0)) == hash(Decaying(1.0, 2.0))
    assert Decaying(1.0, 2.0) != Decaying(1.0, 3.0)
    assert Decaying(1.0, 2.0) != InverseSqrt(1.0, 2.0)
    assert repr(InverseSqrt(0.5)) == "InverseSqrt(scale=0.5, shift=1.0)"


@pytest.mark.parametrize("bad", BAD)
def test_no_schedule_takes_a_step_size_that_is_not_positive(bad):
    for make in (Decaying, InverseSqrt):
        with pytest.raises(WrongUse, match="positive finite number"):
            make(bad, 1.0)
        with pytest.raises(WrongUse, match="positive finite number"):
            make(1.0, bad)


def test_the_prescribed_factor_may_be_swept():
    assert prescribed() == Prescribed(factor=1.0)
    assert swept(prescribed(factor=[0.5, 1.0])) == {("factor",): (0.5, 1.0)}
    assert hash(prescribed(factor=np.array([0.5, 1.0]))) == hash(prescribed(factor=(0.5, 1.0)))
    for bad in (0, -1.0, math.nan, [1.0, 0.0]):
        with pytest.raises(WrongUse, match="factor"):
            prescribed(factor=bad)


positive = st.floats(1e-12, 1e12)
not_negative = st.just(0.0) | positive


def value(gamma, r, b, c, steps):
    return r / (gamma * steps) + b * gamma + c * gamma**2


@given(r=positive, b=not_negative, c=not_negative, a=positive, steps=st.integers(1, 10**9))
def test_no_step_size_beats_the_tuned_one_and_the_lemma_bounds_it(r, b, c, a, steps):
    gamma = tuned(r, b, c, a, steps)
    least = value(gamma, r, b, c, steps)
    assert 0 < gamma <= 1 / a
    # the objective is convex, so the neighbours on both sides decide; 1e-14: rounding of three terms
    for other in (gamma * 0.99, gamma * 0.5, min(gamma * 1.01, 1 / a), min(gamma * 2, 1 / a)):
        assert value(other, r, b, c, steps) >= least * (1 - 1e-14)
    assert least <= tuning_bound(r, b, c, a, steps) * (1 + 1e-14)


@given(r=positive, b=positive, c=positive, steps=st.integers(1, 10**9))
def test_the_interior_minimiser_is_the_root_to_rounding(r, b, c, steps):
    gamma = tuned(r, b, c, 0.0, steps)
    # 1e-14: each of the two terms carries a few roundings, and the root's own error enters at most threefold
    assert 2 * c * gamma**3 + b * gamma**2 == pytest.approx(r / steps, rel=1e-14)


def test_closed_forms():
    assert tuned(r=2.0, b=0.0, c=1.0, a=0.0, steps=1) == pytest.approx(1.0, rel=1e-15)
    assert tuned(r=1.0, b=0.0, c=0.0, a=4.0, steps=10) == 0.25
    assert tuned(r=1.0, b=0.0, c=1e-300, a=4.0, steps=10) == 0.25


@pytest.mark.parametrize("change", [{"r": 0.0}, {"b": -1.0}, {"c": math.nan}, {"a": -1.0}, {"steps": 0}])
def test_the_lemma_refuses_impossible_numbers(change):
    arguments = {"r": 1.0, "b": 1.0, "c": 1.0, "a": 1.0, "steps": 10} | change
    for function in (tuned, tuning_bound):
        with pytest.raises(WrongUse):
            function(**arguments)


def test_without_any_cost_of_a_long_step_there_is_no_minimiser():
    with pytest.raises(WrongUse, match="every larger step size is better"):
        tuned(r=1.0, b=0.0, c=0.0, a=0.0, steps=10)
