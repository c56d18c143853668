"""How long coded data are against their entropy, and the formulas for both."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.codecs import (
    ANS,
    EliasDelta,
    EliasGamma,
    EliasOmega,
    Gaps,
    Golomb,
    Huffman,
    Integers,
    Packed,
    Range,
    Rice,
)
from toolkit.entropy import (
    elias_delta_bits,
    elias_gamma_bits,
    elias_omega_bits,
    golomb_rate,
    level_entropy,
    qsgd_elias_bits,
    set_entropy,
)

# Sets.


def log2_comb(d, k):
    """Return log2 C(d, k) of the exact number."""
    sets = math.comb(d, k)
    shift = max(0, sets.bit_length() - 64)
    return shift + math.log2(sets >> shift)


def test_set_entropy_of_small_sets_is_that_of_the_exact_number():
    d = np.arange(1, 81)[:, None]
    k = np.minimum(np.arange(81), d)
    exact = np.array([[log2_comb(*pair) for pair in zip(*row, strict=True)] for row in zip(d + 0 * k, k, strict=True)])
    np.testing.assert_allclose(set_entropy(d, k), exact, rtol=1e-13, atol=0)
    assert np.all(set_entropy(d, 0 * k) == 0)
    assert np.all(set_entropy(d, d) == 0)


@pytest.mark.parametrize(
    ("d", "k"), [(10**9, 1), (10**9, 2), (10**9, 1000), (10**9, 10**9 - 1000), (10**6, 10**3), (10**5, 5 * 10**4)]
)
def test_set_entropy_of_large_sets_is_that_of_the_exact_number(d, k):
    assert set_entropy(d, k) == pytest.approx(log2_comb(d, min(k, d - k)), rel=1e-13)


def test_set_entropy_of_half_of_a_thousand_millions():
    # The central binomial: log2 C(2n, n) = 2n − ½ log2(πn) − 1/(8n ln 2) + O(n⁻³).
    n = 5 * 10**8
    expected = 2 * n - 0.5 * math.log2(math.pi * n) - 1 / (8 * n * math.log(2))
    assert set_entropy(2 * n, n) == pytest.approx(expected, rel=1e-15)


# Levels.


def test_level_entropy_of_known_streams():
    levels = np.array([[[0, 0, 1, 1], [5, 5, 5, 5]], [[1, 2, 3, 4], [-7, 0, 0, 0]]])
    expected = [[4, 0], [8, 2 + 3 * math.log2(4 / 3)]]
    np.testing.assert_allclose(level_entropy(levels), expected, rtol=1e-15)
    assert level_entropy(np.array([3, 3])) == 0


@given(
    levels=st.lists(st.integers(-3, 3), min_size=12, max_size=12),
    at=st.lists(st.booleans(), min_size=12, max_size=12),
    scale=st.sampled_from([1, 10**12]),
)
def test_level_entropy_counts_each_row_where_it_is_asked_to(levels, at, scale):
    batch, mask = np.array(levels).reshape(2, 2, 3) * scale, np.array(at).reshape(2, 2, 3)
    entropies = level_entropy(batch, mask)
    assert entropies.shape == (2, 2)
    for row in np.ndindex(2, 2):
        stream = batch[row][mask[row]].tolist()
        expected = sum(math.log2(len(stream) / stream.count(level)) for level in stream)
        assert entropies[row] == pytest.approx(expected, abs=1e-12)
    assert np.array_equal(level_entropy(batch.astype(float), mask), entropies)


# Lengths of code words and their means.


@pytest.mark.parametrize(
    ("bits", "code"),
    [(elias_gamma_bits, EliasGamma()), (elias_delta_bits, EliasDelta()), (elias_omega_bits, EliasOmega())],
)
def test_elias_lengths_are_those_of_the_words(bits, code):
    n = np.concatenate([np.arange(1, 1000), 2 ** np.arange(52), 2 ** np.arange(1, 53) - 1])
    assert bits(n).tolist() == [len(code.word(one)) for one in n.tolist()]
    assert bits(n[:6].reshape(2, 3)).shape == (2, 3)
    assert bits(1) == 1


# Sheet malcom_psgd, 3.2: bits per symbol and their ratio to the binary entropy.
GOLOMB_TABLE = [
    (0.5, 1.0, 1.000),
    (0.382, 1.0, 1.042),
    (0.25, 0.82143, 1.0125),
    (0.1, 0.47251, 1.0075),
    (0.05, 0.28808, 1.0059),
    (0.01, 0.08105, 1.0032),
    (0.001, 0.011436, 1.0025),
]


def binary_entropy(p):
    return -p * np.log2(p) - (1 - p) * np.log2(1 - p)


@pytest.mark.parametrize(("p", "bits", "ratio"), GOLOMB_TABLE)
def test_the_golomb_rates_of_the_table(p, bits, ratio):
    assert p * golomb_rate(p) == pytest.approx(bits, abs=0.5 * 10 ** -len(str(bits).partition(".")[2]))
    assert p * golomb_rate(p) / binary_entropy(p) == pytest.approx(ratio, abs=6e-4)


def test_the_golomb_rate_is_the_mean_length():
    for p in (0.003, 0.02, 0.1, 0.37, 0.6, 0.9):
        n = np.arange(1, int(45 / p))  # what is beyond has a probability below e^-45
        law = p * (1 - p) ** (n - 1)
        assert golomb_rate(p) == pytest.approx(law @ Golomb().fit(round(p * 10**9), 10**9).lengths(n), rel=1e-9)
    assert golomb_rate(1) == 1


@pytest.mark.parametrize(
    ("scale", "coded", "entropy"), [(0.3, 0.9411, 0.9346), (1.0, 2.5072, 2.4833), (3.0, 4.0582, 4.0329)]
)
def test_levels_coded_one_after_the_other_cost_what_the_sheet_says(scale, coded, entropy):
    # Sheet malcom_psgd, 3.3, on 200,000 rounded Laplace numbers: the positions of each level among those not yet
    # assigned, the rarest level first. Here in the mean; the sheet's sample is within five standard deviations of it.
    k = np.arange(-100, 101)
    outer = 0.5 * np.exp(-(np.abs(k) - 0.5) / scale) * (1 - np.exp(-1 / scale))
    law = np.where(k == 0, 1 - np.exp(-0.5 / scale), outer)
    law = law[law > 1e-6]
    bits = float(-law @ np.log2(law))
    deviation = math.sqrt(law @ (np.log2(law) + bits) ** 2 / 200_000)
    assert abs(entropy - bits) <= 5 * deviation
    rarest_first = np.sort(law)
    left = np.cumsum(rarest_first[::-1])[::-1]
    mean = float(rarest_first[:-1] @ golomb_rate(rarest_first[:-1] / left[:-1]))
    assert mean / bits == pytest.approx(coded / entropy, abs=0.002)


def test_the_mean_of_golomb_and_rice_is_near_the_entropy():
    # Of runs of density p: at most 1 % above h(p)/p for Golomb and p ≤ 0.1; 0.5 % for Rice at 0.01, 2 % for p ≤ 0.04.
    p = np.geomspace(1e-6, 0.1, 2000)
    assert np.max(p * golomb_rate(p) / binary_entropy(p)) <= 1.01
    p = np.append(p[p <= 0.04], [0.04, 0.01])
    b = np.array([Rice().fit(round(one * 10**12), 10**12).b for one in p])
    ratio = p * (b + 1 / (1 - (1 - p) ** (2.0**b))) / binary_entropy(p)
    assert np.max(ratio) <= 1.02
    assert ratio[-1] <= 1.005


@pytest.mark.parametrize(
    ("code", "d", "density", "most"),
    [
        (Golomb(), 10**7, 0.001, 1.01),
        (Golomb(), 10**7, 0.01, 1.01),
        (Golomb(), 10**6, 0.04, 1.01),
        (Golomb(), 10**6, 0.1, 1.01),
        (Rice(), 10**7, 0.01, 1.005),
        (Rice(), 10**7, 0.001, 1.02),
        (Rice(), 10**6, 0.04, 1.02),
    ],
    ids=repr,
)
def test_the_gaps_of_uniform_sets_are_near_their_entropy(code, d, density, most):
    # Random is the set. With m the modulus, its bits are a constant, but for a digit of truncated binary, and
    # Σ ⌊(gap − 1)/m⌋ = (last position − Σ remainders)/m, where remainders are about uniform: a standard deviation of
    # √(k/12) = 0.29 √k bits (over twenty seeds: 0.21 to 0.29). Every bound is twelve of them or more above the mean, so
    # that a seed misses with a probability below 1e-30 (normal approximation).
    k = round(density * d)
    uniform = np.random.default_rng(11).random(d)
    positions = np.sort(np.argpartition(uniform, k)[:k])
    bits = Gaps(code).bits(positions, d)
    assert 1 <= bits / set_entropy(d, k) <= most


@given(d=st.integers(1, 400), density=st.floats(0, 1), seed=st.integers(0, 2**32))
def test_the_gaps_never_need_more_than_their_bound(d, density, seed):
    # Σ ⌊(gap − 1)/m⌋ ≤ (d − k)/m whatever the set is.
    positions = np.flatnonzero(np.random.default_rng(seed).random(d) < density)
    k = len(positions)
    m = Golomb().fit(k, d).m
    assert Gaps().bits(positions, d) <= k * (1 + math.ceil(math.log2(m))) + (d - k) / m


# Levels.


def qsgd_levels(s, d, bucket=100, seed=5):
    """Return QSGD levels of Gaussian numbers in buckets."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((d // bucket, bucket))
    scaled = s * np.abs(x) / np.linalg.norm(x, axis=1, keepdims=True)
    return (np.sign(x) * np.floor(scaled + rng.random(x.shape))).astype(np.int8).ravel()


@pytest.mark.parametrize("s", [1, 4, 64])
@pytest.mark.parametrize("code", [Range(), ANS()], ids=repr)
def test_entropy_coded_levels_are_within_a_five_hundredth_of_their_entropy(code, s):
    # Random are the data; the entropy is that of the very levels, so no chance enters the comparison but in how the
    # coder rounds, by less than a word.
    levels = qsgd_levels(s, 10**6)
    encoded = code.encode(levels, -s, s)
    entropy = level_entropy(levels)
    assert (encoded.bits - encoded.side) / entropy >= 1 - 1e-5
    assert encoded.bits / entropy <= 1.002
    assert np.array_equal(code.decode(encoded.data, len(levels), -s, s)[0], levels)


@pytest.mark.parametrize("s", [1, 4, 64])
def test_huffman_levels_are_between_their_entropy_and_a_bit_more(s):
    levels = qsgd_levels(s, 10**5)
    encoded = Huffman().encode(levels, -s, s)
    entropy = level_entropy(levels)
    assert entropy <= encoded.bits - encoded.side < entropy + len(levels)
    assert encoded.bits <= Integers(EliasGamma()).bits(levels, -s, s)
    assert np.array_equal(Huffman().decode(encoded.data, len(levels), -s, s)[0], levels)


@given(counts=st.lists(st.integers(1, 60), min_size=2, max_size=30), seed=st.integers(0, 2**32))
def test_a_table_of_rounded_roots_costs_less_than_half_a_bit_for_each_symbol(counts, seed):
    # The model has frequencies r²/Σr² with r = √n rounded. ANS has no loss of its own but up to a word of 32 bits at
    # either end of the stream, and a further 1 % is left for its 24 bits of precision.
    levels = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(counts)), counts))
    encoded = ANS().encode(levels, 0, None)
    excess = encoded.bits - encoded.side - level_entropy(levels)
    assert excess <= 0.01 * level_entropy(levels) + 0.5 * len(counts) + 64


@pytest.mark.parametrize("code", [Huffman(), Range(), ANS()], ids=repr)
def test_large_and_sparse_alphabets(code):
    rng = np.random.default_rng(3)
    levels = rng.choice(rng.integers(-(2**40), 2**40, 5000), 20000)
    encoded = code.encode(levels, None, None)
    assert np.array_equal(code.decode(encoded.data, len(levels), None, None)[0], levels)
    assert encoded.bits - encoded.side <= 1.03 * level_entropy(levels)
    assert encoded.side <= 5000 * (45 + 10)  # a gap of 2²⁹ in the mean, below 45 bits in Elias delta; a count


def test_packed_levels_cost_their_width():
    levels = qsgd_levels(4, 10**4)
    assert Packed().bits(levels, -4, 4) == Packed().encode(levels, -4, 4).bits == 4 * 10**4


def test_the_printed_qsgd_bound():
    assert qsgd_elias_bits(100, 10) == pytest.approx(4.5 * 200 + 32)
    assert qsgd_elias_bits(10**4, 1) == pytest.approx((3 + 1.5 * math.log2(2 * 10001 / 101)) * 101 + 32)
    assert qsgd_elias_bits(np.array([100, 400]), np.array([[1], [2], [3]])).shape == (3, 2)
