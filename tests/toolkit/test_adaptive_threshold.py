"""The adaptive threshold: what it sends on average, and how both sides come to know it."""

from __future__ import annotations

import math

import numpy as np
import pytest

from problems import Quadratic
from proofs_check.statistics import mean_interval
from toolkit import simulate
from toolkit.algorithms import ErrorFeedback
from toolkit.channel import Channel
from toolkit.compressors import AdaptiveThreshold, Identity
from toolkit.draws import Draw
from toolkit.parameters import bind


def sent_over_time(compressor, vectors):
    """Send the vectors, shape (step, run, worker, d); return the counts and the thresholds after each message."""
    channel = Channel(compressor, Identity())
    counts, thresholds = [], []
    for step, x in enumerate(vectors):
        channel.begin(Draw(seed=np.arange(x.shape[0]), step=step, workers=x.shape[1]))
        counts.append(np.count_nonzero(channel.send(x), axis=-1))
        thresholds.append(channel._states["up", "message 0"][("threshold",)][..., 0])
    return np.array(counts), np.array(thresholds)


def test_the_average_count_is_the_wanted_one_up_to_the_movement_of_the_threshold():
    """The identity of the notes, for any data: here scales that wander over three orders of magnitude."""
    rng = np.random.default_rng(0)
    scale = np.exp(np.sin(np.arange(300) / 20) * 3.5)[:, None, None, None]
    vectors = scale * rng.standard_normal((300, 2, 3, 40))
    for count, rate in ((5, 0.1), (0.5, 0.3), (40, 0.2)):
        counts, thresholds = sent_over_time(AdaptiveThreshold(count=count, rate=rate), vectors)
        assert (counts[0] == 40).all()
        assert np.array_equal(thresholds[0], -np.sort(-np.abs(vectors[0]))[..., math.ceil(count) - 1])
        excess = np.cumsum(counts[1:] - count, axis=0)
        np.testing.assert_allclose(excess, count / rate * np.log(thresholds[1:] / thresholds[0]), atol=1e-8)


@pytest.mark.parametrize("count", [1, 5, 20.5])
def test_the_average_count_is_reached_on_stationary_data(count):
    """Standard normal vectors: the mean count over 200 messages, after 100 others, of 64 independent runs.

    The t limits miss the expectation with probability 1e-6 (asymptotic). That θ is not quite stationary adds nothing:
    by the identity the expectation is off by count/(rate·200) times the change of E log θ over the 200 messages, and
    runs that begin 100 messages apart show no such change.
    """
    vectors = np.random.default_rng(1).standard_normal((300, 64, 1, 100))
    counts, _ = sent_over_time(AdaptiveThreshold(count=count), vectors)
    means = mean_interval(counts[100:, :, 0].mean(axis=0), 1e-6)
    assert means.low <= count <= means.high
    assert means.high - means.low < 0.15 * count


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_burst_is_paid_back_by_silence(dtype):
    vectors = np.full((60, 1, 1, 10), 1.0, dtype)  # all or nothing: no threshold sends 2 of 10 equal magnitudes
    counts, _ = sent_over_time(AdaptiveThreshold(count=2, rate=0.1), vectors)
    assert set(counts.ravel().tolist()) == {0, 10}
    assert counts[1:51].mean() == pytest.approx(2, abs=10 / 50)
    huge = np.full((3, 1, 1, 10**4), np.finfo(dtype).max / 4, dtype)
    counts, thresholds = sent_over_time(AdaptiveThreshold(count=0.01, threshold=1.0), huge)  # one step of 10⁵ in log θ
    assert (counts.ravel().tolist(), np.isfinite(thresholds).all()) == ([10**4, 0, 0], True)


def test_the_threshold_begins_with_the_first_entries_and_afresh_after_long_silence():
    zeros, one = np.zeros((1, 1, 1, 4)), np.array([1.0, -8.0, 0.0, 2.0]).reshape(1, 1, 1, 4)
    counts, thresholds = sent_over_time(AdaptiveThreshold(count=2), np.concatenate([zeros, one, one]))
    assert (counts.ravel().tolist(), thresholds.ravel()[:2].tolist()) == ([0, 3, 2], [0.0, 2.0])
    counts, thresholds = sent_over_time(AdaptiveThreshold(count=4), np.concatenate([one, one]))
    assert (counts.ravel().tolist(), thresholds.ravel()[0]) == ([3, 3], 1.0)  # fewer than wanted: the least of them
    counts, _ = sent_over_time(AdaptiveThreshold(count=1, rate=800.0, threshold=3.0), np.concatenate([zeros, one, one]))
    assert counts.ravel().tolist() == [0, 3, 1]


def test_the_receiver_knows_the_threshold_from_the_bytes():
    compressor, x = AdaptiveThreshold(count=3), np.random.default_rng(0).standard_normal((3, 4, 20))
    for _ in range(4):
        parts, data = compressor.parts(x, None), compressor.encode(x)
        decoded = compressor.decode(data, 20)
        assert np.array_equal(decoded, compressor.compress(x))
        received = {"sent": decoded != 0, "value": decoded}
        after = compressor.after(parts)["threshold"]
        assert np.array_equal(after, compressor.after(received)["threshold"])
        assert after.shape == (3, 4, 1)
        compressor, x = bind(compressor, {("threshold",): after}), 0.9 * x


def test_a_swept_count_in_a_simulation():
    problem = Quadratic.generate(3, 20, spectrum=(0.2, 1.0), heterogeneity=1.0, sigma_sq=1.0, seed=2)
    setting = dict(stepsize=0.05, steps=150, runs=4, unproven=True)
    swept = simulate(problem, ErrorFeedback(), AdaptiveThreshold(count=[2, 10]), **setting)
    alone = simulate(problem, ErrorFeedback(), AdaptiveThreshold(count=10), **setting)
    assert np.array_equal(swept.f_gap.sel(count=10).values, alone.f_gap.values)
    assert np.array_equal(swept.bits_up.sel(count=10).values, alone.bits_up.values)
    assert (swept.bits_up.sel(count=2) < 0.5 * swept.bits_up.sel(count=10)).isel(step=-1).all()
