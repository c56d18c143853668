"""A sweep of one-step worst cases against PEPit: compressed descent, error feedback and EF21 at 1,000 points each.

Both solve the same semidefinite programs with Clarabel, on one thread, in one process, rounds interleaved. Ours traces
the method once, on sets of numbers, and solves point by point from arrays. PEPit keeps its model in class-level state,
so that every point is a model of its own; it is timed on fewer points and extended linearly to all. The aim is a fifth
of PEPit's time.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks import interleaved, ratio
from proofs_check.worst_case import Model, solve_all, sweep
from proofs_check.worst_case.settings import best_stepsize, cgd, cgd_best_stepsize, ef21, error_feedback

POINTS, TIMED = 1000, 200  # of a sweep; of them by PEPit
ROUNDS = 3
AIM = 5.0
MODELS: dict[str, Callable[..., Model]] = {"CGD": cgd, "EF": error_feedback, "EF21": ef21}


def points(name: str, count: int) -> np.ndarray:
    """Return rows (μ, s, η), spread over the range where the method contracts."""
    rng = np.random.default_rng(0)
    mu, s, scale = rng.uniform(0.02, 0.6, count), rng.uniform(0.1, 0.9, count), rng.uniform(0.5, 1.0, count)
    best = cgd_best_stepsize if name == "CGD" else best_stepsize
    return np.column_stack([mu, s, scale * best(mu, s)])


def ours(name: str, rows: np.ndarray) -> np.ndarray:
    """Return the worst case at every point, as the public functions give it."""
    return solve_all(MODELS[name](*sweep(*rows.T)))


def theirs(name: str, rows: np.ndarray) -> np.ndarray:
    """Return the same by PEPit, as its examples are written."""
    return np.array([pepit_worst_case(name, *row) for row in rows.tolist()])


def pepit_worst_case(name: str, mu: float, s: float, stepsize: float) -> float:
    """Return one worst case by PEPit."""
    from PEPit import PEP, Point  # type: ignore[import-untyped]
    from PEPit.functions import SmoothStronglyConvexFunction  # type: ignore[import-untyped]

    problem = PEP()
    f = problem.declare_function(SmoothStronglyConvexFunction, mu=mu, L=1.0)
    star = f.stationary_point()
    x = problem.set_initial_point()
    gradient, value = f.oracle(x)
    sent = Point()

    def compressed(given: Any) -> None:
        problem.add_constraint((sent - given) ** 2 <= s**2 * given**2)

    if name == "CGD":
        compressed(gradient)
        problem.set_initial_condition(value - f(star) <= 1)
        problem.set_performance_metric(f(x - stepsize * sent) - f(star))
    elif name == "EF":
        memory = Point()
        given = memory + stepsize * gradient
        compressed(given)
        problem.set_initial_condition((x - star - memory) ** 2 + memory**2 / s <= 1)
        left = given - sent
        problem.set_performance_metric((x - sent - star - left) ** 2 + left**2 / s)
    else:
        estimate = Point()
        after = f.gradient(x - stepsize * estimate)
        compressed(after - estimate)
        problem.set_initial_condition((gradient - estimate) ** 2 + s * gradient**2 <= 1)
        problem.set_performance_metric((after - estimate - sent) ** 2 + s * after**2)
    return float(problem.solve(wrapper="cvxpy", solver="CLARABEL", verbose=0))


def measure(name: str) -> dict[str, Any]:
    """Return seconds for all points, the ratio, and how far both are apart at the points that both solved."""
    rows = points(name, POINTS)
    apart = np.abs(ours(name, rows[:TIMED]) / theirs(name, rows[:TIMED]) - 1)
    contestants: dict[str, Callable[[], Any]] = {
        "ours": partial(ours, name, rows),
        "PEPit": partial(theirs, name, rows[:TIMED]),
    }
    with threadpool_limits(1):
        seconds = interleaved(contestants, ROUNDS)
    seconds["PEPit"] = [one * POINTS / TIMED for one in seconds["PEPit"]]
    return {
        "method": name,
        "points": POINTS,
        "ours, seconds": statistics.median(seconds["ours"]),
        f"PEPit with Clarabel, seconds (extended from {TIMED} points)": statistics.median(seconds["PEPit"]),
        "PEPit / ours": ratio(seconds["PEPit"], seconds["ours"]),
        "aim": AIM,
        "largest relative difference of values": float(apart.max()),
        "points without a value": int(np.isnan(ours(name, rows)).sum()),
    }


def run() -> dict[str, Any]:
    """Measure and return everything, as `python -m benchmarks worst_case` prints and writes it."""
    versions = {package: version(package) for package in ("pepit", "cvxpy", "clarabel")}
    return {"worst_case": [measure(name) for name in MODELS], "solvers": versions}
