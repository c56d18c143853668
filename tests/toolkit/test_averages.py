"""Running means are the weighted means of the definitions, at any length."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.averages import RunningMean, Weight, contracting, geometric, polynomial, uniform
from toolkit.errors import WrongUse
from toolkit.stepsizes import Decaying

WEIGHTS = [
    uniform,
    geometric(0.5),
    geometric(0.99),
    geometric(1.0),
    polynomial(1, 1),
    polynomial(77.5, 2),
    Weight(q=0.9, shift=3.0, power=1.5),
]


def direct(weight, values):
    """The definition, with weights as logarithms relative to the last one."""
    t = np.arange(len(values))
    logs = -(t + 1) * np.log(weight.q) + weight.power * np.log(weight.shift + t)
    w = np.exp(logs - logs[-1])
    return np.tensordot(w, values, axes=1) / w.sum()


@pytest.mark.parametrize("weight", WEIGHTS, ids=repr)
@pytest.mark.parametrize("shape", [(4,), (4, 1, 3)])
def test_equals_the_direct_sum(weight, shape):
    values = np.random.default_rng(0).standard_normal((60, *shape)) + 3.0
    running, including = RunningMean(weight), RunningMean(weight.including_last())
    for t, value in enumerate(values):
        exclusive, inclusive = running.update(value), including.update(value)
        assert exclusive.shape == inclusive.shape == shape
        # 1e-13: 60 additions of values near 3, two roundings each
        np.testing.assert_allclose(inclusive, direct(weight, values[: t + 1]), rtol=1e-13, atol=1e-13)
        if t:
            np.testing.assert_allclose(exclusive, direct(weight, values[:t]), rtol=1e-13, atol=1e-13)
        else:
            assert np.isnan(exclusive).all()


@given(st.lists(st.integers(-100, 100), min_size=1, max_size=30), st.integers(1, 20), st.integers(0, 3))
def test_equals_exact_rational_arithmetic(values, shift, power):
    running = RunningMean(polynomial(shift, power).including_last())
    for value in values:
        mean = running.update(float(value))
    weights = [Fraction(shift + t) ** power for t in range(len(values))]
    exact = sum(w * v for w, v in zip(weights, values, strict=True)) / sum(weights)
    assert mean == pytest.approx(float(exact), rel=1e-12, abs=1e-12 * 100)


def test_each_run_contracts_with_its_own_step_size():
    stepsize = np.array([0.5, 0.1, 0.0])[:, None, None]
    values = np.random.default_rng(1).standard_normal((40, 3, 1, 2))
    together = RunningMean(contracting(0.8), stepsize)
    alone = [RunningMean(contracting(0.8), float(each)) for each in stepsize.ravel()]
    direct = [RunningMean(geometric(1 - 0.8 * float(each))) for each in stepsize.ravel()]
    for value in values:
        batch = together.update(value)
        for run in range(3):
            own = alone[run].update(value[run])
            np.testing.assert_array_equal(batch[run], own)
            np.testing.assert_array_equal(direct[run].update(value[run]), own)


def test_a_contraction_that_is_none_is_refused():
    for stepsize in (2.0, -0.1, Decaying(1.0, 1)):
        with pytest.raises(WrongUse):
            RunningMean(contracting(0.8), stepsize)
    with pytest.raises(WrongUse, match="contracting"):
        geometric([0.5, 0.6])


def test_long_runs_do_not_overflow():
    # w_t = 0.1^-(t+1) passes 1e308 at t = 308; (1e6 + t)^60 is beyond it from the start
    for weight in (geometric(0.1), polynomial(1e6, 60)):
        running = RunningMean(weight.including_last())
        for t in range(5000):
            mean = running.update(float(t))
        assert math.isfinite(mean)
        assert mean == pytest.approx(float(direct(weight, np.arange(5000.0))), rel=1e-12)


def test_a_constant_stays_itself_over_many_steps():
    for weight in WEIGHTS:
        running = RunningMean(weight.including_last())
        assert {running.update(0.1) for _ in range(2000)} == {0.1}


@pytest.mark.parametrize("a", [1.0, 20.0, 2000.0])
def test_mem_sgd_one_pass_formula(a):
    """The released code's ρ_t = 6(t+a)² / ((1+t)(6a² + t + 6at + 2t²)) for the weights (t+a)²."""
    values = np.random.default_rng(2).standard_normal(300)
    running, published = RunningMean(polynomial(a, 2).including_last()), 0.0
    for t, value in enumerate(values):
        rho = 6 * (t + a) ** 2 / ((1 + t) * (6 * a**2 + t + 6 * a * t + 2 * t**2))
        published = (1 - rho) * published + rho * value
        assert running.update(value) == pytest.approx(published, rel=1e-12, abs=1e-13)


def test_ratios_are_those_of_the_weights():
    for t in (1, 2, 7):
        assert uniform.ratio(t) == 1
        assert geometric(0.75).ratio(t) == pytest.approx(0.75**-t / 0.75 ** -(t + 1), rel=1e-15)
        assert polynomial(5, 2).ratio(t) == pytest.approx((4 + t) ** 2 / (5 + t) ** 2, rel=1e-15)


def test_a_run_that_has_no_number_leaves_the_others_alone():
    running = RunningMean(uniform.including_last())
    for value in ([1.0, 1.0], [np.nan, 3.0], [5.0, 5.0]):
        mean = running.update(np.array(value))
    assert np.isnan(mean[0])
    assert mean[1] == 3.0


@pytest.mark.parametrize(
    ("make", "arguments"),
    [
        (geometric, (0.0,)),
        (geometric, (1.5,)),
        (geometric, (math.nan,)),
        (geometric, ([0.5, -0.1],)),
        (geometric, ([],)),
        (polynomial, (0.0, 2)),
        (polynomial, (math.inf, 2)),
        (polynomial, (1.0, -1)),
        (polynomial, (1.0, math.nan)),
    ],
)
def test_impossible_weights_are_refused(make, arguments):
    with pytest.raises(WrongUse):
        make(*arguments)
