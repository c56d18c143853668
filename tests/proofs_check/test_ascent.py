"""The search itself: extremal starts, climbs from random vectors, scales, jumps and limits."""

from __future__ import annotations

import numpy as np
import pytest

from proofs_check.ascent import maximise
from proofs_check.families import families, starts
from toolkit.compressors.qsgd import QSGD
from toolkit.compressors.scaled_sign import ScaledSign
from toolkit.draws import Draw

ANYWHERE = (1e-60, 1e60)


def search(function, d, **changes):
    """Climb from random vectors only."""
    options = {"magnitudes": ANYWHERE, "restarts": 12, "steps": 80} | changes
    return maximise(function, {"random": Draw(np.arange(64)).normal(d)}, **options)


def relative_error(compressor):
    def ratio(x):
        return (compressor.expected_error(x) / (x**2).sum(axis=-1))[:, 0]

    return ratio


@pytest.mark.parametrize(
    ("compressor", "supremum"),
    [(QSGD(s=1), 8**0.5 - 1), (QSGD(s=2), 0.5), (ScaledSign(zero=1), 7 / 8), (ScaledSign(zero=0), 7 / 8)],
    ids=repr,
)
def test_a_climb_from_random_vectors_reaches_the_supremum(compressor, supremum):
    best = search(relative_error(compressor), 8)
    assert best.value == pytest.approx(supremum, rel=1e-9)
    assert best.where == "ascent from: random"
    assert relative_error(compressor)(best.x[None])[0] == best.value


def test_a_smooth_maximum_is_found_closely():
    target = np.array([1.0, -2.0, 3.0, 0.5, 7.0])
    best = search(lambda x: -((x - target) ** 2).sum(axis=(1, 2)), 5, steps=150)
    np.testing.assert_allclose(best.x[0], target, atol=1e-6)


def test_a_supremum_at_a_jump_is_approached_and_not_reached():
    def below_one(x):
        return np.where(np.abs(x) < 1, np.abs(x), 0).sum(axis=(1, 2))

    best = search(below_one, 6)
    assert 6 - 1e-11 < best.value < 6
    assert np.abs(best.x).max() < 1


@pytest.mark.parametrize("scale", [1e-50, 1e-3, 1e7, 1e50])
def test_the_scale_is_found(scale):
    """The largest value is 1, at entries of one magnitude, the scale, from which all starts are far away."""

    def at_scale(x):
        return np.exp(-(np.log(np.abs(x).max(axis=-1) / scale) ** 2))[:, 0]

    assert search(at_scale, 3).value == pytest.approx(1, rel=1e-12)


def test_a_function_without_a_scale_is_not_asked_at_many():
    """What the limits of the magnitudes rule out at some scales says nothing about the scale."""
    given = {"wide": np.concatenate([np.ones((1, 1, 3)), np.full((1, 1, 3), 1e5)])}

    def evaluations(function):
        return maximise(function, given, magnitudes=(1e-60, 1e60), restarts=1, steps=0).evaluations

    flat = evaluations(lambda x: (x**2).sum(axis=(1, 2)) / np.abs(x).max(axis=(1, 2)) ** 2)
    steep = evaluations(lambda x: np.abs(x).sum(axis=(1, 2)))
    assert steep - flat == 2 * (3 - 1)  # the two starts at three scales instead of one


def test_candidates_stay_within_the_magnitudes():
    best = search(lambda x: np.abs(x).max(axis=(1, 2)), 4, magnitudes=(1e-3, 100.0))
    assert 99 < best.value <= 100
    best = search(lambda x: -np.abs(x).max(axis=(1, 2)) - 9 * (x[:, 0, 0] == 0), 4, magnitudes=(1e-3, 100.0))
    assert -1.1e-3 < best.value <= -1e-3


def test_candidates_are_projected_where_no_power_of_two_is_allowed():
    best = search(lambda x: np.abs(x).sum(axis=(1, 2)), 3, magnitudes=(1.2, 1.4))
    assert np.abs(best.x).tolist() == [[1.4] * 3]


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_not_finite_is_the_worst(bad):
    best = search(lambda x: np.where(x[:, 0, 0] > 2, bad, 0.0), 3)
    assert best.value == np.inf
    assert best.x[0, 0] > 2


def test_large_dimensions_are_climbed_in_blocks():
    best = search(lambda x: -np.abs(x - 1).sum(axis=(1, 2)), 100, restarts=3, steps=200)
    start = -np.abs(Draw(np.arange(64)).normal(100) - 1).sum(axis=(1, 2)).max()
    assert best.value > start / 4


def test_a_start_that_cannot_be_improved_is_returned_as_it_is():
    given = {"ones": np.ones((1, 1, 5)), "more ones": np.ones((1, 1, 5))}
    best = maximise(relative_error(QSGD(s=1)), given, magnitudes=ANYWHERE, restarts=2, steps=30)
    assert (best.where, best.x.tolist()) == ("ones", [[1.0] * 5])
    assert best.names == ("ones", "more ones", "ascent from: ones", "ascent from: more ones")
    assert len(best.finalists) == 4


def test_all_candidates_are_counted():
    seen = []

    def counting(x):
        seen.append(len(x))
        return x[:, 0, 0]

    assert search(counting, 3, steps=5).evaluations == sum(seen)


@pytest.mark.parametrize("d", [1, 2, 3, 40])
def test_families_are_finite_and_of_their_dimension(d):
    for name, x in families(d).items():
        assert x.shape[1:] == (1, d), name
        assert np.isfinite(x).all(), name
        assert x.any(axis=(1, 2)).all() or name == "zero", name


def test_half_levels_have_every_sum_of_squares_there_is():
    """d/4 + 2t is a sum of d squares of half-odd numbers for every t, if d ≥ 3: three triangular numbers make any t."""
    for d in (3, 5):
        sums = {float(square) for square in (families(d)["half levels, three large"] ** 2).sum(axis=-1).ravel()}
        assert {d / 4 + 2 * t for t in range(150)} <= sums


def test_several_workers_start_from_equal_opposite_and_lonely_vectors():
    given = starts(3, 4, count=2)
    assert {x.shape[1:] for x in given.values()} == {(4, 3)}
    one = given["one entry, on one worker"]
    assert (np.count_nonzero(one, axis=(1, 2)) == 1).all()
    assert not given["constant magnitude, with alternating signs"].sum(axis=1).any()
    shifted = given["one entry, shifted from worker to worker"][0]
    assert shifted.argmax(axis=-1).tolist() == [0, 1, 2, 0]
