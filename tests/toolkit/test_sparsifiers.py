"""Sparsifiers against their definitions: by enumeration, by hand-counted bits, by swept fields."""

from __future__ import annotations

import numpy as np
import pytest

from toolkit.compressors import TopK
from toolkit.draws import Draw
from toolkit.errors import WrongUse
from toolkit.parameters import bind

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
        assert price[run, 0, 0] == pytest.approx(alone.price(4, 37, dtype), rel=1e-6)
        for name, constant in vars(alone.constants(37, 4)).items():
            if constants[name] is not None and constant is not None:
                pairs = zip(numbers(constants[name].value), numbers(constant.value), strict=True)
                assert all(np.broadcast_to(many, (3, 1, 1))[run, 0, 0] == pytest.approx(one) for many, one in pairs)


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


@pytest.mark.parametrize(
    ("make", "wrong"),
    [
        (lambda: TopK(), "exactly one"),
        (lambda: TopK(k=1, fraction=0.5), "exactly one"),
        (lambda: TopK(fraction=0.0), "in \\(0, 1\\]"),
        (lambda: TopK(fraction=[0.5, 1.5]), "in \\(0, 1\\]"),
        (lambda: TopK(fraction="half"), "in \\(0, 1\\]"),
    ],
)
def test_impossible_fields_are_refused(make, wrong):
    with pytest.raises(WrongUse, match=wrong):
        make()
