"""Draws by address: the published vectors, independence of the batch, and the laws of the numbers.

The statistical tests use fixed seeds, so they always give the same answer; a correct generator with seeds chosen at
random would fail each with probability at most FALSE_ALARM (exact for counts, asymptotic for the others).
"""

from __future__ import annotations

import hashlib

import array_api_strict
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from toolkit import draws
from toolkit.draws import Draw
from toolkit.errors import WrongUse
from toolkit.kernels import philox, reference

FALSE_ALARM = 1e-6
QUANTILE = stats.norm.isf(FALSE_ALARM / 2)
LAWS = ("words", "uniform", "normal", "signs")

# kat_vectors of Random123, philox4x32 with 10 rounds: counter, key, words.
PUBLISHED = [
    ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]


def chi_square(counts):
    """The p-value of equal probabilities."""
    return stats.chisquare(counts).pvalue


@pytest.mark.parametrize(("counter", "key", "expected"), PUBLISHED)
def test_published_vectors(counter, key, expected):
    plain = reference.philox(*(np.array([word], np.uint64) for word in (*counter, *key)))
    assert tuple(int(word[0]) for word in plain) == expected
    first, third, seed, *words = (np.array([word], np.uint32) for word in (counter[0], counter[2], key[0], 0, 0, 0, 0))
    step, index, purpose = (np.uint64(word) for word in (counter[1], counter[3], key[1]))
    philox.draw_blocks(first, step, third, index, seed, purpose, *words)
    assert tuple(int(word[0]) for word in words) == expected


def test_the_address_of_a_number():
    """Seed and purpose are the key; block, step, worker and index the counter; a coordinate is a lane of its block."""
    key = int.from_bytes(hashlib.blake2b(b"noise", digest_size=4).digest(), "little")
    for draw, worker in ((Draw(5, step=6, workers=3), 0xFFFFFFFF), (Draw(5, step=6, workers=3).per_worker, 2)):
        block = reference.philox(*(np.array([word], np.uint64) for word in (1, 6, worker, 7, 5, key)))
        uniform = draw.of("noise", index=7).uniform(8)[0, -1, 4:]
        np.testing.assert_array_equal(uniform, (np.concatenate(block).astype(float) + 0.5) / 2**32)


@pytest.mark.parametrize("law", LAWS)
@given(
    seeds=st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=5),
    workers=st.integers(0, 4),
    numbers=st.tuples(*[st.integers(0, 2**32 - 1)] * 3),
    d=st.integers(1, 40),
)
def test_compiled_equals_plain(law, seeds, workers, numbers, d):
    address = (np.array(seeds, np.uint32), numbers[0], workers, *numbers[1:], d)
    compiled, plain = getattr(draws.kernels, law)(*address), getattr(reference, law)(*address)
    assert compiled.dtype == plain.dtype
    np.testing.assert_array_equal(compiled, plain)


@pytest.mark.parametrize("law", LAWS)
def test_compiled_equals_plain_on_rows_longer_than_a_strip(law):
    address = (np.array([1, 2], np.uint32), 3, 2, 4, 5, 4 * philox.STRIP + 7)
    np.testing.assert_array_equal(getattr(draws.kernels, law)(*address), getattr(reference, law)(*address))


@pytest.mark.parametrize("law", LAWS)
def test_plain_body_serves_other_array_libraries(law):
    address = (3, 2, 4, 5, 6)
    other = getattr(draws.kernels, law)(array_api_strict.asarray(np.array([1, 2], np.uint32)), *address)
    np.testing.assert_array_equal(np.asarray(other), getattr(draws.kernels, law)(np.array([1, 2], np.uint32), *address))


@pytest.mark.parametrize("law", ["uniform", "normal", "signs"])
@given(d=st.integers(1, 70), more=st.integers(1, 70))
def test_a_number_does_not_depend_on_dimension_batch_or_order(law, d, more):
    batch = getattr(Draw([3, 1, 4, 1], step=9, workers=5).of("a").per_worker, law)(d + more)
    alone = getattr(Draw([4], workers=2).per_worker.of("a").at(9), law)(d)
    np.testing.assert_array_equal(alone, batch[2:3, :2, :d])
    np.testing.assert_array_equal(batch[1], batch[3])
    shared = getattr(Draw([3, 1, 4, 1], step=9, workers=5).of("a"), law)(d)
    np.testing.assert_array_equal(shared[2:3], getattr(Draw(4, step=9).of("a"), law)(d))
    assert shared.shape == (4, 1, d)


def test_repeating_a_draw_repeats_its_numbers():
    draw = Draw([1, 2], workers=2).of("a")
    first = draw.normal(100)
    draw.of("b").uniform(7), draw.at(1).normal(3), draw.per_worker.signs(9)
    np.testing.assert_array_equal(draw.normal(100), first)


def test_a_path_of_purposes_has_its_own_numbers():
    root = Draw(1)
    np.testing.assert_array_equal(root.of("a").of("b").uniform(4), root.of("a/b").uniform(4))
    different = [root, root.of("a"), root.of("a", 1), root.of("a").of("a"), root.of("a", 1).of("b"), root.of("a/b")]
    assert len({draw.uniform(1).item() for draw in different}) == len(different)


@pytest.mark.parametrize(
    "other",
    [
        Draw(8).of("a"),
        Draw(7, step=1).of("a"),
        Draw(7).of("b"),
        Draw(7).of("a", index=1),
        Draw(7).of("a").per_worker,
    ],
    ids=["seed", "step", "purpose", "index", "worker"],
)
def test_each_part_of_the_address_gives_uncorrelated_numbers(other):
    """The correlation of n pairs of independent normal numbers is asymptotically N(0, 1/n)."""
    n = 100_000
    x, y = Draw(7).of("a").normal(n).ravel(), other.normal(n).ravel()
    assert abs(x @ y) / n < QUANTILE / np.sqrt(n)
    assert abs((x**2 - 1) @ (y**2 - 1)) / (2 * n) < QUANTILE / np.sqrt(n)


def test_lanes_of_a_block_are_uncorrelated():
    """Six pairs of lanes, their values and their squares: twelve tests, each at a twelfth of the false-alarm rate."""
    n = 200_000
    lanes = Draw(11).normal(4 * n).reshape(n, 4)
    for values in (lanes, (lanes**2 - 1) / np.sqrt(2)):
        correlations = (values.T @ values / n)[np.triu_indices(4, 1)]
        assert np.abs(correlations).max() < stats.norm.isf(FALSE_ALARM / 24) / np.sqrt(n)


def test_normal_numbers_have_their_moments_and_their_law():
    """Mean: exact; variance and fourth moment: asymptotic variances 2/n and 96/n; Kolmogorov–Smirnov: asymptotic."""
    x = Draw(np.arange(20), workers=5).per_worker.normal(10_000).ravel()
    n = x.size
    assert abs(x.mean()) < QUANTILE / np.sqrt(n)
    assert abs((x**2).mean() - 1) < QUANTILE * np.sqrt(2 / n)
    assert abs((x**4).mean() - 3) < QUANTILE * np.sqrt(96 / n)
    assert stats.kstest(x, "norm").pvalue > FALSE_ALARM


def test_normal_numbers_are_box_muller_of_the_words():
    """Within 1e-12 of the formula evaluated by the C library, also for the smallest and largest words."""
    words = np.concatenate(
        [[0, 1, 2, 2**31 - 1, 2**31, 2**30, 3 * 2**30, 2**32 - 1], Draw(3).uniform(5000)[0, 0] * 2**32]
    )
    radius, turn = (grid.ravel().astype(np.uint32) for grid in np.meshgrid(words[::5].astype(np.uint64), words[:50]))
    r, x, y = (np.empty(radius.size) for _ in range(3))
    philox.radii(radius, r)
    philox.normals(turn, r, x, y)
    length = np.sqrt(-2 * np.log((radius + 0.5) / 2**32))
    angle = np.pi / 2 * ((turn % 2**30 + 0.5) / 2**30)
    cosine, sine = length * np.cos(angle), length * np.sin(angle)
    np.testing.assert_allclose(x, np.where(turn >= 2**31, -cosine, cosine), rtol=0, atol=1e-12)
    np.testing.assert_allclose(y, np.where(turn % 2**31 >= 2**30, -sine, sine), rtol=0, atol=1e-12)


def test_uniform_numbers_and_signs_have_their_law():
    uniform, signs = Draw(5).uniform(200_000).ravel(), Draw(6).signs(200_000).ravel()
    assert uniform.min() > 0
    assert uniform.max() < 1
    assert stats.kstest(uniform, "uniform").pvalue > FALSE_ALARM
    assert set(signs) == {-1.0, 1.0}
    assert stats.binomtest(int((signs > 0).sum()), signs.size).pvalue > FALSE_ALARM


def test_coins():
    p = np.array([0.0, 0.25, 1.0]).reshape(3, 1, 1)
    coins = np.concatenate([Draw([1, 2, 3], step=step).coin(p) for step in range(4000)], axis=1)
    assert coins.dtype == bool
    assert coins.shape == (3, 4000, 1)
    assert not coins[0].any()
    assert coins[2].all()
    assert stats.binomtest(int(coins[1].sum()), 4000, 0.25).pvalue > FALSE_ALARM
    assert Draw(1, workers=3).coin(0.5).shape == (1, 1, 1)
    assert Draw(1, workers=3).per_worker.coin(0.5).shape == (1, 3, 1)


@pytest.mark.parametrize("k", [1, 2, 4])
def test_subsets_are_uniform(k):
    d, runs = 5, 20_000
    masks = Draw(np.arange(runs)).subset(d, k)[:, 0]
    assert masks.dtype == bool
    assert (masks.sum(axis=1) == k).all()
    _, counts = np.unique(masks @ 2 ** np.arange(d), return_counts=True)
    assert len(counts) == {1: 5, 2: 10, 4: 5}[k]
    assert chi_square(counts) > FALSE_ALARM


@given(d=st.integers(1, 60), data=st.data())
def test_subsets_have_exactly_k_members(d, data):
    k = np.array(data.draw(st.lists(st.integers(0, d), min_size=3, max_size=3)))
    masks = Draw([1, 2, 3], workers=2).per_worker.subset(d, k.reshape(3, 1, 1))
    np.testing.assert_array_equal(masks.sum(axis=-1), np.stack([k, k], axis=1))
    np.testing.assert_array_equal(masks[1:2], Draw(2, workers=2).per_worker.subset(d, int(k[1])))


def test_permutations_are_uniform():
    orders = Draw(np.arange(20_000)).permutation(4)[:, 0]
    assert (np.sort(orders, axis=1) == np.arange(4)).all()
    _, counts = np.unique(orders @ 4 ** np.arange(4), return_counts=True)
    assert len(counts) == 24
    assert chi_square(counts) > FALSE_ALARM


@pytest.mark.parametrize("seed", [-1, 2**32, 0.5, [[1]], [], "a", [1, -1], None])
def test_wrong_seeds_are_refused(seed):
    with pytest.raises(WrongUse, match="a seed is an integer"):
        Draw(seed)


def test_wrong_addresses_are_refused():
    with pytest.raises(WrongUse, match="step must be"):
        Draw(1, step=-1)
    with pytest.raises(WrongUse, match="step must be"):
        Draw(1).at(2**32)
    with pytest.raises(WrongUse, match="step must be"):
        Draw(1).at(0.5)
    with pytest.raises(WrongUse, match="index must be"):
        Draw(1).of("a", index=-1)
    with pytest.raises(WrongUse, match="at least one worker"):
        Draw(1, workers=0)
    for k in (-1, 4, np.array([1, 4]).reshape(2, 1, 1)):
        with pytest.raises(WrongUse, match="between 0 and d"):
            Draw([1, 2]).subset(3, k)


def test_seeds_are_copied():
    seeds = np.array([1, 2], np.uint32)
    draw = Draw(seeds)
    seeds[:] = 9
    np.testing.assert_array_equal(draw.uniform(3), Draw([1, 2]).uniform(3))


def test_two_purposes_with_one_hash_are_refused():
    Draw(1).of("purpose 8389")
    with pytest.raises(WrongUse, match="hash is also that of 'purpose 8389'"):
        Draw(1).of("purpose 84374")
