"""The law of a number of ones, what schemes cost and refuse, and the limit of what they can do."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from scipy import stats

from toolkit.errors import WrongUse
from toolkit.estimation.poisson_binomial import poisson_binomial
from toolkit.estimation.schemes import AllCoordinates, LowestOnes, RandomCoordinates, RandomOnes
from toolkit.information.sparse_mean import score_proxy, sparse_mean_limit


@pytest.mark.parametrize("d", [1, 2, 3, 7, 20])
def test_poisson_binomial_against_exact_fractions(d):
    theta = np.random.default_rng(d).random(d)
    theta[: d // 3] = [0.0, 1.0][d % 2]
    exact = [Fraction(1)]
    for one in map(Fraction, theta):
        longer, shifted = [*exact, Fraction(0)], [Fraction(0), *exact]
        exact = [(1 - one) * a + one * b for a, b in zip(longer, shifted, strict=True)]
    expected = np.array([float(p) for p in exact])
    np.testing.assert_allclose(poisson_binomial(theta), expected, rtol=4 * d * 2.0**-52)
    np.testing.assert_array_equal(poisson_binomial(theta, d // 2), poisson_binomial(theta)[: d // 2 + 1])


def test_poisson_binomial_is_right_far_out_in_the_tail():
    found = poisson_binomial(np.full(1000, 0.01))
    expected = stats.binom.pmf(np.arange(80), 1000, 0.01)
    assert expected[-1] < 1e-40
    np.testing.assert_allclose(found[:80], expected, rtol=1e-10)
    assert poisson_binomial([]).tolist() == [1.0]
    # Where few ones are out of the question, their probability underflows.
    assert not poisson_binomial(np.full(4000, 0.9), 10).any()


def test_numbers_of_the_sheet():
    # d = 200, s = 12, m = 4, n = 20: 1.86 and 29.9 for a θ that it does not name; the bound depends on s alone.
    theta = 12 * np.arange(200, 0, -1.0) ** 1.0 / np.arange(1, 201.0).sum()
    assert RandomOnes(4).risk(theta, 20) == pytest.approx(1.87, abs=0.04)
    assert round(RandomCoordinates(4).risk(theta, 20), 1) == 30.0
    assert pytest.approx(2.55) == ((12**2 + 12) / 4 + 12) / 20


def test_lengths_of_messages():
    assert RandomOnes.within(bits=40, d=256) == RandomOnes(3)
    assert RandomOnes(3).bits(256) == 3 * 8 + 9
    assert LowestOnes(3).bits(256) == RandomOnes(3).bits(256)
    assert RandomCoordinates(3, sets="private").bits(256) == 3 * 9
    assert RandomCoordinates(3, sets="common").bits(256) == 3
    assert AllCoordinates().bits(256) == 256
    assert RandomOnes.within(bits=10**9, d=16).m == 16


def test_with_all_ones_sent_nothing_is_lost():
    theta = np.random.default_rng(0).random(9)
    for scheme in (RandomOnes(9), LowestOnes(9), LowestOnes(9, scaled=True), RandomCoordinates(9)):
        assert scheme.risk(theta, 5) == pytest.approx(AllCoordinates().risk(theta, 5), rel=1e-14)
    assert LowestOnes(9).bias_sq(theta) < 1e-30


def test_what_scaling_makes_right_and_what_it_does_not():
    theta = np.random.default_rng(1).random(9)
    scaled = LowestOnes(3, scaled=True)
    assert scaled.mean(theta).sum() == pytest.approx(theta.sum(), rel=1e-14)
    assert scaled.bias_sq(theta) > 0.1
    assert LowestOnes(3).mean(theta).sum() < theta.sum()


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: RandomOnes(0),
        lambda: RandomOnes.within(bits=16, d=256),
        lambda: RandomCoordinates(5).risk([0.5] * 4, 1),
        lambda: RandomCoordinates(2, sets="secret"),  # type: ignore[arg-type]
        lambda: LowestOnes(1.5),  # type: ignore[arg-type]
        lambda: sparse_mean_limit(10, 6, 1, 8),
        lambda: sparse_mean_limit(10, 2, 1, 0),
    ],
)
def test_wrong_use(wrong):
    with pytest.raises(WrongUse):
        wrong()


@pytest.mark.parametrize("theta", [1e-6, 0.01, 0.2, 0.4999999, 0.5, 0.7])
def test_the_proxy_of_a_score_bounds_its_moment_generating_function(theta):
    """Kearns and Saul's inequality, and that no smaller proxy will do."""
    odds = np.log((1 - theta) / theta)
    scale = theta * (1 - theta)  # λ/scale is the exponent of the coin itself
    exponent = np.concatenate([np.linspace(-60, 60, 4001), [2 * odds]])
    log_mgf = np.logaddexp(np.log1p(-theta) - theta * exponent, np.log(theta) + (1 - theta) * exponent)
    bound = score_proxy(theta) * (scale * exponent) ** 2 / 2
    # Near 0 both sides are small differences of numbers near 1.
    assert (log_mgf <= bound + 1e-14 + 1e-12 * bound).all()
    if abs(theta - 0.5) > 1e-3:  # attained at the exponent 2 log((1 − θ)/θ)
        assert log_mgf[-1] == pytest.approx(bound[-1], rel=1e-9)


def test_the_proxy_falls_up_to_one_half():
    theta = np.linspace(1e-4, 0.5, 5000)
    assert (np.diff(score_proxy(theta)) < 0).all()


def test_the_limit_falls_with_workers_and_bits_and_stays_below_what_all_know():
    limits = [sparse_mean_limit(1024, 20, n, 64).risk for n in (1, 10, 10**3, 10**6, 10**9)]
    assert all(a > b for a, b in pairwise(limits))
    by_bits = [sparse_mean_limit(1024, 20, 10**6, bits).risk for bits in (1, 16, 64, 256, 4096)]
    assert all(a >= b for a, b in pairwise(by_bits))
    assert by_bits[0] > 10 * by_bits[-1]
    limit = sparse_mean_limit(1024, 20, 10**12, 1024)
    assert 0.97 * 20 / 10**12 < limit.risk < 20 / 10**12
    assert limit.support * limit.high == pytest.approx(20)
