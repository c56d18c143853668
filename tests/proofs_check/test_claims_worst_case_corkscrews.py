"""Corkscrews of error feedback: that they are trajectories of a function of the class, and what breaks their proof."""

from __future__ import annotations

from fractions import Fraction as Q

import numpy as np
import pytest
from latex2mathml.converter import convert
from scipy.optimize import nnls

from proofs_check.claims.worst_case.corkscrews import Corkscrews
from proofs_check.worst_case.corkscrew import PATHS, TURNS, Corkscrew, unproved
from proofs_check.worst_case.ordering_points import ERRORS, POINTS
from proofs_check.worst_case.spiral import gain_limit, spiral_factor
from proofs_check.worst_case.zigzag import best_zigzag_factor
from tests.proofs_check.judging import record_of


def test_verdict_is_the_expected_one():
    record = record_of(Corkscrews())
    assert {one["verdict"] for one in record["instances"]} == {"holds"}, record["reason"]
    assert "\\" not in convert(Corkscrews.statement)


def test_spirals_alone_leave_it_open_and_no_certificate_contradicts():
    for kappa, s in PATHS:
        assert gain_limit(1 / kappa, float(s)) > 1
        if s in ERRORS:
            assert POINTS[kappa][ERRORS.index(s)][1] < 10_000


@pytest.mark.parametrize(("kappa", "s"), PATHS)
def test_a_corkscrew_is_a_trajectory(kappa, s):
    """With the projection on the cone by least squares, and messages as the trajectory has them."""
    mu, (m, paths) = 1 / kappa, PATHS[kappa, s]
    r = float(best_zigzag_factor(mu, float(s))) ** 0.5
    y, q = (float(a + b) / 2 for a, b in zip(*paths[0][:2], strict=True))
    one, turn = Corkscrew(mu, float(s), r, m, y, q), TURNS[m]
    eta = one.stepsize
    assert max(spiral_factor(mu, float(s), eta), spiral_factor(1.0, float(s), eta)) < r * r
    angle = 2 * np.pi / m
    U = np.array([[1, 0, 0], [0, np.cos(angle), -np.sin(angle)], [0, np.sin(angle), np.cos(angle)]])
    across = q * np.array(turn.normal) * [1, turn.weight**0.5]
    p, n = np.array([1, y, 0]), np.array([-y * across[0], *across])
    rays = np.column_stack([np.linalg.matrix_power(U, k) @ p for k in range(m)])

    def value_and_gradient(x):
        away = x - rays @ nnls(rays, x)[0]
        return (mu * x @ x + (1 - mu) * away @ away) / 2, mu * x + (1 - mu) * away

    x = p + n
    first, g = value_and_gradient(x)
    memory = x - eta * np.linalg.solve(np.eye(3) - r * U, g)
    for t in range(25):
        f, g = value_and_gradient(x)
        assert f == pytest.approx(r ** (2 * t) * first, rel=1e-9)
        wanted = memory + eta * g
        sent = x - r * U @ x
        left = wanted - sent
        assert left @ sent == pytest.approx(0, abs=1e-9 * (wanted @ wanted))
        assert left @ left < float(s) ** 2 * (wanted @ wanted)
        x, memory = x - sent, left


@pytest.mark.parametrize(
    ("change", "lacks"),
    [
        (lambda m, paths: (m, (paths[0][:-1],)), "larger step sizes"),
        (lambda m, paths: (m, (paths[0][1:],)), "smaller step sizes"),
        (lambda m, paths: (m, (paths[0][:2], paths[0][2:])), "left out between paths"),
        (lambda m, paths: (m, ([(y, q * Q(6, 5)) for y, q in paths[0]],)), "step sizes"),
        (lambda m, paths: (3, paths), "the message projects"),
        (lambda m, paths: (m, ([(-y, q) for y, q in paths[0]],)), "y ≥ 0"),
    ],
)
def test_a_changed_path_proves_nothing(change, lacks):
    point = (4, Q(2, 9))

    class Mutant(Corkscrews):
        def paths(self):
            return {point: change(*PATHS[point])}

    (instance,) = record_of(Mutant())["instances"]
    assert instance["verdict"] == "violated"
    assert lacks in instance["reason"]


def test_where_error_feedback_is_better_there_is_no_corkscrew():
    failed = unproved(Q(1, 20), Q(2, 9), *PATHS[4, Q(2, 9)])
    assert any("projects" in one for one in failed)
