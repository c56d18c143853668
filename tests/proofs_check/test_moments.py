"""Exact moments: equal to the sum over all paths of small random trees, and to simulated means."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations, product
from math import prod

import numpy as np
import pytest

from problems import Quadratic
from proofs_check.cases import Overshoot
from proofs_check.convergence import curve
from proofs_check.extremal import Shrink
from proofs_check.moments import Model, line, model, moments, solve, stationary
from proofs_check.multipliers import mixture, multipliers, sure
from proofs_check.outcomes import outcomes
from proofs_check.statistics import mean_interval
from toolkit import simulate
from toolkit.algorithms import CompressedSGD, ErrorFeedback
from toolkit.averages import polynomial
from toolkit.compressors import Bernoulli, Identity, RandK, TopK
from toolkit.errors import WrongUse
from toolkit.stepsizes import Decaying

LINEAR = {
    "identity": Identity(),
    "shrink": Shrink(delta=0.75),
    "overshoot": Overshoot(delta=0.75),
    "rand-1": RandK(k=1),
    "rand-2, unbiased": RandK(k=2, unbiased=True),
    "rand-3": RandK(k=3),
    "coins": Bernoulli(p=0.25),
    "coins, unbiased": Bernoulli(p=0.25, unbiased=True),
}


@pytest.mark.parametrize("name", LINEAR)
def test_multipliers_are_those_of_all_outcomes(name):
    compressor, d = LINEAR[name], 3
    law, messages = multipliers(compressor, d), outcomes(compressor, np.ones((1, 1, d)))
    m = messages.sent[:, 0].astype(float)
    np.testing.assert_allclose(law.mean, messages.expect(m)[0], rtol=1e-14)
    np.testing.assert_allclose(law.second, messages.expect(m[:, :, None] * m[:, None, :])[0], rtol=1e-14, atol=1e-16)
    exact = multipliers(compressor, d, Fraction)
    assert {type(entry) for entry in exact.second.ravel()} == {Fraction}
    np.testing.assert_array_equal(exact.second.astype(float), law.second)


def test_what_is_not_linear_is_refused():
    with pytest.raises(WrongUse, match="not known to multiply"):
        multipliers(TopK(k=1), 3)
    with pytest.raises(WrongUse, match="not rational"):
        multipliers(Shrink(delta=0.5), 3, Fraction)
    with pytest.raises(WrongUse, match="no minimiser or no start"):
        model(Quadratic(hessians=[[1.0]]))


def fractions(*rows):
    return np.array([[Fraction(entry) for entry in row] for row in rows], dtype=object)


def a_small_model(workers):
    """Two workers (or one) in the plane with full Hessians, whose gradients at the minimiser differ, with noise."""
    hessians = np.stack([fractions((2, 1), (1, 1)), fractions((1, 0), (0, 3))])[:workers]
    half = Fraction(1, 2)
    noise = np.stack([fractions((1, half), (half, 1)), fractions((4, 0), (0, 0))])[:workers]
    residuals = fractions((1, -2), (-1, 2))[:workers] * (workers - 1)
    return Model(hessians, residuals, noise, fractions((1, -1))[0])


# Every worker's noise, with probabilities, of mean 0 and of the covariances above.
NOISES = [
    [((1, 1), Fraction(3, 8)), ((-1, -1), Fraction(3, 8)), ((1, -1), Fraction(1, 8)), ((-1, 1), Fraction(1, 8))],
    [((2, 0), Fraction(1, 2)), ((-2, 0), Fraction(1, 2))],
]


def masks_of(kind):
    """The multipliers in the plane with their probabilities."""
    if kind == "rand-1":
        return [
            (np.array([i in kept for i in range(2)], dtype=int), Fraction(1, 2)) for kept in combinations(range(2), 1)
        ]
    p = Fraction(1, 4)
    return [(np.array(mask) / p, prod(p if bit else 1 - p for bit in mask)) for mask in product((0, 1), repeat=2)]


def enumerated(of, kind, common, stepsizes, weights, memory):
    """All paths, one by one: E of every quantity that `moments` gives, at the end."""
    n, d = of.shape
    paths = [(Fraction(1), of.start, np.zeros((n, d), dtype=int) * Fraction(1), 0 * of.start)]
    for stepsize, weight in zip(stepsizes, weights, strict=True):
        longer = []
        for probability, u, e, average in paths:
            for noises in product(*NOISES[:n]):
                for masks in product(masks_of(kind), repeat=1 if common else n):
                    chance = prod((p for _, p in (*noises, *masks)), start=probability)
                    m = np.array([masks[0 if common else i][0] for i in range(n)])
                    p = np.array(
                        [
                            (e[i] if memory else 0)
                            + stepsize * (of.hessians[i] @ u + of.residuals[i] + np.array(noises[i][0]))
                            for i in range(n)
                        ]
                    )
                    longer.append((chance, u - (m * p).sum(axis=0) / Fraction(n), p - m * p, average + weight * u))
        paths = longer
    mean_hessian = of.hessians.sum(axis=0) / Fraction(n)

    def expect(value):
        return sum(probability * value(u, e, average) for probability, u, e, average in paths)

    total = sum(weights)
    return {
        "probability": expect(lambda u, e, average: 1),
        "distance_sq": expect(lambda u, e, average: u @ u),
        "f_gap": expect(lambda u, e, average: u @ mean_hessian @ u) / 2,
        "grad_norm_sq": expect(lambda u, e, average: (mean_hessian @ u) @ (mean_hessian @ u)),
        "local_grad_norm_sq": expect(
            lambda u, e, average: sum(((of.hessians[i] @ u + of.residuals[i]) ** 2).sum() for i in range(n))
        )
        / n,
        "memory_norm_sq": expect(lambda u, e, average: (e * e).sum()) / n * memory,
        "f_gap_at_average": expect(lambda u, e, average: average @ mean_hessian @ average) / 2 / total**2,
    }


@pytest.mark.parametrize("memory", [True, False])
@pytest.mark.parametrize(
    ("workers", "kind", "common", "steps"),
    [(1, "rand-1", False, 3), (1, "coins", False, 2), (2, "rand-1", False, 1), (2, "rand-1", True, 2)],
)
def test_moments_are_the_sum_over_all_paths(workers, kind, common, steps, memory):
    of, stepsizes, weights = (
        a_small_model(workers),
        [Fraction(1, 2), Fraction(1, 3), Fraction(1, 5)][:steps],
        [1, 4, 9][:steps],
    )
    compressor = RandK(k=1, common=common) if kind == "rand-1" else Bernoulli(p=0.25, unbiased=True)
    found = moments(of, multipliers(compressor, 2, Fraction), stepsizes, memory=memory, weights=weights)
    wanted = enumerated(of, kind, common, stepsizes, weights, memory)
    assert wanted.pop("probability") == 1
    for name, value in wanted.items():
        got = getattr(found, name)[-1]
        assert got == value, name  # in fractions: not one bit may differ
    noise = sum(np.trace(one) for one in of.noise) / workers
    assert (found.sample_norm_sq == found.local_grad_norm_sq + noise).all()


def test_floating_point_and_fractions_agree():
    of = a_small_model(2)
    rounded = Model(*(getattr(of, name).astype(float) for name in ("hessians", "residuals", "noise", "start")))
    stepsizes, weights = [Fraction(1, 5 + t) for t in range(20)], [(5 + t) ** 2 for t in range(20)]
    exact = moments(of, multipliers(RandK(k=1), 2, Fraction), stepsizes, weights=weights)
    close = moments(rounded, multipliers(RandK(k=1), 2), [float(one) for one in stepsizes], weights=weights)
    for name in ("f_gap", "memory_norm_sq", "sample_norm_sq", "f_gap_at_average"):
        # Each of 20 steps rounds some dozens of products of numbers of like size.
        np.testing.assert_allclose(getattr(close, name), getattr(exact, name).astype(float), rtol=2000 * 2.0**-53)


METHODS = {
    "error feedback": (ErrorFeedback(), RandK(k=2), True),
    "without memory": (CompressedSGD(), RandK(k=2, unbiased=True), False),
}


@pytest.mark.parametrize("name", METHODS)
def test_moments_are_those_of_simulated_runs(name):
    method, compressor, memory = METHODS[name]
    problem = Quadratic.generate(3, 5, heterogeneity=2.0, spread=0.5, sigma_sq=1.0)
    steps, schedule, weight = 40, Decaying(numerator=4.0, shift=20.0), polynomial(20, 2)
    result = simulate(
        problem,
        method,
        compressor,
        stepsize=schedule,
        steps=steps,
        runs=512,
        record="all",
        average={"x": weight},
        progress=False,
    )
    exact = moments(
        model(problem),
        multipliers(compressor, 5),
        [schedule(t + 1) for t in range(steps)],
        memory=memory,
        weights=[(20 + t) ** 2 for t in range(steps)],
    )
    simulated = {"f_gap": exact.f_gap, "grad_norm_sq": exact.grad_norm_sq}
    if memory:
        simulated |= {name: getattr(exact, name) for name in ("memory_norm_sq", "local_grad_norm_sq")}
    # A false alarm has a probability of 1e-6 per curve (t over 512 runs, Bonferroni over the steps); the seed is fixed.
    for curve_name, values in simulated.items():
        interval = mean_interval(curve(result, curve_name), 1e-6, simultaneous=True)
        assert ((interval.low - 1e-12 <= values) & (values <= interval.high + 1e-12)).all(), curve_name
    interval = mean_interval(curve(result, "f_gap_at_average")[:, 1:], 1e-6, simultaneous=True)
    assert ((interval.low - 1e-12 <= exact.f_gap_at_average) & (exact.f_gap_at_average <= interval.high + 1e-12)).all()


def test_without_chance_the_moments_are_the_run():
    problem, T = Quadratic.generate(2, 4, heterogeneity=1.0), 60
    result = simulate(
        problem, ErrorFeedback(), Overshoot(delta=0.75), stepsize=0.25, steps=T, record="all", progress=False
    )
    exact = moments(model(problem), multipliers(Overshoot(delta=0.75), 4), [0.25] * T)
    np.testing.assert_allclose(exact.f_gap, result.f_gap[0], rtol=1e-9)
    np.testing.assert_allclose(exact.memory_norm_sq, result.memory_norm_sq[0], rtol=1e-9, atol=1e-18)


@pytest.mark.parametrize("memory", [True, False])
def test_the_stationary_moments_are_where_a_long_run_ends(memory):
    of = model(Quadratic.generate(2, 3, heterogeneity=1.0, sigma_sq=1.0))
    law = multipliers(RandK(k=1, unbiased=not memory), 3)
    end, limit = moments(of, law, [0.2] * 800, memory=memory), stationary(of, law, 0.2, memory=memory)
    for name in ("f_gap", "grad_norm_sq", "memory_norm_sq", "sample_norm_sq"):
        np.testing.assert_allclose(getattr(end, name)[-1], getattr(limit, name)[0], rtol=1e-10)


def test_stationary_moments_of_the_sheet():
    # E‖∇f‖² over γLσ²/2 + 4γ²L²σ²(1 − δ)/δ² with σ² = E‖g‖²; q is the best one at each γ.
    for gamma, q, ratio in (
        ("1/4", "1/13", 1.0092),
        ("1/2", "1/13", 1.019),
        (1, "1/12", 1.041),
        ("42/25", "43/500", 1.079),
    ):
        gamma, q = Fraction(gamma), Fraction(q)
        limit = stationary(line(Fraction(0), 1), sure(1 + q, 1), gamma)
        bound = limit.sample_norm_sq * (gamma / 2 + 4 * gamma**2 * q**2 / (1 - q**2) ** 2)
        assert float((limit.grad_norm_sq / bound)[0]) == pytest.approx(ratio, abs=1e-3)


def test_elimination():
    matrix = fractions((0, 2), (3, 1))
    assert (matrix @ solve(matrix, fractions((4, 5))[0]) == fractions((4, 5))[0]).all()


def test_a_mixture_is_drawn_anew_for_every_message():
    q = Fraction(1, 3)
    law = mixture((Fraction(1, 2), sure(1 + q, 1)), (Fraction(1, 2), sure(1 - q, 1)))
    # e² is q²p² either way, x moves by p on average: (x − p)² + q²p² with p = γx.
    run = moments(line(Fraction(2), 0), law, [Fraction(1, 4)])
    assert run.distance_sq[1] == Fraction(4) * (Fraction(9, 16) + q**2 / 16)
    assert run.memory_norm_sq[1] == Fraction(4) * q**2 / 16
