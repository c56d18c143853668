"""Slopes, floors, kinds of convergence and crossovers, on curves whose answer is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from toolkit.errors import WrongUse
from toolkit.rates import Estimate, crossover, equivalence, floor, linear_or_sublinear, slope

STEPS = np.unique(np.r_[1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, np.arange(6, 1001, 6)]).astype(float)


def skewed(rng, mean, runs):
    """Curves with expectation `mean`, whose skewed noise shrinks along the curve, shared in part within a run."""
    sd = np.linspace(0.8, 0.2, mean.size)
    z = (rng.standard_normal((runs, 1)) + rng.standard_normal((runs, mean.size))) / math.sqrt(2)
    return mean * np.exp(sd * z - sd**2 / 2)


def fewest_hits(trials, coverage):
    """The smallest count that an interval of at least this coverage misses with probability at most 1e-6."""
    return int(binom.ppf(1e-6, trials, coverage))


# --- slope -----------------------------------------------------------------------------------------------------------


@given(exponent=st.floats(-3, 3), factor=st.floats(1e-6, 1e6))
def test_a_power_law_has_its_exponent_as_slope(exponent, factor):
    found = slope(STEPS, factor * STEPS**exponent)
    assert found.value == pytest.approx(exponent, abs=1e-11)
    assert (found.low, found.high, found.confidence) == (found.value, found.value, 1.0)
    assert found.basis.startswith("exact")


def test_the_window_is_the_part_that_is_fitted():
    y = np.where(STEPS < 100, STEPS**-1.0, 0.1 * STEPS**-0.5)
    assert slope(STEPS, y, window=(100, 1000)).value == pytest.approx(-0.5, abs=1e-12)


def test_the_interval_covers_the_slope_of_the_expectation():
    """2000 ensembles of 40 runs. An interval that covers with probability 0.93 or more fails here with 1e-6."""
    rng, x = np.random.default_rng(0), np.array([100.0, 200.0, 500.0, 1000.0, 2000.0])
    hits = wrong = 0
    for _ in range(2000):
        y = skewed(rng, x**-0.5, runs=40)
        found = slope(x, y, confidence=0.95)
        hits += found.low <= -0.5 <= found.high
        wrong += found.low <= np.polyfit(np.log(x), np.log(y).mean(axis=0), 1)[0] <= found.high
    assert hits >= fewest_hits(2000, 0.93)
    # the mean of the runs' own slopes tends to another number: it lies outside much more often
    assert wrong < fewest_hits(2000, 0.93)


def test_more_confidence_is_a_wider_interval():
    y = skewed(np.random.default_rng(1), STEPS**-0.5, runs=10)
    narrow, wide = slope(STEPS, y, confidence=0.9), slope(STEPS, y, confidence=0.999)
    assert wide.low < narrow.low < narrow.value == wide.value < narrow.high < wide.high
    assert narrow.basis.startswith("asymptotic")


def test_short_windows_are_refused():
    y = STEPS**-0.5
    with pytest.raises(WrongUse, match="2 points"):
        slope(STEPS, y, window=(1, 2))
    with pytest.raises(WrongUse, match=r"a factor 2"):
        slope(STEPS, y, window=(500, 1000))
    with pytest.raises(WrongUse, match="0 points"):
        slope(STEPS, y, window=(2000, 8000))
    with pytest.raises(WrongUse, match="2 points"):
        slope([1.0, 10.0], [1.0, 0.1])
    assert slope([1.0, 2.0, 4.0], [1.0, 0.5, 0.25]).value == pytest.approx(-1)


def test_another_term_that_is_not_negligible_is_refused():
    leading, other = STEPS**-0.5, 0.1 / STEPS
    with pytest.raises(WrongUse, match="up to"):
        slope(STEPS, leading + other, other_terms=other)
    negligible = slope(STEPS, leading + other, window=(10, 1000), other_terms=other)
    assert -0.5 - 0.05 < negligible.value < -0.5
    with pytest.raises(WrongUse, match="up to"):  # each of the two alone would pass
        slope(STEPS, leading + other, window=(10, 1000), other_terms=np.stack([other, other]))
    with pytest.raises(WrongUse, match="up to"):
        slope(STEPS, leading, other_terms=np.full(STEPS.size, np.nan))


@pytest.mark.parametrize(
    ("x", "y"),
    [
        ([0.0, 1.0, 4.0], [1.0, 1.0, 1.0]),
        ([1.0, 4.0, 2.0], [1.0, 1.0, 1.0]),
        ([1.0, 2.0, np.inf], [1.0, 1.0, 1.0]),
        ([1.0, 2.0, 4.0], [1.0, 0.0, 1.0]),
        ([1.0, 2.0, 4.0], [1.0, np.nan, 1.0]),
        ([1.0, 2.0, 4.0], [1.0, np.inf, 1.0]),
        ([1.0, 2.0, 4.0], [[1.0, 1.0, 1.0]]),
        ([1.0, 2.0, 4.0], [[1.0, 1.0, 1.0], [1.0, np.nan, 1.0]]),
        ([1.0, 2.0, 4.0], [[1.0, 1.0, 1.0], [0.0, 0.0, 0.0]]),
        ([1.0, 2.0, 4.0], [1.0, 1.0]),
    ],
)
def test_what_is_no_curve_is_refused(x, y):
    with pytest.raises(WrongUse):
        slope(x, y)


# --- floor -----------------------------------------------------------------------------------------------------------


@given(level=st.floats(1e-12, 1e6), factor=st.floats(0.5, 0.95))
def test_a_floor_is_found_with_its_level_and_start(level, factor):
    excess = 100 * factor**STEPS
    found = floor(STEPS, level * (1 + excess))
    assert found.level.value == pytest.approx(level, rel=1e-3)
    assert found.level.basis.startswith("exact")
    start = np.flatnonzero(found.start == STEPS)[0]
    # the margin is a tenth of the level, which itself is known to 1e-3
    assert excess[start] <= 0.1 + 1.1e-3
    assert start == 0 or excess[start - 1] > 0.1


@pytest.mark.parametrize("y", [1 / STEPS, STEPS**-0.5, STEPS**-0.25, 0.999**STEPS, 1.001**STEPS])
def test_a_curve_that_still_moves_has_no_floor(y):
    assert floor(STEPS, y) is None


def test_the_interval_covers_the_level():
    """1000 ensembles of 40 runs. An interval that covers with probability 0.93 or more fails here with 1e-6."""
    rng, x = np.random.default_rng(2), STEPS[::8]
    found = [floor(x, skewed(rng, 0.5 + 20 * 0.9**x, runs=40), margin=1.0) for _ in range(1000)]
    levels = [one.level for one in found if one is not None]
    assert len(levels) > 900
    assert sum(level.low <= 0.5 <= level.high for level in levels) >= fewest_hits(len(levels), 0.93)


def test_two_noisy_runs_do_not_establish_a_floor():
    y = skewed(np.random.default_rng(3), np.full(10, 1.0), runs=2)
    assert floor(np.arange(1.0, 11.0), y) is None


# --- linear or sublinear ---------------------------------------------------------------------------------------------

# The intervals of the noisy cases are asked to miss with probability 1e-6 (asymptotic).
NOISE = np.exp(0.05 * np.random.default_rng(4).standard_normal((20, STEPS.size)))


@pytest.mark.parametrize("noise", [1.0, NOISE], ids=["one run", "noisy runs"])
@pytest.mark.parametrize("factor", [0.9, 0.99, 0.9995])
def test_linear_convergence_and_its_factor(factor, noise):
    found = linear_or_sublinear(STEPS, 3 * factor**STEPS * noise, confidence=1 - 1e-6)
    assert found.kind == "linear"
    assert found.rate.low - 1e-12 <= factor <= found.rate.high + 1e-12
    assert found.rate.high - found.rate.low < 0.001


@pytest.mark.parametrize("noise", [1.0, NOISE], ids=["one run", "noisy runs"])
@pytest.mark.parametrize("exponent", [-0.5, -2 / 3, -1, -2])
def test_sublinear_convergence_and_its_exponent(exponent, noise):
    found = linear_or_sublinear(STEPS, 3 * STEPS**exponent * noise, confidence=1 - 1e-6)
    assert found.kind == "sublinear"
    assert found.rate.low - 1e-12 <= exponent <= found.rate.high + 1e-12
    assert found.rate.high - found.rate.low < 0.1


@pytest.mark.parametrize(
    "curve",
    [
        lambda t: np.exp(-np.sqrt(t)),
        lambda t: 0.97**t + 1e-6,
        lambda t: 1 / t + 0.02,
        lambda t: np.ones_like(t),
        lambda t: 1.01**t,
        lambda t: t**0.5,
    ],
    ids=["stretched", "linear to a floor", "sublinear to a floor", "flat", "growing", "growing slowly"],
)
@pytest.mark.parametrize("noise", [1.0, NOISE], ids=["one run", "noisy runs"])
def test_neither_law_is_undecided(curve, noise):
    found = linear_or_sublinear(STEPS, curve(STEPS) * noise)
    assert (found.kind, found.rate) == ("undecided", None)


def test_step_zero_is_left_out_and_short_windows_are_refused():
    t = np.arange(30.0)
    assert linear_or_sublinear(t, 0.5**t).rate.value == pytest.approx(0.5, rel=1e-12)
    with pytest.raises(WrongUse, match="5 points"):
        linear_or_sublinear(t, 0.5**t, window=(1, 5))
    with pytest.raises(WrongUse, match="factor"):
        linear_or_sublinear(t, 0.5**t, window=(10, 29))


# --- crossover -------------------------------------------------------------------------------------------------------


def test_power_laws_cross_where_they_are_equal():
    found = crossover(STEPS, 12 * STEPS**-1.0, STEPS**-0.5)
    assert found.value == pytest.approx(144, rel=1e-12)
    assert found.low == max(step for step in STEPS if step < 144)
    assert found.high == min(step for step in STEPS if step > 144)


def test_without_a_passage_there_is_no_crossover():
    a, b = STEPS**-1.0, STEPS**-0.5
    assert crossover(STEPS, b, a) is None  # a runs above, or passes over
    assert crossover(STEPS, a / 2, b) is None  # below from the first point on


def test_of_several_crossings_the_last_counts():
    b = np.ones(6)
    found = crossover(np.arange(1.0, 7.0), np.array([2.0, 0.5, 2.0, 2.0, 0.5, 0.25]), b)
    assert 4 < found.value < 5


def test_the_interval_covers_the_crossing():
    """1000 pairs of ensembles of 40 runs. An interval that covers with 0.93 or more fails here with 1e-6."""
    rng, x = np.random.default_rng(5), STEPS[::8]
    true, hits, narrow = 144.0, 0, 0
    for _ in range(1000):
        found = crossover(x, skewed(rng, 12 / x, runs=40), skewed(rng, x**-0.5, runs=40))
        if found is not None:
            assert found.low <= found.value <= found.high
            hits += found.low <= true <= found.high
            narrow += found.high < math.inf
    assert hits >= fewest_hits(1000, 0.93)
    assert narrow > 900


def test_curves_of_different_runs_are_refused():
    with pytest.raises(WrongUse, match="differ"):
        crossover(STEPS, np.ones((2, STEPS.size)), np.ones((3, STEPS.size)))


# --- equivalence -----------------------------------------------------------------------------------------------------


@given(st.floats(-10, 10), st.floats(0, 10), st.floats(-10, 10), st.floats(1e-3, 10))
def test_equivalence_is_about_the_whole_interval(low, width, target, margin):
    high = low + width
    verdict = equivalence(Estimate((low + high) / 2, low, high, 0.95, ""), target, margin)
    some_inside = low <= target + margin and high >= target - margin
    all_inside = low >= target - margin and high <= target + margin
    assert verdict == ("equivalent" if all_inside else "undecided" if some_inside else "different")


def test_an_interval_without_numbers_or_a_margin_of_zero_decides_nothing():
    nan = math.nan
    assert equivalence(Estimate(nan, nan, nan, 0.95, ""), 0.0, 1.0) == "undecided"
    for margin in (0.0, -1.0, nan):
        with pytest.raises(WrongUse, match="margin"):
            equivalence(Estimate(0.0, 0.0, 0.0, 0.95, ""), 0.0, margin)
