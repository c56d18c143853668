"""The total-error problem: sort, linear program, dynamic programme and enumeration agree, and bad input is refused."""

from __future__ import annotations

import itertools
from fractions import Fraction
from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from toolkit.budget import best_thresholds, coupled_optimum, decoupled_optimum, feed_back, linear_optimum, plain
from toolkit.budget.brute_force import all_kept, all_schedules
from toolkit.compressors import AdaptiveThreshold, HardThreshold, RandK, TopK
from toolkit.draws import Draw
from toolkit.errors import WrongUse
from toolkit.kernels import segmentation

EPS = float(np.finfo(float).eps)
SHAPES = [(T, d) for T in range(1, 17) for d in range(1, 16 // T + 1)]
FREE = {"exact": False, "free": True}


def gaussian(shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def integers(shape, seed=0):
    return np.random.default_rng(seed).integers(-3, 4, shape).astype(float)


def impulses(T=11):
    """The counterexample: an impulse of 1 in the first step, and of 3/2 in the other coordinate's last step."""
    g = np.zeros((T, 2))
    g[0, 0], g[-1, 1] = 1.0, 1.5
    return g


small = st.tuples(st.integers(1, 4), st.integers(1, 3)).flatmap(
    lambda shape: arrays(float, shape, elements=st.integers(-4, 4).map(float))
)


# Given vectors


@pytest.mark.parametrize("make", [gaussian, integers])
def test_sorting_is_what_enumeration_finds(make):
    for shape in [*SHAPES[::5], (4, 4)]:
        p = make(shape)
        # Sums of at most 16 squares in two orders, each good to 8 eps.
        np.testing.assert_allclose(decoupled_optimum(p).curve, all_kept(p), rtol=16 * EPS, atol=0)


@given(small)
def test_kept_entries_make_the_error_and_thresholds_keep_exactly_them(p):
    best = decoupled_optimum(p)
    for K in range(p.size + 1):
        kept = best.kept(K)
        assert kept.sum() == K
        assert best.curve[K] == (np.where(kept, 0, p) ** 2).sum()
        low, high = best.thresholds(K)
        for lam in np.arange(0, 5, 0.5):
            assert ((abs(p) >= lam).sum() == K) == (low < lam <= high or (p.size == K and lam == 0))
        level = best.magnitudes[K - 1] if K else np.inf
        tied = comb(int((abs(p) == level).sum()), K - int((abs(p) > level).sum())) if 0 < level < np.inf else 1
        assert bool(best.unique(K)) == (tied == 1)


def test_ties_go_to_the_earliest():
    best = decoupled_optimum([[1.0, -1.0], [1.0, 2.0]])
    assert best.kept(2).tolist() == [[True, False], [False, True]]
    assert not best.unique(2)


@pytest.mark.parametrize("make", [gaussian, integers])
def test_linear_program_has_the_value_of_the_sort_and_a_multiplier_between_the_squares(make):
    p = np.stack([make((4, 3), seed) for seed in range(4)]) * np.array([1.0, 1e3, 1e-3, 1.0])[:, None, None]
    best = decoupled_optimum(p)
    scale = (p**2).max()
    for K in (0, 1, 5, 11, 12):
        found = linear_optimum(p, K)
        assert found.share.shape == p.shape
        np.testing.assert_allclose(found.error, best.curve[:, K], rtol=0, atol=1e-8 * scale)
        low, high = best.thresholds(K)
        assert (found.multiplier >= low**2 - 1e-8 * scale).all()
        assert (found.multiplier <= high**2 + 1e-8 * scale).all()


def test_linear_program_of_one_sequence_and_of_zeros():
    p = gaussian((3, 2))
    found = linear_optimum(p, 2)
    assert found.share.shape == (3, 2)
    assert found.error == pytest.approx(decoupled_optimum(p).curve[2], abs=1e-8)
    assert linear_optimum(np.zeros((2, 2)), 1).error == pytest.approx(0, abs=1e-12)


# Error feedback


@pytest.mark.parametrize("values", FREE)
@pytest.mark.parametrize("make", [gaussian, integers])
def test_dynamic_programme_is_what_enumeration_finds(make, values):
    for shape in SHAPES:
        g = make(shape)
        scale = (np.cumsum(abs(g), axis=0) ** 2).sum()
        curve = coupled_optimum(g, g.size, values).curve
        # Differences of sums of squares of the order of `scale`, with some dozens of roundings.
        np.testing.assert_allclose(curve, all_schedules(g, values), rtol=0, atol=64 * EPS * scale)


@pytest.mark.parametrize("values", FREE)
@given(g=small)
def test_schedule_is_within_budget_and_attains_the_error(g, values):
    full = coupled_optimum(g, g.size, values).curve
    assert full[-1] == 0
    assert (np.diff(full) <= 0).all()
    for K in range(g.size + 1):
        best = coupled_optimum(g, K, values)
        assert best.sent.sum() <= K
        assert np.array_equal(best.curve, full[: K + 1])
        assert (best.memory**2).sum() == pytest.approx(best.error, rel=1e-12, abs=1e-12)
        if values == "exact":
            assert (best.memory[best.sent] == 0).all()
        # Messages that make this memory are zero where nothing is sent.
        before = np.concatenate([0 * best.memory[:1], best.memory[:-1]])
        assert (abs(before + g - best.memory)[~best.sent] <= 1e-12).all()


def test_free_values_are_least_squares():
    """Whatever the sends of one coordinate are, its memory is the residual of the sums of g against steps there."""
    g = gaussian((6, 1))
    sums = np.cumsum(g[:, 0])
    least = np.full(7, np.inf)
    for sends in range(7):
        for at in itertools.combinations(range(6), sends):
            steps = np.array([np.arange(6) >= t for t in at], dtype=float).reshape(sends, 6).T
            left = sums - steps @ np.linalg.lstsq(steps, sums)[0] if sends else sums
            least[sends] = min(least[sends], (left**2).sum())
    np.testing.assert_allclose(np.minimum.accumulate(least), coupled_optimum(g, 6, "free").curve, atol=1e-13)


@given(small.map(lambda g: g[:, 0]), st.integers(0, 6), st.booleans())
def test_kernels_and_plain_twins_agree_to_the_bit(g, most, free):
    g = np.ascontiguousarray(g) / 3
    for ours, twin in zip(segmentation.cheapest_sends(g, most, free), plain.cheapest_sends(g, most, free), strict=True):
        assert np.array_equal(ours, twin)
    a, b = np.cumsum(abs(g))[::-1].copy(), abs(g)
    for ours, twin in zip(segmentation.min_plus(a, b), plain.min_plus(a, b), strict=True):
        assert np.array_equal(ours, twin)


def test_exact_rationals():
    g = np.full((11, 2), Fraction(0))
    g[0, 0], g[10, 1] = Fraction(1), Fraction(3, 2)
    for values in FREE:
        best = coupled_optimum(g, 2, values)
        assert best.curve.tolist() == [Fraction(53, 4), Fraction(9, 4), 0]
        assert isinstance(best.error, Fraction)
    constant = np.full((8, 1), Fraction(1, 3))
    constant[0] = 100
    exact, free = (coupled_optimum(constant, 1, values).error for values in FREE)
    assert exact / free == Fraction(2 * (2 * 8 - 1), 8 + 1)
    assert decoupled_optimum(g).curve[:3].tolist() == [Fraction(13, 4), 1, 0]


def test_free_values_of_rationals_agree_with_floating_point():
    g = integers((7, 2)) / 3
    exact = np.vectorize(Fraction, otypes=[object])(g)
    for values in FREE:
        curve = coupled_optimum(exact, 14, values).curve
        np.testing.assert_allclose(coupled_optimum(g, 14, values).curve, curve.astype(float), atol=1e-13)


def test_batches_are_their_runs():
    g = gaussian((3, 5, 2))
    for run in range(3):
        for values in FREE:
            batch, one = coupled_optimum(g, 4, values), coupled_optimum(g[run], 4, values)
            for name in ("curve", "sent", "memory", "error"):
                assert np.array_equal(getattr(batch, name)[run], getattr(one, name))
        assert np.array_equal(best_thresholds(g, 4).curve[run], best_thresholds(g[run], 4).curve)
        assert np.array_equal(decoupled_optimum(g).kept(3)[run], decoupled_optimum(g[run]).kept(3))
        fed, alone = feed_back(g, TopK(k=1)), feed_back(g[run], TopK(k=1))
        assert (fed.error[run], fed.sends[run]) == (alone.error, alone.sends)


# What methods pay


@given(small)
def test_every_threshold_is_looked_at(g):
    best = best_thresholds(g, g.size)
    tried = [feed_back(g, HardThreshold(raw=raw)) for raw in np.arange(0.25, 17, 0.5)]  # sums of integers up to 16
    for K in range(g.size + 1):
        assert best.curve[K] == min(run.error for run in tried if run.sends <= K)
        again = feed_back(g, HardThreshold(raw=min(best.thresholds[K], 1e3)))
        assert (again.error, again.sends <= K) == (best.curve[K], True)


def test_a_threshold_acts_the_same_up_to_its_end():
    g = gaussian(40)
    start = 0.0
    for end, sends, error in zip(*segmentation.threshold_runs(g), strict=True):
        for raw in (np.nextafter(start, np.inf), min(end, 1e6)):
            run = feed_back(g[:, None], HardThreshold(raw=raw))
            assert run.sends == sends
            assert run.error == pytest.approx(error, rel=1e-13)
        start = end


def test_the_optimum_is_below_what_every_schedule_pays():
    g = gaussian((20, 30, 6)) * (1 + np.arange(30)[:, None] / 10) ** -0.5
    free, exact = (coupled_optimum(g, 60, values).curve for values in ("free", "exact"))
    threshold, top = best_thresholds(g, 60).curve, feed_back(g, TopK(k=2)).error
    assert (free <= exact).all()
    assert (exact <= threshold * (1 + 8 * EPS)).all()
    assert (exact[:, -1] <= top).all()


def test_counterexample():
    g = impulses()
    assert coupled_optimum(g, 1).error == coupled_optimum(g, 1, "free").error == 2.25
    assert best_thresholds(g, 1).curve.tolist() == [13.25, 11.0]
    run = feed_back(g, HardThreshold(raw=1.25))
    assert (run.error, run.sends) == (11.0, 1)


def test_random_compressors_draw_anew_in_every_step():
    run = feed_back(np.ones((50, 2)), RandK(k=1), Draw(0))
    assert run.sends == 50
    assert 5 < np.count_nonzero(run.messages[:, 0]) < 45  # with probability 1 − 1e-8 for a fair coin
    again = feed_back(np.ones((50, 2)), RandK(k=1), Draw(0))
    assert np.array_equal(run.messages, again.messages)


# Refusals


@pytest.mark.parametrize(
    ("bad", "wrong"),
    [
        ([1.0, 2.0], r"shape \(2,\)"),
        (np.ones((1, 1, 1, 1)), r"shape \(1, 1, 1, 1\)"),
        (np.ones((0, 3)), r"shape \(0, 3\)"),
        ([["a", "b"]], "no array of real numbers"),
        ([[1.0], [2.0, 3.0]], "no array of real numbers"),
        ([[1j]], "no array of real numbers"),
        ([[1.0, np.nan]], "holds nan in run 0, step 0, coordinate 1"),
        ([[1.0], [-np.inf]], "holds -inf in run 0, step 1, coordinate 0"),
        ([[1e200]], "overflow"),
    ],
)
def test_sequences_that_are_refused(bad, wrong):
    calls = [decoupled_optimum, all_kept, all_schedules]
    calls += [lambda x: linear_optimum(x, 0), lambda x: coupled_optimum(x, 0), lambda x: best_thresholds(x, 0)]
    for call in [*calls, lambda x: feed_back(x, TopK(k=1))]:
        with pytest.raises(WrongUse, match=wrong):
            call(bad)


@pytest.mark.parametrize("budget", [-1, 7, 2.0, "3", None, True, np.array([1, 2])])
def test_budgets_that_are_refused(budget):
    g = np.ones((3, 2))
    calls = [coupled_optimum, best_thresholds, linear_optimum]
    calls += [lambda g, K: decoupled_optimum(g).kept(K), lambda g, K: decoupled_optimum(g).thresholds(K)]
    for call in calls:
        with pytest.raises(WrongUse, match="is not an integer from 0 to T·d = 6"):
            call(g, budget)


def test_other_refusals():
    with pytest.raises(WrongUse, match="Nearest names: free"):
        coupled_optimum(np.ones((2, 2)), 1, "fre")
    with pytest.raises(WrongUse, match="Nearest names: exact"):
        all_schedules(np.ones((2, 2)), "exat")
    with pytest.raises(WrongUse, match=r"2\^21 sets"):
        all_kept(np.ones((3, 7)))
    with pytest.raises(WrongUse, match="carries a state"):
        feed_back(np.ones((2, 2)), AdaptiveThreshold(count=1))
    with pytest.raises(WrongUse, match="no compressor"):
        feed_back(np.ones((2, 2)), np.sign)
