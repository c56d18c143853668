"""Compressors made of compressors: their constants by enumeration, their messages, draws and states."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from problems import Quadratic
from proofs_check.outcomes import outcomes
from proofs_check.statistics import mean_interval
from toolkit import simulate
from toolkit.algorithms import CompressedSGD, ErrorFeedback
from toolkit.channel import Channel
from toolkit.compressors import (
    FCC,
    QSGD,
    Blocks,
    Composition,
    FloatFormat,
    HardThreshold,
    Identity,
    Induced,
    Natural,
    PermK,
    PowerSGD,
    RandK,
    Rotated,
    Scaled,
    ScaledSign,
    TopK,
)
from toolkit.draws import Draw
from toolkit.errors import WrongUse
from toolkit.ledger import ledger
from toolkit.parameters import bind

ROUNDING = 1e-13
D = 3
UNBIASED = [RandK(k=1, unbiased=True), RandK(k=2, unbiased=True, common=True), QSGD(s=1), Natural(), Identity()]
BIASED = [TopK(k=1), RandK(k=2), ScaledSign(), HardThreshold(raw=0.8), Scaled(QSGD(s=1))]
VECTORS = np.array([[3.0, -1.0, 0.5], [4 / 3, 4 / 3, -4 / 3], [1.0, 0.0, 0.0], [0.9, -0.7, 2.0]])[:, None]


def gaussian(*shape: int, dtype: str = "float64", seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def combined() -> list:
    pairs = [Composition(outer, inner) for outer, inner in itertools.product(UNBIASED, UNBIASED)]
    pairs += [Composition(outer, inner) for outer, inner in itertools.product(UNBIASED, BIASED)]
    pairs += [Composition(outer, inner) for outer, inner in itertools.product(BIASED, [TopK(k=2), RandK(k=1)])]
    pairs += [Induced(biased, unbiased) for biased, unbiased in itertools.product([*BIASED, QSGD(s=1)], UNBIASED)]
    return pairs + [FCC(one, rounds) for one in (*UNBIASED[1:], *BIASED) for rounds in (1, 2, 3)]


def closed(compressor) -> bool:
    """Tell whether the exact expected error follows from that of what is inside."""
    if isinstance(compressor, Composition):
        outer = compressor.outer
        return not compressor.inner.random and (not outer.random or outer.constants(D).omega is not None)
    return not (compressor.biased.random if isinstance(compressor, Induced) else compressor.random)


@pytest.mark.parametrize("compressor", combined(), ids=repr)
def test_constants_and_expected_errors_by_enumeration(compressor) -> None:
    every = outcomes(compressor, VECTORS, limit=1 << 17)
    average = every.expect(((every.sent - VECTORS[every.vector]) ** 2).sum(axis=-1))
    norm_sq, constants = (VECTORS**2).sum(axis=-1), compressor.constants(D)
    if constants.delta is not None:
        assert (average <= (1 - float(constants.delta)) * norm_sq + ROUNDING).all()
    if constants.omega is not None:
        np.testing.assert_allclose(every.expect(every.sent), VECTORS, atol=ROUNDING)
        assert (average <= float(constants.omega) * norm_sq + ROUNDING).all()
    if constants.kappa_sq is not None:
        assert (average <= float(constants.kappa_sq) + ROUNDING).all()
    expected = compressor.expected_error(VECTORS)
    assert (expected is not None) == closed(compressor)
    if expected is not None:
        np.testing.assert_allclose(expected, average, atol=ROUNDING)


# Composition.


def test_independent_unbiased_compressors_compose() -> None:
    """ω = ω₁ω₂ + ω₁ + ω₂, reached where every vector between them is a worst case."""
    composition = Composition(Natural(), RandK(k=1, unbiased=True))
    omega = composition.constants(4).omega
    assert float(omega) == pytest.approx(9 / 8 * 3 + 1 / 8, rel=1e-15)
    x = np.full((1, 1, 4), 4 / 3)
    every = outcomes(composition, x)
    error = every.expect(((every.sent - x) ** 2).sum(axis=-1)).item()
    assert error == pytest.approx(float(omega) * (x**2).sum(), rel=1e-14)


def test_a_contraction_of_selected_coordinates_multiplies() -> None:
    for outer, delta in ((Natural(), 7 / 8), (Scaled(QSGD(s=1)), 1 / 2), (TopK(k=2), 1 / 2)):
        assert float(Composition(outer, TopK(k=1)).constants(4).delta) == pytest.approx(delta / 4, rel=1e-15)
    x = np.full((1, 1, 4), 4 / 3)
    error = Composition(Natural(), TopK(k=2)).expected_error(x).item()
    assert error == pytest.approx((1 - 7 / 8 * 2 / 4) * (x**2).sum(), rel=1e-14)  # reached
    assert Composition(QSGD(s=1), TopK(k=1)).constants(10).delta is None  # ω₁ = √10 − 1 > 1


def test_contractions_need_not_compose() -> None:
    composition = Composition(ScaledSign(), TopK(k=1))
    assert vars(composition.constants(2)) == {"delta": None, "omega": None, "kappa_sq": None, "ab": None}
    x = np.array([1.0, -1.0])
    assert composition.compress(x).tolist() == [0.5, 0.5]
    assert composition.expected_error(x[None, None]).item() == 2.5 > (x**2).sum()


def test_only_the_outer_message_is_sent() -> None:
    x, draw = gaussian(40), Draw(seed=1)
    composition = Composition(QSGD(s=2), RandK(k=10, unbiased=True))
    between = composition.inner.compress(x, draw.of("inner"))
    assert (composition.compress(x, draw) == composition.outer.compress(between, draw.of("outer"))).all()
    assert vars(ledger(composition, x, draw)) == vars(ledger(QSGD(s=2), between, draw.of("outer")))
    assert composition.encode(x, draw) == QSGD(s=2).encode(between, draw.of("outer"))
    threshold = Composition(HardThreshold(raw=0.5), TopK(k=10))
    assert ledger(threshold, x).formula == HardThreshold(raw=0.5).price_of(threshold.compress(x)[None, None])


# Induced.


def test_the_induced_variance_is_reached() -> None:
    induced = Induced(TopK(k=2), RandK(k=2, unbiased=True))
    omega = induced.constants(8, n=4)
    assert float(omega.omega) == 3 * (1 - 2 / 8)
    assert omega.ab.value == (float(omega.omega) / 4, 0)
    x = np.ones((1, 1, 8))
    assert induced.expected_error(x).item() == pytest.approx(float(omega.omega) * 8, rel=1e-14)
    assert float(Induced(HardThreshold(raw=1.0), QSGD(s=1)).constants(4).omega) == 1  # it selects: ‖r‖ ≤ ‖x‖
    assert float(Induced(RandK(k=1, unbiased=True), Natural()).constants(4).omega) == 3 / 8  # ω of both
    assert Induced(PowerSGD(rank=1), Natural()).constants(4).omega is None


def test_both_messages_are_sent_and_their_fields_do_not_collide() -> None:
    x, draw = gaussian(20), Draw(seed=2)
    induced = Induced(RandK(k=3), RandK(k=5, unbiased=True))
    assert induced.price(1, 20, float) == RandK(k=3).price(1, 20, float) + RandK(k=5).price(1, 20, float)
    names = [field.name for field in induced.layout(20, np.dtype(float))]
    assert names == ["biased.kept", "biased.value", "unbiased.kept", "unbiased.value"]
    bits = ledger(induced, x, draw)
    assert (bits.values.item(), bits.side.item()) == (8 * 64, 32)  # one seed for both
    kept = [part[0, 0] for name, part in induced.parts(x[None, None], draw).items() if "kept" in name]
    assert (kept[0].sum(), kept[1].sum()) == (3, 5)


def test_constants_that_hold_from_a_magnitude_on_hold_from_a_larger_one_on_of_what_is_computed():
    """Of x = 1.27e-38 a first bfloat16 message leaves what the second, subnormal one cannot take."""
    format, x = FloatFormat("bfloat16"), np.array([1.2719216216194483e-38, 0.0])
    least = format.domain(2, float)[0]
    assert x[0] > least
    delta = float(FCC(format, rounds=2).constants(2).delta)
    for compressor in (
        FCC(format, rounds=2),
        Rotated(format),
        Induced(ScaledSign(), format),
        Composition(format, Natural()),
    ):
        assert x[0] < compressor.domain(2, float)[0] < 1e-20
    assert Blocks(format, 1).domain(2, float)[0] == least
    for scale, bounded in ((1.0, False), (FCC(format, rounds=2).domain(2, float)[0] / least, True)):
        rest = FCC(format, rounds=2).compress(scale * x) - scale * x
        assert (rest @ rest <= (1 - delta) * (scale * x @ (scale * x))) == bounded


# FCC.


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_rounds_of_top_k_are_one_top_k(dtype) -> None:
    x = gaussian(2, 3, 30, dtype=dtype)
    x[0, 0, :20] = 1.0
    for k, p in ((1, 4), (3, 5), (7, 4)):
        assert (FCC(TopK(k=k), rounds=p).compress(x) == TopK(k=k * p).compress(x)).all()


def test_rounds_of_rand_k_draw_independent_sets() -> None:
    x = VECTORS[:1]
    for p in (1, 2, 3):
        every = outcomes(FCC(RandK(k=1), rounds=p), x)
        error = every.expect(((every.sent - x) ** 2).sum(axis=-1)).item()
        assert error == pytest.approx((2 / 3) ** p * (x**2).sum(), rel=1e-14)
        assert float(FCC(RandK(k=1), rounds=p).constants(3).delta) == pytest.approx(1 - (2 / 3) ** p, rel=1e-14)
    bits = ledger(FCC(RandK(k=2), rounds=3), gaussian(9), Draw(seed=1))
    assert (bits.side.item(), bits.values.item()) == (32, 6 * 64)
    assert bits.formula.item() == 3 * RandK(k=2).price(1, 9, float)


def test_prices_that_the_messages_decide_add_up() -> None:
    x, threshold = np.array([[[3.0, 0.2, -1.0, 0.4]]]), HardThreshold(raw=0.5)
    alone = threshold.price_of(threshold.message(x, None)).item()
    nothing = threshold.price_of(np.zeros_like(x)).item()
    assert alone > nothing > 0
    assert ledger(FCC(threshold, rounds=2), x).formula == alone + nothing
    induced = Induced(threshold, RandK(k=1, unbiased=True))
    assert ledger(induced, x, Draw(seed=1)).formula == alone + RandK(k=1).price(1, 4, float)
    assert ledger(Composition(threshold, TopK(k=1)), x).formula == threshold.price_of(TopK(k=1).message(x, None))
    for compressor, bits in ((FCC(threshold, rounds=2), alone + nothing), (Rotated(threshold), None)):
        channel = Channel(compressor, Identity())
        channel.begin(Draw(seed=1))
        channel.send_with_memory(np.zeros_like(x), x, 1.0)
        own = Draw(seed=1).of("message 0")
        assert channel.bits_up.item() == (ledger(compressor, x, own).formula.item() if bits is None else bits)


# AB inequalities.


def mean_error(every, vectors: np.ndarray) -> np.ndarray:
    """Return E‖mean of the messages − mean of the vectors‖² of each batch of workers."""
    means = vectors.mean(axis=1)[every.vector]
    return every.expect(((every.sent.mean(axis=1) - means) ** 2).sum(axis=-1))


def ab_bound(compressor, vectors: np.ndarray) -> np.ndarray:
    a, b = compressor.constants(vectors.shape[2], vectors.shape[1]).ab.value
    return a * (vectors**2).sum(axis=-1).mean(axis=1) - b * (vectors.mean(axis=1) ** 2).sum(axis=-1)


@pytest.mark.parametrize(
    "compressor",
    [
        Composition(Natural(), RandK(k=1, unbiased=True)),
        Composition(RandK(k=1, unbiased=True, common=True), RandK(k=1, unbiased=True, common=True)),
        Induced(TopK(k=1), RandK(k=1, unbiased=True, common=True)),
        Induced(TopK(k=1), QSGD(s=1)),
        FCC(RandK(k=1, unbiased=True, common=True), rounds=2),
        FCC(Natural(), rounds=2),
    ],
    ids=repr,
)
def test_ab_inequalities_by_enumeration(compressor) -> None:
    vectors = np.array([[[3.0, -1.0], [1.0, 1.0]], [[1.0, 1.0], [1.0, 1.0]], [[4 / 3, 4 / 3], [-4 / 3, 8 / 3]]])
    assert (mean_error(outcomes(compressor, vectors), vectors) <= ab_bound(compressor, vectors) + ROUNDING).all()


def test_the_ab_pair_of_a_permutation_and_independent_rounding() -> None:
    """(A, B) = (A₁(1 + ω₂) + A₂, B₁ + B₂) with (ω₁/n, 0) and (1, 1); equality for equal worst-case vectors.

    Then the permutation alone has no error, and what the workers round is a worst case too. The mean of 4096 runs, at
    1e-6 (asymptotic, t).
    """
    compressor, n = Composition(Natural(), PermK()), 4
    assert compressor.shared
    assert compressor.correlated
    a, b = compressor.constants(8, n).ab.value
    assert (a, b) == (pytest.approx(1 / 8 / 4 * 4 + 1), 1.0)
    x = np.full((4096, n, 8), 4 / 3)
    sent = compressor.message(x, Draw(seed=np.arange(4096), workers=n))
    errors = ((sent.mean(axis=1) - x[:, 0]) ** 2).sum(axis=-1)
    interval = mean_interval(errors, 1e-6)
    bound = (a - b) * (x[0, 0] ** 2).sum()
    assert interval.low <= bound <= interval.high
    assert bound == pytest.approx(1 / 8 * (x[0, 0] ** 2).sum())


# Draws.


def test_what_is_common_is_common_and_the_rest_is_every_workers_own() -> None:
    x, draw = np.ones((2, 3, 30)), Draw(seed=[4, 5], workers=3)
    common, own = RandK(k=10, common=True), RandK(k=10)
    for compressor in (Composition(own, common), Induced(own, RandK(k=10, unbiased=True, common=True))):
        assert compressor.shared
        parts = compressor.parts(x, draw)
        name = "kept" if "kept" in parts else "biased.kept"
        assert not (parts[name] == parts[name][:, :1]).all()
    between = Composition(own, common)._between(x, draw) != 0
    assert (between == between[:, :1]).all()
    sent = Composition(own, common).compress(x, draw)
    assert (Composition(own, common).decode(Composition(own, common).encode(x, draw), 30, float, draw) == sent).all()
    channel = Channel(Identity(), Composition(own, common))
    channel.begin(draw)
    assert channel.broadcast(x[:, :1]).shape == (2, 1, 30)  # one message for all workers
    assert channel.scatter(x).shape == (2, 3, 30)


def test_messages_of_linear_compressors_with_common_draws_add_up() -> None:
    x, draw = gaussian(2, 3, 9), Draw(seed=[4, 5], workers=3)
    one, two = RandK(k=4, unbiased=True, common=True), RandK(k=6, unbiased=True, common=True)
    for compressor in (Composition(one, two), Induced(one, two), FCC(two, rounds=2), Scaled(one)):
        assert compressor.summable
        parts = compressor.parts(x, draw)
        total = {
            name: part[:, :1] if "kept" in name else part.sum(axis=1, keepdims=True) for name, part in parts.items()
        }
        sums = compressor.assemble(total, draw, 9, x.dtype)
        np.testing.assert_allclose(sums[:, 0], compressor.message(x, draw).sum(axis=1), atol=1e-12)
    assert not Composition(one, TopK(k=1)).summable


# Declarations, fields, states.


def test_declarations_follow_from_what_is_inside() -> None:
    composition = Composition(Natural(), TopK(k=1))
    assert (composition.random, composition.homogeneous, composition.symmetric) == (True, False, True)
    assert (composition.keeps_zeros, composition.selects, composition.summable) == (True, False, False)
    assert FCC(TopK(k=1), 2).selects
    assert not FCC(TopK(k=1), 2).random
    assert not Induced(ScaledSign(), Natural()).keeps_zeros
    assert Composition(TopK(k=1), TopK(k=2)).homogeneous
    for of_computed in (Composition(TopK(k=1), QSGD(s=1)), Rotated(TopK(k=1)), FCC(ScaledSign(), 2)):
        assert not of_computed.homogeneous


@pytest.mark.parametrize(
    ("make", "path", "values"),
    [
        (lambda v: Composition(QSGD(s=v), TopK(k=5)), ("outer", "s"), (1, 3, 9)),
        (lambda v: Composition(QSGD(s=2), TopK(k=v)), ("inner", "k"), (1, 3, 9)),
        (lambda v: Induced(TopK(k=v), RandK(k=4, unbiased=True)), ("biased", "k"), (1, 3, 9)),
        (lambda v: Induced(TopK(k=3), RandK(k=v, unbiased=True)), ("unbiased", "k"), (1, 3, 9)),
        (lambda v: FCC(TopK(k=v), rounds=2), ("compressor", "k"), (1, 3, 6)),
        (lambda v: FCC(RandK(k=v), rounds=2), ("compressor", "k"), (1, 3, 9)),
    ],
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_swept_field_inside_equals_separate_compressors(make, path, values, dtype) -> None:
    x, draw = gaussian(3, 2, 12, dtype=dtype), Draw(seed=[1, 2, 3], workers=2).per_worker
    swept = bind(make(values), {path: np.array(values)[:, None, None]})
    make(values).check(12)
    sent, error, price = swept.message(x, draw), swept.expected_error(x), swept.price(2, 12, dtype)
    known = vars(swept.constants(12, 2))
    assert sent.dtype == np.dtype(dtype)
    for run, value in enumerate(values):
        alone, own = make(value), Draw(seed=run + 1, workers=2).per_worker
        assert (alone.message(x[run : run + 1], own) == sent[run]).all()
        assert np.broadcast_to(price, (3, 1, 1))[run] == alone.price(2, 12, dtype)
        if error is not None:
            np.testing.assert_allclose(alone.expected_error(x[run : run + 1])[0], error[run], rtol=1e-6)
        for name in ("delta", "omega"):
            if known[name] is not None:
                assert np.broadcast_to(known[name].value, (3, 1, 1))[run] == float(
                    getattr(alone.constants(12, 2), name)
                )


def test_a_state_inside_is_kept_or_refused() -> None:
    low_rank = PowerSGD(rank=1)
    assert Composition(low_rank, TopK(k=5)).state == ("outer.warm",)
    assert Induced(low_rank, Natural()).state == ("biased.warm",)
    with pytest.raises(WrongUse, match="the receiver never sees its messages"):
        Composition(Natural(), low_rank)
    with pytest.raises(WrongUse, match="from message to message, not from round to round"):
        FCC(low_rank, rounds=2)
    FCC(PowerSGD(rank=1, restart=True), rounds=2)
    problem = Quadratic(hessians=np.arange(1.0, 17).reshape(2, 8), linear=gaussian(2, 8))
    for compressor in (Composition(low_rank, TopK(k=5)), Induced(low_rank, RandK(k=4, unbiased=True))):
        setting = {"stepsize": 0.01, "steps": 9, "unproven": True}
        together = simulate(problem, ErrorFeedback(), compressor, runs=3, seed=4, **setting)
        alone = simulate(problem, ErrorFeedback(), compressor, seed=5, **setting)
        assert together.f.isel(run=1).values.tobytes() == alone.f.isel(run=0).values.tobytes()


def test_the_second_message_of_a_warm_start_is_better_inside_too() -> None:
    x, errors = gaussian(1, 1, 16), []
    channel = Channel(Induced(PowerSGD(rank=1), Scaled(RandK(k=1, unbiased=True))), Identity())
    for step in range(4):
        channel.begin(Draw(seed=0).at(step))
        channel.send(x)
        warm = channel._with_state("up", "message 0").biased.warm
        errors.append((x**2).sum() - (warm**2).sum())  # of the low-rank part: ‖M‖² − ‖Q‖²
    assert errors == sorted(errors, reverse=True)


def test_thresholds_inside_take_the_unit_of_the_messages() -> None:
    threshold, raw = HardThreshold(lam=3.0), HardThreshold(raw=1.5)
    assert Composition(threshold, TopK(k=1)).for_messages("iterate", 0.5) == Composition(raw, TopK(k=1))
    assert Induced(threshold, QSGD(s=1)).for_messages("iterate", 0.5) == Induced(raw, QSGD(s=1))
    assert FCC(threshold, rounds=2).for_messages("iterate", 0.5) == FCC(raw, rounds=2)
    assert FCC(raw, rounds=2).constants(4).kappa_sq.value == 9.0


@pytest.mark.parametrize(
    "compressor",
    [
        Scaled(Composition(Natural(), RandK(k=3, unbiased=True))),
        Induced(FCC(TopK(k=2), rounds=2), Rotated(QSGD(s=2))),
        FCC(Rotated(ScaledSign()), rounds=3),
        Rotated(Induced(TopK(k=1), RandK(k=4, unbiased=True))),
    ],
    ids=repr,
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_combinators_of_combinators_decode(compressor, dtype) -> None:
    x, draw = gaussian(2, 3, 9, dtype=dtype), Draw(seed=[1, 2], workers=3).per_worker
    sent = compressor.compress(x, draw)
    assert compressor.decode(compressor.encode(x, draw), 9, dtype, draw).tobytes() == sent.tobytes()
    assert (ledger(compressor, x, draw).formula > 0).all()


def test_a_run_with_an_induced_compressor_converges_without_error_feedback() -> None:
    problem = Quadratic(hessians=np.arange(1.0, 17).reshape(2, 8), linear=gaussian(2, 8))
    induced = Induced(TopK(k=[2, 4]), RandK(k=4, unbiased=True))
    result = simulate(problem, CompressedSGD(), induced, stepsize=0.02, steps=200, runs=2)
    assert (result.f_gap.isel(step=-1) < 0.2 * result.f_gap.isel(step=0)).all()
    assert result.bits_up.isel(step=-1, run=0).values.tolist() == [
        200 * (TopK(k=k).price(2, 8, float) + RandK(k=4).price(2, 8, float)) for k in (2, 4)
    ]


# Refusals.


@pytest.mark.parametrize(
    ("make", "wrong"),
    [
        (lambda: Composition(3, TopK(k=1)), "not a compressor"),
        (lambda: Induced(TopK(k=1), TopK), "not a compressor"),
        (lambda: FCC(TopK(k=1), rounds=0), "at least 1"),
        (lambda: FCC(TopK(k=1), rounds=[1, 2]), "shapes the message"),
        (lambda: Induced(TopK(k=1), TopK(k=1)).compress(np.ones(3)), "has no ω"),
        (lambda: Induced(TopK(k=1), RandK(k=[1, 2])).check(3), "has no ω"),
        (lambda: Composition(TopK(k=1), TopK(k=4)).compress(np.ones(3)), "larger than the dimension"),
        (lambda: Composition(QSGD(s=[1, 2]), TopK(k=1)).compress(np.ones(3)), "not one value"),
    ],
)
def test_impossible_combinations_are_refused(make, wrong) -> None:
    with pytest.raises(WrongUse, match=wrong):
        make()
