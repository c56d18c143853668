"""signSGD, Signum and majority vote: the published steps, the bits, and what adversaries may do."""

from __future__ import annotations

import numpy as np
import pytest

from problems import CoordinateNoise, Quadratic
from toolkit import simulate
from toolkit.algorithms import SignSGD, Signum
from toolkit.compressors import Identity, MajorityVote, NoisySign, RawSign, ScaledSign, TopK
from toolkit.errors import WrongUse

PULLS = Quadratic(hessians=np.ones((5, 3)), linear=[[1, 1, 9], [2, 1, 9], [9, 1, -9], [9, 1, -9], [9, 1, -9]])


def run(problem, method, **setting):
    setting = {"stepsize": 0.5, "steps": 3, "record": "all", "keep": ("x",), "down": MajorityVote()} | setting
    return simulate(problem, method, setting.pop("up", RawSign()), **setting)


def path(result):
    return result.x.values[0, :, 0]


def test_majority_vote_is_the_published_step():
    x = path(run(PULLS, SignSGD(), x0=[5.0, 5.0, 5.0]))
    expected = [np.array([5.0, 5.0, 5.0])]
    for _ in range(3):
        votes = np.where(expected[-1] - PULLS.linear < 0, -1.0, 1.0)
        expected.append(expected[-1] - 0.5 * np.where(votes.sum(axis=0) < 0, -1.0, 1.0))
    np.testing.assert_array_equal(x, expected)


def test_bits_are_one_per_coordinate_each_way():
    result = run(PULLS, SignSGD(), x0=np.ones(3))
    assert result.bits_up.values[0].tolist() == [0.0, 3.0, 6.0, 9.0]
    assert result.bits_down.values[0].tolist() == [0.0, 3.0, 6.0, 9.0]
    uncompressed = run(PULLS, SignSGD(), x0=np.ones(3), down=None)
    assert uncompressed.bits_down.values[0].tolist() == [0.0, 192.0, 384.0, 576.0]
    ternary = run(Quadratic(hessians=np.ones((1, 4))), SignSGD(), x0=[1.0, 0.0, 0.0, 0.0], up=RawSign(zero=0), steps=1)
    assert float(ternary.bits_up[0, -1]) == 3 + 2 + 1  # how many are not zero, which, and their signs


def test_one_worker_needs_no_vote():
    problem = Quadratic(hessians=[[1.0, 2.0]])
    alone, voted = (run(problem, SignSGD(), x0=[1.2, -0.7], steps=10, down=down) for down in (None, MajorityVote()))
    np.testing.assert_array_equal(path(alone), path(voted))


def test_norm_is_observed():
    result = run(PULLS, SignSGD(), x0=[1.0, -2.0, 3.0], steps=1)
    mean = np.array([1.0, -2.0, 3.0]) - PULLS.linear.mean(axis=0)
    assert float(result.grad_norm_1[0, 0]) == pytest.approx(abs(mean).sum(), rel=1e-15)


def test_signum_is_the_published_step():
    beta, x, momentum = 0.75, np.array([2.0, -1.0]), np.zeros(2)
    problem, expected = Quadratic(hessians=[[1.0, 0.25]]), [x]
    for _ in range(8):
        momentum = beta * momentum + (1 - beta) * np.array([1.0, 0.25]) * x
        x = x - 0.5 * np.sign(momentum)
        expected.append(x)
    result = run(problem, Signum(beta=beta), x0=expected[0], steps=8)
    np.testing.assert_array_equal(path(result), expected)


def test_signum_without_momentum_is_signsgd_and_a_sweep_is_its_cells():
    problem = CoordinateNoise(np.ones(4), np.full(4, 3.0), workers=3, start=np.ones(4))
    plain = run(problem, SignSGD(), runs=3)
    swept = run(problem, Signum(beta=[0.0, 0.5]), runs=3)
    np.testing.assert_array_equal(swept.x.sel(beta=0.0).values, plain.x.values)
    np.testing.assert_array_equal(swept.x.sel(beta=0.5).values, run(problem, Signum(beta=0.5), runs=3).x.values)


def test_undamped_momentum_is_the_sum_of_all_gradients():
    result = run(Quadratic(hessians=[[1.0]]), Signum(beta=1), x0=[1.0], stepsize=1.0, steps=4)
    assert path(result).ravel().tolist() == [1.0, 0.0, -1.0, -2.0, -1.0]  # sums 1, 1, 0 (of which the sign is +), −2


@pytest.mark.parametrize(
    ("adversary", "expected"),
    [
        ("inverting", [-1, -1, -1, 1, 1]),
        ("omniscient", [-1, -1, -1, 1, 1]),
        ("constant", [1, 1, -1, 1, 1]),
    ],
)
def test_what_adversaries_send(adversary, expected):
    """Two of five lie: of the gradients (4, 4, −4, 4, 4) the mean is positive."""
    problem = Quadratic(hessians=np.ones((5, 1)), linear=[[1.0], [1.0], [9.0], [1.0], [1.0]])
    seen = []

    class Watched(SignSGD):
        def manipulated(self, vectors, x, oracle):
            seen.append(np.where(super().manipulated(vectors, x, oracle) < 0, -1, 1)[0, :, 0])
            return super().manipulated(vectors, x, oracle)

    run(problem, Watched(alpha=0.4, adversary=adversary), x0=[5.0], steps=1)
    assert seen[0].tolist() == expected


def test_omniscient_adversaries_are_the_stronger_ones_where_noise_is_large():
    # With S = 0.2 the honest majority of 5 of 9 is hardly better than a coin, and all four others vote wrongly.
    # 400 votes: x goes down by the difference of right and wrong ones.
    problem = CoordinateNoise(np.full(400, 1e-9), np.full(400, 1.0), slopes=np.full(400, 0.2), workers=9)
    x_0 = np.full(400, 1e12)
    moved = {
        adversary: float(
            (path(run(problem, SignSGD(alpha=alpha, adversary=adversary), x0=x_0, steps=1))[1] - x_0).mean()
        )
        for adversary, alpha in (("inverting", 0.0), ("omniscient", 4 / 9))
    }
    assert moved["inverting"] < 0 < moved["omniscient"]


def test_a_swept_fraction_of_adversaries():
    problem = CoordinateNoise(np.ones(4), np.full(4, 3.0), workers=4, start=np.ones(4))
    swept = run(problem, SignSGD(alpha=[0.0, 0.25]), runs=2)
    for alpha in (0.0, 0.25):
        alone = run(problem, SignSGD(alpha=alpha), runs=2)
        np.testing.assert_array_equal(swept.x.sel(alpha=alpha).values, alone.x.values)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: SignSGD(alpha=0.5), "with half no vote is safe"),
        (lambda: SignSGD(alpha=-0.1), r"a number in \[0, 1/2\)"),
        (lambda: SignSGD(adversary="cunning"), "Choose inverting"),
        (lambda: Signum(beta=1.5), r"a number in \[0, 1\]"),
        (lambda: Signum(beta="much"), r"a number in \[0, 1\]"),
        (lambda: run(PULLS, SignSGD(alpha=0.3)), "is not a number of workers"),
        (lambda: run(PULLS, Signum(alpha=0.3)), "is not a number of workers"),
    ],
)
def test_wrong_use_is_refused(wrong, message):
    with pytest.raises(WrongUse, match=message):
        wrong()


def test_only_signs_are_votes():
    for compressor in (RawSign(), RawSign(zero="random"), NoisySign(noise=1.0)):
        assert SignSGD().impossible(compressor) is None
    for compressor in (Identity(), TopK(k=1), ScaledSign()):
        assert "send signs" in SignSGD().impossible(compressor)
    with pytest.raises(WrongUse, match="send signs"):
        run(PULLS, SignSGD(), up=Identity())
