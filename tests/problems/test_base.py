"""A user's own problem needs four names; everything else has a default."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import pytest

from problems import Problem
from toolkit.description import describe


class Cosines(Problem):
    """f_i(x) = Σ_k cos(x_k), the same for both workers."""

    def __init__(self, scale: float) -> None:
        self.workers, self.dimension, self.scale = 2, 3, scale
        self._cache = 7.0

    def value(self, x):
        return np.repeat(self.scale * np.cos(x).sum(axis=-1), 2 // x.shape[1], axis=1)

    @cached_property
    def f_star(self):
        return -3.0 * self.scale


class Bare(Problem):
    workers, dimension = 1, 2


def test_gap_is_the_value_above_the_minimum():
    np.testing.assert_allclose(Cosines(2.0).gap(np.zeros((4, 1, 3))), np.full(4, 12.0))


def test_gap_and_lower_bound_are_none_without_a_minimum():
    assert Bare().gap(np.zeros((1, 1, 2))) is None
    assert Bare().f_inf is None


def test_lower_bound_is_the_minimum_unless_a_problem_says_otherwise():
    problem = Cosines(1.0)
    assert problem.f_inf == problem.f_star == -3.0
    assert type("Bounded", (Bare,), {"f_inf": -1.0})().f_inf == -1.0


def test_description_holds_attributes_and_nothing_computed():
    problem = Cosines(2.0)
    before = describe(problem)
    assert problem.f_star == -6.0
    assert describe(problem) == before
    assert {"workers": 2, "dimension": 3, "scale": 2.0}.items() <= before.items()
    assert "f_star" not in before


def test_a_minimum_given_by_hand_is_described():
    problem = Bare()
    problem.f_star = 0.5
    assert describe(problem)["f_star"] == 0.5
    assert problem.f_inf == 0.5


def test_what_is_not_written_says_so():
    x = np.zeros((1, 1, 2))
    with pytest.raises(TypeError, match=r"define value\(x\)"):
        Bare().value(x)
    with pytest.raises(TypeError, match=r"define gradient\(x\)"):
        Bare().gradient(x)
    with pytest.raises(TypeError, match="batch='full'"):
        Bare().stochastic_gradient(x, None, 1)
