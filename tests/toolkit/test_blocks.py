"""Compression block by block: it is that of every block, with random numbers of its own."""

from __future__ import annotations

import numpy as np
import pytest

from problems import Quadratic
from tests.toolkit.instances import instances
from toolkit import simulate
from toolkit.algorithms import EF21
from toolkit.compressors import (
    FCC,
    QSGD,
    AdaptiveThreshold,
    Blocks,
    Composition,
    Compressor,
    HardThreshold,
    Induced,
    Natural,
    PermK,
    RandK,
    Rotated,
    Scaled,
    ScaledSign,
    TopK,
)
from toolkit.compressors._block_draw import BlockDraw, cut, join
from toolkit.constants import CompressorConstants, Constant, exact
from toolkit.draws import Draw
from toolkit.errors import WrongUse
from toolkit.ledger import ledger
from toolkit.parameters import bind


def batch(runs=3, workers=4, d=37, seed=0):
    return np.random.default_rng(seed).standard_normal((runs, workers, d))


def draw_of(compressor, n=4, seeds=(7, 8, 9)):
    draw = Draw(seed=np.array(seeds), workers=n)
    return draw if compressor.shared else draw.per_worker


def edges(d, size):
    return [(start, min(start + size, d)) for start in range(0, d, size)]


def fits(compressor, *sizes):
    try:
        for size in sizes:
            compressor.check(size)
    except WrongUse:
        return False
    return not compressor.state


INSIDE = [one for one in instances() if fits(one.compressor, 5, 3)]


@pytest.mark.parametrize(("compressor", "n"), INSIDE, ids=[repr(one.compressor) for one in INSIDE])
def test_every_compressor_works_in_blocks(compressor, n):
    """Blocks of 5, 5 and 3: messages, bytes, errors, constants and prices are those of the blocks."""
    blocks, x = Blocks(compressor, 5), batch(workers=n, d=13)
    draw = draw_of(blocks, n)
    sent = blocks.compress(x, draw)
    assert blocks.decode(blocks.encode(x, draw), 13, float, draw).tobytes() == sent.tobytes()
    assert blocks.message(x.astype(np.float32), draw).dtype == np.float32
    pieces = [np.ascontiguousarray(x[..., a:b]) for a, b in edges(13, 5)]
    if not compressor.random:
        assert np.array_equal(sent, np.concatenate([compressor.compress(piece) for piece in pieces], axis=-1))
    errors, price = [compressor.expected_error(piece) for piece in pieces], blocks.price(n, 13, float)
    if errors[0] is not None:
        np.testing.assert_allclose(blocks.expected_error(x), sum(errors), rtol=1e-13)
    if price is not None:
        assert price == pytest.approx(sum(compressor.price(n, piece.shape[-1], float) for piece in pieces))
    large, small, of_blocks = (one.constants(d, n) for one, d in ((compressor, 5), (compressor, 3), (blocks, 13)))
    for name, pick in (("delta", min), ("omega", max)):
        each = [getattr(one, name) for one in (large, small)]
        if None in each:
            assert getattr(of_blocks, name) is None
        else:
            assert float(getattr(of_blocks, name)) == pick(map(float, each))
    if large.kappa_sq is not None and small.kappa_sq is not None:
        assert float(of_blocks.kappa_sq) == pytest.approx(2 * float(large.kappa_sq) + float(small.kappa_sq))


@pytest.mark.parametrize(("d", "size"), [(12, 4), (13, 4), (5, 4), (3, 4), (4, 4), (6, 1)])
def test_top_k_and_scaled_sign_in_blocks(d, size):
    x = batch(d=d)
    for compressor in (TopK(k=1), TopK(fraction=0.5), ScaledSign()):
        sent = Blocks(compressor, size).compress(x)
        for a, b in edges(d, size):
            assert np.array_equal(sent[..., a:b], compressor.compress(x[..., a:b]))


@pytest.mark.parametrize("common", [False, True])
def test_every_block_draws_its_own_numbers(common):
    """Block b of worker w draws what row w·count + b of `Draw.rows` says; of a common set, row b."""
    inside, x = RandK(k=2, common=common), np.ones((3, 4, 22))
    compressor = Blocks(inside, 5)
    draw = draw_of(compressor)
    kept = compressor.compress(x, draw) != 0
    whole = draw.of("blocks", 0).of("subset").rows(4).subset(5, 2).reshape(3, -1, 20)
    last = draw.of("blocks", 1).of("subset").rows(1).subset(2, 2)
    assert np.array_equal(kept, np.broadcast_to(np.concatenate([whole, last], axis=-1), kept.shape))
    assert (kept == kept[:, :1]).all() == common
    masks = kept[..., :20].reshape(-1, 5)
    assert len(np.unique(masks, axis=0)) > 5  # of 10 subsets: blocks do not share their numbers
    x = batch(d=22)
    together = compressor.compress(x, draw)
    alone = compressor.compress(x[1:2, :2], draw_of(compressor, 2, (8,)))
    assert np.array_equal(alone, together[1:2, :2])


def test_the_first_and_the_last_block_draw_different_numbers():
    sent = Blocks(QSGD(s=1), 32).compress(np.ones((64, 1, 63)), Draw(seed=np.arange(64)))
    assert not np.array_equal(sent[..., :31] != 0, sent[..., 32:] != 0)


def test_rows_of_a_draw():
    for draw in (Draw(seed=[1, 2], workers=3), Draw(seed=[1, 2], workers=3).per_worker):
        rows = draw.of("numbers").rows(5).uniform(7)
        assert rows.shape == (2, 15 if draw.shape[1] == 3 else 5, 7)
        assert len(np.unique(rows)) == rows.size
        assert not np.isin(draw.of("numbers").uniform(7), rows).any()
        assert np.array_equal(draw.rows(5).of("numbers").uniform(4), draw.rows(5).of("numbers").uniform(7)[..., :4])
        blocks = BlockDraw(draw, 2, 5)
        assert blocks.shape == (10, draw.shape[1])
        assert blocks.seeds.tolist() == [1] * 5 + [2] * 5
        assert np.array_equal(join(blocks.of("numbers").uniform(7), 5).reshape(rows.shape), rows)
        assert blocks.per_worker.uniform(2).shape == (10, 3, 2)
        nested = blocks.rows(2).uniform(3)
        assert nested.shape == (10, 2 * draw.shape[1], 3)
        assert len(np.unique(nested)) == nested.size
    one = BlockDraw(Draw(seed=1), 4, 2)  # one run drawn for four
    assert np.array_equal(one.signs(3)[:2], one.signs(3)[2:4])
    assert one.coin(np.full((8, 1, 1), 0.5)).shape == (8, 1, 1)
    assert sorted(one.permutation(3)[0, 0].tolist()) == [0, 1, 2]
    assert one.normal(3).shape == (8, 1, 3)


def test_cutting_and_joining():
    x = batch(2, 3, 12)
    for count in (1, 2, 12):
        pieces = cut(x, count)
        assert pieces.shape == (2 * count, 3, 12 // count)
        assert np.array_equal(pieces[count + count - 1, 2], x[1, 2, 12 - 12 // count :])
        assert np.array_equal(join(pieces, count), x)


def test_blocks_of_blocks():
    x = batch(d=24)
    nested = Blocks(Blocks(TopK(k=1), 3), 8)
    sent = nested.compress(x)
    for a, b in edges(24, 8):
        assert np.array_equal(sent[..., a:b], Blocks(TopK(k=1), 3).compress(x[..., a:b]))
    compressor = Blocks(Blocks(RandK(k=1, unbiased=True), 3), 9)
    kept = compressor.compress(np.ones((1, 1, 900)), Draw(seed=1)) != 0
    assert (kept.reshape(-1, 3).sum(axis=-1) == 1).all()
    counts = kept.reshape(-1, 3).sum(axis=0)  # binomial(300, 1/3): beyond ±60 with probability below 1e-10 (Hoeffding)
    assert (np.abs(counts - 100) <= 60).all()
    assert float(compressor.constants(900).omega) == 2


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("inside", "path", "values"),
    [
        (TopK(k=1), ("k",), (1, 2, 3)),
        (RandK(k=1, unbiased=True), ("k",), (1, 2, 3)),
        (RandK(k=1, common=True), ("k",), (1, 2, 3)),
        (QSGD(s=1), ("s",), (1, 3, 100)),
        (HardThreshold(raw=1.0), ("raw",), (0.1, 0.7, 3.0)),
        (Scaled(QSGD(s=1)), ("compressor", "s"), (1, 3, 100)),
    ],
    ids=repr,
)
def test_swept_fields_reach_every_block(inside, path, values, dtype):
    x, swept = (
        batch(d=23).astype(dtype),
        bind(Blocks(inside, 5), {("compressor", *path): np.array(values)[:, None, None]}),
    )
    draw = draw_of(swept)
    sent, error, price = swept.message(x, draw), swept.expected_error(x), swept.price(4, 23, dtype)
    assert sent.dtype == error.dtype == dtype
    parts = swept.parts(x, draw)
    assert np.array_equal(swept.assemble(parts, draw, 23, np.dtype(dtype)), sent)
    assert [field.name for field in swept.layout(23, dtype)] == [field.name for field in inside.layout(23, dtype)]
    for run, value in enumerate(values):
        alone = bind(Blocks(inside, 5), {("compressor", *path): value})
        own = draw_of(alone, seeds=(7 + run,))
        assert np.array_equal(alone.message(x[run : run + 1], own), sent[run : run + 1])
        np.testing.assert_allclose(alone.expected_error(x[run : run + 1]), error[run : run + 1], rtol=1e-6)
        assert price is None or price[run, 0, 0] == alone.price(4, 23, dtype)
        for name in ("delta", "omega", "kappa_sq"):
            many, one = (getattr(compressor.constants(23, 4), name) for compressor in (swept, alone))
            assert many is None or many.value[run, 0, 0] == pytest.approx(float(one))


def test_constants_of_the_worst_block():
    whole, ragged = Blocks(TopK(k=2), 8).constants(32), Blocks(TopK(k=2), 8).constants(35)
    assert (float(whole.delta), whole.delta.kind) == (0.25, "exact")
    assert float(ragged.delta) == 0.25  # the last block, of 3, keeps more of its energy
    spike = np.concatenate([np.ones(8), np.zeros(27)])  # constant magnitude on one block
    assert Blocks(TopK(k=2), 8).expected_error(spike[None, None])[0, 0] == 6.0

    threshold = Blocks(HardThreshold(raw=0.5), 8).constants(20)
    assert (float(threshold.kappa_sq), threshold.kappa_sq.kind) == (5.0, "exact")

    buckets = Blocks(QSGD(s=2), 64).constants(72, n=4)
    assert (float(buckets.omega), buckets.omega.kind) == (3.0, "exact")
    assert buckets.ab.value == (0.75, 0.0)
    assert buckets.ab.kind == "upper bound"
    assert Blocks(QSGD(s=2), 64).constants(128, n=4).ab.kind == "exact"
    assert buckets.delta is None
    assert Blocks(Natural(), 5).constants(12).omega.value == 1 / 8


def test_the_worst_block_decides_whether_a_constant_is_exact():
    class Known(Compressor):
        """δ is 1/d and exact for d = 4, and only bounded by 1/5 for d = 2."""

        bound: float

        def constants(self, d, n=1):
            return CompressorConstants(
                delta=exact(0.25, "four") if d == 4 else Constant(self.bound, "lower bound", "two")
            )

    for bound, kind in ((0.2, "lower bound"), (0.25, "lower bound"), (0.3, "exact")):
        delta = Blocks(Known(bound=bound), 4).constants(10).delta
        assert (float(delta), delta.kind) == (min(bound, 0.25), kind)
    assert Blocks(Known(bound=0.2), 4).constants(8).delta == Constant(0.25, "exact", "the worst block: four")


def test_prices_are_added_up():
    assert Blocks(TopK(k=1), 8).price(4, 20, np.float32) == 2 * (32 + 3) + (32 + 2)
    assert Blocks(QSGD(s=1), 8).price(4, 20, np.float32) == 3 * 32 + 2 * 20
    assert Blocks(ScaledSign(), 8).price(4, 20, np.float64) == 3 * 64 + 20
    threshold = Blocks(HardThreshold(raw=1.0), 4)
    assert threshold.price(4, 10, float) is None
    x = np.array([1.0, 0, 0, 2.0, 0, 0, 0, 0, 0, 3.0])[None, None]
    # Numbers in 3, 3 and 2 bits; C(4, 2) = 6 ≤ 2³, C(4, 0) = 1, C(2, 1) = 2; three values.
    assert threshold.price_of(x).tolist() == [[3 + 3 + 2 + 3 + 0 + 1 + 3 * 64]]
    assert ledger(threshold, x[0]).formula.tolist() == [[3 + 3 + 2 + 3 + 0 + 1 + 3 * 64]]


@pytest.mark.parametrize(
    "inside",
    [
        FCC(HardThreshold(raw=0.5), rounds=2),
        Rotated(HardThreshold(raw=0.5)),
        Induced(HardThreshold(raw=0.5), RandK(k=1, unbiased=True)),
        Composition(HardThreshold(raw=0.5), RandK(k=2)),
        Blocks(HardThreshold(raw=0.5), 2),
    ],
    ids=repr,
)
def test_prices_that_parts_alone_tell_are_added_up(inside):
    """Blocks of 4, 4 and 2: the price of each block by itself, with the draw that it has."""
    compressor, x = Blocks(inside, 4), batch(d=10)
    draw = draw_of(compressor) if compressor.random else None
    expected = np.zeros((3, 4))
    for piece, blocks in compressor._cut(x, draw):
        price = inside.price_of_parts(inside.parts(blocks, piece.draw), piece.draw, piece.size, x.dtype)
        expected += join(price[..., None], piece.count).sum(axis=-1)
    assert ledger(compressor, x, draw).formula.tolist() == expected.tolist()
    assert len(np.unique(expected)) > 1
    problem = Quadratic(hessians=np.ones((4, 10)), linear=np.arange(40.0).reshape(4, 10))
    result = simulate(problem, EF21(), compressor, stepsize=0.1, steps=2, unproven=True)
    assert (result.bits_up.values[..., -1] > 0).all()


def test_every_block_is_dealt_out_to_the_workers():
    compressor, x = Blocks(PermK(), 6), batch(5, 3, 20)
    draw = Draw(seed=np.arange(5), workers=3)
    assert (compressor.shared, compressor.correlated) == (True, True)
    sent = compressor.compress(x, draw)
    for a, b in edges(20, 6):
        owners = (sent[..., a:b] != 0).sum(axis=1)
        assert (owners == (1 if b - a >= 3 else owners)).all()
    equal = np.broadcast_to(x[:, :1], x.shape)
    np.testing.assert_allclose(compressor.compress(equal, draw).mean(axis=1), x[:, 0], rtol=1e-14)
    assert compressor.constants(20, 3).ab.value == (1, 1)  # whole blocks of 6, and 2 coordinates for 3 workers
    orders = [(sent[..., a:b] != 0).reshape(5, -1) for a, b in edges(18, 6)]
    assert not np.array_equal(orders[0], orders[1])


def test_a_sweep_in_blocks_is_that_of_single_runs():
    problem = Quadratic.generate(3, 22, spectrum=(0.2, 1.0), heterogeneity=1.0, sigma_sq=1.0, seed=2)
    setting = dict(stepsize=0.05, steps=20, runs=4)
    swept = simulate(problem, EF21(), Blocks(RandK(k=[1, 2]), 5), **setting)
    alone = simulate(problem, EF21(), Blocks(RandK(k=2), 5), **setting)
    assert np.array_equal(swept.f_gap.sel(k=2).values, alone.f_gap.values)
    assert np.array_equal(swept.bits_up.sel(k=2).values, alone.bits_up.values)


def test_declarations_follow_the_compressor_inside():
    assert not Blocks(TopK(k=1), 4).random
    assert Blocks(QSGD(s=1), 4).random
    assert Blocks(RandK(k=1, common=True), 4).summable
    assert not Blocks(HardThreshold(raw=1.0), 4).homogeneous
    assert Blocks(ScaledSign(), 4).homogeneous
    assert not Blocks(ScaledSign(), 4).symmetric
    raw = Blocks(HardThreshold(lam=4.0), 4).for_messages("iterate", 0.5)
    assert raw == Blocks(HardThreshold(raw=2.0), 4)


@pytest.mark.parametrize(
    ("make", "wrong"),
    [
        (lambda: Blocks(3, 4), "not a compressor"),
        (lambda: Blocks(TopK(k=1), 0), "at least 1"),
        (lambda: Blocks(TopK(k=1), 2.5), "integer"),
        (lambda: Blocks(TopK(k=1), [2, 4]), "shapes the message"),
        (lambda: Blocks(AdaptiveThreshold(count=1), 4), "remembers"),
        (lambda: Blocks(TopK(k=3), 2).compress(np.ones(4)), "a block has 2 coordinates, and there k is larger"),
        (lambda: Blocks(TopK(k=3), 4).compress(np.ones(10)), "the last block has 2 coordinates, and there k is larger"),
        (lambda: Blocks(RandK(k=[1, 3]), 4).check(10), "the last block"),
    ],
)
def test_impossible_blocks_are_refused(make, wrong):
    with pytest.raises(WrongUse, match=wrong):
        make()
