"""Every compressor against its definition: by enumeration, by bounds on arbitrary vectors, by hand-counted bits."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import array_api_strict
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.compressors import (
    QSGD,
    Blocks,
    Compressor,
    HardThreshold,
    Identity,
    Natural,
    RandK,
    Scaled,
    ScaledSign,
    TopK,
)
from toolkit.constants import CompressorConstants
from toolkit.draws import Draw
from toolkit.entropy import set_bits
from toolkit.errors import WrongUse
from toolkit.parameters import Schedule, bind

ROUNDING = [QSGD(s=1), QSGD(s=3), QSGD(s=64), Natural(), Scaled(QSGD(s=1)), Scaled(Natural())]
SAMPLING = [RandK(k=2), RandK(k=2, unbiased=True), RandK(k=4, unbiased=True), Scaled(RandK(k=2, unbiased=True))]
CERTAIN = [HardThreshold(raw=0.5), HardThreshold(raw=0), Identity(), ScaledSign(zero=1), ScaledSign(zero=0)]
CERTAIN += [TopK(k=1), TopK(k=3)]
RANDOM = ROUNDING + SAMPLING
EVERY = RANDOM + CERTAIN
DRAW = Draw(seed=[7, 8, 9], workers=4).per_worker

every = pytest.mark.parametrize("compressor", EVERY, ids=repr)


def batch(runs=3, workers=4, d=37, seed=0):
    return np.random.default_rng(seed).standard_normal((runs, workers, d))


def squares(x):
    """Return Σ x_j² exactly."""
    return sum(Fraction(float(value)) ** 2 for value in np.ravel(x))


class Scripted:
    """A draw that gives chosen numbers, whatever it is asked for."""

    shape = (1, 1)

    def __init__(self, numbers):
        self.numbers = np.asarray(numbers)[None, None]

    def of(self, purpose, index=0):
        return self

    def uniform(self, d):
        return self.numbers

    def subset(self, d, k):
        assert np.all(self.numbers.sum(axis=-1) == k)
        return self.numbers


def rounding_thresholds(compressor, x):
    """Find by bisection, for each coordinate, the smallest uniform number that no longer rounds it up."""
    lowest = compressor.message(x, Scripted(np.full(x.shape[-1], 1 - 2.0**-53)))[0, 0]
    up, down = np.zeros(x.shape[-1]), np.ones(x.shape[-1])
    for _ in range(80):
        middle = (up + down) / 2
        rounded_up = compressor.message(x, Scripted(middle))[0, 0] != lowest
        up, down = np.where(rounded_up, middle, up), np.where(rounded_up, down, middle)
    return down


def outcomes(compressor, x):
    """Yield every message a random compressor can send for the row `x`, with its probability."""
    inner, d = getattr(compressor, "compressor", compressor), x.shape[-1]
    if isinstance(inner, RandK):
        for chosen in itertools.combinations(range(d), inner.k):
            yield 1 / math.comb(d, inner.k), compressor.message(x, Scripted(np.isin(np.arange(d), chosen)))
        return
    threshold = rounding_thresholds(compressor, x)
    for ups in itertools.product([True, False], repeat=d):
        probability = math.prod(t if up else 1 - t for t, up in zip(threshold, ups, strict=True))
        yield probability, compressor.message(x, Scripted(np.where(ups, 0.0, 1 - 2.0**-53)))


# Expectations, outcome by outcome.


@every
def test_expected_error_is_the_average_over_all_outcomes(compressor):
    for x in ([3.0, -4.0, 0.0, 12.0, 84.0], [0.3, 0.7, -1.1, 0.5, 1e-3], [0.0] * 5, [1.0] * 5):
        row = np.array(x)[None, None]
        if compressor.random:
            each = [(p, float(squares(message - row))) for p, message in outcomes(compressor, row)]
            assert math.fsum(p for p, _ in each) == pytest.approx(1.0, rel=1e-12)
            average = math.fsum(p * error for p, error in each)
        else:
            average = float(squares(compressor.message(row, None) - row))
        assert float(compressor.expected_error(row)[0, 0]) == pytest.approx(average, rel=1e-12, abs=1e-15)


@pytest.mark.parametrize("compressor", [c for c in RANDOM if c.constants(5).omega is not None], ids=repr)
def test_a_compressor_with_omega_is_unbiased(compressor):
    row = np.array([0.3, 0.7, -1.1, 0.5, 1e-3])[None, None]
    mean = sum(p * message for p, message in outcomes(compressor, row))
    np.testing.assert_allclose(mean, row, rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("compressor", RANDOM, ids=repr)
def test_the_law_is_drawn_as_declared(compressor):
    """The mean squared error over 4096 independent runs against `expected_error`.

    A run's error lies in [0, B] with B = ‖x‖²·max(1, d/k)² or less, so by Hoeffding's inequality the mean is further
    than B·√(ln(2/p)/(2·4096)) from its expectation with probability at most p = 1e-9 (bounded).
    """
    runs, x = 4096, np.array([0.3, 0.7, -1.1, 0.5, 1e-3])
    largest = max(float(squares(message - x)) for _, message in outcomes(compressor, x[None, None]))
    sent = compressor.compress(x, Draw(seed=np.arange(runs)))
    measured = ((sent - x) ** 2).sum(axis=-1).mean()
    margin = largest * math.sqrt(math.log(2e9) / (2 * runs))
    assert abs(measured - compressor.expected_error(x[None, None])[0, 0]) <= margin
    assert len(np.unique(sent, axis=0)) > 1


# The constants are the best possible, or said not to be.


def constant_vector(d):
    return np.ones(d)


def spike(d, rest=0.0):
    return np.array([1.0] + [rest] * (d - 1))


TIGHT = [  # compressor, its worst input, the constant, relative gap left
    (Identity(), constant_vector(6), "delta", 0),
    (TopK(k=2), constant_vector(8), "delta", 0),
    (RandK(k=2), batch(1, 1, 8)[0, 0], "delta", 1e-14),
    (RandK(k=2, unbiased=True), batch(1, 1, 8)[0, 0], "omega", 1e-14),
    (RandK(k=6, unbiased=True), batch(1, 1, 8)[0, 0], "delta", 1e-14),
    (ScaledSign(zero=1), spike(8), "delta", 1e-14),
    (ScaledSign(zero=0), spike(8, rest=1e-9), "delta", 1e-7),
    (HardThreshold(raw=0.7), np.full(8, np.nextafter(0.7, 0)), "kappa_sq", 1e-14),
    (QSGD(s=2), constant_vector(64), "omega", 1e-14),
    (QSGD(s=1), constant_vector(7), "omega", 1e-14),
    (QSGD(s=2), np.array([3.0] + [1.0] * 7), "omega", 1e-14),  # s² = (3² + 7·1²)/4, and 8 ≡ 16 (mod 8)
    (QSGD(s=3), np.array([5.0, 3.0, 1.0, 1.0]), "delta", 1e-14),  # s² = (5² + 3² + 1 + 1)/4, and 4 ≡ 36 (mod 8)
    (Natural(), 4 / 3 * np.array([1.0, -2.0, 0.25]), "omega", 1e-14),
    (Natural(), 4 / 3 * np.array([1.0, -2.0, 0.25]), "delta", 1e-14),
    (Scaled(QSGD(s=2)), constant_vector(64), "delta", 1e-14),
    (Scaled(RandK(k=2, unbiased=True)), batch(1, 1, 8)[0, 0], "delta", 1e-14),
]


@pytest.mark.parametrize(("compressor", "x", "name", "gap"), TIGHT, ids=lambda v: repr(v) if v is not None else "")
def test_an_exact_constant_is_reached(compressor, x, name, gap):
    constant = getattr(compressor.constants(x.size), name)
    assert constant.kind == "exact"
    error, norm_sq = float(compressor.expected_error(x[None, None])[0, 0]), float(squares(x))
    bound = {
        "delta": (1 - float(constant)) * norm_sq,
        "omega": float(constant) * norm_sq,
        "kappa_sq": float(constant),
    }[name]
    assert bound * (1 - gap) <= error <= bound * (1 + 1e-14)


def test_every_exact_constant_has_a_worst_input():
    shown = {(type(compressor), name) for compressor, _, name, _ in TIGHT}
    for compressor in EVERY:
        constants = vars(compressor.constants(5))
        for name in ("delta", "omega", "kappa_sq"):
            if constants[name] is not None and constants[name].kind == "exact" and float(constants[name]) not in (0, 1):
                assert (type(compressor), name) in shown


def test_qsgd_is_sharp_but_in_the_plane_and_says_so():
    constants = QSGD(s=2).constants(4)  # of the half-odd vectors, (3, 3, 1, 1)/2 has the length nearest to 2, √5
    assert (float(constants.omega), constants.omega.kind) == (pytest.approx((1 - (5**0.5 - 2) ** 2) / 4), "exact")
    worst = np.array([[[3.0, 3.0, 1.0, 1.0]]])
    assert QSGD(s=2).expected_error(worst)[0, 0] == pytest.approx(20 * float(constants.omega), rel=1e-14)
    x = np.array(list(itertools.product(range(13), repeat=4))[1:], dtype=float)[None]
    largest = (QSGD(s=2).expected_error(x) / (x**2).sum(axis=-1)).max()
    assert largest <= float(constants.omega) * (1 + 1e-14) < 0.25
    assert QSGD(s=2).constants(16).delta is None  # ω = 1 is no contraction
    plane = QSGD(s=4).constants(2)
    assert (plane.omega.kind, plane.delta.kind) == ("upper bound", "lower bound")


# Swept fields.


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("make", "path", "values"),
    [
        (lambda v: TopK(k=v), ("k",), (1, 5, 37)),
        (lambda v: RandK(k=v), ("k",), (1, 5, 37)),
        (lambda v: RandK(k=v, unbiased=True), ("k",), (1, 30, 37)),
        (lambda v: HardThreshold(raw=v), ("raw",), (0.1, 0.7, 3.0)),
        (lambda v: QSGD(s=v), ("s",), (1, 3, 100)),
        (lambda v: Scaled(QSGD(s=v)), ("compressor", "s"), (1, 3, 100)),
    ],
)
def test_a_swept_field_equals_separate_compressors(make, path, values, dtype):
    x = batch().astype(dtype)
    x[..., 0] = np.array(values, dtype)[:, None] if isinstance(values[0], float) else x[..., 0]  # at the threshold
    swept = bind(make(values), {path: np.array(values)[:, None, None]})
    sent, error, price = swept.message(x, DRAW), swept.expected_error(x), swept.price(4, 37, dtype)
    constants = vars(swept.constants(37))
    assert sent.dtype == dtype
    for run, value in enumerate(values):
        alone, draw = make(value), Draw(seed=7 + run, workers=4).per_worker
        assert np.array_equal(alone.message(x[run : run + 1], draw), sent[run : run + 1])
        np.testing.assert_allclose(alone.expected_error(x[run : run + 1]), error[run : run + 1], rtol=1e-6)
        if price is not None:
            assert price.shape == (3, 1, 1)
            assert price[run, 0, 0] == alone.price(4, 37, dtype)
        for name in ("delta", "omega", "kappa_sq"):
            if constants[name] is not None:
                assert constants[name].value[run, 0, 0] == float(getattr(alone.constants(37), name))


def test_a_swept_compressor_inside_scaled_is_checked():
    Scaled(QSGD(s=[1, 3])).check(5)
    with pytest.raises(WrongUse, match="larger than the dimension"):
        Scaled(RandK(k=[1, 6], unbiased=True)).check(5)
    with pytest.raises(WrongUse, match="has no ω"):
        Scaled(RandK(k=[1, 2])).check(5)


def test_a_swept_set_or_a_schedule_is_not_one_compressor():
    for compressor in (TopK(k=[1, 2]), Scaled(QSGD(s=[1, 2])), HardThreshold(raw=Halving())):
        with pytest.raises(WrongUse, match="not one value"):
            compressor.compress(np.ones(3), Draw(seed=0))
    with pytest.raises(WrongUse, match="swept set"):
        QSGD(s=[1, 2]).expected_error(np.ones((1, 1, 2)))


# Prices, counted by hand.


@pytest.mark.parametrize(
    ("compressor", "d", "double", "single"),
    [
        (Identity(), 10, 640, 320),
        (TopK(k=2), 10, 2 * 64 + 6, 2 * 32 + 6),  # C(10, 2) = 45 ≤ 2⁶
        (TopK(k=10), 10, 640, 320),
        (RandK(k=3), 8, 3 * 64 + 6, 3 * 32 + 6),  # C(8, 3) = 56 ≤ 2⁶
        (RandK(k=1, unbiased=True), 1024, 64 + 10, 32 + 10),
        (ScaledSign(), 10, 10 + 64, 10 + 32),
        (QSGD(s=1), 10, 64 + 20, 32 + 20),  # 3 symbols
        (QSGD(s=3), 10, 64 + 30, 32 + 30),  # 7 symbols
        (QSGD(s=4), 10, 64 + 40, 32 + 40),  # 9 symbols
        (Natural(), 10, 120, 90),
        (Scaled(QSGD(s=4)), 10, 64 + 40, 32 + 40),
    ],
    ids=repr,
)
def test_prices_that_do_not_depend_on_the_message(compressor, d, double, single):
    assert compressor.price(4, d, np.float64) == double
    assert compressor.price(4, d, "float32") == single


def test_prices_that_the_message_decides():
    x = np.array([[[1.0, 5.0, 2.0] + [0.5] * 7, [0.5] * 10]])
    threshold = HardThreshold(raw=1.0)
    assert threshold.price(2, 10, float) is None
    counts = threshold.price_of(threshold.message(x, None))
    assert counts.tolist() == [[4 + 3 * 64 + 7, 4]]  # number; values; C(10, 3) = 120 ≤ 2⁷
    assert threshold.price_of(threshold.message(x.astype(np.float32), None)).tolist() == [[4 + 3 * 32 + 7, 4]]

    ternary = ScaledSign(zero=0)
    assert ternary.price(2, 10, float) is None
    messages = np.array([[[1.0] * 8 + [0.0] * 2, [-1.0] * 10, [0.0] * 10]])
    assert ternary.price_of(messages).tolist() == [[64 + 4 + 6 + 8, 64 + 4 + 10, 64 + 4]]


@pytest.mark.parametrize("d", [1, 2, 7, 100])
def test_ternary_signs_cost_at_most_log2_of_3_per_coordinate(d):
    messages = np.tril(np.ones((d + 1, d)), -1)[None]
    signs = ScaledSign(zero=0).price_of(messages) - 64 - d.bit_length()
    assert signs.max() <= math.ceil(d * math.log2(3))
    assert signs.shape == (1, d + 1)


def test_position_bits_are_exact():
    for d in range(1, 130):
        for k in range(d + 1):
            assert set_bits(d, k) == (math.comb(d, k) - 1).bit_length()
    for d, k in [(2**20, 1), (2**20 + 1, 1), (2**20, 2**20 - 1), (20_000, 7_001), (50_000, 31)]:
        assert set_bits(d, k) == (math.comb(d, k) - 1).bit_length()


# Supports and alphabets: what is sent can be sent in the bits that are charged.


def test_sparsifiers_keep_values_and_send_as_many_as_they_say():
    x = batch()
    for compressor, factor in [(TopK(k=5), 1), (RandK(k=5), 1), (RandK(k=5, unbiased=True), 37 / 5)]:
        sent = compressor.compress(x, DRAW)
        assert (np.count_nonzero(sent, axis=-1) == 5).all()
        assert np.array_equal(sent[sent != 0], (factor * x)[sent != 0])
    for everything in (TopK(k=37), RandK(k=37), RandK(k=37, unbiased=True)):
        assert np.array_equal(everything.compress(x, DRAW), x)
    masks = RandK(k=5).compress(x, DRAW) != 0
    assert len(np.unique(masks.reshape(12, -1), axis=0)) == 12  # workers and runs do not share a mask
    assert np.array_equal(TopK(k=2).compress([1.0, -1.0, 1.0]), [1.0, -1.0, 0.0])


def test_the_threshold_is_inclusive():
    sent = HardThreshold(raw=0.7).compress([0.7, -0.7, np.nextafter(0.7, 0), 0.8])
    assert sent.tolist() == [0.7, -0.7, 0.0, 0.8]


def test_scaled_sign_sends_one_magnitude():
    x = [3.0, -5.0, 0.0, 4.0, -0.0]
    assert ScaledSign(zero=1).compress(x).tolist() == [2.4, -2.4, 2.4, 2.4, 2.4]
    assert ScaledSign(zero=0).compress(x).tolist() == [2.4, -2.4, 0.0, 2.4, 0.0]


def test_density_of_the_scaled_sign():
    x = batch(1, 1, 9)
    x[0, 0, :2] = 0.0
    norm_sq, norm_1 = (x**2).sum(), np.abs(x).sum()
    assert ScaledSign(zero=1).expected_error(x)[0, 0] == pytest.approx(norm_sq - norm_1**2 / 9, rel=1e-13)
    fewer = ScaledSign(zero=1).expected_error(x) - ScaledSign(zero=0).expected_error(x)
    assert fewer[0, 0] == pytest.approx(2 * norm_1**2 / 81, rel=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_qsgd_sends_integer_levels_of_a_norm(dtype):
    x, s = batch().astype(dtype), 5
    sent = QSGD(s=s).compress(x, DRAW)
    norm = np.linalg.norm(x, axis=-1, keepdims=True)
    levels = np.rint(sent / norm * s)
    assert np.abs(levels).max() <= s
    np.testing.assert_allclose(sent, norm * levels / s, rtol=8 * np.finfo(dtype).eps)
    assert not np.signbit(sent[sent == 0]).any()


def test_qsgd_rounds_up_below_the_fraction_and_only_there():
    x = np.array([3.0, 4.0, 0.0, -12.0])[None, None]  # norm 13, s = 2: levels 6/13, 8/13, 0, 24/13
    thresholds = rounding_thresholds(QSGD(s=2), x)
    np.testing.assert_allclose(thresholds, [6 / 13, 8 / 13, 0, 11 / 13], rtol=1e-14, atol=1e-20)
    assert QSGD(s=2).message(x, Scripted([0.46, 0.62, 1e-9, 0.84]))[0, 0].tolist() == [6.5, 0.0, 0.0, -13.0]
    # Norm 2, s = 1: every level is ½, and only a smaller uniform number rounds up.
    assert QSGD(s=1).message(np.ones((1, 1, 4)), Scripted([0.5, np.nextafter(0.5, 0), 0.5, 0.5]))[0, 0, 1] == 2.0
    assert not QSGD(s=1).message(np.ones((1, 1, 4)), Scripted([0.5] * 4)).any()


@pytest.mark.parametrize("scale", [2.0**-700, 2.0**700, 1e-200, 1e200])
def test_qsgd_is_scale_covariant_where_squares_would_not_be(scale):
    x = batch()
    sent, scaled = QSGD(s=3).compress(x, DRAW), QSGD(s=3).compress(scale * x, DRAW)
    assert np.count_nonzero(sent) > 100
    np.testing.assert_allclose(scaled, scale * sent, rtol=0 if math.frexp(scale)[0] == 0.5 else 1e-14)


def test_qsgd_sends_one_entry_exactly():
    for value in (1e-300, 0.1, -1e300):
        assert QSGD(s=3).compress([0.0, value], Draw(seed=0)).tolist() == [0.0, value]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@given(exponent=st.integers(-126, 126), mantissa=st.integers(0, 2**20), sign=st.sampled_from([1, -1]))
def test_natural_compression_follows_its_law_exactly(dtype, exponent, mantissa, sign):
    fraction = mantissa / 2**21
    x = np.full((1, 1, 2), sign * math.ldexp(1 + fraction, exponent), dtype)
    sent = Natural().message(x, Scripted([fraction, np.nextafter(fraction, -1)]))
    assert sent.dtype == dtype
    assert sent[0, 0].tolist() == [sign * 2.0**exponent, sign * 2.0 ** (exponent + 1)]
    error = float(Natural().expected_error(x[..., :1].astype(float))[0, 0])
    assert error == pytest.approx(fraction * (1 - fraction) * 4.0**exponent, rel=1e-15)


@pytest.mark.parametrize(("dtype", "largest"), [(np.float32, 2.0**127), (np.float64, 2.0**1023)])
def test_natural_compression_at_the_ends_of_the_number_range(dtype, largest):
    info = np.finfo(dtype)
    tiny = float(info.smallest_normal)
    x = np.array([info.max, -info.max, largest, tiny, tiny / 4, -tiny / 4, 0.0, info.smallest_subnormal], dtype)
    x = x[None, None]
    always_down = Natural().message(x, Scripted(np.full(8, 1 - 2.0**-53)))[0, 0].astype(float)
    often_up = Natural().message(x, Scripted(np.full(8, 0.2499)))[0, 0].astype(float)
    assert always_down.tolist() == [largest, -largest, largest, tiny, 0, 0, 0, 0]
    assert often_up.tolist() == [largest, -largest, largest, tiny, tiny, -tiny, 0, 0]
    thresholds = rounding_thresholds(Natural(), x)
    assert thresholds[4:6].tolist() == [0.25, 0.25]  # unbiased down to zero


@pytest.mark.parametrize(("dtype", "bits"), [(np.float32, 9), (np.float64, 12)])
def test_natural_messages_fit_their_bits(dtype, bits):
    """Sign and exponent field rebuild every message; the rest of the number is zero."""
    info = np.finfo(dtype)
    x = np.concatenate([batch(1, 1, 1000)[0, 0].astype(dtype) * dtype(2.0**e) for e in range(-130, 127, 8)])
    x = np.concatenate([x, np.array([info.max, info.smallest_normal, info.smallest_subnormal, 0], dtype)])
    sent = Natural().compress(x, Draw(seed=3))
    words = sent.view(f"u{info.dtype.itemsize}")
    assert info.nmant + bits == 8 * info.dtype.itemsize
    assert not (words & np.array(2**info.nmant - 1, words.dtype)).any()
    assert np.isfinite(sent).all()


# The hard threshold and its unit.


class Halving(Schedule):
    """2^(−step)."""

    def __call__(self, step):
        return 2.0**-step


def test_lambda_becomes_a_raw_threshold():
    threshold = HardThreshold(lam=3.0)
    assert threshold.for_messages("gradient", 0.5) == HardThreshold(raw=3.0)
    assert threshold.for_messages("iterate", 0.5) == HardThreshold(raw=1.5)
    assert HardThreshold(raw=3.0).for_messages("iterate", 0.5) == HardThreshold(raw=3.0)

    stepsizes = np.array([0.5, 2.0])[:, None, None]
    swept = threshold.for_messages("iterate", stepsizes)
    assert swept.message(np.full((2, 1, 1), 2.0), None).ravel().tolist() == [2.0, 0.0]

    scheduled = threshold.for_messages("iterate", Halving())
    assert isinstance(scheduled.raw, Schedule)
    assert [scheduled.raw(step) for step in (0, 1, 2)] == [3.0, 1.5, 0.75]
    assert scheduled.constants(10).kappa_sq.value(1) == 10 * 1.5**2
    both = bind(threshold, {("lam",): Halving()}).for_messages("iterate", Halving())
    assert both.raw(3) == 2.0**-6

    wrapped = Scaled(QSGD(s=2)).for_messages("iterate", 0.5)
    assert wrapped == Scaled(QSGD(s=2))


def test_lambda_beside_a_raw_threshold_checks_its_unit():
    both = HardThreshold(raw=1.5, lam=3.0)
    assert both.for_messages("iterate", 0.5) == HardThreshold(raw=1.5)
    assert both.compress(np.array([1.0, 2.0])).tolist() == [0.0, 2.0]
    assert float(both.constants(4).kappa_sq) == 4 * 1.5**2
    # Rounded as in a plot's label: raw/γ is 14897.
    rounded = HardThreshold(raw=5e-4, lam=14900.0)
    assert rounded.for_messages("iterate", 3.3564e-8) == HardThreshold(raw=5e-4)
    assert HardThreshold(raw=0.0, lam=0.0).for_messages("iterate", 0.5) == HardThreshold(raw=0.0)
    with pytest.raises(WrongUse, match=r"step size 0\.25: messages are steps, for which lam is raw = γ·lam = 0\.75"):
        both.for_messages("iterate", 0.25)
    with pytest.raises(WrongUse, match="messages are gradients, for which lam is raw = lam = 3"):
        both.for_messages("gradient", 0.5)
    with pytest.raises(WrongUse, match=r"raw=1\.5, lam=3\) at step size 2:"):
        both.for_messages("iterate", np.array([0.5, 2.0])[:, None, None])
    with pytest.raises(WrongUse, match="only check a raw that stays"):
        both.for_messages("iterate", Halving())
    assert Blocks(both, 4).for_messages("iterate", 0.5) == Blocks(HardThreshold(raw=1.5), 4)


def test_kappa_is_in_the_unit_of_the_threshold():
    assert float(HardThreshold(raw=0.5).constants(8).kappa_sq) == 2.0
    assert float(HardThreshold(lam=0.5).constants(8).kappa_sq) == 2.0
    assert "gradient units" in HardThreshold(lam=0.5).constants(8).kappa_sq.source
    assert HardThreshold(raw=0.5).constants(8).delta is None


# Refusals.


@pytest.mark.parametrize(
    ("make", "wrong"),
    [
        (lambda: TopK(k=0), "at least 1"),
        (lambda: TopK(k=[2, 0]), "at least 1"),
        (lambda: RandK(k=-1), "at least 1"),
        (lambda: RandK(k=1.5), "integer"),
        (lambda: RandK(k=2.0), "integer"),
        (lambda: RandK(k=math.nan), "integer"),
        (lambda: TopK(k="2"), "integer"),
        (lambda: TopK(k=True), "integer"),
        (lambda: QSGD(s=0), "at least 1"),
        (lambda: QSGD(s=[4, 2**51]), "no code of levels reaches so far"),
        (lambda: QSGD(s=2.5), "integer"),
        (lambda: CompressorConstants(delta=0.75), r"a number with its source. Give exact\(0.75, "),
        (lambda: HardThreshold(raw=-1.0), "at least 0"),
        (lambda: HardThreshold(lam=math.nan), "finite"),
        (lambda: HardThreshold(raw=[1.0, math.inf]), "finite"),
        (lambda: HardThreshold(lam=-1.0), "at least 0"),
        (lambda: HardThreshold(lam=[1.0, -1.0]), "at least 0"),
        (lambda: HardThreshold(raw=1.0, lam=-1.0), "at least 0"),
        (lambda: HardThreshold(), "no threshold"),
        (lambda: ScaledSign(zero=-1), "none of its choices"),
        (lambda: ScaledSign(zero=[0, 1]), "none of its choices"),
        (lambda: Scaled(4), "not a compressor"),
    ],
)
def test_impossible_fields_are_refused(make, wrong):
    with pytest.raises(WrongUse, match=wrong):
        make()


@pytest.mark.parametrize(
    ("compress", "wrong"),
    [
        (lambda: TopK(k=4).compress(np.ones(3)), "larger than the dimension"),
        (lambda: RandK(k=4).compress(np.ones(3), Draw(seed=0)), "larger than the dimension"),
        (lambda: Scaled(RandK(k=4, unbiased=True)).compress(np.ones(3), Draw(seed=0)), "larger than the dimension"),
        (lambda: Scaled(TopK(k=1)).compress(np.ones(3), Draw(seed=0)), "has no ω"),
        (lambda: HardThreshold(lam=1.0).compress(np.ones(3)), "gradient units"),
        (lambda: HardThreshold(lam=1.0).expected_error(np.ones((1, 1, 3))), "gradient units"),
        (lambda: TopK(k=1).compress(np.ones(0)), "non-empty"),
        (lambda: TopK(k=1).compress(np.ones((1, 1, 1, 1))), "non-empty vector or a batch"),
        (lambda: TopK(k=1).compress(np.ones(3) * 1j), "complex128"),
        (lambda: RandK(k=1).compress(np.ones((2, 3)), Draw(seed=[1, 2], workers=4).per_worker), "draw has"),
    ],
)
def test_impossible_inputs_are_refused(compress, wrong):
    with pytest.raises(WrongUse, match=wrong):
        compress()


# Other inputs.


def test_integers_lists_and_more_draws_than_vectors():
    assert TopK(k=1).compress(np.array([1, -3, 2])).tolist() == [0.0, -3.0, 0.0]
    assert Natural().compress([1, 2], Draw(seed=0)).dtype == float
    assert RandK(k=2).compress(np.ones(5), DRAW).shape == (3, 4, 5)


def test_a_compressor_without_mathematics_says_what_is_missing():
    with pytest.raises(TypeError, match="define message"):
        Compressor().compress([1.0])
    with pytest.raises(TypeError, match="define price_of"):
        Compressor().price_of(np.ones((1, 1, 1)))


class StrictScript(Scripted):
    """The same numbers as arrays of the strict array-API library."""

    def uniform(self, d):
        return array_api_strict.asarray(self.numbers)

    def subset(self, d, k):
        return self.uniform(d)


@pytest.mark.parametrize(
    ("compressor", "numbers"),
    [
        (Identity(), None),
        (TopK(k=2), None),
        (HardThreshold(raw=0.5), None),
        (ScaledSign(zero=1), None),
        (ScaledSign(zero=0), None),
        (RandK(k=2), [True, False, False, True, False]),
        (RandK(k=2, unbiased=True), [True, False, False, True, False]),
        (QSGD(s=2), [0.1, 0.9, 0.3, 0.7, 0.5]),
        (Scaled(QSGD(s=2)), [0.1, 0.9, 0.3, 0.7, 0.5]),
    ],
    ids=repr,
)
def test_other_array_libraries_get_the_same_numbers(compressor, numbers):
    x = np.array([0.3, 0.7, -1.1, 0.0, 1e-3])[None, None]
    strict = compressor.message(array_api_strict.asarray(x), numbers and StrictScript(numbers))
    assert type(strict).__module__.startswith("array_api_strict")
    assert np.array_equal(np.asarray(strict), compressor.message(x, numbers and Scripted(numbers)))
    error = compressor.expected_error(array_api_strict.asarray(x))
    np.testing.assert_allclose(np.asarray(error), compressor.expected_error(x), rtol=1e-15)


def test_rand_k_is_scaled_or_not():
    with pytest.raises(WrongUse, match="True or False"):
        RandK(k=1, unbiased="maybe")
