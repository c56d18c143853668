"""The adversary recovers the known sharp constants, and shows constants that are too small or too large."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest

from proofs_check.adversary import tightness, worst_input
from proofs_check.extremal import Shrink
from toolkit.compressors import Compressor
from toolkit.compressors.float_format import FloatFormat
from toolkit.compressors.hard_threshold import HardThreshold
from toolkit.compressors.identity import Identity
from toolkit.compressors.natural import Natural
from toolkit.compressors.qsgd import QSGD
from toolkit.compressors.rand_k import RandK
from toolkit.compressors.scaled import Scaled
from toolkit.compressors.scaled_sign import ScaledSign
from toolkit.compressors.top_k import TopK
from toolkit.constants import CompressorConstants, exact, upper_bound
from toolkit.draws import Draw
from toolkit.errors import WrongUse

EPS = float(np.finfo(float).eps)


def exactly(x):
    return [Fraction(float(value)) for value in x]


# What is known.


@pytest.mark.parametrize(("d", "s"), [(4, 1), (5, 1), (9, 1), (16, 1), (16, 2), (25, 2), (36, 3), (64, 2)])
def test_qsgd_with_few_levels(d, s):
    """4s² ≤ d: √d/s − 1, attained by vectors of constant magnitude."""
    found = worst_input(QSGD(s=s), d)
    assert found.ratio == pytest.approx(math.sqrt(d) / s - 1, rel=1e-9)
    assert found.reached
    assert not found.violated
    assert np.ptp(np.abs(found.x)) <= 1e-6 * np.abs(found.x).max()


@pytest.mark.parametrize("d", [4, 8, 12])
def test_a_constant_near_one_is_reached_to_its_own_rounding(d):
    """1 − δ is 1.5e-5, attained at 1 + 2⁻⁸, and known no better than δ, which is 8e-12 of it."""
    found = worst_input(FloatFormat(format="bfloat16"), d)
    assert found.ratio == pytest.approx((2.0**-8 / (1 + 2.0**-8)) ** 2, rel=1e-13)
    assert found.reached
    assert not found.violated


def supremum(d, s):
    """The largest variance of QSGD over vectors of levels (l_j + ½)·c with Σ (l_j + ½)² = d/4 + 2t, any t ≥ 0."""
    t = np.arange(4 * s * s)
    return float(((d / 4 - (s - np.sqrt(d / 4 + 2 * t)) ** 2) / s**2).max())


@pytest.mark.parametrize(
    ("d", "s"), [(3, 2), (4, 2), (4, 3), (5, 4), (8, 2), (8, 3), (8, 7), (12, 5), (16, 3), (16, 7), (16, 16), (24, 4)]
)
def test_qsgd_with_many_levels(d, s):
    """4s² > d: d/(4s²) if and only if d ≡ 4s² (mod 8), and elsewhere as near to it as a lattice of sums allows."""
    found = worst_input(QSGD(s=s), d)
    assert found.ratio == pytest.approx(supremum(d, s), rel=1e-9)
    assert found.ratio <= d / (4 * s * s) * (1 + 1e-12)
    attained = abs(found.ratio - d / (4 * s * s)) <= found.allowance
    assert attained == ((d - 4 * s * s) % 8 == 0)


def test_qsgd_between_few_and_many_levels():
    found = worst_input(QSGD(s=2), 4)
    assert found.ratio == pytest.approx(math.sqrt(5) - 2, rel=1e-9)
    assert sorted(np.abs(found.x)) == [1, 1, 3, 3]


@pytest.mark.parametrize("d", [1, 2, 8])
def test_natural_compression(d):
    found = worst_input(Natural(), d)
    assert found.ratio == pytest.approx(1 / 8, rel=1e-12)
    assert found.reached
    mantissas = np.frexp(np.abs(found.x[found.x != 0]))[0]
    np.testing.assert_allclose(mantissas, 2 / 3, rtol=1e-6)


@pytest.mark.parametrize(("d", "k"), [(4, 1), (8, 3), (8, 7), (16, 2)])
def test_top_k(d, k):
    found = worst_input(TopK(k=k), d)
    assert found.ratio == pytest.approx(1 - k / d, rel=1e-12)
    assert found.x.tolist() == [1.0] * d


@pytest.mark.parametrize("compressor", [RandK(k=3), RandK(k=3, unbiased=True), Shrink(delta=0.75)], ids=repr)
def test_where_every_input_is_the_worst(compressor):
    found = worst_input(compressor, 8)
    assert found.reached
    assert "ascent" not in found.where
    x = Draw(seed=1).normal(8)
    sent = compressor.expected_error(x)
    if sent is not None:
        assert float((sent / (x**2).sum(axis=-1)).item()) == pytest.approx(found.ratio, rel=1e-12)


@pytest.mark.parametrize("d", [2, 8, 16])
def test_the_scaled_sign_attains_its_constant_if_zero_has_a_sign(d):
    found = worst_input(ScaledSign(zero=1), d)
    assert found.ratio == pytest.approx(1 - 1 / d, rel=1e-12)
    assert np.count_nonzero(found.x) == 1


@pytest.mark.parametrize("d", [2, 8, 16])
def test_the_scaled_sign_only_approaches_it_otherwise(d):
    """What is left of the gap is below rounding; in exact arithmetic there is one."""
    found = worst_input(ScaledSign(zero=0), d)
    assert found.reached
    assert found.x.all()
    x = exactly(found.x)
    ratio = 1 - sum(map(abs, x)) ** 2 / (d * sum(value**2 for value in x))
    assert (1 - Fraction(1, d)) * (1 - Fraction(1, 10**12)) < ratio < 1 - Fraction(1, d)


@pytest.mark.parametrize("raw", [0.7, 1e-7, 3e5])
def test_the_hard_threshold_approaches_its_constant(raw):
    found = worst_input(HardThreshold(raw=raw), 8)
    assert found.constant == "kappa_sq"
    assert (np.abs(found.x) < raw).all()
    error, bound = sum(value**2 for value in exactly(found.x)), 8 * Fraction(raw) ** 2
    assert bound * (1 - Fraction(1, 10**12)) < error < bound
    assert 0 <= found.gap <= 1e-12 * found.declared


def test_no_error_is_found_where_there_is_none():
    found = worst_input(Identity(), 5)
    assert (found.ratio, found.declared, found.gap, found.reached) == (0.0, 0.0, 0.0, True)


def test_a_wrapped_compressor():
    found = worst_input(Scaled(QSGD(s=1)), 16)
    assert found.ratio == pytest.approx(3 / 4, rel=1e-9)
    assert found.constant == "delta"


def test_the_search_is_the_same_each_time():
    first, again = (worst_input(QSGD(s=7), 8, seed=3) for _ in range(2))
    assert first.ratio == again.ratio
    assert first.x.tolist() == again.x.tolist()
    assert first.evaluations == again.evaluations


# Constants that are wrong.


class Optimistic(QSGD):
    """QSGD that declares half its relative variance."""

    def constants(self, d, n=1):
        return CompressorConstants(omega=exact(float(super().constants(d).omega) / 2, "half of what it is"))


class AsPrinted(QSGD):
    """QSGD with the constant its paper prints, which no input reaches."""

    def constants(self, d, n=1):
        return CompressorConstants(omega=upper_bound(min(d / self.s**2, math.sqrt(d) / self.s), "as printed"))


class SignedTopK(Compressor):
    """Keeps the largest entries instead of the largest magnitudes."""

    def message(self, x, draw):
        order = np.argsort(-x, axis=-1, kind="stable")
        return np.where(np.argsort(order, axis=-1) < 2, x, 0.0)

    def constants(self, d, n=1):
        return CompressorConstants(delta=exact(2 / d, "k/d"))


class AddsSigns(Compressor):
    """Sends something for zero, and a perturbation of its own size elsewhere."""

    random = True

    def message(self, x, draw):
        return x + draw.of("noise").signs(x.shape[-1])

    def constants(self, d, n=1):
        return CompressorConstants(omega=exact(1.0, "no such thing"), kappa_sq=exact(float(d), "‖sign‖²"))


def test_a_constant_that_is_too_small_is_violated():
    found = worst_input(Optimistic(s=1), 16)
    assert found.violated
    assert found.declared == 1.5
    assert found.gap == pytest.approx(-1.5)
    error = QSGD(s=1).expected_error(found.x[None, None]).item()
    assert error / (found.x**2).sum() > found.declared


def test_a_constant_that_is_too_large_leaves_a_gap():
    found = worst_input(AsPrinted(s=2), 16)
    assert not found.violated
    assert not found.reached
    assert found.gap == pytest.approx(2 - 1, rel=1e-9)


def test_a_wrong_compressor_is_shown_by_a_simple_input():
    found = worst_input(SignedTopK(), 6)
    assert found.violated
    assert found.ratio == 1
    assert np.count_nonzero(found.x) == 1
    assert found.x.min() == -1


def test_an_error_at_zero_is_infinitely_large():
    found = worst_input(AddsSigns(), 4)
    assert found.violated
    assert found.ratio == math.inf
    assert not found.x.any()
    bounded = worst_input(AddsSigns(), 4, constant="kappa_sq")
    assert bounded.reached


def test_an_expected_error_that_is_not_a_number_is_infinite():
    class Broken(TopK):
        def expected_error(self, x):
            return np.where(x[..., 0] > 1, np.nan, super().expected_error(x))

    found = worst_input(Broken(k=1), 3)
    assert found.violated
    assert found.ratio == math.inf
    assert found.x[0] > 1


# Without a closed form.


class Unknown(QSGD):
    """QSGD that does not know its error."""

    def expected_error(self, x):
        return None


class GaussianFactors(Compressor):
    """Multiplies each coordinate by 1 + N(0, 1)/2, so that ω = 1/4 for every input."""

    random = True
    omega = 0.25

    def message(self, x, draw):
        return x * (1 + 0.5 * draw.of("factors").normal(x.shape[-1]))

    def constants(self, d, n=1):
        return CompressorConstants(omega=exact(self.omega, "the variance of a factor"))


def test_the_winner_of_a_search_by_draws_is_judged_exactly_if_it_can_be():
    found = worst_input(Unknown(s=1), 8)
    assert found.basis == "exact"
    assert found.error_probability == 0
    expected = QSGD(s=1).expected_error(found.x[None, None]).item() / (found.x**2).sum()
    assert found.ratio == pytest.approx(expected, rel=1e-12)
    assert found.ratio > 0.99 * (math.sqrt(8) - 1)


def test_else_the_ratio_is_a_lower_confidence_limit():
    """Every input has the ratio 1/4, so whatever is reported above it is the winner's curse.

    The limit is above the truth with probability at most 1e-6 (bounded: empirical Bernstein on errors cut off at a
    level fixed before), and the seed is fixed.
    """
    found = worst_input(GaussianFactors(), 8)
    assert found.error_probability == 1e-6
    assert found.basis.startswith("bounded")
    assert 0.2 < found.ratio <= 0.25
    assert found.ratio < found.estimate
    assert not found.violated


def test_a_wrong_constant_is_found_by_draws_too():
    class Optimist(GaussianFactors):
        omega = 0.2

    assert worst_input(Optimist(), 8).violated


def test_a_deterministic_compressor_needs_no_closed_form():
    class TopTwo(TopK):
        def expected_error(self, x):
            return None

    assert worst_input(TopTwo(k=2), 8).ratio == pytest.approx(0.75, rel=1e-12)


def test_the_error_may_be_given():
    found = worst_input(Unknown(s=2), 16, error=QSGD(s=2).expected_error)
    assert found.ratio == pytest.approx(1.0, rel=1e-9)
    assert found.basis == "exact"


class Saturating(Compressor):
    """Cuts magnitudes off at 2 and sends those below 1 as zero: no error, by its own account, in between."""

    def message(self, x, draw):
        return np.where(np.abs(x) < 1, 0.0, np.clip(x, -2.0, 2.0))

    def domain(self, d, dtype):
        return 1.0, 2.0

    def constants(self, d, n=1):
        return CompressorConstants(delta=exact(1.0, "within its domain"))


def test_inputs_lie_where_the_constants_hold():
    assert worst_input(Saturating(), 4).reached
    beyond = worst_input(Saturating(), 4, magnitudes=(1e-6, 1e6))
    assert beyond.violated
    assert beyond.ratio == 1


# Several workers.


class Split(Compressor):
    """Every coordinate goes, n times as large, to one worker, by one permutation that all of them draw."""

    random = True
    shared = True
    A: float = 1.0

    def message(self, x, draw):
        n, d = x.shape[1:]
        owner = draw.of("permutation").permutation(d) * n // d
        return np.where(owner == np.arange(n)[:, None], n * x, 0.0)

    def constants(self, d, n=1):
        return CompressorConstants(omega=exact(n - 1.0, "S"), ab=exact((self.A, 1.0), "S"))


def split_error(x):
    """E‖(1/n)Σ(C_i(x_i) − x_i)‖² by all permutations."""
    n, d = x.shape[1:]
    owners = np.array(list(itertools.permutations(range(d))))[:, None] * n // d
    sent = np.where(owners == np.arange(n)[:, None], n * x[:, None], 0.0)
    return ((sent.mean(axis=2) - x.mean(axis=1)[:, None]) ** 2).sum(axis=-1).mean(axis=1)


def test_the_ab_inequality_of_a_permutation_is_an_equality():
    found = worst_input(Split(), 4, n=2, constant="ab")
    assert found.reached
    assert found.x.shape == (2, 4)
    given = split_error(found.x[None]).item() + (found.x.mean(axis=0) ** 2).sum()
    assert given / (found.x**2).sum(axis=-1).mean() == pytest.approx(1, rel=1e-12)
    assert worst_input(Split(A=0.9), 4, n=2, constant="ab").violated


def test_the_ab_inequality_with_a_given_error():
    found = worst_input(Split(), 4, n=2, constant="ab", error=split_error)
    assert found.reached
    assert found.basis == "exact"


def test_independent_workers_average_their_variance_away():
    found = worst_input(QSGD(s=1), 9, n=3, constant="ab")
    assert found.ratio == pytest.approx((3 - 1) / 3, rel=1e-9)
    assert found.reached


def test_each_worker_counts_where_constants_are_for_each():
    found = worst_input(QSGD(s=1), 9, n=3)
    assert found.ratio == pytest.approx(2, rel=1e-9)
    assert found.x.shape == (3, 9)


# Rows for a figure, and refusals.


def test_tightness_has_a_row_for_every_declared_constant():
    rows = tightness({"natural": Natural(), "threshold": HardThreshold(raw=1.0), "printed": AsPrinted(s=2)}, 16)
    assert [(row["compressor"], row["constant"]) for row in rows] == [
        ("natural", "omega"),
        ("natural", "delta"),
        ("threshold", "kappa_sq"),
        ("printed", "omega"),
    ]
    natural, contraction, threshold, printed = rows
    assert natural["ratio"] == contraction["ratio"]
    assert natural["declared"] == contraction["declared"] == 0.125
    assert natural["used"] == pytest.approx(1)
    assert threshold["kind"] == "exact"
    assert threshold["declared"] == 16
    assert (printed["kind"], printed["used"]) == ("upper bound", pytest.approx(0.5))
    assert all(row["error_probability"] == 0 and row["d"] == 16 for row in rows)


def test_tightness_asks_for_the_ab_inequality_of_several_workers():
    rows = tightness({"QSGD": QSGD(s=1)}, 16, n=2)
    assert [(row["constant"], row["declared"]) for row in rows] == [("omega", 3.0), ("ab", 1.5)]
    assert all(row["reached"] for row in rows)


@pytest.mark.parametrize(
    ("search", "wrong"),
    [
        (lambda: worst_input(TopK(k=3), 2), "larger than the dimension"),
        (lambda: worst_input(TopK(k=[1, 2]), 4), "not one value"),
        (lambda: worst_input(TopK(k=1), 0), "at least 1"),
        (lambda: worst_input(TopK(k=1), 4, effort=0), "at least 1"),
        (lambda: worst_input(TopK(k=1), 4, constant="kappa"), "Nearest names: kappa_sq"),
    ],
)
def test_impossible_requests_are_refused(search, wrong):
    with pytest.raises(WrongUse, match=wrong):
        search()


def test_what_is_not_declared_has_no_gap():
    found = worst_input(TopK(k=2), 8, constant="kappa_sq", magnitudes=(0.5, 3.0))
    assert found.declared is None
    assert found.gap is None
    assert not found.violated
    assert not found.reached
    assert found.ratio == pytest.approx(6 * 9, rel=1e-6)
