"""What every compressor promises, on instances of each: see `instances`."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from problems import Quadratic
from proofs_check.statistics import mean_interval
from tests.toolkit.instances import instances, missing
from toolkit import simulate
from toolkit.algorithms import CompressedSGD
from toolkit.cli.inline import build
from toolkit.compressors import Blocks, Composition, FloatFormat, LloydMax, Scaled, ScaledSign, TopK
from toolkit.draws import Draw
from toolkit.errors import WrongUse
from toolkit.ledger import charge
from toolkit.wire import Codec

EVERY = instances()
SEEDS = np.array([7, 8, 9])


def examples(chosen):
    ids = [repr(one.compressor) + f" of {one.workers}" * one.compressor.correlated for one in chosen]
    return pytest.mark.parametrize(("compressor", "n"), chosen, ids=ids)


every = examples(EVERY)
every_random = examples([one for one in EVERY if one.compressor.random])


def draw_of(compressor, n, seeds=SEEDS):
    draw = Draw(seed=seeds, workers=n)
    return draw if compressor.shared else draw.per_worker


def batch(n, d=37, runs=3, seed=0):
    return np.random.default_rng(seed).standard_normal((runs, n, d))


def squares(x):
    """Return Σ x_j² exactly."""
    return float(sum(Fraction(float(value)) ** 2 for value in np.ravel(x)))


def test_every_member_has_an_instance():
    assert not missing()


@every
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_zero_is_sent_as_zero_unless_declared(compressor, n, dtype):
    sent = compressor.compress(np.zeros((3, n, 5), dtype), draw_of(compressor, n))
    assert sent.any() != compressor.fixes_zero


@every
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_number_type_is_kept(compressor, n, dtype):
    x = batch(n).astype(dtype)
    assert compressor.compress(x, draw_of(compressor, n)).dtype == dtype
    error = compressor.expected_error(x)
    assert error is None or error.dtype == dtype


@every
def test_the_input_is_neither_written_nor_shared(compressor, n):
    x, draw = batch(n), draw_of(compressor, n)
    before = x.copy()
    x.flags.writeable = False
    compressor.message(x, draw)
    sent = compressor.compress(x, draw)
    compressor.expected_error(x)
    compressor.encode(x, draw)
    assert np.array_equal(x, before)
    assert not np.shares_memory(sent, x)


@every
def test_a_message_does_not_depend_on_its_batch(compressor, n):
    x = batch(n)
    workers = n if compressor.correlated else 2
    together, error = compressor.compress(x, draw_of(compressor, n)), compressor.expected_error(x)
    assert error is None or error.shape == (3, n)
    for run in range(3):
        alone = compressor.compress(x[run, :workers], draw_of(compressor, workers, SEEDS[run : run + 1]))
        assert np.array_equal(alone, together[run, :workers])
        if error is not None:
            own = compressor.expected_error(x[run : run + 1, :workers])
            assert np.array_equal(own, error[run : run + 1, :workers])


@every
def test_error_feedback_in_one_pass_equals_its_parts(compressor, n):
    draw, scale = draw_of(compressor, n), np.array([0.1, 0.2, 0.3])[:, None, None]
    memory, v = batch(n, seed=1), batch(n, seed=2)
    sent, rest, error = compressor.message_with_memory(memory, v, scale, draw)
    p = memory + scale * v
    assert np.array_equal(sent, compressor.message(p, draw))
    assert np.array_equal(rest, p - sent)
    assert error.shape == (3, n)
    np.testing.assert_allclose(error, (rest**2).sum(axis=-1), rtol=1e-14)


@every
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("d", [1, 5, 37])
def test_bytes_decode_to_the_message(compressor, n, dtype, d):
    try:
        compressor.check(d)
    except WrongUse:
        return  # not in this dimension
    draw, x = draw_of(compressor, n), batch(n, d).astype(dtype)
    x[0, 0, 0], x[1, 0] = -0.0, 0.0
    sent = compressor.compress(x, draw)
    decoded = compressor.decode(compressor.encode(x, draw), d, dtype, draw)
    assert decoded.dtype == dtype
    assert decoded.tobytes() == sent.tobytes()


@every
def test_zeros_are_kept_and_coordinates_selected_exactly_where_declared(compressor, n):
    x = batch(n)
    x[np.random.default_rng(1).random(x.shape) < 0.5] = 0.0
    sent = compressor.compress(x, draw_of(compressor, n))
    assert compressor.keeps_zeros == (not sent[x == 0].any())
    selected = ((sent == x) | (sent == 0)).all()
    assert compressor.selects == selected or isinstance(compressor, Scaled)  # which undoes a factor, up to rounding


def test_what_zeros_are_kept_makes_of_a_composition():
    d, k = 40, 10
    for outer in (FloatFormat("bfloat16"), ScaledSign(zero=0), LloydMax(3, scale="max")):
        of_outer = float(outer.constants(d).delta)
        for inner in (TopK(k=k), Blocks(TopK(k=k), size=d)):
            composition = Composition(outer=outer, inner=inner)
            assert float(composition.constants(d).delta) == pytest.approx(of_outer * k / d, rel=1e-15)


coordinates = st.floats(1e-60, 1e60) | st.floats(0.25, 2.0) | st.just(0.0) | st.sampled_from([1.0, 4 / 3, 1e-20])
signed = st.builds(math.copysign, coordinates, st.sampled_from([1, -1]))


@every
@given(x=st.lists(signed, min_size=5, max_size=5))
def test_the_declared_constants_bound_the_error(compressor, n, x):
    row = np.broadcast_to(np.array(x), (1, n, 5)).copy()
    error, (low, high) = compressor.expected_error(row), compressor.domain(5, row.dtype)
    if error is None or any(value and not low <= abs(value) <= high for value in x):
        return
    norm_sq, constants, error = squares(x), compressor.constants(5, n), float(error[0, 0])
    rounding = 1e-12 * norm_sq
    if constants.delta is not None:
        assert error <= (1 - float(constants.delta)) * norm_sq + rounding
    if constants.omega is not None:
        assert error <= float(constants.omega) * norm_sq + rounding
    if constants.kappa_sq is not None:
        assert error <= float(constants.kappa_sq)


@every_random
def test_the_law_is_drawn_as_declared(compressor, n):
    """The squared errors of 4096 independent runs against `expected_error`, and their mean against x where ω is known.

    Two magnitudes are equal, so that a choice between ties is drawn as well. The limits of the mean are t limits at
    1e-6 for the error and 1e-6 for all coordinates together (asymptotic).
    """
    x = np.broadcast_to(np.array([0.3, 0.7, -1.1, 0.7, 0.05]), (1, n, 5)).copy()
    expected = compressor.expected_error(x)
    sent = compressor.compress(x, draw_of(compressor, n, np.arange(4096)))[:, 0]
    assert len(np.unique(sent, axis=0)) > 1
    if expected is not None:
        errors = mean_interval(((sent - x[:, 0]) ** 2).sum(axis=-1), 1e-6)
        assert errors.low * (1 - 1e-12) <= expected[0, 0] <= errors.high * (1 + 1e-12)  # equal errors: only rounding
    if compressor.constants(5, n).omega is not None:
        mean, rounding = mean_interval(sent, 1e-6, simultaneous=True), 1e-12 * np.abs(x[0, 0])
        assert ((mean.low - rounding <= x[0, 0]) & (x[0, 0] <= mean.high + rounding)).all()


@every
@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_nan_and_infinity_are_refused_by_name(compressor, n, bad):
    with pytest.raises(WrongUse, match=f"holds {bad} at flat position 3"):
        compressor.compress([1.0, 2.0, 3.0, bad, bad], Draw(seed=0))


@every
@pytest.mark.parametrize("codec", [None, Codec()])
def test_a_run_that_diverges_ends_and_leaves_the_others_as_they_are(compressor, n, codec):
    """Between two looks for diverged runs a compressor meets infinities and NaN, and must let the others go on."""
    problem = Quadratic(hessians=np.linspace(1, 2, n * 5).reshape(n, 5))
    setting = {"steps": 17, "seed": 3, "unproven": True, "codec": codec, "x0": np.arange(1.0, 6.0), "record": [17]}
    with np.errstate(all="ignore"):
        both = simulate(problem, CompressedSGD(), compressor, stepsize=[0.01, 1e200], **setting)
        alone = simulate(problem, CompressedSGD(), compressor, stepsize=0.01, **setting)
    for name in alone.data_vars:
        kept = both[name].isel(stepsize=0) if "stepsize" in both[name].dims else both[name]
        assert kept.values.tobytes() == alone[name].values.tobytes(), name


@pytest.mark.parametrize("codec", [None, Codec()])
@pytest.mark.parametrize("name", ["drive", "eden:bits=2", "lloyd-max:levels=3", "dithered-uniform:spacing=0.5"])
def test_what_is_not_finite_is_compressed_without_an_exception(name, codec):
    compressor = build("toolkit.compressors", name)
    x = np.array([np.inf, -np.inf, np.nan, 1.0] * 8)[None, None]
    draw = Draw(seed=0)
    with np.errstate(all="ignore"):
        parts = compressor.parts(x, draw)
        assert compressor.assemble(parts, draw, 32, x.dtype).shape == x.shape
        bits = charge(compressor, x, parts, draw, codec)
    assert np.isnan(bits.encoded).all()
    assert np.isnan(bits.entropy).all()


@every_random
def test_a_random_compressor_needs_a_draw(compressor, n):
    with pytest.raises(WrongUse, match="no draw"):
        compressor.compress(np.ones(5))
