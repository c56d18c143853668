"""Sparsifiers against their definitions: by enumeration, by hand-counted bits, by swept fields."""

from __future__ import annotations

import collections
import itertools
import math

import numpy as np
import pytest

from proofs_check.outcomes import outcomes
from proofs_check.statistics import proportion_interval
from toolkit.codecs import Bitmap, Gaps, Golomb
from toolkit.compressors import AdaptiveThreshold, Bernoulli, BlockRandK, RandK, RTopK, TopK
from toolkit.draws import Draw
from toolkit.errors import WrongUse
from toolkit.ledger import ledger
from toolkit.parameters import bind
from toolkit.wire import Codec

DRAW = Draw(seed=[7, 8, 9], workers=4).per_worker
DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def batch(runs=3, workers=4, d=37, seed=0):
    return np.random.default_rng(seed).standard_normal((runs, workers, d))


def draw_of(compressor, n=4, seeds=(7, 8, 9)):
    draw = Draw(seed=np.array(seeds), workers=n)
    return draw if compressor.shared else draw.per_worker


def numbers(value):
    return value if isinstance(value, tuple) else (value,)


SWEPT = [  # a compressor without the field, the field, its values in three runs
    (TopK(fraction=1.0), "fraction", (0.01, 0.35, 1.0)),
    (RandK(k=1, unbiased=True, common=True), "k", (1, 30, 37)),
    (Bernoulli(p=0.5), "p", (0.01, 0.35, 1.0)),
    (Bernoulli(p=0.5, unbiased=True, common=True), "p", (0.01, 0.35, 1.0)),
    (RTopK(k=2, r=37), "k", (1, 30, 37)),
    (RTopK(k=2, r=37), "r", (2, 30, 37)),
    (AdaptiveThreshold(count=2), "threshold", (0.0, 0.5, 2.0)),
    (BlockRandK(k=1, size=5), "k", (1, 3, 8)),
    (BlockRandK(k=1, size=5, unbiased=True, anywhere=True), "k", (1, 3, 8)),
]


@DTYPES
@pytest.mark.parametrize(("compressor", "field", "values"), SWEPT, ids=lambda v: repr(v))
def test_a_swept_field_equals_separate_compressors(compressor, field, values, dtype):
    x = batch().astype(dtype)
    column = np.array(values)[:, None, None]
    swept = bind(compressor, {(field,): column.astype(dtype) if column.dtype.kind == "f" else column})
    sent, error, price = swept.message(x, draw_of(swept)), swept.expected_error(x), swept.price(4, 37, dtype)
    constants = vars(swept.constants(37, 4))
    for run, value in enumerate(values):
        alone = bind(compressor, {(field,): value})
        draw = draw_of(alone, seeds=(7 + run,))
        assert np.array_equal(alone.message(x[run : run + 1], draw), sent[run : run + 1])
        np.testing.assert_allclose(alone.expected_error(x[run : run + 1]), error[run : run + 1], rtol=1e-6)
        if price is None:
            continue
        assert np.broadcast_to(price, (3, 1, 1))[run, 0, 0] == pytest.approx(alone.price(4, 37, dtype), rel=1e-6)
        for name, constant in vars(alone.constants(37, 4)).items():
            if constants[name] is not None and constant is not None:
                pairs = zip(numbers(constants[name].value), numbers(constant.value), strict=True)
                assert all(np.broadcast_to(many, (3, 1, 1))[run, 0, 0] == pytest.approx(one) for many, one in pairs)


# Every outcome. Vectors of three kinds, of which two workers hold different ones.

ROWS = np.array([[3.0, -4.0, 0.0, 12.0, 84.0], [0.3, 0.7, -1.1, 0.5, 1e-3], [1.0, 1.0, 1.0, 1.0, 1.0]])
VECTORS = np.stack([ROWS, ROWS[[1, 2, 0]]], axis=1)

ENUMERATED = [
    RandK(k=2, common=True),
    RandK(k=2, unbiased=True, common=True),
    RandK(k=2, unbiased=True),
    Bernoulli(p=0.3),
    Bernoulli(p=0.3, unbiased=True),
    Bernoulli(p=0.7, unbiased=True, common=True),
    BlockRandK(k=1, size=2),
    BlockRandK(k=2, size=2, unbiased=True, common=True),
    BlockRandK(k=1, size=3, unbiased=True, anywhere=True),
    BlockRandK(k=1, size=3, anywhere=True, common=True),
]


def mean_error(sent, x):
    """Return ‖(1/n) Σ C_i(x_i) − (1/n) Σ x_i‖² of each outcome, n = 2."""
    return ((sent.mean(axis=1) - x.mean(axis=1)) ** 2).sum(axis=-1)


@pytest.mark.parametrize("compressor", ENUMERATED, ids=repr)
def test_error_bias_and_ab_inequality_over_all_outcomes(compressor):
    every = outcomes(compressor, VECTORS)
    x = VECTORS[every.vector]
    expected = every.expect(((every.sent - x) ** 2).sum(axis=-1))
    np.testing.assert_allclose(compressor.expected_error(VECTORS), expected, rtol=1e-12)
    constants = compressor.constants(5, 2)
    if constants.omega is None:
        assert not compressor.unbiased
        assert constants.ab is None
        return
    np.testing.assert_allclose(every.expect(every.sent), VECTORS, rtol=1e-12, atol=1e-15)
    A, B = constants.ab.value
    mean_sq, sq_of_mean = (VECTORS**2).sum(axis=-1).mean(axis=1), (VECTORS.mean(axis=1) ** 2).sum(axis=-1)
    error, bound = every.expect(mean_error(every.sent, x)), A * mean_sq - B * sq_of_mean
    if compressor.shared:  # the mean is compressed as one vector
        np.testing.assert_allclose(error, float(constants.omega) * sq_of_mean, rtol=1e-12)
        assert (error <= bound).all()
    else:
        np.testing.assert_allclose(error, bound, rtol=1e-12)  # with equality for every x


@pytest.mark.parametrize("compressor", [c for c in ENUMERATED if c.shared and c.unbiased], ids=repr)
def test_the_ab_pair_of_a_common_set_is_attained_by_equal_vectors(compressor):
    x = np.stack([ROWS, ROWS], axis=1)
    every = outcomes(compressor, x)
    A, B = compressor.constants(5, 2).ab.value
    assert B == 0
    error = every.expect(mean_error(every.sent, x[every.vector]))
    np.testing.assert_allclose(error, A * (ROWS**2).sum(axis=-1), rtol=1e-12)


@pytest.mark.parametrize("compressor", [c for c in ENUMERATED if c.summable], ids=repr)
def test_summable_messages_are_added_part_by_part(compressor):
    x = np.round(8 * batch())  # integers, so that sums are exact
    draw = draw_of(compressor)
    parts = compressor.parts(x, draw)
    assert (parts["kept"] == parts["kept"][:, :1]).all()
    total = {"kept": parts["kept"][:, :1], "value": parts["value"].sum(axis=1, keepdims=True)}
    decoded = compressor.assemble(total, draw, 37, x.dtype)
    np.testing.assert_allclose(decoded, compressor.message(x, draw).sum(axis=1, keepdims=True), rtol=1e-14)


@DTYPES
@pytest.mark.parametrize("compressor", ENUMERATED, ids=repr)
def test_a_drawn_set_costs_a_seed_or_its_positions(compressor, dtype):
    x = batch().astype(dtype)
    draw = draw_of(compressor)
    sent = compressor.compress(x, draw)
    values = np.count_nonzero(sent, axis=-1) * 8 * x.dtype.itemsize
    by_seed = ledger(compressor, x, draw)
    assert np.array_equal(by_seed.values, values)
    assert (by_seed.side == 32).all()
    assert not by_seed.indices.any()
    for code in (Gaps(Golomb()), Bitmap()):
        by_position = ledger(compressor, x, draw, Codec(positions=code))
        assert np.array_equal(by_position.values, values)
        assert by_position.indices.all()
        explicit = compressor.encode(x, draw, Codec(positions=code))
        assert compressor.decode(explicit, 37, dtype, draw, Codec(positions=code)).tobytes() == sent.tobytes()


def test_what_a_drawn_set_is_charged():
    assert RandK(k=3).price(4, 8, np.float64) == 3 * 64 + 6  # C(8, 3) = 56 ≤ 2⁶
    assert RandK(k=3, common=True).price(4, 8, np.float32) == 3 * 32
    assert Bernoulli(p=0.5).price(4, 8, np.float64) == 4 * 64 + 8  # a bit per coin
    assert Bernoulli(p=0.25).price(4, 8, np.float32) == pytest.approx(2 * 32 + 8 * (0.5 + 0.75 * np.log2(4 / 3)))
    assert Bernoulli(p=1.0).price(4, 8, np.float32) == 8 * 32
    assert Bernoulli(p=0.5, common=True).price(4, 8, np.float64) == 4 * 64
    assert BlockRandK(k=2, size=3).price(4, 18, np.float64) == 6 * 64 + 4  # C(6, 2) = 15 ≤ 2⁴
    assert BlockRandK(k=2, size=3, common=True).price(4, 18, np.float64) == 6 * 64
    assert BlockRandK(k=6, size=3).price(4, 16, np.float64) == 16 * 64  # all of it


def test_blocks_are_kept_whole():
    x = np.ones((3, 4, 20))
    for size in (1, 4, 7, 20, 25):
        sent = BlockRandK(k=1, size=size).compress(x, DRAW) != 0
        edges = np.flatnonzero((sent[..., 1:] != sent[..., :-1]).any(axis=(0, 1))) + 1
        assert (edges % size == 0).all()
        runs_of_ones = (sent & ~np.roll(sent, 1, axis=-1)).sum(axis=-1)
        assert (runs_of_ones <= 1).all()
    window = BlockRandK(k=1, size=5, anywhere=True).compress(x, DRAW) != 0
    assert (window.sum(axis=-1) == 5).all()
    assert ((window & ~np.roll(window, 1, axis=-1)).sum(axis=-1) == 1).all()  # one block, also round the end
    assert len(np.unique(window.reshape(12, -1), axis=0)) > 4  # more places than there are blocks


# Top-k.


@pytest.mark.parametrize(
    ("fraction", "d", "k"),
    [(0.1, 30, 3), (0.001, 30, 1), (1.0, 30, 30), (0.05, 30, 2), (0.35, 10, 4), (0.3, 10, 3), (0.01, 10**8, 10**6)],
)
def test_a_fraction_is_rounded_to_the_nearest_count(fraction, d, k):
    assert TopK(fraction=fraction).kept(d) == k
    assert type(TopK(fraction=fraction).kept(d)) is int
    single = np.full((2, 1, 1), fraction, dtype=np.float32)  # a sweep in single precision
    assert bind(TopK(k=1), {("k",): None, ("fraction",): single}).kept(d).ravel().tolist() == [k, k]
    assert float(TopK(fraction=fraction).constants(d).delta) == k / d


def test_a_fraction_is_the_count_it_stands_for():
    x = batch(d=40)
    count, share = TopK(k=10), TopK(fraction=0.25)
    for one, other in zip(*(each.message_with_memory(x, x, 0.5, None) for each in (count, share)), strict=True):
        assert np.array_equal(one, other)
    assert count.price(4, 40, float) == share.price(4, 40, float)
    assert repr(share) == "TopK(fraction=0.25)"
    assert TopK(3) == TopK(k=3)


# rTop-k.


class Orders:
    """A draw whose uniform numbers take every order, each in one run."""

    def __init__(self, d):
        self.numbers = (np.array(list(itertools.permutations(range(d))))[:, None] + 0.5) / d

    def of(self, purpose):
        return self

    def uniform(self, d):
        return self.numbers


@pytest.mark.parametrize(("k", "r"), [(1, 1), (1, 3), (2, 3), (2, 5), (3, 3), (4, 5), (5, 5)])
def test_r_top_k_sends_every_subset_of_the_largest_equally_often(k, r):
    orders = Orders(5)
    for row in (
        *ROWS,
        np.array([0.0, 0.0, 2.0, 0.0, -1.0]),
        np.zeros(5),
    ):  # ties, also of zeros, go to the lowest index
        x = np.broadcast_to(row, (120, 1, 5)).copy()
        compressor = RTopK(k=k, r=r)
        parts = compressor.parts(x, orders)
        largest = sorted(range(5), key=lambda j: (-abs(row[j]), j))[:r]
        subsets = collections.Counter(tuple(np.flatnonzero(mask)) for mask in parts["sent"][:, 0])
        assert subsets == {tuple(sorted(s)): 120 // math.comb(r, k) for s in itertools.combinations(largest, k)}
        errors = ((compressor.message(x, orders) - x) ** 2).sum(axis=-1)
        np.testing.assert_allclose(compressor.expected_error(x[:1]), errors.mean(axis=0)[None], rtol=1e-12)


def test_the_ends_of_r_top_k_are_top_k_and_rand_k():
    x = batch()
    assert np.array_equal(RTopK(k=5, r=5).compress(x, DRAW), TopK(k=5).compress(x))
    np.testing.assert_allclose(RTopK(k=5, r=37).expected_error(x), RandK(k=5).expected_error(x), rtol=1e-12)
    for r in (5, 10, 37):
        assert float(RTopK(k=5, r=r).constants(37).delta) == 5 / 37
        ones = np.ones((1, 1, 37))  # constant magnitude: the constant is attained
        assert RTopK(k=5, r=r).expected_error(ones)[0, 0] == pytest.approx(37 - 5, rel=1e-14)
    assert RTopK(k=3, r=6).price(4, 8, np.float64) == 3 * 64 + 6
    sent = RTopK(k=5, r=10).compress(x, DRAW)
    assert (np.count_nonzero(sent, axis=-1) == 5).all()
    assert (TopK(k=10).compress(x)[sent != 0] == sent[sent != 0]).all()
    assert len(np.unique(sent.reshape(12, -1) != 0, axis=0)) == 12


def test_several_workers_of_r_top_k_cover_more():
    """S-b5: n workers with equal vectors send r(1 − (1 − k/r)ⁿ) different coordinates on average.

    Hoeffding over 4096 runs of counts in [k, r]: a deviation of (r − k)·√(ln(2/1e-9)/8192) has probability 1e-9.
    """
    k, r, n = 2, 6, 4
    x = np.broadcast_to(batch(1, 1, 20), (4096, n, 20)).copy()
    sent = RTopK(k=k, r=r).compress(x, Draw(seed=np.arange(4096), workers=n).per_worker)
    covered = (sent != 0).any(axis=1).sum(axis=-1)
    assert abs(covered.mean() - r * (1 - (1 - k / r) ** n)) <= (r - k) * math.sqrt(math.log(2e9) / 8192)


@pytest.mark.parametrize(
    ("make", "wrong"),
    [
        (lambda: TopK(), "exactly one"),
        (lambda: TopK(k=1, fraction=0.5), "exactly one"),
        (lambda: TopK(fraction=0.0), "in \\(0, 1\\]"),
        (lambda: TopK(fraction=[0.5, 1.5]), "in \\(0, 1\\]"),
        (lambda: TopK(fraction="half"), "in \\(0, 1\\]"),
        (lambda: RandK(k=1, common=1), "True or False"),
        (lambda: Bernoulli(p=0.0), "in \\(0, 1\\]"),
        (lambda: Bernoulli(p=1.5), "in \\(0, 1\\]"),
        (lambda: Bernoulli(p=True), "in \\(0, 1\\]"),
        (lambda: Bernoulli(p=0.5, unbiased=None), "True or False"),
        (lambda: RTopK(k=0, r=2), "at least 1"),
        (lambda: RTopK(k=3, r=2), "k is larger than r"),
        (lambda: RTopK(k=[1, 3], r=[4, 2]), "k is larger than r"),
        (lambda: RTopK(k=1, r=6).compress(np.ones(5), Draw(seed=0)), "larger than the dimension"),
        (lambda: AdaptiveThreshold(count=0), "above 0"),
        (lambda: AdaptiveThreshold(count=-1), "at least 0"),
        (lambda: AdaptiveThreshold(count=2, rate=math.nan), "finite"),
        (lambda: AdaptiveThreshold(count=2, threshold=-1.0), "at least 0"),
        (lambda: AdaptiveThreshold(count=6).compress(np.ones(5)), "larger than the dimension"),
        (lambda: BlockRandK(k=0, size=2), "at least 1"),
        (lambda: BlockRandK(k=1, size=0), "at least 1"),
        (lambda: BlockRandK(k=1, size=[1, 2]), "shapes the message"),
        (lambda: BlockRandK(k=1, size=2, anywhere="yes"), "True or False"),
        (lambda: BlockRandK(k=4, size=2).compress(np.ones(5), Draw(seed=0)), "number of blocks, 3"),
        (lambda: BlockRandK(k=[1, 4], size=2).check(5), "number of blocks, 3"),
    ],
)
def test_impossible_fields_are_refused(make, wrong):
    with pytest.raises(WrongUse, match=wrong):
        make()


def test_ties_go_where_they_are_sent():
    x = np.array([[2.0, -2.0, 1.0, 2.0]])
    assert TopK(k=1).compress(x).tolist() == [[2, 0, 0, 0]]
    assert TopK(k=2, ties="highest").compress(x).tolist() == [[0, -2, 0, 2]]
    draws = Draw(seed=np.arange(3000))
    sent = TopK(k=1, ties="random").compress(np.broadcast_to(x, (3000, 1, 4)), draws)[:, 0] != 0
    share = proportion_interval(int(sent[:, 1].sum()), 3000, 1e-6)  # exact (Clopper–Pearson)
    assert share.low <= 1 / 3 <= share.high
    assert not sent[:, 2].any()
    with pytest.raises(WrongUse, match="none of its choices"):
        TopK(k=1, ties="first")
    with pytest.raises(WrongUse, match="draw"):
        TopK(k=1, ties="random").compress(x)
