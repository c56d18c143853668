"""Rotated compressors: the fast transform, what a rotation carries over, and what it improves."""

from __future__ import annotations

import array_api_strict
import numpy as np
import pytest
import scipy.linalg

from proofs_check.outcomes import outcomes
from toolkit.compressors import QSGD, HardThreshold, Identity, RandK, Rotated, ScaledSign, TopK
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
    with pytest.raises(WrongUse, match="otate a compressor of a fixed price"):
        ledger(Rotated(HardThreshold(raw=1.0)), gaussian(5), Draw(seed=1))


def test_a_threshold_inside_is_turned_into_the_unit_of_the_messages() -> None:
    assert Rotated(HardThreshold(lam=3.0)).for_messages("iterate", 0.5) == Rotated(HardThreshold(raw=1.5))


def test_only_compressors_are_rotated() -> None:
    with pytest.raises(WrongUse, match="not a compressor"):
        Rotated(3)
