"""Compressors that deal the coordinates out to the workers: the AB identity by enumeration, prices, and MARINA."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest

from problems import Quadratic
from proofs_check.outcomes import outcomes
from proofs_check.statistics import mean_interval
from toolkit import simulate
from toolkit.algorithms import SGD, Algorithm, State, mean, where
from toolkit.averages import uniform
from toolkit.channel import Channel
from toolkit.codecs import Bitmap
from toolkit.compressors import CoordinateSampling, FixedBlocks, Identity, PermK, RandK, Scaled
from toolkit.draws import Draw
from toolkit.ledger import ledger
from toolkit.wire import Codec

DEALT = [PermK(), FixedBlocks(), CoordinateSampling()]
SIZES = [(1, 1), (1, 4), (2, 2), (3, 3), (2, 4), (2, 5), (3, 4), (3, 5), (4, 2), (6, 2), (5, 2), (5, 3), (4, 3), (6, 1)]
each = pytest.mark.parametrize("compressor", DEALT, ids=repr)


def vectors(n, d):
    """Vectors of the workers: arbitrary, all equal, cancelling, one worker alone, one coordinate alone."""
    x = np.random.default_rng(n * 100 + d).standard_normal((n, d))
    alone, cancelling, spike = np.zeros((n, d)), x - x.mean(axis=0), np.zeros((n, d))
    alone[0], spike[:, -1] = x[0], x[:, -1]
    return np.stack([x, np.broadcast_to(x[0], (n, d)), cancelling, alone, spike])


def every_outcome(compressor, n, d):
    """All outcomes for each of `vectors`, so many at a time that they fit."""
    for x in vectors(n, d)[:, None]:
        yield x, outcomes(compressor, x, limit=2**17)


@each
@pytest.mark.parametrize(("n", "d"), SIZES)
def test_the_ab_inequality_is_an_identity_over_all_permutations(compressor, n, d):
    if isinstance(compressor, CoordinateSampling) and n**d > 1000:
        return
    omega = compressor.variances(n, d)
    A, B = compressor.constants(d, n).ab.value
    assert A == B == omega.max() / max(n - 1, 1)
    for x, every in every_outcome(compressor, n, d):
        assert math.fsum(every.probability) == pytest.approx(1, rel=1e-12)
        np.testing.assert_allclose(every.expect(every.sent), x, rtol=1e-12, atol=1e-14)  # unbiased, each worker
        own = every.expect(((every.sent - x) ** 2).sum(axis=-1))
        np.testing.assert_allclose(own, (omega * x**2).sum(axis=-1), rtol=1e-12, atol=1e-25)
        np.testing.assert_allclose(compressor.expected_error(x), own, rtol=1e-12, atol=1e-25)
        average = x.mean(axis=1)
        error = float(every.expect(((every.sent.mean(axis=1) - average) ** 2).sum(axis=-1))[0])
        spread = np.maximum((x**2).mean(axis=1) - average**2, 0)
        rounding = 1e-12 * float((x**2).sum())
        assert error == pytest.approx(float((omega / max(n - 1, 1) * spread).sum()), rel=1e-12, abs=rounding)
        assert error <= A * float(spread.sum()) + rounding
        if np.ptp(omega) == 0:  # then the inequality itself is an identity
            assert error == pytest.approx(A * float(spread.sum()), rel=1e-12, abs=rounding)


@pytest.mark.parametrize(("n", "d", "a"), [(3, 6, 1), (6, 3, 0.4), (12, 3, 2 / 11), (4, 4, 1), (1, 5, 0), (5, 1, 0)])
def test_constants_on_record(n, d, a):
    constants = PermK().constants(d, n)
    assert constants.ab.value == pytest.approx((a, a), rel=1e-15)
    assert float(constants.omega) == (n - 1 if d >= n else d - 1)
    assert constants.ab.kind == constants.omega.kind == "exact"
    assert (constants.delta is None) == (min(n, d) > 1)


@pytest.mark.parametrize(("n", "d"), [(5, 3), (7, 3), (9, 5), (10, 9), (100, 7)])
def test_where_d_does_not_divide_n(n, d):
    q, r = divmod(n, d)
    omega = float(n * (Fraction(r, d * (q + 1)) + Fraction(d - r, d * q)) - 1)  # n E[1/N], N = q + 1 of r coordinates
    assert float(PermK().constants(d, n).omega) == pytest.approx(omega, rel=1e-14)
    assert omega > d - 1
    assert 1 + omega == pytest.approx(n / q * (1 - r / (d * (q + 1))), rel=1e-14)
    assert float(FixedBlocks().constants(d, n).omega) == pytest.approx(n / q - 1, rel=1e-14)
    # Scaling by d instead leaves an error of r(d − r)/n²·‖x‖² where all vectors are equal, which here is 0.
    x = np.ones((1, n, d))
    sent = PermK().compress(x, Draw(seed=np.arange(100), workers=n))
    np.testing.assert_allclose(sent.mean(axis=1), 1.0, rtol=1e-14)
    counts = np.count_nonzero(sent, axis=1)
    scaled_by_d = d * counts / n
    error = ((scaled_by_d - 1) ** 2).sum(axis=-1)
    np.testing.assert_allclose(error, r * (d - r) / n**2 * d, rtol=1e-12)


@each
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("n", "d"), [(4, 12), (4, 13), (6, 3), (7, 3), (1, 5)])
def test_what_workers_have_in_common_is_not_lost(compressor, n, d, dtype):
    x = np.random.default_rng(1).standard_normal((20, 1, d)).astype(dtype)
    sent = compressor.compress(np.broadcast_to(x, (20, n, d)), Draw(seed=np.arange(20), workers=n))
    assert sent.dtype == dtype
    np.testing.assert_allclose(sent.mean(axis=1, keepdims=True), x, rtol=4 * np.finfo(dtype).eps)
    if n == 1:
        assert np.array_equal(sent, x)


@pytest.mark.parametrize(("n", "d"), [(4, 12), (4, 14), (7, 3), (6, 3)])
def test_coordinates_are_dealt_out_evenly(n, d):
    for compressor in (PermK(), FixedBlocks()):
        mine = compressor.dealt(n, d, Draw(seed=np.arange(50), workers=n))
        per_worker, per_coordinate = mine.sum(axis=2), mine.sum(axis=1)
        assert set(np.unique(per_worker)) == ({d // n, -(-d // n)} if d >= n else {1})
        assert set(np.unique(per_coordinate)) == ({1} if d >= n else {n // d, -(-n // d)})
        orders = len(np.unique(mine.reshape(50, -1), axis=0))
        assert orders > (25 if isinstance(compressor, PermK) else 10)
    blocks = FixedBlocks().dealt(n, d, Draw(seed=0, workers=n))
    edges = (blocks[..., 1:] != blocks[..., :-1]).any(axis=(0, 1)).sum()
    assert edges == min(n, d) - 1
    assert (CoordinateSampling().dealt(n, d, Draw(seed=np.arange(50), workers=n)).sum(axis=1) == 1).all()


@each
@pytest.mark.parametrize(("n", "d"), [(4, 12), (4, 14), (7, 3), (1, 5)])
def test_bits_are_the_values_and_a_seed(compressor, n, d):
    x = np.random.default_rng(1).standard_normal((40, n, d)).astype(np.float32)
    draw = Draw(seed=np.arange(40), workers=n)
    bits = ledger(compressor, x, draw)
    values = 32 * np.count_nonzero(compressor.compress(x, draw), axis=-1)
    assert np.array_equal(bits.values, values)
    assert (bits.side == 32).all()
    assert not bits.indices.any()
    assert np.array_equal(bits.encoded, values + 32)
    mean_values = d / n if isinstance(compressor, CoordinateSampling) else max(n, d) / n
    assert (bits.formula == 32 * mean_values).all()
    if isinstance(compressor, CoordinateSampling) or d >= n:
        assert values.sum() == 40 * d * 32
    explicit = ledger(compressor, x, draw, Codec(positions=Bitmap()))
    assert (explicit.indices == d).all()


@each
def test_single_and_double_precision_deal_alike(compressor):
    x, draw = np.random.default_rng(1).standard_normal((2, 5, 9)), Draw(seed=[3, 4], workers=5)
    single, double = compressor.compress(x.astype(np.float32), draw), compressor.compress(x, draw)
    assert np.array_equal(single != 0, double != 0)
    np.testing.assert_allclose(single, double, rtol=3e-7)


@each
def test_inactive_workers_leave_the_others_unbiased(compressor):
    """With active rows, what arrives is what arrives of vectors that are 0 at the inactive workers."""
    n, d = 4, 10
    x = np.random.default_rng(1).standard_normal((3, n, d))
    active = np.array([[True, True, False, True], [False, True, True, False], [True] * 4])[..., None]
    arrived = {}
    for name, (v, rows) in {"inactive": (x, active), "zero": (np.where(active, x, 0.0), None)}.items():
        channel = Channel(compressor, Identity())
        channel.begin(Draw(seed=[1, 2, 3], workers=n))
        arrived[name] = channel.send(v, active=rows)
    assert np.array_equal(arrived["inactive"], arrived["zero"])


def test_a_permutation_made_contractive():
    wrapped = Scaled(PermK())
    assert wrapped.shared
    x = np.random.default_rng(1).standard_normal((2, 4, 10))
    sent = wrapped.compress(x, Draw(seed=[1, 2], workers=4))
    np.testing.assert_allclose(sent, PermK().compress(x, Draw(seed=[1, 2], workers=4)) / 4, rtol=1e-15)
    assert float(wrapped.constants(10, 4).delta) == 0.25


# MARINA, as the design page has it.


class MARINA(Algorithm):
    p: float

    def init(self, x, oracle, channel, draw):
        gradient = oracle.exact(x)
        return State(x=x, gradient=gradient, estimate=mean(channel.send(gradient, exact=True)))

    def step(self, state, oracle, channel, draw):
        x = state.x - self.stepsize * state.estimate
        gradient = oracle.exact(x)
        full = draw.of("full gradient").coin(self.p)
        sent = mean(channel.send(where(full, gradient, gradient - state.gradient), exact=full))
        return State(x=x, gradient=gradient, estimate=where(full, sent, state.estimate + sent))


def hessian_variances(hessians):
    """Return L₋, L₊², L±² of quadratics with diagonal Hessians, shape ``(worker, d)``."""
    average, square = hessians.mean(axis=0), (hessians**2).mean(axis=0)
    return average.max(), square.max(), (square - average**2).max()


@each
@pytest.mark.parametrize(("n", "d"), [(4, 10), (10, 4)])
def test_marina_is_gradient_descent_where_workers_differ_by_linear_terms(compressor, n, d):
    """L± = 0: all gradient differences are equal, and their mean arrives without error."""
    hessian = np.linspace(0.1, 1.0, d)
    linear = np.random.default_rng(1).standard_normal((n, d))
    problem = Quadratic(hessians=np.tile(hessian, (n, 1)), linear=linear)
    setting = dict(stepsize=0.5, steps=60, x0=np.ones(d))
    marina = simulate(problem, MARINA(p=0.1), compressor, runs=3, **setting)
    descent = simulate(problem, SGD(), **setting)
    np.testing.assert_allclose(marina.f_gap.values, np.tile(descent.f_gap.values, (3, 1)), rtol=1e-9, atol=1e-14)
    assert marina.bits_up.values.max() < 0.6 * descent.bits_up.values.max()


@each
def test_marina_keeps_its_bound_with_workers_that_differ(compressor):
    """(1/T) Σ E‖∇f(x_t)‖² ≤ 2Δ₀/(γT), as a mean over 64 runs with a t limit at 1e-6 (asymptotic)."""
    n, d, p, steps = 5, 12, 0.2, 200
    hessians = np.random.default_rng(2).uniform(0.1, 1.0, (n, d))
    problem = Quadratic(hessians=hessians, linear=np.random.default_rng(3).standard_normal((n, d)))
    smooth, mean_sq, variance = hessian_variances(hessians)
    A, B = compressor.constants(d, n).ab.value
    stepsize = 1 / (smooth + math.sqrt((1 - p) / p * ((A - B) * mean_sq + B * variance)))
    setting = dict(stepsize=stepsize, steps=steps, runs=64, x0=np.ones(d), average={"grad_norm_sq": uniform})
    result = simulate(problem, MARINA(p=p), compressor, **setting)
    gradients = mean_interval(result.grad_norm_sq_average.values[:, -1], 1e-6)
    gap = float(result.f_gap.values[0, 0])
    assert gradients.high <= 2 * gap / (stepsize * steps)
    # Rand-k of as many values needs a smaller step for its theorem: its A is (n − 1)/n·L₊² against L±² here.
    independent, _ = RandK(k=d // n, unbiased=True).constants(d, n).ab.value
    assert independent * mean_sq > A * variance
