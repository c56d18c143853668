"""EF-GD-star against error feedback on the shifted functions; and the hard threshold without a memory."""

from __future__ import annotations

import numpy as np
import pytest

from problems import LogisticRegression, Quadratic
from toolkit import pairs, simulate
from toolkit.algorithms import CompressedSGD, EFGDStar, ErrorFeedback
from toolkit.compressors import QSGD, HardThreshold, TopK
from toolkit.errors import WrongUse


def unlike() -> Quadratic:
    """Return a quadratic in small dyadic numbers whose minimiser, (1, 2, −1), is exact."""
    hessians = np.array([[1.0, 0.5, 0.25], [0.5, 0.5, 0.75]])
    shift = np.array([[2.0, -1.0, 0.5], [-2.0, 1.0, -0.5]])
    return Quadratic(hessians, hessians * [1.0, 2.0, -1.0] + shift, start=np.array([4.0, -1.0, 3.0]))


@pytest.mark.parametrize("compressor", [TopK(k=1), HardThreshold(lam=1.0)])
def test_it_is_error_feedback_on_the_shifted_functions(compressor):
    problem = unlike()
    assert problem.x_star.tolist() == [1.0, 2.0, -1.0]
    shifted = Quadratic(problem.hessians, problem.hessians * problem.x_star, start=problem.start)
    settings = {"stepsize": 0.5, "steps": 12, "record": "all", "keep": ("x", "memory")}
    ours = simulate(problem, EFGDStar(), compressor, **settings)
    theirs = simulate(shifted, ErrorFeedback(), compressor, **settings)
    # Every number is dyadic and short, so nothing is rounded: H(x − x*) is the same however it is added up.
    for name in ("x", "memory", "bits_up", "total_error", "memory_norm_sq", "local_grad_norm_sq"):
        assert np.array_equal(ours[name], theirs[name]), name
    plain = simulate(problem, ErrorFeedback(), compressor, **settings)
    assert not np.array_equal(ours.x, plain.x)


def test_the_shift_costs_no_oracle_call():
    result = simulate(unlike(), EFGDStar(), TopK(k=1), stepsize=0.5, steps=7)
    assert result.oracle_calls.values[0, -1] == 7


class Single:
    """Squared distances in single precision."""

    workers, dimension = 2, 3
    target = np.array([[1.0, 2.0, 3.0], [3.0, 4.0, 8.0]], dtype=np.float32)
    x_star = target.astype(float).mean(axis=0)

    def value(self, x):
        return ((x - self.target) ** 2).sum(axis=-1) / 2

    def gradient(self, x):
        assert x.dtype == np.float32
        return x - self.target


def test_single_precision_stays():
    result = simulate(Single(), EFGDStar(), TopK(k=1), stepsize=0.5, steps=90, x0=np.ones(3, dtype=np.float32))
    assert result.f.values[0, -1] == Single().value(Single.x_star.astype(np.float32)[None, None]).mean()


def test_without_a_known_minimiser_it_is_refused():
    problem = LogisticRegression.on("breast-cancer", 4, "nonconvex")
    with pytest.raises(WrongUse, match="gradients at the minimiser of LogisticRegression: the problem has no x_star"):
        simulate(problem, EFGDStar(), TopK(k=1), stepsize=0.01, steps=1)


def test_what_no_real_worker_can_do_is_not_suggested():
    assert pairs.judge(EFGDStar(), TopK(k=1), 10).verdict == "supported"
    assert pairs.judge(EFGDStar(), HardThreshold(lam=1.0), 10).verdict == "supported"
    assert pairs.judge(EFGDStar(), QSGD(s=1), 10).verdict == "unproven"
    assert "EFGDStar" not in pairs.judge(CompressedSGD(), TopK(k=1), 10).remedy


def test_without_a_memory_the_threshold_is_unproven_and_stands_still_below_it():
    problem = Quadratic(hessians=np.array([[1.0, 0.5]]), start=np.array([8.0, 8.0]))
    settings = {"stepsize": 0.5, "steps": 60, "record": "all", "keep": ("x",)}
    with pytest.raises(WrongUse, match="unproven"):
        simulate(problem, CompressedSGD(), HardThreshold(lam=1.0), **settings)
    x = simulate(problem, CompressedSGD(), HardThreshold(lam=1.0), unproven=True, **settings).x.values[0, :, 0]
    # Its messages are gradients: each coordinate moves while |∇_j f| ≥ λ, and then for good no more.
    path = [problem.start]
    for _ in range(60):
        gradient = problem.hessians[0] * path[-1]
        path.append(path[-1] - 0.5 * np.where(abs(gradient) >= 1.0, gradient, 0.0))
    assert np.array_equal(x, path)
    assert (x[-1] == x[-20]).all()
    assert (x[-1] >= 0.5).all()
