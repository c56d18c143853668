"""Compressors by linear maps of few outputs: the count sketch and low rank."""

from __future__ import annotations

import numpy as np
import pytest

from problems import Quadratic
from proofs_check.outcomes import outcomes
from toolkit import simulate
from toolkit.algorithms import CompressedSGD
from toolkit.channel import Channel
from toolkit.compressors import CountSketch, Identity
from toolkit.draws import Draw
from toolkit.errors import WrongUse
from toolkit.ledger import ledger
from toolkit.parameters import bind

ROUNDING = 1e-13


def gaussian(*shape: int, dtype: str = "float64", seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


# The count sketch.

SMALL = [  # rows, columns, estimate, d
    (1, 1, "mean", 2),
    (1, 2, "mean", 3),
    (2, 2, "mean", 3),
    (3, 2, "mean", 2),
    (1, 2, "median", 3),
    (2, 2, "median", 3),
    (3, 1, "median", 3),
    (3, 2, "median", 2),
    (4, 2, "median", 2),
]


@pytest.mark.parametrize(("rows", "columns", "estimate", "d"), SMALL)
def test_a_sketch_is_unbiased_and_its_variance_is_as_derived(rows, columns, estimate, d) -> None:
    sketch = CountSketch(rows=rows, columns=columns, estimate=estimate)
    x = np.array([3.0, -1.0, 0.5])[None, None, :d]
    every = outcomes(sketch, x, limit=1 << 17)
    np.testing.assert_allclose(every.expect(every.sent), x, atol=ROUNDING)
    variance, bound = every.expect(((every.sent - x) ** 2).sum(axis=-1)), sketch.constants(d).omega
    expected = sketch.expected_error(x)
    if estimate == "mean" or rows <= 2:
        assert bound.kind == "exact"
        assert float(bound) == pytest.approx((d - 1) / (rows * columns), rel=1e-15)
        np.testing.assert_allclose(variance, expected, rtol=ROUNDING)
        np.testing.assert_allclose(variance, float(bound) * (x**2).sum(), rtol=ROUNDING)
    else:
        assert expected is None
        assert bound.kind == "upper bound"
        assert (variance <= (d - 1) / columns * (x**2).sum() * (1 + ROUNDING)).all()


def test_the_bound_of_the_median_is_reached_in_one_column() -> None:
    sketch, spike = CountSketch(rows=3, columns=1, estimate="median"), np.array([[[1.0, 0.0]]])
    every = outcomes(sketch, spike)
    assert every.expect(((every.sent - spike) ** 2).sum(axis=-1)).item() == pytest.approx(1.0, rel=1e-14)
    assert float(sketch.constants(2).omega) == 1


def test_the_tables_of_workers_add_up() -> None:
    x, draw = gaussian(2, 3, 50), Draw(seed=[1, 2], workers=3)
    for sketch in (CountSketch(3, 7), CountSketch(3, 7, "median"), CountSketch(3, 7, "median", k=4)):
        parts = {"table": sketch.parts(x, draw)["table"].sum(axis=1, keepdims=True)}
        of_sum = sketch.message(x.sum(axis=1, keepdims=True), draw)
        np.testing.assert_allclose(sketch.assemble(parts, draw, 50, x.dtype), of_sum, atol=1e-13)
        assert sketch.summable
    mean = CountSketch(3, 7)
    np.testing.assert_allclose(mean.message(x, draw).mean(axis=1), mean.message(x.mean(axis=1)[:, None], draw)[:, 0])


def test_the_table_is_made_by_hand() -> None:
    sketch, x, draw = CountSketch(rows=2, columns=3), gaussian(1, 1, 20), Draw(seed=4)
    table = np.zeros((2, 3))
    for row in range(2):
        column = np.floor(3 * draw.of("column", row).uniform(20)[0, 0]).astype(int)
        for j in range(20):
            table[row, column[j]] += draw.of("sign", row).signs(20)[0, 0, j] * x[0, 0, j]
    assert (sketch.parts(x, draw)["table"].reshape(2, 3) == table).all()
    assert set(column) == {0, 1, 2}


def test_heavy_coordinates_are_found_again() -> None:
    """A message is wrong only if 3 of 5 rows mix up a heavy coordinate with another, or a light one with heavy ones.

    That has probability at most 4·10·(3/600)³ + 496·10·(4/600)³ < 1.5e-3, so 4 wrong ones of 40 have at most 1e-6.
    """
    x = np.zeros((40, 1, 500))
    x[..., [3, 77, 123, 400]] = [9.0, -8.0, 7.0, -6.0]
    sent = CountSketch(rows=5, columns=600, estimate="median", k=4).compress(x, Draw(seed=np.arange(40)))
    assert (sent == x).all(axis=-1).sum() > 36


def test_what_is_shared_is_drawn_once_and_charged_once() -> None:
    channel = Channel(CountSketch(rows=2, columns=3), Identity())
    channel.begin(Draw(seed=[0, 1], workers=3))
    sent = channel.send(np.ones((2, 3, 20)))
    assert (sent == sent[:, :1]).all()
    assert channel.bits_up == 6 * 64
    bits = ledger(CountSketch(rows=2, columns=3), gaussian(20, dtype="float32"), Draw(seed=1))
    assert (bits.formula.item(), bits.encoded.item(), bits.side.item()) == (6 * 32, 7 * 32, 32)
    with pytest.raises(WrongUse, match="must draw the same"):
        CountSketch(2, 3).compress(np.ones((3, 5)), Draw(seed=1, workers=3).per_worker)


def test_workers_with_one_sketch_gain_nothing_from_their_number() -> None:
    """(A, B) = (ω, 0): with equal vectors the mean of the messages is one message."""
    constants = CountSketch(2, 3).constants(5, n=4)
    assert constants.ab.value == (float(constants.omega), 0.0)
    sketch = CountSketch(1, 2)
    x = np.broadcast_to(np.array([3.0, -1.0, 0.5]), (1, 4, 3)).copy()
    every = outcomes(sketch, x)
    error = every.expect(((every.sent.mean(axis=1) - x[0, 0]) ** 2).sum(axis=-1))
    assert error.item() == pytest.approx(float(sketch.constants(3).omega) * (x[0, 0] ** 2).sum(), rel=1e-13)


def test_a_swept_k_and_a_run_with_a_sketch() -> None:
    x, draw = gaussian(2, 1, 20), Draw(seed=[1, 2])
    swept = bind(CountSketch(2, 5, k=1), {("k",): np.array([1, 7])[:, None, None]})
    assert np.count_nonzero(swept.message(x, draw), axis=-1).ravel().tolist() == [1, 7]
    problem = Quadratic(hessians=np.arange(1.0, 9).reshape(2, 4), linear=gaussian(2, 4))
    result = simulate(problem, CompressedSGD(), CountSketch(4, 8), stepsize=0.01, steps=50, runs=2)
    assert (result.f_gap.isel(step=-1) < result.f_gap.isel(step=0)).all()
    assert result.bits_up.isel(step=-1).values.tolist() == [50 * 32 * 64] * 2


@pytest.mark.parametrize(
    ("make", "wrong"),
    [
        (lambda: CountSketch(rows=0, columns=2), "at least 1"),
        (lambda: CountSketch(rows=[1, 2], columns=2), "shapes the message"),
        (lambda: CountSketch(rows=1, columns=2.0), "integer"),
        (lambda: CountSketch(1, 2, estimate="mode"), "none of its choices"),
        (lambda: CountSketch(1, 2, k=0), "at least 1"),
        (lambda: CountSketch(1, 2, k=4).compress(np.ones(3), Draw(seed=0)), "larger than the dimension"),
    ],
)
def test_impossible_sketches_are_refused(make, wrong) -> None:
    with pytest.raises(WrongUse, match=wrong):
        make()
