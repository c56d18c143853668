"""Error feedback in place against the compressor's own message and a subtraction, bit for bit."""

from __future__ import annotations

import numpy as np
import pytest

from toolkit import kernels
from toolkit.compressors import Natural, RandK, TopK
from toolkit.draws import Draw
from toolkit.kernels import feedback, parallel, reference
from toolkit.kernels.messages import Sparse

TYPES = (np.float32, np.float64)
# Around the blocks of sums (256), the chunks of work (1024), the sample of Top-k (from 16384) and whole bytes.
SIZES = [(d, np.float32) for d in (1, 2, 15, 16, 17, 255, 256, 257, 1023, 1024, 1025, 16384, 16385, 65537)]
SIZES += [(d, np.float64) for d in (1, 17, 1025, 16385)]
LONG = parallel.LONG + 3  # two threads share a row from here on
DRAW = Draw([5, 6], step=3, workers=2).of("message").per_worker


def rows(d, dtype):
    """Pairs of rows of what is hard: ties, zeros of both signs, constants, subnormal and huge numbers, tails."""
    info, normal = np.finfo(dtype), Draw(1).normal(d)[0, 0]
    kinds = [
        normal,
        np.round(2 * normal),
        np.where(np.arange(d) % 2, -0.0, 0.0),
        np.full(d, -1.5),
        normal * float(info.smallest_subnormal) * 3,
        normal * (float(info.max) / 2**20),
        normal / np.maximum(Draw(2).uniform(d)[0, 0], 1e-6) ** 3,
        normal * (np.arange(d) % 97 == 5),
    ]
    return np.array(kinds).astype(dtype).reshape(2, 4, 1, d)


def assert_same(actual, expected):
    """Equal shapes, types and bits."""
    assert actual.dtype == expected.dtype
    assert actual.shape == expected.shape
    assert actual.tobytes() == np.ascontiguousarray(expected).tobytes()


def check(step, message_of, d, dtype, threads=(1,)):
    """Run `step(memory, v, scale, threads)` twice in a row on every kind of row, and each time the plain path."""
    for pair in rows(d, dtype).transpose(1, 0, 2, 3):
        v = np.repeat(pair, 2, axis=1)
        for count in threads:
            memory = np.zeros_like(v)
            for scale in (0.3, np.array([[[1.0]], [[-0.5]]], dtype)):
                p = memory + scale * v
                with np.errstate(over="ignore"):  # squares of huge numbers
                    sent = message_of(p)
                    rest = p - sent
                    error = kernels.sum_sq(rest)
                    message, own_error = step(memory, v, scale, count)
                assert_same(message.write(np.full_like(v, np.nan)), sent)
                assert_same(memory, rest)
                assert_same(own_error, error)


@pytest.mark.parametrize(("d", "dtype"), SIZES)
def test_top_k(d, dtype):
    for k in {1, 2, d // 100, d // 3, d - 1, d} - {0}:
        if k <= d:
            check(
                lambda m, v, scale, n, k=k: feedback.top_k(m, v, scale, k, n),
                lambda p, k=k: TopK(k=k).message(p, None),
                d,
                dtype,
            )


@pytest.mark.parametrize("k", [1, LONG // 1000, LONG // 3, LONG])
def test_top_k_on_two_threads(k):
    check(
        lambda m, v, scale, n: feedback.top_k(m, v, scale, k, n),
        lambda p: TopK(k=k).message(p, None),
        LONG,
        np.float32,
        threads=(1, 2),
    )


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("kind", ["sorted", "large where no sample looks", "not finite"])
def test_top_k_when_the_sample_misleads(kind, threads):
    p = Draw(4).normal(LONG)
    if kind == "sorted":
        p = np.sort(np.abs(p), axis=-1)
    elif kind == "not finite":
        p[..., ::7] = np.nan
        p[..., 3::7] = np.inf
    else:
        p[..., : LONG // 5] *= 1e-3
    memory, k = np.zeros_like(p), LONG // 50
    message, _ = feedback.top_k(memory, p, 1.0, k, threads)
    assert (np.diff(message.positions) > 0).all()
    if kind != "not finite":
        expected = reference.top_k(p, k)
        assert_same(message.write(np.empty_like(p)), expected)
        assert_same(memory, p - expected)


@pytest.mark.parametrize(("d", "dtype"), SIZES)
def test_rand_k(d, dtype):
    for k in {1, d // 10, d // 2 + 1, d} - {0}:
        for unbiased in (False, True):
            compressor, factor = RandK(k=k, unbiased=unbiased), d / k if unbiased else 1.0
            check(
                lambda m, v, scale, n, k=k, factor=factor: feedback.rand_k(
                    m, v, scale, k, DRAW.of("subset"), factor=factor, threads=n
                ),
                lambda p, compressor=compressor: compressor.message(p, DRAW),
                d,
                dtype,
            )


@pytest.mark.parametrize(("d", "dtype"), SIZES)
def test_scaled_sign(d, dtype):
    check(feedback.scaled_sign, signs_of, d, dtype)


def signs_of(p):
    scale = kernels.mean_abs(p)[..., None]
    return np.where(p < 0, -scale, scale)


@pytest.mark.parametrize(("d", "dtype"), SIZES)
@pytest.mark.parametrize("s", [1, 5, 1000])
def test_qsgd(d, dtype, s):
    for bucket in (None, 100, 1024) if s == 5 else (None,):
        check(
            lambda m, v, scale, n, bucket=bucket: feedback.qsgd(m, v, scale, s, DRAW, bucket=bucket, threads=n),
            lambda p, bucket=bucket: levels_of(p, s, bucket),
            d,
            dtype,
        )


def levels_of(p, s, bucket):
    """Check the batch kernel against the plain body on the way."""
    length = p.shape[-1] if bucket is None else bucket
    message = kernels.qsgd(p, s, DRAW, bucket)
    assert_same(message, reference.qsgd(p, s, DRAW.uniform(p.shape[-1]), kernels.norm(p, length), length))
    return message


@pytest.mark.parametrize(("d", "dtype"), SIZES)
def test_natural(d, dtype):
    check(
        lambda m, v, scale, n: feedback.natural(m, v, scale, DRAW.of("rounding"), n),
        lambda p: powers_of(p, DRAW),
        d,
        dtype,
    )


@pytest.mark.parametrize("dtype", TYPES)
def test_natural_at_the_ends_of_the_number_range(dtype):
    info = np.finfo(dtype)
    ends = np.array(
        [info.max, info.max / 2, info.smallest_normal, info.smallest_normal / 2, info.smallest_subnormal, 0]
    )
    v = np.tile(np.concatenate([ends, -ends]), 50).astype(dtype).reshape(1, 1, -1)
    memory, sent = v.copy(), powers_of(v, Draw(2))
    message, _ = feedback.natural(memory, v, 0.0, Draw(2).of("rounding"))
    assert_same(message.write(np.empty_like(v)), sent)
    assert_same(memory, v - sent)


def powers_of(p, draw):
    """Check the batch kernel against the plain body, and against the compressor, on the way."""
    message = kernels.natural(p, draw.of("rounding"))
    assert_same(message, reference.natural(p, draw.of("rounding").uniform(p.shape[-1])))
    assert_same(message, Natural().message(p, draw))
    return message


def test_two_threads_round_and_choose_the_same():
    single = Draw(8).of("x")
    steps = {
        "rand-k": (lambda m, v, scale, n: feedback.rand_k(m, v, scale, 999, single, threads=n), None),
        "sign": (feedback.scaled_sign, signs_of),
        "qsgd": (lambda m, v, scale, n: feedback.qsgd(m, v, scale, 7, single, threads=n), None),
        "buckets": (lambda m, v, scale, n: feedback.qsgd(m, v, scale, 7, single, bucket=1000, threads=n), None),
        "natural": (lambda m, v, scale, n: feedback.natural(m, v, scale, single, n), None),
    }
    v = Draw(1).normal(LONG).astype(np.float32)
    for step, _ in steps.values():
        one, two = np.zeros_like(v), np.zeros_like(v)
        for _ in range(2):
            (message, error), (other, other_error) = step(one, v, 0.3, 1), step(two, v, 0.3, 2)
            assert_same(one, two)
            assert_same(error, other_error)
            written = message.write(np.empty_like(v))
            assert_same(written, other.write(np.empty_like(v)))
            if not isinstance(message, Sparse):
                assert_same(written, message.write(np.empty_like(v), threads=2))


def test_a_sparse_message_clears_the_previous_one_only():
    out = np.zeros((1, 1, 10))
    first = Sparse(np.array([[[1, 4]]]), np.array([[[2.0, -0.0]]]))
    second = Sparse(np.array([[[4, 7]]]), np.array([[[5.0, 6.0]]]))
    first.write(out)
    second.write(out, previous=first)
    assert_same(out, second.write(np.full_like(out, 9.0)))


def test_levels_take_as_few_bytes_as_they_need():
    v = np.ones((1, 1, 5), np.float32)
    for s, size in ((1, 1), (127, 1), (128, 2), (32767, 2), (32768, 4)):
        message, _ = feedback.qsgd(np.zeros_like(v), v, 1.0, s, DRAW)
        assert message.levels.dtype == np.dtype(f"i{size}")
        assert message.levels.max() <= s


def test_norms_neither_over_nor_underflow_and_are_no_less_than_any_magnitude():
    """The relative error of d additions and a root is below d units of rounding."""
    for dtype in TYPES:
        info = np.finfo(dtype)
        for scale in (1.0, float(info.max) / 300, float(info.smallest_normal), float(info.smallest_subnormal) * 9):
            x = (Draw(3).normal(1000) * scale).astype(dtype)
            exact = np.sqrt(np.sum(x.astype(np.longdouble) ** 2)) if scale == 1 or dtype == np.float32 else None
            length = kernels.norm(x)[0, 0, 0]
            assert np.abs(x).max() <= length < np.inf
            if exact is not None:
                assert abs(length - exact) <= max(1000 * 2.0**-53 * exact, info.eps * exact, info.smallest_subnormal)
            plain, smallest = reference.norm(x, 1000)[0, 0, 0], float(info.smallest_subnormal)
            np.testing.assert_allclose(length, plain, rtol=max(info.eps, 1e-13), atol=smallest)
        assert kernels.norm(np.zeros((1, 1, 3), dtype)) == 0


def test_a_former_message_is_written_over_if_it_fits():
    v = Draw(1).normal(300)
    steps = [
        lambda m, into=None, k=7: feedback.top_k(m, v, 1.0, k, into=into),
        lambda m, into=None, k=7: feedback.rand_k(m, v, 1.0, k, Draw(3), into=into),
        lambda m, into=None, s=7: feedback.qsgd(m, v, 1.0, s, Draw(3), into=into),
        lambda m, into=None: feedback.natural(m, v, 1.0, Draw(3), into=into),
        lambda m, into=None: feedback.scaled_sign(m, v, 1.0, into=into),
    ]
    for step in steps:
        former, _ = step(np.zeros((1, 1, 300)))
        expected, _ = step(np.ones((1, 1, 300)))
        again, _ = step(np.ones((1, 1, 300)), former)
        name = next(iter(vars(again)))
        assert getattr(again, name) is getattr(former, name)
        assert_same(again.write(np.empty_like(v)), expected.write(np.empty_like(v)))
    former, _ = feedback.top_k(np.zeros((1, 1, 300)), v, 1.0, 8)
    assert feedback.top_k(np.zeros((1, 1, 300)), v, 1.0, 7, into=former)[0].positions.shape == (1, 1, 7)


def test_wrong_types_are_refused():
    x = np.zeros((1, 1, 4), np.float32)
    with pytest.raises(TypeError, match="of one type"):
        feedback.top_k(x, x.astype(np.float64), 1.0, 1)
    with pytest.raises(TypeError, match="contiguous"):
        feedback.top_k(np.zeros((1, 1, 8), np.float32)[..., ::2], x, 1.0, 1)


def test_v_may_be_shared_by_workers_and_runs():
    v = Draw(1).normal(40)
    memory = np.zeros((2, 3, 40))
    message, error = feedback.top_k(memory, v, 1.0, 4)
    assert_same(message.write(np.empty_like(memory)), np.broadcast_to(TopK(k=4).message(v, None), memory.shape))
    assert (error == error[0, 0]).all()
