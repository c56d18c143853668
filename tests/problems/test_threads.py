"""What a problem computes once has the same bits on one BLAS thread and on two."""

from __future__ import annotations

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from problems import LogisticRegression, Quadratic
from problems._threads import one_blas_thread


def blas_threads():
    return [library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"]


def logistic():
    rng = np.random.default_rng(0)
    problem = LogisticRegression(rng.standard_normal((1000, 200)), rng.choice([-1, 1], 1000), workers=2)
    constants = problem.constants
    return problem.strength, constants.L.value, *constants.L_i.value, problem.f_star, *problem.x_star


def quadratic():
    problem = Quadratic.generate(2, 300, heterogeneity=1.0)
    constants = problem.constants
    return *problem.hessians.ravel(), *problem.linear.ravel(), constants.L.value, constants.mu.value, *problem.x_star


@pytest.mark.parametrize("compute", [logistic, quadratic])
def test_bits_do_not_depend_on_the_number_of_threads(compute):
    with threadpool_limits(1):
        one = compute()
    with threadpool_limits(2):
        two = compute()
    np.testing.assert_array_equal(one, two)


def test_the_number_of_threads_is_put_back():
    with threadpool_limits(2):
        before = blas_threads()
        assert set(one_blas_thread(blas_threads)()) == {1}
        assert blas_threads() == before
