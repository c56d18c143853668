"""Rotated compressors: the fast transform, what a rotation carries over, and what holds for uniform ones only."""

from __future__ import annotations

import array_api_strict
import numpy as np
import pytest
import scipy.linalg

from proofs_check.outcomes import outcomes
from proofs_check.statistics import mean_interval
from toolkit.compressors import QSGD, Drive, Eden, HardThreshold, Identity, LloydMax, RandK, Rotated, ScaledSign, TopK
from toolkit.compressors._hadamard import hadamard, plain, power_of_two
from toolkit.draws import Draw
from toolkit.errors import WrongUse
from toolkit.ledger import ledger
from toolkit.parameters import bind

ROUNDING = 1e-13


def gaussian(*shape: int, dtype: str = "float64", seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


# The transform.


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("size", [1, 2, 4, 8, 64, 512, 4096])
def test_the_transform_is_the_dense_orthonormal_matrix(size, dtype) -> None:
    x = gaussian(2, 3, size, dtype=dtype)
    before = x.copy()
    found, exact = hadamard(x), x.astype(float) @ scipy.linalg.hadamard(size) / np.sqrt(size)
    assert found.dtype == np.dtype(dtype)
    assert (x == before).all()
    # A butterfly sums log2 D + 1 rounded numbers, each at most ‖x‖.
    allowance = (size.bit_length() + 1) * np.finfo(dtype).eps * np.linalg.norm(x, axis=-1, keepdims=True)
    assert (np.abs(found - exact) <= allowance).all()
    assert (np.abs(hadamard(found) - x) <= 2 * allowance).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("size", [1, 2, 8, 2048, 4096, 8192, 16384])
def test_the_compiled_transform_equals_the_plain_one_bit_for_bit(size, dtype) -> None:
    x = gaussian(2, size, dtype=dtype)
    assert hadamard(x).tobytes() == plain(x * (1 / float(size) ** 0.5)).tobytes()
    strict = hadamard(array_api_strict.asarray(x))
    assert type(strict).__module__.startswith("array_api_strict")
    assert np.asarray(strict).tobytes() == hadamard(x).tobytes()


def test_no_sum_exceeds_the_norm() -> None:
    assert np.isfinite(hadamard(np.full((1, 1024), 5e306))).all()  # ‖x‖ = 1.6e308


def test_the_padded_dimension_is_the_next_power_of_two() -> None:
    assert [power_of_two(d) for d in (1, 2, 3, 4, 5, 63, 64, 65)] == [1, 2, 4, 4, 8, 64, 64, 128]


# Rotated.


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("d", [1, 2, 5, 8, 37])
def test_a_rotation_is_undone(d, dtype) -> None:
    x = gaussian(3, 2, d, dtype=dtype)
    sent = Rotated(Identity()).compress(x, Draw(seed=[1, 2, 3], workers=2).per_worker)
    np.testing.assert_allclose(sent, x, rtol=0, atol=20 * np.finfo(dtype).eps)


@pytest.mark.parametrize("d", [1, 2, 3, 4, 5])
@pytest.mark.parametrize(
    "inner", [ScaledSign(), TopK(k=1), HardThreshold(raw=0.6), RandK(k=1, unbiased=True), QSGD(s=1)], ids=repr
)
def test_the_expected_error_is_the_average_over_all_rotations(inner, d) -> None:
    compressor, x = Rotated(inner), np.stack([gaussian(1, d)[0], np.eye(d)[0], np.ones(d)])[:, None]
    every = outcomes(compressor, x)
    average = every.expect(((every.sent - x[every.vector]) ** 2).sum(axis=-1))
    norm_sq, constants = (x**2).sum(axis=-1), compressor.constants(d)
    if constants.delta is not None:
        assert (average <= (1 - float(constants.delta)) * norm_sq + ROUNDING).all()
    if constants.omega is not None:
        np.testing.assert_allclose(every.expect(every.sent), x, atol=ROUNDING)
        assert (average <= float(constants.omega) * norm_sq + ROUNDING).all()
    if constants.kappa_sq is not None:
        assert (average <= float(constants.kappa_sq)).all()
    expected = compressor.expected_error(x)
    assert (expected is None) == (inner.random and d in (3, 5))
    if expected is not None:
        np.testing.assert_allclose(expected, average, atol=ROUNDING)


def test_constants_are_those_of_the_padded_dimension_and_bounds() -> None:
    constants = Rotated(TopK(k=1)).constants(5)
    assert (float(constants.delta), constants.delta.kind) == (1 / 8, "lower bound")
    constants = Rotated(RandK(k=2, unbiased=True)).constants(8, 4)
    assert (float(constants.omega), constants.omega.kind, constants.ab.value) == (3.0, "upper bound", (3 / 4, 0.0))
    assert Rotated(HardThreshold(raw=1.0)).constants(9).kappa_sq.value == 16
    with pytest.raises(WrongUse, match="larger than the dimension"):
        Rotated(TopK(k=9)).compress(np.ones(8), Draw(seed=0))
    Rotated(TopK(k=8)).compress(np.ones(5), Draw(seed=0))


def test_a_rotation_helps_where_one_entry_is_large() -> None:
    spike = np.eye(8)[:1, None]
    assert ScaledSign().expected_error(spike).item() == pytest.approx(7 / 8, rel=1e-14)
    assert Rotated(ScaledSign()).expected_error(spike).item() == pytest.approx(0, abs=1e-15)
    assert Rotated(TopK(k=7)).expected_error(spike).item() == pytest.approx(1 / 8, rel=1e-14)


def test_every_worker_has_a_rotation_of_its_own_unless_the_inner_compressor_shares() -> None:
    x = np.ones((2, 3, 8)) + np.arange(8)
    draw = Draw(seed=[1, 2], workers=3)
    own, common = Rotated(TopK(k=1)), Rotated(RandK(k=3, common=True))
    sent = own.compress(x, draw.per_worker)
    assert not (sent == sent[:, :1]).all()
    assert not own.shared
    sent = common.compress(x, draw)
    assert (sent == sent[:, :1]).all()
    assert common.shared
    with pytest.raises(WrongUse, match="must draw the same"):
        common.compress(x, draw.per_worker)


def test_messages_of_one_rotation_add_up() -> None:
    compressor, x, draw = Rotated(RandK(k=3, common=True)), gaussian(2, 3, 8), Draw(seed=[1, 2], workers=3)
    assert compressor.summable
    assert not Rotated(Identity()).summable
    parts = compressor.parts(x, draw)
    total = {"kept": parts["kept"][:, :1], "value": parts["value"].sum(axis=1, keepdims=True)}
    sums = compressor.assemble(total, draw, 8, x.dtype)
    np.testing.assert_allclose(sums, compressor.compress(x, draw).sum(axis=1, keepdims=True), atol=ROUNDING)


def test_a_swept_field_inside_equals_separate_compressors() -> None:
    x, draw = gaussian(3, 2, 8), Draw(seed=[1, 2, 3], workers=2).per_worker
    swept = bind(Rotated(QSGD(s=1)), {("compressor", "s"): np.array([1, 2, 9])[:, None, None]})
    sent, error = swept.message(x, draw), swept.expected_error(x)
    for run, s in enumerate((1, 2, 9)):
        alone = Rotated(QSGD(s=s))
        own = Draw(seed=run + 1, workers=2).per_worker
        assert (alone.message(x[run : run + 1], own) == sent[run]).all()
        np.testing.assert_allclose(alone.expected_error(x[run : run + 1])[0], error[run], rtol=1e-13)


def test_the_seed_and_the_padding_are_charged() -> None:
    assert Rotated(ScaledSign()).price(1, 5, "float32") == 8 + 32 + 32
    bits = ledger(Rotated(ScaledSign()), gaussian(5, dtype="float32"), Draw(seed=1))
    assert (bits.encoded.item(), bits.side.item()) == (8 + 32 + 32, 64)
    threshold, x, draw = Rotated(HardThreshold(raw=0.5)), gaussian(5), Draw(seed=1)
    parts = threshold.parts(x[None, None], draw)
    inner = HardThreshold(raw=0.5).price_of(HardThreshold(raw=0.5).assemble(parts, None, 8, x.dtype))
    assert ledger(threshold, x, draw).formula == inner + 32


def test_a_threshold_inside_is_turned_into_the_unit_of_the_messages() -> None:
    assert Rotated(HardThreshold(lam=3.0)).for_messages("iterate", 0.5) == Rotated(HardThreshold(raw=1.5))


def test_only_compressors_are_rotated() -> None:
    with pytest.raises(WrongUse, match="not a compressor"):
        Rotated(3)


# DRIVE and EDEN.

LEAST = "least-squares"
ONE_BIT = 1 - 2 / np.pi


def relative_error(sent: np.ndarray, x: np.ndarray) -> np.ndarray:
    return ((sent - x) ** 2).sum(axis=-1) / (x**2).sum(axis=-1)


def test_drive_is_eden_with_one_bit_and_a_rotated_scaled_sign() -> None:
    x, draw = gaussian(3, 2, 37), Draw(seed=[1, 2, 3], workers=2).per_worker
    for scale in ("aligned", LEAST):
        assert (Drive(scale).compress(x, draw) == Eden(1, scale).compress(x, draw)).all()
    np.testing.assert_allclose(Drive(LEAST).compress(x, draw), Rotated(ScaledSign()).compress(x, draw), atol=1e-14)


@pytest.mark.parametrize("bits", [1, 2, 5])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("scale", [1e-30, 1.0, 1e30])
def test_the_scale_is_fitted(bits, dtype, scale) -> None:
    x = (scale * gaussian(3, 2, 64)).astype(dtype)
    draw, eps = Draw(seed=[1, 2, 3], workers=2).per_worker, 64 * np.finfo(dtype).eps
    aligned, least = (Eden(bits, fit).compress(x, draw).astype(float) / scale for fit in ("aligned", LEAST))
    x = x.astype(float) / scale
    np.testing.assert_allclose((aligned * x).sum(axis=-1), (x**2).sum(axis=-1), rtol=eps)
    np.testing.assert_allclose((least * (least - x)).sum(axis=-1), 0, atol=eps * 64)
    assert (relative_error(least, x) <= relative_error(aligned, x)).all()
    padded = Eden(bits).compress(x[..., :50], draw)
    np.testing.assert_allclose((padded * x[..., :50]).sum(axis=-1), (x[..., :50] ** 2).sum(axis=-1), rtol=1e-12)


def test_the_aligned_form_is_biased_for_this_rotation() -> None:
    x = np.array([[[3.0, 1.0]]])
    every = outcomes(Drive(), x)
    np.testing.assert_allclose(every.sent, np.broadcast_to([10 / 3, 0.0], every.sent.shape), atol=1e-14)
    assert (
        vars(Drive().constants(2)) == vars(Eden(3).constants(2)) == dict.fromkeys(["delta", "omega", "kappa_sq", "ab"])
    )


def test_the_aligned_form_is_unbiased_for_a_uniform_rotation() -> None:
    """20000 uniformly distributed rotations, the coordinates of the mean together at 1e-6 (asymptotic, t)."""
    rng = np.random.default_rng(5)
    rotation, triangle = np.linalg.qr(rng.standard_normal((20000, 4, 4)))
    rotation *= np.sign(np.diagonal(triangle, axis1=1, axis2=2))[:, None]
    x = np.array([3.0, 1.0, 0.0, -0.5])
    for compressor in (Drive(), Eden(2)):
        sent = compressor.rotated.message(np.ascontiguousarray(rotation @ x)[:, None], None)
        mean = mean_interval((rotation.swapaxes(1, 2) @ sent[:, 0, :, None])[..., 0], 1e-6, simultaneous=True)
        assert ((mean.low <= x) & (x <= mean.high)).all()
        assert (mean.high - mean.low).max() < 0.2


def test_the_error_of_one_bit_under_a_uniform_rotation_is_known_in_every_dimension() -> None:
    """A rotated vector is distributed like a normal one; 20000 of them, at 1e-6 (asymptotic, t)."""
    for d in (2, 8, 64):
        y = gaussian(20000, 1, d, seed=d)
        errors = mean_interval(relative_error(Drive(LEAST).rotated.message(y, None), y), 1e-6)
        assert errors.low <= ONE_BIT * (1 - 1 / d) <= errors.high


@pytest.mark.parametrize("bits", [1, 2, 3, 4])
def test_errors_tend_to_the_distortion_of_the_levels(bits) -> None:
    """256 normal vectors in dimension 4096, the mean error at 1e-6 (asymptotic, t).

    The limits are met to 8/d: the variance of ‖y‖₁/√d, and of ⟨q, y⟩/√d, is of order 1/d.
    """
    y, distortion = gaussian(256, 1, 4096, seed=bits), LloydMax(levels=2**bits).distortion()
    for scale, limit in ((LEAST, distortion), ("aligned", 1 / (1 - distortion) - 1)):
        errors = mean_interval(relative_error(Eden(bits, scale).rotated.message(y, None), y), 1e-6)
        assert errors.low - 8 / 4096 <= limit <= errors.high + 8 / 4096
        assert errors.high - errors.low < 0.06 * limit
    if bits == 1:
        assert distortion == pytest.approx(ONE_BIT, rel=1e-12)
        assert 1 / (1 - distortion) - 1 == pytest.approx(np.pi / 2 - 1, rel=1e-12)


def test_a_vector_of_small_entries_has_the_limits_under_this_rotation_too_and_others_have_not() -> None:
    """Gaussian x in dimension 2¹⁴ under 64 rotations, the mean error at 1e-6 (asymptotic, t).

    √D y_j/‖x‖ is a sum of random signs times x_i/‖x‖, so E|y_j| is the normal one to within Σ|x_i|³/‖x‖³ = 0.0125
    (Berry–Esseen in mean), which moves the error of least squares by 0.02 and the aligned one by 0.05.
    """
    d = 2**14
    x, draw = np.broadcast_to(gaussian(d), (64, 1, d)).copy(), Draw(seed=np.arange(64))
    assert (np.abs(x[0]) ** 3).sum() / (x[0] ** 2).sum() ** 1.5 < 0.0126
    for scale, limit, shift in ((LEAST, ONE_BIT, 0.02), ("aligned", np.pi / 2 - 1, 0.05)):
        errors = mean_interval(relative_error(Drive(scale).compress(x, draw), x), 1e-6)
        assert errors.low - shift <= limit <= errors.high + shift
    pair = np.zeros((64, 1, 1024))
    pair[..., [5, 700]] = 1.0
    np.testing.assert_allclose(relative_error(Drive(LEAST).compress(pair, draw), pair), 1 / 2, rtol=1e-12)
    np.testing.assert_allclose(relative_error(Drive().compress(pair, draw), pair), 1, rtol=1e-12)


@pytest.mark.parametrize("d", range(2, 10))
def test_the_contraction_of_one_bit_is_reached_by_two_equal_entries(d) -> None:
    x = np.zeros((1, 1, d))
    x[..., :2] = 1.0
    for compressor in (Drive(LEAST), Rotated(ScaledSign())):
        assert compressor.expected_error(x).item() == pytest.approx(1.0, rel=1e-13)
    constant = Drive(LEAST).constants(d).delta
    assert (float(constant), constant.kind) == (0.5, "exact")
    assert float(Drive(LEAST).constants(1).delta) == float(Eden(3, LEAST).constants(1).delta) == 1


@pytest.mark.parametrize("bits", [1, 2, 3, 8])
def test_the_contraction_bounds_the_error_of_vectors_of_every_kind(bits) -> None:
    compressor, rng = Eden(bits, LEAST), np.random.default_rng(bits)
    for d in (2, 3, 5, 8):
        families = [
            np.eye(d),
            np.tril(np.ones((d, d))),
            rng.standard_normal((30, d)),
            rng.standard_normal((30, d)) ** 5,
        ]
        x = np.concatenate(families)[:, None]
        error = compressor.expected_error(x) / (x**2).sum(axis=-1)
        assert (error <= 1 - float(compressor.constants(d).delta) + 1e-12).all()
    assert [float(Eden(b, LEAST).constants(8).delta) for b in range(1, 9)] == sorted(
        float(Eden(b, LEAST).constants(8).delta) for b in range(1, 9)
    )


def test_the_price_of_bits_counts_the_padding_and_the_seed() -> None:
    assert Drive().price(1, 50, "float32") == 64 + 32 + 32
    assert Eden(3).price(1, 64, float) == 3 * 64 + 64 + 32
    for compressor in (Drive(), Eden(3)):
        bits = ledger(compressor, gaussian(50, dtype="float32"), Draw(seed=1))
        assert bits.encoded.item() == bits.formula.item()


@pytest.mark.parametrize(
    ("make", "wrong"),
    [
        (lambda: Drive("unbiased"), "none of its choices"),
        (lambda: Eden(0), "at least 1"),
        (lambda: Eden(9), "at most 8"),
        (lambda: Eden([1, 2]), "shapes the message"),
        (lambda: Eden(1, "best"), "none of its choices"),
    ],
)
def test_impossible_bits_are_refused(make, wrong) -> None:
    with pytest.raises(WrongUse, match=wrong):
        make()
